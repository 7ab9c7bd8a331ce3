#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "exec/grids.h"
#include "freestone/exec/boolean_index.h"
#include "freestone/ops/create.h"
#include "freestone/ops/index.h"
#include "freestone/ops/index_gather.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/plan/plan_json.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

constexpr unsigned kRounds = 25;

std::vector<Index> random_positions(GridData& data, Index count, Index n) {
  std::vector<Index> out;
  for (Index i = 0; i < count; ++i) out.push_back(data.pick(2 * n) - n);
  return out;
}

Index from_start(Index i, Index n) { return i < 0 ? i + n : i; }

TEST(Index, SlicesIntegersNewAxesAndEllipsisAreViews) {
  GridData data(1);
  const Grid x = data.numbers({6, 5, 4});
  const Array a = data.array(x, DType::kInt32);
  const Array part = index(a, {Slice{std::nullopt, std::nullopt, -2}, NewAxis{}, Ellipsis{}, Index{-1}});
  EXPECT_TRUE(part.node()->op->is_view());
  expect_grid(part, make_grid({3, 1, 5}, [&](const Dims& at) { return x.at({5 - 2 * at[0], at[2], 3}); }));
  expect_grid(index(a, {Ellipsis{}, Slice{1, 3}}), make_grid({6, 5, 2}, [&](const Dims& at) { return x.at({at[0], at[1], at[2] + 1}); }));
  EXPECT_EQ(index(a, {}), a);
  EXPECT_THROW(index(a, {Ellipsis{}, Ellipsis{}}), Error);
  EXPECT_THROW(index(a, {Index{6}}), Error);
  EXPECT_THROW(index(a, {Index{0}, Index{0}, Index{0}, Index{0}}), Error);
  EXPECT_THROW(index(a, {IndexArray({6})}), Error);
  EXPECT_THROW(index(a, {IndexArray({1, 2}), IndexArray({1, 2, 3})}), Error);
}

TEST(Index, ArraysStandWhereNumpyPutsThem) {
  GridData data(2);
  const Grid x = data.numbers({6, 5, 4, 3});
  const Array a = data.array(x, DType::kFloat32);
  const std::vector<Index> rows{5, 0, -2}, columns{1, -1, 3};
  const auto r = [&](Index i) { return from_start(rows[static_cast<std::size_t>(i)], 6); };
  const auto c = [&](Index i) { return from_start(columns[static_cast<std::size_t>(i)], 4); };
  // Neighbours: in place.
  const std::vector<Index> second{4, 2, 0};
  expect_grid(index(a, {IndexArray(rows), IndexArray(second)}), make_grid({3, 4, 3}, [&](const Dims& at) {
                return x.at({r(at[0]), second[static_cast<std::size_t>(at[0])], at[1], at[2]});
              }));
  expect_grid(index(a, {Slice{}, IndexArray(second), IndexArray(columns)}), make_grid({6, 3, 3}, [&](const Dims& at) {
                return x.at({at[0], second[static_cast<std::size_t>(at[1])], c(at[1]), at[2]});
              }));
  // Apart: in front.
  expect_grid(index(a, {IndexArray(rows), Slice{}, IndexArray(columns)}), make_grid({3, 5, 3}, [&](const Dims& at) {
                return x.at({r(at[0]), at[1], c(at[0]), at[2]});
              }));
  expect_grid(index(a, {Slice{1, 4}, Index{2}, Slice{}, IndexArray({2, 0})}), make_grid({2, 3, 4}, [&](const Dims& at) {
                return x.at({at[1] + 1, 2, at[2], at[0] == 0 ? 2 : 0});
              }));
  // An integer beside an array is one of them; broadcast n-D.
  expect_grid(index(a, {Index{1}, IndexArray(second)}), make_grid({3, 4, 3}, [&](const Dims& at) {
                return x.at({1, second[static_cast<std::size_t>(at[0])], at[1], at[2]});
              }));
  expect_grid(index(a, {IndexArray(rows, {3, 1}), Slice{}, Slice{}, IndexArray({0, 2})}), make_grid({3, 2, 5, 4}, [&](const Dims& at) {
                return x.at({r(at[0]), at[2], at[3], at[1] == 0 ? 0 : 2});
              }));
  expect_grid(index(a, {IndexArray(rows), NewAxis{}, Slice{1, 3}}), make_grid({3, 1, 2, 4, 3}, [&](const Dims& at) {
                return x.at({r(at[0]), at[2] + 1, at[3], at[4]});
              }));
  // An ellipsis of no axes still stands between.
  EXPECT_EQ(index(zeros_like(slice(a, {Slice::at(0)})), {Slice{}, IndexArray({0, 1}), Ellipsis{}, IndexArray({1, 2})}).shape(),
            (Shape{2, 5}));
  expect_grid(index(a, {IndexArray({2}, {})}), make_grid({5, 4, 3}, [&](const Dims& at) { return x.at({2, at[0], at[1], at[2]}); }));
  expect_grid(index(a, {IndexArray(std::vector<Index>{})}), {{0, 5, 4, 3}, {}});
}

TEST(Index, MasksInMemoryArePositions) {
  GridData data(3);
  const Grid x = data.numbers({5, 4, 6});
  const Array a = data.array(x, DType::kInt64);
  std::vector<bool> mask;
  std::vector<Dims> picked;
  for (Index i = 0; i < 20; ++i) {
    mask.push_back(data.pick(3) == 0);
    if (mask.back()) picked.push_back({i / 4, i % 4});
  }
  const auto n = static_cast<Index>(picked.size());
  expect_grid(index(a, {MaskArray(mask, {5, 4})}), make_grid({n, 6}, [&](const Dims& at) {
                const Dims& p = picked[static_cast<std::size_t>(at[0])];
                return x.at({p[0], p[1], at[1]});
              }));
  expect_grid(index(a, {Slice{}, MaskArray({true, false, false, true}, {4}), Index{-1}}), make_grid({5, 2}, [&](const Dims& at) {
                return x.at({at[0], at[1] * 3, 5});
              }));
  EXPECT_THROW(index(a, {MaskArray({true, false}, {2})}), Error);
  EXPECT_THROW(MaskArray({true}, {2}), Error);
}

TEST(Take, AlongAnyAxisInEveryMode) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3))));
    const Array a = data.array(x, data.dtype());
    const int axis = static_cast<int>(data.pick(x.shape.rank()));
    const Index n = x.shape[axis];
    const Shape points = data.pick(2) == 0 ? Shape{data.pick(40)} : Shape{1 + data.pick(5), data.pick(7)};
    const auto positions = random_positions(data, element_count(points), n);
    Shape shape;
    for (int k = 0; k < x.shape.rank(); ++k) {
      if (k != axis) shape.push_back(x.shape[k]);
      if (k == axis)
        for (const Index p : points) shape.push_back(p);
    }
    const auto expected = [&](auto&& position) {
      return make_grid(shape, [&](const Dims& at) {
        Index flat = 0;
        Dims from;
        for (int k = 0; k < points.rank(); ++k) flat = flat * points[k] + at[axis + k];
        for (int k = 0; k < x.shape.rank(); ++k) from.push_back(k < axis ? at[k] : k == axis ? position(flat) : at[k + points.rank() - 1]);
        return x.at(from);
      });
    };
    expect_grid(take(a, IndexArray(positions, points), axis),
                expected([&](Index p) { return from_start(positions[static_cast<std::size_t>(p)], n); }));
    auto wild = positions;
    for (Index& p : wild) p *= 3;
    expect_grid(take(a, IndexArray(wild, points), axis, OutOfRange::kWrap),
                expected([&](Index p) { return ((wild[static_cast<std::size_t>(p)] % n) + n) % n; }));
    expect_grid(take(a, IndexArray(wild, points), axis, OutOfRange::kClip),
                expected([&](Index p) { return std::clamp<Index>(wild[static_cast<std::size_t>(p)], 0, n - 1); }));
    const auto flat = random_positions(data, 17, static_cast<Index>(x.values.size()));
    Index i = 0;
    expect_grid(
        take(a, IndexArray(flat), std::nullopt), make_grid({17}, [&](const Dims&) {
          return x.values[static_cast<std::size_t>(from_start(flat[static_cast<std::size_t>(i++)], static_cast<Index>(x.values.size())))];
        }));
  }
  EXPECT_THROW(take(zeros({3}), IndexArray({3}), 0), Error);
  EXPECT_THROW(take(zeros({0}), IndexArray({0}), 0, OutOfRange::kClip), Error);
  expect_grid(compress({false, true, true}, arange(5), 0), {{2}, {1, 2}});
}

TEST(Take, InNoOrderStaysWithinASmallBudget) {
  // 8 MB on disk, 200,000 random positions: with 5 MB for result and work no tile can see the whole axis.
  GridData data(4);
  const Index n = 2'000'000, count = 200'000;
  const Grid x = make_grid({n}, [](const Dims& at) { return static_cast<double>(at[0] * 7 % 1000003); });
  TempStore store("/var/tmp", {{n}, DType::kFloat32}, {1 << 16});
  store.sink()->create();
  {
    std::vector<float> values(x.values.begin(), x.values.end());
    Buffer working(store.sink()->scratch_bytes(Box(x.shape)) + 64);
    Scratch scratch(working.bytes());
    store.sink()->write(Box(x.shape), View::contiguous(values.data(), DType::kFloat32, x.shape), scratch, Cancel());
  }
  std::vector<Index> positions;
  std::uniform_int_distribution<Index> anywhere(0, n - 1);
  for (Index i = 0; i < count; ++i) positions.push_back(anywhere(data.random));
  const Array taken = take(from_source(store.source()), IndexArray(positions), 0);
  MemoryStore result(taken.spec());
  const ComputeOptions options = with_memory(5'000'000, 2);
  const Plan plan = plan_outputs({{taken, result.sink()}}, options);
  EXPECT_LE(plan.total.peak_bytes, 5'000'000);
  EXPECT_LT(plan.total.bytes_read, 3 * n * 4) << "the file is read about once";
  const Tensor got = compute(taken, options);
  for (Index i = 0; i < count; ++i)
    ASSERT_EQ(got.data<float>()[i], static_cast<float>(x.values[static_cast<std::size_t>(positions[static_cast<std::size_t>(i)])]));
}

TEST(Positions, HullsEqualNaiveOnesAndTravelAsJson) {
  GridData data(5);
  for (const Index n : {0, 1, 255, 256, 257, 70'000, 150'000}) {
    std::vector<Index> values;
    for (Index i = 0; i < n; ++i) values.push_back(static_cast<Index>(data.random()) << 3);
    const Positions positions(values);
    for (int round = 0; round < 50 && n > 0; ++round) {
      const Index first = data.pick(n), end = first + 1 + data.pick(n - first);
      const auto hull = positions.hull(first, end);
      EXPECT_EQ(hull.low, *std::min_element(values.begin() + first, values.begin() + end));
      EXPECT_EQ(hull.high, *std::max_element(values.begin() + first, values.begin() + end));
    }
    const Positions back = Positions::from_json(nlohmann::json::parse(positions.to_json().dump()));
    EXPECT_EQ(back.values(), values);
    EXPECT_EQ(back.digest(), positions.digest());
    if (n == 0) continue;
    auto other = values;
    other[static_cast<std::size_t>(data.pick(n))] ^= 1;
    EXPECT_NE(Positions(other).digest(), positions.digest());
  }
  EXPECT_THROW(Positions::from_json({{"base64", "AAA"}}), Error);
  EXPECT_THROW(Positions::from_json({{"base64", "A*AA"}}), Error);
}

TEST(TakeAlongAxis, PicksLineByLine) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3)), 9));
    const int rank = x.shape.rank(), axis = static_cast<int>(data.pick(rank));
    Shape shape = x.shape;
    shape[axis] = 1 + data.pick(12);
    Grid indices = data.numbers(shape, 2 * x.shape[axis]);
    for (double& v : indices.values) v -= static_cast<double>(x.shape[axis]);
    const DType types[] = {DType::kInt64, DType::kInt8};
    expect_grid(take_along_axis(data.array(x, data.dtype()), data.array(indices, types[data.pick(2)]), axis),
                make_grid(shape, [&](Dims at) {
                  at[axis] = from_start(static_cast<Index>(indices.at(at)), x.shape[axis]);
                  return x.at(at);
                }));
  }
  GridData data(1);
  const Array a = data.array(data.numbers({4, 3}), DType::kFloat32);
  EXPECT_THROW(compute(take_along_axis(a, full({1, 3}, 4), 0)), Error);
  EXPECT_THROW(take_along_axis(a, zeros({1, 3}), 0), Error);
  EXPECT_THROW(take_along_axis(a, full({3}, 0), 0), Error);
  EXPECT_EQ(take_along_axis(a, full({4, 1}, 0), 1).shape(), (Shape{4, 1}));
  EXPECT_EQ(take_along_axis(a, full({2, 1}, 0), 0).shape(), (Shape{2, 3}));
  EXPECT_EQ(numbers_of(compute(take_along_axis(a, full({2, 1}, 1), 0)))[2], numbers_of(compute(a))[5]);
}

TEST(PutSlice, ReplacesARegionOfAnyStep) {
  for (unsigned seed = 1; seed <= 2 * kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3))));
    std::vector<Slice> slices;
    // Naive: the positions of each axis, in order.
    std::vector<std::vector<Index>> positions;
    Shape region;
    for (int k = 0; k < x.shape.rank(); ++k) {
      const Index n = x.shape[k];
      positions.emplace_back();
      if (data.pick(4) == 0) {
        slices.push_back(Slice::at(data.pick(2 * n) - n));
        positions.back() = {from_start(*slices.back().start, n)};
        continue;
      }
      const Index step = 1 + data.pick(3), start = data.pick(n), stop = start + data.pick(n - start + 1);
      if (data.pick(3) == 0) {
        slices.push_back({std::nullopt, std::nullopt, -step});
        for (Index i = n - 1; i >= 0; i -= step) positions.back().push_back(i);
      } else {
        slices.push_back({start, stop, step});
        for (Index i = start; i < stop; i += step) positions.back().push_back(i);
      }
      region.push_back(static_cast<Index>(positions.back().size()));
    }
    const Grid value = data.numbers(region);
    Grid expected = x, scalar = x;
    Index flat = 0;
    make_grid(x.shape, [&](const Dims& at) {
      Dims inside;
      bool hit = true;
      for (int k = 0; k < x.shape.rank() && hit; ++k) {
        const auto& p = positions[static_cast<std::size_t>(k)];
        const auto found = std::find(p.begin(), p.end(), at[k]);
        hit = found != p.end();
        if (slices[static_cast<std::size_t>(k)].step != 0) inside.push_back(found - p.begin());
      }
      if (hit) expected.values[static_cast<std::size_t>(flat)] = value.at(inside), scalar.values[static_cast<std::size_t>(flat)] = 5;
      ++flat;
      return 0.0;
    });
    const Array a = data.array(x, DType::kInt32);
    expect_grid(put_slice(a, slices, data.array(value, DType::kInt16)), expected);
    expect_grid(put_slice(a * 1, slices, 5), scalar);
  }
  EXPECT_THROW(put_slice(zeros({4, 4}), {{0, 2}}, zeros({3, 4})), Error);
}

TEST(BooleanIndex, PicksWhatIsTrueUnderAnyBudget) {
  for (unsigned seed = 1; seed <= kRounds; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Grid x = data.numbers(data.shape(1 + static_cast<int>(data.pick(3)), 40));
    const Array a = data.array(x, data.dtype());
    const double above = static_cast<double>(data.pick(120));
    Grid same{{0}, {}}, where_true{{0, x.shape.rank()}, {}};
    make_grid(x.shape, [&](const Dims& at) {
      if (x.at(at) >= above) {
        same.values.push_back(x.at(at)), ++same.shape[0];
        for (const Index i : at) where_true.values.push_back(static_cast<double>(i));
        ++where_true.shape[0];
      }
      return 0.0;
    });
    const Array mask = elementwise("greater_equal", {a, static_cast<int>(above)});
    expect_grid(boolean_index(a, mask), same);
    expect_grid(argwhere(mask), where_true);
    // A mask of the first axes, of another array.
    const int leading = 1 + static_cast<int>(data.pick(x.shape.rank()));
    Shape mask_shape;
    for (int k = 0; k < leading; ++k) mask_shape.push_back(x.shape[k]);
    const Grid m = data.numbers(mask_shape, 3);
    Grid rows{{0}, {}};
    Index rest = 1, flat = 0;
    for (int k = leading; k < x.shape.rank(); ++k) rest *= x.shape[k], rows.shape.push_back(x.shape[k]);
    for (const double v : m.values) {
      if (v != 0) {
        ++rows.shape[0];
        rows.values.insert(rows.values.end(), x.values.begin() + flat * rest, x.values.begin() + (flat + 1) * rest);
      }
      ++flat;
    }
    expect_grid(boolean_index(a, data.array(m, DType::kInt8)), rows);
  }
}

TEST(BooleanIndex, OfAMillionElementsReadsBlocksOnly) {
  GridData data(6);
  const Shape shape{1000, 1031};
  const Grid x = data.numbers(shape, 1000);
  const Array a = data.array(x, DType::kFloat32);
  const Array picked = boolean_index(a, elementwise("less", {a, 20}), with_memory(1 << 20, 2));
  std::vector<double> expected;
  for (const double v : x.values)
    if (v < 20) expected.push_back(v);
  EXPECT_EQ(numbers_of(compute(picked, with_memory(1 << 20, 2))), expected);
  EXPECT_NEAR(compute(sum(picked)).number(), std::accumulate(expected.begin(), expected.end(), 0.0), 1);
}

TEST(BooleanIndex, NonzeroWhereFlatnonzeroAndExtract) {
  GridData data(7);
  const Grid x = data.numbers({7, 9}, 3);
  const Array a = data.array(x, DType::kFloat64);
  Grid flat{{0}, {}}, values{{0}, {}}, rows{{0}, {}};
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    if (x.values[i] == 0) continue;
    flat.values.push_back(static_cast<double>(i)), values.values.push_back(x.values[i]), rows.values.push_back(static_cast<double>(i / 9));
    ++flat.shape[0], ++values.shape[0], ++rows.shape[0];
  }
  expect_grid(flatnonzero(a), flat);
  expect_grid(extract(a, a), values);
  expect_grid(nonzero(a)[0], rows);
  expect_grid(where(a)[0], rows);
  expect_grid(boolean_index(a, zeros({7, 9}, DType::kBool)), {{0}, {}});
  expect_grid(boolean_index(zeros({0, 9}), zeros({0, 9}, DType::kBool)), {{0}, {}});
  EXPECT_THROW(boolean_index(a, zeros({9}, DType::kBool)), Error);
  EXPECT_THROW(argwhere(full({}, 1)), Error);
  EXPECT_THROW(extract(zeros({3}), a), Error);
}

}  // namespace
}  // namespace freestone
