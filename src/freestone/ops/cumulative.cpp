#include "freestone/ops/cumulative.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/along_axis.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

using kernels::CumulativeFunction;
using kernels::CumulativeRule;

constexpr double kNanoseconds = 1.0;  // an element, one core
constexpr Index kBlock = CumulativeOp::kBlock;

Index blocks_of(Index length) { return (length + kBlock - 1) / kBlock; }

nlohmann::json json_of(const CumulativeRule& rule, int axis) {
  return {{"axis", axis}, {"function", static_cast<int>(rule.function)}, {"skip_nan", rule.skip_nan}};
}

Access blocks_on(int rank, int axis) {
  Access access = identity_access(rank);
  access[static_cast<std::size_t>(axis)] = AxisMap::group(axis, kBlock);
  return access;
}

Spec totals_spec(const Spec& input, int axis) {
  return {with_extent(input.shape, axis, blocks_of(input.shape[axis])), kernels::accumulator_of(input.dtype)};
}

Spec result_spec(const Spec& input, int axis, const CumulativeRule& rule, bool include_initial) {
  return {with_extent(input.shape, axis, input.shape[axis] + include_initial), kernels::cumulative_result(rule.function, input.dtype)};
}

/// A short axis is seen whole; of a long one each position looks back to the start of its block at the most.
Shape cumulative_domain(const Spec& input, int axis, bool include_initial) {
  if (!CumulativeOp::is_long(input.shape[axis])) return without_axes(input.shape, {axis});
  return with_extent(input.shape, axis, input.shape[axis] + include_initial);
}

std::vector<Access> cumulative_inputs(const Spec& input, int axis, bool include_initial) {
  const int rank = input.shape.rank();
  if (!CumulativeOp::is_long(input.shape[axis])) return {whole_on_axes(rank, {axis})};
  Access data = identity_access(rank), carries = identity_access(rank);
  data[static_cast<std::size_t>(axis)] = {AxisKind::kPoint, axis, 1, include_initial ? -1 : 0, kBlock - 1, 0};
  carries[static_cast<std::size_t>(axis)] = AxisMap::whole();
  return {data, carries};
}

Access cumulative_output(const Spec& input, int axis) {
  const int rank = input.shape.rank();
  return CumulativeOp::is_long(input.shape[axis]) ? identity_access(rank) : whole_on_axes(rank, {axis});
}

View along(const View& view, int axis, Index start, Index length) {
  Box box(view.shape);
  box.start[axis] = start, box.shape[axis] = length;
  return view.part(box);
}

}  // namespace

BlockTotalsOp::BlockTotalsOp(const Spec& input, int axis, CumulativeRule rule)
    : Op(totals_spec(input, axis).shape, {totals_spec(input, axis)}, {blocks_on(input.shape.rank(), axis)},
         {identity_access(input.shape.rank())}),
      in_(input),
      axis_(axis),
      rule_(rule) {}

nlohmann::json BlockTotalsOp::params() const { return json_of(rule_, axis_); }

Need BlockTotalsOp::need(const Box& box) const {
  return {0, static_cast<double>(element_count(map_box(input(0), box, in_.shape).shape)) * kNanoseconds};
}

void BlockTotalsOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  for (Index b = 0; b < box.shape[axis_]; ++b) {
    Box block = box;
    block.start[axis_] += b, block.shape[axis_] = 1;
    const View part = in[0].part(map_box(input(0), block, in_.shape)).view;
    kernels::cumulative_block(rule_, part, axis_, part.shape[axis_] - 1, nullptr, out[0].part(block).view, true, cancel);
  }
}

CarriesOp::CarriesOp(const Spec& totals, int axis, CumulativeRule rule)
    : Op(without_axes(totals.shape, {axis}), {totals}, {whole_on_axes(totals.shape.rank(), {axis})},
         {whole_on_axes(totals.shape.rank(), {axis})}),
      in_(totals),
      axis_(axis),
      rule_(rule) {}

nlohmann::json CarriesOp::params() const { return json_of(rule_, axis_); }

Need CarriesOp::need(const Box& box) const { return {0, static_cast<double>(box.count() * in_.shape[axis_]) * 2}; }

void CarriesOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel&) const {
  kernels::carries_along(rule_, in[0].part(map_box(input(0), box, in_.shape)).view, axis_, out[0].view);
}

CumulativeOp::CumulativeOp(const Spec& input, int axis, CumulativeRule rule, bool include_initial)
    : Op(cumulative_domain(input, axis, include_initial), {result_spec(input, axis, rule, include_initial)},
         cumulative_inputs(input, axis, include_initial), {cumulative_output(input, axis)}),
      in_(input),
      axis_(axis),
      rule_(rule),
      include_initial_(include_initial) {}

nlohmann::json CumulativeOp::params() const {
  auto json = json_of(rule_, axis_);
  json["include_initial"] = include_initial_;
  return json;
}

Box CumulativeOp::input_box(int i, const Box& box, const Shape& array) const {
  Box part = map_box(input(i), box, array);
  if (i == 0 && is_long(in_.shape[axis_]) && !part.empty()) {
    // No further back than the start of the block that holds the first position.
    const Index first = std::max<Index>(0, box.start[axis_] - include_initial_), start = first / kBlock * kBlock;
    part.shape[axis_] = std::max<Index>(0, part.end(axis_) - start);
    part.start[axis_] = start;
  }
  return part;
}

Need CumulativeOp::need(const Box& box) const {
  return {0, static_cast<double>(element_count(input_box(0, box, in_.shape).shape)) * kNanoseconds};
}

void CumulativeOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const bool in_blocks = is_long(in_.shape[axis_]);
  const Index start = in_blocks ? box.start[axis_] : 0;  // of the results that are asked for
  View results = out[0].view;
  if (include_initial_ && start == 0) {
    kernels::write_nothing(rule_.function, along(results, axis_, 0, 1));
    results = along(results, axis_, 1, results.shape[axis_] - 1);
  }
  if (results.count() == 0) return;
  const Box part = input_box(0, box, in_.shape);
  const View data = in[0].part(part).view;
  if (!in_blocks) return kernels::cumulative_block(rule_, data, axis_, 0, nullptr, results, false, cancel);
  const View carries = in[1].part(map_box(input(1), box, in[1].box.shape)).view;
  const Index first = std::max<Index>(0, start - include_initial_);  // the input position of the first result
  Index written = 0;
  for (Index at = part.start[axis_]; at < part.end(axis_); at += kBlock) {
    const Index length = std::min(kBlock, part.end(axis_) - at), skip = std::max<Index>(0, first - at);
    const View carry = along(carries, axis_, at / kBlock, 1);
    kernels::cumulative_block(rule_, along(data, axis_, at - part.start[axis_], length), axis_, skip, &carry,
                              along(results, axis_, written, length - skip), false, cancel);
    written += length - skip;
  }
}

namespace {

Array cumulative(const Array& a, int axis, CumulativeRule rule, CumulativeOptions options) {
  axis = normal_axis(axis, a.rank());
  Array x = a;
  // Towards floats the elements are converted, towards narrow integers the results (which wrap alike).
  const auto inexact = [](DType t) { return is_floating(t) || is_complex(t); };
  if (options.dtype && (inexact(*options.dtype) || inexact(a.dtype()))) x = astype(a, *options.dtype);
  std::vector<Array> inputs{x};
  if (CumulativeOp::is_long(x.shape()[axis])) {
    const Array totals = apply_op(std::make_shared<BlockTotalsOp>(x.spec(), axis, rule), {x});
    inputs.push_back(apply_op(std::make_shared<CarriesOp>(totals.spec(), axis, rule), {totals}));
  }
  const Array result = apply_op(std::make_shared<CumulativeOp>(x.spec(), axis, rule, options.include_initial), std::move(inputs));
  return options.dtype && *options.dtype != result.dtype() ? astype(result, *options.dtype) : result;
}

}  // namespace

Array cumulative_sum(const Array& a, int axis, CumulativeOptions options) {
  return cumulative(a, axis, {CumulativeFunction::kSum, options.skip_nan}, options);
}
Array cumulative_prod(const Array& a, int axis, CumulativeOptions options) {
  return cumulative(a, axis, {CumulativeFunction::kProduct, options.skip_nan}, options);
}
Array cummax(const Array& a, int axis) { return cumulative(a, axis, {CumulativeFunction::kMax, false}, {}); }
Array cummin(const Array& a, int axis) { return cumulative(a, axis, {CumulativeFunction::kMin, false}, {}); }

}  // namespace freestone
