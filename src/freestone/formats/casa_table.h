/// The tables that CASA keeps images and masks in: a folder with table.dat (what it is), table.f0 (where) and table.f0_TSM0 (the tiles).
///
/// An image is a table of one row, its pixels the array in its one cell, kept by one of casacore's tiled storage managers: the array is cut
/// into tiles of one shape, each stored whole, the first axis running fastest in tiles and from tile to tile. So a chunk lies where
/// arithmetic says.
#pragma once

#include <memory>

#include "freestone/core/chunk_grid.h"
#include "freestone/formats/casa_record.h"
#include "freestone/storage/chunked_source.h"

namespace freestone::formats::casa {

/// What table.dat says.
struct TableFile {
  Record keywords;
  struct Column {
    std::string name;
    int type = 0;           ///< of its elements
    bool is_array = false;
    std::string manager;    ///< "TiledCellStMan"
    Index manager_number = 0;
  };
  std::vector<Column> columns;
  Index rows = 0;
  bool is_big_endian = true;
};
/// @throws Error kind data: damaged, naming offset and field; kind user: a table of a kind that Freestone does not read
TableFile read_table_file(const std::string& file, std::string_view bytes);

/// What table.f0 says of the array in row 0.
struct TiledArray {
  std::vector<Index> shape, tile;  ///< the first axis runs fastest
  Index file = 0;                  ///< number of the file of tiles
  Index offset = 0;                ///< of the first tile there
  Index tile_bytes = 0;            ///< from one tile to the next
  bool is_big_endian = true;
};
/// @param element_bits of what is stored: 1 for booleans
TiledArray read_tiled_array(const std::string& file, std::string_view bytes, const std::string& manager, bool is_big_endian, Index element_bits);

struct OpenedTable {
  TableFile table;
  std::shared_ptr<const Source> source;
};
/// The table in `folder` with the array of its first row, axes reversed so that the first runs slowest.
/// @param reference see Source::reference
/// @param path      of the image, for the source's identity
/// @throws Error kind io: a file is missing; kind data; kind user
OpenedTable open_table(const std::string& folder, const std::string& reference, const std::string& path);

/// Bytes of a small file, whole.
/// @throws Error kind io; kind data: larger than `most`
std::string read_whole(const std::string& path, Index most);

}  // namespace freestone::formats::casa
