// What axes too long for a task take instead: ranks digit by digit, sorting in passes. On short axes both must agree with the operations
// that see an axis whole, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <map>

#include "exec/random_arrays.h"
#include "freestone/kernels/quantile.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/longest_run.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/select.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/sort_passes.h"

namespace freestone {
namespace {

/// One NaN is as good as another.
void expect_same_numbers(const Array& got, const Array& expected) {
  ASSERT_EQ(got.shape(), expected.shape());
  ASSERT_EQ(got.dtype(), expected.dtype());
  const auto a = numbers(compute_any_way(got)), b = numbers(compute(expected));
  for (std::size_t i = 0; i < b.size(); ++i) ASSERT_TRUE(same(a[i], b[i])) << "element " << i << ": " << a[i] << ", not " << b[i];
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
    expect_same_numbers(rank_by_digits(a.array, method, q, axes, skip_nan),
                        quantile(a.array, q, axes, {.method = method, .skip_nan = skip_nan}));
    const Array x = is_floating(dtype) ? a.array : astype(a.array, DType::kFloat64);
    expect_same_numbers(rank_by_digits(x, "median", 0.5, axes, skip_nan), median(a.array, axes, skip_nan));
  }
}

/// Random complex numbers: ties in the real part, some NaN in either part.
template <class R>
Array complex_array(RandomArrays& random, const Shape& shape, double nan_share) {
  auto memory = std::make_shared<std::vector<std::complex<R>>>(static_cast<std::size_t>(element_count(shape)));
  const auto part = [&] {
    return random.chance(nan_share) ? std::numeric_limits<R>::quiet_NaN() : static_cast<R>(std::round(2 * random.normal()));
  };
  for (auto& z : *memory) z = {part(), part()};
  const View view = View::contiguous(memory->data(), dtype_of<std::complex<R>>(), shape);
  return random.pick(2) == 0 ? random.on_disk(view) : from_memory(view, memory);
}

/// The median by definition.
std::complex<double> complex_median(std::vector<std::complex<double>> line, bool skip_nan) {
  const std::complex<double> nan(std::nan(""), std::nan(""));
  const std::size_t all = line.size();
  std::erase_if(line, [](std::complex<double> z) { return z != z; });
  if (line.empty() || (!skip_nan && line.size() < all)) return nan;
  std::sort(line.begin(), line.end(), [](std::complex<double> a, std::complex<double> b) {
    return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag();
  });
  return (line[(line.size() - 1) / 2] + line[line.size() / 2]) / 2.0;
}

TEST(RankByDigits, FindsTheMedianOfComplexNumbers) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const Shape shape{1 + random.pick(4), 1 + random.pick(40)};
    const double nan_share = random.pick(2) == 0 ? 0.1 : 0;
    const Array a = seed % 2 ? complex_array<float>(random, shape, nan_share) : complex_array<double>(random, shape, nan_share);
    const Tensor elements = compute(astype(a, DType::kComplex128));
    const auto* z = reinterpret_cast<const std::complex<double>*>(elements.view().data);
    for (const bool skip_nan : {false, true})
      for (const Array& lazy : {rank_by_digits(a, "median", 0.5, {1}, skip_nan), median(a, {1}, skip_nan)}) {
        ASSERT_EQ(lazy.dtype(), a.dtype());
        const Tensor got = compute(astype(lazy, DType::kComplex128));
        for (Index i = 0; i < shape[0]; ++i) {
          const auto expected = complex_median({z + i * shape[1], z + (i + 1) * shape[1]}, skip_nan);
          const auto m = reinterpret_cast<const std::complex<double>*>(got.view().data)[i];
          ASSERT_TRUE(same(m.real(), expected.real()) && same(m.imag(), expected.imag())) << "row " << i << ": " << m << ", not " << expected;
        }
      }
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
    expect_same_numbers(sort_in_passes(a.array, axis, descending, false), sort(a.array, axis, descending));
    expect_same_numbers(sort_in_passes(a.array, axis, descending, true), argsort(a.array, axis, descending));
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

TEST(Mode, InPassesEqualsTheModeOfTheSortedLine) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    Shape shape = random.shape(3, 4);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    shape[axis] = 1 + random.pick(random.pick(2) == 0 ? 40 : 3000);
    DType dtype = random.real_dtype();
    if (is_floating(dtype)) dtype = DType::kInt64;
    const Array a = random.array(dtype, shape, 0, random.pick(2) == 0 ? 5 : 0).array;
    const auto got = mode_in_passes(a, axis), expected = mode(a, axis);
    expect_same_numbers(got.first, expected.first);
    expect_same_numbers(got.second, expected.second);
  }
}

TEST(Mode, RunsJoinAcrossLeaves) {
  // Leaves of 3: runs that begin, end and go on at every place, several as long as each other, one over all.
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    std::vector<std::int16_t> values;
    for (Index n = 1 + random.pick(40), value = -3; static_cast<Index>(values.size()) < n;) {
      values.insert(values.end(), static_cast<std::size_t>(1 + random.pick(seed % 3 ? 5 : 50)), static_cast<std::int16_t>(value));
      value += 1 + random.pick(3);
    }
    std::map<std::int16_t, std::int64_t> counts;
    for (const std::int16_t v : values) ++counts[v];
    const auto longest = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const Array a = RandomArrays::list(values);
    const auto both = apply_op_all(std::make_shared<LongestRunOp>(a.spec(), 0, Shape{3}), {a});
    EXPECT_EQ(numbers(compute_any_way(both[0]))[0], longest->first);
    EXPECT_EQ(numbers(compute_any_way(both[1]))[0], static_cast<double>(longest->second));
  }
}

TEST(Mode, OfAnAxisLongerThanMemory) {
  // 17 million elements, 68 MB in 8.
  const Index n = 17'000'000;
  std::vector<std::int32_t> values(static_cast<std::size_t>(n));
  std::mt19937 random(21);
  for (auto& v : values) v = static_cast<std::int32_t>(random() % 3'000'000) - 1'000'000;
  for (std::size_t i = 0; i < values.size(); i += 1'000'003) values[i] = -77;
  for (std::size_t i = 5; i < values.size(); i += 200'003) values[i] = 1'234'567;
  std::vector<std::int32_t> counts(3'000'000);
  for (const std::int32_t v : values) ++counts[static_cast<std::size_t>(v + 1'000'000)];
  const auto most = std::max_element(counts.begin(), counts.end());
  const Array a = stored_in_blocks(View::contiguous(values.data(), DType::kInt32, {n}), {500'000});
  values = {};
  const auto [value, count] = mode(a);
  ComputeOptions tight;
  tight.settings = {Index{8} << 20, 2, "/var/tmp"};
  EXPECT_EQ(numbers(compute(value, tight))[0], static_cast<double>(most - counts.begin() - 1'000'000));
  EXPECT_EQ(numbers(compute(count, tight))[0], *most);
}

TEST(TopK, OfRunsEqualsTheFirstOfAll) {
  RandomArrays random(9);
  const Known a = random.array(DType::kInt16, {2, 2'500'000}, 0, 1);
  for (const bool largest : {false, true}) {
    expect_same_numbers(first_of_runs(a.array, 40, 1, largest, false), topk(a.array, 40, 1, largest));
    expect_same_numbers(first_of_runs(a.array, 40, 1, largest, true), argtopk(a.array, 40, 1, largest));
  }
}

}  // namespace
}  // namespace freestone
