/// Slices, transposes, flips, new axes and broadcasts: other ways to look at the same memory. No element is copied.
#pragma once

#include <optional>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// One axis of a slice, in Python's terms: negative positions count from the end, a missing bound is open.
struct Slice {
  std::optional<Index> start, stop;
  Index step = 1;
  /// Only this position; the axis goes.
  static Slice at(Index position) { return {position, std::nullopt, 0}; }
};

/// `a[slices...]`; axes not mentioned are taken whole.
/// @throws Error kind user: more slices than axes, step 0, a single position out of range
Array slice(const Array& a, const std::vector<Slice>& slices);

/// Axis k of the result is axis `order[k]` of `a`; no order: reversed.
Array transpose(const Array& a, std::vector<int> order = {});

/// A new axis of length 1 before `axis` (of the result).
Array expand_dims(const Array& a, int axis);
/// Drops an axis of length 1.
Array squeeze(const Array& a, int axis);
/// Axes of length 1, and missing leading axes, repeated.
Array broadcast_to(const Array& a, const Shape& shape);
/// Reversed along `axis`.
Array flip(const Array& a, int axis);

/// An output that is a view: for each input axis a point of an output axis (offset, stride) or a fixed position.
class ViewOp : public Op {
 public:
  ViewOp(const Spec& input, Shape shape, Access access);
  std::string_view name() const override { return "view"; }
  nlohmann::json params() const override;
  Need need(const Box&) const override { return {}; }
  bool is_view() const override { return true; }
  Tile view(const Tile& in, const Box& out_box) const override;
  ChunkGrid chunks(int output, std::span<const ChunkGrid> inputs) const override;
};

nlohmann::json json_of(const Access& access);
Access access_of(const nlohmann::json& json);

}  // namespace freestone
