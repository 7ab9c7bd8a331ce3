#include "freestone/formats/tiff_overview.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

namespace freestone::formats::tiff {
namespace {

constexpr std::pair<std::string_view, Resampling> kNames[] = {{"nearest", Resampling::kNearest}, {"average", Resampling::kAverage},
                                                              {"rms", Resampling::kRms},         {"mode", Resampling::kMode},
                                                              {"min", Resampling::kMin},         {"max", Resampling::kMax}};

template <class T>
struct Nothing {
  bool has_value = false;
  T value{};
  bool operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x)) return true;
    }
    return has_value && x == value;
  }
  /// What stands where nothing is left.
  T mark() const {
    if constexpr (std::is_floating_point_v<T>) return has_value ? value : std::numeric_limits<T>::quiet_NaN();
    return value;
  }
  /// A number that was computed and is not nodata.
  T beside(T x) const {
    if (!has_value || x != value) return x;
    if constexpr (std::is_floating_point_v<T>) return std::nextafter(x, x == std::numeric_limits<T>::max() ? T{0} : std::numeric_limits<T>::max());
    return x == std::numeric_limits<T>::max() ? static_cast<T>(x - 1) : static_cast<T>(x + 1);
  }
};

/// sum / n to the nearest, halves away from zero. A divisor that the compiler knows costs next to nothing.
template <int n, class Sum>
Sum rounded_quotient(Sum sum) {
  return sum >= 0 ? (2 * sum + n) / (2 * n) : -((-2 * sum + n) / (2 * n));
}

template <class T>
T mean(const T* x, int n) {
  if constexpr (std::is_floating_point_v<T>) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(x[i]);
    return static_cast<T>(sum / n);
  } else {
    using Sum = std::conditional_t<sizeof(T) == 8, __int128, std::conditional_t<sizeof(T) == 4, std::int64_t, std::int32_t>>;
    Sum sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<Sum>(x[i]);
    switch (n) {
      case 1: return x[0];
      case 2: return static_cast<T>(rounded_quotient<2>(sum));
      case 3: return static_cast<T>(rounded_quotient<3>(sum));
      default: return static_cast<T>(rounded_quotient<4>(sum));
    }
  }
}

template <class T>
T root_mean_square(const T* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  const double root = std::sqrt(sum / n);
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(root);
  // The lowest integer alone has a root that the type does not hold.
  return root >= static_cast<double>(std::numeric_limits<T>::max()) ? std::numeric_limits<T>::max() : static_cast<T>(std::floor(root + 0.5));
}

template <class T>
T mode(const T* x, int n) {
  int best = 0, most = 0;
  for (int i = 0; i < n; ++i) {
    const auto count = static_cast<int>(std::count(x + i, x + n, x[i]));
    if (count > most) best = i, most = count;
  }
  return x[best];
}

template <class T, Resampling how>
T of_block(const T* x, int n, const Nothing<T>& nothing) {
  if (n == 0) return nothing.mark();
  if constexpr (how == Resampling::kAverage) return nothing.beside(mean(x, n));
  if constexpr (how == Resampling::kRms) return nothing.beside(root_mean_square(x, n));
  if constexpr (how == Resampling::kMode) return mode(x, n);
  if constexpr (how == Resampling::kMin) return *std::min_element(x, x + n);
  return *std::max_element(x, x + n);
}

/// One row of results from one or two rows. `step` is between the pixels of a row, in bytes.
template <class T, Resampling how>
void halve_row(const std::byte* first, const std::byte* second, Index step, Index width, std::byte* out, Index out_step, const Nothing<T>& nothing) {
  const auto at = [](const std::byte* p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
  };
  for (Index j = 0; 2 * j < width; ++j, out += out_step) {
    const std::byte *a = first + 2 * j * step, *b = second == nullptr ? nullptr : second + 2 * j * step;
    const bool is_pair = 2 * j + 1 < width;
    T result;
    if constexpr (how == Resampling::kNearest) {
      result = at(a);
    } else {
      T block[4];
      int n = 0;
      if (is_pair && b != nullptr) {
        for (const std::byte* p : {a, a + step, b, b + step}) block[n++] = at(p);
        // Nearly all blocks: nothing is missing. A sum of four in a known order, without a branch for each.
        if (nothing(block[0]) | nothing(block[1]) | nothing(block[2]) | nothing(block[3])) n = static_cast<int>(std::remove_if(block, block + 4, nothing) - block);
        result = n == 4 ? of_block<T, how>(block, 4, nothing) : of_block<T, how>(block, n, nothing);
      } else {
        for (const std::byte* p : {a, is_pair ? a + step : nullptr, b}) {
          if (p != nullptr && !nothing(at(p))) block[n++] = at(p);
        }
        result = of_block<T, how>(block, n, nothing);
      }
    }
    std::memcpy(out, &result, sizeof result);
  }
}

template <class T, Resampling how>
void halve_planes(const View& from, const View& to, const Nothing<T>& nothing) {
  const int y = from.rank() - 2, x = from.rank() - 1;
  const Index planes = y == 0 ? 1 : from.shape[0], height = from.shape[y], width = from.shape[x];
  for (Index plane = 0; plane < planes; ++plane) {
    const std::byte* source = from.data + (y == 0 ? 0 : plane * from.strides[0]);
    std::byte* target = to.data + (y == 0 ? 0 : plane * to.strides[0]);
    for (Index i = 0; 2 * i < height; ++i) {
      const std::byte* first = source + 2 * i * from.strides[y];
      const std::byte* second = 2 * i + 1 < height ? first + from.strides[y] : nullptr;
      halve_row<T, how>(first, second, from.strides[x], width, target + i * to.strides[y], to.strides[x], nothing);
    }
  }
}

template <class T>
void halve_as(const View& from, const View& to, Resampling how, const Missing& missing) {
  Nothing<T> nothing;
  if (missing.nodata.size() == sizeof(T)) {
    std::memcpy(&nothing.value, missing.nodata.data(), sizeof(T));
    nothing.has_value = true;
    if constexpr (std::is_floating_point_v<T>) nothing.has_value = !std::isnan(nothing.value);
  }
  switch (how) {
    case Resampling::kNearest: return halve_planes<T, Resampling::kNearest>(from, to, nothing);
    case Resampling::kAverage: return halve_planes<T, Resampling::kAverage>(from, to, nothing);
    case Resampling::kRms: return halve_planes<T, Resampling::kRms>(from, to, nothing);
    case Resampling::kMode: return halve_planes<T, Resampling::kMode>(from, to, nothing);
    case Resampling::kMin: return halve_planes<T, Resampling::kMin>(from, to, nothing);
    case Resampling::kMax: return halve_planes<T, Resampling::kMax>(from, to, nothing);
  }
}

/// Real and imaginary parts are averaged each for itself; a number with a NaN in it is missing whole.
template <class T>
void halve_complex(const View& from, const View& to, bool nearest) {
  const int y = from.rank() - 2, x = from.rank() - 1;
  const Shape& shape = to.shape;
  for (Index plane = 0; plane < (y == 0 ? 1 : shape[0]); ++plane) {
    for (Index i = 0; i < shape[y]; ++i) {
      for (Index j = 0; j < shape[x]; ++j) {
        std::complex<double> sum = 0;
        std::complex<T> value, first;
        int n = 0;
        for (Index k = 0; k < 4; ++k) {
          const Index row = 2 * i + k / 2, column = 2 * j + k % 2;
          if (row >= from.shape[y] || column >= from.shape[x]) continue;
          std::memcpy(&value, from.data + (y == 0 ? 0 : plane * from.strides[0]) + row * from.strides[y] + column * from.strides[x], sizeof value);
          if (k == 0) first = value;
          if (std::isnan(value.real()) || std::isnan(value.imag())) continue;
          sum += std::complex<double>(value);
          ++n;
        }
        constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
        const auto result = nearest ? first : n == 0 ? std::complex<T>(kNan, kNan) : std::complex<T>(sum / static_cast<double>(n));
        std::memcpy(to.data + (y == 0 ? 0 : plane * to.strides[0]) + i * to.strides[y] + j * to.strides[x], &result, sizeof result);
      }
    }
  }
}

}  // namespace

Resampling parse_resampling(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, how] : kNames) {
    if (known == name) return how;
    names.emplace_back(known);
  }
  fail(ErrorKind::kUser, "--overview-resampling '{}': it is one of {}.{}", name, fmt::join(names, ", "), suggestion(name, names));
}

bool has_resampling(DType dtype, Resampling how) { return !is_complex(dtype) || how == Resampling::kNearest || how == Resampling::kAverage; }

void halve(const View& from, const View& to, Resampling how, const Missing& missing) {
  ensure(from.dtype == to.dtype && to.shape == halved(from.shape) && has_resampling(from.dtype, how), "halve: views that do not fit");
  if (from.dtype == DType::kComplex64) return halve_complex<float>(from, to, how == Resampling::kNearest);
  if (from.dtype == DType::kComplex128) return halve_complex<double>(from, to, how == Resampling::kNearest);
  with_real_type(from.dtype, [&]<class T>(TypeTag<T>) {
    // A bool is a byte in TIFF.
    halve_as<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>>(from, to, how, missing);
  });
}

Shape halved(Shape shape) {
  for (int k = shape.rank() - 2; k < shape.rank(); ++k) shape[k] = (shape[k] + 1) / 2;
  return shape;
}

int levels_down_to(const Shape& shape, Index side) {
  int levels = 0;
  for (Shape at = shape; std::max(at[at.rank() - 2], at[at.rank() - 1]) > side; at = halved(at)) ++levels;
  return levels;
}

}  // namespace freestone::formats::tiff
