/// Products of matrices and vectors, as the array API has them. Results have the promoted dtype; integers wrap, bool is "any of both".
/// Sums run in the dtype in a fixed order (kernels/matmul.h), so that a float32 product is as accurate as a blocked float32 sum is.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// (..., m, k) times (..., k, n) is (..., m, n); the leading axes broadcast. A vector on the left is a row, on the right a column, and that
/// axis is not in the result.
/// @throws Error kind user: a rank of 0, extents that do not go together
Array matmul(const Array& a, const Array& b);

/// The sum over `axes` (pairs: an axis of a, an axis of b); the result has the other axes of a, then those of b.
/// @throws Error kind user: axes out of range, named twice or of different extents
Array tensordot(const Array& a, const Array& b, const std::vector<int>& a_axes, const std::vector<int>& b_axes);
/// Over the last `axes` axes of a and the first of b.
Array tensordot(const Array& a, const Array& b, int axes = 2);

/// The sum of conj(a) * b along one axis, the others broadcast. `axis` counts from the end: -1 and down.
/// @throws Error kind user: axis >= 0 or out of range, extents that differ
Array vecdot(const Array& a, const Array& b, int axis = -1);

/// Every element of one vector times every element of the other.
/// @throws Error kind user: not two vectors
Array outer(const Array& a, const Array& b);

/// The last two axes exchanged: a view.
Array matrix_transpose(const Array& a);

/// The elements whose positions on the last two axes differ by `offset` (column - row): a view, the diagonal is the last axis.
/// @throws Error kind user: fewer than two axes
Array diagonal(const Array& a, Index offset = 0, int axis1 = -2, int axis2 = -1);

/// The sum of the diagonal of the last two axes.
Array trace(const Array& a, Index offset = 0);

/// The cross product of vectors of three elements along `axis`, the others broadcast.
/// @throws Error kind user: not three elements
Array cross(const Array& a, const Array& b, int axis = -1);

/// (sum of |x|^order)^(1/order) over `axes` (none: all); infinity: the largest |x|, -infinity: the smallest, 0: how many are not 0.
/// Floating dtypes stay, complex ones give their part's, others float64.
/// @throws Error kind user: axes out of range or named twice; -infinity over no elements
Array vector_norm(const Array& a, const std::vector<int>& axes = {}, double order = 2, bool keep_dims = false);

}  // namespace freestone
