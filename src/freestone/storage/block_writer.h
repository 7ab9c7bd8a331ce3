/// BlockWriter: writes boxes of an array into a file that holds it as C-order blocks, one after another.
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/source.h"
#include "freestone/storage/element_transform.h"

namespace freestone {

class BlockWriter {
 public:
  /// Blocks follow each other in C order of the grid from `offset` on; those at the edge hold what is inside the array.
  /// @param record_stride see Manifest::record_stride; of a grid of one block
  BlockWriter(ChunkGrid grid, Index offset, ElementTransform transform, Index record_stride = 0);

  const ChunkGrid& grid() const { return grid_; }
  /// Where block `index` begins in the file.
  Index block_offset(Index index) const;
  Index scratch_bytes(const Box& box) const;
  /// Encodes `box` piece by piece and writes each run. Thread-safe.
  /// @throws Error kind io naming `name`; cancelled
  void write(int descriptor, const std::string& name, const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) const;

 private:
  void write_part(int descriptor, const std::string& name, Index offset, const Box& part, const Shape& block, const View& data,
                  std::span<std::byte> piece, const Cancel& cancel) const;
  ChunkGrid grid_;
  Index offset_;
  ElementTransform transform_;
  Index record_stride_;
};

}  // namespace freestone
