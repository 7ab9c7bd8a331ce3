#include "freestone/kernels/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "freestone/kernels/dispatch.h"

namespace freestone::kernels {
namespace {

TEST(Philox, GivesThePublishedAnswers) {
  // The known answers of Random123 (kat_vectors, philox4x32, 10 rounds).
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

/// The largest distance between the sample's distribution and `cdf`, times the root of its size: above 1.95 once in a thousand.
double kolmogorov(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  double most = 0;
  const auto n = static_cast<double>(sample.size());
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double p = cdf(sample[i]);
    most = std::max({most, p - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - p});
  }
  return most * std::sqrt(n);
}

template <class T, class Fill>
std::vector<double> sample(Fill&& fill, std::size_t n, Index first = 0) {
  std::vector<T> values(n);
  fill(first, std::span<T>(values));
  return {values.begin(), values.end()};
}

constexpr RandomStream kStream{12345, 6};

template <class T>
void check_floating() {
  const std::size_t n = 200'000;
  const auto uniform = sample<T>([](Index at, std::span<T> out) { random_uniform(kStream, at, out); }, n);
  EXPECT_LT(kolmogorov(uniform, [](double x) { return x; }), 1.95);
  EXPECT_GE(*std::min_element(uniform.begin(), uniform.end()), 0);
  EXPECT_LT(*std::max_element(uniform.begin(), uniform.end()), 1);
  const auto normal = sample<T>([](Index at, std::span<T> out) { random_normal(kStream, at, out); }, n);
  EXPECT_LT(kolmogorov(normal, [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }), 1.95);
  double moments[5] = {};
  double neighbours = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double power = 1;
    for (double& m : moments) m += power / static_cast<double>(n), power *= normal[i];
    if (i > 0) neighbours += normal[i] * normal[i - 1] / static_cast<double>(n);
  }
  EXPECT_NEAR(moments[1], 0, 0.01);
  EXPECT_NEAR(moments[2], 1, 0.015);
  EXPECT_NEAR(moments[3], 0, 0.03);
  EXPECT_NEAR(moments[4], 3, 0.1);
  EXPECT_NEAR(neighbours, 0, 0.01);
}

TEST(Random, UniformAndNormalHaveTheirDistributions) {
  check_floating<float>();
  check_floating<double>();
  const auto exponential = sample<double>([](Index at, std::span<double> out) { random_exponential(kStream, at, out); }, 200'000);
  EXPECT_LT(kolmogorov(exponential, [](double x) { return -std::expm1(-x); }), 1.95);
}

TEST(Random, StreamsAndSeedsAreDifferent) {
  const auto draw = [](RandomStream stream) {
    return sample<double>([&](Index at, std::span<double> out) { random_uniform(stream, at, out); }, 1000);
  };
  const auto a = draw({1, 0}), b = draw({1, 1}), c = draw({2, 0});
  double ab = 0, ac = 0;
  for (std::size_t i = 0; i < a.size(); ++i) ab += (a[i] - 0.5) * (b[i] - 0.5), ac += (a[i] - 0.5) * (c[i] - 0.5);
  EXPECT_LT(std::abs(ab) * 12 / 1000, 0.13);
  EXPECT_LT(std::abs(ac) * 12 / 1000, 0.13);
}

TEST(Random, IntegersAreEquallyLikely) {
  for (const std::uint64_t range : {1ull, 2ull, 7ull, 100ull, 1ull << 32}) {
    std::vector<std::uint64_t> values(100'000);
    random_integers(kStream, 5, range, values);
    const std::size_t bins = range < 100 ? range : 100;
    std::vector<double> counts(bins);
    for (const auto v : values) {
      ASSERT_LT(v, range);
      counts[static_cast<std::size_t>(static_cast<unsigned __int128>(v) * bins / range)] += 1;
    }
    double chi2 = 0;
    const double expected = 100'000.0 / static_cast<double>(bins);
    for (const double c : counts) chi2 += (c - expected) * (c - expected) / expected;
    EXPECT_LT(chi2, static_cast<double>(bins) + 4.5 * std::sqrt(2.0 * static_cast<double>(bins)));
  }
  // A range of more than half of all words rejects often; each number alone is the same.
  const std::uint64_t range = (std::uint64_t{1} << 63) + 12345;
  std::vector<std::uint64_t> values(3000);
  random_integers(kStream, 1, range, values);
  double mean = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_LT(values[i], range);
    ASSERT_EQ(values[i], random_integer(kStream, 1 + static_cast<Index>(i), range));
    mean += static_cast<double>(values[i]) / static_cast<double>(range) / 3000;
  }
  EXPECT_NEAR(mean, 0.5, 0.02);
}

TEST(Random, PoissonHasItsProbabilities) {
  for (const double lambda : {0.0, 0.3, 4.0, 9.99, 10.0, 33.3, 1000.0}) {
    std::vector<std::int64_t> values(100'000);
    random_poisson(kStream, 0, lambda, values);
    std::map<std::int64_t, double> counts;
    double mean = 0, square = 0;
    for (const auto v : values) counts[v] += 1, mean += static_cast<double>(v) / 1e5, square += static_cast<double>(v * v) / 1e5;
    EXPECT_NEAR(mean, lambda, 4.5 * std::sqrt(lambda / 1e5)) << lambda;
    EXPECT_NEAR(square - mean * mean, lambda, 0.03 * lambda + 1e-9) << lambda;
    double chi2 = 0, bins = 0;
    for (const auto& [k, count] : counts) {
      const double k_ = static_cast<double>(k);
      const double expected = 1e5 * (lambda == 0 ? 1 : std::exp(-lambda + k_ * std::log(lambda) - std::lgamma(k_ + 1)));
      if (expected < 20) continue;
      chi2 += (count - expected) * (count - expected) / expected, bins += 1;
    }
    EXPECT_LT(chi2, bins + 4.5 * std::sqrt(2 * bins)) << lambda;
  }
}

TEST(Random, OwnArithmeticIsAccurate) {
  double worst_log = 0, worst_exp = 0, worst_quantile = 0;
  for (int i = 1; i < 20000; ++i) {
    const double x = std::exp((i - 10000) * 0.01);
    if (const double truth = std::log(x); truth != 0) worst_log = std::max(worst_log, std::abs(exact_log(x) / truth - 1));
    const double y = (i - 10000) * 0.03;
    worst_exp = std::max(worst_exp, std::abs(exact_exp(y) / std::exp(y) - 1));
  }
  for (int i = -5000; i < 5000; ++i) {
    const double z = i * 0.0015;
    if (z > 0) continue;  // the upper half is the mirror
    const double p = 0.5 * std::erfc(-z / std::sqrt(2.0));
    worst_quantile = std::max(worst_quantile, std::abs(normal_quantile(p) - z) / std::max(1.0, -z));
  }
  EXPECT_LT(worst_log, 5e-16);
  EXPECT_LT(worst_exp, 2e-15);
  EXPECT_LT(worst_quantile, 2e-15);
  EXPECT_EQ(normal_quantile(0.25), -normal_quantile(0.75));
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-14);
}

TEST(Random, SameBitsFromAnyStartAndWithAnyVectorWidth) {
  const auto all = [](Index first, std::size_t n) {
    std::vector<std::byte> bytes;
    const auto add = [&](const auto& values) {
      const auto* data = reinterpret_cast<const std::byte*>(values.data());
      bytes.insert(bytes.end(), data, data + values.size() * sizeof(values[0]));
    };
    std::vector<float> f(n);
    std::vector<double> d(n);
    std::vector<std::uint64_t> u(n);
    random_uniform(kStream, first, std::span(f)), add(f);
    random_normal(kStream, first, std::span(f)), add(f);
    random_uniform(kStream, first, std::span(d)), add(d);
    random_normal(kStream, first, std::span(d)), add(d);
    random_exponential(kStream, first, d), add(d);
    random_integers(kStream, first, 1000, u), add(u);
    return bytes;
  };
  const auto best = all(3, 5000);
  for (const Target target : {Target::kBaseline, Target::kAvx2}) {
    set_target(target);
    EXPECT_EQ(all(3, 5000), best);
  }
  set_target(best_target());
  std::vector<float> whole(3000), part(1000);
  random_normal(kStream, 0, std::span(whole));
  for (const Index first : {0, 1, 2, 3, 777, 1999}) {
    random_normal(kStream, first, std::span(part));
    EXPECT_EQ(std::memcmp(part.data(), whole.data() + first, part.size() * sizeof(float)), 0) << first;
  }
}

}  // namespace
}  // namespace freestone::kernels
