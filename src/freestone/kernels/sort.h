/// Sorting along an axis: values, positions, the first k of either.
///
/// Columns are gathered a block at a time into scratch as integer keys and sorted there by radix: memory is read in whole cache lines. NaN
/// last, upwards and downwards; complex numbers as sort_keys.h says; the order of equal elements is that of their positions.
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

struct SortRule {
  bool descending = false;
  bool positions = false;  ///< positions along the axis (int64) instead of values
  Index keep = -1;         ///< only the first so many; -1: all
};

/// Scratch that sort_along needs for an axis of this length.
Index sort_scratch_bytes(Index length, DType dtype, const SortRule& rule);

/// `out`: the shape of `in` but for `axis`, which has the kept length; dtype of `in`, or int64 for positions. Any strides.
/// @throws Error kind cancelled; internal: a column of 2^32 elements or more
void sort_along(const View& in, int axis, const SortRule& rule, const View& out, Scratch& scratch, const Cancel& cancel);

/// Lines (m, n) of values and their positions (int64), sorted by value, equal values by position. Outputs: the shapes and dtypes of the
/// inputs.
void sort_pairs(const View& values, const View& positions, bool descending, const View& sorted_values, const View& sorted_positions,
                Scratch& scratch, const Cancel& cancel);
Index sort_pairs_scratch_bytes(Index length, DType dtype);

/// The most frequent value of every column, the smallest of several, and how often it occurs (int64). Integers and bool; `in` has at least
/// one element along `axis`. Both outputs: the shape of `in` with `axis` of length 1.
void mode_along(const View& in, int axis, const View& values, const View& counts, Scratch& scratch, const Cancel& cancel);

}  // namespace freestone::kernels
