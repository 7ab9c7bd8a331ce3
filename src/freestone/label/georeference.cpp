#include "freestone/label/georeference.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "freestone/formats/find_attribute.h"
#include "freestone/label/coordinate.h"
#include "freestone/label/memory_array.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

using formats::Attribute;

// What GeoTIFF says of a CRS beside its code: it goes where the CRS goes.
constexpr std::string_view kGeoKeys[] = {"GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams"};
// Coordinates in float32 are evenly spaced to some 1e-5 of their step.
constexpr double kEvenness = 1e-3;

void put(std::vector<Attribute>& attributes, Attribute attribute) {
  std::erase_if(attributes, [&](const Attribute& a) { return a.key == attribute.key; });
  attributes.push_back(std::move(attribute));
}

void drop(std::vector<Attribute>& attributes, std::string_view key) {
  std::erase_if(attributes, [&](const Attribute& a) { return a.key == key; });
}

std::vector<double> numbers_in(const formats::AttributeValue& value) {
  std::vector<double> out;
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) out = *numbers;
  if (const auto* wholes = std::get_if<std::vector<std::int64_t>>(&value)) out.assign(wholes->begin(), wholes->end());
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr) return out;
  for (const char *at = text->data(), *end = at + text->size(); at < end;) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    double number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return {};
    out.push_back(number);
    at = next;
  }
  return out;
}

/// "EPSG:32633" of a WKT text, which ends with its authority; of a text that is such a name itself; else "".
std::string epsg_in(const std::string& text) {
  const auto number_at = [&](std::size_t at) -> std::string {
    while (at < text.size() && (text[at] == '"' || text[at] == ',' || text[at] == ':' || text[at] == ' ')) ++at;
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    return end == at ? "" : "EPSG:" + text.substr(at, end - at);
  };
  if (text.starts_with("EPSG:") || text.starts_with("epsg:")) return number_at(5);
  const std::size_t last = std::max(text.rfind("AUTHORITY[\"EPSG\"") + 1, text.rfind("ID[\"EPSG\"") + 1);
  if (last == 0) return "";
  // Not the authority of a part, such as the datum's: one bracket is open before it.
  const auto before = text.begin() + static_cast<std::ptrdiff_t>(last);
  if (std::count(text.begin(), before, '[') - std::count(text.begin(), before, ']') != 1) return "";
  return number_at(text.find("EPSG", last) + 4);
}

DatasetVariable* mapping_of(const DatasetVariable& variable, std::vector<DatasetVariable>& coordinates) {
  const std::string name = grid_mapping_name(variable);
  const auto found = std::find_if(coordinates.begin(), coordinates.end(), [&](const DatasetVariable& c) { return c.name == name; });
  return name.empty() || found == coordinates.end() ? nullptr : &*found;
}

const DatasetVariable* coordinate_of(const std::vector<DatasetVariable>& coordinates, const std::string& dim) {
  const auto found = std::find_if(coordinates.begin(), coordinates.end(),
                                  [&](const DatasetVariable& c) { return c.is_dimension_coordinate() && c.dims[0] == dim; });
  return found == coordinates.end() ? nullptr : &*found;
}

bool is_in_degrees(const DatasetVariable& coordinate, std::string_view direction) {
  const std::string units = coordinate.text("units");
  return units == fmt::format("degrees_{}", direction) || units == fmt::format("degree_{}", direction);
}

/// Middles of `count` pixels.
Array middles(double corner, double step, Index count) {
  std::vector<double> out;
  for (Index i = 0; i < count; ++i) out.push_back(corner + (static_cast<double>(i) + 0.5) * step);
  return array_in_memory(std::move(out));
}

std::string text_of(const GeoTransform& transform) {
  std::string out;
  for (const double number : transform) out += (out.empty() ? "" : " ") + format_number(number);
  return out;
}

}  // namespace

std::vector<std::string> grid_mapping_names(const DatasetVariable& variable) {
  const std::string text = variable.text("grid_mapping");
  if (text.find(':') == std::string::npos) return text.empty() ? std::vector<std::string>() : std::vector{text};
  // The long form names coordinates too: "utm: x y latlon: lat lon".
  std::vector<std::string> out;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.size() > 1 && word.ends_with(':')) out.push_back(word.substr(0, word.size() - 1));
  }
  return out;
}

std::optional<GeoTransform> geo_transform_of(const std::vector<Attribute>& attributes) {
  const Attribute* attribute = find_attribute(attributes, "GeoTransform");
  if (attribute == nullptr) return std::nullopt;
  const std::vector<double> numbers = numbers_in(attribute->value);
  if (numbers.size() != 6 || !std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); })) return std::nullopt;
  GeoTransform out{};
  std::copy(numbers.begin(), numbers.end(), out.begin());
  return out;
}

std::optional<EvenSpacing> even_spacing(const DatasetVariable& coordinate) {
  if (coordinate.array.size() < 2 || coordinate.array.size() > CoordinateValues::kLimit || is_complex(coordinate.array.dtype())) return std::nullopt;
  const std::vector<double> labels = CoordinateValues::read(coordinate).numbers();
  const double step = (labels.back() - labels.front()) / static_cast<double>(labels.size() - 1);
  if (!(std::abs(step) > 0) || !std::isfinite(step)) return std::nullopt;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!(std::abs(labels[i] - (labels.front() + step * static_cast<double>(i))) <= kEvenness * std::abs(step))) return std::nullopt;
  }
  return EvenSpacing{labels.front(), step};
}

GeoTransform sliced(const GeoTransform& t, bool rows, Index start, Index step) {
  // With a step, pixels stay as large as their distance, and their middles where they were.
  const std::size_t k = rows ? 2 : 1;
  const auto s = static_cast<double>(step);
  const double shift = static_cast<double>(start) + 0.5 - 0.5 * s;
  GeoTransform out = t;
  for (const std::size_t base : {0U, 3U}) {
    out[base] = t[base] + shift * t[base + k];
    out[base + k] = t[base + k] * s;
  }
  return out;
}

GeoTransform coarsened(const GeoTransform& t, bool rows, Index factor) {
  GeoTransform out = t;
  for (const std::size_t base : {0U, 3U}) out[base + (rows ? 2 : 1)] *= static_cast<double>(factor);
  return out;
}

void move_tie_points(std::vector<Attribute>& attributes, bool rows, double start, double step) {
  for (Attribute& attribute : attributes) {
    auto* numbers = std::get_if<std::vector<double>>(&attribute.value);
    if (numbers == nullptr) continue;
    if (attribute.key == "ModelTiepoint") {
      // Column, row, 0, x, y, z of each.
      for (std::size_t i = rows ? 1 : 0; i < numbers->size(); i += 6) (*numbers)[i] = ((*numbers)[i] - start) / step;
    } else if (attribute.key == "RPCCoefficients" && numbers->size() > 8) {
      // Errors, then offsets of line and sample and three more, then their scales.
      double &offset = (*numbers)[rows ? 2 : 3], &scale = (*numbers)[rows ? 7 : 8];
      offset = (offset - start) / step;
      scale /= step;
    }
  }
}

void set_geo_transform(std::vector<Attribute>& attributes, const GeoTransform& transform) {
  put(attributes, {"GeoTransform", std::vector<double>(transform.begin(), transform.end()), ""});
}

void raster_read(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates) {
  const int rank = variable.array.rank();
  if (rank < 2) return;
  if (DatasetVariable* mapping = mapping_of(variable, coordinates)) {
    std::string crs;
    for (const char* key : {"crs", "spatial_ref", "crs_wkt", "epsg_code", "esri_pe_string"}) {
      if (crs.empty()) crs = epsg_in(mapping->text(key));
    }
    if (!crs.empty() && find_attribute(variable.attributes, "crs") == nullptr) put(variable.attributes, {"crs", crs, ""});
    if (const auto transform = geo_transform_of(mapping->attributes)) {
      set_geo_transform(variable.attributes, *transform);
      drop(mapping->attributes, "GeoTransform");
    }
    for (const std::string_view key : kGeoKeys) {
      if (const Attribute* attribute = find_attribute(mapping->attributes, key)) {
        put(variable.attributes, *attribute);
        drop(mapping->attributes, key);
      }
    }
  }
  const std::string &y = variable.dims[static_cast<std::size_t>(rank - 2)], &x = variable.dims[static_cast<std::size_t>(rank - 1)];
  auto transform = geo_transform_of(variable.attributes);
  if (!transform) return;
  const DatasetVariable *rows = coordinate_of(coordinates, y), *columns = coordinate_of(coordinates, x);
  if (rows != nullptr && columns != nullptr) {
    // Whoever cut the file may have left the transform as it was; the coordinates are what is true.
    const auto along_y = even_spacing(*rows), along_x = even_spacing(*columns);
    const auto is_off = [](const std::optional<EvenSpacing>& line, double corner, double step) {
      return line && std::abs(line->first - (corner + step / 2)) > 0.01 * std::abs(step);
    };
    if (is_off(along_y, (*transform)[3], (*transform)[5]) || is_off(along_x, (*transform)[0], (*transform)[1])) drop(variable.attributes, "GeoTransform");
    return;
  }
  if ((*transform)[2] != 0 || (*transform)[4] != 0 || y.empty() || x.empty() || rows != nullptr || columns != nullptr) return;
  const bool is_geographic = text_in(variable.attributes, "crs") == "EPSG:4326";
  const auto add = [&](const std::string& name, double corner, double step, Index count, const char* standard_name, const char* units) {
    DatasetVariable out{name, middles(corner, step, count), {name}, {}};
    if (find_attribute(variable.attributes, "crs") != nullptr) {
      out.attributes.push_back({"standard_name", std::string(standard_name), ""});
      if (*units != '\0') out.attributes.push_back({"units", std::string(units), ""});
    }
    coordinates.push_back(std::move(out));
  };
  add(y, (*transform)[3], (*transform)[5], variable.array.shape()[rank - 2], is_geographic ? "latitude" : "projection_y_coordinate",
      is_geographic ? "degrees_north" : "");
  add(x, (*transform)[0], (*transform)[1], variable.array.shape()[rank - 1], is_geographic ? "longitude" : "projection_x_coordinate",
      is_geographic ? "degrees_east" : "");
}

void raster_for_cf(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates) {
  const std::string crs = text_in(variable.attributes, "crs");
  const auto transform = geo_transform_of(variable.attributes);
  if (crs.empty() && !transform) return;
  DatasetVariable* mapping = mapping_of(variable, coordinates);
  if (mapping == nullptr) {
    DatasetVariable made{"spatial_ref", array_in_memory(std::vector<std::int32_t>{0}), {}, {}};
    made.array = slice(made.array, {Slice::at(0)});
    made.is_auxiliary = true;
    put(variable.attributes, {"grid_mapping", made.name, ""});
    coordinates.push_back(std::move(made));
    mapping = &coordinates.back();
  }
  const bool says_crs = find_attribute(mapping->attributes, "crs_wkt") != nullptr || find_attribute(mapping->attributes, "spatial_ref") != nullptr;
  if (!crs.empty() && !says_crs) {
    put(mapping->attributes, {"spatial_ref", crs, ""});
    // A name that is no well-known text ("EPSG:32633") would be damage to who reads this attribute.
    if (crs.find('[') != std::string::npos) put(mapping->attributes, {"crs_wkt", crs, ""});
  }
  if (transform) put(mapping->attributes, {"GeoTransform", text_of(*transform), ""});
  for (const std::string_view key : kGeoKeys) {
    if (const Attribute* attribute = find_attribute(variable.attributes, key)) put(mapping->attributes, *attribute);
    drop(variable.attributes, key);
  }
  drop(variable.attributes, "crs");
  drop(variable.attributes, "GeoTransform");
}

void raster_for_pixels(DatasetVariable& variable, const std::vector<DatasetVariable>& coordinates) {
  const int rank = variable.array.rank();
  if (rank < 2 || find_attribute(variable.attributes, "GeoTransform") != nullptr) return;
  const DatasetVariable* rows = coordinate_of(coordinates, variable.dims[static_cast<std::size_t>(rank - 2)]);
  const DatasetVariable* columns = coordinate_of(coordinates, variable.dims[static_cast<std::size_t>(rank - 1)]);
  if (rows == nullptr || columns == nullptr) return;
  const auto along_y = even_spacing(*rows), along_x = even_spacing(*columns);
  if (!along_y || !along_x) return;
  set_geo_transform(variable.attributes, {along_x->first - along_x->step / 2, along_x->step, 0, along_y->first - along_y->step / 2, 0, along_y->step});
  if (find_attribute(variable.attributes, "crs") == nullptr && is_in_degrees(*rows, "north") && is_in_degrees(*columns, "east")) {
    put(variable.attributes, {"crs", std::string("EPSG:4326"), ""});
  }
}

}  // namespace freestone
