#include "freestone/storage/runs.h"

#include "freestone/core/view.h"

namespace freestone {

Dims strides_of(const Shape& block, Index element_bytes, Index record_stride) {
  Dims strides = contiguous_strides(block, element_bytes);
  if (record_stride != 0 && !strides.empty()) strides[0] = record_stride;
  return strides;
}

Runs runs_of(const Box& part, const Shape& block, const Shape& target, Index element_bytes, bool may_span_gaps, Index record_stride) {
  Runs runs;
  int axis = part.rank();
  runs.row_bytes = element_bytes;
  Index stride = element_bytes;  // in the file, between neighbours along the axis just outside the row
  while (axis > 0) {
    const int k = axis - 1;
    if (k == 0 && record_stride != 0) {
      if (part.shape[0] > 1 && record_stride != runs.row_bytes) break;
      stride = record_stride;
    }
    runs.row_bytes *= part.shape[k];
    stride *= block[k];
    axis = k;
    if (part.shape[k] != block[k] || part.shape[k] != target[k]) break;
  }
  runs.first_row_axis = axis;
  runs.group_bytes = runs.row_bytes;
  runs.rows_in_group = 1;
  Index wanted = runs.row_bytes;
  while (axis > 0) {
    const int k = axis - 1;
    if (k == 0 && record_stride != 0) stride = record_stride;
    const Index gap = stride - runs.group_bytes;
    const bool pays = gap <= kFreeGap || (gap < kLargestGap && runs.group_bytes + gap <= 2 * wanted);
    if (part.shape[k] > 1 && !(may_span_gaps && pays)) break;
    runs.group_bytes += (part.shape[k] - 1) * stride;
    runs.rows_in_group *= part.shape[k];
    wanted *= part.shape[k];
    stride *= block[k];
    axis = k;
  }
  runs.first_group_axis = axis;
  runs.groups = 1;
  for (int k = 0; k < axis; ++k) runs.groups *= part.shape[k];
  return runs;
}

}  // namespace freestone
