#include "freestone/ops/filters.h"

#include <algorithm>

#include "exec/random_arrays.h"

namespace freestone {
namespace {

/// The element at any place of the plane, edge by edge as the pictures in scipy.ndimage's manual.
double beyond(const Known& a, std::vector<Index> at, Boundary boundary, double constant) {
  Index flat = 0;
  for (int k = 0; k < a.shape().rank(); ++k) {
    const Index n = a.shape()[k];
    Index& i = at[static_cast<std::size_t>(k)];
    while (i < 0 || i >= n) {
      if (boundary == Boundary::kConstant) return constant;
      if (boundary == Boundary::kNearest) i = i < 0 ? 0 : n - 1;
      if (boundary == Boundary::kWrap) i += i < 0 ? n : -n;
      if (boundary == Boundary::kReflect) i = i < 0 ? -1 - i : 2 * n - 1 - i;
      if (boundary == Boundary::kMirror) i = n == 1 ? 0 : i < 0 ? -i : 2 * n - 2 - i;
    }
    flat = flat * n + i;
  }
  return a.values[static_cast<std::size_t>(flat)];
}

/// Calls f(flat, position) for every element.
template <class F>
void for_each_position(const Shape& shape, F&& f) {
  for (Index flat = 0; flat < element_count(shape); ++flat) {
    std::vector<Index> at(shape.size());
    Index left = flat;
    for (int k = shape.rank() - 1; k >= 0; --k) at[static_cast<std::size_t>(k)] = left % shape[k], left /= shape[k];
    f(static_cast<std::size_t>(flat), at);
  }
}

TEST(Filters, EqualWindowsByHand) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.pick(2) == 0 ? random.float_dtype() : static_cast<DType>(1 + random.pick(10));
    const Shape shape = random.shape(3, 14);
    const Known a = random.array(dtype, shape, 0);
    const auto boundary = static_cast<Boundary>(random.pick(5));
    const FilterOptions options{boundary, 3, {}};
    Shape box;
    std::vector<Index> sizes;
    for (int k = 0; k < shape.rank(); ++k) box.push_back(1 + random.pick(4)), sizes.push_back(box.back());
    std::vector<double> kernel;
    for (Index i = 0; i < element_count(box); ++i) kernel.push_back(random.normal());
    const double percentile = static_cast<double>(random.pick(101));
    const auto tensors = compute_any_way({correlate(a.array, kernel, box, options), convolve_nd(a.array, kernel, box, options),
                                          uniform_filter(a.array, sizes, options), minimum_filter(a.array, sizes, options),
                                          maximum_filter(a.array, sizes, options), median_filter(a.array, sizes, options),
                                          percentile_filter(a.array, percentile, sizes, options)});
    std::vector<std::vector<double>> got;
    for (const Tensor& t : tensors) got.push_back(numbers(t));
    const double relative = dtype == DType::kFloat32 ? 2e-5 : 1e-10;
    for_each_position(shape, [&](std::size_t flat, const std::vector<Index>& at) {
      std::vector<double> window;
      double correlated = 0, convolved = 0, total = 0;
      for_each_position(box, [&](std::size_t k, const std::vector<Index>& tap) {
        std::vector<Index> here = at, there = at;
        for (std::size_t d = 0; d < at.size(); ++d) {
          here[d] += tap[d] - sizes[d] / 2;
          there[d] += sizes[d] / 2 - tap[d];
        }
        window.push_back(beyond(a, here, boundary, 3));
        correlated += kernel[k] * window.back();
        convolved += kernel[k] * beyond(a, there, boundary, 3);
        total += window.back();
      });
      std::sort(window.begin(), window.end());
      const double n = static_cast<double>(window.size());
      const double expected[] = {correlated,
                                 convolved,
                                 total / n,
                                 window.front(),
                                 window.back(),
                                 window[window.size() / 2],
                                 window[std::min(window.size() - 1, static_cast<std::size_t>(n * percentile / 100))]};
      for (std::size_t f = 0; f < 7; ++f)
        ASSERT_TRUE(near(got[f][flat], expected[f], relative * 20))
            << "filter " << f << " of " << name_of(dtype) << ' ' << to_string(shape) << " boundary " << static_cast<int>(boundary) << ": "
            << got[f][flat] << " is not " << expected[f];
    });
  }
}

TEST(Filters, GaussianHasItsWeights) {
  RandomArrays random(3);
  const Known a = random.array(DType::kFloat64, {60}, 0);
  const auto got = numbers(compute_any_way(gaussian_filter(a.array, {1.5}, 3, {.boundary = Boundary::kMirror})));
  double total = 0;
  for (Index k = -5; k <= 5; ++k) total += std::exp(-0.5 * static_cast<double>(k * k) / 2.25);
  for (Index i = 0; i < 60; ++i) {
    double expected = 0;
    for (Index k = -5; k <= 5; ++k)
      expected += std::exp(-0.5 * static_cast<double>(k * k) / 2.25) / total * beyond(a, {i + k}, Boundary::kMirror, 0);
    EXPECT_NEAR(got[static_cast<std::size_t>(i)], expected, 1e-12);
  }
}

TEST(Stencil, IsItsExpression) {
  RandomArrays random(4);
  const Known a = random.array(DType::kFloat64, {21, 17}, 0);
  const auto got =
      numbers(compute_any_way(stencil(a.array, {{{0, 1}, 0.5}, {{0, -1}, -0.5}, {{3, 0}, 2}}, {.boundary = Boundary::kNearest})));
  for_each_position(a.shape(), [&](std::size_t flat, const std::vector<Index>& at) {
    const auto x = [&](Index i, Index j) { return beyond(a, {at[0] + i, at[1] + j}, Boundary::kNearest, 0); };
    EXPECT_NEAR(got[flat], 0.5 * x(0, 1) - 0.5 * x(0, -1) + 2 * x(3, 0), 1e-11);
  });
  EXPECT_THROW(stencil(a.array, {{{1}, 1}}), Error);
  EXPECT_THROW(stencil(a.array, {}), Error);
}

TEST(Rolling, EqualsListsWithoutNaN) {
  const char* names[] = {"sum", "mean", "min", "max", "variance", "std", "median", "count"};
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const std::string name = names[random.pick(8)];
    const DType dtype = random.real_dtype();
    const Shape shape = random.shape(3, 30);
    const int axis = static_cast<int>(random.pick(shape.rank()));
    const Known a = random.array(dtype, shape, 0.2);
    const Index window = 1 + random.pick(9);
    RollingOptions options{.center = random.pick(2) == 0};
    if (random.pick(2) == 0) options.min_periods = random.pick(window + 1);
    if (random.pick(2) == 0) options.ddof = 1;
    const double least = static_cast<double>(options.min_periods.value_or(window));
    const auto got = numbers(compute_any_way(rolling(name, a.array, window, axis, options)));
    for (const Column& column : columns_of(shape, axis))
      for (Index i = 0; i < column.length; ++i) {
        std::vector<double> list;
        const Index first = i - (options.center ? window / 2 : window - 1);
        for (Index j = std::max<Index>(0, first); j < std::min(column.length, first + window); ++j)
          if (const double x = a.values[static_cast<std::size_t>(column.first + j * column.step)]; !std::isnan(x)) list.push_back(x);
        std::sort(list.begin(), list.end());
        const double n = static_cast<double>(list.size());
        double sum = 0, squares = 0, expected = std::nan("");
        for (const double x : list) sum += x;
        for (const double x : list) squares += (x - sum / n) * (x - sum / n);
        const double variance = n - options.ddof > 0 ? squares / (n - options.ddof) : std::nan("");
        if (name == "count") expected = n;
        if (n >= least && name == "sum") expected = sum;
        if (n >= least && n > 0) {
          if (name == "mean") expected = sum / n;
          if (name == "min") expected = list.front();
          if (name == "max") expected = list.back();
          if (name == "variance") expected = variance;
          if (name == "std") expected = std::sqrt(variance);
          if (name == "median") expected = (list[(list.size() - 1) / 2] + list[list.size() / 2]) / 2;
        }
        const double value = got[static_cast<std::size_t>(column.first + i * column.step)];
        ASSERT_TRUE(near(value, expected, dtype == DType::kFloat32 ? 1e-5 : 1e-10)) << name << ": " << value << " is not " << expected;
      }
  }
  RandomArrays random(1);
  const Array a = random.array(DType::kFloat64, {9}, 0).array;
  EXPECT_THROW(rolling("mean", a, 0), Error);
  EXPECT_THROW(rolling("man", a, 3), Error);
  EXPECT_THROW(rolling("mean", a, 3, 0, {.min_periods = 4}), Error);
}

}  // namespace
}  // namespace freestone
