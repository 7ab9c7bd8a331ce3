/// Random arrays for the tests of kernels: shapes, dtypes, NaN and infinities, memory in any order.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

/// A view and its memory.
struct Sample {
  std::vector<std::byte> memory;
  View view;
};

class RandomViews {
 public:
  explicit RandomViews(std::uint64_t seed) : random_(seed) {}

  Index integer(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random_); }
  bool chance(double p) { return std::bernoulli_distribution(p)(random_); }
  double normal() { return std::normal_distribution<double>()(random_); }
  std::mt19937_64& engine() { return random_; }

  Shape shape(int max_rank, Index longest) {
    Shape out;
    const int rank = static_cast<int>(integer(1, max_rank));
    for (int k = 0; k < rank; ++k) out.push_back(integer(1, longest));
    return out;
  }
  DType real_dtype() { return static_cast<DType>(integer(0, 10)); }
  DType float_dtype() { return chance(0.5) ? DType::kFloat32 : DType::kFloat64; }

  /// Memory in a random order of axes, some of them backwards or with gaps.
  Sample empty(DType dtype, const Shape& shape) {
    Sample out;
    std::vector<int> order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    if (chance(0.5)) std::shuffle(order.begin(), order.end(), random_);
    out.view = {nullptr, dtype, shape, Dims(shape.rank())};
    Index step = size_of(dtype), start = 0;
    for (auto k = order.rbegin(); k != order.rend(); ++k) {
      if (chance(0.2)) step *= 2;
      const bool backwards = chance(0.2);
      out.view.strides[*k] = backwards ? -step : step;
      if (backwards) start += step * std::max<Index>(0, shape[*k] - 1);
      step *= std::max<Index>(1, shape[*k]);
    }
    out.memory.resize(static_cast<std::size_t>(step + size_of(dtype)));
    out.view.data = out.memory.data() + start;
    return out;
  }

  /// Values; floats with NaN at `missing`, and infinities if asked. `grain` > 0 rounds, so that values tie.
  Sample values(DType dtype, const Shape& shape, double missing, bool infinities = false, double grain = 0) {
    Sample out = empty(dtype, shape);
    with_real_type(dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_each_row(shape, {&out.view}, [&](std::byte** row) {
        for (Index i = 0; i < shape.back(); ++i) {
          double x = 20 * normal();
          if (grain > 0) x = std::round(x / grain) * grain;
          T value;
          if constexpr (std::is_floating_point_v<T>) {
            value = static_cast<T>(x);
            if (infinities && chance(0.02)) value = chance(0.5) ? std::numeric_limits<T>::infinity() : -std::numeric_limits<T>::infinity();
            if (chance(missing)) value = std::numeric_limits<T>::quiet_NaN();
          } else if constexpr (std::is_same_v<T, bool>) {
            value = x > 15;
          } else {
            value = static_cast<T>(std::is_signed_v<T> ? x : std::fabs(x));
          }
          std::memcpy(row[0] + i * out.view.strides.back(), &value, sizeof value);
        }
      });
    });
    return out;
  }

  /// The same values in other memory.
  Sample relaid(const View& from) {
    Sample out = empty(from.dtype, from.shape);
    copy(from, out.view);
    return out;
  }

 private:
  std::mt19937_64 random_;
};

/// One element as float64 (exact but for big integers).
inline double element(const View& view, const Dims& at) {
  const std::byte* data = view.data;
  for (int k = 0; k < view.rank(); ++k) data += at[k] * view.strides[k];
  return with_real_type(view.dtype, [&](auto tag) {
    typename decltype(tag)::type value;
    std::memcpy(&value, data, sizeof value);
    return static_cast<double>(value);
  });
}

/// Calls f(index) for each element of a shape in C order.
template <class F>
void for_each_index(const Shape& shape, F&& f) {
  if (element_count(shape) == 0) return;
  Dims at(shape.rank());
  while (true) {
    f(at);
    int k = shape.rank() - 1;
    for (; k >= 0; --k) {
      if (++at[k] < shape[k]) break;
      at[k] = 0;
    }
    if (k < 0) return;
  }
}

/// All elements in C order as float64.
inline std::vector<double> elements(const View& view) {
  std::vector<double> out;
  for_each_index(view.shape, [&](const Dims& at) { out.push_back(element(view, at)); });
  return out;
}

/// Equal, where NaN equals NaN.
inline bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }
inline bool near(double a, double b, double relative, double absolute) {
  return same(a, b) || std::fabs(a - b) <= absolute + relative * std::fabs(b);
}

}  // namespace freestone::kernels
