#include "freestone/formats/format.h"

#include "freestone/formats/format_choice.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include "freestone/base/settings.h"
#include "freestone/formats/casa.h"
#include "freestone/formats/fits.h"
#include "freestone/formats/gdal.h"
#include "freestone/formats/hdf5.h"
#include "freestone/formats/kerchunk.h"
#include "freestone/formats/netcdf3.h"
#include "freestone/formats/npy.h"
#include "freestone/formats/opendap.h"
#include "freestone/formats/tiff.h"
#include "freestone/formats/zarr.h"
#include "freestone/storage/gunzip.h"
#include "freestone/storage/http_client.h"
#include "freestone/storage/location.h"
#include "freestone/storage/remote_file.h"

namespace freestone::formats {
namespace {

Contents open_gzip(std::shared_ptr<const File> file);

/// A node of Zarr is a folder; what is a file of that name is something else, or damaged.
Contents refuse_zarr_file(std::shared_ptr<const File> file) {
  fail(ErrorKind::kData, "{}: a Zarr store is a folder, this is a file. A zipped one must be unpacked first.", file->name());
}

/// An image of CASA is a folder as well.
Contents refuse_casa_file(std::shared_ptr<const File> file) {
  fail(ErrorKind::kData, "{}: an image of CASA is a folder, this is a file. A packed one must be unpacked first.", file->name());
}

struct Format {
  FormatInfo info;
  std::string_view magic;  ///< the file's first bytes; empty: it is told by its suffix alone
  Contents (*open)(std::shared_ptr<const File>);
  std::shared_ptr<Sink> (*create_sink)(const Spec&, const WriteRequest&);
  bool has_chunks = false;  ///< takes a Packing
  std::vector<std::shared_ptr<Sink>> (*create_sinks)(const DatasetRequest&) = nullptr;  ///< null: a file is one array
  std::vector<std::string_view> other_magics = {};  ///< that files may begin with as well
  bool has_groups = false;  ///< and dimensions of their own in each
  bool can_append = false;
  std::vector<std::shared_ptr<Sink>> (*create_masked_sinks)(const Spec&, const WriteRequest&) = nullptr;  ///< null: no masks
};

const std::vector<Format>& table() {
  static const std::vector<Format> kTable = {
      {{"fits", {".fits", ".fit", ".fts", ".fz"}, true, true, "FITS images (primary, extensions, tile-compressed) with their headers and small tables"},
       "SIMPLE  ", fits::open, fits::create_sink, true},
      {{"netcdf3", {".nc3", ".cdf"}, true, true, "netCDF-3: classic, 64-bit offset and 64-bit data"}, "CDF", netcdf3::open, netcdf3::create_sink, false,
       netcdf3::create_sinks},
      {{"npy", {".npy"}, true, true, "NumPy's file of one array"}, "\x93NUMPY", npy::open, npy::create_sink},
      {{"zarr", {".zarr"}, true, true, "Zarr arrays and groups, versions 2 and 3 (folders of chunks)"}, "", refuse_zarr_file, zarr::create_sink, true,
       zarr::create_sinks, {}, true},
      {{"casa", {".image", ".im"}, true, true, "images of CASA (folders of casacore's tables)"}, "", refuse_casa_file, casa::create_sink, true},
      {{"netcdf4", {".nc", ".nc4"}, true, true, "NetCDF-4: HDF5 with named dimensions"}, "\x89HDF\r\n\x1a\n", hdf5::open, hdf5::create_netcdf_sink,
       true, hdf5::create_netcdf_sinks, {}, true, true},
      {{"hdf5", {".h5", ".hdf5", ".he5", ".hdf"}, true, true, "HDF5 datasets and groups"}, "\x89HDF\r\n\x1a\n", hdf5::open, hdf5::create_sink, true,
       hdf5::create_sinks, {}, true, true},
      {{"kerchunk", {".json", ".parq", ".parquet"}, true, false, "references to chunks of other files (kerchunk's JSON, versions 0 and 1, and Parquet)"}, "", kerchunk::open, nullptr},
      {{"geotiff", {".tif", ".tiff", ".gtiff"}, true, true, "TIFF, BigTIFF and GeoTIFF images"},
       std::string_view("II*\0", 4), tiff::open, tiff::create_sink, true, nullptr,
       {std::string_view("MM\0*", 4), std::string_view("II+\0", 4), std::string_view("MM\0+", 4)}, false, false, tiff::create_masked_sinks},
      {{"cog", {".tif", ".tiff"}, false, true, "cloud-optimised GeoTIFF: overviews, and what a reader looks at first comes first"},
       "", nullptr, tiff::create_cog_sink, true, nullptr, {}, false, false, tiff::create_masked_cog_sinks},
      {{"gdal",
        {".vrt", ".jp2", ".j2k", ".jpx", ".grib", ".grb", ".grib2", ".grb2", ".img", ".bil", ".bip", ".bsq", ".asc", ".dem", ".hgt", ".png", ".jpg", ".jpeg", ".gpkg"},
        true, false, "other rasters (VRT, JPEG 2000, ENVI, GRIB...) through GDAL, where its plug-in is there"},
       "", gdal::open, nullptr},
      {{"gzip", {".gz"}, true, false, "any file of these compressed by gzip, decompressed once into a temporary file"}, "\x1f\x8b", open_gzip, nullptr},
  };
  return kTable;
}

bool has_suffix(const std::string& path, const Format& format) {
  std::string lower = path;
  while (lower.size() > 1 && lower.back() == '/') lower.pop_back();
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(format.info.suffixes.begin(), format.info.suffixes.end(), [&](const std::string& s) { return lower.ends_with(s); });
}

/// "fits (.fits, .fit), npy (.npy)".
std::string known_formats(bool writable) {
  std::string out;
  for (const Format& format : table()) {
    if (!(writable ? format.info.can_write : format.info.can_read)) continue;
    std::string suffixes;
    for (const std::string& suffix : format.info.suffixes) suffixes += (suffixes.empty() ? "" : ", ") + suffix;
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", format.info.name, suffixes);
  }
  return out;
}

/// @param name whose suffix counts where the first bytes say nothing
Contents open_bytes(const std::shared_ptr<const File>& file, const std::string& name) {
  char start[8] = {};
  const auto n = static_cast<std::size_t>(std::min<Index>(8, file->size()));
  file->read_exactly(0, std::as_writable_bytes(std::span(start, n)));
  const auto begins_with = [&](std::string_view magic) { return !magic.empty() && std::string_view(start, n).starts_with(magic); };
  for (const Format& format : table()) {
    if (begins_with(format.magic) || std::any_of(format.other_magics.begin(), format.other_magics.end(), begins_with)) return format.open(file);
  }
  // Behind somebody else's block at its start (MATLAB's).
  if (hdf5::is_hdf5(*file)) return hdf5::open(file);
  // The suffix says what it should have been, and that format's own error says what is wrong.
  for (const Format& format : table()) {
    if (format.info.can_read && has_suffix(is_url(name) ? leaf_of(name) : name, format)) return format.open(file);
  }
  if (auto contents = gdal::open_if_known(file)) return std::move(*contents);
  fail(ErrorKind::kUser, "{}: it is in no format that Freestone knows. It reads {}.", file->name(), known_formats(false));
}

Contents open_gzip(std::shared_ptr<const File> file) {
  if (!is_gzip(*file)) fail(ErrorKind::kData, "{}: it does not begin as files of gzip do.", file->name());
  const auto plain = gunzip(file, default_settings().temp_dir);
  if (is_gzip(*plain)) fail(ErrorKind::kUser, "{}: it is compressed by gzip twice. Decompress it once (gunzip).", file->name());
  std::string name = file->name();
  if (name.ends_with(".gz") || name.ends_with(".GZ")) name.resize(name.size() - 3);
  if (hdf5::is_hdf5(*plain)) {
    // Its library opens files by their names.
    fail(ErrorKind::kUser, "{}: an HDF5 file compressed by gzip cannot be read as it is. Decompress it (gunzip).", file->name());
  }
  Contents contents = open_bytes(plain, name);
  contents.is_unpacked = true;
  return contents;
}

/// What a path that is not there was meant to be, when some folder on the way to it is a Zarr node.
void fail_inside_node(const std::string& path) {
  namespace stdfs = std::filesystem;
  std::error_code error;
  for (stdfs::path folder = stdfs::path(path).parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (stdfs::is_directory(folder, error)) {
      if (!zarr::is_node(folder.string())) return;
      const Contents contents = zarr::open(folder.string());
      std::string wanted = stdfs::path(path).lexically_relative(folder).string();
      select_variable(contents, wanted);
    }
    if (folder == folder.parent_path()) return;
  }
}

bool is_coordinate(const Variable& variable) {
  return variable.dims.size() == 1 && variable.dims[0] == variable.name.substr(variable.name.rfind('/') + 1);
}

/// What lies below `group` (ends with '/'), named from there, with what the group says, and the coordinates above it of axes that are used
/// there.
Contents only_group(Contents contents, const std::string& group) {
  std::vector<Variable> inside, above;
  for (Variable& variable : contents.variables) {
    const std::string folder = variable.name.substr(0, variable.name.rfind('/') + 1);
    if (variable.name.starts_with(group)) {
      variable.name.erase(0, group.size());
      inside.push_back(std::move(variable));
    } else if (is_coordinate(variable) && group.starts_with(folder)) {
      above.push_back(std::move(variable));
    }
  }
  // The nearest one above is meant.
  std::stable_sort(above.begin(), above.end(), [](const Variable& a, const Variable& b) { return a.name.size() > b.name.size(); });
  for (Variable& variable : above) {
    const std::string dim = variable.dims[0];
    const auto has_axis = [&](const Variable& v) { return std::find(v.dims.begin(), v.dims.end(), dim) != v.dims.end(); };
    const auto is_labelled = [&](const Variable& v) { return v.name == dim; };
    if (std::none_of(inside.begin(), inside.end(), has_axis) || std::any_of(inside.begin(), inside.end(), is_labelled)) continue;
    variable.name = dim;
    inside.push_back(std::move(variable));
  }
  contents.variables = std::move(inside);
  contents.attributes.clear();
  std::vector<Contents::Group> below;
  for (Contents::Group& other : contents.groups) {
    if (other.path + "/" == group) contents.attributes = std::move(other.attributes);
    else if (other.path.starts_with(group)) below.push_back({other.path.substr(group.size()), std::move(other.attributes)});
  }
  contents.groups = std::move(below);
  return contents;
}

/// "x.nc/daily" and "x.nc/daily/tas": a group of a file, or one array with its coordinates. None when no part of the path is a file of groups.
/// @throws Error kind user: the file has no such group or array
std::optional<Contents> open_inside_file(const std::string& path) {
  namespace stdfs = std::filesystem;
  std::error_code error;
  for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    const std::string file = path.substr(0, slash);
    if (!stdfs::is_regular_file(file, error)) continue;
    Contents contents = open_file(file);
    if (!contents.is_group) return std::nullopt;
    std::string part = path.substr(slash + 1);
    while (!part.empty() && part.back() == '/') part.pop_back();
    const auto lies_below = [&](const Variable& v) { return part.empty() || v.name.starts_with(part + "/"); };
    if (std::any_of(contents.variables.begin(), contents.variables.end(), lies_below)) {
      contents.path = path;
      return part.empty() ? contents : only_group(std::move(contents), part + "/");
    }
    const std::string name = select_variable(contents, part).name;
    const auto end = name.rfind('/');
    if (end != std::string::npos) contents = only_group(std::move(contents), name.substr(0, end + 1));
    const std::string last = name.substr(end + 1);
    std::erase_if(contents.variables, [&](const Variable& v) { return v.name != last && !is_coordinate(v); });
    contents.path = path;
    return contents;
  }
  return std::nullopt;
}

/// HTML, where a file was asked for.
bool is_page(const File& file) {
  char start[64] = {};
  const auto n = static_cast<std::size_t>(std::min<Index>(sizeof start - 1, file.size()));
  file.read_exactly(0, std::as_writable_bytes(std::span(start, n)));
  std::string_view text(start, n);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text.starts_with("<!") || text.starts_with("<html") || text.starts_with("<HTML");
}

/// False, too, when nobody answers: there is an error to tell already.
bool answers_as_dataset(const std::string& url) {
  try {
    return opendap::answers(url);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kCancelled) throw;
    return false;
  }
}

/// A Zarr node at a URL has no file of that name: what looks like one is tried first.
Contents open_url(const std::string& url) {
  if (opendap::says_so(url)) return opendap::open(url);
  const RemoteAddress address(url, remote_options());
  const bool looks_like_node = url.find(".zarr") != std::string::npos || leaf_of(url).find('.') == std::string::npos;
  if (leaf_of(url).ends_with(".parq") || leaf_of(url).ends_with(".parquet")) {
    if (auto contents = kerchunk::open_if_parquet(url)) return std::move(*contents);
  }
  // An OPeNDAP server has no file at the URL of a dataset either: it refuses, or answers with a page for people.
  std::shared_ptr<const File> file;
  const bool may_be_dataset = !address.is_s3() && !url.ends_with('/');
  try {
    if (looks_like_node) {
      if (auto contents = zarr::open_if_node(url)) return std::move(*contents);
    }
    if (!url.ends_with('/')) file = RemoteFile::open_if_there(address);
  } catch (const HttpRefusal& refusal) {
    const bool is_unknown = refusal.status() == 400 || refusal.status() == 403 || refusal.status() == 405 || refusal.status() == 501;
    if (!may_be_dataset || !is_unknown || !answers_as_dataset(url)) throw;
    return opendap::open(url);
  }
  if (may_be_dataset && (!file || is_page(*file)) && answers_as_dataset(url)) return opendap::open(url);
  if (file) return open_bytes(file, address.shown());
  if (!looks_like_node) {
    if (auto contents = zarr::open_if_node(url)) return std::move(*contents);
  }
  fail(ErrorKind::kIo, "{}: there is neither a file nor a Zarr node (HTTP 404).", address.shown());
}

/// @throws Error kind user: no such format, or it is not written
const Format& format_to_write(const std::string& path, const std::string& name) {
  std::vector<std::string> names;
  for (const Format& format : table()) {
    if (format.create_sink == nullptr) continue;
    if (name.empty() ? has_suffix(path, format) : format.info.name == name) return format;
    names.push_back(format.info.name);
  }
  if (!name.empty()) {
    fail(ErrorKind::kUser, "{}: there is no format '{}' to write.{} Freestone writes {}.", path, name, suggestion(name, names), known_formats(true));
  }
  fail(ErrorKind::kUser, "{}: its suffix names no format to write. Freestone writes {}; a format is also named with --as.", path, known_formats(true));
}

void check_append(const Format& format, const std::string& path, const std::string& dim) {
  if (dim.empty() || format.can_append) return;
  fail(ErrorKind::kUser, "{}: Freestone does not append to files of {}; to netcdf4 and hdf5 it does.", path, format.info.name);
}

template <typename T>
std::string text_of_one(const T& value) {
  return fmt::format("{}", value);
}
template <typename T>
std::string text_of_one(const std::vector<T>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

std::string text_of(const AttributeValue& value) {
  return std::visit([](const auto& v) { return text_of_one(v); }, value);
}

Contents open_file(const std::string& path) {
  if (path.starts_with("file://")) return open_file(path.substr(7));
  if (is_url(path)) return open_url(path);
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    if (casa::is_table(path)) return casa::open(path);
    if (!zarr::is_node(path)) {
      if (auto contents = kerchunk::open_if_parquet(path)) return std::move(*contents);
    }
    return zarr::open(path);
  }
  if (!std::filesystem::exists(status)) {
    if (auto inside = open_inside_file(path)) return std::move(*inside);
    fail_inside_node(path);
  }
  return open_bytes(File::open(path), path);
}

namespace {

void check_raster(const Format& format, const std::string& path, const Packing& packing) {
  const bool has_pixels = format.create_sink == tiff::create_sink || format.create_sink == tiff::create_cog_sink;
  if (!has_pixels && packing.raster != RasterPacking{}) {
    fail(ErrorKind::kUser, "{}: predictor, interleave, overviews and bigtiff are options of geotiff and cog, not of {}.", path, format.info.name);
  }
}

}  // namespace

namespace {

const Format& checked_format(const WriteRequest& request) {
  const Format& format = format_to_write(request.path, request.format);
  if (!format.has_chunks && !request.packing.is_default()) {
    fail(ErrorKind::kUser, "{}: {} stores elements as they are: it takes no chunks, shards or compression. zarr and netcdf4 do.", request.path,
         format.info.name);
  }
  check_raster(format, request.path, request.packing);
  check_append(format, request.path, request.append);
  return format;
}

}  // namespace

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) { return checked_format(request).create_sink(spec, request); }

std::vector<std::shared_ptr<Sink>> create_masked_sinks(const Spec& spec, const WriteRequest& request) {
  const Format& format = checked_format(request);
  if (format.create_masked_sinks == nullptr) fail(ErrorKind::kUser, "{}: {} has no masks beside images. geotiff and cog have.", request.path, format.info.name);
  return format.create_masked_sinks(spec, request);
}

std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request) {
  const Format& format = format_to_write(request.path, request.format);
  if (format.create_sinks == nullptr) {
    std::string others;
    for (const Format& other : table()) {
      if (other.create_sinks != nullptr) others += (others.empty() ? "" : ", ") + other.info.name;
    }
    fail(ErrorKind::kUser, "{}: a file of {} holds one array, not {}.{}", request.path, format.info.name, request.variables.size(),
         others.empty() ? "" : " These hold several: " + others + ".");
  }
  check_append(format, request.path, request.append);
  std::map<std::string, Index> lengths;
  for (const VariableRequest& variable : request.variables) {
    check_raster(format, request.path, variable.packing);
    const Shape& shape = variable.spec.shape;
    if (static_cast<int>(variable.dims.size()) != shape.rank()) {
      fail(ErrorKind::kUser, "{}: variable '{}' has {} axes and {} names for them.", request.path, variable.name, shape.rank(), variable.dims.size());
    }
    for (int k = 0; k < shape.rank(); ++k) {
      const auto& [name, length] = *lengths.emplace(variable.dims[static_cast<std::size_t>(k)], shape[k]).first;
      if (length != shape[k] && !format.has_groups) {
        fail(ErrorKind::kUser, "{}: variable '{}' has {} elements along '{}', others have {}.", request.path, variable.name, shape[k], name, length);
      }
    }
    if (!format.has_chunks && !variable.packing.is_default()) {
      fail(ErrorKind::kUser, "{}: variable '{}': {} stores elements as they are: it takes no chunks or compression.", request.path, variable.name,
           format.info.name);
    }
  }
  return format.create_sinks(request);
}

FormatChoice format_for(const std::string& path, const std::string& name) {
  const Format& format = format_to_write(path, name);
  return {format.info.name, format.create_sinks != nullptr, format.create_masked_sinks != nullptr};
}

std::vector<FormatInfo> formats() {
  std::vector<FormatInfo> out;
  for (const Format& format : table()) out.push_back(format.info);
  return out;
}

}  // namespace freestone::formats
