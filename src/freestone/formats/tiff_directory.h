/// Directories to be written: tags, and the lists of chunks.
#pragma once

#include <string>
#include <vector>

#include "freestone/formats/tiff_metadata.h"

namespace freestone::formats::tiff {

/// Where a chunk lies in the file.
struct ChunkPlace {
  Index offset = 0, bytes = 0;
};

struct DirectoryToWrite {
  std::vector<TagToWrite> tags;  ///< in any order, without the lists of chunks
  const std::vector<ChunkPlace>* places = nullptr;
  bool is_tiled = true;
};

/// "II*\0" or BigTIFF's, and the offset of the first directory.
std::string header_bytes(bool is_big, Index first_directory);

/// The directories one behind the other, each with the values of its tags, then the lists of chunks of all of them: who reads the start of
/// the file has all but the lists. To be written at `offset`, an even one; the length depends on the number of chunks alone, not on where
/// they lie.
std::string directory_bytes(const std::vector<DirectoryToWrite>& directories, Index offset, bool is_big);

}  // namespace freestone::formats::tiff
