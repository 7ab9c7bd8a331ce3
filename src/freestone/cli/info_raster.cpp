#include "freestone/cli/info_raster.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "freestone/cli/print.h"
#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/find_attribute.h"

namespace freestone::cli {
namespace {

using Json = nlohmann::ordered_json;
using formats::Attribute;
using formats::AttributeValue;

/// What an attribute says of band `k` of `count`: one of a list, or what is said of all.
std::optional<double> number_of_band(const std::vector<Attribute>& attributes, std::string_view key, std::size_t k, std::size_t count) {
  const Attribute* attribute = find_attribute(attributes, key);
  if (attribute == nullptr || std::holds_alternative<bool>(attribute->value)) return std::nullopt;
  if (const auto number = formats::number_of(attribute->value)) return number;
  const std::vector<double> numbers = formats::numbers_of(attribute->value).as<double>();
  return numbers.size() == count ? std::optional(numbers[k]) : std::nullopt;
}
std::string text_of_band(const std::vector<Attribute>& attributes, std::string_view key, std::size_t k, std::size_t count) {
  const Attribute* attribute = find_attribute(attributes, key);
  if (attribute == nullptr) return "";
  if (const auto* text = std::get_if<std::string>(&attribute->value)) return *text;
  const auto* texts = std::get_if<std::vector<std::string>>(&attribute->value);
  return texts != nullptr && texts->size() == count ? (*texts)[k] : "";
}

std::string coordinate_text(double value) { return fmt::format("{:.15g}", value); }

Json nodata_json(const std::optional<AttributeValue>& nodata) {
  if (!nodata) return nullptr;
  if (const auto* number = std::get_if<double>(&*nodata)) return std::isfinite(*number) ? Json(*number) : Json(fmt::format("{}", *number));
  return std::visit([](const auto& value) { return Json(value); }, *nodata);
}

std::string crs_text(const geo::CrsDescription& crs) {
  std::vector<std::string> about;
  for (const std::string& word : {crs.kind, crs.method, crs.unit})
    if (!word.empty()) about.push_back(word);
  std::string out = crs.code;
  if (!crs.name.empty()) out += (out.empty() ? "" : ", ") + crs.name;
  if (crs.code.empty()) out += out.empty() ? "without name and EPSG code" : ", without EPSG code";
  return about.empty() ? out : fmt::format("{} ({})", out, fmt::join(about, ", "));
}

std::string band_text(const RasterDescription::Band& band, std::size_t number) {
  std::string out = fmt::format("{}", number);
  if (!band.name.empty()) out += " " + band.name;
  if (!band.unit.empty()) out += fmt::format(" [{}]", band.unit);
  if (band.scale != 1 || band.offset != 0) out += fmt::format(" x {} + {}", format_number(band.scale), format_number(band.offset));
  if (band.nodata) out += fmt::format(" nodata {}", formats::text_of(*band.nodata));
  return out;
}

}  // namespace

std::pair<double, double> RasterDescription::resolution() const {
  const GeoTransform& t = *transform;
  return {std::hypot(t[1], t[4]), std::hypot(t[2], t[5])};
}

std::array<double, 4> RasterDescription::bounds() const {
  const GeoTransform& t = *transform;
  std::array<double, 4> out{t[0], t[3], t[0], t[3]};
  for (const double column : {0.0, static_cast<double>(columns)}) {
    for (const double row : {0.0, static_cast<double>(rows)}) {
      const double x = t[0] + column * t[1] + row * t[2], y = t[3] + column * t[4] + row * t[5];
      out = {std::min(out[0], x), std::min(out[1], y), std::max(out[2], x), std::max(out[3], y)};
    }
  }
  return out;
}

std::optional<RasterDescription> describe_raster(const astro::SkyArray& array, const Opened& opened) {
  const std::string& format = opened.contents().format;
  const int rank = array.rank();
  const bool has_place = find_attribute(array.attributes, "crs") != nullptr || find_attribute(array.attributes, "GeoTransform") != nullptr ||
                         find_attribute(array.attributes, "GeoKeyDirectory") != nullptr;
  if (rank < 2 || (format != "geotiff" && format != "gdal" && !has_place)) return std::nullopt;
  RasterDescription out;
  out.crs = geo::describe_crs(array.attributes);
  out.transform = geo_transform_of(array.attributes);
  out.rows = array.data.shape()[rank - 2], out.columns = array.data.shape()[rank - 1];
  out.pixel_is = text_in(array.attributes, "AREA_OR_POINT");
  std::transform(out.pixel_is.begin(), out.pixel_is.end(), out.pixel_is.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* key : {"nodata", "_FillValue"}) {
    if (const Attribute* attribute = find_attribute(array.attributes, key); attribute != nullptr && !out.nodata) out.nodata = attribute->value;
  }
  const bool has_bands = rank == 3 && array.dims[0] == "band";
  const auto count = static_cast<std::size_t>(has_bands ? array.data.shape()[0] : 1);
  for (std::size_t k = 0; k < count; ++k) {
    RasterDescription::Band band{text_of_band(array.attributes, "band_names", k, count), text_of_band(array.attributes, "units", k, count),
                                 std::nullopt};
    if (const Attribute* own = find_attribute(array.attributes, fmt::format("band_{}:nodata", k + 1))) band.nodata = own->value;
    for (const auto& [key, value] : {std::pair("scale", &band.scale), std::pair("offset", &band.offset)})
      *value = number_of_band(array.attributes, key, k, count).value_or(*value);
    out.bands.push_back(std::move(band));
  }
  const std::string& name = opened.variable().name;
  const std::string prefix = name.empty() || opened.contents().is_group ? "" : name + "_";
  for (const formats::Variable& other : opened.contents().variables) {
    if (format != "geotiff" || !other.source || !other.name.starts_with(prefix)) continue;
    const std::string rest = other.name.substr(prefix.size());
    if (rest == "mask") out.has_mask = true;
    if (rest.starts_with("overview_") && !rest.ends_with("_mask")) out.overviews.emplace_back(other.name, other.source->spec().shape);
  }
  return out;
}

bool is_told(const RasterDescription& raster, const Attribute& attribute) {
  static constexpr std::string_view kTold[] = {"GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams", "AREA_OR_POINT",
                                               "nodata",          "_FillValue",      "band_names"};
  const std::string& key = attribute.key;
  if (key == "crs") return raster.crs.is_known();
  if (key == "GeoTransform") return raster.transform.has_value();
  const bool is_of_bands = (key == "units" || key == "scale" || key == "offset") && !std::holds_alternative<std::string>(attribute.value);
  return is_of_bands || std::find(std::begin(kTold), std::end(kTold), key) != std::end(kTold) ||
         (key.starts_with("band_") && key.ends_with(":nodata"));
}

std::vector<std::pair<std::string, std::string>> raster_lines(const RasterDescription& raster) {
  std::vector<std::pair<std::string, std::string>> out;
  if (raster.crs.is_known()) out.emplace_back("crs", crs_text(raster.crs));
  if (raster.transform) {
    const auto [x, y] = raster.resolution();
    const std::string unit = raster.crs.unit.empty() ? "" : " " + raster.crs.unit;
    out.emplace_back("pixel",
                     fmt::format("{} x {}{}{}{}", coordinate_text(x), coordinate_text(y), unit, raster.is_rotated() ? ", rotated" : "",
                                 raster.pixel_is == "point" ? "; values are of points, the pixels' middles" : ""));
    out.emplace_back("origin", fmt::format("{}, {}", coordinate_text((*raster.transform)[0]), coordinate_text((*raster.transform)[3])));
    const auto box = raster.bounds();
    out.emplace_back("bounds", fmt::format("{},{},{},{} (west, south, east, north)", coordinate_text(box[0]), coordinate_text(box[1]),
                                           coordinate_text(box[2]), coordinate_text(box[3])));
    if (raster.is_rotated()) out.emplace_back("transform", fmt::format("[{}]", fmt::join(*raster.transform, ", ")));
  }
  out.emplace_back("nodata", raster.nodata ? formats::text_of(*raster.nodata) : "none given");
  const bool says_something = std::any_of(raster.bands.begin(), raster.bands.end(), [](const auto& b) { return band_text(b, 1) != "1"; });
  if (says_something) {
    // A line each where there are few: hyperspectral images have hundreds.
    constexpr std::size_t kMost = 16;
    for (std::size_t k = 0; k < std::min(raster.bands.size(), kMost); ++k)
      out.emplace_back(k == 0 ? "bands" : "", band_text(raster.bands[k], k + 1));
    if (raster.bands.size() > kMost) out.emplace_back("", fmt::format("... {} in all", raster.bands.size()));
  }
  if (!raster.overviews.empty()) {
    std::vector<std::string> sizes;
    for (const auto& [name, shape] : raster.overviews)
      sizes.push_back(fmt::format("{} x {}", shape[shape.rank() - 2], shape[shape.rank() - 1]));
    out.emplace_back("overviews", fmt::format("{} (rows x columns)", fmt::join(sizes, ", ")));
  }
  if (raster.has_mask) out.emplace_back("mask", "of all bands, in the file");
  return out;
}

Json raster_json(const RasterDescription& raster) {
  Json json = {{"crs", nullptr}};
  const geo::CrsDescription& crs = raster.crs;
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  if (crs.is_known()) {
    json["crs"] = {{"code", text(crs.code)}, {"epsg", nullptr},        {"name", text(crs.name)},
                   {"kind", text(crs.kind)}, {"unit", text(crs.unit)}, {"wkt", text(crs.wkt)}};
    if (!crs.method.empty()) json["crs"]["method"] = crs.method;
    const std::string digits = crs.code.starts_with("EPSG:") ? crs.code.substr(5) : "";
    if (!digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string::npos)
      json["crs"]["epsg"] = std::stol(digits);
  }
  json["geotransform"] = raster.transform ? Json(*raster.transform) : Json(nullptr);
  json["resolution"] = json["bounds"] = nullptr;
  if (raster.transform) {
    json["resolution"] = {raster.resolution().first, raster.resolution().second};
    json["bounds"] = raster.bounds();
  }
  json["pixel_is"] = text(raster.pixel_is);
  json["nodata"] = nodata_json(raster.nodata);
  json["bands"] = Json::array();
  for (const RasterDescription::Band& band : raster.bands) {
    json["bands"].push_back({{"name", text(band.name)},
                             {"unit", text(band.unit)},
                             {"scale", band.scale},
                             {"offset", band.offset},
                             {"nodata", nodata_json(band.nodata ? band.nodata : raster.nodata)}});
  }
  json["overviews"] = Json::array();
  for (const auto& [name, shape] : raster.overviews) json["overviews"].push_back({{"name", name}, {"shape", shape.to_vector()}});
  json["mask"] = raster.has_mask;
  return json;
}

}  // namespace freestone::cli
