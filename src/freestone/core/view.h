/// View: memory seen as an array. Owns nothing.
#pragma once

#include <cstddef>

#include "freestone/core/box.h"
#include "freestone/core/dtype.h"

namespace freestone {

/// `strides` are in bytes and may be zero (broadcast) or negative.
struct View {
  std::byte* data = nullptr;
  DType dtype = DType::kFloat64;
  Shape shape;
  Dims strides;

  /// A view on C-order memory.
  static View contiguous(void* data, DType dtype, const Shape& shape);

  int rank() const { return shape.rank(); }
  Index count() const { return element_count(shape); }
  Index bytes() const { return count() * size_of(dtype); }
  bool is_contiguous() const;
  /// The part `box`, in coordinates of this view.
  View part(const Box& box) const;
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
};

/// A view and the region of an array that it holds.
struct Tile {
  View view;
  Box box;
  /// The part of the tile that holds `region`, which lies inside `box`.
  Tile part(const Box& region) const { return {view.part(relative_to(region, box)), region}; }
};

/// Calls `row(data, ...)` for each innermost row of views of one shape: pointers are advanced by each view's strides.
/// Rank 0 is one row of one element.
template <class F, std::size_t N>
void for_each_row(const Shape& shape, const View* const (&views)[N], F&& row) {
  const int outer = std::max(0, shape.rank() - 1);
  if (element_count(shape) == 0) return;
  Dims at(outer);
  std::byte* data[N];
  for (std::size_t v = 0; v < N; ++v) data[v] = views[v]->data;
  while (true) {
    row(data);
    int k = outer - 1;
    for (; k >= 0; --k) {
      for (std::size_t v = 0; v < N; ++v) data[v] += views[v]->strides[k];
      if (++at[k] < shape[k]) break;
      for (std::size_t v = 0; v < N; ++v) data[v] -= views[v]->strides[k] * shape[k];
      at[k] = 0;
    }
    if (k < 0) return;
  }
}

/// Copies `from` into `to`: shapes and dtypes equal, any strides, no overlap.
void copy(const View& from, const View& to);

/// Strides in bytes of C-order memory.
Dims contiguous_strides(const Shape& shape, Index element_bytes);

}  // namespace freestone
