#include "freestone/storage/block_writer.h"

#include <algorithm>

#include "freestone/storage/file.h"
#include "freestone/storage/gatherer.h"
#include "freestone/storage/runs.h"

namespace freestone {
namespace {

// Encoded bytes stay in the second cache until the system has copied them.
constexpr Index kPieceBytes = Index{512} << 10;

}  // namespace

BlockWriter::BlockWriter(ChunkGrid grid, Index offset, ElementTransform transform, Index record_stride)
    : grid_(std::move(grid)), offset_(offset), transform_(transform), record_stride_(record_stride) {
  ensure(record_stride_ == 0 || grid_.count() <= 1, "records that lie apart are one block");
  ensure(transform_.keeps_size() && !transform_.scales, "elements are written in their own size");
}

Index BlockWriter::block_offset(Index index) const {
  const Box block = grid_.box(index);
  const Shape& whole = grid_.shape();
  // Blocks before this one along axis k, with this block's extent on the axes before k and the whole array's behind.
  Index elements = 0;
  for (int k = 0; k < block.rank(); ++k) {
    Index before = block.start[k];
    for (int j = 0; j < block.rank(); ++j) {
      if (j < k) before *= block.shape[j];
      if (j > k) before *= whole[j];
    }
    elements += before;
  }
  return offset_ + elements * size_of(transform_.stored);
}

Index BlockWriter::scratch_bytes(const Box& box) const {
  return Scratch::rounded(std::min(kPieceBytes, box.count() * size_of(transform_.stored)));
}

void BlockWriter::write(int descriptor, const std::string& name, const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) const {
  ensure(data.shape == box.shape && data.dtype == transform_.dtype, "write: the view does not fit the box");
  if (box.empty()) return;
  const int rank = box.rank();
  const Index mark = scratch.used();
  const Index bytes = scratch_bytes(box);
  const std::span<std::byte> piece(scratch.take(bytes), static_cast<std::size_t>(bytes));
  Dims first(rank), last(rank);
  for (int k = 0; k < rank; ++k) {
    first[k] = box.start[k] / grid_.chunk()[k];
    last[k] = (box.end(k) - 1) / grid_.chunk()[k];
  }
  for (Dims at = first;;) {
    const Index number = grid_.index_of(at);
    const Box block = grid_.box(number);
    const Box part = intersection(box, block);
    write_part(descriptor, name, block_offset(number), relative_to(part, block), block.shape, data.part(relative_to(part, box)), piece, cancel);
    int k = rank - 1;
    while (k >= 0 && ++at[k] > last[k]) {
      at[k] = first[k];
      --k;
    }
    if (k < 0) break;
  }
  scratch.release_to(mark);
}

/// Writes `part` of a block that begins at `offset`, run by run.
void BlockWriter::write_part(int descriptor, const std::string& name, Index offset, const Box& part, const Shape& block, const View& data,
                             std::span<std::byte> piece, const Cancel& cancel) const {
  const Index width = size_of(transform_.stored);
  const Runs runs = runs_of(part, block, block, width, false, record_stride_);
  const Dims in_file = strides_of(block, width, record_stride_);
  for (int k = 0; k < part.rank(); ++k) offset += part.start[k] * in_file[k];
  const Index piece_elements = static_cast<Index>(piece.size()) / width, run_elements = runs.row_bytes / width;

  View run = data;
  run.shape = Shape(part.shape.begin() + runs.first_row_axis, part.shape.end());
  run.strides = Dims(data.strides.begin() + runs.first_row_axis, data.strides.end());
  const bool as_it_is = transform_.is_identity() && run.is_contiguous();
  Dims at(runs.first_row_axis);
  while (true) {
    cancel.check();
    if (as_it_is) {
      for (Index done = 0; done < runs.row_bytes; done += kLargestRequest) {
        const Index n = std::min(kLargestRequest, runs.row_bytes - done);
        write_exactly(descriptor, name, offset + done, {run.data + done, static_cast<std::size_t>(n)});
      }
    } else {
      Gatherer gatherer(run, transform_);
      for (Index done = 0; done < run_elements; done += piece_elements) {
        const Index n = std::min(piece_elements, run_elements - done);
        gatherer.next(piece.data(), n);
        write_exactly(descriptor, name, offset + done * width, {piece.data(), static_cast<std::size_t>(n * width)});
      }
    }
    int k = runs.first_row_axis - 1;
    for (; k >= 0; --k) {
      offset += in_file[k];
      run.data += data.strides[k];
      if (++at[k] < part.shape[k]) break;
      offset -= in_file[k] * part.shape[k];
      run.data -= data.strides[k] * part.shape[k];
      at[k] = 0;
    }
    if (k < 0) return;
  }
}

}  // namespace freestone
