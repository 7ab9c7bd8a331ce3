#include "freestone/ops/sort.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/along_axis.h"
#include "freestone/ops/longest_run.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/sort_passes.h"

namespace freestone {
namespace {

constexpr double kSortNanoseconds = 8;  // an element, one core
constexpr double kSelectNanoseconds = 4;

Index kept_length(const Spec& input, int axis, const kernels::SortRule& rule) { return rule.keep < 0 ? input.shape[axis] : rule.keep; }

Array sorted(const Array& a, int axis, kernels::SortRule rule) {
  axis = normal_axis(axis, a.rank());
  if (a.shape()[axis] > kSortedAtOnce) {
    if (rule.keep < 0) return sort_in_passes(a, axis, rule.descending, rule.positions);
    if (const Array first = first_of_runs(a, rule.keep, axis, rule.descending, rule.positions)) return first;
    std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
    slices.back() = {0, rule.keep};
    return slice(sort_in_passes(a, axis, rule.descending, rule.positions), slices);
  }
  return apply_op(std::make_shared<SortOp>(a.spec(), axis, rule), {a});
}

kernels::SortRule first_k(const Array& a, Index k, int axis, bool largest, bool positions) {
  const Index length = a.shape()[normal_axis(axis, a.rank())];
  if (k < 0 || k > length) fail(ErrorKind::kUser, "topk: {} of an axis of {}. Give 0 to {}.", k, length, length);
  return {largest, positions, k};
}

}  // namespace

SortOp::SortOp(const Spec& input, int axis, kernels::SortRule rule)
    : Op(without_axes(input.shape, {axis}),
         {{with_extent(input.shape, axis, kept_length(input, axis, rule)), rule.positions ? DType::kInt64 : input.dtype}},
         {whole_on_axes(input.shape.rank(), {axis})}, {whole_on_axes(input.shape.rank(), {axis})}),
      in_(input),
      axis_(axis),
      rule_(rule) {}

nlohmann::json SortOp::params() const {
  return {{"axis", axis_}, {"descending", rule_.descending}, {"positions", rule_.positions}, {"keep", rule_.keep}};
}

Need SortOp::need(const Box& box) const {
  const Index length = in_.shape[axis_];
  const double each = rule_.keep >= 0 && rule_.keep * 8 < length ? kSelectNanoseconds : kSortNanoseconds;
  return {kernels::sort_scratch_bytes(length, in_.dtype, rule_), static_cast<double>(box.count() * length) * each};
}

void SortOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  kernels::sort_along(in[0].part(map_box(input(0), box, in_.shape)).view, axis_, rule_, out[0].view, scratch, cancel);
}

ModeOp::ModeOp(const Spec& input, int axis)
    : Op(without_axes(input.shape, {axis}),
         {{without_axes(input.shape, {axis}), input.dtype}, {without_axes(input.shape, {axis}), DType::kInt64}},
         {whole_on_axes(input.shape.rank(), {axis})}, {identity_access(input.shape.rank() - 1), identity_access(input.shape.rank() - 1)}),
      in_(input),
      axis_(axis) {}

nlohmann::json ModeOp::params() const { return {{"axis", axis_}}; }

Need ModeOp::need(const Box& box) const {
  return {kernels::sort_scratch_bytes(in_.shape[axis_], in_.dtype, {}),
          static_cast<double>(box.count() * in_.shape[axis_]) * kSortNanoseconds};
}

void ModeOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  View results[] = {out[0].view, out[1].view};
  for (View& result : results) result.shape.insert(axis_, 1), result.strides.insert(axis_, 0);
  kernels::mode_along(in[0].part(map_box(input(0), box, in_.shape)).view, axis_, results[0], results[1], scratch, cancel);
}

Array sort(const Array& a, int axis, bool descending) { return sorted(a, axis, {descending, false, -1}); }
Array argsort(const Array& a, int axis, bool descending) { return sorted(a, axis, {descending, true, -1}); }
Array topk(const Array& a, Index k, int axis, bool largest) { return sorted(a, axis, first_k(a, k, axis, largest, false)); }
Array argtopk(const Array& a, Index k, int axis, bool largest) { return sorted(a, axis, first_k(a, k, axis, largest, true)); }

std::pair<Array, Array> mode(const Array& a, int axis) {
  axis = normal_axis(axis, a.rank());
  if (!is_integer(a.dtype()) && !is_bool(a.dtype()))
    fail(ErrorKind::kUser, "mode: the array is {}; mode counts integers. Round first, or take a histogram.", name_of(a.dtype()));
  if (a.shape()[axis] == 0) fail(ErrorKind::kUser, "mode over axis {}, which has no elements.", axis);
  if (a.shape()[axis] > kSortedAtOnce) return mode_in_passes(a, axis);
  const auto both = apply_op_all(std::make_shared<ModeOp>(a.spec(), axis), {a});
  return {both[0], both[1]};
}

}  // namespace freestone
