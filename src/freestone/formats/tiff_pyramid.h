/// Pyramid: makes the tiles of an image's overviews out of the tiles of the image, as they come.
///
/// A tile of one level is a quarter of a tile of the next. Quarters wait until the last of their tile has come: a few in memory, the others
/// in a file without a name beside the output, so that an image as wide as they get (a row of tiles at each level: 200 MB for 100,000 pixels
/// of float32) costs no more memory than a small one.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "freestone/core/buffer.h"
#include "freestone/core/chunk_grid.h"
#include "freestone/formats/tiff_overview.h"
#include "freestone/storage/anonymous_file.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::tiff {

/// Thread-safe.
class Pyramid {
 public:
  /// @param levels  the grids of the image and of its overviews; all have the same chunk, of even height and width
  /// @param path    of the output: for the folder, and for messages
  Pyramid(std::vector<ChunkGrid> levels, DType dtype, Resampling how, Missing missing, std::string path);

  int levels() const { return static_cast<int>(levels_.size()); }
  const ChunkGrid& grid(int level) const { return levels_[static_cast<std::size_t>(level)]; }
  /// Memory that quarters take at most.
  Index memory_bytes() const { return slots_in_memory_ * slot_bytes_; }
  /// Memory that `add` takes from its caller: a tile and a quarter.
  Index scratch_bytes() const;

  struct Whole {
    Index number = 0;  ///< of the tile in the grid of the next level
    View view;         ///< in the caller's memory
  };
  /// Halves `data`, chunk `number` of `level`, which is not the last one. A tile of the next level that has become whole by it is in `memory`,
  /// of `scratch_bytes()`; `data` may lie in the first part of it, where a whole tile is.
  std::optional<Whole> add(int level, Index number, const View& data, Bytes memory);
  /// Gives back what waits.
  void clear();

 private:
  struct Pending {
    Index slot = 0;
    int missing = 0;
  };
  using Key = std::pair<int, Index>;
  Index take_slot();
  void store(Index slot, int quarter, ConstBytes bytes);
  void load(Index slot, int quarter, Bytes bytes);
  std::byte* in_memory(Index slot, int quarter);

  std::vector<ChunkGrid> levels_;
  DType dtype_;
  Resampling how_;
  Missing missing_;
  std::string path_;
  Index quarter_bytes_, slot_bytes_, slots_in_memory_;

  std::mutex mutex_;
  std::map<Key, Pending> pending_;
  std::vector<Index> free_;
  Index slots_ = 0;
  std::vector<Buffer> memory_;
  std::unique_ptr<AnonymousFile> file_;
};

}  // namespace freestone::formats::tiff
