#include "freestone/ops/quantile.h"

#include <algorithm>

#include "exec/random_arrays.h"

namespace freestone {
namespace {

/// Hyndman and Fan's definitions, element by element, of sorted values.
double naive(const std::string& method, const std::vector<double>& x, double p) {
  const double n = static_cast<double>(x.size());
  const auto at = [&](double one_based) { return x[static_cast<std::size_t>(std::clamp(one_based, 1.0, n)) - 1]; };
  const auto mix = [&](double m) {  // j = floor(np + m), g what is left
    const double place = n * p + m, j = std::floor(place), g = place - j;
    return at(j) + (g < 1e-9 && at(j) == at(j) ? 0 : g * (at(j + 1) - at(j)));
  };
  const auto steps = [&](double m, double when_zero) {
    const double place = n * p + m, j = std::floor(place);
    const double gamma = place - j > 0 ? 1 : when_zero;
    return (1 - gamma) * at(j) + gamma * at(j + 1);
  };
  if (method == "inverted_cdf") return steps(0, 0);
  if (method == "averaged_inverted_cdf") return steps(0, 0.5);
  if (method == "closest_observation") return steps(-0.5, std::fmod(std::floor(n * p - 0.5), 2) == 0 ? 0 : 1);
  if (method == "interpolated_inverted_cdf") return mix(0);
  if (method == "hazen") return mix(0.5);
  if (method == "weibull") return mix(p);
  if (method == "linear") return mix(1 - p);
  if (method == "median_unbiased") return mix((p + 1) / 3);
  if (method == "normal_unbiased") return mix(p / 4 + 3.0 / 8);
  const double place = (n - 1) * p;
  if (method == "lower") return at(std::floor(place) + 1);
  if (method == "higher") return at(std::ceil(place) + 1);
  if (method == "midpoint") return (at(std::floor(place) + 1) + at(std::ceil(place) + 1)) / 2;
  return at(std::nearbyint(place) + 1);
}

TEST(Quantile, EveryMethodEqualsItsDefinition) {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    RandomArrays random(seed);
    const std::string method(kernels::quantile_methods()[static_cast<std::size_t>(random.pick(13))]);
    SCOPED_TRACE("seed " + std::to_string(seed) + " " + method);
    const DType dtype = random.pick(2) == 0 ? random.float_dtype() : static_cast<DType>(1 + random.pick(10));
    const Shape shape = random.shape(3, 20);
    const Known a = random.array(dtype, shape, 0.1, random.pick(2) == 0 ? 5 : 0);
    const std::vector<double> q{0, 0.25, 0.5, 0.8125, 1};  // exact in binary: places fall on elements
    const bool skip = random.pick(2) == 0, all = random.pick(4) == 0;
    const int axis = static_cast<int>(random.pick(shape.rank()));
    const Tensor tensor =
        compute_any_way(quantile(a.array, q, all ? std::vector<int>{} : std::vector<int>{axis}, {.method = method, .skip_nan = skip}));
    const auto got = numbers(tensor);
    const auto columns = all ? std::vector<Column>{{0, 1, element_count(shape)}} : columns_of(shape, axis);
    ASSERT_EQ(got.size(), q.size() * columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      std::vector<double> sorted;
      for (Index i = 0; i < columns[c].length; ++i)
        sorted.push_back(a.values[static_cast<std::size_t>(columns[c].first + i * columns[c].step)]);
      const std::size_t whole = sorted.size();
      std::erase_if(sorted, [](double x) { return std::isnan(x); });
      std::sort(sorted.begin(), sorted.end());
      const bool nothing = sorted.empty() || (!skip && sorted.size() < whole);
      for (std::size_t k = 0; k < q.size(); ++k) {
        const double expected = nothing ? std::nan("") : naive(method, sorted, q[k]), value = got[k * columns.size() + c];
        ASSERT_TRUE(near(value, expected, dtype == DType::kFloat32 ? 1e-5 : 1e-9))
            << name_of(dtype) << " n " << sorted.size() << " q " << q[k] << ": " << value << " is not " << expected;
      }
    }
  }
}

TEST(Quantile, SeveralAxesAndDTypes) {
  RandomArrays random(2);
  const Known a = random.array(DType::kInt16, {4, 5, 6}, 0);
  EXPECT_EQ(quantile(a.array, 0.5, {0}).dtype(), DType::kFloat64);
  EXPECT_EQ(quantile(a.array, 0.5, {0}, {.method = "lower"}).dtype(), DType::kInt16);
  const auto got = numbers(compute_any_way(percentile(a.array, std::vector<double>{50, 100}, {0, 2})));
  ASSERT_EQ(got.size(), 10u);
  for (Index j = 0; j < 5; ++j) {
    std::vector<double> seen;
    for (Index i = 0; i < 4; ++i)
      for (Index k = 0; k < 6; ++k) seen.push_back(a.values[static_cast<std::size_t>((i * 5 + j) * 6 + k)]);
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(got[static_cast<std::size_t>(j)], (seen[11] + seen[12]) / 2);
    EXPECT_EQ(got[static_cast<std::size_t>(5 + j)], seen.back());
  }
  EXPECT_THROW(quantile(a.array, 1.5, {0}), Error);
  EXPECT_THROW(quantile(a.array, 0.5, {0}, {.method = "liner"}), Error);
}

}  // namespace
}  // namespace freestone
