#include "freestone/ops/smooth.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/kernels/complex_parts.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

constexpr double kTapNanoseconds = 0.06;  // one multiply-add of float64, vectorised

Access halo_access(int rank, Index rows, Index columns, int axis, Index taps) {
  Access access = identity_access(rank);
  const auto widen = [&](int k, Index n) { access[static_cast<std::size_t>(k)] = AxisMap::halo(k, n / 2, n / 2); };
  if (rows > 0)
    widen(rank - 2, rows), widen(rank - 1, columns);
  else
    widen(axis, taps);
  return access;
}

/// float64 for bool and integers; complex numbers with one part that is NaN have both so, where NaN is left out.
Array as_smoothed(const Array& a, NanRule nan_rule) {
  if (!is_complex(a.dtype())) return is_floating(a.dtype()) ? a : astype(a, DType::kFloat64);
  if (nan_rule == NanRule::kPropagate) return a;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  return elementwise("where", {elementwise("isnan", {a}), std::complex<double>(kNaN, kNaN), a});
}

void check_kernel(const std::vector<double>& kernel, NanRule nan_rule) {
  for (const double w : kernel)
    if (!std::isfinite(w)) fail(ErrorKind::kUser, "The kernel holds NaN or infinity.");
  if (nan_rule == NanRule::kInterpolate && std::abs(std::accumulate(kernel.begin(), kernel.end(), 0.0)) < 1e-8)
    fail(ErrorKind::kUser, "The kernel sums to 0, so NaN cannot be interpolated with it. Choose another rule for NaN.");
}

}  // namespace

ConvolveOp::ConvolveOp(const Spec& input, std::vector<double> weights, Index rows, Index columns, int axis, NanRule nan_rule)
    : Op(input.shape, {input}, {halo_access(input.shape.rank(), rows, columns, axis, static_cast<Index>(weights.size()))},
         {identity_access(input.shape.rank())}),
      weights_(std::move(weights)),
      rows_(rows),
      columns_(columns),
      axis_(axis),
      nan_rule_(nan_rule),
      in_(input) {}

nlohmann::json ConvolveOp::params() const {
  return {{"weights", weights_}, {"rows", rows_}, {"columns", columns_}, {"axis", axis_}, {"nan_rule", static_cast<int>(nan_rule_)}};
}

Need ConvolveOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_.shape).shape;
  const Index scratch = rows_ > 0
                            ? kernels::convolve_plane_scratch_bytes(part, rows_, columns_, real_type(in_.dtype))
                            : kernels::convolve_along_scratch_bytes(part, axis_, static_cast<Index>(weights_.size()), real_type(in_.dtype));
  return {scratch, static_cast<double>(box.count()) * (0.5 + kTapNanoseconds * static_cast<double>(weights_.size()))};
}

void ConvolveOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const Tile from = in[0].part(map_box(input(0), box, in_.shape));
  const int rank = box.rank();
  for (int part = 0; part < (is_complex(in_.dtype) ? 2 : 1); ++part) {
    const View of = kernels::part_of(from.view, part), to = kernels::part_of(out[0].view, part);
    if (rows_ > 0)
      kernels::convolve_plane(of, {from.box.start[rank - 2], from.box.start[rank - 1]}, {in_.shape[rank - 2], in_.shape[rank - 1]},
                              weights_, rows_, columns_, nan_rule_, to, {box.start[rank - 2], box.start[rank - 1]}, scratch, cancel);
    else
      kernels::convolve_along(of, from.box.start[axis_], in_.shape[axis_], axis_, weights_, nan_rule_, to, box.start[axis_], scratch,
                              cancel);
  }
}

Array convolve(const Array& a, const std::vector<double>& kernel, int axis, NanRule nan_rule) {
  if (kernel.size() % 2 == 0)
    fail(ErrorKind::kUser, "A kernel of {} weights: the number must be odd, so that it has a centre.", kernel.size());
  check_kernel(kernel, nan_rule);
  const Array x = as_smoothed(a, nan_rule);
  // A convolution flips its kernel; the op correlates.
  std::vector<double> weights(kernel.rbegin(), kernel.rend());
  return apply_op(std::make_shared<ConvolveOp>(x.spec(), std::move(weights), 0, 0, normal_axis(axis, a.rank()), nan_rule), {x});
}

Array convolve_2d(const Array& a, const std::vector<double>& kernel, Index rows, Index columns, NanRule nan_rule) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "convolve_2d needs at least two axes, the array has {}.", a.rank());
  if (rows % 2 == 0 || columns % 2 == 0 || rows * columns != static_cast<Index>(kernel.size()))
    fail(ErrorKind::kUser, "A kernel of {} x {}: both must be odd, so that it has a centre.", rows, columns);
  check_kernel(kernel, nan_rule);
  const Array x = as_smoothed(a, nan_rule);
  std::vector<double> weights(kernel.rbegin(), kernel.rend());
  return apply_op(std::make_shared<ConvolveOp>(x.spec(), std::move(weights), rows, columns, -1, nan_rule), {x});
}

std::vector<double> gaussian_kernel(double stddev) {
  if (!(stddev > 0) || !std::isfinite(stddev))
    fail(ErrorKind::kUser, "A Gaussian of standard deviation {}: it must be above 0.", format_number(stddev));
  // astropy.convolution.Gaussian1DKernel: size is 8 stddev rounded up to an odd number.
  Index size = static_cast<Index>(std::ceil(8 * stddev));
  if (size % 2 == 0) ++size;
  std::vector<double> kernel(static_cast<std::size_t>(size));
  double total = 0;
  for (Index i = 0; i < size; ++i) {
    const double x = static_cast<double>(i - size / 2) / stddev;
    total += kernel[static_cast<std::size_t>(i)] = std::exp(-0.5 * x * x);
  }
  for (double& w : kernel) w /= total;
  return kernel;
}

std::vector<double> box_kernel(double width) {
  if (!(width > 0) || !std::isfinite(width)) fail(ErrorKind::kUser, "A box of width {}: it must be above 0.", format_number(width));
  Index size = static_cast<Index>(std::ceil(width));
  if (size % 2 == 0) ++size;
  // Whole elements weigh 1; the two at the ends weigh what the box covers of them.
  std::vector<double> kernel(static_cast<std::size_t>(size), 1 / width);
  const double edge = (width - static_cast<double>(size - 2)) / 2;
  if (size > 1)
    kernel.front() = kernel.back() = edge / width;
  else
    kernel[0] = 1;
  return kernel;
}

}  // namespace freestone
