#include "freestone/kernels/warp_plane.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace freestone::kernels {
namespace {

/// The pixels of one plane by their numbers in the whole of it.
template <class T>
struct Pixels {
  const std::byte* data;
  Index row_stride, column_stride;
  PlaneWindow window;

  double at(Index row, Index column) const {
    return static_cast<double>(*reinterpret_cast<const T*>(data + (row - window.row) * row_stride + (column - window.column) * column_stride));
  }
};

template <class T>
double bilinear(const Pixels<T>& pixels, double row, double column, MissingRule missing) {
  const double row_floor = std::floor(row), column_floor = std::floor(column), v = row - row_floor, u = column - column_floor;
  const auto row_of = [&](Index r) { return std::clamp(r, Index{0}, pixels.window.rows - 1); };
  const auto column_of = [&](Index c) { return std::clamp(c, Index{0}, pixels.window.columns - 1); };
  const Index top = row_of(static_cast<Index>(row_floor)), bottom = row_of(static_cast<Index>(row_floor) + 1);
  const Index left = column_of(static_cast<Index>(column_floor)), right = column_of(static_cast<Index>(column_floor) + 1);
  const double values[4] = {pixels.at(top, left), pixels.at(top, right), pixels.at(bottom, left), pixels.at(bottom, right)};
  if (missing == MissingRule::kSpreads || !(std::isnan(values[0]) || std::isnan(values[1]) || std::isnan(values[2]) || std::isnan(values[3]))) {
    return (1 - v) * ((1 - u) * values[0] + u * values[1]) + v * ((1 - u) * values[2] + u * values[3]);
  }
  const double weights[4] = {(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u};
  double sum = 0, weight = 0;
  for (int i = 0; i < 4; ++i) {
    if (!std::isnan(values[i])) sum += weights[i] * values[i], weight += weights[i];
  }
  return sum / weight;  // the nearest pixel is there, so it is 1/4 at least
}

void cubic_weights(double x, double (&weights)[4]) {
  const double x2 = x * x, x3 = x2 * x;
  weights[0] = 0.5 * (-x3 + 2 * x2 - x);
  weights[1] = 0.5 * (3 * x3 - 5 * x2 + 2);
  weights[2] = 0.5 * (-3 * x3 + 4 * x2 + x);
  weights[3] = 0.5 * (x3 - x2);
}

/// NaN where it cannot be had.
template <class T>
double cubic(const Pixels<T>& pixels, double row, double column) {
  const auto top = static_cast<Index>(std::floor(row)) - 1, left = static_cast<Index>(std::floor(column)) - 1;
  if (top < 0 || left < 0 || top + 4 > pixels.window.rows || left + 4 > pixels.window.columns) return std::numeric_limits<double>::quiet_NaN();
  double down[4], across[4];
  cubic_weights(row - std::floor(row), down);
  cubic_weights(column - std::floor(column), across);
  double sum = 0;
  for (Index r = 0; r < 4; ++r) {
    double line = 0;
    for (Index c = 0; c < 4; ++c) line += across[c] * pixels.at(top + r, left + c);
    sum += down[r] * line;
  }
  return sum;
}

template <class T>
void warp(const View& in, const PlaneWindow& window, std::span<const double> rows, std::span<const double> columns, Resampling resampling,
          MissingRule missing, const View& out, const Cancel& cancel) {
  const Pixels<T> pixels{in.data, in.strides[0], in.strides[1], window};
  const double last_row = static_cast<double>(window.rows) - 0.5, last_column = static_cast<double>(window.columns) - 0.5;
  std::size_t k = 0;
  for (Index i = 0; i < out.shape[0]; ++i) {
    cancel.check();
    std::byte* to = out.data + i * out.strides[0];
    for (Index j = 0; j < out.shape[1]; ++j, ++k, to += out.strides[1]) {
      const double row = rows[k], column = columns[k];
      double value = std::numeric_limits<double>::quiet_NaN();
      if (row >= -0.5 && row <= last_row && column >= -0.5 && column <= last_column) {
        const Index near_row = std::clamp(static_cast<Index>(std::floor(row + 0.5)), Index{0}, window.rows - 1);
        const Index near_column = std::clamp(static_cast<Index>(std::floor(column + 0.5)), Index{0}, window.columns - 1);
        const double nearest = resampling == Resampling::kNearest || missing == MissingRule::kLeftOut ? pixels.at(near_row, near_column) : 0;
        if (resampling == Resampling::kNearest || std::isnan(nearest)) {
          value = nearest;
        } else {
          if (resampling == Resampling::kCubic) value = cubic(pixels, row, column);
          if (std::isnan(value)) value = bilinear(pixels, row, column, missing);
        }
      }
      *reinterpret_cast<T*>(to) = static_cast<T>(value);
    }
  }
}

}  // namespace

void warp_plane(const View& in, const PlaneWindow& window, std::span<const double> rows, std::span<const double> columns, Resampling resampling,
                MissingRule missing, const View& out, const Cancel& cancel) {
  ensure(in.rank() == 2 && out.rank() == 2 && in.dtype == out.dtype, "a plane in, a plane out");
  ensure(rows.size() == columns.size() && static_cast<Index>(rows.size()) == out.count(), "a position for each pixel");
  if (in.dtype == DType::kFloat32)
    warp<float>(in, window, rows, columns, resampling, missing, out, cancel);
  else if (in.dtype == DType::kFloat64)
    warp<double>(in, window, rows, columns, resampling, missing, out, cancel);
  else
    fail(ErrorKind::kInternal, "warp_plane: the dtype is float32 or float64.");
}

}  // namespace freestone::kernels
