#include "freestone/ops/index.h"

#include <algorithm>

#include "freestone/ops/index_gather.h"
#include "freestone/ops/reshape.h"

namespace freestone {
namespace {

void check_full(std::size_t values, const Shape& shape) {
  if (static_cast<Index>(values) != element_count(shape))
    fail(ErrorKind::kUser, "{} positions do not fill an index array of shape {}.", values, to_string(shape));
}

Index normal_position(Index position, Index n, int axis) {
  const Index at = position < 0 ? position + n : position;
  if (at < 0 || at >= n) fail(ErrorKind::kUser, "Position {} is outside axis {}, which has {} elements.", position, axis, n);
  return at;
}

/// The values of `from` broadcast to `shape`.
std::vector<Index> broadcast_values(const IndexArray& from, const Shape& shape) {
  if (from.shape == shape) return from.values;
  std::vector<Index> out(static_cast<std::size_t>(element_count(shape)));
  if (out.empty()) return out;
  auto* data = const_cast<Index*>(from.values.data());
  View view{reinterpret_cast<std::byte*>(data), DType::kInt64, shape, Dims(shape.rank(), 0)};
  const Dims strides = contiguous_strides(from.shape, sizeof(Index));
  for (int k = 0; k < from.shape.rank(); ++k)
    if (from.shape[k] != 1) view.strides[shape.rank() - from.shape.rank() + k] = strides[k];
  copy(view, View::contiguous(out.data(), DType::kInt64, shape));
  return out;
}

int axes_of(const IndexItem& item) {
  if (const auto* mask = std::get_if<MaskArray>(&item)) return mask->shape.rank();
  return std::holds_alternative<NewAxis>(item) || std::holds_alternative<Ellipsis>(item) ? 0 : 1;
}

bool is_integer_item(const IndexItem& item) {
  const auto* slice = std::get_if<Slice>(&item);
  return std::holds_alternative<Index>(item) || (slice != nullptr && slice->step == 0);
}

/// Items with the ellipsis written out, and what the items leave open taken whole.
std::vector<IndexItem> without_ellipsis(const std::vector<IndexItem>& items, int rank) {
  int named = 0, ellipses = 0;
  for (const IndexItem& item : items) named += axes_of(item), ellipses += std::holds_alternative<Ellipsis>(item);
  if (ellipses > 1) fail(ErrorKind::kUser, "An index with two ellipses.");
  if (named > rank) fail(ErrorKind::kUser, "{} indices for an array of {} axes.", named, rank);
  std::vector<IndexItem> out;
  const auto open = static_cast<std::size_t>(rank - named);
  for (const IndexItem& item : items) {
    if (!std::holds_alternative<Ellipsis>(item)) {
      out.push_back(item);
      continue;
    }
    out.insert(out.end(), open, Slice{});
    if (open == 0) out.push_back(item);  // it still stands between
  }
  if (ellipses == 0) out.insert(out.end(), open, Slice{});
  return out;
}

}  // namespace

IndexArray::IndexArray(std::vector<Index> values_, Shape shape_) : values(std::move(values_)), shape(shape_) {
  check_full(values.size(), shape);
}

IndexArray::IndexArray(std::vector<Index> values_) : values(std::move(values_)) { shape = {static_cast<Index>(values.size())}; }

MaskArray::MaskArray(std::vector<bool> values_, Shape shape_) : values(std::move(values_)), shape(shape_) {
  if (shape.rank() == 0) fail(ErrorKind::kUser, "A mask needs at least one axis.");
  check_full(values.size(), shape);
}

std::vector<IndexArray> MaskArray::positions() const {
  std::vector<std::vector<Index>> by_axis(shape.size());
  const Dims strides = contiguous_strides(shape, 1);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!values[i]) continue;
    auto rest = static_cast<Index>(i);
    for (int k = 0; k < shape.rank(); ++k) {
      by_axis[static_cast<std::size_t>(k)].push_back(rest / strides[k]);
      rest %= strides[k];
    }
  }
  return {by_axis.begin(), by_axis.end()};
}

Array index(const Array& a, const std::vector<IndexItem>& given) {
  const auto items = without_ellipsis(given, a.rank());
  const bool has_arrays = std::any_of(items.begin(), items.end(), [](const IndexItem& item) {
    return std::holds_alternative<IndexArray>(item) || std::holds_alternative<MaskArray>(item);
  });

  std::vector<Slice> slices;       // of every axis of `a`
  std::vector<Index> shape;        // after slicing, with new axes
  std::vector<int> axes;           // gathered ones, in that shape
  std::vector<IndexArray> arrays;  // one a gathered axis
  int runs = 0, axis = 0;          // runs of neighbouring index arrays
  int before = 0;                  // axes that stand before the first of them
  bool in_run = false;
  const auto gathered = [&](IndexArray positions) {
    const Index n = a.shape()[axis];
    for (Index& position : positions.values) position = normal_position(position, n, axis);
    axes.push_back(static_cast<int>(shape.size()));
    arrays.push_back(std::move(positions));
    slices.push_back({});
    shape.push_back(n);
    ++axis;
  };
  for (const IndexItem& item : items) {
    const bool integer = is_integer_item(item);
    const bool advanced = has_arrays && (integer || std::holds_alternative<IndexArray>(item) || std::holds_alternative<MaskArray>(item));
    if (advanced && !in_run && runs++ == 0) before = static_cast<int>(shape.size());
    in_run = advanced;
    if (integer) {
      const Index position = std::holds_alternative<Index>(item) ? std::get<Index>(item) : std::get<Slice>(item).start.value_or(0);
      if (has_arrays)
        gathered(IndexArray({position}, {}));
      else
        slices.push_back(Slice::at(normal_position(position, a.shape()[axis], axis))), ++axis;
    } else if (const auto* part = std::get_if<Slice>(&item)) {
      slices.push_back(*part);
      std::vector<Slice> alone(static_cast<std::size_t>(axis) + 1);
      alone.back() = *part;
      shape.push_back(slice(a, alone).shape()[axis++]);
    } else if (std::holds_alternative<NewAxis>(item)) {
      shape.push_back(1);
    } else if (const auto* positions = std::get_if<IndexArray>(&item)) {
      gathered(*positions);
    } else if (const auto* mask = std::get_if<MaskArray>(&item)) {
      for (int k = 0; k < mask->shape.rank(); ++k)
        if (mask->shape[k] != a.shape()[axis + k])
          fail(ErrorKind::kUser, "A mask of shape {} at axis {} of an array of shape {}.", to_string(mask->shape), axis,
               to_string(a.shape()));
      for (auto& of_axis : mask->positions()) gathered(std::move(of_axis));
    }
  }
  const Array part = reshape(slice(a, slices), shape);
  if (!has_arrays) return part;

  std::vector<Shape> shapes;
  for (const IndexArray& array : arrays) shapes.push_back(array.shape);
  const Shape common = broadcast_shape(shapes);
  std::vector<PositionsRef> positions;
  for (const IndexArray& array : arrays) positions.push_back(std::make_shared<Positions>(broadcast_values(array, common)));
  const int place = runs == 1 ? before : 0;
  if (common.rank() > 0) return gather(part, axes, std::move(positions), common, place);
  const Array one = gather(part, axes, std::move(positions), {1}, place);
  std::vector<Slice> drop(static_cast<std::size_t>(place) + 1);
  drop.back() = Slice::at(0);
  return slice(one, drop);
}

Array take(const Array& a, const IndexArray& positions, std::optional<int> axis, OutOfRange mode) {
  const Array from = axis ? a : ravel(a);
  const int on = axis ? normal_axis(*axis, a.rank()) : 0;
  const Index n = from.shape()[on];
  IndexArray inside = positions;
  if (n == 0 && !inside.values.empty()) fail(ErrorKind::kUser, "take from axis {}, which is empty.", on);
  for (Index& position : inside.values) {
    switch (mode) {
      case OutOfRange::kRaise: position = normal_position(position, n, on); break;
      case OutOfRange::kWrap: position = (position % n + n) % n; break;
      case OutOfRange::kClip: position = std::clamp<Index>(position, 0, n - 1); break;
    }
  }
  std::vector<IndexItem> items(static_cast<std::size_t>(on), Slice{});
  items.push_back(std::move(inside));
  return index(from, items);
}

Array compress(const std::vector<bool>& condition, const Array& a, std::optional<int> axis) {
  std::vector<Index> positions;
  for (std::size_t i = 0; i < condition.size(); ++i)
    if (condition[i]) positions.push_back(static_cast<Index>(i));
  return take(a, IndexArray(std::move(positions)), axis);
}

}  // namespace freestone
