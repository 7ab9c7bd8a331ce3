#include "freestone/ops/search.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/sort.h"

namespace freestone {
namespace {

double nanoseconds(const Box& box, Index points) {
  return static_cast<double>(box.count()) * (4 + 2 * std::log2(static_cast<double>(points) + 1));
}

void need_list(const Array& list, const char* name, const char* what) {
  if (list.rank() != 1) fail(ErrorKind::kUser, "{}: {} has shape {}; it must have one axis.", name, what, to_string(list.shape()));
}

Array converted(const Array& a, DType dtype) { return a.dtype() == dtype ? a : astype(a, dtype); }

Array search(const Array& points, const Array& values, kernels::SearchKind kind, const char* name) {
  need_list(points, name, "the list");
  const DType dtype = promote(points.dtype(), values.dtype());
  const Array p = converted(points, dtype), v = converted(values, dtype);
  return apply_op(std::make_shared<SearchOp>(p.spec(), v.spec(), kind), {p, v});
}

std::vector<double> list_of(const Tile& tile, Index length) {
  std::vector<double> out(static_cast<std::size_t>(length));
  copy(tile.part(Box(Shape{length})).view, View::contiguous(out.data(), DType::kFloat64, {length}));
  return out;
}

}  // namespace

SearchOp::SearchOp(const Spec& points, const Spec& values, kernels::SearchKind kind)
    : Op(values.shape, {{values.shape, kind == kernels::SearchKind::kContains ? DType::kBool : DType::kInt64}},
         {{AxisMap::whole()}, identity_access(values.shape.rank())}, {identity_access(values.shape.rank())}),
      points_(points),
      kind_(kind) {}

nlohmann::json SearchOp::params() const { return {{"kind", static_cast<int>(kind_)}}; }

Need SearchOp::need(const Box& box) const { return {0, nanoseconds(box, points_.shape[0])}; }

void SearchOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  View points{nullptr, points_.dtype, points_.shape, contiguous_strides(points_.shape, size_of(points_.dtype))};
  if (points_.shape[0] > 0) points = in[0].part(Box(points_.shape)).view;
  kernels::search_sorted(kind_, points, in[1].part(box).view, out[0].view, cancel);
}

InterpOp::InterpOp(const Spec& x, const Spec& values, std::optional<double> left, std::optional<double> right)
    : Op(values.shape, {{values.shape, DType::kFloat64}}, {{AxisMap::whole()}, {AxisMap::whole()}, identity_access(values.shape.rank())},
         {identity_access(values.shape.rank())}),
      x_(x),
      left_(left),
      right_(right) {}

nlohmann::json InterpOp::params() const {
  return {{"left", left_ ? json_of(*left_) : nullptr}, {"right", right_ ? json_of(*right_) : nullptr}};
}

Need InterpOp::need(const Box& box) const { return {0, nanoseconds(box, x_.shape[0])}; }

void InterpOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const auto x = list_of(in[0], x_.shape[0]), y = list_of(in[1], x_.shape[0]);
  kernels::interpolate(x, y, left_.value_or(y.front()), right_.value_or(y.back()), in[2].part(box).view, out[0].view, cancel);
}

Array searchsorted(const Array& sorted, const Array& values, bool right) {
  return search(sorted, values, right ? kernels::SearchKind::kRight : kernels::SearchKind::kLeft, "searchsorted");
}

Array digitize(const Array& values, const Array& bins, bool right, bool falling) {
  using enum kernels::SearchKind;
  return search(bins, values, falling ? (right ? kDownRight : kDownLeft) : (right ? kLeft : kRight), "digitize");
}

Array isin(const Array& values, const Array& list, bool invert) {
  need_list(list, "isin", "the list");
  const Array found = search(sort(list), values, kernels::SearchKind::kContains, "isin");
  return invert ? elementwise("logical_not", {found}) : found;
}

Array interp(const Array& values, const Array& x, const Array& y, std::optional<double> left, std::optional<double> right) {
  need_list(x, "interp", "x");
  need_list(y, "interp", "y");
  if (x.shape() != y.shape() || x.size() == 0)
    fail(ErrorKind::kUser, "interp: x has {} points and y has {}. Give as many of both, and one at least.", x.size(), y.size());
  for (const Array* a : {&values, &x, &y})
    if (is_complex(a->dtype())) fail(ErrorKind::kUser, "interp: the arrays must be real.");
  const Array px = converted(x, DType::kFloat64), py = converted(y, DType::kFloat64), v = converted(values, DType::kFloat64);
  return apply_op(std::make_shared<InterpOp>(px.spec(), v.spec(), left, right), {px, py, v});
}

}  // namespace freestone
