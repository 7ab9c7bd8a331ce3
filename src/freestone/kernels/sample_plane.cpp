#include "freestone/kernels/sample_plane.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace freestone::kernels {
namespace {

/// The two pixels around a position on an axis of `n` pixels, and the weight of the second; `low` is -1 outside of the axis.
struct Place {
  Index low = -1, high = -1;
  double weight = 0;
};

Place place_of(double position, Index n, Sampling sampling) {
  if (!(position >= -0.5 && position <= static_cast<double>(n) - 0.5)) return {};
  const auto last = n - 1;
  if (sampling == Sampling::kNearest) {
    const Index at = std::clamp(static_cast<Index>(std::floor(position + 0.5)), Index{0}, last);
    return {at, at, 0};
  }
  const double floor = std::floor(position);
  const auto low = static_cast<Index>(floor);
  return {std::clamp(low, Index{0}, last), std::clamp(low + 1, Index{0}, last), position - floor};
}

template <class T>
void sample(const View& in, std::span<const double> rows, std::span<const double> columns, Sampling sampling, const View& out,
            const Cancel& cancel) {
  const Index planes = in.shape[0], ny = in.shape[1], nx = in.shape[2], count = out.shape[1] * out.shape[2];
  const T* const from = in.as<T>();
  T* const to = out.as<T>();
  // Position by position within a block of them, so that a place is worked out once for all planes.
  constexpr Index kBlock = 4096;
  for (Index start = 0; start < count; start += kBlock) {
    cancel.check();
    const Index end = std::min(count, start + kBlock);
    for (Index i = start; i < end; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const Place y = place_of(rows[k], ny, sampling), x = place_of(columns[k], nx, sampling);
      if (y.low < 0 || x.low < 0) {
        for (Index p = 0; p < planes; ++p) to[p * count + i] = std::numeric_limits<T>::quiet_NaN();
        continue;
      }
      const Index a = y.low * nx + x.low, b = y.low * nx + x.high, c = y.high * nx + x.low, d = y.high * nx + x.high;
      for (Index p = 0; p < planes; ++p) {
        const T* const plane = from + p * ny * nx;
        if (sampling == Sampling::kNearest) {
          to[p * count + i] = plane[a];
          continue;
        }
        const double upper = (1 - x.weight) * static_cast<double>(plane[a]) + x.weight * static_cast<double>(plane[b]);
        const double lower = (1 - x.weight) * static_cast<double>(plane[c]) + x.weight * static_cast<double>(plane[d]);
        to[p * count + i] = static_cast<T>((1 - y.weight) * upper + y.weight * lower);
      }
    }
  }
}

}  // namespace

void sample_planes(const View& in, std::span<const double> rows, std::span<const double> columns, Sampling sampling, const View& out,
                   const Cancel& cancel) {
  ensure(in.rank() == 3 && out.rank() == 3 && in.shape[0] == out.shape[0] && in.dtype == out.dtype, "planes in and out go together");
  const auto count = static_cast<std::size_t>(out.shape[1] * out.shape[2]);
  ensure(rows.size() == count && columns.size() == count, "a position for each pixel");
  ensure(in.is_contiguous() && out.is_contiguous(), "planes lie in C order");
  if (in.dtype == DType::kFloat32)
    sample<float>(in, rows, columns, sampling, out, cancel);
  else if (in.dtype == DType::kFloat64)
    sample<double>(in, rows, columns, sampling, out, cancel);
  else
    fail(ErrorKind::kInternal, "sample_planes: the dtype is float32 or float64.");
}

}  // namespace freestone::kernels
