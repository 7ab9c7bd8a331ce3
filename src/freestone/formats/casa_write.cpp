#include <algorithm>
#include <limits>

#include "freestone/formats/casa.h"
#include "freestone/formats/casa_coordinates.h"
#include "freestone/formats/casa_sink.h"
#include "freestone/formats/fits_card.h"

namespace freestone::formats::casa {
namespace {

// Of a tile: small enough that a spectrum does not read the whole image, large enough for a request.
constexpr Index kGoodTile = Index{1} << 20;
// A reader takes tiles whole.
constexpr Index kLargestTile = Index{256} << 20;

Type type_of(const WriteRequest& request, DType dtype) {
  switch (dtype) {
    case DType::kFloat32: return Type::kFloat;
    case DType::kFloat64: return Type::kDouble;
    case DType::kComplex64: return Type::kComplex;
    case DType::kComplex128: return Type::kDcomplex;
    default: break;
  }
  fail(ErrorKind::kUser, "{}: images of CASA hold float32, float64, complex64 or complex128, not {}. Convert the numbers (--dtype float32).", request.path,
       name_of(dtype));
}

/// About 1 MiB, the longest axes cut first; or what somebody asked for.
Shape tile_of(const Spec& spec, const WriteRequest& request) {
  const int rank = spec.shape.rank();
  Shape tile = spec.shape;
  const Shape& wanted = request.packing.chunks.empty() && request.chunks_are_wanted ? request.nominal_chunks : request.packing.chunks;
  if (!wanted.empty()) {
    if (wanted.rank() != rank) fail(ErrorKind::kUser, "{}: --chunks has {} lengths, the array {} axes.", request.path, wanted.rank(), rank);
    for (int k = 0; k < rank; ++k) {
      if (wanted[k] < 1) fail(ErrorKind::kUser, "{}: --chunks: a length of {}; it is 1 or more.", request.path, wanted[k]);
      tile[k] = std::min(wanted[k], spec.shape[k]);
    }
  } else {
    while (static_cast<double>(element_count(tile)) * static_cast<double>(size_of(spec.dtype)) > static_cast<double>(kGoodTile)) {
      Index& longest = *std::max_element(tile.begin(), tile.end());
      if (longest == 1) break;
      longest = (longest + 1) / 2;
    }
  }
  if (element_count(tile) > kLargestTile / size_of(spec.dtype)) {
    fail(ErrorKind::kUser, "{}: tiles {} of {} have more than {}, and readers take them whole. Ask for smaller --chunks.", request.path, to_string(tile),
         name_of(spec.dtype), format_bytes(kLargestTile));
  }
  return tile;
}

std::vector<Index> reversed(const Shape& shape) { return {std::make_reverse_iterator(shape.end()), std::make_reverse_iterator(shape.begin())}; }

/// What both tables, of pixels and of the mask, have in common.
struct Table0 {
  std::string column, kind;  ///< "map", "float   "
  Type type;
  std::vector<Index> shape, tile;  ///< first axis fastest
  Index file_bytes;
};

/// The record that casacore keeps of a hypercube.
Record hypercube(const Table0& table) {
  Record inner;
  const auto names = [](std::vector<std::string> values) { return Texts{{static_cast<Index>(values.size())}, std::move(values)}; };
  inner.set("ndim", static_cast<std::int64_t>(table.shape.size()));
  inner.set("data", names({table.column}));
  inner.set("coord", names({}));
  inner.set("id", names({}));
  Record out;
  out.set("Hypercolumn_" + table.column, std::make_shared<Record>(std::move(inner)));
  return out;
}

std::string table_dat(const Table0& table, const Record& keywords) {
  AipsWriter to;
  to.magic();
  const std::size_t object = to.enter("Table", 2);
  to.uint32(1);  // row
  to.uint32(1);  // little-endian
  to.text("PlainTable");
  const std::size_t description = to.enter("TableDesc", 2);
  for (int k = 0; k < 3; ++k) to.text("");
  to.record(keywords);
  to.record(hypercube(table));
  to.uint32(1);  // column
  to.uint32(1);
  to.text("ArrayColumnDesc<" + table.kind);
  to.uint32(1);
  to.text(table.column);
  to.text("version 4.0");
  to.text("TiledCellStMan");
  to.text(table.column);
  to.int32(static_cast<std::int32_t>(table.type));
  to.int32(0);
  to.int32(static_cast<std::int32_t>(table.shape.size()));
  to.position({});
  to.uint32(0);
  to.record(Record());
  to.uint32(1);
  to.boolean(false);
  to.leave(description);
  to.int32(-2);
  to.uint32(1);  // row
  to.uint32(1);  // storage manager
  to.uint32(1);
  to.text("TiledCellStMan");
  to.uint32(0);
  to.uint32(2);
  to.text(table.column);
  to.uint32(1);
  to.uint32(0);
  to.boolean(false);
  to.uint32(0);
  to.leave(object);
  return to.bytes();
}

std::string table_f0(const Table0& table) {
  constexpr Index kMost = std::numeric_limits<std::uint32_t>::max();
  AipsWriter to;
  to.magic();
  const std::size_t object = to.enter("TiledCellStMan", 1);
  to.position(table.tile);
  const std::size_t manager = to.enter("TiledStMan", 2);
  to.boolean(false);  // little-endian
  to.uint32(0);
  to.uint32(1);  // row
  to.uint32(1);  // column
  to.int32(static_cast<std::int32_t>(table.type));
  to.text(table.column);
  to.uint32(0);
  to.uint32(static_cast<std::uint32_t>(table.shape.size()));
  to.uint32(1);  // file
  to.boolean(true);
  to.uint32(table.file_bytes > kMost ? 2 : 1);
  to.uint32(0);
  table.file_bytes > kMost ? to.int64(table.file_bytes) : to.uint32(static_cast<std::uint32_t>(table.file_bytes));
  to.uint32(1);  // cube
  to.uint32(1);
  to.record(Record(), "Record");
  to.boolean(false);
  to.uint32(static_cast<std::uint32_t>(table.shape.size()));
  to.position(table.shape);
  to.position(table.tile);
  to.int32(0);
  to.uint32(0);
  to.leave(manager);
  to.leave(object);
  return to.bytes();
}

/// Who changed what how often: nobody anything.
std::string table_lock() {
  AipsWriter to;
  to.magic();
  const std::size_t object = to.enter("sync", 1);
  for (int k = 0; k < 4; ++k) to.uint32(1);
  const std::size_t block = to.enter("Block", 1);
  to.uint32(1);
  to.uint32(0);
  to.leave(block);
  to.leave(object);
  AipsWriter length;
  length.uint32(static_cast<std::uint32_t>(to.bytes().size()));
  return std::string(260, '\0') + length.bytes() + to.bytes();
}

/// The box that a mask covers: all of the image.
Record mask_record(const std::vector<Index>& shape) {
  const std::vector<Index> one{static_cast<Index>(shape.size())};
  const std::vector<double> ends(shape.begin(), shape.end());
  Record box;
  box.set("isRegion", std::int64_t{1});
  box.set("name", std::string("LCBox"));
  box.set("comment", std::string());
  box.set("oneRel", true);
  box.set("blc", Numbers{Type::kFloat, one, std::vector<double>(shape.size(), 1)});
  box.set("trc", Numbers{Type::kFloat, one, ends});
  box.set("shape", Numbers{Type::kInt, one, ends});
  Record mask;
  mask.set("isRegion", std::int64_t{1});
  mask.set("name", std::string("LCPagedMask"));
  mask.set("comment", std::string());
  mask.set("mask", TableName{"././mask0"});
  mask.set("box", std::make_shared<Record>(std::move(box)));
  Record masks;
  masks.set("mask0", std::make_shared<Record>(std::move(mask)));
  return masks;
}

std::string_view kind_of(Type type) {
  switch (type) {
    case Type::kFloat: return "float   ";
    case Type::kDouble: return "double  ";
    case Type::kComplex: return "Complex ";
    case Type::kDcomplex: return "DComplex";
    default: return "Bool    ";
  }
}

}  // namespace

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) {
  const Type type = type_of(request, spec.dtype);
  if (spec.shape.rank() == 0 || element_count(spec.shape) == 0) {
    fail(ErrorKind::kUser, "{}: images of CASA have axes and elements; this one is {}.", request.path, to_string(spec.shape));
  }
  if (!request.packing.compressor.empty() || request.packing.level || !request.packing.shards.empty() || request.packing.version != 0) {
    fail(ErrorKind::kUser, "{}: images of CASA take --chunks (their tiles), but no compression and no shards.", request.path);
  }
  for (const Index extent : spec.shape) {
    if (extent > std::numeric_limits<std::int32_t>::max()) {
      fail(ErrorKind::kUser, "{}: an axis of {} elements is longer than CASA has them (2^31 - 1).", request.path, extent);
    }
  }
  CasaOutput output{.spec = spec, .tile = tile_of(spec, request)};
  const std::vector<Index> shape = reversed(spec.shape), tile = reversed(output.tile);
  const Index tiles = ChunkGrid(spec.shape, output.tile).count(), elements = element_count(output.tile);
  // Beyond what 60 bits hold no disk has room; `create` says so.
  Index bytes = 0;
  if (__builtin_mul_overflow(tiles * size_of(spec.dtype), elements, &bytes)) bytes = std::numeric_limits<Index>::max();
  const Table0 pixels{"map", std::string(kind_of(type)), type, shape, tile, bytes};
  const Table0 mask{"PagedArray", std::string(kind_of(Type::kBool)), Type::kBool, shape, tile, tiles * ((elements + 7) / 8)};

  std::string cards = fits::sanitised_cards(request.header_cards);
  for (const auto* list : {&request.plain_attributes, &request.attributes}) {
    for (const Attribute& attribute : *list) {
      if (attribute.key.empty()) continue;
      cards = fits::without_key(cards, attribute.key) + fits::format_cards(attribute);
    }
  }
  Record keywords = keywords_of(cards, request.tables, shape);
  const std::string info = "Type = Image\nSubType = \n\n", lock = table_lock();
  output.without_mask = {{"table.f0", table_f0(pixels)}, {"table.lock", lock}, {"table.info", info}, {"table.dat", table_dat(pixels, keywords)}};
  keywords.set("masks", std::make_shared<Record>(mask_record(shape)));
  keywords.set("Image_defaultmask", std::string("mask0"));
  output.with_mask = {{"mask0/table.f0", table_f0(mask)},
                      {"mask0/table.lock", lock},
                      {"mask0/table.info", "Type = Paged Array\nSubType = \n\n"},
                      {"mask0/table.dat", table_dat(mask, Record())},
                      {"table.f0", output.without_mask[0].text},
                      {"table.lock", lock},
                      {"table.info", info},
                      {"table.dat", table_dat(pixels, keywords)}};
  return std::make_shared<CasaSink>(request.path, request.overwrite, std::move(output));
}

}  // namespace freestone::formats::casa
