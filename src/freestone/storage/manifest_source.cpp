#include "freestone/storage/manifest_source.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "freestone/storage/read_batch.h"
#include "freestone/storage/runs.h"

namespace freestone {
namespace {

// Pieces of one request: the system takes 1024; a row and the gap before it are two.
constexpr std::size_t kPiecesInRequest = 1020;

/// Where the bytes of gaps land. Nobody reads them.
std::byte* discarded_bytes() {
  thread_local const std::unique_ptr<std::byte[]> memory(new std::byte[kLargestGap]);
  return memory.get();
}

Index ceil_div(Index a, Index b) { return (a + b - 1) / b; }

/// The chunks along one axis that a range meets, by what their reading costs.
struct Meeting {
  Index part, block, count;
};

std::vector<Meeting> meetings(Index start, Index length, Index extent, Index step, bool edges_cut) {
  std::vector<Meeting> out;
  const auto add = [&](Index chunk, Index count) {
    const Index from = std::max(start, chunk * step), to = std::min(start + length, (chunk + 1) * step);
    out.push_back({to - from, edges_cut ? std::min(step, extent - chunk * step) : step, count});
  };
  const Index first = start / step, last = (start + length - 1) / step;
  add(first, 1);
  if (last - first >= 2) add(first + 1, last - first - 1);
  if (last > first) add(last, 1);
  return out;
}

/// From the first byte of a block to behind its last.
Index bytes_of_block(const Shape& block, Index element_bytes, Index record_stride) {
  const Index bytes = element_count(block) * element_bytes;
  if (record_stride == 0 || bytes == 0) return bytes;
  return (block[0] - 1) * record_stride + bytes / block[0];
}

}  // namespace

Manifest contiguous_manifest(std::shared_ptr<const File> file, Index offset, const Shape& shape, const ElementTransform& transform,
                             std::string reference) {
  Manifest manifest;
  manifest.files.push_back(std::move(file));
  manifest.grid = ChunkGrid::contiguous(shape);
  if (manifest.grid.count() > 0) manifest.chunks.push_back({0, offset, element_count(shape) * size_of(transform.stored)});
  manifest.transform = transform;
  manifest.reference = std::move(reference);
  return manifest;
}

Manifest record_manifest(std::shared_ptr<const File> file, Index offset, const Shape& shape, Index record_stride, const ElementTransform& transform,
                         std::string reference) {
  ensure(shape.rank() > 0, "records of an array without axes");
  Manifest manifest = contiguous_manifest(std::move(file), offset, shape, transform, std::move(reference));
  manifest.record_stride = record_stride;
  for (ChunkRef& chunk : manifest.chunks) chunk.bytes = bytes_of_block(shape, size_of(transform.stored), record_stride);
  return manifest;
}

ManifestSource::ManifestSource(Manifest manifest) : manifest_(std::move(manifest)) {
  const Manifest& m = manifest_;
  m.transform.check();
  ensure(!m.files.empty(), "a manifest without files");
  const std::string& name = m.files.front()->name();
  spec_ = {m.grid.shape(), m.transform.dtype};
  element_bytes_ = size_of(m.transform.stored);
  ensure(m.fill.empty() || static_cast<Index>(m.fill.size()) == element_bytes_, "a fill of another size than an element");
  if (static_cast<Index>(m.chunks.size()) != m.grid.count()) {
    fail(ErrorKind::kData, "{}: {} chunks are listed where the array has {}.", name, m.chunks.size(), m.grid.count());
  }
  for (std::size_t i = 0; i < m.chunks.size(); ++i) {
    const ChunkRef& chunk = m.chunks[i];
    if (chunk.file == ChunkRef::kAbsent) continue;
    ensure(chunk.file >= 0 && static_cast<std::size_t>(chunk.file) < m.files.size(), "a chunk of a file that the manifest does not list");
    const File& file = *m.files[static_cast<std::size_t>(chunk.file)];
    const Shape shape = m.edge_chunks_are_cut ? m.grid.box(static_cast<Index>(i)).shape : m.grid.chunk();
    const Index bytes = bytes_of_block(shape, element_bytes_, m.record_stride);
    if (chunk.bytes != bytes || chunk.offset < 0 || chunk.offset > file.size() || bytes > file.size() - chunk.offset) {
      fail(ErrorKind::kData, "{}: chunk {} has {} bytes at offset {} where {} are needed and the file has {}.", file.name(), i, chunk.bytes,
           chunk.offset, bytes, file.size());
    }
  }
}

Identity ManifestSource::identity() const { return manifest_.files.front()->identity(); }

ReadCost ManifestSource::cost(const Box& box) const {
  ReadCost cost;
  if (box.empty()) return cost;
  const int rank = box.rank();
  std::vector<Meeting> kinds[kMaxRank];
  for (int k = 0; k < rank; ++k) {
    kinds[k] = meetings(box.start[k], box.shape[k], spec_.shape[k], manifest_.grid.chunk()[k], manifest_.edge_chunks_are_cut);
  }
  Dims at(rank);
  while (true) {
    Box part(box.shape);
    Shape block(rank);
    Index times = 1;
    for (int k = 0; k < rank; ++k) {
      const Meeting& meeting = kinds[k][static_cast<std::size_t>(at[k])];
      part.shape[k] = meeting.part;
      block[k] = meeting.block;
      times *= meeting.count;
    }
    const Runs runs = runs_of(part, block, box.shape, element_bytes_, true, manifest_.record_stride);
    const Index by_pieces = ceil_div(runs.rows_in_group, static_cast<Index>(kPiecesInRequest) / 2);
    cost.bytes += times * runs.groups * runs.group_bytes;
    cost.requests += times * runs.groups * std::max(by_pieces, ceil_div(runs.group_bytes, kLargestRequest));
    int k = rank - 1;
    while (k >= 0 && ++at[k] == static_cast<Index>(kinds[k].size())) at[k--] = 0;
    if (k < 0) return cost;
  }
}

void ManifestSource::fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const {
  ensure(static_cast<Index>(encoded.size()) >= encoded_bytes(box), "fetch: too little memory for the box");
  const ChunkGrid& grid = manifest_.grid;
  const int rank = box.rank();
  for (const auto& file : manifest_.files) file->check_unchanged();

  Dims first(rank), last(rank);
  for (int k = 0; k < rank; ++k) {
    first[k] = box.start[k] / grid.chunk()[k];
    last[k] = (box.end(k) - 1) / grid.chunk()[k];
  }
  const Dims strides = contiguous_strides(box.shape, element_bytes_);
  ReadBatch batch(cancel);
  for (Dims at = first;;) {
    cancel.check();
    const Index number = grid.index_of(at);
    const ChunkRef& chunk = manifest_.chunks[static_cast<std::size_t>(number)];
    const Box inside = grid.box(number);
    const Box part = intersection(box, inside);
    const Box target(relative_to(part, box).start, box.shape);
    if (chunk.file == ChunkRef::kAbsent) {
      std::byte* memory = encoded.data();
      for (int k = 0; k < rank; ++k) memory += target.start[k] * strides[k];
      const View view{memory, DType::kUint8, part.shape, strides};
      const Index row = rank == 0 ? 1 : part.shape.back();
      for_each_row(part.shape, {&view}, [&](std::byte** data) {
        if (manifest_.fill.empty()) {
          std::memset(data[0], 0, static_cast<std::size_t>(row * element_bytes_));
        } else {
          for (Index i = 0; i < row; ++i) std::memcpy(data[0] + i * element_bytes_, manifest_.fill.data(), manifest_.fill.size());
        }
      });
    } else {
      const Shape& block = manifest_.edge_chunks_are_cut ? inside.shape : grid.chunk();
      fetch_part(*manifest_.files[static_cast<std::size_t>(chunk.file)], chunk.offset, relative_to(part, inside), block, target, encoded.data(), batch,
                 cancel);
    }
    int k = rank - 1;
    while (k >= 0 && ++at[k] > last[k]) {
      at[k] = first[k];
      --k;
    }
    if (k < 0) break;
  }
  batch.finish();
}

/// Reads `part` of a block that begins at `offset` into the C-order memory of `target.shape`, at `target.start`.
void ManifestSource::fetch_part(const File& file, Index offset, const Box& part, const Shape& block, const Box& target, std::byte* memory,
                                ReadBatch& batch, const Cancel& cancel) const {
  const Runs runs = runs_of(part, block, target.shape, element_bytes_, true, manifest_.record_stride);
  const Dims in_file = strides_of(block, element_bytes_, manifest_.record_stride), in_memory = contiguous_strides(target.shape, element_bytes_);
  for (int k = 0; k < part.rank(); ++k) {
    offset += part.start[k] * in_file[k];
    memory += target.start[k] * in_memory[k];
  }

  if (runs.rows_in_group == 1 && runs.groups == 1) {
    for (Index done = 0; done < runs.row_bytes; done += kLargestRequest) {
      cancel.check();
      const Index n = std::min(kLargestRequest, runs.row_bytes - done);
      batch.add(file, offset + done, std::span(memory + done, static_cast<std::size_t>(n)));
    }
    return;
  }

  std::vector<iovec> pieces;
  pieces.reserve(std::min<std::size_t>(kPiecesInRequest + 2, static_cast<std::size_t>(2 * runs.rows_in_group)));
  Index begin = offset, end = offset;  // of the request being put together
  const auto flush = [&] {
    if (pieces.empty()) return;
    cancel.check();
    batch.add(file, begin, pieces);
    pieces.clear();
  };
  Dims at(runs.first_row_axis);
  for (Index row = 0;; ++row) {
    if (row % runs.rows_in_group == 0 || pieces.size() >= kPiecesInRequest) flush();
    if (pieces.empty()) {
      begin = end = offset;
    } else if (offset > end) {
      pieces.push_back({file.is_remote() ? nullptr : discarded_bytes(), static_cast<std::size_t>(offset - end)});
      end = offset;
    }
    for (Index done = 0; done < runs.row_bytes;) {
      if (end - begin >= kLargestRequest) {
        flush();
        begin = end;
      }
      const Index n = std::min(runs.row_bytes - done, kLargestRequest - (end - begin));
      pieces.push_back({memory + done, static_cast<std::size_t>(n)});
      done += n;
      end += n;
    }
    int k = runs.first_row_axis - 1;
    for (; k >= 0; --k) {
      offset += in_file[k];
      memory += in_memory[k];
      if (++at[k] < part.shape[k]) break;
      offset -= in_file[k] * part.shape[k];
      memory -= in_memory[k] * part.shape[k];
      at[k] = 0;
    }
    if (k < 0) break;
  }
  flush();
}

void ManifestSource::decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const {
  ensure(out.shape == box.shape && out.dtype == spec_.dtype, "decode: the view does not fit the box");
  constexpr Index kBetweenLooks = Index{4} << 20;  // elements
  const ElementTransform& transform = manifest_.transform;
  const Index width = size_of(spec_.dtype), count = box.count();
  if (out.is_contiguous()) {
    if (out.data == encoded.data() && transform.is_identity()) return;
    for (Index done = 0; done < count; done += kBetweenLooks) {
      cancel.check();
      transform.decode(encoded.data() + done * element_bytes_, out.data + done * width, std::min(kBetweenLooks, count - done));
    }
    return;
  }
  ensure(out.data != encoded.data(), "decode: in place means C order");
  const Index row = box.rank() == 0 ? 1 : box.shape.back();
  const Index step = box.rank() == 0 ? width : out.strides.back();
  const std::byte* from = encoded.data();
  Index since_look = 0;
  for_each_row(box.shape, {&out}, [&](std::byte** data) {
    if ((since_look += row) > kBetweenLooks) {
      cancel.check();
      since_look = 0;
    }
    if (step == width) {
      transform.decode(from, data[0], row);
    } else {
      constexpr Index kPiece = 512;
      alignas(64) std::byte piece[kPiece * 16];
      for (Index done = 0; done < row; done += kPiece) {
        const Index n = std::min(kPiece, row - done);
        transform.decode(from + done * element_bytes_, piece, n);
        copy(View::contiguous(piece, spec_.dtype, {n}), View{data[0] + done * step, spec_.dtype, {n}, {step}});
      }
    }
    from += row * element_bytes_;
  });
}

}  // namespace freestone
