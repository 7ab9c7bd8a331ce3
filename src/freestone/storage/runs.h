/// Runs: how a box inside a C-order block lies in its file, told by arithmetic.
#pragma once

#include "freestone/core/box.h"

namespace freestone {

/// Pieces of a file that lie next to each other are one request. Gaps of up to a page are read over, larger ones when at
/// least half of what is read is wanted.
inline constexpr Index kLargestRequest = Index{8} << 20;
inline constexpr Index kLargestGap = Index{128} << 10;
inline constexpr Index kFreeGap = Index{4} << 10;

/// A box of a block as equal groups of rows. A row is contiguous in the file and in the C-order memory of the whole
/// request; a group is what one request spans, gaps read over included.
struct Runs {
  Index row_bytes = 0;     ///< contiguous in file and memory
  int first_row_axis = 0;  ///< axes from here on lie within one row
  int first_group_axis = 0;  ///< axes [first_group_axis, first_row_axis) are rows of a group; those before count groups
  Index group_bytes = 0;   ///< span of one group in the file
  Index groups = 0;
  Index rows_in_group = 0;
};

/// @param part    what is wanted, in coordinates of the block; not empty
/// @param block   shape of the block, stored in C order
/// @param target  shape of the C-order memory that `part` is a box of
/// @param may_span_gaps  false for writing
/// @param record_stride  bytes in the file between neighbours along axis 0, when something else lies between them; 0: nothing does
Runs runs_of(const Box& part, const Shape& block, const Shape& target, Index element_bytes, bool may_span_gaps, Index record_stride = 0);
/// Strides in the file of such a block.
Dims strides_of(const Shape& block, Index element_bytes, Index record_stride);

}  // namespace freestone
