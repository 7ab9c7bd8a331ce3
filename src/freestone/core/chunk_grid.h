/// ChunkGrid: how an array is cut into chunks, axis by axis.
#pragma once

#include <vector>

#include "freestone/core/box.h"

namespace freestone {

/// Nominal chunks of an array: on each axis a regular step. A step equal to the extent means that the axis is not cut;
/// `contiguous()` grids have no chunks at all (a plain file), so that any tile is as good as another but for its runs.
class ChunkGrid {
 public:
  ChunkGrid() = default;
  /// @throws Error kind internal: a step below 1, or ranks that differ
  ChunkGrid(Shape shape, Shape chunk);
  /// One piece, in C order.
  static ChunkGrid contiguous(Shape shape);

  const Shape& shape() const { return shape_; }
  const Shape& chunk() const { return chunk_; }
  bool is_contiguous() const { return contiguous_; }

  /// Chunks along an axis, and in all.
  Index count(int axis) const { return (shape_[axis] + chunk_[axis] - 1) / chunk_[axis]; }
  Index count() const;
  /// The chunk with C-order number `index`, cut at the array's edge.
  Box box(Index index) const;
  /// The C-order number of the chunk at grid position `position`.
  Index index_of(const Dims& position) const;

  friend bool operator==(const ChunkGrid&, const ChunkGrid&) = default;

 private:
  Shape shape_, chunk_;
  bool contiguous_ = false;
};

}  // namespace freestone
