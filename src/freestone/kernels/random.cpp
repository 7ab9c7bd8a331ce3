#include "freestone/kernels/random.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "freestone/base/error.h"
#include "freestone/kernels/random_loops.h"

namespace freestone::kernels {
namespace {

constexpr double kLn2High = 0x1.62e42fefap-1, kLn2Low = 0x1.cf79abc9e3b3ap-40;  // ln 2 in two parts, the first with 16 zero bits
constexpr double kCentral = 0.425;

/// Calls `use(words, i, n)`: 32-bit words of the stream that belong to elements i ... i + n - 1 of the output, `per_block` elements a
/// block.
template <class F>
void for_each_batch(RandomStream stream, Index first, Index count, Index per_block, F&& use) {
  alignas(64) std::uint32_t words[4 * kRandomBatch];
  const RandomLoops loops = random_loops();
  const Index per_word = 4 / per_block;
  for (Index done = 0; done < count;) {
    const Index block = (first + done) / per_block, skip = (first + done) % per_block;
    const Index n = std::min(count - done, kRandomBatch * per_block - skip);
    loops.words(stream.seed, stream.stream, static_cast<std::uint64_t>(block), words);
    use(words + skip * per_word, done, n);
    done += n;
  }
}

std::uint64_t join(std::uint32_t low, std::uint32_t high) { return std::uint64_t{high} << 32 | low; }

PhiloxBlock attempt_block(RandomStream stream, std::uint64_t element, std::uint32_t attempt) {
  return philox({static_cast<std::uint32_t>(element), static_cast<std::uint32_t>(element >> 32), stream.stream, attempt},
                {static_cast<std::uint32_t>(stream.seed), static_cast<std::uint32_t>(stream.seed >> 32)});
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }
/// In (0, 1), symmetric.
double open_unit(std::uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }

/// The quantile of q = p - 1/2 beyond the middle; `tail` is p or 1 - p, whichever is small.
double tail_normal(double q, double tail) {
  double r = std::sqrt(-exact_log(tail));
  double z;
  if (r <= 5) {
    r -= 1.6;
    const double numerator =
        (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r +
            3.64784832476320460504) *
               r +
           5.7694972214606914055) *
              r +
          4.6303378461565452959) *
             r +
         1.42343711074968357734);
    const double denominator =
        (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r +
            0.68976733498510000455) *
               r +
           1.6763848301838038494) *
              r +
          2.05319162663775882187) *
             r +
         1.0);
    z = numerator / denominator;
  } else {
    r -= 5;
    const double numerator =
        (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r + 0.026532189526576123093) *
                r +
            0.29656057182850489123) *
               r +
           1.7848265399172913358) *
              r +
          5.4637849111641143699) *
             r +
         6.6579046435011037772);
    const double denominator =
        (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) *
                r +
            0.0148753612908506148525) *
               r +
           0.13692988092273580531) *
              r +
          0.59983220655588793769) *
             r +
         1.0);
    z = numerator / denominator;
  }
  return q < 0 ? -z : z;
}

/// Quantiles of `p`, n <= kRandomBatch * 4.
void quantiles(const double* p, Index n, double* z) {
  double q[4 * kRandomBatch];
  for (Index i = 0; i < n; ++i) q[i] = p[i] - 0.5;
  random_loops().central_normal(q, n, z);
  for (Index i = 0; i < n; ++i)
    if (std::abs(q[i]) > kCentral) z[i] = tail_normal(q[i], q[i] < 0 ? p[i] : 1 - p[i]);
}

/// ln Gamma(x), x >= 1: Stirling's series from 10 on, the recurrence below.
double log_gamma(double x) {
  double product = 1;
  for (; x < 10; x += 1) product *= x;
  const double y = 1 / (x * x);
  const double series = (((((-691.0 / 360360 * y + 1.0 / 1188) * y - 1.0 / 1680) * y + 1.0 / 1260) * y - 1.0 / 360) * y + 1.0 / 12) / x;
  constexpr double kHalfLogTwoPi = 0.91893853320467274178;
  return (x - 0.5) * exact_log(x) - x + kHalfLogTwoPi + series - exact_log(product);
}

std::int64_t poisson_by_products(RandomStream stream, std::uint64_t element, double floor) {
  double product = 1;
  for (std::uint32_t attempt = 0;; ++attempt) {
    const PhiloxBlock block = attempt_block(stream, element, attempt);
    for (int half = 0; half < 2; ++half) {
      product *= unit(join(block[static_cast<std::size_t>(2 * half)], block[static_cast<std::size_t>(2 * half + 1)]));
      if (product <= floor) return 2 * std::int64_t{attempt} + half;
    }
  }
}

std::int64_t poisson_by_rejection(RandomStream stream, std::uint64_t element, double lambda) {
  const double log_lambda = exact_log(lambda), b = 0.931 + 2.53 * std::sqrt(lambda), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (std::uint32_t attempt = 0;; ++attempt) {
    const PhiloxBlock block = attempt_block(stream, element, attempt);
    const double u = open_unit(join(block[0], block[1])) - 0.5, v = open_unit(join(block[2], block[3]));
    const double us = 0.5 - std::abs(u);
    const double k = std::floor((2 * a / us + b) * u + lambda + 0.43);
    if (us >= 0.07 && v <= v_r) return static_cast<std::int64_t>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (exact_log(v) + exact_log(inverse_alpha) - exact_log(a / (us * us) + b) <= -lambda + k * log_lambda - log_gamma(k + 1))
      return static_cast<std::int64_t>(k);
  }
}

}  // namespace

PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xD2511F53} * counter[0], right = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(right >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(right),
               static_cast<std::uint32_t>(left >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(left)};
    key[0] += 0x9E3779B9u, key[1] += 0xBB67AE85u;
  }
  return counter;
}

double exact_log(double x) {
  // x = 2^k * m with m near 1; ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172, by its series.
  auto bits = std::bit_cast<std::uint64_t>(x);
  auto k = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  if (m > 1.4142135623730951) m *= 0.5, ++k;
  const double f = m - 1, s = f / (m + 1), z = s * s;
  double series = 1.0 / 23;
  for (int n = 21; n >= 3; n -= 2) series = series * z + 1.0 / n;
  // 2s = f - s f: the small part is added last.
  const double small = s * (2 * z * series - f);
  return k * kLn2High + (f + (small + k * kLn2Low));
}

double exact_exp(double x) {
  const double k = std::floor(x * 1.4426950408889634 + 0.5);
  const double r = x - k * kLn2High - k * kLn2Low;
  double series = 1;
  for (int n = 17; n >= 1; --n) series = 1 + series * r / n;
  return series * std::bit_cast<double>(static_cast<std::uint64_t>(1023 + static_cast<int>(k)) << 52);
}

double normal_quantile(double p) {
  double z;
  quantiles(&p, 1, &z);
  return z;
}

void random_uniform(RandomStream stream, Index first, std::span<float> out) {
  for_each_batch(stream, first, static_cast<Index>(out.size()), 4, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i) out[static_cast<std::size_t>(at + i)] = static_cast<float>(words[i] >> 8) * 0x1p-24f;
  });
}

void random_uniform(RandomStream stream, Index first, std::span<double> out) {
  for_each_batch(stream, first, static_cast<Index>(out.size()), 2, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i) out[static_cast<std::size_t>(at + i)] = unit(join(words[2 * i], words[2 * i + 1]));
  });
}

void random_normal(RandomStream stream, Index first, std::span<float> out) {
  double p[4 * kRandomBatch], z[4 * kRandomBatch];
  for_each_batch(stream, first, static_cast<Index>(out.size()), 4, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i) p[i] = (static_cast<double>(words[i]) + 0.5) * 0x1p-32;
    quantiles(p, n, z);
    for (Index i = 0; i < n; ++i) out[static_cast<std::size_t>(at + i)] = static_cast<float>(z[i]);
  });
}

void random_normal(RandomStream stream, Index first, std::span<double> out) {
  double p[2 * kRandomBatch];
  for_each_batch(stream, first, static_cast<Index>(out.size()), 2, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i) p[i] = open_unit(join(words[2 * i], words[2 * i + 1]));
    quantiles(p, n, out.data() + at);
  });
}

void random_exponential(RandomStream stream, Index first, std::span<double> out) {
  for_each_batch(stream, first, static_cast<Index>(out.size()), 2, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i)
      out[static_cast<std::size_t>(at + i)] = -exact_log((static_cast<double>(join(words[2 * i], words[2 * i + 1]) >> 11) + 1) * 0x1p-53);
  });
}

namespace {

/// The number that `word`, the first that the stream has for element `number`, stands for. `unfair`: 2^64 modulo range.
std::uint64_t within(std::uint64_t word, std::uint64_t range, std::uint64_t unfair, RandomStream stream, Index number) {
  auto product = static_cast<unsigned __int128>(word) * range;
  for (std::uint32_t attempt = 1; static_cast<std::uint64_t>(product) < unfair; ++attempt) {
    const PhiloxBlock block = attempt_block(stream, static_cast<std::uint64_t>(number), attempt);
    product = static_cast<unsigned __int128>(join(block[0], block[1])) * range;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

void random_integers(RandomStream stream, Index first, std::uint64_t range, std::span<std::uint64_t> out) {
  const std::uint64_t unfair = range == 0 ? 0 : (0 - range) % range;
  for_each_batch(stream, first, static_cast<Index>(out.size()), 2, [&](const std::uint32_t* words, Index at, Index n) {
    for (Index i = 0; i < n; ++i) {
      const std::uint64_t word = join(words[2 * i], words[2 * i + 1]);
      out[static_cast<std::size_t>(at + i)] = range == 0 ? word : within(word, range, unfair, stream, first + at + i);
    }
  });
}

std::uint64_t random_integer(RandomStream stream, Index number, std::uint64_t range) {
  const PhiloxBlock block = attempt_block(stream, static_cast<std::uint64_t>(number) / 2, 0);
  const std::size_t half = number % 2 == 0 ? 0 : 2;
  const std::uint64_t word = join(block[half], block[half + 1]);
  return range == 0 ? word : within(word, range, (0 - range) % range, stream, number);
}

void random_poisson(RandomStream stream, Index first, double lambda, std::span<std::int64_t> out) {
  ensure(lambda >= 0 && lambda < 0x1p62, "poisson: a mean out of range");
  const double floor = lambda < 10 ? exact_exp(-lambda) : 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t element = static_cast<std::uint64_t>(first) + i;
    out[i] = lambda == 0 ? 0 : lambda < 10 ? poisson_by_products(stream, element, floor) : poisson_by_rejection(stream, element, lambda);
  }
}

}  // namespace freestone::kernels
