#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/formats/fits_card.h"
#include "freestone/formats/tiff.h"
#include "freestone/formats/tiff_sink.h"
#include "freestone/storage/codec_libtiff.h"
#include "freestone/storage/codec_tiff.h"

namespace freestone::formats::tiff {
namespace {

// As GDAL's COG driver has it: a request for a tile is some 100 KB, and a window of a screen meets few.
constexpr Index kTileSide = 512;
constexpr Index kTileStep = 16;  // the standard's
constexpr Index kLongestSide = 0xffffffff;
constexpr Index kMostBands = 0xffff;
constexpr Index kLargestChunk = 0x7fffffff;
// Below the end of what classic TIFF can address: room for the directory.
constexpr Index kClassicRoom = (Index{1} << 32) - (Index{1} << 26);
// LERC 2.4, as libtiff writes it; 0: nothing compresses its bytes once more.
constexpr Index kLercVersion = 4;
// A picture with its opacity: what a viewer of a COG wants in one request.
constexpr Index kBandsOfPicture = 4;

struct Compressor {
  std::string_view name;
  Compression number;
  int level;  ///< when none is asked for
  bool has_level, has_predictor;
};
// deflate first: every reader has it, it is smaller than LZW, and libdeflate reads it faster.
constexpr Compressor kCompressors[] = {{"deflate", kDeflate, 6, true, true},      {"lzw", kLzw, 0, false, true},    {"zstd", kZstd, 9, true, true},
                                       {"packbits", kPackBits, 0, false, false},  {"lzma", kLzma, 6, true, true},   {"none", kNone, 0, false, false},
                                       {"jpeg", kJpeg, 75, true, false},          {"webp", kWebp, 75, true, false},  {"lerc", kLerc, 0, false, false},
                                       {"zlib", kDeflate, 6, true, true},         {"gzip", kDeflate, 6, true, true}};

const Compressor& compressor_of(const WriteRequest& request) {
  const std::string wanted = request.packing.compressor.empty() ? "deflate" : request.packing.compressor;
  std::vector<std::string> names;
  for (const Compressor& compressor : kCompressors) {
    if (compressor.name == wanted) {
      if (request.packing.level && !compressor.has_level) fail(ErrorKind::kUser, "{}: {} has no level.", request.path, wanted);
      return compressor;
    }
    names.emplace_back(compressor.name);
  }
  fail(ErrorKind::kUser, "{}: TIFF has no compressor '{}'.{} It has {}.", request.path, wanted, suggestion(wanted, names), fmt::join(names, ", "));
}

Index stepped(Index side) { return (side + kTileStep - 1) / kTileStep * kTileStep; }

struct Grid {
  Shape chunk;  ///< on the array's axes
  bool is_tiled = true;
};

Grid asked_grid(const Spec& spec, const WriteRequest& request) {
  const Shape& shape = spec.shape;
  Shape asked = request.packing.chunks;
  const int rank = shape.rank();
  if (asked.rank() != 2 && asked.rank() != rank) {
    fail(ErrorKind::kUser, "{}: --chunks has {} lengths: it takes the height and width of a tile, or (band, height, width).", request.path, asked.rank());
  }
  if (asked.rank() < rank) asked.insert(0, 1);
  for (const Index length : asked) {
    if (length < 1) fail(ErrorKind::kUser, "{}: --chunks: a length of {}; it is 1 or more.", request.path, length);
  }
  if (rank == 3 && asked[0] != 1 && asked[0] < shape[0]) {
    fail(ErrorKind::kUser, "{}: --chunks of {} bands: a tile of TIFF holds one band, or all {}.", request.path, asked[0], shape[0]);
  }
  if (rank == 3) asked[0] = std::min(asked[0], shape[0]);
  const int y = rank - 2, x = rank - 1;
  if (asked[y] % kTileStep == 0 && asked[x] % kTileStep == 0) return {asked, true};
  if (asked[x] < shape[x]) {
    fail(ErrorKind::kUser, "{}: --chunks of {} x {}: tiles of TIFF are multiples of {}, such as {} x {}; strips are as wide as the image ({}).",
         request.path, asked[y], asked[x], kTileStep, stepped(asked[y]), stepped(asked[x]), shape[x]);
  }
  asked[x] = shape[x];
  asked[y] = std::min(asked[y], shape[y]);
  return {asked, false};
}

/// Whether the compressor is one of pictures, which see the colours of a pixel together.
bool is_of_pictures(const Compressor& compressor) { return compressor.number == kJpeg || compressor.number == kWebp; }

/// The encoder of libtiff for tiles of `samples` bands a pixel.
CodecRef encoder_of_libtiff(const Spec& spec, const WriteRequest& request, const Compressor& compressor, const Grid& grid, Index samples, bool is_ycbcr) {
  const int rank = spec.shape.rank();
  const int quality = request.packing.level.value_or(compressor.level);
  const auto refuse = [&](std::string_view what) { fail(ErrorKind::kUser, "{}: {} {}.", request.path, compressor.name, what); };
  if (!grid.is_tiled) refuse("is written in tiles, not in strips: give --chunks in multiples of 16");
  if (is_of_pictures(compressor)) {
    if (spec.dtype != DType::kUint8) refuse(fmt::format("is for uint8, this array is {}; --dtype uint8 converts, deflate and lerc hold it", freestone::name_of(spec.dtype)));
    if (quality < 1 || quality > 100) refuse(fmt::format("has a quality (--level) of 1 to 100, not {}", quality));
    if (compressor.number == kWebp && samples != 3 && samples != 4) refuse("is for pictures of three or four bands that lie together (--interleave pixel)");
    if (samples > 4) refuse(fmt::format("holds at most four bands together, not {}: --interleave band keeps each for itself", samples));
  } else if (is_complex(spec.dtype) || spec.dtype == DType::kInt64 || spec.dtype == DType::kUint64) {
    refuse(fmt::format("does not hold {}", freestone::name_of(spec.dtype)));
  }
  try {
    return libtiff_encoder({.name = std::string(compressor.name), .compression = compressor.number, .width = grid.chunk[rank - 1], .height = grid.chunk[rank - 2],
                            .samples = samples, .dtype = spec.dtype == DType::kBool ? DType::kUint8 : spec.dtype, .quality = quality, .is_ycbcr = is_ycbcr});
  } catch (const Error& error) {
    fail(error.kind(), "{}: {}", request.path, error.message());
  }
}

Grid grid_of(const Spec& spec, const WriteRequest& request, const Compressor& compressor, bool is_cog) {
  const int rank = spec.shape.rank();
  const std::string& interleave = request.packing.raster.interleave;
  if (!interleave.empty() && interleave != "band" && interleave != "pixel") {
    fail(ErrorKind::kUser, "{}: --interleave '{}': it is band or pixel.", request.path, interleave);
  }
  const bool has_choice = rank == 3 && request.packing.chunks.rank() != 3;
  const bool is_picture = rank == 3 && spec.shape[0] <= kBandsOfPicture && (is_cog || is_of_pictures(compressor));
  const Index together = rank == 3 && (interleave == "pixel" || (interleave.empty() && is_picture)) ? spec.shape[0] : 1;
  if (!request.packing.chunks.empty()) {
    Grid grid = asked_grid(spec, request);
    if (has_choice) grid.chunk[0] = together;
    if (!has_choice && !interleave.empty() && rank == 3 && (grid.chunk[0] == 1) != (interleave == "band") && spec.shape[0] > 1) {
      fail(ErrorKind::kUser, "{}: --chunks of {} bands and --interleave {} do not go together.", request.path, grid.chunk[0], interleave);
    }
    if (is_cog && !grid.is_tiled) {
      fail(ErrorKind::kUser, "{}: --chunks {}: a COG has tiles, of multiples of {}.", request.path, to_string(grid.chunk), kTileStep);
    }
    return grid;
  }
  Grid grid{Shape(rank, 1)};
  if (rank == 3) grid.chunk[0] = together;
  for (int k = rank - 2; k < rank; ++k) {
    const bool is_wanted = request.chunks_are_wanted && request.nominal_chunks.rank() == rank;
    const Index side = is_wanted ? request.nominal_chunks[k] : kTileSide;
    grid.chunk[k] = stepped(std::clamp<Index>(side, 1, spec.shape[k]));
  }
  return grid;
}

Index sample_format(DType dtype) {
  if (is_complex(dtype)) return 6;
  if (is_floating(dtype)) return 3;
  return is_signed_integer(dtype) ? 2 : 1;
}

std::vector<Attribute> attributes_of(const WriteRequest& request) {
  std::vector<Attribute> out;
  const auto put = [&](const Attribute& attribute) {
    const auto* text = std::get_if<std::string>(&attribute.value);
    const auto found = std::find_if(out.begin(), out.end(), [&](const Attribute& a) { return a.key == attribute.key; });
    if (found == out.end()) {
      out.push_back(attribute);
    } else if ((attribute.key == "COMMENT" || attribute.key == "HISTORY") && text != nullptr) {
      found->value = std::get<std::string>(found->value) + "\n" + *text;
    } else {
      *found = attribute;
    }
  };
  for (const Attribute& attribute : fits::parse_cards(fits::sanitised_cards(request.header_cards))) put(attribute);
  for (const auto* list : {&request.plain_attributes, &request.attributes}) {
    for (const Attribute& attribute : *list) put(attribute);
  }
  return out;
}

TagToWrite long_tags(std::uint16_t tag, const std::vector<Index>& values) {
  TagToWrite out{tag, FieldType::kLong, static_cast<Index>(values.size()), {}};
  for (const Index value : values) {
    for (int i = 0; i < 4; ++i) out.bytes += static_cast<char>(value >> (8 * i));
  }
  return out;
}
TagToWrite long_tag(std::uint16_t tag, Index value) { return long_tags(tag, {value}); }

/// What the samples mean, and the colours of a palette; grey where nobody said so.
void put_photometric(const std::vector<Attribute>& attributes, DType dtype, Index bands, std::vector<TagToWrite>& tags) {
  const auto* said = value_of<std::string>(attributes, "photometric");
  const auto* colours = value_of<std::vector<std::int64_t>>(attributes, "colormap");
  const bool is_small = dtype == DType::kUint8 || dtype == DType::kUint16;
  Index photometric = kBlackIsZero, used = 1;
  if (said != nullptr && *said == "rgb" && bands >= 3 && is_small) {
    photometric = kRgb;
    used = 3;
  } else if (said != nullptr && *said == "white is zero") {
    photometric = kWhiteIsZero;
  } else if (colours != nullptr && bands == 1 && is_small && colours->size() % 3 == 0 && colours->size() / 3 <= (dtype == DType::kUint8 ? 256 : 65536)) {
    // Colours of an image with fewer bits are filled up.
    photometric = kPalette;
    const std::size_t given = colours->size() / 3, wanted = dtype == DType::kUint8 ? 256 : 65536;
    std::vector<Index> map(3 * wanted);
    for (std::size_t i = 0; i < colours->size(); ++i) map[i / given * wanted + i % given] = (*colours)[i];
    tags.push_back(short_tag(kColorMap, map));
  }
  tags.push_back(short_tag(kPhotometric, {photometric}));
  if (bands <= used) return;
  // 0: unspecified. A band of numbers is no opacity unless somebody said so.
  std::vector<Index> extra(static_cast<std::size_t>(bands - used), 0);
  if (const auto* kinds = value_of<std::vector<std::int64_t>>(attributes, "extra_samples"); kinds != nullptr && kinds->size() == extra.size()) {
    for (std::size_t i = 0; i < extra.size(); ++i) extra[i] = std::clamp<Index>((*kinds)[i], 0, 2);
  }
  tags.push_back(short_tag(kExtraSamples, extra));
}

/// What the attributes call nodata, as one element; empty when there is none, or none that the type holds.
std::vector<std::byte> nodata_of(const std::vector<Attribute>& attributes, DType dtype) {
  if (is_complex(dtype)) return {};
  for (const Attribute& attribute : attributes) {
    if (attribute.key != "nodata" && attribute.key != "_FillValue") continue;
    std::vector<std::byte> out;
    with_real_type(dtype, [&]<class U>(TypeTag<U>) {
      using T = std::conditional_t<std::is_same_v<U, bool>, std::uint8_t, U>;
      const AttributeNumbers numbers = numbers_of(attribute.value);
      if (numbers.size() != 1 || (!std::is_floating_point_v<T> && !can_hold(dtype_of<T>(), numbers))) return;
      const T value = numbers.as<T>().front();
      out.resize(sizeof(T));
      std::memcpy(out.data(), &value, sizeof(T));
    });
    return out;
  }
  return {};
}

Index predictor_of(const WriteRequest& request, const Compressor& compressor, DType dtype) {
  const auto asked = request.packing.raster.predictor;
  const Index fits = is_complex(dtype) ? 1 : is_floating(dtype) ? 3 : 2;
  if (!asked) return compressor.has_predictor ? fits : 1;
  if (*asked < 1 || *asked > 3) fail(ErrorKind::kUser, "{}: --predictor {}: it is 1 (none), 2 (differences) or 3 (differences of floats).", request.path, *asked);
  if (*asked == 1) return 1;
  if (!compressor.has_predictor) fail(ErrorKind::kUser, "{}: {} has no predictor.", request.path, compressor.name);
  if (is_complex(dtype) || (*asked == 3 && !is_floating(dtype))) {
    fail(ErrorKind::kUser, "{}: predictor {} is not for {}.", request.path, *asked, freestone::name_of(dtype));
  }
  return *asked;
}

/// Levels of overviews, each with whether it is wanted; an image of one pixel has none.
std::vector<bool> overviews_of(const WriteRequest& request, const Shape& shape, const Grid& grid, bool is_cog) {
  const std::string& asked = request.packing.raster.overviews;
  const int rank = shape.rank();
  if (asked == "none" || (asked.empty() && !is_cog)) return {};
  if (!grid.is_tiled) fail(ErrorKind::kUser, "{}: overviews are made of tiles, not of strips: give --chunks in multiples of {}.", request.path, kTileStep);
  if (asked.empty() || asked == "auto") {
    return std::vector<bool>(static_cast<std::size_t>(levels_down_to(shape, std::max(grid.chunk[rank - 2], grid.chunk[rank - 1]))), true);
  }
  std::vector<bool> out;
  const char *at = asked.data(), *const end = at + asked.size();
  for (Index before = 1; at < end;) {
    Index factor = 0;
    const auto [next, error] = std::from_chars(at, end, factor);
    const bool is_power = factor > 0 && (factor & (factor - 1)) == 0;
    if (error != std::errc() || (next < end && *next != ',') || next + 1 == end || !is_power || factor <= before || factor > (Index{1} << 31)) {
      fail(ErrorKind::kUser, "{}: --overviews '{}': auto, none, or powers of two that grow, as in 2,4,8.", request.path, asked);
    }
    for (; before < factor; before *= 2) out.push_back(false);
    out.back() = true;
    at = next == end ? end : next + 1;
  }
  const int most = levels_down_to(shape, 1);
  if (static_cast<int>(out.size()) > most) {
    fail(ErrorKind::kUser, "{}: --overviews {}: of {} one pixel is left at {}.", request.path, asked, to_string(shape), Index{1} << most);
  }
  return out;
}

bool asks_for_big(const WriteRequest& request, bool otherwise) {
  const std::string& asked = request.packing.raster.bigtiff;
  if (asked == "yes") return true;
  if (asked == "no") return false;
  if (!asked.empty() && asked != "if-needed") fail(ErrorKind::kUser, "{}: --bigtiff '{}': it is yes, no or if-needed.", request.path, asked);
  return otherwise;
}

/// The mask of an image, one bit a pixel: in tiles or strips as the image has them, with the same overviews.
TiffImage mask_of(const TiffImage& image) {
  const Shape &shape = image.spec.shape, &chunk = image.chunk;
  const int rank = shape.rank();
  TiffImage mask{.spec = {{shape[rank - 2], shape[rank - 1]}, DType::kBool}, .chunk = {chunk[rank - 2], chunk[rank - 1]}, .is_tiled = image.is_tiled};
  mask.codecs = CodecChain({packed_bits_codec(1, mask.chunk[1]), zlib_codec(6)});
  mask.resampling = image.resampling == Resampling::kNearest ? Resampling::kNearest : Resampling::kMax;  // a block counts where a pixel of it does
  const auto tags = [&](const Shape& size, bool is_reduced) {
    return std::vector<TagToWrite>{long_tag(kNewSubfileType, is_reduced ? 5 : 4), long_tag(kImageWidth, size[1]), long_tag(kImageLength, size[0]),
                                   short_tag(kBitsPerSample, {1}), short_tag(kSampleFormat, {1}), short_tag(kSamplesPerPixel, {1}), short_tag(kPlanarConfiguration, {1}),
                                   short_tag(kCompression, {kDeflate}), short_tag(kPhotometric, {kMaskOf}),
                                   long_tag(mask.is_tiled ? kTileLength : kRowsPerStrip, mask.chunk[0])};
  };
  const auto with_width = [&](std::vector<TagToWrite> list) {
    if (mask.is_tiled) list.push_back(long_tag(kTileWidth, mask.chunk[1]));
    return list;
  };
  Shape size = mask.spec.shape;
  mask.tags = with_width(tags(size, false));
  for (const TiffImage::Overview& overview : image.overviews) {
    size = halved(size);
    mask.overviews.push_back({overview.is_written, with_width(tags(size, true))});
  }
  return mask;
}

std::vector<std::shared_ptr<Sink>> sinks_of(const Spec& spec, const WriteRequest& request, bool is_cog, bool has_mask) {
  const Shape& shape = spec.shape;
  const int rank = shape.rank();
  if (rank != 2 && rank != 3) {
    fail(ErrorKind::kUser, "{}: an image of TIFF is (y, x) or (band, y, x), this array has {} axes. zarr or npy would hold it.", request.path, rank);
  }
  if (element_count(shape) == 0) fail(ErrorKind::kUser, "{}: an image of TIFF has no empty axes, this array is {}.", request.path, to_string(shape));
  const Index bands = rank == 3 ? shape[0] : 1, height = shape[rank - 2], width = shape[rank - 1];
  if (bands > kMostBands || height > kLongestSide || width > kLongestSide) {
    fail(ErrorKind::kUser, "{}: {} is more than TIFF holds: {} bands of {} x {}.", request.path, to_string(shape), kMostBands, kLongestSide, kLongestSide);
  }
  if (!request.packing.shards.empty() || request.packing.version != 0) {
    fail(ErrorKind::kUser, "{}: TIFF has neither shards nor versions; zarr has.", request.path);
  }
  if (!request.dims.empty() && static_cast<int>(request.dims.size()) != rank) {
    fail(ErrorKind::kInternal, "{}: {} names for {} axes", request.path, request.dims.size(), rank);
  }
  const Compressor& compressor = compressor_of(request);
  const Grid grid = grid_of(spec, request, compressor, is_cog);
  const Index samples = rank == 3 ? grid.chunk[0] : 1, chunk_width = grid.chunk[rank - 1], chunk_height = grid.chunk[rank - 2];
  const Index chunk_bytes = element_count(grid.chunk) * freestone::size_of(spec.dtype);
  if (static_cast<double>(samples) * static_cast<double>(chunk_width) * static_cast<double>(chunk_height) * 16 > static_cast<double>(Index{1} << 60) ||
      chunk_bytes > kLargestChunk) {
    fail(ErrorKind::kUser, "{}: --chunks {} are larger than the 2 GiB that readers take.", request.path, to_string(grid.chunk));
  }

  TiffOutput output;
  TiffImage image{.spec = spec, .chunk = grid.chunk, .is_tiled = grid.is_tiled};
  const Index element_bytes = freestone::size_of(spec.dtype);
  const TiffRow row{.elements = chunk_width * samples, .samples = samples, .element_bytes = element_bytes};
  const Index predictor = predictor_of(request, compressor, spec.dtype);
  std::vector<CodecRef> codecs;
  if (predictor == 2) codecs.push_back(horizontal_differences_codec(row));
  if (predictor == 3) codecs.push_back(floating_differences_codec(row));
  const int level = request.packing.level.value_or(compressor.level);
  // Three bands of bytes together are colours.
  const bool is_ycbcr = compressor.number == kJpeg && bands == 3 && samples == 3;
  switch (compressor.number) {
    case kDeflate: codecs.push_back(zlib_codec(level)); break;
    case kLzw: codecs.push_back(tiff_lzw_codec()); break;
    case kZstd: codecs.push_back(zstd_codec(level)); break;
    case kPackBits: codecs.push_back(packbits_codec(row.elements * element_bytes)); break;
    case kLzma: codecs.push_back(xz_codec(level)); break;
    case kJpeg: case kWebp: case kLerc: codecs.push_back(encoder_of_libtiff(spec, request, compressor, grid, samples, is_ycbcr)); break;
    default: break;
  }
  image.codecs = CodecChain(std::move(codecs));
  const std::vector<bool> overviews = overviews_of(request, shape, grid, is_cog);
  const double chunks = static_cast<double>(ChunkGrid(shape, grid.chunk).count()) * (overviews.empty() ? 1 : 1.5) + 2 * static_cast<double>(overviews.size());
  const double most = chunks * (static_cast<double>(image.codecs.largest_encoded(chunk_bytes)) + 10 + (has_mask ? static_cast<double>(chunk_width * chunk_height) / 4 : 0));
  const bool is_open = is_cog && (request.packing.raster.bigtiff.empty() || request.packing.raster.bigtiff == "if-needed");
  if (!is_open) output.is_big = asks_for_big(request, most > static_cast<double>(kClassicRoom));
  output.is_cog = is_cog;

  const bool is_separate = bands > 1 && samples == 1;
  const auto per_band = [&](Tag tag, Index value) { return short_tag(tag, std::vector<Index>(static_cast<std::size_t>(bands), value)); };
  const std::vector<Attribute> attributes = attributes_of(request);
  image.tags = metadata_tags(attributes, bands, request.dims, rank == 3);
  // What overviews say as well.
  std::vector<TagToWrite> tags;
  for (const TagToWrite& tag : image.tags) {
    if (tag.tag == kGdalNodata) tags.push_back(tag);
  }
  const std::size_t already = tags.size();
  put_photometric(attributes, spec.dtype, bands, tags);
  if (is_ycbcr || (compressor.number == kWebp && samples >= 3)) {
    const bool is_rgb = std::any_of(tags.begin(), tags.end(), [](const TagToWrite& tag) { return tag.tag == kPhotometric && tag.bytes == short_tag(kPhotometric, {kRgb}).bytes; });
    std::erase_if(tags, [&](const TagToWrite& tag) { return tag.tag == kPhotometric || (tag.tag == kExtraSamples && !is_rgb); });
    if (!is_rgb && bands > 3) tags.push_back(short_tag(kExtraSamples, std::vector<Index>(static_cast<std::size_t>(bands - 3), 0)));
    tags.push_back(short_tag(kPhotometric, {is_ycbcr ? kYCbCr : kRgb}));
    if (is_ycbcr) tags.push_back(short_tag(kYCbCrSubsampling, {2, 2}));
  }
  if (compressor.number == kLerc) tags.push_back(long_tags(kLercParameters, {kLercVersion, 0}));
  tags.push_back(per_band(kBitsPerSample, 8 * element_bytes));
  tags.push_back(per_band(kSampleFormat, sample_format(spec.dtype)));
  tags.push_back(short_tag(kCompression, {compressor.number}));
  tags.push_back(short_tag(kSamplesPerPixel, {bands}));
  tags.push_back(short_tag(kPlanarConfiguration, {is_separate ? 2 : 1}));
  if (predictor != 1) tags.push_back(short_tag(kPredictor, {predictor}));
  if (grid.is_tiled) {
    tags.push_back(long_tag(kTileWidth, chunk_width));
    tags.push_back(long_tag(kTileLength, chunk_height));
  } else {
    tags.push_back(long_tag(kRowsPerStrip, chunk_height));
  }
  Shape smaller = shape;
  for (const bool is_written : overviews) {
    smaller = halved(smaller);
    TiffImage::Overview overview{is_written, tags};
    overview.tags.push_back(long_tag(kNewSubfileType, 1));
    overview.tags.push_back(long_tag(kImageWidth, smaller[rank - 1]));
    overview.tags.push_back(long_tag(kImageLength, smaller[rank - 2]));
    image.overviews.push_back(std::move(overview));
  }
  image.tags.insert(image.tags.end(), tags.begin() + static_cast<std::ptrdiff_t>(already), tags.end());
  image.tags.push_back(long_tag(kImageWidth, width));
  image.tags.push_back(long_tag(kImageLength, height));

  const bool is_palette = std::any_of(tags.begin(), tags.end(), [](const TagToWrite& tag) { return tag.tag == kColorMap; });
  const std::string& resampling = request.packing.raster.overview_resampling;
  image.resampling = !resampling.empty() ? parse_resampling(resampling) : is_palette ? Resampling::kNearest : Resampling::kAverage;
  if (!overviews.empty() && !has_resampling(spec.dtype, image.resampling)) {
    fail(ErrorKind::kUser, "{}: overviews of {} are made by nearest or average.", request.path, freestone::name_of(spec.dtype));
  }
  image.missing = {nodata_of(attributes, spec.dtype)};
  output.images.push_back(std::move(image));
  if (has_mask) output.images.push_back(mask_of(output.images.front()));
  const std::size_t count = output.images.size();
  const auto file = std::make_shared<TiffFile>(request.path, request.overwrite, std::move(output));
  std::vector<std::shared_ptr<Sink>> sinks;
  for (std::size_t k = 0; k < count; ++k) sinks.push_back(std::make_shared<TiffSink>(file, k));
  return sinks;
}

}  // namespace

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) { return sinks_of(spec, request, false, false).front(); }
std::shared_ptr<Sink> create_cog_sink(const Spec& spec, const WriteRequest& request) { return sinks_of(spec, request, true, false).front(); }
std::vector<std::shared_ptr<Sink>> create_masked_sinks(const Spec& spec, const WriteRequest& request) { return sinks_of(spec, request, false, true); }
std::vector<std::shared_ptr<Sink>> create_masked_cog_sinks(const Spec& spec, const WriteRequest& request) { return sinks_of(spec, request, true, true); }

}  // namespace freestone::formats::tiff
