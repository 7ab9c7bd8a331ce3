#include "freestone/ops/along_axis.h"

#include <algorithm>

namespace freestone {
namespace {

bool is_one_of(int k, const std::vector<int>& axes) { return std::find(axes.begin(), axes.end(), k) != axes.end(); }

}  // namespace

Shape without_axes(const Shape& shape, const std::vector<int>& axes) {
  Shape kept;
  for (int k = 0; k < shape.rank(); ++k)
    if (!is_one_of(k, axes)) kept.push_back(shape[k]);
  return kept;
}

Access access_without_axes(int rank, const std::vector<int>& axes) {
  Access access;
  for (int k = 0; k < rank; ++k)
    if (!is_one_of(k, axes)) access.push_back(AxisMap::point(k));
  return access;
}

Access whole_on_axes(int rank, const std::vector<int>& axes) {
  Access access;
  int domain_axis = 0;
  for (int k = 0; k < rank; ++k) access.push_back(is_one_of(k, axes) ? AxisMap::whole() : AxisMap::point(domain_axis++));
  return access;
}

Shape with_extent(Shape shape, int axis, Index extent) {
  shape[axis] = extent;
  return shape;
}

View brought_together(const View& from, const std::vector<int>& axes, Scratch& scratch) {
  View ordered{from.data, from.dtype, {}, {}};
  Index seen = 1, kept = 1;
  for (int k = 0; k < from.rank(); ++k)
    if (!is_one_of(k, axes)) ordered.shape.push_back(from.shape[k]), ordered.strides.push_back(from.strides[k]), kept *= from.shape[k];
  for (const int k : axes) ordered.shape.push_back(from.shape[k]), ordered.strides.push_back(from.strides[k]), seen *= from.shape[k];
  if (ordered.is_contiguous()) return View::contiguous(from.data, from.dtype, {kept, seen});
  const View together = View::contiguous(scratch.take(ordered.bytes()), from.dtype, ordered.shape);
  copy(ordered, together);
  return View::contiguous(together.data, from.dtype, {kept, seen});
}

Index bytes_together(const Shape& part, DType dtype, const std::vector<int>& axes) {
  return axes.size() == 1 ? 0 : Scratch::rounded(element_count(part) * size_of(dtype));
}

}  // namespace freestone
