#include "freestone/ops/sort.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "exec/random_arrays.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

/// Positions of a column in stable order, NaN last.
std::vector<Index> naive_order(const Known& a, const Column& column, bool descending) {
  const auto value = [&](Index i) { return a.values[static_cast<std::size_t>(column.first + i * column.step)]; };
  std::vector<Index> order(static_cast<std::size_t>(column.length));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) {
    const double x = value(i), y = value(j);
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x);
    return descending ? x > y : x < y;
  });
  // A strict order for the sort: NaN among themselves by position.
  std::stable_partition(order.begin(), order.end(), [&](Index i) { return !std::isnan(value(i)); });
  const auto first_nan = std::find_if(order.begin(), order.end(), [&](Index i) { return std::isnan(value(i)); });
  std::sort(first_nan, order.end());
  return order;
}

TEST(Sort, EqualsStableSortOfColumns) {
  for (unsigned seed = 1; seed <= 90; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.real_dtype();
    Shape shape = random.shape(3, 30, true);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    if (random.pick(3) == 0) shape[axis] = 100 + random.pick(1500);  // radix
    const Known a = random.array(dtype, shape, 0.1, random.pick(2) == 0 ? 5 : 0);
    const bool descending = random.pick(2) == 0;
    const Index k = random.pick(shape[axis] + 1);
    const auto tensors = compute_any_way({sort(a.array, axis, descending), argsort(a.array, axis, descending),
                                          topk(a.array, k, axis, descending), argtopk(a.array, k, axis, descending)});
    const auto values = numbers(tensors[0]), order = numbers(tensors[1]), top = numbers(tensors[2]), top_order = numbers(tensors[3]);
    Shape kept = shape;
    kept[axis] = k;
    ASSERT_EQ(tensors[2].shape(), kept);
    const auto columns = columns_of(shape, axis), tops = columns_of(kept, axis);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto expected = naive_order(a, columns[c], descending);
      for (Index i = 0; i < shape[axis]; ++i) {
        const Index from = expected[static_cast<std::size_t>(i)];
        const double x = a.values[static_cast<std::size_t>(columns[c].first + from * columns[c].step)];
        const auto at = static_cast<std::size_t>(columns[c].first + i * columns[c].step);
        ASSERT_EQ(order[at], static_cast<double>(from)) << name_of(dtype) << ' ' << to_string(shape) << " axis " << axis;
        ASSERT_TRUE(same(values[at], x)) << values[at] << " is not " << x;
        if (i >= k) continue;
        const auto top_at = static_cast<std::size_t>(tops[c].first + i * tops[c].step);
        ASSERT_EQ(top_order[top_at], static_cast<double>(from));
        ASSERT_TRUE(same(top[top_at], x));
      }
    }
  }
}

TEST(Mode, EqualsCounts) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = static_cast<DType>(random.pick(9));
    const Shape shape = random.shape(3, 30);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    const Known a = random.array(dtype, shape, 0, 8);
    const auto [values, counts] = mode(a.array, axis);
    const auto tensors = compute_any_way({values, counts});
    const auto columns = columns_of(shape, axis);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      std::map<double, double> seen;
      for (Index i = 0; i < shape[axis]; ++i) ++seen[a.values[static_cast<std::size_t>(columns[c].first + i * columns[c].step)]];
      const auto best = std::max_element(seen.begin(), seen.end(), [](auto& x, auto& y) { return x.second < y.second; });
      ASSERT_EQ(numbers(tensors[0])[c], best->first);
      ASSERT_EQ(numbers(tensors[1])[c], best->second);
    }
  }
}

TEST(Sort, RefusesWhatDoesNotFit) {
  RandomArrays random(1);
  const Array a = random.array(DType::kFloat32, {5, 6}, 0).array;
  EXPECT_THROW(sort(a, 2), Error);
  EXPECT_THROW(topk(a, 7, 1), Error);
  EXPECT_THROW(mode(a, 1), Error);
}

}  // namespace
}  // namespace freestone
