#include "freestone/core/chunk_grid.h"

namespace freestone {

ChunkGrid::ChunkGrid(Shape shape, Shape chunk) : shape_(shape), chunk_(chunk) {
  ensure(shape.rank() == chunk.rank(), "chunk grid: ranks differ");
  for (const Index step : chunk) ensure(step >= 1, "chunk grid: a step below 1");
}

ChunkGrid ChunkGrid::contiguous(Shape shape) {
  Shape chunk = shape;
  for (Index& step : chunk) step = std::max<Index>(step, 1);
  ChunkGrid grid(shape, chunk);
  grid.contiguous_ = true;
  return grid;
}

Index ChunkGrid::count() const {
  Index total = 1;
  for (int k = 0; k < shape_.rank(); ++k) total *= count(k);
  return total;
}

Box ChunkGrid::box(Index index) const {
  Box out(shape_);
  for (int k = shape_.rank() - 1; k >= 0; --k) {
    const Index n = std::max<Index>(count(k), 1);
    out.start[k] = index % n * chunk_[k];
    out.shape[k] = std::min(chunk_[k], shape_[k] - out.start[k]);
    index /= n;
  }
  return out;
}

Index ChunkGrid::index_of(const Dims& position) const {
  Index index = 0;
  for (int k = 0; k < shape_.rank(); ++k) index = index * count(k) + position[k];
  return index;
}

}  // namespace freestone
