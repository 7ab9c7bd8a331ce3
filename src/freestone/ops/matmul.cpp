#include "freestone/ops/matmul.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "freestone/ops/concat.h"
#include "freestone/ops/contract.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

/// `axis` moved to the end.
Array axis_last(const Array& a, int axis) {
  std::vector<int> order;
  for (int k = 0; k < a.rank(); ++k)
    if (k != axis) order.push_back(k);
  order.push_back(axis);
  return transpose(a, order);
}

int axis_from_end(std::string_view what, const Array& a, const Array& b, int axis) {
  if (axis >= 0) fail(ErrorKind::kUser, "{}: axis {}; the axis counts from the end, -1 is the last.", what, axis);
  normal_axis(axis, a.rank());
  normal_axis(axis, b.rank());
  return axis;
}

}  // namespace

Array matmul(const Array& a, const Array& b) {
  if (a.rank() == 0 || b.rank() == 0) fail(ErrorKind::kUser, "matmul: a scalar has no rows or columns; use * instead.");
  const int sum_of_a = a.rank() - 1, sum_of_b = std::max(0, b.rank() - 2);
  if (a.shape()[sum_of_a] != b.shape()[sum_of_b])
    fail(ErrorKind::kUser, "matmul: shapes {} and {} do not go together: {} columns against {} rows.", to_string(a.shape()),
         to_string(b.shape()), a.shape()[sum_of_a], b.shape()[sum_of_b]);
  Contraction c;
  const int a_batches = std::max(0, a.rank() - 2), b_batches = std::max(0, b.rank() - 2);
  c.batches = std::max(a_batches, b_batches);
  c.rows = a.rank() > 1 ? 1 : 0;
  c.kept = c.batches + c.rows + (b.rank() > 1 ? 1 : 0);
  c.dtype = promote(a.dtype(), b.dtype());
  for (int k = 0; k < a_batches; ++k) c.a.push_back(c.batches - a_batches + k);
  if (a.rank() > 1) c.a.push_back(c.batches);
  c.a.push_back(c.kept);
  for (int k = 0; k < b_batches; ++k) c.b.push_back(c.batches - b_batches + k);
  c.b.push_back(c.kept);
  if (b.rank() > 1) c.b.push_back(c.batches + c.rows);
  return contract(a, b, c);
}

Array tensordot(const Array& a, const Array& b, const std::vector<int>& a_axes, const std::vector<int>& b_axes) {
  if (a_axes.size() != b_axes.size())
    fail(ErrorKind::kUser, "tensordot: {} axes of the first array, {} of the second.", a_axes.size(), b_axes.size());
  const int pairs = static_cast<int>(a_axes.size());
  Contraction c;
  c.rows = a.rank() - pairs;
  c.kept = c.rows + b.rank() - pairs;
  c.dtype = promote(a.dtype(), b.dtype());
  c.a.assign(static_cast<std::size_t>(a.rank()), -1);
  c.b.assign(static_cast<std::size_t>(b.rank()), -1);
  for (std::size_t i = 0; i < a_axes.size(); ++i) {
    const int in_a = normal_axis(a_axes[i], a.rank()), in_b = normal_axis(b_axes[i], b.rank());
    if (a.shape()[in_a] != b.shape()[in_b])
      fail(ErrorKind::kUser, "tensordot: axis {} of {} has {} elements, axis {} of {} has {}.", in_a, to_string(a.shape()), a.shape()[in_a],
           in_b, to_string(b.shape()), b.shape()[in_b]);
    int &label_a = c.a[static_cast<std::size_t>(in_a)], &label_b = c.b[static_cast<std::size_t>(in_b)];
    if (label_a >= 0 || label_b >= 0) fail(ErrorKind::kUser, "tensordot: an axis is named twice.");
    label_a = label_b = c.kept + static_cast<int>(i);
  }
  int next = 0;
  for (auto* side : {&c.a, &c.b})
    for (int& label : *side)
      if (label < 0) label = next++;
  return contract(a, b, c);
}

Array tensordot(const Array& a, const Array& b, int axes) {
  if (axes < 0 || axes > std::min(a.rank(), b.rank()))
    fail(ErrorKind::kUser, "tensordot over {} axes of arrays of {} and {} axes.", axes, a.rank(), b.rank());
  std::vector<int> last(static_cast<std::size_t>(axes)), first(static_cast<std::size_t>(axes));
  std::iota(last.begin(), last.end(), a.rank() - axes);
  std::iota(first.begin(), first.end(), 0);
  return tensordot(a, b, last, first);
}

Array vecdot(const Array& a, const Array& b, int axis) {
  axis_from_end("vecdot", a, b, axis);
  const Array left = is_complex(a.dtype()) ? elementwise("conjugate", {a}) : a;
  const Array x = axis_last(left, a.rank() + axis), y = axis_last(b, b.rank() + axis);
  if (x.shape().back() != y.shape().back()) fail(ErrorKind::kUser, "vecdot: {} elements against {}.", x.shape().back(), y.shape().back());
  const int batches = std::max(a.rank(), b.rank()) - 1;
  Contraction c;
  c.batches = c.kept = batches;
  c.dtype = promote(a.dtype(), b.dtype());
  for (int k = 0; k < a.rank() - 1; ++k) c.a.push_back(batches - (a.rank() - 1) + k);
  for (int k = 0; k < b.rank() - 1; ++k) c.b.push_back(batches - (b.rank() - 1) + k);
  c.a.push_back(batches);
  c.b.push_back(batches);
  return contract(x, y, c);
}

Array outer(const Array& a, const Array& b) {
  if (a.rank() != 1 || b.rank() != 1)
    fail(ErrorKind::kUser, "outer: of two vectors, not of shapes {} and {}.", to_string(a.shape()), to_string(b.shape()));
  return elementwise("multiply", {expand_dims(a, 1), b});  // no sum: one that begins with 0 loses the sign of -0
}

Array matrix_transpose(const Array& a) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "matrix_transpose: an array of {} axes has no matrices.", a.rank());
  std::vector<int> order(static_cast<std::size_t>(a.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transpose(a, order);
}

Array diagonal(const Array& a, Index offset, int axis1, int axis2) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "diagonal: an array of {} axes has none.", a.rank());
  const int rows = normal_axis(axis1, a.rank()), columns = normal_axis(axis2, a.rank());
  if (rows == columns) fail(ErrorKind::kUser, "diagonal: axis {} is named twice.", rows);
  const Index first_row = std::max<Index>(0, -offset), first_column = std::max<Index>(0, offset);
  const Index length = std::max<Index>(0, std::min(a.shape()[rows] - first_row, a.shape()[columns] - first_column));
  Access access;
  Shape shape;
  for (int k = 0; k < a.rank(); ++k) {
    if (k == rows || k == columns) {
      access.push_back(AxisMap::point(a.rank() - 2, k == rows ? first_row : first_column));
    } else {
      access.push_back(AxisMap::point(shape.rank()));
      shape.push_back(a.shape()[k]);
    }
  }
  shape.push_back(length);
  return apply_op(std::make_shared<ViewOp>(a.spec(), shape, std::move(access)), {a});
}

Array trace(const Array& a, Index offset) { return sum(diagonal(a, offset), {-1}); }

Array cross(const Array& a, const Array& b, int axis) {
  axis_from_end("cross", a, b, axis);
  const Array x = axis_last(a, a.rank() + axis), y = axis_last(b, b.rank() + axis);
  if (x.shape().back() != 3 || y.shape().back() != 3)
    fail(ErrorKind::kUser, "cross: vectors of {} and {} elements; both must have 3.", x.shape().back(), y.shape().back());
  if (is_bool(promote(a.dtype(), b.dtype()))) fail(ErrorKind::kUser, "cross: of numbers, not of bool.");
  const std::vector<Array> u = unstack(x, -1), v = unstack(y, -1);
  std::vector<Array> components;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
    components.push_back(u[j] * v[k] - u[k] * v[j]);
  }
  return stack(components, axis);
}

namespace {

/// |x|^order, floating.
Array powers(const Array& magnitude, double order) {
  if (order == 1) return magnitude;
  return order == 2 ? elementwise("square", {magnitude}) : elementwise("power", {magnitude, order});
}

}  // namespace

Array vector_norm(const Array& a, const std::vector<int>& axes, double order, bool keep_dims) {
  const Array real = is_floating(a.dtype()) || is_complex(a.dtype()) ? a : astype(a, DType::kFloat64);
  const Array magnitude = elementwise("absolute", {real});
  const ReduceOptions options{.keep_dims = keep_dims};
  const std::vector<int> reduced = normal_axes(axes, a.rank());
  const bool of_nothing = std::any_of(reduced.begin(), reduced.end(), [&](int k) { return a.shape()[k] == 0; });
  if (order > 0 && std::isinf(order) && of_nothing) return sum(magnitude, axes, options);
  if (std::isinf(order)) return reduce(order > 0 ? "max" : "min", magnitude, axes, options);
  if (order == 0) return sum(astype(elementwise("not_equal", {magnitude, 0}), magnitude.dtype()), axes, options);
  const Array total = sum(powers(magnitude, order), axes, options);
  if (order == 1) return total;
  return order == 2 ? elementwise("sqrt", {total}) : elementwise("power", {total, 1 / order});
}

}  // namespace freestone
