#include "freestone/ops/weighted_quantile.h"

#include <nlohmann/json.hpp>

#include "freestone/kernels/weighted_quantile.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/program.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 30;  // an element, one core

Array as_doubles(const Array& a) { return a.dtype() == DType::kFloat64 ? a : astype(a, DType::kFloat64); }

Index length_of(const Shape& shape, const std::vector<int>& axes) {
  Index length = 1;
  for (const int k : axes) length *= shape[k];
  return length;
}

}  // namespace

WeightedQuantileOp::WeightedQuantileOp(const Spec& input, double q, std::vector<int> axes)
    : Op(without_axes(input.shape, axes), {{without_axes(input.shape, axes), DType::kFloat64}},
         {whole_on_axes(input.shape.rank(), axes), whole_on_axes(input.shape.rank(), axes)},
         {identity_access(input.shape.rank() - static_cast<int>(axes.size()))}),
      in_(input),
      q_(q),
      axes_(std::move(axes)) {}

nlohmann::json WeightedQuantileOp::params() const { return {{"q", json_of(q_)}, {"axes", axes_}}; }

Need WeightedQuantileOp::need(const Box& box) const {
  const Index elements = element_count(map_box(input(0), box, in_.shape).shape), length = length_of(in_.shape, axes_);
  const Index together = 2 * Scratch::rounded(elements * size_of(DType::kFloat64));
  const Index results = Scratch::rounded(box.count() * size_of(DType::kFloat64));
  return {together + results + Scratch::rounded(length * static_cast<Index>(sizeof(kernels::Weighted))),
          static_cast<double>(elements) * kNanoseconds};
}

void WeightedQuantileOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch,
                             const Cancel& cancel) const {
  const Box part = map_box(input(0), box, in_.shape);
  const View values = brought_together(in[0].part(part).view, axes_, scratch), weights = brought_together(in[1].part(part).view, axes_, scratch);
  const Index length = values.shape[1];
  const std::span<kernels::Weighted> items = scratch.take_array<kernels::Weighted>(length);
  const std::span<double> results = scratch.take_array<double>(values.shape[0]);
  for (Index line = 0; line < values.shape[0]; ++line) {
    if (line % 64 == 0) cancel.check();
    const double* const x = reinterpret_cast<const double*>(values.data) + line * length;
    const double* const w = reinterpret_cast<const double*>(weights.data) + line * length;
    for (Index i = 0; i < length; ++i) items[static_cast<std::size_t>(i)] = {x[i], w[i]};
    results[static_cast<std::size_t>(line)] = kernels::weighted_quantile(items, q_);
  }
  copy(View::contiguous(results.data(), DType::kFloat64, out[0].view.shape), out[0].view);
}

Array weighted_quantile(const Array& a, const Array& weights, double q, const std::vector<int>& axes) {
  if (is_complex(a.dtype()) || is_complex(weights.dtype()))
    fail(ErrorKind::kUser, "weighted_quantile: the array is {} and the weights are {}; complex numbers have no order.", name_of(a.dtype()),
         name_of(weights.dtype()));
  if (!(q >= 0 && q <= 1)) fail(ErrorKind::kUser, "weighted_quantile: q = {} is not between 0 and 1.", format_number(q));
  if (a.rank() == 0) return weighted_quantile(expand_dims(a, 0), weights, q, {0});
  const Array values = as_doubles(a), spread = broadcast_to(as_doubles(weights), a.shape());
  return apply_op(std::make_shared<WeightedQuantileOp>(values.spec(), q, normal_axes(axes, a.rank())), {values, spread});
}

Array weighted_median(const Array& a, const Array& weights, const std::vector<int>& axes) {
  return weighted_quantile(a, weights, 0.5, axes);
}

Array weighted_mad_std(const Array& a, const Array& weights, const std::vector<int>& axes) {
  if (a.rank() == 0) return weighted_mad_std(expand_dims(a, 0), weights, {0});
  const std::vector<int> seen = normal_axes(axes, a.rank());
  Array centre = weighted_median(a, weights, seen);
  for (const int k : seen) centre = expand_dims(centre, k);
  return weighted_median(elementwise("absolute", {as_doubles(a) - centre}), weights, seen) * kernels::kMadToSigma;
}

}  // namespace freestone
