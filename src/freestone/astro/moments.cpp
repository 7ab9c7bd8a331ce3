#include <cmath>
#include <limits>

#include "freestone/astro/derived.h"
#include "freestone/astro/small_array.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone::astro {
namespace {

constexpr int kHighestOrder = 8;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The moment out of s[k] = sum(I w^k), w = x - origin.
Array moment_from(const std::vector<Array>& s, const Array& count, int order, double origin, double dx) {
  if (order == 0) return where(elementwise("equal", {count, 0}), kNan, s[0] * dx);
  const Array mean = s[1] / s[0];
  if (order == 1) return mean + origin;
  // sum(I (w - mean)^N) / sum(I), the binomial multiplied out: C(N, k) (s_k / s_0) (-mean)^(N - k), by Horner's rule in -mean.
  const Array shift = -mean;
  Array result = shift;
  double binomial = 1;
  for (int k = 1; k <= order; ++k) {
    binomial = binomial * (order - k + 1) / k;
    result = result + (s[static_cast<std::size_t>(k)] / s[0]) * binomial;
    if (k < order) result = result * shift;
  }
  return result;
}

/// Positions do not depend on the other axes: one fold gives all sums.
Array moment_along(const SkyArray& array, int order, int axis) {
  std::vector<double> x = axis_coordinates(array, axis);
  // About the middle of the axis: powers of numbers far from 0 would cancel.
  const double origin = x[x.size() / 2];
  std::vector<double> parameters = {static_cast<double>(order)};
  for (const double value : x) parameters.push_back(value - origin);
  std::vector<Array> sums = reduce_all("power_sums", array.data, {axis}, {.skip_nan = true, .parameters = std::move(parameters)});
  const Array count = sums.back();
  sums.pop_back();
  const double dx = array.wcs.rank() > 0 ? array.wcs.increment(axis) : 1;
  return moment_from(sums, count, order, origin, dx);
}

/// Along y or x of a sky, whose positions differ from row to row.
Array moment_on_sky(const SkyArray& array, int order, int axis, int y, int x) {
  const Index ny = array.data.shape()[y], nx = array.data.shape()[x];
  std::vector<double> positions = array.wcs.cumulative_separation(axis == y, ny, nx);
  if (x < y) {
    std::vector<double> turned(positions.size());
    for (Index i = 0; i < ny; ++i)
      for (Index j = 0; j < nx; ++j) turned[static_cast<std::size_t>(j * ny + i)] = positions[static_cast<std::size_t>(i * nx + j)];
    positions = std::move(turned);
  }
  const double middle = positions[positions.size() / 2], origin = std::isfinite(middle) ? middle : 0;
  Shape shape(array.rank(), 1);
  shape[y] = ny;
  shape[x] = nx;
  std::vector<Array> sums;
  for (int k = 0; k <= order; ++k) {
    // Power 0 is NaN too where the projection has no sky, so that all sums are of the same pixels.
    std::vector<double> power(positions.size());
    for (std::size_t i = 0; i < power.size(); ++i) power[i] = std::isnan(positions[i]) ? kNan : std::pow(positions[i] - origin, k);
    sums.push_back(
        freestone::reduce("sum", array.data * small_array(std::move(power), shape), {axis}, {.skip_nan = true, .parameters = {1}}));
  }
  const Array count = freestone::reduce("count", array.data, {axis}, {.skip_nan = true});
  return moment_from(sums, count, order, origin, array.wcs.increment(axis));
}

}  // namespace

SkyArray moment(const SkyArray& array, int order, const std::string& axis_name) {
  if (order < 0 || order > kHighestOrder)
    fail(ErrorKind::kUser, "moment: order {} is not available; orders are 0 to {}.", order, kHighestOrder);
  const int axis = array.axis(axis_name);
  if (array.data.shape()[axis] == 0) fail(ErrorKind::kUser, "moment: axis '{}' has no pixels.", axis_name);

  const auto y = find_dim(array, "y"), x = find_dim(array, "x");
  const bool on_sky = array.wcs.has_celestial() && y && x && (axis == *y || axis == *x);
  Array data = on_sky ? moment_on_sky(array, order, axis, *y, *x) : moment_along(array, order, axis);

  SkyArray out = with_axes(array, std::move(data), axes_without(array, {axis}));
  const Unit of_axis = array.wcs.rank() > 0 ? array.wcs.unit(axis) : Unit();
  out.unit = order == 0 ? array.unit * of_axis : of_axis.pow(order);
  return out;
}

}  // namespace freestone::astro
