#include "freestone/ops/reshape.h"

#include <nlohmann/json.hpp>

#include "freestone/kernels/gather.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

/// Axes of input and output between which the same number of elements lies; axes of length 1 belong to none.
struct Group {
  std::vector<int> in, out;
  bool stays() const { return in.size() == 1 && out.size() == 1; }
};

std::vector<int> long_axes(const Shape& shape) {
  std::vector<int> axes;
  for (int k = 0; k < shape.rank(); ++k)
    if (shape[k] != 1) axes.push_back(k);
  return axes;
}

/// For shapes with equally many elements, at least one.
std::vector<Group> groups(const Shape& in, const Shape& out) {
  const std::vector<int> from = long_axes(in), to = long_axes(out);
  std::vector<Group> found;
  std::size_t i = 0, o = 0;
  while (i < from.size() && o < to.size()) {
    Group group{{from[i]}, {to[o]}};
    Index a = in[from[i++]], b = out[to[o++]];
    while (a != b) {
      if (a < b)
        a *= in[from[i]], group.in.push_back(from[i++]);
      else
        b *= out[to[o]], group.out.push_back(to[o++]);
    }
    found.push_back(std::move(group));
  }
  return found;
}

Access access_of_groups(const Shape& in, const Shape& out) {
  Access access(static_cast<std::size_t>(in.rank()), AxisMap::fixed(0));
  if (element_count(in) == 0) return Access(static_cast<std::size_t>(in.rank()), AxisMap::gather());
  for (const Group& group : groups(in, out))
    for (const int k : group.in) access[static_cast<std::size_t>(k)] = group.stays() ? AxisMap::point(group.out[0]) : AxisMap::gather();
  return access;
}

}  // namespace

Box box_of_interval(const Shape& shape, Index first, Index last) {
  Box box(shape);
  Index below = element_count(shape);
  for (int k = 0; k < shape.rank(); ++k) {
    below /= shape[k];
    const Index a = first / below, b = last / below;
    box.start[k] = a;
    box.shape[k] = b - a + 1;
    if (a != b) break;  // what follows is whole
    first -= a * below, last -= a * below;
  }
  return box;
}

ReshapeOp::ReshapeOp(const Spec& input, Shape shape)
    : Op(shape, {{shape, input.dtype}}, {access_of_groups(input.shape, shape)}, {identity_access(shape.rank())}), in_(input.shape) {}

nlohmann::json ReshapeOp::params() const { return {{"shape", domain().to_vector()}}; }

Box ReshapeOp::input_box(int, const Box& box, const Shape& array) const {
  if (box.empty() || element_count(array) == 0) return {Dims(array.rank(), 0), Shape(array.rank(), 0)};
  Box out = map_box(input(0), box, array);
  for (const Group& group : groups(in_, domain())) {
    if (group.stays()) continue;
    Index first = 0, last = 0;
    for (const int k : group.out) {
      first = first * domain()[k] + box.start[k];
      last = last * domain()[k] + box.end(k) - 1;
    }
    Shape part;
    for (const int k : group.in) part.push_back(in_[k]);
    const Box interval = box_of_interval(part, first, last);
    for (std::size_t i = 0; i < group.in.size(); ++i) {
      out.start[group.in[i]] = interval.start[static_cast<int>(i)];
      out.shape[group.in[i]] = interval.shape[static_cast<int>(i)];
    }
  }
  return out;
}

Need ReshapeOp::need(const Box& box) const { return {0, 0.4 * static_cast<double>(box.count())}; }

void ReshapeOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  kernels::copy_in_c_order(in[0], in_, out[0].part(box), domain(), cancel);
}

Array reshape(const Array& a, const std::vector<Index>& shape) {
  Shape to;
  int open = -1;
  Index known = 1;
  for (const Index extent : shape) {
    if (extent == -1 && open < 0) {
      open = to.rank();
    } else if (extent < 0) {
      fail(ErrorKind::kUser, "reshape: an extent of {}; at most one may be -1, the others are 0 or more.", extent);
    } else if (__builtin_mul_overflow(known, extent, &known)) {
      fail(ErrorKind::kUser, "reshape of {} to a shape of more elements than can be counted.", to_string(a.shape()));
    }
    to.push_back(extent);
  }
  if (open >= 0) {
    if (known == 0 || a.size() % known != 0)
      fail(ErrorKind::kUser, "reshape: {} elements of shape {} do not divide into {}.", a.size(), to_string(a.shape()), to_string(to));
    to[open] = a.size() / known;
    known *= to[open];
  }
  if (known != a.size())
    fail(ErrorKind::kUser, "reshape: {} elements of shape {} do not fill {}.", a.size(), to_string(a.shape()), to_string(to));
  if (to == a.shape()) return a;
  if (a.size() > 0) {
    bool is_view = true;
    for (const Group& group : groups(a.shape(), to)) is_view = is_view && group.stays();
    if (is_view) return apply_op(std::make_shared<ViewOp>(a.spec(), to, access_of_groups(a.shape(), to)), {a});
  }
  return apply_op(std::make_shared<ReshapeOp>(a.spec(), to), {a});
}

Array ravel(const Array& a) { return reshape(a, {a.size()}); }

}  // namespace freestone
