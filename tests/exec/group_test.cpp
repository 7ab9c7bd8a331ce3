#include "freestone/ops/group.h"

#include <algorithm>

#include "exec/random_arrays.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/op_list.h"

namespace freestone {
namespace {

/// The fold of a list of (value, position), as NumPy or pandas would.
double naive(const std::string& name, std::vector<std::pair<double, Index>> list, bool skip_nan, bool is_float) {
  const bool any_nan = std::any_of(list.begin(), list.end(), [](auto& v) { return std::isnan(v.first); });
  if (skip_nan) std::erase_if(list, [](auto& v) { return std::isnan(v.first); });
  const double n = static_cast<double>(list.size()), none = is_float ? std::nan("") : 0;
  if (name == "count") return n;
  if (name == "any") return std::any_of(list.begin(), list.end(), [](auto& v) { return v.first != 0; });
  if (name == "all") return std::all_of(list.begin(), list.end(), [](auto& v) { return v.first != 0; });
  if (name == "first" || name == "last") return list.empty() ? none : name == "first" ? list.front().first : list.back().first;
  if (name == "argmax") {
    if (list.empty()) return -1;
    auto best = list.front();
    for (auto& v : list)
      if (!std::isnan(best.first) && (std::isnan(v.first) || v.first > best.first)) best = v;
    return static_cast<double>(best.second);
  }
  if (any_nan && !skip_nan) return std::nan("");
  double sum = 0, product = 1;
  for (auto& v : list) sum += v.first, product *= v.first;
  if (name == "sum") return sum;
  if (name == "prod") return product;
  if (list.empty()) return name == "min" || name == "max" ? none : std::nan("");
  if (name == "mean") return sum / n;
  if (name == "min") return std::min_element(list.begin(), list.end())->first;
  if (name == "max") return std::max_element(list.begin(), list.end())->first;
  double squares = 0;
  for (auto& v : list) squares += (v.first - sum / n) * (v.first - sum / n);
  return name == "variance" ? squares / n : std::sqrt(squares / n);
}

TEST(GroupReduce, EqualsNaiveListsForAnyTiling) {
  const char* names[] = {"sum", "prod", "mean", "min", "max", "variance", "std", "count", "any", "all", "first", "last", "argmax"};
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const std::string name = names[random.pick(13)];
    const DType dtype = random.real_dtype();
    const Shape shape = random.shape(3, 40, true);
    const Known a = random.array(dtype, shape, 0.1, 5);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    const Index groups = 1 + random.pick(random.pick(3) == 0 ? 200 : 7);
    std::vector<std::int64_t> keys;
    const Index kind = random.pick(3);
    for (Index i = 0; i < shape[axis]; ++i)
      keys.push_back(kind == 0 ? i % groups : kind == 1 ? std::min(i / 3, groups - 1) : random.pick(groups + 1) - 1);
    const bool skip = random.pick(2) == 0;
    const Array grouped = group_reduce(name, a.array, RandomArrays::list(keys), groups, axis, {.skip_nan = skip});
    Shape expected_shape = shape;
    expected_shape[axis] = groups;
    ASSERT_EQ(grouped.shape(), expected_shape);
    const auto got = numbers(compute_any_way(grouped));
    const auto columns = columns_of(shape, axis), out = columns_of(expected_shape, axis);
    for (std::size_t c = 0; c < out.size(); ++c)
      for (Index g = 0; g < groups; ++g) {
        std::vector<std::pair<double, Index>> list;
        for (Index i = 0; i < shape[axis]; ++i)
          if (keys[static_cast<std::size_t>(i)] == g)
            list.emplace_back(a.values[static_cast<std::size_t>(columns[c].first + i * columns[c].step)], i);
        const double expected = naive(name, list, skip, is_floating(dtype));
        const double value = got[static_cast<std::size_t>(out[c].first + g * out[c].step)];
        if (name == "prod" && is_integer(dtype)) continue;  // wraps
        ASSERT_TRUE(near(value, expected, dtype == DType::kFloat32 ? 1e-5 : 1e-11))
            << name << " of " << name_of(dtype) << ' ' << to_string(shape) << " axis " << axis << " column " << c << " group " << g << ": "
            << value << " is not " << expected;
      }
  }
}

TEST(GroupReduce, LongAxesOfManyLeaves) {
  RandomArrays random(3);
  const Known a = random.array(DType::kFloat32, {300001}, 0.01);
  std::vector<std::int64_t> keys;
  for (Index i = 0; i < 300001; ++i) keys.push_back(i % 365 % 12);
  const auto got = numbers(compute_any_way(group_reduce("mean", a.array, RandomArrays::list(keys), 12)));
  for (Index g = 0; g < 12; ++g) {
    double sum = 0, n = 0;
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] == g && !std::isnan(a.values[i])) sum += a.values[i], ++n;
    EXPECT_NEAR(got[static_cast<std::size_t>(g)], sum / n, 1e-5);
  }
}

TEST(GroupReduce, AnomalyStaysLazy) {
  RandomArrays random(5);
  const Known a = random.array(DType::kFloat64, {24, 5, 7}, 0);
  std::vector<std::int64_t> keys;
  for (Index i = 0; i < 24; ++i) keys.push_back(i % 12);
  const Array climate = group_reduce("mean", a.array, RandomArrays::list(keys), 12);
  const auto got = numbers(compute_any_way(climate * 2.0 + a.array.shape()[1]));
  for (Index g = 0; g < 12; ++g)
    for (Index i = 0; i < 35; ++i)
      EXPECT_NEAR(got[static_cast<std::size_t>(g * 35 + i)],
                  a.values[static_cast<std::size_t>(g * 35 + i)] + a.values[static_cast<std::size_t>((g + 12) * 35 + i)] + 5, 1e-9);
}

TEST(GroupReduce, RefusesWhatDoesNotFit) {
  RandomArrays random(6);
  const Known a = random.array(DType::kFloat64, {6, 5}, 0);
  const Array keys = RandomArrays::list<std::int64_t>({0, 1, 2, 0, 1, 7});
  EXPECT_THROW(group_reduce("mean", a.array, keys, 3, 1), Error);
  EXPECT_THROW(group_reduce("medium", a.array, keys, 3, 0), Error);
  EXPECT_THROW(group_reduce("statistics", a.array, keys, 3, 0), Error);
  try {
    compute(group_reduce("mean", a.array, keys, 3, 0));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_NE(std::string(error.what()).find("position 5 is 7"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace freestone
