#include "freestone/ops/quantile.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/ops/along_axis.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/program.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 8;  // an element, one core

Spec quantile_spec(const Spec& input, std::size_t count, const std::vector<int>& axes, kernels::QuantileMethod method) {
  Shape shape = without_axes(input.shape, axes);
  shape.insert(0, static_cast<Index>(count));
  return {shape, is_floating(input.dtype) || kernels::is_discrete(method) ? input.dtype : DType::kFloat64};
}

Access after_leading(int rank) {
  Access access{AxisMap::whole()};
  for (int k = 0; k < rank; ++k) access.push_back(AxisMap::point(k));
  return access;
}

}  // namespace

QuantileOp::QuantileOp(const Spec& input, std::vector<double> q, std::vector<int> axes, kernels::QuantileMethod method, bool skip_nan)
    : Op(without_axes(input.shape, axes), {quantile_spec(input, q.size(), axes, method)}, {whole_on_axes(input.shape.rank(), axes)},
         {after_leading(input.shape.rank() - static_cast<int>(axes.size()))}),
      in_(input),
      q_(std::move(q)),
      axes_(std::move(axes)),
      method_(method),
      skip_nan_(skip_nan) {}

nlohmann::json QuantileOp::params() const {
  auto q = nlohmann::json::array();
  for (const double x : q_) q.push_back(json_of(x));
  return {{"q", q}, {"axes", axes_}, {"method", kernels::quantile_methods()[static_cast<std::size_t>(method_)]}, {"skip_nan", skip_nan_}};
}

Need QuantileOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_.shape).shape;
  Index length = 1;
  for (const int k : axes_) length *= in_.shape[k];
  return {bytes_together(part, in_.dtype, axes_) + kernels::quantile_scratch_bytes(length, in_.dtype),
          static_cast<double>(element_count(part)) * kNanoseconds};
}

void QuantileOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  View from = in[0].part(map_box(input(0), box, in_.shape)).view;
  // The quantiles stand first in the output, where the axis stands in the input.
  View to = out[0].view;
  const auto move_first_to = [&](int axis) {
    const Index extent = to.shape[0], stride = to.strides[0];
    to.shape.erase(0), to.strides.erase(0);
    to.shape.insert(axis, extent), to.strides.insert(axis, stride);
  };
  if (axes_.size() == 1) {
    move_first_to(axes_[0]);
    return kernels::quantiles_along(from, axes_[0], method_, q_, skip_nan_, to, scratch, cancel);
  }
  from = brought_together(from, axes_, scratch);
  ensure(to.is_contiguous(), "quantile: the output of several axes is not contiguous");
  to = View::contiguous(to.data, to.dtype, {static_cast<Index>(q_.size()), box.count()});
  move_first_to(1);
  kernels::quantiles_along(from, 1, method_, q_, skip_nan_, to, scratch, cancel);
}

Array quantile(const Array& a, const std::vector<double>& q, const std::vector<int>& axes, QuantileOptions options) {
  if (is_complex(a.dtype())) fail(ErrorKind::kUser, "quantile: the array is {}; complex numbers have no order.", name_of(a.dtype()));
  for (const double x : q)
    if (!(x >= 0 && x <= 1)) fail(ErrorKind::kUser, "quantile: q = {} is not between 0 and 1.", format_number(x));
  if (a.rank() == 0) return quantile(expand_dims(a, 0), q, {0}, options);
  const auto seen = normal_axes(axes, a.rank());
  for (const int k : seen)
    if (a.shape()[k] == 0 && !is_floating(a.dtype())) fail(ErrorKind::kUser, "quantile over axis {}, which has no elements.", k);
  const kernels::QuantileMethod method = kernels::quantile_method(options.method);
  if (is_ranked_by_digits(a, seen) && !q.empty()) {
    std::vector<Array> parts;
    for (const double x : q) parts.push_back(rank_by_digits(a, std::string(options.method), x, seen, options.skip_nan));
    return stack(parts, 0);
  }
  return apply_op(std::make_shared<QuantileOp>(a.spec(), q, seen, method, options.skip_nan), {a});
}

Array quantile(const Array& a, double q, const std::vector<int>& axes, QuantileOptions options) {
  return slice(quantile(a, std::vector<double>{q}, axes, options), {Slice::at(0)});
}

Array percentile(const Array& a, const std::vector<double>& q, const std::vector<int>& axes, QuantileOptions options) {
  std::vector<double> parts;
  for (const double x : q) {
    if (!(x >= 0 && x <= 100)) fail(ErrorKind::kUser, "percentile: q = {} is not between 0 and 100.", format_number(x));
    parts.push_back(x / 100);
  }
  return quantile(a, parts, axes, options);
}

}  // namespace freestone
