/// The axis maps of operations that see one axis (or some) whole, and the others point by point.
#pragma once

#include <vector>

#include "freestone/array/op.h"

namespace freestone {

/// The domain of an operation that sees `axes` whole: the other axes.
Shape without_axes(const Shape& shape, const std::vector<int>& axes);
/// The access of an array on that shape, where the domain has `axes`, too: points of the other axes.
Access access_without_axes(int rank, const std::vector<int>& axes);
/// The access of an array on such a domain: `axes` whole, the others points.
Access whole_on_axes(int rank, const std::vector<int>& axes);
/// `shape` with `axis` of another length.
Shape with_extent(Shape shape, int axis, Index extent);
/// The elements of `from` with `axes` brought together last, in C order: two axes. Copies into scratch unless they lie so already.
View brought_together(const View& from, const std::vector<int>& axes, Scratch& scratch);
/// Scratch that `brought_together` takes for a part of this shape.
Index bytes_together(const Shape& part, DType dtype, const std::vector<int>& axes);

}  // namespace freestone
