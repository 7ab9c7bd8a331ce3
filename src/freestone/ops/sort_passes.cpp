#include "freestone/ops/sort_passes.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/kernels/sort.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/ops/sort.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 8;       // an element, one core
constexpr double kPairNanoseconds = 40;  // with its position
constexpr Index kRun = Index{1} << 20;   // elements of which first_of_runs takes the first

double nanoseconds(const std::vector<Spec>& in, double elements) { return elements * (in.size() > 1 ? kPairNanoseconds : kNanoseconds); }

/// `lines` (m, n) of values, and of positions where there are some, sorted each into `sorted`.
void sort_lines(std::span<const View> lines, bool descending, std::span<const View> sorted, Scratch& scratch, const Cancel& cancel) {
  if (lines.size() > 1) return kernels::sort_pairs(lines[0], lines[1], descending, sorted[0], sorted[1], scratch, cancel);
  kernels::sort_along(lines[0], 1, {descending, false, -1}, sorted[0], scratch, cancel);
}

Index lines_scratch_bytes(const std::vector<Spec>& in, Index length) {
  return in.size() > 1 ? kernels::sort_pairs_scratch_bytes(length, in[0].dtype) : kernels::sort_scratch_bytes(length, in[0].dtype, {});
}

View with_axes_last(const View& view, const std::vector<int>& axes) {
  View out{view.data, view.dtype, {}, {}};
  const auto take = [&](int k) { out.shape.push_back(view.shape[k]), out.strides.push_back(view.strides[k]); };
  for (int k = 0; k < view.rank(); ++k)
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) take(k);
  for (const int k : axes) take(k);
  return out;
}

std::vector<Access> alike(const std::vector<Spec>& specs, const Access& access) { return std::vector<Access>(specs.size(), access); }

Access rows_near(int rank, Index reach, bool input) {
  Access access = identity_access(rank);
  access[static_cast<std::size_t>(rank) - 2] = input ? AxisMap::halo(rank - 2, reach, reach) : AxisMap::point(rank - 2);
  access[static_cast<std::size_t>(rank) - 1] = AxisMap::whole();
  return access;
}

/// What sorts last of this dtype.
Array last_of_all(DType dtype, bool descending, const Shape& shape) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  if (is_complex(dtype)) return full_complex(shape, {kNaN, kNaN}, dtype);
  if (is_floating(dtype)) return full(shape, kNaN, dtype);
  if (is_bool(dtype)) return full(shape, !descending, dtype);
  const IntInfo limits = iinfo(dtype);
  return descending ? full(shape, limits.min, dtype) : full(shape, limits.max, dtype);
}

/// `x` with its last axis filled up to `length`.
Array filled_up(const Array& x, Index length, const Array& filling) {
  return length == x.shape().back() ? x : concat({x, filling}, x.rank() - 1);
}

Shape with_last(Shape shape, std::initializer_list<Index> axes) {
  shape.erase(shape.rank() - 1);
  for (const Index n : axes) shape.push_back(n);
  return shape;
}

}  // namespace

SortJointlyOp::SortJointlyOp(const std::vector<Spec>& inputs, std::vector<int> axes, bool descending)
    : Op(without_axes(inputs[0].shape, axes), inputs, alike(inputs, whole_on_axes(inputs[0].shape.rank(), axes)),
         alike(inputs, whole_on_axes(inputs[0].shape.rank(), axes))),
      in_(inputs),
      axes_(std::move(axes)),
      descending_(descending) {}

nlohmann::json SortJointlyOp::params() const { return {{"axes", axes_}, {"descending", descending_}}; }

Need SortJointlyOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_[0].shape).shape;
  Index length = 1, bytes = 0;
  for (const int k : axes_) length *= in_[0].shape[k];
  for (const Spec& spec : in_) bytes += 2 * Scratch::rounded(element_count(part) * size_of(spec.dtype));
  return {bytes + lines_scratch_bytes(in_, length), nanoseconds(in_, static_cast<double>(element_count(part)))};
}

void SortJointlyOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  std::vector<View> lines, sorted;
  Index length = 1;
  for (const int k : axes_) length *= in_[0].shape[k];
  for (std::size_t i = 0; i < in.size(); ++i) {
    lines.push_back(brought_together(in[i].part(map_box(input(static_cast<int>(i)), box, in_[i].shape)).view, axes_, scratch));
    sorted.push_back(View::contiguous(nullptr, in_[i].dtype, {box.count(), length}));
    sorted.back().data = scratch.take(sorted.back().bytes());
  }
  sort_lines(lines, descending_, sorted, scratch, cancel);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const View to = with_axes_last(out[i].view, axes_);
    copy(View::contiguous(sorted[i].data, to.dtype, to.shape), to);
  }
}

SortNearlyOp::SortNearlyOp(const std::vector<Spec>& inputs, bool descending)
    : Op(Shape(inputs[0].shape.begin(), inputs[0].shape.end() - 1), inputs,
         alike(inputs, rows_near(inputs[0].shape.rank(), inputs[0].shape.back(), true)),
         alike(inputs, rows_near(inputs[0].shape.rank(), 0, false))),
      in_(inputs),
      descending_(descending) {}

nlohmann::json SortNearlyOp::params() const { return {{"descending", descending_}}; }

Need SortNearlyOp::need(const Box& box) const {
  const Shape part = map_box(input(0), box, in_[0].shape).shape;
  const Index length = part[part.rank() - 2] * part.back();
  Index bytes = 0;
  for (const Spec& spec : in_) bytes += 2 * Scratch::rounded(element_count(part) * size_of(spec.dtype));
  return {bytes + lines_scratch_bytes(in_, length), nanoseconds(in_, static_cast<double>(element_count(part)))};
}

void SortNearlyOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const int rank = in_[0].shape.rank();
  const Box part = map_box(input(0), box, in_[0].shape);
  const Index columns = part.shape.back(), length = part.shape[rank - 2] * columns;
  const Index lines_count = length == 0 ? 0 : part.count() / length, dropped = box.start[rank - 2] - part.start[rank - 2];
  std::vector<View> lines, sorted;
  for (std::size_t i = 0; i < in.size(); ++i) {
    lines.push_back(brought_together(in[i].part(part).view, {rank - 2, rank - 1}, scratch));
    sorted.push_back(View::contiguous(nullptr, in_[i].dtype, {lines_count, length}));
    sorted.back().data = scratch.take(sorted.back().bytes());
  }
  sort_lines(lines, descending_, sorted, scratch, cancel);
  for (std::size_t i = 0; i < out.size(); ++i) {
    Box kept(part.shape);
    kept.start[rank - 2] = dropped, kept.shape[rank - 2] = box.shape[rank - 2];
    copy(View::contiguous(sorted[i].data, in_[i].dtype, part.shape).part(kept), out[i].view);
  }
}

Array sort_in_passes(const Array& a, int axis, bool descending, bool positions) {
  axis = normal_axis(axis, a.rank());
  const int last = a.rank() - 1;
  const Array x = moveaxis(a, {axis}, {last});
  const Index n = x.shape()[last];
  // s columns of q s = 2 s^2 rows: 2 s^3 elements.
  Index s = 1;
  while (2 * s * s * s < n) ++s;
  const Index q = 2 * s, rows = q * s, length = rows * s;
  const Shape runs = with_last(x.shape(), {s, q, s}), matrix = with_last(x.shape(), {rows, s});
  const auto shaped = [](const Array& array, const Shape& shape) { return reshape(array, shape.to_vector()); };
  const auto pass = [&](std::shared_ptr<const Op> op, const std::vector<Array>& of) { return apply_op_all(std::move(op), of); };
  const auto specs = [](const std::vector<Array>& of) {
    std::vector<Spec> out;
    for (const Array& array : of) out.push_back(array.spec());
    return out;
  };
  const Shape missing = with_last(x.shape(), {length - n});
  std::vector<Array> parts{shaped(filled_up(x, length, last_of_all(a.dtype(), descending, missing)), runs)};
  if (positions) parts.push_back(shaped(broadcast_to(arange(length), with_last(x.shape(), {length})), runs));
  parts = pass(std::make_shared<SortJointlyOp>(specs(parts), std::vector<int>{last + 1, last + 2}, descending), parts);
  parts = pass(std::make_shared<SortJointlyOp>(specs(parts), std::vector<int>{last, last + 1}, descending), parts);
  for (Array& part : parts) part = shaped(part, matrix);
  parts = pass(std::make_shared<SortNearlyOp>(specs(parts), descending), parts);
  Array result = shaped(parts.back(), with_last(x.shape(), {length}));
  if (length != n) {
    std::vector<Slice> slices(static_cast<std::size_t>(last) + 1);
    slices.back() = {0, n};
    result = slice(result, slices);
  }
  return moveaxis(result, {last}, {axis});
}

Array first_of_runs(const Array& a, Index k, int axis, bool largest, bool positions) {
  axis = normal_axis(axis, a.rank());
  const int last = a.rank() - 1;
  const Array x = moveaxis(a, {axis}, {last});
  const Index n = x.shape()[last], runs = (n + kRun - 1) / kRun;
  if (k > kRun / 4) return {};
  const Array filled = filled_up(x, runs * kRun, last_of_all(a.dtype(), largest, with_last(x.shape(), {runs * kRun - n})));
  const Array in_runs = reshape(filled, with_last(x.shape(), {runs, kRun}).to_vector());
  const auto in_line = [&](const Array& array) { return reshape(array, with_last(x.shape(), {runs * k}).to_vector()); };
  const Array best = in_line(topk(in_runs, k, last + 1, largest));
  if (!positions) return moveaxis(topk(best, k, last, largest), {last}, {axis});
  const Array within = argtopk(in_runs, k, last + 1, largest);
  const Array starts = expand_dims(arange(Index{0}, runs * kRun, kRun), 1);
  const Array places = in_line(elementwise("add", {within, starts}));
  return moveaxis(take_along_axis(places, argtopk(best, k, last, largest), last), {last}, {axis});
}

}  // namespace freestone
