#include "freestone/formats/fits.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/fits_table.h"
#include "freestone/formats/fits_tiles_sink.h"
#include "freestone/storage/codec_fits.h"
#include "freestone/storage/raw_sink.h"

namespace freestone::formats::fits {
namespace {

/// How elements are stored, and the BZERO that says so.
struct Storage {
  int bitpix;
  DType stored;
  const char* zero = nullptr;
};

Storage storage_of(const std::string& path, DType dtype) {
  switch (dtype) {
    case DType::kBool: case DType::kUint8: return {8, DType::kUint8};
    case DType::kInt8: return {8, DType::kUint8, "-128"};
    case DType::kInt16: return {16, DType::kInt16};
    case DType::kUint16: return {16, DType::kInt16, "32768"};
    case DType::kInt32: return {32, DType::kInt32};
    case DType::kUint32: return {32, DType::kInt32, "2147483648"};
    case DType::kInt64: return {64, DType::kInt64};
    case DType::kUint64: return {64, DType::kInt64, "9223372036854775808"};
    case DType::kFloat32: return {-32, DType::kFloat32};
    case DType::kFloat64: return {-64, DType::kFloat64};
    default: break;
  }
  fail(ErrorKind::kUser, "{}: FITS images hold no {} numbers. Write real and imaginary part, or an .npy, .zarr or .h5 file.", path, name_of(dtype));
}

Index in_blocks(Index bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }

/// The cards that say what the pixels are, not how they are stored.
std::string described(const WriteRequest& request) {
  std::string cards = sanitised_cards(request.header_cards), added;
  for (const Attribute& attribute : request.attributes) {
    if (!attribute.key.empty() && attribute.key != "COMMENT" && attribute.key != "HISTORY") cards = without_key(cards, attribute.key);
    added += sanitised_cards(format_cards(attribute));
  }
  return cards + added;
}

/// BSCALE and BZERO of numbers that are stored with an offset.
std::string offset_cards(const Storage& storage) {
  if (storage.zero == nullptr) return "";
  // 2^63 has no int64: the number is put in as text.
  return format_cards({"BSCALE", std::int64_t{1}, ""}) + fmt::format("{:<80}", fmt::format("BZERO   = {:>20}", storage.zero));
}

/// BLANK, where attributes say which integer means nothing.
std::string blank_cards(const Spec& spec, const Storage& storage, const WriteRequest& request) {
  if (storage.bitpix < 0 || is_bool(spec.dtype)) return "";
  for (const auto* list : {&request.attributes, &request.plain_attributes}) {
    for (const Attribute& attribute : *list) {
      if (attribute.key != "nodata" && attribute.key != "_FillValue" && attribute.key != "missing_value") continue;
      const AttributeNumbers numbers = numbers_of(attribute.value);
      // A number that the elements cannot have marks none of them.
      if (numbers.size() != 1 || !can_hold(spec.dtype, numbers)) continue;
      // Modulo 2^64: neither the numbers of uint64 nor its zero are all in int64.
      const std::uint64_t zero = storage.zero == nullptr ? 0 : std::stoull(storage.zero);
      const std::uint64_t number = is_unsigned_integer(spec.dtype) ? numbers.as<std::uint64_t>().front() : static_cast<std::uint64_t>(numbers.as<std::int64_t>().front());
      return format_cards({"BLANK", static_cast<std::int64_t>(number - zero), "this number means nothing"});
    }
  }
  return "";
}

// Of a tile before it is compressed: large enough that a request and a row cost little beside it.
constexpr Index kGoodTile = Index{1} << 18;

/// Whole rows of the image, as many as make a good tile.
Shape tile_of(const Spec& spec, const WriteRequest& request) {
  const int rank = spec.shape.rank();
  Shape tile(rank, 1);
  if (!request.packing.chunks.empty()) {
    if (request.packing.chunks.rank() != rank) {
      fail(ErrorKind::kUser, "{}: --chunks has {} lengths, the array {} axes.", request.path, request.packing.chunks.rank(), rank);
    }
    for (int k = 0; k < rank; ++k) {
      if (request.packing.chunks[k] < 1) fail(ErrorKind::kUser, "{}: --chunks: a length of {}; it is 1 or more.", request.path, request.packing.chunks[k]);
      tile[k] = std::min(request.packing.chunks[k], spec.shape[k]);
    }
    return tile;
  }
  Index bytes = size_of(spec.dtype);
  for (int k = rank; k-- > 0 && bytes < kGoodTile;) {
    tile[k] = k == rank - 1 ? spec.shape[k] : std::clamp<Index>(kGoodTile / bytes, 1, spec.shape[k]);
    bytes *= tile[k];
  }
  return tile;
}

bool wants_tiles(const WriteRequest& request) {
  const std::string& kind = request.packing.compressor;
  if (kind.empty()) return request.path.ends_with(".fz") || !request.packing.chunks.empty() || request.packing.level;
  return kind != "none";
}

std::shared_ptr<Sink> create_tiles_sink(const Spec& spec, const WriteRequest& request) {
  const Storage storage = storage_of(request.path, spec.dtype);
  const bool has_rice = storage.bitpix > 0 && storage.bitpix <= 32;
  std::string kind = request.packing.compressor;
  if (kind.empty()) kind = has_rice && !request.packing.level ? "rice" : "gzip";
  if (kind != "rice" && kind != "gzip") fail(ErrorKind::kUser, "{}: FITS has no compression '{}'; there are rice, gzip and none.", request.path, kind);
  if (kind == "rice" && !has_rice) {
    fail(ErrorKind::kUser, "{}: rice is for integers of up to 32 bits, not {}. gzip takes them, without loss.", request.path, name_of(spec.dtype));
  }
  if (kind == "rice" && request.packing.level) fail(ErrorKind::kUser, "{}: rice has no levels.", request.path);
  if (!request.packing.shards.empty() || request.packing.version != 0) fail(ErrorKind::kUser, "{}: FITS has no shards and no versions.", request.path);
  if (element_count(spec.shape) == 0) fail(ErrorKind::kUser, "{}: an image without pixels is not compressed.", request.path);

  TilesOutput output{.spec = spec, .tile = tile_of(spec, request)};
  output.transform = {.stored = storage.stored, .order = kNativeOrder, .dtype = spec.dtype, .flips_sign = storage.zero != nullptr};
  const Index width = size_of(storage.stored);
  constexpr Index kBlock = 32;
  std::string& cards = output.cards;
  const auto card = [&](std::string key, AttributeValue value, std::string comment = "") {
    cards += format_cards({std::move(key), std::move(value), std::move(comment)});
  };
  const int rank = spec.shape.rank();
  card("ZIMAGE", true, "a compressed image");
  card("ZBITPIX", std::int64_t{storage.bitpix}, "array data type");
  card("ZNAXIS", std::int64_t{rank}, "number of array dimensions");
  for (int k = 1; k <= rank; ++k) card(fmt::format("ZNAXIS{}", k), spec.shape[rank - k]);
  for (int k = 1; k <= rank; ++k) card(fmt::format("ZTILE{}", k), output.tile[rank - k]);
  if (kind == "rice") {
    output.codecs = CodecChain({rice_codec(width, kBlock)});
    card("ZCMPTYPE", std::string("RICE_1"));
    card("ZNAME1", std::string("BLOCKSIZE"));
    card("ZVAL1", kBlock);
    card("ZNAME2", std::string("BYTEPIX"));
    card("ZVAL2", width);
  } else {
    output.codecs = CodecChain({as_type_codec({storage.stored, kNativeOrder}, {storage.stored, ByteOrder::kBig}), shuffle_codec(width),
                                gzip_codec(request.packing.level.value_or(5))});
    card("ZCMPTYPE", std::string("GZIP_2"));
    if (storage.bitpix < 0) card("ZQUANTIZ", std::string("NONE"), "without loss");
  }
  cards += offset_cards(storage) + blank_cards(spec, storage, request) + described(request);

  const auto primary = [&](std::string key, AttributeValue value) { output.primary += format_cards({std::move(key), std::move(value), ""}); };
  primary("SIMPLE", true);
  primary("BITPIX", std::int64_t{8});
  primary("NAXIS", std::int64_t{0});
  primary("EXTEND", true);
  output.primary += fmt::format("{:<80}", "END");
  output.primary.resize(static_cast<std::size_t>(in_blocks(static_cast<Index>(output.primary.size()))), ' ');
  for (const Table& table : request.tables) output.tables += format_table(table);
  return std::make_shared<FitsTilesSink>(request.path, request.overwrite, std::move(output));
}

}  // namespace

std::string format_header(const Spec& spec, const WriteRequest& request) {
  const Storage storage = storage_of(request.path, spec.dtype);
  const int rank = spec.shape.rank();
  std::string out;
  const auto card = [&](std::string key, decltype(Attribute::value) value, std::string comment) {
    out += format_cards({std::move(key), std::move(value), std::move(comment)});
  };
  card("SIMPLE", true, "conforms to FITS standard");
  card("BITPIX", std::int64_t{storage.bitpix}, "array data type");
  card("NAXIS", std::int64_t{rank}, "number of array dimensions");
  for (int k = 1; k <= rank; ++k) card(fmt::format("NAXIS{}", k), spec.shape[rank - k], "");
  if (!request.tables.empty()) card("EXTEND", true, "");
  out += offset_cards(storage) + blank_cards(spec, storage, request);
  out += described(request) + fmt::format("{:<80}", "END");
  out.resize(static_cast<std::size_t>(in_blocks(static_cast<Index>(out.size()))), ' ');
  return out;
}

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) {
  if (spec.shape.rank() == 0) fail(ErrorKind::kUser, "{}: a single number has no axes, and a FITS image needs one. Print it, or write an .npy file.", request.path);
  if (wants_tiles(request)) return create_tiles_sink(spec, request);
  const Packing& packing = request.packing;
  if (!packing.chunks.empty() || !packing.shards.empty() || packing.level || packing.version != 0) {
    fail(ErrorKind::kUser, "{}: without compression FITS stores elements as they are: it takes no chunks, shards or levels.", request.path);
  }
  const Storage storage = storage_of(request.path, spec.dtype);
  RawLayout layout;
  layout.shape = spec.shape;
  layout.transform = {.stored = storage.stored, .order = ByteOrder::kBig, .dtype = spec.dtype, .flips_sign = storage.zero != nullptr};
  std::string header = format_header(spec, request);
  layout.data_offset = static_cast<Index>(header.size());
  Index end = layout.data_offset + in_blocks(spec.bytes());
  for (const Table& table : request.tables) {
    std::string bytes = format_table(table);
    const auto size = static_cast<Index>(bytes.size());
    layout.blocks.push_back({end, std::move(bytes)});
    end += size;
  }
  layout.file_bytes = end;
  layout.blocks.push_back({0, std::move(header)});
  return std::make_shared<RawSink>(request.path, request.overwrite, std::move(layout));
}

}  // namespace freestone::formats::fits
