#include "freestone/ops/concat.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

Spec joined(const std::vector<Spec>& inputs, int axis) {
  if (inputs.empty()) fail(ErrorKind::kUser, "concat needs at least one array.");
  Spec out = inputs.front();
  if (axis < 0 || axis >= out.shape.rank()) fail(ErrorKind::kUser, "concat: axis {} of arrays with {} axes.", axis, out.shape.rank());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const Shape& shape = inputs[i].shape;
    bool fits = shape.rank() == out.shape.rank();
    for (int k = 0; fits && k < shape.rank(); ++k) fits = k == axis || shape[k] == out.shape[k];
    if (!fits)
      fail(ErrorKind::kUser, "concat along axis {}: array {} has shape {}, the first one {}; only that axis may differ.", axis, i,
           to_string(shape), to_string(inputs.front().shape));
    ensure(inputs[i].dtype == out.dtype, "concat of different dtypes");
    out.shape[axis] += shape[axis];
  }
  return out;
}

std::vector<Access> side_by_side(const std::vector<Spec>& inputs, int axis) {
  std::vector<Access> accesses;
  Index start = 0;
  for (const Spec& input : inputs) {
    accesses.push_back(identity_access(input.shape.rank()));
    accesses.back()[static_cast<std::size_t>(axis)].offset = -start;
    start += input.shape[axis];
  }
  return accesses;
}

}  // namespace

ConcatOp::ConcatOp(const std::vector<Spec>& inputs, int axis)
    : Op(joined(inputs, axis).shape, {joined(inputs, axis)}, side_by_side(inputs, axis),
         {identity_access(joined(inputs, axis).shape.rank())}),
      axis_(axis) {
  for (const Spec& input : inputs) shapes_.push_back(input.shape);
}

nlohmann::json ConcatOp::params() const { return {{"axis", axis_}}; }

Need ConcatOp::need(const Box& box) const { return {0, 0.3 * static_cast<double>(box.count())}; }

void ConcatOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  Index start = 0;
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    const Box part = map_box(input(static_cast<int>(i)), box, shapes_[i]);
    if (!part.empty()) {
      cancel.check();
      Box to = part;
      to.start[axis_] += start;
      copy(in[i].part(part).view, out[0].part(to).view);
    }
    start += shapes_[i][axis_];
  }
}

ChunkGrid ConcatOp::chunks(int, std::span<const ChunkGrid> inputs) const {
  for (const ChunkGrid& grid : inputs) {
    if (grid.is_contiguous()) continue;
    return ChunkGrid(domain(), grid.chunk());
  }
  return ChunkGrid::contiguous(domain());
}

Array concat(const std::vector<Array>& arrays, int axis) {
  if (arrays.empty()) fail(ErrorKind::kUser, "concat needs at least one array.");
  axis = normal_axis(axis, arrays.front().rank());
  DType dtype = arrays.front().dtype();
  for (const Array& a : arrays) dtype = promote(dtype, a.dtype());
  std::vector<Array> inputs;
  std::vector<Spec> specs;
  for (const Array& a : arrays) {
    inputs.push_back(astype(a, dtype));
    specs.push_back(inputs.back().spec());
  }
  auto op = std::make_shared<ConcatOp>(specs, axis);
  if (inputs.size() == 1) return inputs.front();
  return apply_op(std::move(op), std::move(inputs));
}

Array stack(const std::vector<Array>& arrays, int axis) {
  if (arrays.empty()) fail(ErrorKind::kUser, "stack needs at least one array.");
  axis = normal_axis(axis, arrays.front().rank() + 1);
  std::vector<Array> layers;
  for (const Array& a : arrays) {
    if (a.shape() != arrays.front().shape())
      fail(ErrorKind::kUser, "stack: arrays of shapes {} and {}; all must be alike.", to_string(arrays.front().shape()),
           to_string(a.shape()));
    layers.push_back(expand_dims(a, axis));
  }
  return concat(layers, axis);
}

std::vector<Array> unstack(const Array& a, int axis) {
  axis = normal_axis(axis, a.rank());
  std::vector<Array> out;
  std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
  for (Index i = 0; i < a.shape()[axis]; ++i) {
    slices.back() = Slice::at(i);
    out.push_back(slice(a, slices));
  }
  return out;
}

Array roll(const Array& a, const std::vector<Index>& shifts, const std::vector<int>& axes) {
  if (shifts.size() != axes.size() && shifts.size() != 1)
    fail(ErrorKind::kUser, "roll: {} shifts for {} axes. Give one each, or one for all.", shifts.size(), axes.size());
  std::vector<Index> by_axis(static_cast<std::size_t>(a.rank()), 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = normal_axis(axes[i], a.rank());
    const Index n = std::max<Index>(1, a.shape()[axis]);
    auto& shift = by_axis[static_cast<std::size_t>(axis)];  // an axis named twice rolls by the sum
    shift = (shift + shifts[shifts.size() == 1 ? 0 : i] % n + n) % n;
  }
  Array out = a;
  for (int axis = 0; axis < a.rank(); ++axis) {
    const Index shift = by_axis[static_cast<std::size_t>(axis)];
    if (shift == 0) continue;
    std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
    slices.back() = {a.shape()[axis] - shift, std::nullopt};
    const Array tail = slice(out, slices);
    slices.back() = {std::nullopt, a.shape()[axis] - shift};
    out = concat({tail, slice(out, slices)}, axis);
  }
  return out;
}

Array roll(const Array& a, Index shift) { return reshape(roll(ravel(a), {shift}, {0}), a.shape().to_vector()); }

Array diff(const Array& a, int n, int axis, const std::optional<Array>& prepend, const std::optional<Array>& append) {
  if (n < 0) fail(ErrorKind::kUser, "diff: n = {} is below 0.", n);
  if (a.rank() == 0) fail(ErrorKind::kUser, "diff of an array without axes.");
  if (n == 0) return a;
  axis = normal_axis(axis, a.rank());
  const auto fitted = [&](const Array& edge) {
    if (edge.rank() > 0) return edge;
    Shape shape = a.shape();
    shape[axis] = 1;
    return broadcast_to(edge, shape);
  };
  std::vector<Array> parts;
  if (prepend) parts.push_back(fitted(*prepend));
  parts.push_back(a);
  if (append) parts.push_back(fitted(*append));
  Array out = concat(parts, axis);
  std::vector<Slice> later(static_cast<std::size_t>(axis) + 1), earlier = later;
  later.back() = {1, std::nullopt};
  earlier.back() = {std::nullopt, -1};
  for (int i = 0; i < n; ++i) out = elementwise(is_bool(out.dtype()) ? "not_equal" : "subtract", {slice(out, later), slice(out, earlier)});
  return out;
}

}  // namespace freestone
