#include "freestone/ops/shape_axes.h"

#include <algorithm>
#include <numeric>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

/// `axes` counted from the start, each once.
std::vector<int> distinct(const std::vector<int>& axes, int rank) {
  std::vector<int> out;
  for (const int axis : axes) {
    out.push_back(normal_axis(axis, rank));
    if (std::count(out.begin(), out.end(), out.back()) > 1) fail(ErrorKind::kUser, "Axis {} is named twice.", axis);
  }
  return out;
}

}  // namespace

Array permute_dims(const Array& a, const std::vector<int>& order) {
  if (static_cast<int>(order.size()) != a.rank()) fail(ErrorKind::kUser, "An order of {} axes for an array of {}.", order.size(), a.rank());
  return a.rank() == 0 ? a : transpose(a, order);
}

Array moveaxis(const Array& a, const std::vector<int>& sources, const std::vector<int>& destinations) {
  if (sources.size() != destinations.size()) fail(ErrorKind::kUser, "moveaxis: {} axes to {} places.", sources.size(), destinations.size());
  const auto from = distinct(sources, a.rank()), to = distinct(destinations, a.rank());
  std::vector<int> order(static_cast<std::size_t>(a.rank()), -1);
  for (std::size_t i = 0; i < from.size(); ++i) order[static_cast<std::size_t>(to[i])] = from[i];
  int next = 0;
  for (int& axis : order) {
    if (axis >= 0) continue;
    while (std::count(from.begin(), from.end(), next)) ++next;
    axis = next++;
  }
  return permute_dims(a, order);
}

Array swapaxes(const Array& a, int first, int second) {
  std::vector<int> order(static_cast<std::size_t>(a.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(normal_axis(first, a.rank()))], order[static_cast<std::size_t>(normal_axis(second, a.rank()))]);
  return permute_dims(a, order);
}

Array rollaxis(const Array& a, int axis, int start) {
  axis = normal_axis(axis, a.rank());
  if (start < 0) start += a.rank();
  if (start < 0 || start > a.rank()) fail(ErrorKind::kUser, "rollaxis: start {} for {} axes.", start, a.rank());
  return moveaxis(a, {axis}, {axis < start ? start - 1 : start});
}

Array expand_dims(const Array& a, const std::vector<int>& axes) {
  auto places = distinct(axes, a.rank() + static_cast<int>(axes.size()));
  std::sort(places.begin(), places.end());
  std::vector<Index> shape = a.shape().to_vector();
  for (const int place : places) shape.insert(shape.begin() + place, 1);
  return reshape(a, shape);
}

Array squeeze(const Array& a, const std::vector<int>& axes) {
  const auto named = distinct(axes, a.rank());
  std::vector<Slice> slices;
  for (int k = 0; k < a.rank(); ++k) {
    const bool drop = axes.empty() ? a.shape()[k] == 1 : std::count(named.begin(), named.end(), k) > 0;
    if (drop && a.shape()[k] != 1)
      fail(ErrorKind::kUser, "Axis {} has {} elements; only an axis of length 1 can be dropped.", k, a.shape()[k]);
    slices.push_back(drop ? Slice::at(0) : Slice{});
  }
  return slice(a, slices);
}

Array flip(const Array& a, const std::vector<int>& axes) {
  const auto named = distinct(axes, a.rank());
  std::vector<Slice> slices;
  for (int k = 0; k < a.rank(); ++k)
    slices.push_back(axes.empty() || std::count(named.begin(), named.end(), k) ? Slice{std::nullopt, std::nullopt, -1} : Slice{});
  return slice(a, slices);
}

Array rot90(const Array& a, int k, int first, int second) {
  const auto plane = distinct({first, second}, a.rank());
  switch ((k % 4 + 4) % 4) {
    case 1: return swapaxes(flip(a, {plane[1]}), plane[0], plane[1]);
    case 2: return flip(a, plane);
    case 3: return flip(swapaxes(a, plane[0], plane[1]), {plane[1]});
    default: return a;
  }
}

Array atleast_nd(const Array& a, int rank) {
  std::vector<Index> shape = a.shape().to_vector();
  while (static_cast<int>(shape.size()) < rank) shape.insert(shape.begin(), 1);
  return reshape(a, shape);
}

Array atleast_3d(const Array& a) {
  if (a.rank() == 1) return reshape(a, {1, a.shape()[0], 1});
  if (a.rank() == 2) return reshape(a, {a.shape()[0], a.shape()[1], 1});
  return atleast_nd(a, 3);
}

std::vector<Array> broadcast_arrays(const std::vector<Array>& arrays) {
  std::vector<Shape> shapes;
  for (const Array& a : arrays) shapes.push_back(a.shape());
  std::vector<Array> out;
  for (const Array& a : arrays) out.push_back(broadcast_to(a, broadcast_shape(shapes)));
  return out;
}

}  // namespace freestone
