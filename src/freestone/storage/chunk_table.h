/// ChunkTable: chunks at places of files that are listed beforehand (HDF5, GeoTIFF, kerchunk references).
#pragma once

#include <vector>

#include "freestone/core/chunk_grid.h"
#include "freestone/storage/chunk_map.h"

namespace freestone {

/// Where one chunk lies; `file` is an index into the table's files, or kAbsent: never written, every element is fill.
struct ListedChunk {
  static constexpr std::int32_t kAbsent = -1;
  Index offset = 0;
  Index bytes = 0;
  std::int32_t file = kAbsent;
  std::uint32_t skipped_codecs = 0;  ///< see ChunkMap::skipped_codecs
};

class ChunkTable final : public ChunkMap {
 public:
  /// @param name   of the array, for messages: "data.nc: variable tas"
  /// @param chunks one for each chunk of `grid`, C order
  /// @throws Error kind data: a chunk does not lie inside its file, naming it
  ChunkTable(std::string name, ChunkGrid grid, std::vector<std::shared_ptr<const File>> files, std::vector<ListedChunk> chunks);

  StoredChunk find(const Dims& position) const override;
  std::uint32_t skipped_codecs(const Dims& position) const override { return at(position).skipped_codecs; }
  std::string name_of(const Dims&) const override { return name_; }
  /// Of the first file.
  Identity identity() const override { return files_.front()->identity(); }
  /// Files are looked at by who reads them.
  void check_unchanged() const override {}

  bool is_remote() const override { return files_.front()->is_remote(); }

  const std::vector<ListedChunk>& chunks() const { return chunks_; }
  const std::vector<std::shared_ptr<const File>>& files() const { return files_; }

 private:
  const ListedChunk& at(const Dims& position) const { return chunks_[static_cast<std::size_t>(grid_.index_of(position))]; }
  std::string name_;
  ChunkGrid grid_;
  std::vector<std::shared_ptr<const File>> files_;
  std::vector<ListedChunk> chunks_;
};

}  // namespace freestone
