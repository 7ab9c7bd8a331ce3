/// Columns: the lines along one axis of some views, walked so that neighbours come together.
///
/// The last axis that is not `axis` counts columns (with the axes before it where they lie as one in all views); the others are walked in C
/// order. The views agree in every extent but that of `axis`.
#pragma once

#include <cstring>
#include <vector>

#include "freestone/core/view.h"

namespace freestone::kernels {

template <int N>
class Columns {
 public:
  Columns(const View* const (&views)[N], int axis) {
    const View& first = *views[0];
    for (int v = 0; v < N; ++v) data_[v] = views[v]->data, axis_stride_[v] = views[v]->strides[axis];
    for (int k = 0; k < first.rank(); ++k) {
      if (k == axis) continue;
      outer_.push_back(first.shape[k]);
      for (int v = 0; v < N; ++v) strides_[v].push_back(views[v]->strides[k]);
    }
    for (int v = 0; v < N; ++v) column_stride_[v] = size_of(views[v]->dtype);
    if (outer_.empty()) return;
    columns_ = outer_.back();
    for (int v = 0; v < N; ++v) column_stride_[v] = strides_[v].back();
    drop_last();
    while (!outer_.empty() && adjoins()) columns_ *= outer_.back(), drop_last();
  }

  /// Columns that lie evenly, one call of for_each_outer.
  Index columns() const { return columns_; }
  /// Bytes between neighbouring columns of view v, and between neighbours in a column.
  Index column_stride(int v) const { return column_stride_[v]; }
  Index axis_stride(int v) const { return axis_stride_[v]; }

  /// Calls f(data, first): where column number `first` (in C order) starts in each view.
  template <class F>
  void for_each_outer(F&& f) const {
    Dims at(outer_.rank());
    std::byte* data[N];
    for (int v = 0; v < N; ++v) data[v] = data_[v];
    for (Index i = 0, n = columns_ == 0 ? 0 : element_count(outer_); i < n; ++i) {
      f(data, i * columns_);
      for (int k = outer_.rank() - 1; k >= 0; --k) {
        for (int v = 0; v < N; ++v) data[v] += strides_[v][k];
        if (++at[k] < outer_[k]) break;
        for (int v = 0; v < N; ++v) data[v] -= strides_[v][k] * outer_[k];
        at[k] = 0;
      }
    }
  }

 private:
  bool adjoins() const {
    for (int v = 0; v < N; ++v)
      if (strides_[v].back() != column_stride_[v] * columns_) return false;
    return true;
  }
  void drop_last() {
    outer_.erase(outer_.rank() - 1);
    for (int v = 0; v < N; ++v) strides_[v].erase(strides_[v].rank() - 1);
  }

  std::byte* data_[N];
  Shape outer_;
  Dims strides_[N];
  Index columns_ = 1, column_stride_[N], axis_stride_[N];
};

}  // namespace freestone::kernels
