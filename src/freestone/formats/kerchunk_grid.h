/// The chunks of a referenced array: numbers, positions, and keys between them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "freestone/core/chunk_grid.h"
#include "freestone/formats/kerchunk.h"

namespace freestone::formats::kerchunk {

/// Of an array with chunks, by its .zarray.
ChunkGrid grid_of(const ReferenceArray& array);
Dims position_of(const ChunkGrid& grid, Index number);
/// "0.3.1"; "0" for an array without axes.
std::string key_of(const Dims& position);
/// The number of a chunk by its key; nothing when it is none of the grid.
std::optional<Index> chunk_number(std::string_view key, char separator, const ChunkGrid& grid);

}  // namespace freestone::formats::kerchunk
