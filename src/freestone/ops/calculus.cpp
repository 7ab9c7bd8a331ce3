#include "freestone/ops/calculus.h"

#include <algorithm>
#include <numbers>

#include "freestone/ops/concat.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

Array inexact(const Array& a) { return is_floating(a.dtype()) || is_complex(a.dtype()) ? a : astype(a, DType::kFloat64); }

/// Positions start ... stop of an axis; negative ones count from the end.
Array along(const Array& a, int axis, std::optional<Index> start, std::optional<Index> stop) {
  std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
  slices.back() = {start, stop};
  return slice(a, slices);
}

Array minus(const Array& a, const Array& b) { return elementwise("subtract", {a, b}); }
Array plus(const Array& a, const Array& b) { return elementwise("add", {a, b}); }
Array times(const Array& a, const Array& b) { return elementwise("multiply", {a, b}); }

/// A vector along `axis` of an array of `rank` axes.
Array laid_along(const Array& vector, int axis, int rank) {
  Array out = vector;
  for (int k = axis + 1; k < rank; ++k) out = expand_dims(out, out.rank());
  return out;
}

int sampled_axis(std::string_view what, const Array& a, int axis, Index least) {
  axis = normal_axis(axis, a.rank());
  if (a.shape()[axis] < least) fail(ErrorKind::kUser, "{}: {} samples along axis {}; it needs {}.", what, a.shape()[axis], axis, least);
  return axis;
}

void check_coordinates(std::string_view what, const Array& a, const Array& at, int axis) {
  if (at.rank() != 1 || at.shape()[0] != a.shape()[axis])
    fail(ErrorKind::kUser, "{}: coordinates of shape {} for axis {} of {} samples.", what, to_string(at.shape()), axis, a.shape()[axis]);
}

/// Means of neighbours along an axis.
Array middles(const Array& x, int axis) { return plus(along(x, axis, 1, {}), along(x, axis, {}, -1)) / 2.0; }

}  // namespace

Array gradient(const Array& a, double spacing, int axis) {
  axis = sampled_axis("gradient", a, axis, 2);
  const Array x = inexact(a);
  const Array first = minus(along(x, axis, 1, 2), along(x, axis, 0, 1)) / spacing;
  const Array last = minus(along(x, axis, -1, {}), along(x, axis, -2, -1)) / spacing;
  if (a.shape()[axis] == 2) return concat({first, last}, axis);
  return concat({first, minus(along(x, axis, 2, {}), along(x, axis, {}, -2)) / (2 * spacing), last}, axis);
}

Array gradient(const Array& a, const Array& at, int axis) {
  axis = sampled_axis("gradient", a, axis, 2);
  check_coordinates("gradient", a, at, axis);
  const Array x = inexact(a), steps = diff(inexact(at));
  const auto step = [&](std::optional<Index> start, std::optional<Index> stop) {
    return laid_along(slice(steps, {{start, stop}}), axis, a.rank());
  };
  const Array differences = diff(x, 1, axis);
  const Array first = along(differences, axis, 0, 1) / step(0, 1), last = along(differences, axis, -1, {}) / step(-1, {});
  if (a.shape()[axis] == 2) return concat({first, last}, axis);
  const Array before = step({}, -1), after = step(1, {}), both = plus(before, after);
  // NumPy's weights of the three neighbours.
  const Array left = -after / times(before, both), middle = minus(after, before) / times(before, after),
              right = before / times(after, both);
  const Array inner =
      plus(plus(times(left, along(x, axis, {}, -2)), times(middle, along(x, axis, 1, -1))), times(right, along(x, axis, 2, {})));
  return concat({first, inner, last}, axis);
}

Array trapezoid(const Array& a, double spacing, int axis) {
  axis = normal_axis(axis, a.rank());
  if (a.shape()[axis] == 0) return sum(inexact(a), {axis});
  return sum(middles(inexact(a), axis) * spacing, {axis});
}

Array trapezoid(const Array& a, const Array& at, int axis) {
  axis = normal_axis(axis, a.rank());
  check_coordinates("trapezoid", a, at, axis);
  if (a.shape()[axis] == 0) return sum(inexact(a), {axis});
  return sum(times(middles(inexact(a), axis), laid_along(diff(at), axis, a.rank())), {axis});
}

Array cumulative_trapezoid(const Array& a, double spacing, int axis, bool include_initial) {
  axis = sampled_axis("cumulative_trapezoid", a, axis, 1);
  return cumulative_sum(middles(inexact(a), axis) * spacing, axis, {.include_initial = include_initial});
}

Array unwrap(const Array& a, double period, int axis) {
  axis = normal_axis(axis, a.rank());
  if (is_complex(a.dtype())) fail(ErrorKind::kUser, "unwrap: the array is {}; give phases (angle).", name_of(a.dtype()));
  if (!(period > 0)) fail(ErrorKind::kUser, "unwrap: a period of {}. Give one above 0.", format_number(period));
  const Array x = inexact(a);
  if (a.shape()[axis] < 2) return x;
  const Array step = diff(x, 1, axis);
  Array turned = elementwise("remainder", {step + period / 2, period}) - period / 2;
  // A step of exactly half a period keeps its direction.
  const Array half = elementwise("logical_and", {elementwise("equal", {turned, -period / 2}), elementwise("greater", {step, 0.0})});
  turned = where(half, period / 2, turned);
  const Array correction = where(elementwise("less", {elementwise("absolute", {step}), period / 2}), 0.0, minus(turned, step));
  return concat({along(x, axis, 0, 1), plus(along(x, axis, 1, {}), cumulative_sum(correction, axis))}, axis);
}

Array polyval(const std::vector<double>& coefficients, const Array& x) {
  Array value = inexact(x) * 0.0;
  for (const double c : coefficients) value = times(value, x) + c;
  return value;
}

Array convolve_1d(const Array& a, const std::vector<double>& kernel, ConvolveMode mode) {
  const auto n = static_cast<Index>(kernel.size());
  if (a.rank() != 1 || a.size() == 0 || n == 0)
    fail(ErrorKind::kUser, "convolve_1d: of two vectors that are not empty, not of shape {} and {} weights.", to_string(a.shape()), n);
  const Index m = a.size(), shorter = std::min(m, n), longer = std::max(m, n);
  const Array wide = pad(inexact(a), {{n - 1, n - 1}});
  // Output i of the whole is the sum of kernel[j] a[i - j]: a stencil that looks ahead on the padded array.
  std::vector<StencilPoint> points;
  for (Index t = 0; t < n; ++t) points.push_back({{t}, kernel[static_cast<std::size_t>(n - 1 - t)]});
  const Array whole = slice(stencil(wide, points, {Boundary::kConstant, 0, {}}), {{0, m + n - 1}});
  switch (mode) {
    case ConvolveMode::kFull: return whole;
    case ConvolveMode::kSame: return slice(whole, {{(shorter - 1) / 2, (shorter - 1) / 2 + longer}});
    case ConvolveMode::kValid: return slice(whole, {{shorter - 1, longer}});
  }
  return whole;
}

}  // namespace freestone
