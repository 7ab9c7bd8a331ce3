#include "freestone/formats/casa_table.h"

#include <algorithm>

#include "freestone/storage/codec.h"

namespace freestone::formats::casa {
namespace {

// A cube of 100,000 channels, each with a beam of its own, has some 100 MB of keywords.
constexpr Index kLargestTable = Index{512} << 20;

/// Tiles are small where images were written plane by plane; neighbours are one nominal chunk up to so many elements.
constexpr Index kNominalElements = 1'000'000;

Index times(const AipsReader& reader, Index a, Index b) {
  Index product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product >= Index{1} << 60) reader.damaged("an array or a tile is larger than anything can be");
  return product;
}

void read_column(AipsReader& reader, TableFile::Column& column) {
  reader.uint32();
  const std::string kind = reader.text();
  reader.uint32();
  column.name = reader.text();
  for (int k = 0; k < 3; ++k) reader.text();  // comment, and names of a storage manager that need not be the one in use
  column.type = reader.int32();
  reader.int32();
  if (reader.int32() != 0) reader.position();
  reader.uint32();
  reader.record();
  column.is_array = kind.starts_with("ArrayColumnDesc");
  reader.uint32();
  if (column.is_array) {
    reader.boolean();
  } else if (kind.starts_with("ScalarColumnDesc")) {
    reader.skip_value(column.type);
  } else {
    reader.damaged(fmt::format("column '{}' is of the unknown kind '{}'", column.name.substr(0, 40), kind.substr(0, 40)));
  }
}

/// Where cubes of tiles lie.
struct Cube {
  std::vector<Index> shape, tile;
  Index file = -1, offset = 0;
};
struct Manager {
  Index rank = 0;
  bool is_big_endian = true;
  std::vector<Cube> cubes;
};

Manager read_manager(AipsReader& reader, bool is_big_endian) {
  const AipsReader::Object object = reader.enter("TiledStMan");
  Manager out{.is_big_endian = is_big_endian};
  const bool wide = object.version >= 3;
  if (object.version >= 2) out.is_big_endian = reader.boolean();
  reader.uint32();
  wide ? reader.int64() : static_cast<Index>(reader.uint32());
  const std::uint32_t columns = reader.uint32();
  if (columns != 1) {
    fail(ErrorKind::kUser, "{}: it keeps {} columns in one hypercube; Freestone reads images, which have one.", reader.file(), columns);
  }
  reader.skip(4);  // the type, which table.dat says as well
  reader.text();
  reader.uint32();
  out.rank = static_cast<Index>(reader.uint32());
  const std::uint32_t files = reader.uint32();
  for (std::uint32_t i = 0; i < files; ++i) {
    if (!reader.boolean()) continue;
    const std::uint32_t version = reader.uint32();
    reader.uint32();
    version >= 2 ? reader.int64() : static_cast<Index>(reader.uint32());
  }
  const Index cubes = wide ? reader.int64() : static_cast<Index>(reader.uint32());
  for (Index i = 0; i < cubes; ++i) {
    Cube& cube = out.cubes.emplace_back();
    const std::uint32_t version = reader.uint32();
    reader.record();
    reader.boolean();
    reader.uint32();
    cube.shape = reader.position();
    cube.tile = reader.position();
    cube.file = reader.int32();
    cube.offset = version >= 2 ? reader.int64() : static_cast<Index>(reader.uint32());
  }
  reader.leave(object);
  return out;
}

/// Which cube holds row 0, and at which place along its last axis.
struct Place {
  Index cube = 0, position = 0;
};

Place place_of_first_row(AipsReader& reader, bool wide) {
  const Index used = wide ? reader.int64() : static_cast<Index>(reader.uint32());
  if (used < 1) fail(ErrorKind::kData, "{}: the first row of the table has no array.", reader.file());
  // Intervals of rows: the last row of each, its cube, and that row's place in it.
  const auto rows = reader.block(wide), cubes = reader.block(false), positions = reader.block(wide);
  if (rows.empty() || cubes.empty() || positions.empty()) reader.damaged("the map of rows is empty");
  Place place{cubes.front(), 0};
  if (__builtin_sub_overflow(positions.front(), rows.front(), &place.position)) reader.damaged("the map of rows has no place for the first");
  return place;
}

/// Tiles of an array, by arithmetic.
class Tiles final : public ChunkMap {
 public:
  Tiles(ChunkGrid grid, std::shared_ptr<const File> table, std::shared_ptr<const File> file, TiledArray array, Index chunk_bytes, std::string path)
      : grid_(std::move(grid)), table_(std::move(table)), file_(std::move(file)), array_(std::move(array)), chunk_bytes_(chunk_bytes),
        identity_(table_->identity()) {
    identity_.path = std::move(path);
  }
  StoredChunk find(const Dims& position) const override {
    return {file_, array_.offset + grid_.index_of(position) * array_.tile_bytes, chunk_bytes_};
  }
  std::string name_of(const Dims&) const override { return file_->name(); }
  Identity identity() const override { return identity_; }
  void check_unchanged() const override { table_->check_unchanged(); }

 private:
  ChunkGrid grid_;
  std::shared_ptr<const File> table_, file_;
  TiledArray array_;
  Index chunk_bytes_;
  Identity identity_;
};

/// Whole tiles, put together along the fastest axis, then the next, while they have few elements.
Shape joined(const Shape& shape, const Shape& tile) {
  Shape out = tile;
  for (int k = shape.rank() - 1; k >= 0; --k) {
    while (out[k] < shape[k] && element_count(out) * 2 <= kNominalElements) out[k] *= 2;
    if (out[k] < shape[k]) break;
  }
  return out;
}

ElementTransform transform_of(const std::string& file, const TableFile::Column& column, bool is_big_endian) {
  ElementTransform t;
  t.order = is_big_endian ? ByteOrder::kBig : ByteOrder::kLittle;
  switch (static_cast<Type>(column.type)) {
    case Type::kBool: t.stored = DType::kBool; break;
    case Type::kChar: t.stored = DType::kInt8; break;
    case Type::kUchar: t.stored = DType::kUint8; break;
    case Type::kShort: t.stored = DType::kInt16; break;
    case Type::kUshort: t.stored = DType::kUint16; break;
    case Type::kInt: t.stored = DType::kInt32; break;
    case Type::kUint: t.stored = DType::kUint32; break;
    case Type::kInt64: t.stored = DType::kInt64; break;
    case Type::kFloat: t.stored = DType::kFloat32; break;
    case Type::kDouble: t.stored = DType::kFloat64; break;
    case Type::kComplex: t.stored = DType::kComplex64; break;
    case Type::kDcomplex: t.stored = DType::kComplex128; break;
    default: fail(ErrorKind::kUser, "{}: column '{}' holds no numbers.", file, column.name);
  }
  t.dtype = t.stored;
  return t;
}

}  // namespace

std::string read_whole(const std::string& path, Index most) {
  const auto file = File::open(path);
  if (file->size() > most) fail(ErrorKind::kData, "{}: {} are more than such a file has. It is damaged.", path, format_bytes(file->size()));
  std::string out(static_cast<std::size_t>(file->size()), '\0');
  file->read_exactly(0, std::as_writable_bytes(std::span(out)));
  return out;
}

TableFile read_table_file(const std::string& file, std::string_view bytes) {
  AipsReader reader(file, bytes);
  reader.magic();
  const AipsReader::Object object = reader.enter("Table");
  TableFile out;
  out.rows = object.version >= 3 ? reader.int64() : static_cast<Index>(reader.uint32());
  out.is_big_endian = reader.uint32() == 0;
  if (const std::string kind = reader.text(); kind != "PlainTable") {
    fail(ErrorKind::kUser, "{}: it is a '{}', which refers to other tables. Freestone reads plain tables; casacore's copy makes one.", file, kind.substr(0, 40));
  }
  const AipsReader::Object description = reader.enter("TableDesc");
  for (int k = 0; k < 3; ++k) reader.text();  // name, version, comment
  out.keywords = reader.record();
  if (description.version >= 2) reader.record();  // how hypercubes are laid out
  const std::uint32_t columns = reader.uint32();
  for (std::uint32_t i = 0; i < columns; ++i) read_column(reader, out.columns.emplace_back());
  reader.leave(description);

  // Versions 2 and 3 are negative numbers; 3 says how files are put together.
  const std::int32_t version = reader.int32();
  if (version >= 0) fail(ErrorKind::kUser, "{}: it was written by an old casacore (before 1995), which Freestone does not read.", file);
  version <= -4 ? reader.int64() : static_cast<Index>(reader.uint32());
  if (version <= -3) {
    if (const std::int32_t option = reader.int32(); option != 0) {
      fail(ErrorKind::kUser, "{}: its columns lie in a multi-file (option {}), which Freestone does not read.", file, option);
    }
    reader.int32();
  }
  reader.uint32();
  struct Managed {
    std::string kind;
    Index number;
  };
  std::vector<Managed> managers;
  const std::uint32_t count = reader.uint32();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::string kind = reader.text();
    managers.push_back({std::move(kind), static_cast<Index>(reader.uint32())});
  }
  for (TableFile::Column& column : out.columns) {
    reader.uint32();
    reader.text();
    reader.uint32();
    column.manager_number = static_cast<Index>(reader.uint32());
    if (column.is_array && reader.boolean()) reader.position();
    const auto at = std::find_if(managers.begin(), managers.end(), [&](const Managed& m) { return m.number == column.manager_number; });
    if (at == managers.end()) reader.damaged(fmt::format("column '{}' is kept by a storage manager that is not listed", column.name.substr(0, 40)));
    column.manager = at->kind;
  }
  return out;
}

TiledArray read_tiled_array(const std::string& file, std::string_view bytes, const std::string& manager, bool is_big_endian, Index element_bits) {
  AipsReader reader(file, bytes);
  reader.magic();
  const AipsReader::Object object = reader.enter(manager);
  const bool wide = object.version >= 2;
  Manager held;
  Place place;
  bool has_rows = true;  // as the last axis of a cube
  if (manager == "TiledCellStMan") {
    reader.position();
    held = read_manager(reader, is_big_endian);
    has_rows = false;
  } else if (manager == "TiledColumnStMan") {
    reader.position();
    held = read_manager(reader, is_big_endian);
  } else if (manager == "TiledShapeStMan") {
    held = read_manager(reader, is_big_endian);
    reader.position();
    place = place_of_first_row(reader, wide);
  } else {
    fail(ErrorKind::kUser, "{}: its array is kept by '{}'; Freestone reads TiledCellStMan, TiledShapeStMan and TiledColumnStMan.", file, manager);
  }
  if (place.cube < 0 || place.cube >= static_cast<Index>(held.cubes.size())) {
    reader.damaged(fmt::format("row 0 lies in cube {} of {}", place.cube, held.cubes.size()));
  }
  Cube& cube = held.cubes[static_cast<std::size_t>(place.cube)];
  if (cube.shape.size() != cube.tile.size() || cube.shape.size() > static_cast<std::size_t>(kMaxRank) || cube.shape.size() < (has_rows ? 2 : 1)) {
    reader.damaged(fmt::format("a cube of {} axes has tiles of {}", cube.shape.size(), cube.tile.size()));
  }
  Index elements = 1, tiles = 1;
  for (std::size_t k = 0; k < cube.shape.size(); ++k) {
    if (cube.shape[k] < 0 || cube.tile[k] < 1) reader.damaged(fmt::format("axis {} has {} elements in tiles of {}", k, cube.shape[k], cube.tile[k]));
    elements = times(reader, elements, cube.tile[k]);
    tiles = times(reader, tiles, cube.shape[k] / cube.tile[k] + 1);
  }
  times(reader, times(reader, elements, tiles), element_bits);
  TiledArray out{.shape = cube.shape, .tile = cube.tile, .file = cube.file, .offset = cube.offset, .is_big_endian = held.is_big_endian};
  out.tile_bytes = (elements * element_bits + 7) / 8;
  if (cube.file < 0 || cube.offset < 0) reader.damaged("its array was never written");
  if (has_rows) {
    if (place.position < 0 || place.position >= cube.shape.back()) reader.damaged("the first row has no place in its cube");
    const Index in_tile = place.position % cube.tile.back(), row_elements = elements / cube.tile.back();
    if (in_tile * row_elements * element_bits % 8 != 0) {
      fail(ErrorKind::kUser, "{}: its first row begins within a byte, which Freestone does not read.", file);
    }
    out.shape.pop_back();
    out.tile.pop_back();
    Index before = place.position / cube.tile.back();
    for (std::size_t k = 0; k < out.shape.size(); ++k) before = times(reader, before, (out.shape[k] + out.tile[k] - 1) / out.tile[k]);
    out.offset = times(reader, before, out.tile_bytes) + in_tile * row_elements * element_bits / 8 + std::min(out.offset, Index{1} << 60);
  }
  return out;
}

OpenedTable open_table(const std::string& folder, const std::string& reference, const std::string& path) {
  const std::string table_path = folder + "/table.dat";
  const auto table_file = File::open(table_path);
  OpenedTable out;
  out.table = read_table_file(table_path, read_whole(table_path, kLargestTable));
  const TableFile::Column* column = nullptr;
  for (const TableFile::Column& candidate : out.table.columns) {
    if (candidate.is_array && (column == nullptr || candidate.name == "map")) column = &candidate;
  }
  if (column == nullptr) fail(ErrorKind::kUser, "{}: a table of CASA without an array: it is no image.", path);
  if (out.table.rows < 1) fail(ErrorKind::kData, "{}: a table without rows: an image has one.", table_path);
  const ElementTransform transform = transform_of(table_path, *column, true);
  const bool is_bits = transform.dtype == DType::kBool;
  const Index bits = is_bits ? 1 : 8 * size_of(transform.stored);
  const std::string header_path = fmt::format("{}/table.f{}", folder, column->manager_number);
  const TiledArray array = read_tiled_array(header_path, read_whole(header_path, kLargestTable), column->manager, out.table.is_big_endian, bits);

  const Shape shape(array.shape.rbegin(), array.shape.rend());
  Shape tile(array.tile.rbegin(), array.tile.rend());
  ChunkedLayout layout;
  layout.grid = ChunkGrid(shape, tile);
  layout.nominal = joined(shape, tile);
  layout.transform = transform_of(table_path, *column, array.is_big_endian);
  if (is_bits) layout.codecs = CodecChain({bits_codec()});
  layout.reference = reference;
  const Index elements = element_count(tile), chunk_bytes = (elements * bits + 7) / 8;
  const auto tiles = File::open(fmt::format("{}_TSM{}", header_path, array.file));
  const Index count = layout.grid.count();
  if (count > 0 && (array.offset > tiles->size() || (count - 1) > (tiles->size() - array.offset) / array.tile_bytes ||
                    tiles->size() - array.offset - (count - 1) * array.tile_bytes < chunk_bytes)) {
    fail(ErrorKind::kData, "{}: shape {} in tiles of {} needs {}, the file has {}. The table is damaged, or the file was cut short.", tiles->name(),
         to_string(shape), to_string(tile), format_bytes(array.offset + (count - 1) * array.tile_bytes + chunk_bytes), format_bytes(tiles->size()));
  }
  const auto map = std::make_shared<Tiles>(layout.grid, table_file, tiles, array, chunk_bytes, path);
  out.source = std::make_shared<ChunkedSource>(std::move(layout), map);
  return out;
}

}  // namespace freestone::formats::casa
