// What axes too long for a task take instead: ranks digit by digit, sorting in passes. On short axes both must agree with the operations
// that see an axis whole, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "exec/random_arrays.h"
#include "freestone/kernels/quantile.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/select.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/sort_passes.h"

namespace freestone {
namespace {

void expect_same_bytes(const Array& got, const Array& expected) {
  ASSERT_EQ(got.shape(), expected.shape());
  ASSERT_EQ(got.dtype(), expected.dtype());
  const Tensor a = compute_any_way(got), b = compute(expected);
  EXPECT_EQ(std::memcmp(a.view().data, b.view().data, static_cast<std::size_t>(b.view().bytes())), 0);
}

TEST(RankByDigits, EqualsTheSortedLineForEveryMethodAndDtype) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.real_dtype();
    const Known a = random.array(dtype, random.shape(3, 14), random.pick(3) == 0 ? 0.1 : 0, random.pick(2) == 0 ? 4 : 0);
    std::vector<int> axes;
    for (int k = 0; k < a.shape().rank(); ++k)
      if (random.pick(2) == 0) axes.push_back(k);
    if (axes.empty()) axes.push_back(0);
    const std::string method(kernels::quantile_methods()[static_cast<std::size_t>(random.pick(13))]);
    const double q = random.pick(4) == 0 ? static_cast<double>(random.pick(2)) : std::generate_canonical<double, 53>(random.engine());
    const bool skip_nan = random.pick(2) == 0;
    expect_same_bytes(rank_by_digits(a.array, method, q, axes, skip_nan),
                      quantile(a.array, q, axes, {.method = method, .skip_nan = skip_nan}));
    const Array x = is_floating(dtype) ? a.array : astype(a.array, DType::kFloat64);
    expect_same_bytes(rank_by_digits(x, "median", 0.5, axes, skip_nan), median(a.array, axes, skip_nan));
  }
}

TEST(RankByDigits, WholeLinesOfNaNAndOfOneElement) {
  RandomArrays random(7);
  const Known nan = random.array(DType::kFloat32, {5, 4}, 1.0);
  for (const double x : numbers(compute(rank_by_digits(nan.array, "linear", 0.3, {0}, true)))) EXPECT_TRUE(std::isnan(x));
  const Known one = random.array(DType::kInt64, {6, 1}, 0);
  EXPECT_EQ(numbers(compute(rank_by_digits(one.array, "hazen", 0.9, {1}, false))), one.values);
}

TEST(Quantile, OfEverythingStreamsByAnyMethod) {
  // 1.2 million elements: more than a task sees at once, in a budget that holds a fraction of them.
  std::vector<double> values(1'200'000);
  std::mt19937 random(3);
  for (double& v : values) v = std::normal_distribution<double>()(random);
  const Array a = RandomArrays::list(values);
  std::sort(values.begin(), values.end());
  ComputeOptions tight;
  tight.settings = {Index{8} << 20, 2, "/var/tmp"};
  for (const std::string_view method : kernels::quantile_methods()) {
    const Array lazy = quantile(a, {0.0, 0.37, 1.0}, {}, {.method = method});
    const auto got = numbers(compute(lazy, tight));
    for (std::size_t i = 0; i < 3; ++i) {
      const auto place = kernels::quantile_place(kernels::quantile_method(method), 1'200'000, i == 0 ? 0.0 : i == 1 ? 0.37 : 1.0);
      const double low = values[static_cast<std::size_t>(place.lower)], high = values[static_cast<std::size_t>(place.upper)];
      EXPECT_GE(got[i], low) << method;
      EXPECT_LE(got[i], high) << method;
      EXPECT_NEAR(got[i], low + place.part * (high - low), 1e-12) << method;
    }
  }
}

TEST(SortInPasses, EqualsTheSortedLine) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    Shape shape = random.shape(2, 4);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    shape[axis] = 1 + random.pick(random.pick(2) == 0 ? 60 : 3000);
    const Known a = random.array(random.real_dtype(), shape, random.pick(2) == 0 ? 0.1 : 0, random.pick(2) == 0 ? 10 : 0);
    const bool descending = random.pick(2) == 0;
    expect_same_bytes(sort_in_passes(a.array, axis, descending, false), sort(a.array, axis, descending));
    expect_same_bytes(sort_in_passes(a.array, axis, descending, true), argsort(a.array, axis, descending));
  }
}

TEST(SortInPasses, SortsEveryArrangementOfZerosAndOnes) {
  // A network that sorts all of zeros and ones sorts everything. 54 elements are a full matrix of three columns.
  std::mt19937 random(11);
  for (Index ones = 0; ones <= 54; ones += 3)
    for (int arrangement = 0; arrangement < 4; ++arrangement) {
      std::vector<std::uint8_t> values(54);
      std::fill_n(values.begin(), ones, std::uint8_t{1});
      if (arrangement == 1) std::reverse(values.begin(), values.end());
      if (arrangement > 1) std::shuffle(values.begin(), values.end(), random);
      const auto got = numbers(compute(sort_in_passes(RandomArrays::list(values), 0, false, false)));
      EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
      EXPECT_EQ(std::count(got.begin(), got.end(), 1.0), ones);
    }
}

TEST(SortInPasses, LongerThanMemory) {
  // 24 MB in 6.
  std::vector<float> values(6'000'000);
  std::mt19937 random(5);
  for (float& v : values) v = std::normal_distribution<float>()(random);
  const Array a = stored_in_blocks(View::contiguous(values.data(), DType::kFloat32, {6'000'000}), {250'000});
  const TempStore store("/var/tmp", a.spec(), {250'000});
  ComputeOptions tight;
  tight.settings = {Index{6} << 20, 2, "/var/tmp"};
  write_outputs({{sort_in_passes(a, 0, false, false), store.sink()}}, tight);
  std::sort(values.begin(), values.end());
  const Tensor got = compute(from_source(store.source()));
  EXPECT_EQ(std::memcmp(got.view().data, values.data(), values.size() * sizeof(float)), 0);
}

TEST(TopK, OfRunsEqualsTheFirstOfAll) {
  RandomArrays random(9);
  const Known a = random.array(DType::kInt16, {2, 2'500'000}, 0, 1);
  for (const bool largest : {false, true}) {
    expect_same_bytes(first_of_runs(a.array, 40, 1, largest, false), topk(a.array, 40, 1, largest));
    expect_same_bytes(first_of_runs(a.array, 40, 1, largest, true), argtopk(a.array, 40, 1, largest));
  }
}

}  // namespace
}  // namespace freestone
