#include "freestone/ops/splice.h"

#include <algorithm>

#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

Array stretch(const Array& a, int axis, Index start, Index stop) {
  std::vector<Slice> slices(static_cast<std::size_t>(axis) + 1);
  slices.back() = {start, stop};
  return slice(a, slices);
}

Index normal_position(Index at, Index extent, std::string_view what) {
  const Index position = at < 0 ? at + extent : at;
  if (position < 0 || position > extent) fail(ErrorKind::kUser, "{}: position {} of an axis of {}.", what, at, extent);
  return position;
}

}  // namespace

std::vector<Array> array_split(const Array& a, Index count, int axis) {
  axis = normal_axis(axis, a.rank());
  if (count < 1) fail(ErrorKind::kUser, "array_split: {} parts. Give 1 or more.", count);
  const Index each = a.shape()[axis] / count, longer = a.shape()[axis] % count;
  std::vector<Array> parts;
  for (Index i = 0, at = 0; i < count; ++i) {
    const Index length = each + (i < longer);
    parts.push_back(stretch(a, axis, at, at + length));
    at += length;
  }
  return parts;
}

std::vector<Array> split_at(const Array& a, const std::vector<Index>& positions, int axis) {
  axis = normal_axis(axis, a.rank());
  const Index extent = a.shape()[axis];
  std::vector<Array> parts;
  Index before = 0;
  for (const Index position : positions) {
    const Index at = std::clamp<Index>(position < 0 ? position + extent : position, 0, extent);
    parts.push_back(stretch(a, axis, before, std::max(before, at)));
    before = at;
  }
  parts.push_back(stretch(a, axis, before, extent));
  return parts;
}

Array remove(const Array& a, const std::vector<Index>& gone, int axis) {
  axis = normal_axis(axis, a.rank());
  const Index extent = a.shape()[axis];
  std::vector<Index> sorted;
  for (const Index at : gone) {
    sorted.push_back(normal_position(at, extent, "remove"));
    if (sorted.back() == extent) fail(ErrorKind::kUser, "remove: position {} of an axis of {}.", at, extent);
  }
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  std::vector<Array> parts;
  Index begin = 0;
  for (const Index at : sorted) {
    if (at > begin) parts.push_back(stretch(a, axis, begin, at));
    begin = at + 1;
  }
  if (begin < extent || parts.empty()) parts.push_back(stretch(a, axis, begin, std::max(begin, extent)));
  return parts.size() == 1 ? parts[0] : concat(parts, axis);
}

Array insert(const Array& a, Index at, const Array& values, int axis) {
  axis = normal_axis(axis, a.rank());
  const Index position = normal_position(at, a.shape()[axis], "insert");
  Shape shape = a.shape();
  const int lead = a.rank() - values.rank();
  if (lead > axis) {
    shape[axis] = 1;
  } else if (lead < 0) {
    fail(ErrorKind::kUser, "insert: values of shape {} into an array of shape {}.", to_string(values.shape()), to_string(a.shape()));
  } else {
    shape[axis] = values.shape()[axis - lead];
  }
  return concat(
      {stretch(a, axis, 0, position), astype(broadcast_to(values, shape), a.dtype()), stretch(a, axis, position, a.shape()[axis])}, axis);
}

Array select_first(const std::vector<Array>& conditions, const std::vector<Array>& choices, double otherwise) {
  if (conditions.empty() || conditions.size() != choices.size())
    fail(ErrorKind::kUser, "select_first: {} conditions and {} choices.", conditions.size(), choices.size());
  Array result = where(conditions.back(), choices.back(), otherwise);
  for (std::size_t i = conditions.size() - 1; i-- > 0;) result = where(conditions[i], choices[i], result);
  return result;
}

Array array_equal(const Array& a, const Array& b, bool equal_nan) {
  if (a.shape() != b.shape()) return full({}, false, DType::kBool);
  Array equal = elementwise("equal", {a, b});
  const auto has_nan = [](const Array& x) { return is_floating(x.dtype()) || is_complex(x.dtype()); };
  if (equal_nan && has_nan(a) && has_nan(b))
    equal = elementwise("logical_or", {equal, elementwise("logical_and", {elementwise("isnan", {a}), elementwise("isnan", {b})})});
  return all(equal);
}

Array allclose(const Array& a, const Array& b, double relative, double absolute, bool equal_nan) {
  return all(isclose(a, b, relative, absolute, equal_nan));
}

}  // namespace freestone
