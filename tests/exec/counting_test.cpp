#include <algorithm>
#include <complex>
#include <iterator>
#include <limits>
#include <map>
#include <set>

#include "exec/random_arrays.h"
#include "freestone/exec/counted.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/search.h"

namespace freestone {
namespace {

/// The bin of x by its definition.
Index naive_bin(const std::vector<double>& edges, double x) {
  for (std::size_t b = 0; b + 1 < edges.size(); ++b)
    if (x >= edges[b] && (x < edges[b + 1] || (b + 2 == edges.size() && x == edges[b + 1]))) return static_cast<Index>(b);
  return -1;
}

TEST(Histogram, CountsEveryElementInItsBin) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.real_dtype();
    const Shape shape = random.shape(3, 30, true);
    const bool given = random.pick(2) == 0;
    const Known a = random.array(dtype, shape, given ? 0.1 : 0, random.pick(2) == 0 ? 2 : 0);
    const Index bins = 1 + random.pick(40);
    HistogramOptions options;
    if (given) options.range = {-10.0, 25.0};
    const bool one_axis = random.pick(2) == 0;
    if (one_axis) options.axes = {static_cast<int>(random.pick(shape.rank()))};
    const Known weights = random.array(DType::kFloat64, shape, 0);
    const bool weighted = random.pick(2) == 0;
    if (weighted) options.weights = weights.array;
    const Histogram h = histogram(a.array, bins, options);
    const auto tensors = compute_any_way({h.counts, h.edges[0]});
    const auto edges = numbers(tensors[1]);
    ASSERT_EQ(edges.size(), static_cast<std::size_t>(bins) + 1);
    ASSERT_TRUE(std::is_sorted(edges.begin(), edges.end()));
    std::vector<Column> columns;
    if (one_axis)
      columns = columns_of(shape, options.axes[0]);
    else
      columns = {{0, 1, element_count(shape)}};
    std::vector<double> expected(columns.size() * static_cast<std::size_t>(bins));
    for (std::size_t c = 0; c < columns.size(); ++c)
      for (Index i = 0; i < columns[c].length; ++i) {
        const auto at = static_cast<std::size_t>(columns[c].first + i * columns[c].step);
        const Index bin = naive_bin(edges, a.values[at]);
        if (bin >= 0) expected[c * static_cast<std::size_t>(bins) + static_cast<std::size_t>(bin)] += weighted ? weights.values[at] : 1;
      }
    const auto got = numbers(tensors[0]);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_TRUE(near(got[i], expected[i], 1e-12)) << got[i] << ' ' << expected[i];
  }
}

TEST(Histogram, EdgesAndDensityAreNumPys) {
  // numpy.histogram(numpy.float32([0.1, 0.7, 0.7, 2.3, 9.9]), 3, density=True)
  const Array a = RandomArrays::list<float>({0.1f, 0.7f, 0.7f, 2.3f, 9.9f});
  const Histogram h = histogram(a, 3, {.density = true});
  EXPECT_EQ(h.edges[0].dtype(), DType::kFloat32);
  const auto tensors = compute_any_way({h.counts, h.edges[0]});
  const auto edges = numbers(tensors[1]), density = numbers(tensors[0]);
  const float step = (9.9f - 0.1f) / 3.0f, expected_edges[] = {0.1f, step + 0.1f, step * 2.0f + 0.1f, 9.9f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(edges[i], static_cast<double>(expected_edges[i]));
  double total = 0;
  for (std::size_t i = 0; i < 3; ++i) total += density[i] * (edges[i + 1] - edges[i]);
  EXPECT_NEAR(total, 1, 1e-6);
  EXPECT_NEAR(density[0] / density[2], 4, 1e-5);
}

TEST(Histogram, OfSeveralCoordinates) {
  RandomArrays random(7);
  const Known x = random.array(DType::kFloat32, {50, 40}, 0), y = random.array(DType::kInt16, {50, 40}, 0);
  const Histogram h = histogram2d(x.array, y.array, 7, 5, {.density = true});
  const Histogram plain = histogram2d(x.array, y.array, 7, 5);
  ASSERT_EQ(plain.counts.shape(), (Shape{7, 5}));
  const auto tensors = compute_any_way({plain.counts, plain.edges[0], plain.edges[1], h.counts});
  const auto counts = numbers(tensors[0]), ex = numbers(tensors[1]), ey = numbers(tensors[2]), density = numbers(tensors[3]);
  std::vector<double> expected(35);
  for (std::size_t i = 0; i < x.values.size(); ++i)
    ++expected[static_cast<std::size_t>(naive_bin(ex, x.values[i]) * 5 + naive_bin(ey, y.values[i]))];
  EXPECT_EQ(counts, expected);
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t j = 0; j < 5; ++j)
      EXPECT_NEAR(density[i * 5 + j], expected[i * 5 + j] / (ex[i + 1] - ex[i]) / (ey[j + 1] - ey[j]) / 2000, 1e-12);
}

TEST(Histogram, RefusesWhatDoesNotFit) {
  RandomArrays random(2);
  const Array a = random.array(DType::kFloat64, {9}, 0).array;
  EXPECT_THROW(histogram(a, 0), Error);
  EXPECT_THROW(histogram(a, 3, {.range = std::pair{2.0, 1.0}}), Error);
  EXPECT_THROW(histogram(a, std::vector<double>{1, 0}), Error);
  EXPECT_THROW(histogram(a, 3, {.weights = random.array(DType::kFloat64, {8}, 0).array}), Error);
  const Array nan = RandomArrays::list<double>({1, std::nan(""), 3});
  try {
    compute(histogram(nan, 3).counts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
  }
}

TEST(Bincount, CountsAndSums) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    RandomArrays random(seed);
    const DType dtype = static_cast<DType>(5 + random.pick(4));
    const Shape shape = random.shape(2, 50);
    const Known a = random.array(dtype, shape, 0), w = random.array(DType::kFloat32, shape, 0);
    const auto counts = numbers(compute_any_way(bincount(a.array, Array(), 3)));
    const auto sums = numbers(compute_any_way(bincount(a.array, 300, w.array)));
    std::vector<double> expected(
        std::max<std::size_t>(3, static_cast<std::size_t>(*std::max_element(a.values.begin(), a.values.end())) + 1));
    std::vector<double> expected_sums(300);
    for (std::size_t i = 0; i < a.values.size(); ++i)
      ++expected[static_cast<std::size_t>(a.values[i])], expected_sums[static_cast<std::size_t>(a.values[i])] += w.values[i];
    EXPECT_EQ(counts, expected);
    for (std::size_t i = 0; i < 300; ++i)
      EXPECT_TRUE(near(sums[i], expected_sums[i], 1e-5)) << seed << " " << i << ": " << sums[i] << " is not " << expected_sums[i];
  }
  const Array a = RandomArrays::list<std::int32_t>({1, -1});
  EXPECT_THROW(compute(bincount(a, 5)), Error);
  EXPECT_THROW(compute(bincount(RandomArrays::list<std::int32_t>({5}), 5)), Error);
}

TEST(Unique, EqualsASortedMap) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const Shape shape = random.shape(3, 30, true);
    const Known a = random.array(random.real_dtype(), shape, 0.1, 5);
    struct Seen {
      double count = 0, first = 0;
    };
    const auto before = [](double x, double y) { return x < y || (std::isnan(y) && !std::isnan(x)); };
    std::map<double, Seen, decltype(before)> expected(before);
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      Seen& seen = expected[a.values[i]];
      if (seen.count++ == 0) seen.first = static_cast<double>(i);
    }
    ComputeOptions options;
    options.settings = {Index{1} << 20, 2, "/var/tmp"};
    const UniqueResult result = unique(a.array, {.compute = options});
    const auto values = numbers(result.values), counts = numbers(result.counts), first = numbers(result.first);
    ASSERT_EQ(values.size(), expected.size());
    std::size_t i = 0;
    for (const auto& [value, seen] : expected) {
      EXPECT_TRUE(same(values[i], value));
      EXPECT_EQ(counts[i], seen.count);
      EXPECT_EQ(first[i++], seen.first);
    }
    const auto inverse = numbers(compute(result.inverse));
    for (std::size_t k = 0; k < inverse.size(); ++k) ASSERT_TRUE(same(values[static_cast<std::size_t>(inverse[k])], a.values[k]));
    if (a.values.empty()) continue;
    const ModeResult mode = mode_of_all(a.array);
    const auto best = std::max_element(expected.begin(), expected.end(), [](auto& x, auto& y) { return x.second.count < y.second.count; });
    EXPECT_TRUE(same(numbers(mode.value)[0], best->first));
    EXPECT_EQ(static_cast<double>(mode.count), best->second.count);
  }
}

TEST(Unique, OfComplexNumbersIsInTheOrderOfTheirParts) {
  using Complex = std::complex<double>;
  const double nan = std::nan("");
  const std::vector<Complex> values{{2, 1}, {1, 5}, {nan, 1}, {2, 1}, {1, -5}, {0, nan}, {-0.0, 0}, {0, -0.0}};
  const UniqueResult result = unique(RandomArrays::list(values));
  const std::vector<Complex> expected{{0, 0}, {1, -5}, {1, 5}, {2, 1}};
  ASSERT_EQ(result.values.shape(), Shape{5});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(result.values.data<Complex>()[i], expected[i]);
  EXPECT_TRUE(std::isnan(result.values.data<Complex>()[4].real()));
  EXPECT_EQ(numbers(result.counts), (std::vector<double>{2, 1, 1, 2, 2}));
  EXPECT_EQ(numbers(result.first), (std::vector<double>{6, 4, 1, 0, 2}));
  EXPECT_EQ(numbers(compute(result.inverse)), (std::vector<double>{3, 2, 4, 3, 1, 4, 0, 0}));
}

TEST(Sets, EqualStdSets) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.real_dtype();
    const Known a = random.array(dtype, random.shape(2, 12, true), 0, 6), b = random.array(dtype, random.shape(2, 12, true), 0, 6);
    const std::set<double> x(a.values.begin(), a.values.end()), y(b.values.begin(), b.values.end());
    std::vector<double> both, either, first, apart;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
    std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(either));
    std::set_difference(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(first));
    std::set_symmetric_difference(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(apart));
    EXPECT_EQ(numbers(intersect1d(a.array, b.array)), both);
    EXPECT_EQ(numbers(union1d(a.array, b.array)), either);
    EXPECT_EQ(numbers(setdiff1d(a.array, b.array)), first);
    EXPECT_EQ(numbers(setxor1d(a.array, b.array)), apart);
  }
}

TEST(Unique, SaysWhenThereAreTooMany) {
  RandomArrays random(3);
  const Known a = random.array(DType::kFloat64, {1000}, 0);
  try {
    unique(a.array, {.max_values = 100});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_NE(std::string(error.what()).find("more than 100 different values"), std::string::npos) << error.what();
  }
}

TEST(Search, EqualsCountingByHand) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomArrays random(seed);
    const DType dtype = random.real_dtype();
    const Known a = random.array(dtype, random.shape(3, 20, true), 0.1, 5);
    std::vector<double> points;
    for (Index i = 0, n = random.pick(12); i < n; ++i) points.push_back(5 * std::round(4 * random.normal()));
    std::sort(points.begin(), points.end());
    std::vector<double> down(points.rbegin(), points.rend());
    const Array list = RandomArrays::list(points), falling = RandomArrays::list(down);
    const auto tensors = compute_any_way({searchsorted(list, a.array), searchsorted(list, a.array, true), digitize(a.array, list),
                                          digitize(a.array, list, true), digitize(a.array, falling, false, true),
                                          digitize(a.array, falling, true, true), isin(a.array, falling), isin(a.array, list, true)});
    for (std::size_t i = 0; i < a.values.size(); ++i) {
      const double x = a.values[i];
      double below = 0, upto = 0;
      for (const double p : points) below += p < x || std::isnan(x), upto += p <= x || std::isnan(x);
      const double n = static_cast<double>(points.size()), in = !std::isnan(x) && upto > below;
      const double expected[] = {below, upto, upto, below, n - upto, n - below, in, 1 - in};
      for (std::size_t k = 0; k < 8; ++k) ASSERT_EQ(numbers(tensors[k])[i], expected[k]) << "function " << k << " of " << x;
    }
  }
}

TEST(Interp, EqualsLinesBetweenPoints) {
  RandomArrays random(4);
  const Known a = random.array(DType::kFloat32, {17, 23}, 0.1);
  const std::vector<double> x{-20, -3, -1, 0.5, 4, 30}, y{1, 5, -2, -2, 7, 0};
  const auto got = numbers(compute_any_way(interp(a.array, RandomArrays::list(x), RandomArrays::list(y))));
  const auto outside = numbers(compute_any_way(interp(a.array, RandomArrays::list(x), RandomArrays::list(y), -9.0, std::nan(""))));
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    const double v = a.values[i];
    double expected = std::isnan(v) ? v : v < x[0] ? y[0] : y.back(), expected_outside = std::isnan(v) ? v : v < x[0] ? -9.0 : std::nan("");
    for (std::size_t j = 0; j + 1 < x.size(); ++j)
      if (v >= x[j] && v <= x[j + 1]) expected = expected_outside = y[j] + (y[j + 1] - y[j]) * (v - x[j]) / (x[j + 1] - x[j]);
    EXPECT_TRUE(near(got[i], expected, 1e-12)) << v;
    EXPECT_TRUE(near(outside[i], expected_outside, 1e-12)) << v;
  }
  EXPECT_THROW(interp(a.array, RandomArrays::list(x), RandomArrays::list<double>({1})), Error);
}

}  // namespace
}  // namespace freestone
