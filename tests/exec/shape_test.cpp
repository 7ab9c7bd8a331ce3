#include "freestone/ops/shape.h"

#include <gtest/gtest.h>

#include "exec/grids.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/repeat.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape_axes.h"

namespace freestone {
namespace {

constexpr unsigned kRounds = 25;

/// `position` with axis `axis` set.
Dims with_axis(Dims position, int axis, Index value) {
  position[axis] = value;
  return position;
}

Index modulo(Index a, Index n) { return ((a % n) + n) % n; }

TEST(Concat, JoinsAnyNumberOfArraysAlongAnyAxis) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const int rank = 1 + static_cast<int>(data.pick(3)), axis = static_cast<int>(data.pick(rank));
    const Shape shape = data.shape(rank);
    const DType dtype = data.dtype();
    std::vector<Array> arrays;
    std::vector<Grid> grids;
    Shape joined = shape;
    joined[axis] = 0;
    for (Index i = 0, n = 1 + data.pick(4); i < n; ++i) {
      grids.push_back(data.numbers(Shape(with_axis(shape, axis, data.pick(9)))));
      joined[axis] += grids.back().shape[axis];
      arrays.push_back(data.array(grids.back(), dtype));
    }
    const Grid expected = make_grid(joined, [&](const Dims& at) {
      Index i = at[axis];
      for (const Grid& grid : grids) {
        if (i < grid.shape[axis]) return grid.at(with_axis(at, axis, i));
        i -= grid.shape[axis];
      }
      return -1.0;
    });
    expect_grid(concat(arrays, axis - rank), expected);
  }
}

TEST(Concat, OfReductionsAndArraysMakesOnlyWhatATileNeeds) {
  GridData data(3);
  const Grid x = data.numbers({17, 19});
  const Array a = data.array(x, DType::kFloat64);
  double total = 0;
  for (const double v : x.values) total += v;
  // The sum is a part without kept axes: most tiles do not ask for it.
  const Array flat = concat({reshape(sum(a), {1}), ravel(a), reshape(sum(a, {0}), {19})}, 0);
  expect_grid(flat, make_grid({1 + 17 * 19 + 19}, [&](const Dims& at) {
                if (at[0] == 0) return total;
                if (at[0] <= 17 * 19) return x.values[static_cast<std::size_t>(at[0] - 1)];
                double column = 0;
                for (Index i = 0; i < 17; ++i) column += x.at({i, at[0] - 1 - 17 * 19});
                return column;
              }));
}

TEST(Concat, BesideALargerSiblingLosesNothing) {
  // The larger array is the better anchor, but does not reach the first rows of the other result.
  GridData data(5);
  const Grid x = data.numbers({200, 7}), y = data.numbers({20, 7});
  const Array a = data.array(x, DType::kFloat64), b = data.array(y, DType::kFloat64);
  const Array joined = concat({b, slice(a, {{0, 5}})}, 0);
  const auto both = compute_all({a + 1.0, joined}, with_memory(1 << 24, 2));
  const auto got = numbers_of(both[1]);
  for (Index i = 0; i < 25; ++i)
    for (Index j = 0; j < 7; ++j) ASSERT_EQ(got[static_cast<std::size_t>(i * 7 + j)], i < 20 ? y.at({i, j}) : x.at({i - 20, j})) << i;
}

TEST(Concat, RefusesWhatDoesNotFit) {
  GridData data(1);
  const Array a = data.array(data.numbers({3, 4}), DType::kInt16), b = data.array(data.numbers({3, 5}), DType::kInt16);
  EXPECT_THROW(concat({a, b}, 0), Error);
  EXPECT_THROW(concat({}, 0), Error);
  EXPECT_THROW(concat({a}, 2), Error);
  EXPECT_THROW(stack({a, b}, 0), Error);
  EXPECT_EQ(concat({a, astype(b, DType::kFloat32)}, 1).dtype(), promote(DType::kInt16, DType::kFloat32));
}

TEST(Stack, IsANewAxisAndUnstackTakesItApart) {
  GridData data(2);
  const Grid x = data.numbers({5, 7}), y = data.numbers({5, 7});
  for (const int axis : {0, 1, 2, -1}) {
    const int at_axis = axis < 0 ? axis + 3 : axis;
    Shape shape = x.shape;
    shape.insert(at_axis, 2);
    const Array stacked = stack({data.array(x, DType::kInt32), data.array(y, DType::kInt32)}, axis);
    expect_grid(stacked, make_grid(shape, [&](Dims at) {
                  const bool first = at[at_axis] == 0;
                  at.erase(at_axis);
                  return (first ? x : y).at(at);
                }));
    expect_grid(unstack(stacked, axis)[1], y);
  }
}

TEST(Roll, GoesRoundOnSeveralAxesAndFlat) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3))));
    const Array a = data.array(x, data.dtype());
    const int rank = x.shape.rank(), first = static_cast<int>(data.pick(rank)), second = static_cast<int>(data.pick(rank));
    const Index s = data.pick(100) - 50, t = data.pick(100) - 50;
    expect_grid(roll(a, {s, t}, {first, second}), make_grid(x.shape, [&](Dims at) {
                  at[first] = modulo(at[first] - s, x.shape[first]);
                  at[second] = modulo(at[second] - t, x.shape[second]);
                  return x.at(at);
                }));
    Index n = 0;
    expect_grid(roll(a, s), make_grid(x.shape, [&](const Dims&) {
                  return x.values[static_cast<std::size_t>(modulo(n++ - s, static_cast<Index>(x.values.size())))];
                }));
  }
}

TEST(Diff, EqualsNeighboursTakenApart) {
  GridData data(8);
  const Grid x = data.numbers({11, 6}), p = data.numbers({2, 6});
  const Array a = data.array(x, DType::kInt32);
  expect_grid(diff(a, 1, 0), make_grid({10, 6}, [&](const Dims& at) { return x.at({at[0] + 1, at[1]}) - x.at(at); }));
  expect_grid(diff(a, 2), make_grid({11, 4}, [&](const Dims& at) {
                return x.at({at[0], at[1] + 2}) - 2 * x.at({at[0], at[1] + 1}) + x.at(at);
              }));
  const auto extended = [&](Index i, Index j) { return i < 2 ? p.at({i, j}) : i < 13 ? x.at({i - 2, j}) : 7.0; };
  expect_grid(diff(a, 1, 0, data.array(p, DType::kInt32), full({}, 7, DType::kInt32)),
              make_grid({13, 6}, [&](const Dims& at) { return extended(at[0] + 1, at[1]) - extended(at[0], at[1]); }));
  EXPECT_EQ(diff(a, 0), a);
}

/// A random way to cut a number of elements into axes.
std::vector<Index> split(GridData& data, Index count) {
  std::vector<Index> shape;
  while (count > 1) {
    Index factor = 2 + data.pick(11);
    if (data.pick(3) == 0 || count % factor != 0) {
      for (factor = 2; count % factor != 0;) ++factor;
    }
    shape.push_back(factor);
    count /= factor;
    if (data.pick(4) == 0) shape.push_back(1);
  }
  while (shape.size() > 1 && data.pick(3) != 0) {  // merge neighbours
    const auto at = static_cast<std::size_t>(data.pick(static_cast<Index>(shape.size()) - 1));
    shape[at] *= shape[at + 1];
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  return shape;
}

TEST(Reshape, KeepsCOrderWhateverMergesOrSplits) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Index sizes[] = {1, 2, 24, 60, 97, 360, 1001, 2520, 4096};
    const Index count = sizes[data.pick(9)];
    const Shape from(split(data, count));
    auto to = split(data, count);
    const Grid x = data.numbers(from);
    const Array a = data.array(x, data.dtype());
    const Grid expected{Shape(to), x.values};
    if (!to.empty()) {
      auto open = to;
      open[static_cast<std::size_t>(data.pick(static_cast<Index>(to.size())))] = -1;
      expect_grid(reshape(a, open), expected);
    }
    // Of a slice of a computed array, and of a transpose.
    expect_grid(reshape(a * 2.0, to) + 1.0, make_grid(expected.shape, [&](const Dims& at) { return 2 * expected.at(at) + 1; }));
    const Grid turned = make_grid(transpose(a).shape(), [&](const Dims& at) {
      Dims back = at;
      std::reverse(back.begin(), back.end());
      return x.at(back);
    });
    expect_grid(ravel(transpose(a)), {{count}, turned.values});
  }
}

TEST(Reshape, IsAViewWhereOnlyOnesComeAndGoAndRefusesTheRest) {
  GridData data(1);
  const Array a = data.array(data.numbers({6, 4}), DType::kFloat32);
  EXPECT_TRUE(reshape(a, {1, 6, 1, 4, 1}).node()->op->is_view());
  EXPECT_FALSE(reshape(a, {24}).node()->op->is_view());
  EXPECT_THROW(reshape(a, {5, -1}), Error);
  EXPECT_THROW(reshape(a, {-1, -1}), Error);
  EXPECT_THROW(reshape(a, {23}), Error);
  EXPECT_THROW(reshape(a, {-2, -12}), Error);
  EXPECT_EQ(reshape(zeros({0, 5}), {5, 0, 3}).shape(), (Shape{5, 0, 3}));
  expect_grid(reshape(data.array({{0, 5}, {}}, DType::kFloat32), {0}), {{0}, {}});
  EXPECT_THROW(reshape(zeros({0, 5}), {-1, 0}), Error);
}

TEST(Axes, MoveByNumpysNames) {
  const Array a = zeros({2, 3, 4, 5});
  EXPECT_EQ(moveaxis(a, {0, -1}, {-1, 0}).shape(), (Shape{5, 3, 4, 2}));
  EXPECT_EQ(moveaxis(a, {0}, {2}).shape(), (Shape{3, 4, 2, 5}));
  EXPECT_EQ(swapaxes(a, 1, -1).shape(), (Shape{2, 5, 4, 3}));
  EXPECT_EQ(rollaxis(a, 3, 1).shape(), (Shape{2, 5, 3, 4}));
  EXPECT_EQ(rollaxis(a, 0, 3).shape(), (Shape{3, 4, 2, 5}));
  EXPECT_EQ(expand_dims(a, std::vector<int>{0, -1}).shape(), (Shape{1, 2, 3, 4, 5, 1}));
  EXPECT_EQ(squeeze(reshape(a, {2, 1, 12, 1, 5}), std::vector<int>{}).shape(), (Shape{2, 12, 5}));
  EXPECT_EQ(squeeze(reshape(a, {2, 1, 12, 1, 5}), std::vector<int>{-2}).shape(), (Shape{2, 1, 12, 5}));
  EXPECT_EQ(atleast_nd(zeros({4}), 3).shape(), (Shape{1, 1, 4}));
  EXPECT_EQ(atleast_3d(zeros({4})).shape(), (Shape{1, 4, 1}));
  EXPECT_EQ(atleast_3d(zeros({4, 5})).shape(), (Shape{4, 5, 1}));
  EXPECT_EQ(broadcast_arrays({zeros({4, 1}), zeros({3})})[1].shape(), (Shape{4, 3}));
  EXPECT_THROW(moveaxis(a, {0, 0}, {1, 2}), Error);
  EXPECT_THROW(squeeze(a, std::vector<int>{0}), Error);
  EXPECT_THROW(expand_dims(a, std::vector<int>{0, 0}), Error);

  GridData data(4);
  const Grid x = data.numbers({5, 7, 3});
  const Array b = data.array(x, DType::kInt16);
  expect_grid(flip(b, std::vector<int>{}), make_grid(x.shape, [&](const Dims& at) { return x.at({4 - at[0], 6 - at[1], 2 - at[2]}); }));
  expect_grid(flip(b, std::vector<int>{0, 2}), make_grid(x.shape, [&](const Dims& at) { return x.at({4 - at[0], at[1], 2 - at[2]}); }));
  expect_grid(rot90(b), make_grid({7, 5, 3}, [&](const Dims& at) { return x.at({at[1], 6 - at[0], at[2]}); }));
  expect_grid(rot90(b, 2), make_grid({5, 7, 3}, [&](const Dims& at) { return x.at({4 - at[0], 6 - at[1], at[2]}); }));
  expect_grid(rot90(b, -1), make_grid({7, 5, 3}, [&](const Dims& at) { return x.at({4 - at[1], at[0], at[2]}); }));
}

TEST(Repeat, ElementsByOneCountOrByTheirOwn) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3)), 9));
    const Array a = data.array(x, data.dtype());
    const int axis = static_cast<int>(data.pick(x.shape.rank()));
    const Index times = data.pick(5);
    expect_grid(repeat(a, times, axis), make_grid(with_axis(x.shape, axis, x.shape[axis] * times),
                                                  [&](const Dims& at) { return x.at(with_axis(at, axis, at[axis] / times)); }));
    std::vector<Index> counts, from;
    for (Index i = 0; i < x.shape[axis]; ++i) {
      counts.push_back(data.pick(4));
      from.insert(from.end(), static_cast<std::size_t>(counts.back()), i);
    }
    if (counts.size() == 1) continue;
    expect_grid(repeat(a, counts, axis), make_grid(with_axis(x.shape, axis, static_cast<Index>(from.size())), [&](const Dims& at) {
                  return x.at(with_axis(at, axis, from[static_cast<std::size_t>(at[axis])]));
                }));
  }
}

TEST(Tile, RepeatsTheWhole) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3)), 9));
    std::vector<Index> reps;
    for (Index k = 0, n = 1 + data.pick(4); k < n; ++k) reps.push_back(data.pick(4));
    const int rank = std::max(x.shape.rank(), static_cast<int>(reps.size()));
    Shape shape;
    for (int k = 0; k < rank; ++k) {
      const int of_x = k - rank + x.shape.rank(), of_reps = k - rank + static_cast<int>(reps.size());
      shape.push_back((of_x < 0 ? 1 : x.shape[of_x]) * (of_reps < 0 ? 1 : reps[static_cast<std::size_t>(of_reps)]));
    }
    expect_grid(tile(data.array(x, data.dtype()), reps), make_grid(shape, [&](const Dims& at) {
                  Dims from;
                  for (int k = rank - x.shape.rank(); k < rank; ++k) from.push_back(at[k] % x.shape[k - rank + x.shape.rank()]);
                  return x.at(from);
                }));
  }
}

/// One axis padded, by NumPy's definition of each mode, position by position.
Grid pad_axis(const Grid& x, int axis, PadWidth width, const std::string& mode, std::pair<double, double> values, Index stat, bool odd,
              bool integer) {
  const Index n = x.shape[axis];
  return make_grid(with_axis(x.shape, axis, n + width.before + width.after), [&](const Dims& at) {
    const Index i = at[axis] - width.before;
    const auto on = [&](Index j) { return x.at(with_axis(at, axis, j)); };
    if (i >= 0 && i < n) return on(i);
    const bool left = i < 0;
    if (mode == "constant") return left ? values.first : values.second;
    if (mode == "empty") return 0.0;
    if (mode == "edge") return on(left ? 0 : n - 1);
    if (mode == "wrap") return on(modulo(i, n));
    if (mode == "linear_ramp") {
      const double end = left ? values.first : values.second, edge = on(left ? 0 : n - 1);
      const Index extent = left ? width.before : width.after, step = left ? at[axis] : n + width.after - 1 - i;
      const double v = static_cast<double>(step) * ((edge - end) / static_cast<double>(extent)) + end;
      return integer ? std::floor(v) : v;
    }
    if (mode == "symmetric" || mode == "reflect") {
      if (n == 1) return on(0);
      if (odd) {
        // The odd mirror at an edge, as often as it takes to come inside.
        double sum = 0, sign = 1;
        Index j = i;
        while (j < 0 || j >= n) {
          const Index shift = mode == "symmetric" ? 1 : 0;
          sum += sign * 2 * on(j < 0 ? 0 : n - 1);
          sign = -sign;
          j = j < 0 ? -j - shift : 2 * (n - 1) - j + shift;
        }
        return sum + sign * on(j);
      }
      const Index period = mode == "symmetric" ? 2 * n : 2 * (n - 1), j = modulo(i, period);
      return on(j < n ? j : mode == "symmetric" ? period - 1 - j : period - j);
    }
    const Index length = std::min(n, stat);
    std::vector<double> chunk;
    for (Index j = 0; j < length; ++j) chunk.push_back(on(left ? j : n - length + j));
    std::sort(chunk.begin(), chunk.end());
    if (mode == "minimum") return chunk.front();
    if (mode == "maximum") return chunk.back();
    double v = 0;
    if (mode == "mean") {
      for (const double c : chunk) v += c;
      v /= static_cast<double>(length);
    } else {
      v = (chunk[static_cast<std::size_t>((length - 1) / 2)] + chunk[static_cast<std::size_t>(length / 2)]) / 2;
    }
    return integer ? std::nearbyint(v) : v;
  });
}

TEST(Pad, EveryModeEqualsItsDefinition) {
  const std::string modes[] = {"constant", "edge",    "linear_ramp", "maximum", "mean", "median",
                               "minimum",  "reflect", "symmetric",   "wrap",    "empty"};
  for (const std::string& mode : modes) {
    for (unsigned seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(mode + " " + std::to_string(seed));
      GridData data(seed);
      const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3)), 8), 50);
      const DType types[] = {DType::kInt32, DType::kInt64, DType::kFloat32, DType::kFloat64};
      const DType dtype = types[data.pick(4)];
      const bool odd = data.pick(2) == 0;
      PadOptions options{{}, {}, odd};
      std::vector<PadWidth> widths;
      Grid expected = x;
      std::vector<Index> stats;
      for (int k = 0; k < x.shape.rank(); ++k) {
        widths.push_back({data.pick(12), data.pick(12)});
        options.values.push_back({static_cast<double>(data.pick(9)), static_cast<double>(data.pick(9))});
        stats.push_back(1 + data.pick(9));
        options.stat_length.push_back({stats.back(), stats.back()});
      }
      for (int k = 0; k < x.shape.rank(); ++k) {
        const auto axis = static_cast<std::size_t>(k);
        expected = pad_axis(expected, k, widths[axis], mode, options.values[axis], stats[axis], odd, is_integer(dtype));
        if (dtype == DType::kFloat32)
          for (double& v : expected.values) v = static_cast<double>(static_cast<float>(v));
      }
      expect_grid(pad(data.array(x, dtype), widths, parse_pad_mode(mode), options), expected, is_floating(dtype) ? 1e-6 : 0);
    }
  }
}

TEST(Pad, RefusesWhatHasNoMeaning) {
  EXPECT_THROW(pad(zeros({3}), {{-1, 0}}), Error);
  EXPECT_THROW(pad(zeros({0}), {{1, 0}}, PadMode::kEdge), Error);
  EXPECT_THROW(pad(zeros({3, 3}), {{1, 1}, {1, 1}, {1, 1}}), Error);
  EXPECT_THROW(pad(zeros({3}), {{1, 1}}, PadMode::kMaximum, {.stat_length = {{0, 1}}}), Error);
  EXPECT_THROW(parse_pad_mode("reflekt"), Error);
  expect_grid(pad(zeros({0, 2}), {{1, 0}}), {{1, 2 + 1}, {0, 0, 0}});
}

}  // namespace
}  // namespace freestone
