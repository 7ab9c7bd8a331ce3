#include "freestone/formats/tiff_image.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/storage/chunk_table.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/codec_libtiff.h"
#include "freestone/storage/codec_tiff.h"

namespace freestone::formats::tiff {
namespace {

// As in the standard: widths and heights are of 32 bits, samples of 16.
constexpr Index kLongestSide = 0xffffffff;
constexpr Index kMostBands = 0xffff;
// GDAL and libtiff have the same limit.
constexpr Index kLargestChunk = 0x7fffffff;
// Uncompressed strips are read in pieces of about this size.
constexpr Index kGoodPiece = Index{1} << 20;

enum SampleFormat : Index { kUnsigned = 1, kSigned = 2, kFloat = 3, kVoid = 4, kComplexInteger = 5, kComplexFloat = 6 };

struct CompressionName {
  Index number;
  const char* name;
};
constexpr CompressionName kCompressionNames[] = {
    {kNone, "none"}, {kCcittRle, "CCITT RLE"}, {kFax3, "fax group 3"}, {kFax4, "fax group 4"}, {kLzw, "lzw"}, {kOldJpeg, "JPEG of the old kind"},
    {kJpeg, "jpeg"}, {kDeflate, "deflate"}, {kOldDeflate, "deflate"}, {kPackBits, "packbits"}, {kLerc, "lerc"}, {kLzma, "lzma"},
    {kZstd, "zstd"}, {kWebp, "webp"}, {32809, "ThunderScan"}, {34712, "JPEG 2000"}, {50002, "JPEG XL"}, {33003, "JPEG 2000"}, {33005, "JPEG 2000"},
};

bool is_libtiffs(Index compression) {
  switch (compression) {
    case kCcittRle: case kFax3: case kFax4: case kJpeg: case kLerc: case kWebp: return true;
    default: return false;
  }
}

/// The only value of a list that has one for each sample.
Index same_for_all(const std::string& file, const Directory& directory, Tag tag, Index otherwise) {
  const auto values = directory.integers(tag, kMostBands);
  for (const Index value : values) {
    if (value != values.front()) fail(ErrorKind::kUser, "{}: its samples differ in {}: {}", file, name_of(tag), fmt::join(values, ", "));
  }
  return values.empty() ? otherwise : values.front();
}

void set_dtype(const std::string& file, Index format, Image& image) {
  const auto refuse = [&](std::string_view what) { fail(ErrorKind::kUser, "{}: it holds {} of {} bits, which are not read", file, what, image.bits); };
  const auto set = [&](DType dtype) { image.stored = image.dtype = dtype; };
  switch (format) {
    case kUnsigned: case kVoid:
      switch (image.bits) {
        case 8: return set(DType::kUint8);
        case 16: return set(DType::kUint16);
        case 32: return set(DType::kUint32);
        case 64: return set(DType::kUint64);
        default: break;
      }
      if (image.bits < 1 || image.bits > 16) refuse("unsigned integers");
      return set(image.bits < 8 ? DType::kUint8 : DType::kUint16);
    case kSigned:
      switch (image.bits) {
        case 8: return set(DType::kInt8);
        case 16: return set(DType::kInt16);
        case 32: return set(DType::kInt32);
        case 64: return set(DType::kInt64);
        default: refuse("signed integers");
      }
      break;
    case kFloat:
      switch (image.bits) {
        case 16:
          image.halves = true;
          image.stored = DType::kUint16;
          image.dtype = DType::kFloat32;
          return;
        case 32: return set(DType::kFloat32);
        case 64: return set(DType::kFloat64);
        default: refuse("floats");
      }
      break;
    case kComplexFloat:
      switch (image.bits) {
        case 64: return set(DType::kComplex64);
        case 128: return set(DType::kComplex128);
        default: refuse("complex numbers");
      }
      break;
    case kComplexInteger:
      image.is_complex_integer = true;
      switch (image.bits) {
        case 32: return set(DType::kComplex64);
        case 64: return set(DType::kComplex128);
        default: refuse("complex integers");
      }
      break;
    default: fail(ErrorKind::kData, "{}: {} is {}, which does not exist.", file, name_of(kSampleFormat), format);
  }
}

Index times(Index a, Index b) {
  Index product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kLargestChunk * kLargestChunk : product;
}

/// Bytes of a row of elements as they are stored before compression.
Index packed_bytes(const Image& image, Index elements) {
  return image.bits % 8 == 0 ? times(elements, image.bits / 8) : (times(elements, image.bits) + 7) / 8;
}

Index parts(Index whole, Index part) { return (whole + part - 1) / part; }

/// From a chunk's elements to the file.
CodecChain codecs_of(const std::shared_ptr<const File>& file, const Directory& directory, const Image& image, ByteOrder order, Index last_rows,
                     Index last_chunk) {
  const Index samples = image.is_separate ? 1 : image.bands, row = image.chunk_width * samples;
  std::vector<CodecRef> codecs;
  if (image.bits % 8 != 0) codecs.push_back(packed_bits_codec(image.bits, row));
  if (image.is_complex_integer) {
    const bool is_short = image.bits == 32;
    codecs.push_back(as_type_codec({is_short ? DType::kFloat32 : DType::kFloat64, kNativeOrder},
                                   {is_short ? DType::kInt16 : DType::kInt32, is_libtiffs(image.compression) ? kNativeOrder : order}));
  }
  if (image.predictor != 1) {
    const TiffRow shape{.elements = row, .samples = samples, .element_bytes = image.bits / 8, .order = order};
    codecs.push_back(image.predictor == 2 ? horizontal_differences_codec(shape) : floating_differences_codec(shape));
  }
  const Index row_bytes = packed_bytes(image, row);
  switch (image.compression) {
    case kNone: break;
    case kLzw: codecs.push_back(tiff_lzw_codec()); break;
    case kDeflate: case kOldDeflate: codecs.push_back(zlib_codec(6)); break;
    case kPackBits: codecs.push_back(packbits_codec(row_bytes)); break;
    case kZstd: codecs.push_back(zstd_codec(9)); break;
    case kLzma: codecs.push_back(xz_codec(6)); break;
    default:
      codecs.push_back(libtiff_codec({.name = name_of_compression(image.compression), .file = file, .directory = directory.offset(), .chunk_bytes = row_bytes * image.chunk_height,
                                      .last_chunk_bytes = row_bytes * last_rows, .last_chunk = last_chunk,
                                      .to_rgb = image.compression == kJpeg && image.photometric == kYCbCr}));
      return CodecChain(std::move(codecs));  // it looks at the order of bits itself
  }
  if (image.fill_order == 2) codecs.push_back(reversed_bits_codec());
  return CodecChain(std::move(codecs));
}

/// Rows of an uncompressed strip that are read as one piece, so that a file of one strip has chunks all the same.
Index rows_of_piece(const Image& image, Index row_bytes) {
  const Index wanted = std::max<Index>(1, kGoodPiece / std::max<Index>(1, row_bytes));
  if (image.chunk_height <= wanted || image.chunk_height == image.height) return std::min(image.chunk_height, wanted);
  Index rows = wanted;
  while (image.chunk_height % rows != 0) --rows;
  return rows;
}

}  // namespace

std::string name_of_compression(Index number) {
  for (const CompressionName& known : kCompressionNames) {
    if (known.number == number) return known.name;
  }
  return fmt::format("number {}", number);
}

Image read_image(const std::string& file, const Directory& directory) {
  Image image;
  const auto side = [&](Tag tag, Index otherwise, Index most) {
    const Index value = directory.integer(tag, otherwise);
    if (value < 1 || value > most) fail(ErrorKind::kData, "{}: {} is {}; it is 1 to {}. The file is damaged.", file, name_of(tag), value, most);
    return value;
  };
  for (const Tag tag : {kImageWidth, kImageLength}) {
    if (!directory.has(tag)) fail(ErrorKind::kData, "{}: the directory at offset {} has no {}.", file, directory.offset(), name_of(tag));
  }
  image.width = side(kImageWidth, 0, kLongestSide);
  image.height = side(kImageLength, 0, kLongestSide);
  image.bands = side(kSamplesPerPixel, 1, kMostBands);
  image.compression = directory.integer(kCompression, kNone);
  image.predictor = directory.integer(kPredictor, 1);
  image.photometric = directory.integer(kPhotometric, kBlackIsZero);
  image.fill_order = directory.integer(kFillOrder, 1);
  image.is_separate = image.bands > 1 && directory.integer(kPlanarConfiguration, 1) == 2;
  const Index bits = same_for_all(file, directory, kBitsPerSample, 1);
  if (bits < 1 || bits > 256) fail(ErrorKind::kData, "{}: {} is {}. The file is damaged.", file, name_of(kBitsPerSample), bits);
  image.bits = static_cast<int>(bits);
  set_dtype(file, same_for_all(file, directory, kSampleFormat, kUnsigned), image);
  if (image.photometric == kMaskOf && image.bits == 1) image.stored = image.dtype = DType::kBool;

  image.is_tiled = directory.has(kTileWidth) || directory.has(kTileLength);
  if (image.is_tiled) {
    for (const Tag tag : {kTileWidth, kTileLength}) {
      if (!directory.has(tag)) fail(ErrorKind::kData, "{}: the directory at offset {} has no {}.", file, directory.offset(), name_of(tag));
    }
    image.chunk_width = side(kTileWidth, 0, kLongestSide);
    image.chunk_height = side(kTileLength, 0, kLongestSide);
  } else {
    image.chunk_width = image.width;
    image.chunk_height = std::min(image.height, side(kRowsPerStrip, kLongestSide, kLongestSide));
  }
  const Index row = times(image.chunk_width, image.is_separate ? 1 : image.bands), row_bytes = times(row, std::max<Index>(1, image.bits / 8));
  // Uncompressed strips are taken apart.
  const bool is_whole = image.compression != kNone || image.is_tiled;
  if (times(row_bytes, is_whole ? image.chunk_height : 1) > kLargestChunk) {
    fail(ErrorKind::kData, "{}: {} of {} x {} elements are larger than 2 GiB. The file is damaged.", file, image.is_tiled ? "tiles" : "strips",
         image.chunk_height, row);
  }
  if (image.predictor != 1) {
    if (image.compression == kLzw || image.compression == kDeflate || image.compression == kOldDeflate || image.compression == kZstd ||
        image.compression == kLzma) {
      const bool fits = image.predictor == 2 ? image.bits == 8 || image.bits == 16 || image.bits == 32 || image.bits == 64
                                             : image.predictor == 3 && (image.halves || is_floating(image.stored));
      if (image.predictor != 2 && image.predictor != 3) {
        fail(ErrorKind::kData, "{}: {} is {}; 1, 2 and 3 are known.", file, name_of(kPredictor), image.predictor);
      }
      if (!fits) fail(ErrorKind::kUser, "{}: predictor {} of {}-bit {} is not read", file, image.predictor, image.bits, freestone::name_of(image.dtype));
    } else {
      image.predictor = 1;  // no other compression looks at it
    }
  }
  // Subsampled where nothing is said.
  const auto subsampling = directory.integers(kYCbCrSubsampling, 2);
  if (image.photometric == kYCbCr && image.compression != kJpeg && subsampling != std::vector<Index>{1, 1}) {
    fail(ErrorKind::kUser, "{}: its colours (YCbCr) are subsampled without JPEG, which is not read", file);
  }
  return image;
}

std::shared_ptr<const Source> make_source(const std::shared_ptr<const File>& file, const Header& header, const Directory& directory,
                                          const Image& image, std::vector<std::byte> fill, bool has_band_axis, const std::string& name) {
  const std::string where = name.empty() ? file->name() : fmt::format("{}: {}", file->name(), name);
  switch (image.compression) {
    case kNone: case kLzw: case kDeflate: case kOldDeflate: case kPackBits: case kZstd: case kLzma: break;
    default:
      if (!is_libtiffs(image.compression)) fail(ErrorKind::kUser, "{}: its compression ({}) is not read", where, name_of_compression(image.compression));
  }
  if (image.is_complex_integer && image.predictor != 1 && header.order != kNativeOrder) {
    fail(ErrorKind::kUser, "{}: differences of complex integers in the other byte order are not read", where);
  }
  const Index across = parts(image.width, image.chunk_width), down = parts(image.height, image.chunk_height);
  const Index planes = image.is_separate ? image.bands : 1, count = times(times(across, down), planes);
  const Tag offsets_tag = image.is_tiled || directory.has(kTileOffsets) ? kTileOffsets : kStripOffsets;
  const Tag bytes_tag = offsets_tag == kTileOffsets ? kTileByteCounts : kStripByteCounts;
  // Some writers call the lists of tiles those of strips.
  const auto list = [&](Tag tag, Tag other) { return directory.has(tag) ? tag : other; };
  const Tag at = list(offsets_tag, kStripOffsets), sized = list(bytes_tag, kStripByteCounts);
  if (directory.count(at) < count) {
    fail(ErrorKind::kData, "{}: {} has {} values, {} x {} x {} {} need {}. The file is damaged.", where, name_of(at), directory.count(at), planes, down,
         across, image.is_tiled ? "tiles" : "strips", count);
  }
  // Lists that go on too long have been seen; they lie in the file all the same.
  const auto offsets = directory.integers(at, std::max(count, directory.count(at)));
  auto sizes = directory.integers(sized, std::max(count, directory.count(sized)));

  const Index samples = image.is_separate ? 1 : image.bands, row_bytes = packed_bytes(image, image.chunk_width * samples);
  const bool is_packed = image.bits % 8 == 0 && image.compression == kNone && image.fill_order != 2;
  const Index rows_of_last = image.is_tiled ? image.chunk_height : image.height - (down - 1) * image.chunk_height;
  const auto raw_bytes = [&](Index number) {
    const bool is_last = !image.is_tiled && number % (across * down) == across * down - 1;
    return times(row_bytes, is_last ? rows_of_last : image.chunk_height);
  };
  if (sizes.empty() && image.compression == kNone) {
    for (Index i = 0; i < count; ++i) sizes.push_back(raw_bytes(i));
  }
  if (static_cast<Index>(sizes.size()) < count) {
    fail(ErrorKind::kData, "{}: {} has {} values, {} has {}. The file is damaged.", where, name_of(sized), sizes.size(), name_of(at), count);
  }

  // Where all of it is there: absent strips are not worth a list of pieces, which could be longer than memory.
  const bool is_cut = is_packed && !image.is_tiled && times(times(row_bytes, image.height), planes) <= file->size();
  if (!is_cut && times(row_bytes, image.chunk_height) > kLargestChunk) {
    fail(ErrorKind::kData, "{}: its {} rows of {} need more than the file has ({}). It is damaged, or was cut short.", where, image.height,
         format_bytes(row_bytes), format_bytes(file->size()));
  }
  const Index piece = is_cut ? rows_of_piece(image, row_bytes) : image.chunk_height;
  Shape shape{image.height, image.width}, chunk_shape{piece, image.chunk_width};
  if (image.bands > 1 || has_band_axis) {
    shape.insert(0, image.bands);
    chunk_shape.insert(0, samples);
  }
  ChunkedLayout layout;
  layout.grid = ChunkGrid(shape, chunk_shape);
  if (samples > 1) layout.order = {1, 2, 0};
  layout.edge_chunks_are_cut = !image.is_tiled;
  layout.codecs = codecs_of(file, directory, image, header.order, rows_of_last, down - 1);
  const bool is_native = image.bits % 8 != 0 || image.is_complex_integer || image.predictor != 1 || is_libtiffs(image.compression);
  layout.transform = {.stored = image.stored, .order = is_native ? kNativeOrder : header.order, .dtype = image.dtype, .halves = image.halves};
  layout.fill = std::move(fill);
  layout.reference =
      nlohmann::json{{"path", file->location()}, {"variable", name}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);

  std::vector<ListedChunk> chunks;
  chunks.reserve(static_cast<std::size_t>(layout.grid.count()));
  for (Index i = 0; i < count; ++i) {
    ListedChunk chunk{offsets[static_cast<std::size_t>(i)], sizes[static_cast<std::size_t>(i)], 0, 0};
    const bool is_absent = chunk.offset == 0 || (chunk.bytes == 0 && image.compression != kNone);
    // What an uncompressed chunk has too much of is no part of it.
    if (is_packed && chunk.bytes > raw_bytes(i)) chunk.bytes = raw_bytes(i);
    if (is_absent) chunk = {};
    if (!is_cut) {
      chunks.push_back(chunk);
      continue;
    }
    if (!is_absent && chunk.bytes < raw_bytes(i)) {
      fail(ErrorKind::kData, "{}: strip {} has {} bytes, its elements {}. The file is damaged, or was cut short.", where, i, chunk.bytes, raw_bytes(i));
    }
    for (Index left = raw_bytes(i); left > 0; left -= std::min(left, piece * row_bytes)) {
      ListedChunk part = chunk;
      part.bytes = is_absent ? 0 : std::min(left, piece * row_bytes);
      chunks.push_back(part);
      chunk.offset += part.bytes;
    }
  }
  if (image.compression == kLzw) {
    for (const ListedChunk& chunk : chunks) {
      if (chunk.file == ListedChunk::kAbsent || chunk.bytes < 2 || chunk.offset < 0 || chunk.offset > file->size() - 2) continue;
      std::byte start[2];
      file->read_exactly(chunk.offset, start);
      if (is_old_tiff_lzw(start[0], start[1]) && image.fill_order != 2) {
        fail(ErrorKind::kUser, "{}: its LZW is of the kind before TIFF 5.0 (bits in reverse), which is not read", where);
      }
      break;
    }
  }
  auto map = std::make_shared<ChunkTable>(where, layout.grid, std::vector{file}, std::move(chunks));
  return std::make_shared<ChunkedSource>(std::move(layout), std::move(map));
}

}  // namespace freestone::formats::tiff
