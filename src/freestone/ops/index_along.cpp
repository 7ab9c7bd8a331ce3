#include "freestone/ops/index_along.h"

#include <nlohmann/json.hpp>

#include "freestone/kernels/gather.h"
#include "freestone/ops/index.h"

namespace freestone {
namespace {

Shape along_shape(const Spec& array, const Spec& indices, int axis) {
  if (!is_integer(indices.dtype))
    fail(ErrorKind::kUser, "take_along_axis: indices of dtype {}; integers are needed.", name_of(indices.dtype));
  if (array.shape.rank() != indices.shape.rank())
    fail(ErrorKind::kUser, "take_along_axis: indices with {} axes for an array with {}.", indices.shape.rank(), array.shape.rank());
  Shape left = array.shape, right = indices.shape;
  left[axis] = right[axis] = 1;
  Shape out = broadcast_shape({left, right});
  out[axis] = indices.shape[axis];
  return out;
}

Access along_access(const Shape& input, const Shape& out, int whole) {
  Access access;
  for (int k = 0; k < input.rank(); ++k)
    access.push_back(k == whole ? AxisMap::whole() : input[k] == out[k] ? AxisMap::point(k) : AxisMap::fixed(0));
  return access;
}

/// A view on `part`, whose axes of length 1 are repeated over `shape`.
View spread(View part, const Shape& shape, int except) {
  for (int k = 0; k < shape.rank(); ++k) {
    if (k == except || part.shape[k] == shape[k]) continue;
    part.shape[k] = shape[k], part.strides[k] = 0;
  }
  return part;
}

}  // namespace

TakeAlongOp::TakeAlongOp(const Spec& array, const Spec& indices, int axis)
    : Op(along_shape(array, indices, axis), {{along_shape(array, indices, axis), array.dtype}},
         {along_access(array.shape, along_shape(array, indices, axis), axis),
          along_access(indices.shape, along_shape(array, indices, axis), -1)},
         {identity_access(array.shape.rank())}),
      axis_(axis),
      extent_(array.shape[axis]) {}

nlohmann::json TakeAlongOp::params() const { return {{"axis", axis_}}; }

Need TakeAlongOp::need(const Box& box) const { return {0, 2.0 * static_cast<double>(box.count())}; }

void TakeAlongOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const auto part = [&](std::size_t i) {
    Shape array(box.rank());  // known by the map alone: fixed axes have length 1
    for (int k = 0; k < array.rank(); ++k)
      array[k] = input(static_cast<int>(i))[static_cast<std::size_t>(k)].kind == AxisKind::kFixed ? 1 : domain()[k];
    if (i == 0) array[axis_] = extent_;
    return spread(in[i].part(map_box(input(static_cast<int>(i)), box, array)).view, box.shape, i == 0 ? axis_ : -1);
  };
  View from = part(0);
  const View indices = part(1), to = out[0].part(box).view;
  const Index line = from.strides[axis_], width = size_of(to.dtype);
  // Rows run along the last axis; the array moves with all axes but `axis_`.
  from.shape = box.shape;
  from.strides[axis_] = 0;
  const int last = box.rank() - 1;
  with_real_type(indices.dtype, [&]<class T>(TypeTag<T>) {
    Index rows = 0;
    for_each_row(box.shape, {&from, &indices, &to}, [&](std::byte** data) {
      if ((++rows & 0xFFF) == 0) cancel.check();
      for (Index i = 0; i < box.shape[last]; ++i) {
        auto at = static_cast<Index>(*reinterpret_cast<const T*>(data[1] + i * indices.strides[last]));
        if (at < 0) at += extent_;
        if (at < 0 || at >= extent_)
          fail(ErrorKind::kData, "take_along_axis: an index is outside axis {}, which has {} elements.", axis_, extent_);
        kernels::copy_strided(data[0] + i * from.strides[last] + at * line, width, data[2] + i * to.strides[last], width, 1, width);
      }
    });
  });
}

Array take_along_axis(const Array& a, const Array& indices, int axis) {
  return apply_op(std::make_shared<TakeAlongOp>(a.spec(), indices.spec(), normal_axis(axis, a.rank())), {a, indices});
}

}  // namespace freestone
