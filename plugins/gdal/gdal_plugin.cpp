// libfreestone_gdal.so: GDAL behind the few functions of formats/gdal_plugin.h. Linked with GDAL, not with Freestone.
#include "freestone/formats/gdal_plugin.h"

#include <cpl_conv.h>
#include <cpl_error.h>
#include <cpl_string.h>
#include <gdal.h>
#include <ogr_srs_api.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

// Its cache of blocks is beside Freestone's budget: small.
constexpr GIntBig kCacheBytes = GIntBig{32} << 20;

std::size_t put(const std::string& text, char* to, std::size_t room) {
  if (room > 0) {
    const std::size_t n = std::min(text.size(), room - 1);
    std::memcpy(to, text.data(), n);
    to[n] = '\0';
  }
  return text.size();
}

/// What GDAL says goes into the answer, not to stderr.
class Quiet {
 public:
  Quiet() {
    CPLErrorReset();
    CPLPushErrorHandler(CPLQuietErrorHandler);
  }
  ~Quiet() { CPLPopErrorHandler(); }
};

struct Raster {
  GDALDatasetH dataset;
  GDALDataType type = GDT_Byte;
};

const char* name_of(GDALDataType type) {
  switch (type) {
    case GDT_Byte: return "uint8";
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 7, 0)
    case GDT_Int8: return "int8";
#endif
    case GDT_UInt16: return "uint16";
    case GDT_Int16: return "int16";
    case GDT_UInt32: return "uint32";
    case GDT_Int32: return "int32";
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 5, 0)
    case GDT_UInt64: return "uint64";
    case GDT_Int64: return "int64";
#endif
    case GDT_Float32: return "float32";
    case GDT_CFloat32: return "complex64";
    case GDT_CFloat64: return "complex128";
    default: return "float64";
  }
}

/// A type that Freestone has too and that holds all numbers of `type`.
GDALDataType readable(GDALDataType type) {
  if (type == GDT_CInt16) return GDT_CFloat32;
  if (type == GDT_CInt32) return GDT_CFloat64;
  return type == GDT_Unknown ? GDT_Float64 : type;
}

const char* library() { return GDALVersionInfo("RELEASE_NAME"); }

void* open(const char* path, char* error, std::size_t room) {
  static const bool kIsReady = [] {
    GDALAllRegister();
    GDALSetCacheMax64(kCacheBytes);
    return true;
  }();
  (void)kIsReady;
  const Quiet quiet;
  put("", error, room);
  if (GDALIdentifyDriverEx(path, GDAL_OF_RASTER, nullptr, nullptr) == nullptr) return nullptr;
  const GDALDatasetH dataset = GDALOpenEx(path, GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, nullptr, nullptr, nullptr);
  if (dataset == nullptr) {
    const std::string said = CPLGetLastErrorMsg();
    put(said.empty() ? "it does not say why" : said, error, room);
    return nullptr;
  }
  auto* raster = new Raster{dataset};
  const int bands = GDALGetRasterCount(dataset);
  for (int b = 1; b <= bands; ++b) {
    const GDALDataType type = GDALGetRasterDataType(GDALGetRasterBand(dataset, b));
    raster->type = b == 1 ? type : GDALDataTypeUnion(raster->type, type);
  }
  raster->type = readable(raster->type);
  return raster;
}

void close(void* handle) {
  const Quiet quiet;
  auto* raster = static_cast<Raster*>(handle);
  GDALClose(raster->dataset);
  delete raster;
}

std::string valid_text(const char* text) {
  if (text == nullptr) return "";
  if (CPLIsUTF8(text, -1)) return text;
  char* const recoded = CPLRecode(text, CPL_ENC_ISO8859_1, CPL_ENC_UTF8);
  std::string out = recoded;
  CPLFree(recoded);
  return out;
}

nlohmann::json items_of(GDALMajorObjectH object) {
  nlohmann::json out = nlohmann::json::object();
  for (char** item = GDALGetMetadata(object, nullptr); item != nullptr && *item != nullptr; ++item) {
    char* key = nullptr;
    const char* value = CPLParseNameValue(*item, &key);
    if (key != nullptr && value != nullptr) out[valid_text(key)] = valid_text(value);
    CPLFree(key);
  }
  return out;
}

nlohmann::json nodata_of(GDALRasterBandH band) {
  int has = 0;
#if GDAL_VERSION_NUM >= GDAL_COMPUTE_VERSION(3, 5, 0)
  const GDALDataType type = GDALGetRasterDataType(band);
  if (type == GDT_Int64) {
    const auto value = GDALGetRasterNoDataValueAsInt64(band, &has);
    return has ? nlohmann::json(value) : nlohmann::json();
  }
  if (type == GDT_UInt64) {
    const auto value = GDALGetRasterNoDataValueAsUInt64(band, &has);
    return has ? nlohmann::json(value) : nlohmann::json();
  }
#endif
  const double value = GDALGetRasterNoDataValue(band, &has);
  if (!has) return {};
  // JSON has no NaN.
  return std::isnan(value) ? nlohmann::json("nan") : nlohmann::json(value);
}

void put_crs(GDALDatasetH dataset, nlohmann::json& out) {
  const OGRSpatialReferenceH crs = GDALGetSpatialRef(dataset);
  if (crs == nullptr) return;
  const char *authority = OSRGetAuthorityName(crs, nullptr), *code = OSRGetAuthorityCode(crs, nullptr);
  if (authority != nullptr && code != nullptr && std::strcmp(authority, "EPSG") == 0) {
    out["crs"] = std::string("EPSG:") + code;
    return;
  }
  char* wkt = nullptr;
  const char* options[] = {"FORMAT=WKT2_2019", nullptr};
  if (OSRExportToWktEx(crs, &wkt, options) == OGRERR_NONE && wkt != nullptr && *wkt != '\0') out["crs"] = valid_text(wkt);
  CPLFree(wkt);
}

std::size_t describe(void* handle, char* json, std::size_t room) {
  const Quiet quiet;
  const auto* raster = static_cast<const Raster*>(handle);
  const GDALDatasetH dataset = raster->dataset;
  const int bands = GDALGetRasterCount(dataset);
  nlohmann::json out = {{"driver", GDALGetDriverShortName(GDALGetDatasetDriver(dataset))},
                        {"width", GDALGetRasterXSize(dataset)},
                        {"height", GDALGetRasterYSize(dataset)},
                        {"bands", bands},
                        {"dtype", name_of(raster->type)},
                        {"block", {1, 1}}};
  put_crs(dataset, out);
  double transform[6];
  if (GDALGetGeoTransform(dataset, transform) == CE_None) out["transform"] = std::vector<double>(transform, transform + 6);
  nlohmann::json nodata = nlohmann::json::array(), items = nlohmann::json::array();
  std::vector<std::string> names, units;
  std::vector<double> scales, offsets;
  for (int b = 1; b <= bands; ++b) {
    const GDALRasterBandH band = GDALGetRasterBand(dataset, b);
    int has = 0, width = 1, height = 1;
    GDALGetBlockSize(band, &width, &height);
    if (b == 1) out["block"] = {height, width};
    nodata.push_back(nodata_of(band));
    names.push_back(valid_text(GDALGetDescription(band)));
    units.push_back(valid_text(GDALGetRasterUnitType(band)));
    const double scale = GDALGetRasterScale(band, &has);
    scales.push_back(has && std::isfinite(scale) ? scale : 1);
    const double offset = GDALGetRasterOffset(band, &has);
    offsets.push_back(has && std::isfinite(offset) ? offset : 0);
    items.push_back(items_of(band));
  }
  if (std::all_of(nodata.begin(), nodata.end(), [](const auto& v) { return v.is_null(); })) nodata.clear();
  if (nodata.is_null()) nodata = nlohmann::json::array();
  if (bands == 1 && raster->type == GDT_Byte) {
    if (const GDALColorTableH table = GDALGetRasterColorTable(GDALGetRasterBand(dataset, 1)); table != nullptr) {
      const int n = std::min(256, GDALGetColorEntryCount(table));
      std::vector<std::int64_t> colours(static_cast<std::size_t>(3 * n));
      for (int i = 0; i < n; ++i) {
        const GDALColorEntry* entry = GDALGetColorEntry(table, i);
        // As TIFF has them: of 16 bits.
        colours[static_cast<std::size_t>(i)] = entry->c1 * 257;
        colours[static_cast<std::size_t>(n + i)] = entry->c2 * 257;
        colours[static_cast<std::size_t>(2 * n + i)] = entry->c3 * 257;
      }
      out["colormap"] = colours;
    }
  }
  out["nodata"] = nodata;
  out["band_names"] = names;
  out["units"] = units;
  out["scale"] = scales;
  out["offset"] = offsets;
  out["items"] = items_of(dataset);
  out["band_items"] = items;
  return put(out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), json, room);
}

int read(void* handle, std::int64_t first_band, std::int64_t bands, std::int64_t y, std::int64_t x, std::int64_t height, std::int64_t width, void* out, char* error,
         std::size_t room) {
  const Quiet quiet;
  const auto* raster = static_cast<const Raster*>(handle);
  std::vector<int> list;
  for (std::int64_t b = 0; b < bands; ++b) list.push_back(static_cast<int>(first_band + b + 1));
  const CPLErr failed = GDALDatasetRasterIOEx(raster->dataset, GF_Read, static_cast<int>(x), static_cast<int>(y), static_cast<int>(width), static_cast<int>(height), out,
                                              static_cast<int>(width), static_cast<int>(height), raster->type, static_cast<int>(bands), list.data(), 0, 0, 0, nullptr);
  if (failed == CE_None) return 0;
  put(CPLGetLastErrorMsg(), error, room);
  return 1;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const FreestoneGdal* freestone_gdal() {
  static const FreestoneGdal kFunctions = {kFreestoneGdalVersion, library, open, close, describe, read};
  return &kFunctions;
}
