#include "freestone/ops/fft.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

using kernels::FftKind;
using kernels::FftRequest;

constexpr std::string_view kKinds[] = {"complex", "real_full", "real", "to_real"};  // by FftKind

DType result_dtype(DType in, FftKind kind) {
  const bool single = in == DType::kFloat32 || in == DType::kComplex64;
  if (kind == FftKind::kToReal) return single ? DType::kFloat32 : DType::kFloat64;
  return single ? DType::kComplex64 : DType::kComplex128;
}

Shape without_axis(Shape shape, int axis) {
  shape.erase(axis);
  return shape;
}

Shape result_shape(Shape shape, int axis, const FftRequest& request) {
  shape[axis] = kernels::fft_output_length(request);
  return shape;
}

Access whole_axis(int rank, int axis) {
  Access access;
  for (int k = 0; k < rank; ++k) access.push_back(k == axis ? AxisMap::whole() : AxisMap::point(k < axis ? k : k - 1));
  return access;
}

/// One transform by its name among users.
struct Transform {
  std::string_view name;
  FftKind kind;
  bool forward;
};
constexpr Transform kFft{"fft", FftKind::kComplex, true}, kInverse{"ifft", FftKind::kComplex, false};
constexpr Transform kReal{"rfft", FftKind::kReal, true}, kRealInverse{"irfft", FftKind::kToReal, false};
constexpr Transform kHermitian{"hfft", FftKind::kToReal, true}, kHermitianInverse{"ihfft", FftKind::kReal, false};

double scale_of(FftNorm norm, bool forward, Index n) {
  if (norm == FftNorm::kOrtho) return 1 / std::sqrt(static_cast<double>(n));
  return (norm == FftNorm::kForward) == forward ? 1 / static_cast<double>(n) : 1;
}

Array apply(const Transform& t, const Array& a, std::optional<Index> length, int axis, FftNorm norm) {
  if (a.rank() == 0) fail(ErrorKind::kUser, "{}: a scalar has no axis.", t.name);
  axis = normal_axis(axis, a.rank());
  const Index n = length.value_or(t.kind == FftKind::kToReal ? 2 * (a.shape()[axis] - 1) : a.shape()[axis]);
  if (n < 1) fail(ErrorKind::kUser, "{}: {} elements along axis {}; a transform needs one at the least.", t.name, n, axis);
  FftKind kind = t.kind;
  if (kind == FftKind::kReal && is_complex(a.dtype()))
    fail(ErrorKind::kUser, "{}: of real numbers, not of {}.", t.name, name_of(a.dtype()));
  if (kind == FftKind::kComplex && is_real(a.dtype()) && t.forward) kind = FftKind::kRealFull;
  return apply_op(std::make_shared<FftOp>(a.spec(), axis, FftRequest{kind, n, t.forward, scale_of(norm, t.forward, n)}), {a});
}

/// Lengths for all axes that are transformed; 0: what the array has.
FftAxes resolved(std::string_view name, const Array& a, FftAxes axes) {
  if (axes.axes.empty()) {
    const int count = axes.lengths.empty() ? a.rank() : static_cast<int>(axes.lengths.size());
    if (count > a.rank()) fail(ErrorKind::kUser, "{}: {} lengths for an array of {} axes.", name, count, a.rank());
    axes.axes.resize(static_cast<std::size_t>(count));
    std::iota(axes.axes.begin(), axes.axes.end(), a.rank() - count);
  }
  if (axes.axes.empty()) fail(ErrorKind::kUser, "{}: a scalar has no axis.", name);
  for (int& axis : axes.axes) axis = normal_axis(axis, a.rank());
  if (axes.lengths.empty())
    axes.lengths.assign(axes.axes.size(), 0);
  else
    for (const Index n : axes.lengths)
      if (n < 1) fail(ErrorKind::kUser, "{}: a length of {}.", name, n);
  if (axes.lengths.size() != axes.axes.size())
    fail(ErrorKind::kUser, "{}: {} lengths for {} axes.", name, axes.lengths.size(), axes.axes.size());
  return axes;
}

std::optional<Index> given(Index length) { return length > 0 ? std::optional(length) : std::nullopt; }

/// `last` on the last of the axes, `others` on the rest; `last_first`: in this order.
Array apply_all(std::string_view name, const Transform& last, const Transform& others, bool last_first, Array a, FftAxes wanted,
                FftNorm norm) {
  const FftAxes axes = resolved(name, a, std::move(wanted));
  const std::size_t n = axes.axes.size();
  const auto one = [&](const Transform& t, std::size_t i) { a = apply(t, a, given(axes.lengths[i]), axes.axes[i], norm); };
  if (last_first) one(last, n - 1);
  for (std::size_t i = n - 1; i-- > 0;) one(others, i);
  if (!last_first) one(last, n - 1);
  return a;
}

Array shifted(const Array& a, const std::vector<int>& axes, int sign) {
  const std::vector<int> all = axes.empty() ? normal_axes({}, a.rank()) : axes;
  std::vector<Index> shifts;
  for (const int axis : all) {
    const Index n = a.shape()[normal_axis(axis, a.rank())];
    shifts.push_back(sign * (n / 2));
  }
  return all.empty() ? a : roll(a, shifts, all);
}

}  // namespace

FftKind fft_kind_of(std::string_view name) {
  const auto found = std::find(std::begin(kKinds), std::end(kKinds), name);
  if (found == std::end(kKinds)) fail(ErrorKind::kData, "A transform '{}' in the plan, which this program does not know.", name);
  return static_cast<FftKind>(found - std::begin(kKinds));
}

FftOp::FftOp(const Spec& input, int axis, FftRequest request)
    : Op(without_axis(input.shape, axis), {{result_shape(input.shape, axis, request), result_dtype(input.dtype, request.kind)}},
         {whole_axis(input.shape.rank(), axis)}, {whole_axis(input.shape.rank(), axis)}),
      in_(input),
      axis_(axis),
      request_(request) {}

nlohmann::json FftOp::params() const {
  return {{"kind", kKinds[static_cast<int>(request_.kind)]},
          {"axis", axis_},
          {"n", request_.n},
          {"forward", request_.forward},
          {"scale", request_.scale}};
}

Need FftOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_.shape).shape;
  const DType dtype = outputs()[0].dtype;
  return {kernels::fft_scratch_bytes(part, axis_, in_.dtype, dtype, request_),
          static_cast<double>(box.count()) * kernels::fft_line_nanoseconds(request_, dtype)};
}

void FftOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  kernels::fft_along(in[0].part(map_box(input(0), box, in_.shape)).view, axis_, request_, out[0].view, scratch, cancel);
}

bool FftOp::may_overwrite(int) const { return request_.kind == FftKind::kComplex && in_ == outputs()[0]; }

Array fft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kFft, a, n, axis, norm); }
Array ifft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kInverse, a, n, axis, norm); }
Array rfft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kReal, a, n, axis, norm); }
Array irfft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kRealInverse, a, n, axis, norm); }
Array hfft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kHermitian, a, n, axis, norm); }
Array ihfft(const Array& a, std::optional<Index> n, int axis, FftNorm norm) { return apply(kHermitianInverse, a, n, axis, norm); }

Array fftn(const Array& a, FftAxes axes, FftNorm norm) { return apply_all("fftn", kFft, kFft, true, a, std::move(axes), norm); }
Array ifftn(const Array& a, FftAxes axes, FftNorm norm) { return apply_all("ifftn", kInverse, kInverse, true, a, std::move(axes), norm); }
Array rfftn(const Array& a, FftAxes axes, FftNorm norm) { return apply_all("rfftn", kReal, kFft, true, a, std::move(axes), norm); }
Array irfftn(const Array& a, FftAxes axes, FftNorm norm) {
  return apply_all("irfftn", kRealInverse, kInverse, false, a, std::move(axes), norm);
}

Array fft2(const Array& a, FftAxes axes, FftNorm norm) { return fftn(a, std::move(axes), norm); }
Array ifft2(const Array& a, FftAxes axes, FftNorm norm) { return ifftn(a, std::move(axes), norm); }
Array rfft2(const Array& a, FftAxes axes, FftNorm norm) { return rfftn(a, std::move(axes), norm); }
Array irfft2(const Array& a, FftAxes axes, FftNorm norm) { return irfftn(a, std::move(axes), norm); }

Array fftfreq(Index n, double spacing) {
  if (n < 1) fail(ErrorKind::kUser, "fftfreq of {} samples.", n);
  const Array positions = concat({arange(Index{0}, (n + 1) / 2, Index{1}), arange(-(n / 2), Index{0}, Index{1})});
  return astype(positions, DType::kFloat64) * (1 / (static_cast<double>(n) * spacing));
}

Array rfftfreq(Index n, double spacing) {
  if (n < 1) fail(ErrorKind::kUser, "rfftfreq of {} samples.", n);
  return astype(arange(Index{0}, n / 2 + 1, Index{1}), DType::kFloat64) * (1 / (static_cast<double>(n) * spacing));
}

Array fftshift(const Array& a, const std::vector<int>& axes) { return shifted(a, axes, 1); }
Array ifftshift(const Array& a, const std::vector<int>& axes) { return shifted(a, axes, -1); }

}  // namespace freestone
