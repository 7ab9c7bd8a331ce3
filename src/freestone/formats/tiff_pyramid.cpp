#include "freestone/formats/tiff_pyramid.h"

#include <algorithm>
#include <cstring>

#include "freestone/storage/file.h"

namespace freestone::formats::tiff {
namespace {

// A screen's width of tiles of four bands; what is more waits in the file, that is in the page cache where there is some.
constexpr Index kMemory = Index{16} << 20;

/// Where chunk `number` is in its grid, row and column, and the plane of bands.
struct Place {
  Index plane, row, column;
};
Place place_of(const ChunkGrid& grid, Index number) {
  const int rank = grid.shape().rank();
  const Index across = grid.count(rank - 1), down = grid.count(rank - 2);
  return {number / (across * down), number / across % down, number % across};
}

}  // namespace

Pyramid::Pyramid(std::vector<ChunkGrid> levels, DType dtype, Resampling how, Missing missing, std::string path)
    : levels_(std::move(levels)), dtype_(dtype), how_(how), missing_(std::move(missing)), path_(std::move(path)) {
  const Shape& chunk = levels_.front().chunk();
  ensure(chunk[chunk.rank() - 1] % 2 == 0 && chunk[chunk.rank() - 2] % 2 == 0, "a pyramid of odd tiles");
  quarter_bytes_ = Scratch::rounded(element_count(chunk) * size_of(dtype) / 4);
  slot_bytes_ = 4 * quarter_bytes_;
  Index waiting = 0;
  for (std::size_t k = 1; k < levels_.size(); ++k) waiting += levels_[k].count();
  slots_in_memory_ = std::min(waiting, std::max<Index>(1, kMemory / slot_bytes_));
  memory_.resize(static_cast<std::size_t>(slots_in_memory_));
}

Index Pyramid::scratch_bytes() const {
  return Scratch::rounded(element_count(levels_.front().chunk()) * size_of(dtype_)) + quarter_bytes_;
}

Index Pyramid::take_slot() {
  if (free_.empty()) return slots_++;
  // The lowest ones are in memory.
  const auto lowest = std::min_element(free_.begin(), free_.end());
  const Index slot = *lowest;
  *lowest = free_.back();
  free_.pop_back();
  return slot;
}

std::byte* Pyramid::in_memory(Index slot, int quarter) {
  return slot < slots_in_memory_ ? memory_[static_cast<std::size_t>(slot)].data() + quarter * quarter_bytes_ : nullptr;
}

void Pyramid::store(Index slot, int quarter, ConstBytes bytes) {
  file_->write_at((slot - slots_in_memory_) * slot_bytes_ + quarter * quarter_bytes_, bytes);
}

void Pyramid::load(Index slot, int quarter, Bytes bytes) {
  file_->read_at((slot - slots_in_memory_) * slot_bytes_ + quarter * quarter_bytes_, bytes);
}

std::optional<Pyramid::Whole> Pyramid::add(int level, Index number, const View& data, Bytes memory) {
  const ChunkGrid &grid = this->grid(level), &next = this->grid(level + 1);
  const int rank = grid.shape().rank();
  const Place place = place_of(grid, number);
  const Index across = next.count(rank - 1), down = next.count(rank - 2);
  const Index parent = (place.plane * down + place.row / 2) * across + place.column / 2;
  const Index rows = std::min<Index>(2, grid.count(rank - 2) - place.row / 2 * 2), columns = std::min<Index>(2, grid.count(rank - 1) - place.column / 2 * 2);
  const int quarter = static_cast<int>(place.row % 2 * 2 + place.column % 2);
  const Box box = next.box(parent);
  const auto part_of = [&](int q) {
    Box part(box.shape);
    for (const auto& [axis, second] : {std::pair{rank - 2, q / 2}, std::pair{rank - 1, q % 2}}) {
      const Index half = next.chunk()[axis] / 2;
      part.start[axis] = second * half;
      part.shape[axis] = second ? box.shape[axis] - half : std::min(half, box.shape[axis]);
    }
    return part;
  };

  Index slot = 0;
  std::byte* waiting = nullptr;
  {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = pending_.try_emplace(Key{level + 1, parent});
    if (is_new) {
      found->second = {take_slot(), static_cast<int>(rows * columns)};
      const Index taken = found->second.slot;
      if (taken >= slots_in_memory_ && !file_) file_ = std::make_unique<AnonymousFile>(folder_of(path_), path_);
      if (taken < slots_in_memory_ && memory_[static_cast<std::size_t>(taken)].size() == 0) memory_[static_cast<std::size_t>(taken)] = Buffer(slot_bytes_);
    }
    slot = found->second.slot;
    waiting = in_memory(slot, quarter);
  }
  const Index tile_bytes = Scratch::rounded(element_count(next.chunk()) * size_of(dtype_));
  std::byte* const piece = waiting != nullptr ? waiting : memory.data() + tile_bytes;
  const View small = View::contiguous(piece, dtype_, part_of(quarter).shape);
  halve(data, small, how_, missing_);
  if (waiting == nullptr) store(slot, quarter, {piece, static_cast<std::size_t>(small.bytes())});
  {
    const std::lock_guard lock(mutex_);
    const auto found = pending_.find(Key{level + 1, parent});
    if (--found->second.missing > 0) return std::nullopt;
    pending_.erase(found);
  }
  // What was halved is no longer needed: its memory takes the tile.
  const View whole = View::contiguous(memory.data(), dtype_, box.shape);
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      const int q = static_cast<int>(2 * row + column);
      const Box part = part_of(q);
      std::byte* from = in_memory(slot, q);
      if (from == nullptr) {
        from = memory.data() + tile_bytes;
        load(slot, q, {from, static_cast<std::size_t>(part.count() * size_of(dtype_))});
      }
      copy(View::contiguous(from, dtype_, part.shape), whole.part(part));
    }
  }
  const std::lock_guard lock(mutex_);
  free_.push_back(slot);
  return Whole{parent, whole};
}

void Pyramid::clear() {
  const std::lock_guard lock(mutex_);
  pending_.clear();
  free_.clear();
  slots_ = 0;
  for (Buffer& buffer : memory_) buffer = {};
  file_.reset();
}

}  // namespace freestone::formats::tiff
