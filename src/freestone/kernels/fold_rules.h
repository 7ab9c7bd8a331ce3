/// The rules of folds, one output at a time: what is a fresh state, how two are joined, what comes out.
///
/// A rule's words of state are the planes of its loops (fold_loops.h), followed by words that only merging uses (compensation).
/// `Words` addresses one output's words inside of planes.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include "freestone/kernels/fold.h"

namespace freestone::kernels {

struct Words {
  Word* first;
  Index stride;
  Word& operator[](int k) const { return first[k * stride]; }
};
struct ConstWords {
  const Word* first;
  Index stride;
  const Word& operator[](int k) const { return first[k * stride]; }
};

/// Neumaier's sum: adds `x` to `sum`, and what rounding lost to `lost`.
inline void add_compensated(double& sum, double& lost, double x) {
  const double total = sum + x;
  lost += std::fabs(sum) >= std::fabs(x) ? (sum - total) + x : (x - total) + sum;
  sum = total;
}
/// The sum with what was lost; where infinities made nonsense of the latter, the sum alone.
inline double compensated(double sum, double lost) { return std::isfinite(lost) ? sum + lost : sum; }

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// sum, count, lost
struct SumRule {
  static constexpr int kWords = 3;
  static void init(Words w) { w[0].f = 0, w[1].i = 0, w[2].f = 0; }
  static void merge(Words a, ConstWords b) {
    add_compensated(a[0].f, a[2].f, b[0].f);
    a[1].i += b[1].i;
    a[2].f += b[2].f;
  }
  static double sum(ConstWords w) { return compensated(w[0].f, w[2].f); }
};

// sum, count; modulo 2^64
struct IntegerSumRule {
  static constexpr int kWords = 2;
  static void init(Words w) { w[0].u = 0, w[1].i = 0; }
  static void merge(Words a, ConstWords b) { a[0].u += b[0].u, a[1].i += b[1].i; }
};
struct ProductRule {
  static constexpr int kWords = 2;
  static void init(Words w) { w[0].f = 1, w[1].i = 0; }
  static void merge(Words a, ConstWords b) { a[0].f *= b[0].f, a[1].i += b[1].i; }
};
struct IntegerProductRule {
  static constexpr int kWords = 2;
  static void init(Words w) { w[0].u = 1, w[1].i = 0; }
  static void merge(Words a, ConstWords b) { a[0].u *= b[0].u, a[1].i += b[1].i; }
};

template <class T>
T& value_of(Word& w) {
  if constexpr (std::is_same_v<T, double>)
    return w.f;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return w.i;
  else
    return w.u;
}
template <class T>
T value_of(const Word& w) {
  return value_of<T>(const_cast<Word&>(w));
}

/// Worse than any value.
template <class T, bool kLess>
constexpr T worst() {
  if constexpr (std::is_same_v<T, double>)
    return kLess ? kInfinity : -kInfinity;
  else
    return kLess ? std::numeric_limits<T>::max() : std::numeric_limits<T>::min();
}
/// NaN is in a state only when it is not skipped, and then it wins.
template <class T, bool kLess>
bool better(T x, T than) {
  if (x != x) return than == than;
  return kLess ? x < than : x > than;
}

// value, count
template <class T, bool kLess>
struct ExtremeRule {
  static constexpr int kWords = 2;
  static void init(Words w) { value_of<T>(w[0]) = worst<T, kLess>(), w[1].i = 0; }
  static void merge(Words a, ConstWords b) {
    if (better<T, kLess>(value_of<T>(b[0]), value_of<T>(a[0]))) a[0] = b[0];
    a[1].i += b[1].i;
  }
};

// value, position: -1 before the first
template <class T, bool kLess>
struct ArgRule {
  static constexpr int kWords = 2;
  static void init(Words w) { value_of<T>(w[0]) = worst<T, kLess>(), w[1].f = -1; }
  static void merge(Words a, ConstWords b) {
    if (b[1].f < 0) return;
    const T x = value_of<T>(b[0]), old = value_of<T>(a[0]);
    const bool same = x == old || (x != x && old != old);
    if (a[1].f < 0 || better<T, kLess>(x, old) || (same && b[1].f < a[1].f)) a[0] = b[0], a[1] = b[1];
  }
};

struct CountRule {
  static constexpr int kWords = 1;
  static void init(Words w) { w[0].i = 0; }
  static void merge(Words a, ConstWords b) { a[0].i += b[0].i; }
};
template <bool kAny>
struct TruthRule {
  static constexpr int kWords = 1;
  static void init(Words w) { w[0].i = kAny ? 0 : -1; }
  static void merge(Words a, ConstWords b) { a[0].i = kAny ? a[0].i | b[0].i : a[0].i & b[0].i; }
};

// count, mean, sum of squared deviations from it. Chan, Golub, LeVeque (1979): Updating formulae and a pairwise algorithm for variances.
struct VarianceRule {
  static constexpr int kWords = 3;
  static void init(Words w) { w[0].i = 0, w[1].f = 0, w[2].f = 0; }
  static void merge(Words a, ConstWords b) {
    if (b[0].i == 0) return;
    if (a[0].i == 0) {
      for (int k = 0; k < kWords; ++k) a[k] = b[k];
      return;
    }
    const double na = static_cast<double>(a[0].i), nb = static_cast<double>(b[0].i), n = na + nb;
    const double apart = b[1].f - a[1].f;
    a[1].f += apart * (nb / n);
    a[2].f += b[2].f + apart * apart * (na * nb / n);
    a[0].i += b[0].i;
  }
};

// count, min, max, sum, sum of squares, lost of both
template <bool kSkip>
struct StatisticsRule {
  static constexpr int kWords = 7;
  static void init(Words w) {
    w[0].i = 0, w[1].f = kInfinity, w[2].f = -kInfinity;
    for (int k = 3; k < kWords; ++k) w[k].f = 0;
  }
  static void merge(Words a, ConstWords b) {
    a[0].i += b[0].i;
    if (better<double, true>(b[1].f, a[1].f)) a[1].f = b[1].f;
    if (better<double, false>(b[2].f, a[2].f)) a[2].f = b[2].f;
    add_compensated(a[3].f, a[5].f, b[3].f);
    add_compensated(a[4].f, a[6].f, b[4].f);
    a[5].f += b[5].f;
    a[6].f += b[6].f;
  }
};

// count, order + 1 sums, as many lost
template <int kOrder>
struct PowersRule {
  static constexpr int kSums = kOrder + 1;
  static constexpr int kWords = 1 + 2 * kSums;
  static void init(Words w) {
    w[0].i = 0;
    for (int k = 1; k < kWords; ++k) w[k].f = 0;
  }
  static void merge(Words a, ConstWords b) {
    a[0].i += b[0].i;
    for (int k = 1; k <= kSums; ++k) {
      add_compensated(a[k].f, a[k + kSums].f, b[k].f);
      a[k + kSums].f += b[k + kSums].f;
    }
  }
};

}  // namespace freestone::kernels
