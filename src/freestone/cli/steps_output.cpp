#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "freestone/astro/spectral_cube.h"
#include "freestone/base/log.h"
#include "freestone/cli/commands.h"
#include "freestone/cli/picture.h"
#include "freestone/cli/print.h"
#include "freestone/cli/step.h"
#include "freestone/formats/format_choice.h"
#include "freestone/geo/projection.h"
#include "freestone/label/write.h"
#include "freestone/ops/elementwise.h"
#include "freestone/storage/file.h"
#include "freestone/watch/color_map.h"

namespace freestone::cli {
namespace {

/// "1000,100,100".
Shape lengths(const Arguments& arguments, const std::string& name) {
  Shape out;
  for (const std::string& word : arguments.list(name)) {
    if (out.rank() == kMaxRank) refuse("{}--{}: more than {} lengths.", arguments.where(), name, kMaxRank);
    out.push_back(parse_integer(word, fmt::format("{}--{}", arguments.where(), name)));
  }
  return out;
}

formats::Packing packing_of(const Arguments& arguments) {
  formats::Packing packing;
  packing.chunks = lengths(arguments, "chunks");
  packing.shards = lengths(arguments, "shards");
  packing.compressor = arguments.text("compress");
  if (arguments.has("level")) packing.level = static_cast<int>(std::min<Index>(arguments.integer("level", 0, 0), 1000));
  if (arguments.has("shuffle")) packing.shuffle = arguments.text("shuffle") == "yes";
  packing.fletcher32 = arguments.has("fletcher32");
  if (arguments.has("zarr-version")) packing.version = arguments.text("zarr-version") == "2" ? 2 : 3;
  formats::RasterPacking& raster = packing.raster;
  raster.interleave = arguments.text("interleave");
  if (arguments.has("predictor")) raster.predictor = static_cast<int>(std::min<Index>(arguments.integer("predictor", 1, 1), 1000));
  raster.overviews = arguments.text("overviews");
  raster.overview_resampling = arguments.text("overview-resampling");
  raster.bigtiff = arguments.text("bigtiff");
  return packing;
}

/// Those that --unlimited names, else those of the input that the output can have.
std::vector<std::string> unlimited_dims(const Flow& flow, const Arguments& arguments, const std::string& path) {
  if (arguments.text("unlimited") == "none") return {};
  if (arguments.has("unlimited") || arguments.has("append") || flow.unlimited_dims.empty()) return arguments.list("unlimited");
  return unlimited_dims_in(formats::format_for(path, arguments.text("as")).name, flow.unlimited_dims, flow.labelled());
}

/// Formats with CF's grid mappings get the CRS as well-known text, where PROJ is there: GDAL reads nothing else of them.
void spell_out_crs(std::vector<astro::SkyArray>& arrays, const std::string& format) {
  for (astro::SkyArray& array : arrays) {
    for (formats::Attribute& attribute : array.attributes) {
      const auto* crs = std::get_if<std::string>(&attribute.value);
      if (attribute.key != "crs" || crs == nullptr) continue;
      try {
        attribute.value = geo::wkt_of(*crs);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kUser) throw;
        log(LogLevel::kWarning, "{} gets the CRS as '{}', by which GDAL does not know it: {}", format, *crs, error.message());
      }
    }
  }
}

/// A whole number exactly, where it is one.
formats::AttributeValue nodata_from(const std::string& text) {
  const auto is_one = [&](auto& whole) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (std::int64_t whole = 0; is_one(whole)) return whole;
  if (std::uint64_t large = 0; is_one(large)) return large;
  if (text == "nan" || text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  return parse_number(text, "--nodata");
}

void write(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string& path = arguments.words().front();
  astro::WriteOptions options;
  options.format = arguments.text("as");
  options.overwrite = request.overwrite() || arguments.has("overwrite");
  if (arguments.has("dtype")) options.dtype = arguments.parsed("dtype", [](const std::string& name) { return parse_dtype(name); });
  options.packing = packing_of(arguments);
  options.append = arguments.text("append");
  options.unlimited_dims = unlimited_dims(flow, arguments, path);
  options.texts = flow.texts;
  options.beside = flow.beside;
  options.groups = flow.groups;
  options.is_dataset = flow.is_whole;
  std::vector<astro::SkyArray> arrays = flow.arrays;
  if (const formats::FormatChoice format = formats::format_for(path, options.format); format.holds_several) spell_out_crs(arrays, format.name);
  options.mask = flow.mask;
  options.nodata.former = flow.nodata;
  if (arguments.has("nodata")) options.nodata.wanted = arguments.parsed("nodata", nodata_from);
  // FITS cards hold ASCII only.
  for (const char c : flow.history) options.history += c >= ' ' && c <= '~' ? c : '?';
  request.add_file(path, astro::outputs_for(arrays, flow.attributes, path, options));
}

/// A picture is made when everything is computed; what would stop it then is looked for now.
void check_picture(const std::string& path, bool overwrite) {
  struct stat status {};
  const std::string folder = folder_of(path);
  if (stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    fail(ErrorKind::kIo, "{}: its folder {} does not exist.", path, folder);
  if (!overwrite && lstat(path.c_str(), &status) == 0)
    fail(ErrorKind::kUser, "{}: exists already. Choose another name, or allow it with --overwrite.", path);
}

void plot(Flow& flow, const Arguments& arguments, Request& request) {
  PictureStyle style;
  style.path = arguments.words().front();
  if (style.path.size() < 5 || style.path.compare(style.path.size() - 4, 4, ".png") != 0)
    refuse("plot: '{}': pictures are PNG files; give a name that ends in .png.", style.path);
  style.overwrite = request.overwrite() || arguments.has("overwrite");
  style.range = arguments.text("range");
  style.color_map = arguments.text("cmap", "viridis");
  if (arguments.has("cmap")) arguments.parsed("cmap", watch::ColorMap::named);
  try {
    watch::value_range({}, style.range, 0, 100);
  } catch (const Error& error) {
    refuse("plot: {}", error.what());
  }
  astro::SkyArray picture = flow.array();
  for (int axis = picture.rank() - 1; axis >= 0 && picture.rank() > 2; --axis) {
    if (picture.data.shape()[axis] != 1) continue;
    std::vector<Slice> slices(static_cast<std::size_t>(picture.rank()));
    slices[static_cast<std::size_t>(axis)] = Slice::at(0);
    picture = astro::slice(picture, slices);
  }
  if (picture.rank() != 1 && picture.rank() != 2) {
    if (picture.rank() == 0) fail(ErrorKind::kUser, "plot: the result is one number; leave plot out and it is printed.");
    fail(ErrorKind::kUser,
         "plot: a picture has one or two axes, this array has {} {}. Reduce one before ('! moment --order 0', '! mean --axis {}') or take "
         "one plane ('! select --index {}=0').",
         picture.rank(), to_string(picture.data.shape()), picture.dims[0], picture.dims[0]);
  }
  if (picture.data.size() == 0) fail(ErrorKind::kUser, "plot: the array has no elements: {}.", to_string(picture.data.shape()));
  check_picture(style.path, style.overwrite);
  request.claim(style.path);
  style.label = flow.label;
  const auto object = picture.header.text("OBJECT");
  style.title = arguments.text("title", object && !object->empty() ? *object : flow.input);
  const Result values = request.add_result(astype(picture.data, DType::kFloat64));
  request.afterwards([picture, style, values] {
    draw(picture, {values->data<double>(), static_cast<std::size_t>(values->view().count())}, style);
    return std::string();
  });
}

}  // namespace

std::vector<OptionRow> packing_options() {
  return {
      {"chunks", "N,N...", "Zarr, NetCDF-4, HDF5, GeoTIFF: lengths of a chunk, one an axis (default: the input's, else 1 to 4 MiB)"},
      {"shards", "N,N...", "Zarr: lengths of a file that holds several chunks"},
      {"compress", "NAME", "Zarr: none, zstd, gzip, zlib, lz4, bz2, blosc-lz4 (default), blosc-zstd...; GeoTIFF: none, deflate (default), lzw, zstd, packbits, lzma, jpeg, webp, lerc; "
                           "NetCDF-4, HDF5: none, deflate (default where the input has it), zstd, lzf, lz4, bz2, blosc-lz4...; FITS: none (default), rice, gzip"},
      {"level", "N", "Zarr, GeoTIFF, NetCDF-4, HDF5: of the compression; JPEG and WebP in GeoTIFF: the quality, 1 to 100 (default 75)"},
      {"shuffle", "yes|no", "NetCDF-4, HDF5: sorts the bytes of elements before they are compressed (default: yes)", {"yes", "no"}},
      {"fletcher32", "", "NetCDF-4, HDF5: a checksum behind each chunk"},
      {"nodata", "V",
       "GeoTIFF, NetCDF, Zarr, FITS of integers: the number that pixels without one get (default: the input's; where the dtype has none such, "
       "or numbers have been computed, NaN, the lowest of signed or the largest of unsigned integers)"},
      {"unlimited", "NAME,...", "NetCDF, HDF5: dimensions that may grow later, or none (default: those of the input)"},
      {"predictor", "N", "GeoTIFF: 1 none, 2 differences, 3 of floats (default: what fits the numbers)", {"1", "2", "3"}},
      {"interleave", "HOW", "GeoTIFF: the bands each for itself, or those of a pixel together (default: band; cog up to four bands: pixel)", {"band", "pixel"}},
      {"overviews", "HOW", "GeoTIFF: auto (cog: the default), none, or factors such as 2,4,8"},
      {"overview-resampling", "HOW", "GeoTIFF: nearest, average (default), rms, mode, min, max; what is nodata does not count"},
      {"bigtiff", "HOW", "GeoTIFF: yes, no, if-needed (default)", {"yes", "no", "if-needed"}},
      {"zarr-version", "N", "3 (default) or 2", {"2", "3"}},
  };
}

std::vector<StepRow> output_steps() {
  return {
      {"write",
       "PATH",
       "to a file, format by suffix (.fits, .nc, .zarr, .tif, .image, .npy) or --as cog, with coordinates and attributes; passes its input on",
       "cube.fits ! median --axis spectral ! write continuum.fits",
       true,
       joined({{"as", "FORMAT", "a format by its name, whatever the suffix ('freestone doctor' lists them)"},
               {"dtype", "DTYPE", "converts the elements: float32, int16..."},
               {"overwrite", "", "may replace a file"},
               {"append", "NAME", "NetCDF-4, HDF5: puts the array behind what the file has, along this unlimited dimension"}},
              packing_options()),
       write},
      {"plot",
       "PATH.png",
       "a picture: an image with coordinates and colour bar, or a spectrum as a line; passes its input on",
       "cube.fits ! moment --order 1 ! plot m1.png --cmap coolwarm --range 7120:7150",
       true,
       {{"cmap", "NAME", "viridis (default), plasma, inferno, magma, coolwarm, gray; with _r reversed"},
        {"range", "LO:HI", "of values; a side left out: percentile 0.5 or 99.5"},
        {"title", "TEXT", "default: the header's OBJECT, or the file's name"},
        {"overwrite", "", "may replace a file"}},
       plot},
  };
}

}  // namespace freestone::cli
