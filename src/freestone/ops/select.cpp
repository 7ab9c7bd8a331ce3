#include "freestone/ops/select.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/kernels/select_complex.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr double kMedianNanoseconds = 1.2;  // an element, one core
constexpr double kClipNanoseconds = 2.5;

/// Of complex numbers there is the median only.
DType result_type(std::string_view function, DType t) {
  if (is_complex(t) && function == "median") return t;
  if (is_complex(t))
    fail(ErrorKind::kUser, "{}: the array is {}; of complex numbers there is the median only. Take real, imag or absolute of it first.",
         function, name_of(t));
  return is_floating(t) ? t : DType::kFloat64;
}

}  // namespace

SelectOp::SelectOp(std::string function, const Spec& input, std::vector<int> axes, bool skip_nan, double q)
    : Op(without_axes(input.shape, axes), {{without_axes(input.shape, axes), result_type(function, input.dtype)}},
         {whole_on_axes(input.shape.rank(), axes)}, {identity_access(without_axes(input.shape, axes).rank())}),
      function_(std::move(function)),
      axes_(std::move(axes)),
      skip_nan_(skip_nan),
      q_(q),
      in_(input) {}

nlohmann::json SelectOp::params() const { return {{"function", function_}, {"axes", axes_}, {"skip_nan", skip_nan_}, {"q", q_}}; }

Shape SelectOp::input_part(const Box& box) const { return map_box(input(0), box, in_.shape).shape; }

Need SelectOp::need(const Box& box) const {
  const Shape part = input_part(box);
  const double elements = static_cast<double>(element_count(part));
  const auto along = [&](const Shape& shape, int axis) {
    return is_complex(in_.dtype) ? kernels::complex_median_scratch_bytes(shape[axis], in_.dtype)
                                 : kernels::select_scratch_bytes(shape, axis, in_.dtype);
  };
  Index scratch;
  if (axes_.size() == 1) {
    scratch = along(part, axes_[0]);
  } else {
    const Shape merged{element_count(box.shape), element_count(part) / std::max<Index>(1, element_count(box.shape))};
    scratch = bytes_together(part, in_.dtype, axes_) + along(merged, 1);
  }
  return {scratch, elements * kMedianNanoseconds * (function_ == "mad_std" ? 2 : is_complex(in_.dtype) ? 8 : 1)};
}

void SelectOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  View from = in[0].part(map_box(input(0), box, in_.shape)).view;
  View to = out[0].view;
  int axis = axes_[0];
  if (axes_.size() > 1) {
    from = brought_together(from, axes_, scratch);
    ensure(to.is_contiguous(), "select: the output of several axes is not contiguous");
    to = View::contiguous(to.data, to.dtype, {box.count()});
    axis = 1;
  }
  if (is_complex(in_.dtype))
    kernels::complex_median_along(from, axis, to, skip_nan_, scratch, cancel);
  else if (function_ == "median")
    kernels::median_along(from, axis, to, skip_nan_, scratch, cancel);
  else if (function_ == "mad_std")
    kernels::mad_std_along(from, axis, to, skip_nan_, scratch, cancel);
  else
    kernels::percentile_along(from, axis, q_, to, skip_nan_, scratch, cancel);
}

SigmaClipOp::SigmaClipOp(const Spec& input, int axis, ClipOptions options)
    : Op(without_axes(input.shape, {axis}), {{input.shape, result_type("sigma_clip", input.dtype)}}, {whole_on_axes(input.shape.rank(), {axis})},
         {whole_on_axes(input.shape.rank(), {axis})}),
      in_(input),
      axis_(axis),
      options_(options) {}

nlohmann::json SigmaClipOp::params() const {
  return {{"axis", axis_},
          {"low", options_.low},
          {"high", options_.high},
          {"max_iterations", options_.max_iterations},
          {"center", options_.center_mean ? "mean" : "median"},
          {"deviation", options_.deviation_mad ? "mad_std" : "std"}};
}

Need SigmaClipOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_.shape).shape;
  return {kernels::select_scratch_bytes(part, axis_, in_.dtype), static_cast<double>(element_count(part)) * kClipNanoseconds};
}

void SigmaClipOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  kernels::sigma_clip_along(in[0].part(map_box(input(0), box, in_.shape)).view, axis_, options_, out[0].view, scratch, cancel);
}

namespace {

Array select(std::string function, const Array& a, const std::vector<int>& axes, bool skip_nan, double q) {
  return apply_op(std::make_shared<SelectOp>(std::move(function), a.spec(), normal_axes(axes, a.rank()), skip_nan, q), {a});
}

/// Numbers that have an order, as `select` takes them.
Array ordered(std::string_view function, const Array& a) {
  const DType type = result_type(function, a.dtype());
  return type == a.dtype() ? a : astype(a, type);
}

}  // namespace

Array median(const Array& a, const std::vector<int>& axes, bool skip_nan) {
  if (a.rank() == 0) return median(expand_dims(a, 0), {0}, skip_nan);
  const std::vector<int> seen = normal_axes(axes, a.rank());
  return is_ranked_by_digits(a, seen) ? rank_by_digits(ordered("median", a), "median", 0.5, seen, skip_nan)
                                      : select("median", a, axes, skip_nan, 50);
}

Array mad_std(const Array& a, const std::vector<int>& axes, bool skip_nan) {
  if (a.rank() == 0) return mad_std(expand_dims(a, 0), {0}, skip_nan);
  const std::vector<int> seen = normal_axes(axes, a.rank());
  if (!is_ranked_by_digits(a, seen)) return select("mad_std", a, axes, skip_nan, 50);
  Array middle = median(a, axes, skip_nan);
  for (const int k : seen) middle = expand_dims(middle, k);
  const Array deviation = elementwise("absolute", {ordered("mad_std", a) - middle}), spread = median(deviation, axes, skip_nan);
  return astype(astype(spread, DType::kFloat64) * kernels::kMadToSigma, spread.dtype());
}

Array percentile(const Array& a, double q, const std::vector<int>& axes, bool skip_nan) {
  if (!(q >= 0 && q <= 100)) fail(ErrorKind::kUser, "percentile: q = {} is not between 0 and 100.", format_number(q));
  if (a.rank() == 0) return percentile(expand_dims(a, 0), q, {0}, skip_nan);
  const std::vector<int> seen = normal_axes(axes, a.rank());
  if (is_ranked_by_digits(a, seen)) return rank_by_digits(ordered("percentile", a), "linear", q / 100, seen, skip_nan);
  return select("percentile", a, axes, skip_nan, q);
}

Array sigma_clip(const Array& a, int axis, ClipOptions options) {
  if (!(options.low > 0) || !(options.high > 0)) fail(ErrorKind::kUser, "sigma_clip: the threshold must be above 0.");
  if (options.max_iterations < -1)
    fail(ErrorKind::kUser, "sigma_clip: {} iterations. Give 0 or more, or -1 to go on until nothing drops.", options.max_iterations);
  return apply_op(std::make_shared<SigmaClipOp>(a.spec(), normal_axis(axis, a.rank()), options), {a});
}

}  // namespace freestone
