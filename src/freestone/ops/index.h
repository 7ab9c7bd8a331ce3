/// Indexing by NumPy's rules: slices, integers, new axes, ellipsis, index arrays and masks held in memory.
///
/// Slices, integers and new axes are views. Index arrays on one or several axes become one gather, whose positions belong to the graph;
/// masks in memory become index arrays. Masks that are computed need a pass that counts first: exec/boolean_index.h.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone {

/// Positions on an axis, in C order of `shape`; negative ones count from the end.
struct IndexArray {
  /// @throws Error kind user: values that do not fill the shape
  IndexArray(std::vector<Index> values, Shape shape);
  IndexArray(std::vector<Index> values);  // NOLINT: one axis
  std::vector<Index> values;
  Shape shape;
};

/// Where to take elements, in C order of `shape`, which is that of as many axes of the array.
struct MaskArray {
  /// @throws Error kind user: values that do not fill the shape
  MaskArray(std::vector<bool> values, Shape shape);
  std::vector<bool> values;
  Shape shape;
  /// Positions of what is true, axis by axis.
  std::vector<IndexArray> positions() const;
};

struct NewAxis {};
struct Ellipsis {};
using IndexItem = std::variant<Slice, Index, NewAxis, Ellipsis, IndexArray, MaskArray>;

/// `a[items...]`, by NumPy's rules: index arrays (and integers beside them) broadcast; their axes stand where they stood when they are
/// neighbours, in front otherwise.
/// @throws Error kind user: too many indices, two ellipses, a position outside its axis, masks and index arrays that do not fit
Array index(const Array& a, const std::vector<IndexItem>& items);

enum class OutOfRange { kRaise, kWrap, kClip };

/// Positions along `axis`; without an axis of the flat array. Negative positions count from the end (not with kClip, which takes the edge).
/// @throws Error kind user: a position outside, axis out of range
Array take(const Array& a, const IndexArray& positions, std::optional<int> axis, OutOfRange mode = OutOfRange::kRaise);
/// What stands along `axis` where `condition` is true; a short condition leaves the rest out.
Array compress(const std::vector<bool>& condition, const Array& a, std::optional<int> axis);

/// out[..., j, ...] = a[..., indices[..., j, ...], ...] along `axis`; `indices` is an array of integers with the rank of `a`, whose other
/// axes broadcast with those of `a`.
/// @throws Error kind user: ranks or shapes that do not fit, indices that are not integers; while it runs, kind data: outside the axis
Array take_along_axis(const Array& a, const Array& indices, int axis);

/// `a` with the region a[slices...] replaced by `value`, which broadcasts to it and is converted to the dtype of `a`.
/// @throws Error kind user: as `slice`; a value that does not broadcast
Array put_slice(const Array& a, const std::vector<Slice>& slices, const Array& value);
Array put_slice(const Array& a, const std::vector<Slice>& slices, double value);

}  // namespace freestone
