/// Arrays taken apart and put together: parts, insertions, removals, choices among several, comparisons of whole arrays.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// Cut along `axis` into `count` parts, the first ones longer by one where it does not come out even (numpy.array_split).
/// @throws Error kind user: count < 1, axis out of range
std::vector<Array> array_split(const Array& a, Index count, int axis = 0);
/// Cut before each of `positions` (numpy.split with indices).
std::vector<Array> split_at(const Array& a, const std::vector<Index>& positions, int axis = 0);

/// Without the positions `gone` of `axis`; negative ones count from the end (numpy.delete).
/// @throws Error kind user: a position outside
Array remove(const Array& a, const std::vector<Index>& gone, int axis);
/// `values`, broadcast but for `axis`, before position `at` of `axis` (numpy.insert).
/// @throws Error kind user: a position outside, shapes that do not fit
Array insert(const Array& a, Index at, const Array& values, int axis);

/// Element by element the choice of the first condition that holds, `otherwise` where none does (numpy.select).
/// @throws Error kind user: no conditions, numbers of conditions and choices that differ
Array select_first(const std::vector<Array>& conditions, const std::vector<Array>& choices, double otherwise = 0);

/// Rank 0, bool: whether shapes and all elements are equal; NaN is equal to NaN with `equal_nan`.
Array array_equal(const Array& a, const Array& b, bool equal_nan = false);
/// Rank 0, bool: whether all elements are close, as `isclose` has it.
Array allclose(const Array& a, const Array& b, double relative = 1e-5, double absolute = 1e-8, bool equal_nan = false);

}  // namespace freestone
