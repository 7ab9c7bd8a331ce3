#include "freestone/formats/fits_tiles.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "freestone/storage/chunked_source.h"
#include "freestone/storage/codec_fits.h"

namespace freestone::formats::fits {
namespace {

enum class Algorithm { kRice, kGzip1, kGzip2, kPlio, kHcompress, kNone };

/// What the header says.
struct Image {
  Algorithm algorithm = Algorithm::kNone;
  std::string compression, quantisation;  ///< as ZCMPTYPE and ZQUANTIZ have them
  int bitpix = 8;
  Shape shape, tile;  ///< C order
  Index rice_block = 32, rice_bytes = 4;
  Dither dither = Dither::kNone;
  bool is_quantised = false;
  Index seed = 1;
};

/// A column of the table that is looked at.
struct Column {
  Index offset = -1;  ///< in a row; -1: there is none
  char kind = 0;      ///< of a descriptor, P or Q; of a plain column its type
  char element = 'B';  ///< of what a descriptor points at
};

Index width_of(char code) {
  switch (code) {
    case 'L': case 'A': case 'B': return 1;
    case 'I': return 2;
    case 'J': case 'E': return 4;
    case 'K': case 'D': case 'C': case 'P': return 8;
    case 'M': case 'Q': return 16;
    default: return 0;
  }
}

struct Columns {
  Column compressed, gzipped, plain, scale, zero, blank;
};

Columns read_columns(const std::string& file, const Hdu& hdu) {
  Columns out;
  Index offset = 0;
  const Index fields = hdu.integer(file, "TFIELDS").value_or(0);
  if (fields < 0 || fields > 999) fail(ErrorKind::kData, "{}: TFIELDS in HDU {} is not between 0 and 999.", file, hdu.number);
  for (Index c = 1; c <= fields; ++c) {
    const std::string form = hdu.text(fmt::format("TFORM{}", c)), name = hdu.text(fmt::format("TTYPE{}", c));
    Index repeat = 1;
    const char *at = form.data(), *const end = at + form.size();
    if (at != end && *at >= '0' && *at <= '9') at = std::from_chars(at, end, repeat).ptr;
    const char code = at == end ? '?' : *at;
    const Index width = code == 'X' ? 1 : width_of(code);
    if (width == 0 || repeat < 0 || repeat > (Index{1} << 32)) {
      fail(ErrorKind::kData, "{}: TFORM{} = '{}' in HDU {} is no column format. The header is damaged.", file, c, form, hdu.number);
    }
    const bool is_descriptor = code == 'P' || code == 'Q';
    const Column column{offset, code, is_descriptor && at + 1 < end ? at[1] : code};
    if (repeat > 0) {
      if (name == "COMPRESSED_DATA" && is_descriptor) out.compressed = column;
      if (name == "GZIP_COMPRESSED_DATA" && is_descriptor) out.gzipped = column;
      if (name == "UNCOMPRESSED_DATA" && is_descriptor) out.plain = column;
      if (name == "ZSCALE" && code == 'D') out.scale = column;
      if (name == "ZZERO" && code == 'D') out.zero = column;
      if (name == "ZBLANK" && (code == 'J' || code == 'I' || code == 'K' || code == 'B')) out.blank = column;
    }
    offset += code == 'X' ? (repeat + 7) / 8 : repeat * width;
  }
  if (hdu.axes.size() != 2 || offset > hdu.axes[0]) {
    fail(ErrorKind::kData, "{}: the columns of HDU {} need {} bytes a row, NAXIS1 says {}. The header is damaged.", file, hdu.number, offset,
         hdu.axes.empty() ? 0 : hdu.axes[0]);
  }
  return out;
}

Image read_image(const std::string& file, const Hdu& hdu) {
  Image out;
  const std::string kind = hdu.text("ZCMPTYPE");
  static constexpr std::pair<std::string_view, Algorithm> kKinds[] = {
      {"RICE_1", Algorithm::kRice},   {"RICE_ONE", Algorithm::kRice},       {"GZIP_1", Algorithm::kGzip1},   {"GZIP_2", Algorithm::kGzip2},
      {"PLIO_1", Algorithm::kPlio},   {"HCOMPRESS_1", Algorithm::kHcompress}, {"NOCOMPRESS", Algorithm::kNone}};
  const auto* known = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& k) { return k.first == kind; });
  if (known == std::end(kKinds)) {
    fail(ErrorKind::kUser, "{}: it is a tile-compressed image by '{}'; Freestone reads RICE_1, GZIP_1, GZIP_2, HCOMPRESS_1, PLIO_1 and NOCOMPRESS.", file, kind);
  }
  out.algorithm = known->second;
  out.compression = kind;
  const auto required = [&](const std::string& key) {
    const auto value = hdu.integer(file, key);
    if (!value) fail(ErrorKind::kData, "{}: {} is missing in HDU {}. The header is damaged.", file, key, hdu.number);
    return *value;
  };
  const Index bitpix = required("ZBITPIX");
  if (bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != 64 && bitpix != -32 && bitpix != -64) {
    fail(ErrorKind::kData, "{}: ZBITPIX = {} in HDU {} is none of 8, 16, 32, 64, -32, -64. The header is damaged.", file, bitpix, hdu.number);
  }
  out.bitpix = static_cast<int>(bitpix);
  const Index rank = required("ZNAXIS");
  if (rank < 1 || rank > kMaxRank) fail(ErrorKind::kData, "{}: ZNAXIS = {} in HDU {} is not between 1 and {}.", file, rank, hdu.number, kMaxRank);
  for (Index k = rank; k >= 1; --k) {
    const std::string axis = fmt::format("ZNAXIS{}", k), tile = fmt::format("ZTILE{}", k);
    const Index length = required(axis), step = hdu.integer(file, tile).value_or(k == 1 ? length : 1);
    if (length < 0) fail(ErrorKind::kData, "{}: {} = {} in HDU {} is negative. The header is damaged.", file, axis, length, hdu.number);
    if (step < 1 && length > 0) fail(ErrorKind::kData, "{}: {} = {} in HDU {} is below 1. The header is damaged.", file, tile, step, hdu.number);
    out.shape.push_back(length);
    out.tile.push_back(std::clamp<Index>(step, 1, std::max<Index>(length, 1)));
  }
  for (Index k = 1; hdu.find(fmt::format("ZNAME{}", k)) != nullptr && k < 100; ++k) {
    const std::string name = hdu.text(fmt::format("ZNAME{}", k)), key = fmt::format("ZVAL{}", k);
    if (name == "BLOCKSIZE") out.rice_block = required(key);
    if (name == "BYTEPIX") out.rice_bytes = required(key);
    if (name == "SMOOTH" && out.algorithm == Algorithm::kHcompress && hdu.number_or(key, 0) != 0) {
      fail(ErrorKind::kUser, "{}: it is a tile-compressed image to be smoothed when it is decompressed (HCOMPRESS_1, SMOOTH = 1), which Freestone does not do; funpack does.",
           file);
    }
  }
  if (out.rice_block < 1 || out.rice_block > 65536 || (out.rice_bytes != 1 && out.rice_bytes != 2 && out.rice_bytes != 4)) {
    fail(ErrorKind::kData, "{}: HDU {} has Rice's BLOCKSIZE = {} and BYTEPIX = {}, which cannot be.", file, hdu.number, out.rice_block, out.rice_bytes);
  }
  out.quantisation = hdu.text("ZQUANTIZ");
  if (out.quantisation == "SUBTRACTIVE_DITHER_1") out.dither = Dither::kSubtractive1;
  if (out.quantisation == "SUBTRACTIVE_DITHER_2") out.dither = Dither::kSubtractive2;
  out.seed = hdu.integer(file, "ZDITHER0").value_or(1);
  return out;
}

template <class T>
T big_endian(const std::byte* at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(static_cast<T>(value << 4 << 4) | std::to_integer<T>(at[i]));
  return value;
}

double double_at(const std::byte* at) {
  const auto bits = big_endian<std::uint64_t>(at);
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// A tile's bytes, and what they need beside.
struct Tile {
  enum Kind : std::int8_t { kMissing, kCompressed, kGzipped, kPlain };
  Index offset = 0;
  Index bytes = 0;
  double scale = 1, zero = 0;
  std::int64_t blank = 0;
  Kind kind = kMissing;
};

class TileMap final : public ChunkMap {
 public:
  TileMap(std::shared_ptr<const File> file, const Hdu& hdu) : file_(std::move(file)), image_(read_image(file_->name(), hdu)), grid_(image_.shape, image_.tile) {
    name_ = fmt::format("{}: HDU {}", file_->name(), hdu.number);
    read_rows(hdu);
  }

  StoredChunk find(const Dims& position) const override {
    const Tile& tile = at(position);
    if (tile.kind == Tile::kMissing) {
      fail(ErrorKind::kData, "{}: row {} of its table, tile {}, holds no pixels. It is damaged.", name_, grid_.index_of(position) + 1, to_string(position));
    }
    return {file_, tile.offset, tile.bytes};
  }
  std::string name_of(const Dims&) const override { return name_; }
  Identity identity() const override { return file_->identity(); }
  void check_unchanged() const override {}

  std::optional<CodecChain> codecs_of(const Dims& position) const override {
    const Tile& tile = at(position);
    const StoredType pixel{stored(), kNativeOrder}, pixel_in_file{stored(), ByteOrder::kBig};
    // Floating numbers that did not bear to be quantised are stored as they are.
    if (tile.kind == Tile::kGzipped) return CodecChain({as_type_codec(pixel, pixel_in_file), gzip_codec(6)});
    if (tile.kind == Tile::kPlain) return CodecChain({as_type_codec(pixel, pixel_in_file)});
    std::vector<CodecRef> chain;
    DType whole = stored();  // as the algorithm makes it
    if (image_.is_quantised) {
      Quantisation q{tile.scale, tile.zero, std::nullopt, image_.dither, grid_.index_of(position) + image_.seed - 1};
      if (has_blank_) q.blank = tile.blank;
      chain.push_back(quantised_codec(stored(), q));
      whole = DType::kInt32;
    }
    const auto made_of = [&](DType dtype) {
      if (dtype != whole) chain.push_back(as_type_codec({whole, kNativeOrder}, {dtype, kNativeOrder}));
    };
    switch (image_.algorithm) {
      case Algorithm::kRice:
        made_of(image_.rice_bytes == 1 ? DType::kUint8 : image_.rice_bytes == 2 ? DType::kInt16 : DType::kInt32);
        chain.push_back(rice_codec(image_.rice_bytes, image_.rice_block));
        break;
      case Algorithm::kPlio:
        made_of(DType::kInt32);
        chain.push_back(plio_codec());
        break;
      case Algorithm::kHcompress: {
        made_of(DType::kInt64);
        const Shape shape = grid_.box(grid_.index_of(position)).shape;
        const int rank = shape.rank();
        chain.push_back(hcompress_codec(rank < 2 ? 1 : shape[rank - 2], shape.back()));
        break;
      }
      case Algorithm::kGzip1:
      case Algorithm::kGzip2:
      case Algorithm::kNone:
        if (wide_gzip_ && !image_.is_quantised) {
          chain.push_back(as_type_codec({whole, kNativeOrder}, {DType::kInt32, ByteOrder::kBig}));
          whole = DType::kInt32;
        } else {
          chain.push_back(as_type_codec({whole, kNativeOrder}, {whole, ByteOrder::kBig}));
        }
        if (image_.algorithm == Algorithm::kGzip2) chain.push_back(shuffle_codec(size_of(whole)));
        if (image_.algorithm != Algorithm::kNone) chain.push_back(gzip_codec(6));
        break;
    }
    return CodecChain(std::move(chain));
  }

  /// Room for whatever chain a tile has, by the names that the header has for it.
  CodecChain room() const {
    // Narrow pixels may have been compressed as wider numbers.
    const Index widest = std::max<Index>(size_of(stored()), image_.algorithm == Algorithm::kHcompress ? 8 : 4) / size_of(stored());
    const std::string quantised = image_.is_quantised ? fmt::format("quantised ({})", image_.quantisation.empty() ? "NO_DITHER" : image_.quantisation) : "";
    return CodecChain({room_codec(widest, 64, image_.compression), room_codec(1, 64, quantised), room_codec(2, 4096, "")});
  }
  DType stored() const {
    switch (image_.bitpix) {
      case 8: return DType::kUint8;
      case 16: return DType::kInt16;
      case 32: return DType::kInt32;
      case 64: return DType::kInt64;
      case -32: return DType::kFloat32;
      default: return DType::kFloat64;
    }
  }
  const ChunkGrid& grid() const { return grid_; }
  int bitpix() const { return image_.bitpix; }
  /// The integer that means nothing, where the tiles say so and not BLANK.
  std::optional<Index> blank() const { return image_.bitpix > 0 && has_blank_ && !tiles_.empty() ? std::optional<Index>(tiles_.front().blank) : std::nullopt; }

 private:
  const Tile& at(const Dims& position) const { return tiles_[static_cast<std::size_t>(grid_.index_of(position))]; }

  void read_rows(const Hdu& hdu) {
    const std::string& file = file_->name();
    const Columns columns = read_columns(file, hdu);
    if (columns.compressed.offset < 0 && columns.gzipped.offset < 0 && columns.plain.offset < 0) {
      fail(ErrorKind::kData, "{}: the table of HDU {} has no column COMPRESSED_DATA. The header is damaged.", file, hdu.number);
    }
    const bool has_scale = columns.scale.offset >= 0 || hdu.find("ZSCALE") != nullptr;
    image_.is_quantised = image_.bitpix < 0 && has_scale && hdu.text("ZQUANTIZ") != "NONE";
    has_blank_ = columns.blank.offset >= 0 || hdu.find("ZBLANK") != nullptr;
    const bool takes_floats = image_.algorithm == Algorithm::kGzip1 || image_.algorithm == Algorithm::kGzip2 || image_.algorithm == Algorithm::kNone;
    if (image_.bitpix < 0 && !image_.is_quantised && !takes_floats && columns.gzipped.offset < 0) {
      fail(ErrorKind::kData, "{}: HDU {} holds floating numbers by {} without ZSCALE. The header is damaged.", file, hdu.number, hdu.text("ZCMPTYPE"));
    }
    if (image_.bitpix == 64 && !takes_floats) {
      fail(ErrorKind::kUser, "{}: it is a tile-compressed image of 64-bit integers by {}, which has none.", file, hdu.text("ZCMPTYPE"));
    }
    if (image_.algorithm == Algorithm::kHcompress) {
      for (int k = 0; k + 2 < image_.tile.rank(); ++k) {
        if (image_.tile[k] != 1) fail(ErrorKind::kData, "{}: HDU {} has tiles of more than two axes by HCOMPRESS_1, which has two.", file, hdu.number);
      }
    }
    const Index row_bytes = hdu.axes[0], rows = hdu.axes[1], count = grid_.count();
    if (rows < count) {
      fail(ErrorKind::kData, "{}: HDU {} has {} rows for {} tiles. The header is damaged, or the file was cut short.", file, hdu.number, rows, count);
    }
    const Index heap = hdu.integer(file, "THEAP").value_or(row_bytes * rows);
    if (heap < 0 || heap > hdu.data_bytes) fail(ErrorKind::kData, "{}: THEAP = {} in HDU {} lies outside its data. The header is damaged.", file, heap, hdu.number);
    const double scale = hdu.number_or("ZSCALE", 1), zero = hdu.number_or("ZZERO", 0);
    const Index blank = hdu.integer(file, "ZBLANK").value_or(0);

    const auto place = [&](const std::byte* row, const Column& column, Tile& tile, Tile::Kind kind) {
      if (tile.kind != Tile::kMissing || column.offset < 0) return;
      const std::byte* const from = row + column.offset;
      const bool wide = column.kind == 'Q';
      const auto n = wide ? static_cast<Index>(big_endian<std::uint64_t>(from)) : static_cast<Index>(static_cast<std::int32_t>(big_endian<std::uint32_t>(from)));
      const auto at = wide ? static_cast<Index>(big_endian<std::uint64_t>(from + 8))
                           : static_cast<Index>(static_cast<std::int32_t>(big_endian<std::uint32_t>(from + 4)));
      if (n == 0) return;
      const Index room = hdu.data_bytes - heap, width = std::max<Index>(width_of(column.element), 1);
      if (n < 0 || at < 0 || at > room || n > (room - at) / width) {
        fail(ErrorKind::kData, "{}: row {} of HDU {} has {} elements at {} of a heap of {} bytes. It is damaged, or the file was cut short.", file,
             tiles_.size() + 1, hdu.number, n, at, room);
      }
      tile.kind = kind;
      tile.offset = hdu.data_offset + heap + at;
      tile.bytes = n * width;
    };
    const Index rows_at_once = std::max<Index>(1, (Index{1} << 20) / std::max<Index>(row_bytes, 1));
    std::vector<std::byte> block;
    for (Index first = 0; first < count; first += rows_at_once) {
      const Index n = std::min(rows_at_once, count - first);
      block.resize(static_cast<std::size_t>(n * row_bytes));
      file_->read_exactly(hdu.data_offset + first * row_bytes, block);
      for (Index r = 0; r < n; ++r) {
        const std::byte* const row = block.data() + r * row_bytes;
        Tile tile{.scale = scale, .zero = zero, .blank = blank};
        place(row, columns.compressed, tile, Tile::kCompressed);
        place(row, columns.gzipped, tile, Tile::kGzipped);
        place(row, columns.plain, tile, Tile::kPlain);
        if (columns.scale.offset >= 0) tile.scale = double_at(row + columns.scale.offset);
        if (columns.zero.offset >= 0) tile.zero = double_at(row + columns.zero.offset);
        if (columns.blank.offset >= 0) {
          const std::byte* const from = row + columns.blank.offset;
          switch (columns.blank.kind) {
            case 'B': tile.blank = static_cast<std::int64_t>(big_endian<std::uint8_t>(from)); break;
            case 'I': tile.blank = static_cast<std::int16_t>(big_endian<std::uint16_t>(from)); break;
            case 'J': tile.blank = static_cast<std::int32_t>(big_endian<std::uint32_t>(from)); break;
            default: tile.blank = static_cast<std::int64_t>(big_endian<std::uint64_t>(from)); break;
          }
        }
        if (image_.bitpix > 0 && has_blank_ && !tiles_.empty() && tile.blank != tiles_.front().blank) {
          fail(ErrorKind::kUser, "{}: it is a tile-compressed image of integers whose ZBLANK is {} in one tile and {} in another, which is not read; funpack does.", file,
               tiles_.front().blank, tile.blank);
        }
        tiles_.push_back(tile);
      }
    }
    look_at_width();
    file_->check_unchanged();
  }

  /// Old fpack compressed narrow integers by gzip as 32-bit ones; nothing but the length that a stream of gzip ends with says so.
  void look_at_width() {
    const bool is_gzip = image_.algorithm == Algorithm::kGzip1 || image_.algorithm == Algorithm::kGzip2;
    if (!is_gzip || (image_.bitpix != 8 && image_.bitpix != 16)) return;
    const auto first = std::find_if(tiles_.begin(), tiles_.end(), [](const Tile& tile) { return tile.kind == Tile::kCompressed && tile.bytes >= 18; });
    if (first == tiles_.end()) return;
    std::byte length[4];
    file_->read_exactly(first->offset + first->bytes - 4, length);
    Index bytes = 0;
    for (int k = 4; k-- > 0;) bytes = bytes << 8 | std::to_integer<Index>(length[k]);
    wide_gzip_ = bytes == grid_.box(first - tiles_.begin()).count() * 4;
  }

  std::shared_ptr<const File> file_;
  Image image_;
  ChunkGrid grid_;
  std::string name_;
  bool has_blank_ = false;
  bool wide_gzip_ = false;
  std::vector<Tile> tiles_;
};

}  // namespace

std::shared_ptr<const Source> open_tiles(const std::shared_ptr<const File>& file, const Hdu& hdu, const std::string& reference) {
  auto map = std::make_shared<TileMap>(file, hdu);
  Hdu image = hdu;
  image.bitpix = map->bitpix();
  if (const auto blank = map->blank(); blank && image.find("BLANK") == nullptr) image.attributes.push_back({"BLANK", *blank});
  ChunkedLayout layout;
  layout.grid = map->grid();
  // Rows of an image are tiles by default: many are one nominal chunk.
  layout.nominal = layout.grid.chunk();
  constexpr Index kNominalElements = 1'000'000;
  for (int k = layout.nominal.rank() - 1; k >= 0; --k) {
    while (layout.nominal[k] < layout.grid.shape()[k] && element_count(layout.nominal) * 2 <= kNominalElements) layout.nominal[k] *= 2;
    if (layout.nominal[k] < layout.grid.shape()[k]) break;
  }
  layout.edge_chunks_are_cut = true;
  layout.codecs = map->room();
  layout.transform = pixel_transform(file->name(), image);
  layout.transform.order = kNativeOrder;
  layout.reference = reference;
  return std::make_shared<ChunkedSource>(std::move(layout), std::move(map));
}

}  // namespace freestone::formats::fits
