#include "freestone/formats/tiff_geo.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "freestone/formats/find_attribute.h"

namespace freestone::formats::tiff {
namespace {

constexpr Index kModelType = 1024, kRasterType = 1025, kGeodeticCrs = 2048, kProjectedCrs = 3072;
constexpr Index kUserDefined = 32767;
constexpr Index kPixelIsPoint = 2;
// Far more than any file has: tie points of a swath are thousands.
constexpr Index kMostNumbers = Index{1} << 22;

constexpr std::string_view kOurAttributes[] = {"GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams", "ModelTiepoint", "RPCCoefficients",
                                               "AREA_OR_POINT"};
// Of rational polynomials: errors, offsets, scales, four times twenty coefficients.
constexpr std::size_t kRpcNumbers = 92;

/// A key with its value in the directory itself, 0: none.
Index short_key(const std::vector<Index>& keys, Index wanted) {
  for (std::size_t i = 4; i + 3 < keys.size(); i += 4) {
    if (keys[i] == wanted && keys[i + 1] == 0) return keys[i + 3];
  }
  return 0;
}

/// The EPSG code that the keys name, 0: none.
Index epsg_code(const std::vector<Index>& keys) {
  for (const Index key : {kProjectedCrs, kGeodeticCrs}) {
    const Index code = short_key(keys, key);
    if (code == kUserDefined) return 0;
    if (code > 0) return code;
  }
  return 0;
}

/// Geographic ones among EPSG's codes, which a new directory of keys has to tell from projected ones: the range that EPSG keeps for them
/// (with geocentric ones, which are no rasters') and those that it numbered later, two-dimensional ones in use. Checked against PROJ.
bool is_geographic(Index code) {
  static constexpr Index kLater[] = {
      3819, 3821, 3824, 3889, 3906, 5228, 5229, 5233, 5246, 5252, 5264, 5324, 5340, 5354, 5360, 5365, 5371, 5373, 5381, 5393, 5451,
      5464, 5467, 5489, 5524, 5527, 5546, 5561, 5593, 5681, 6135, 6207, 6311, 6318, 6322, 6325, 6365, 6668, 6706, 6783, 6881, 6882,
      6883, 6892, 6894, 6980, 6983, 6987, 6990, 7035, 7037, 7039, 7041, 7073, 7084, 7086, 7088, 7133, 7135, 7139, 7373, 7683, 7686,
      7798, 7844, 7881, 7886, 8086, 8232, 8237, 8240, 8246, 8249, 8252, 8255, 8351, 8427, 8428, 8431, 8545, 8685, 8694, 8699, 8818,
      8860, 8888, 8900, 8902, 8907, 8949, 8972, 9000, 9059, 9140, 9148, 9184, 9248, 9251, 9294, 9309, 9333, 9364, 9372, 9380, 9384,
      9403, 9453, 9474, 9475, 9547};
  return (code >= 4001 && code <= 4904) || std::find(std::begin(kLater), std::end(kLater), code) != std::end(kLater);
}

/// GDAL's six numbers from the corner of the first pixel to the point that the tags mean, or back.
void shift(std::vector<double>& t, double pixels) {
  t[0] += pixels * (t[1] + t[2]);
  t[3] += pixels * (t[4] + t[5]);
}

bool all_finite(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double v) { return std::isfinite(v); });
}

/// A list of numbers, or text with blanks between them, as other formats keep a GeoTransform; empty when it is none.
std::vector<double> transform_of(const AttributeValue& value) {
  std::vector<double> out;
  if (const auto* numbers = std::get_if<std::vector<double>>(&value)) out = *numbers;
  if (const auto* wholes = std::get_if<std::vector<std::int64_t>>(&value)) out.assign(wholes->begin(), wholes->end());
  if (const auto* text = std::get_if<std::string>(&value)) {
    const char *at = text->data(), *end = at + text->size();
    while (at < end) {
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
  }
  return out.size() == 6 && all_finite(out) ? out : std::vector<double>();
}

Index code_of(const std::string& crs) {
  std::string_view text = crs;
  const bool is_epsg = text.size() > 5 && (text.starts_with("EPSG:") || text.starts_with("epsg:"));
  if (is_epsg) text.remove_prefix(5);
  Index code = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_epsg && is_number && code > 0 && code < kUserDefined ? code : 0;
}

}  // namespace

void read_geo(const Directory& directory, std::vector<Attribute>& attributes) {
  const auto keys = directory.integers(kGeoKeyDirectory, 4 * 65536);
  const bool is_point = short_key(keys, kRasterType) == kPixelIsPoint;
  const auto matrix = directory.numbers(kModelTransformation, kMostNumbers), scale = directory.numbers(kModelPixelScale, kMostNumbers),
             ties = directory.numbers(kModelTiepoint, kMostNumbers);
  std::vector<double> transform;
  if (matrix.size() >= 8) {
    transform = {matrix[3], matrix[0], matrix[1], matrix[7], matrix[4], matrix[5]};
  } else if (scale.size() >= 2 && ties.size() >= 6 && scale[0] != 0 && scale[1] != 0) {
    // A negative height of pixels is what some writers take for north up: GDAL looks at its size alone.
    const double down = -std::abs(scale[1]);
    transform = {ties[3] - ties[0] * scale[0], scale[0], 0, ties[4] - ties[1] * down, 0, down};
  } else if (!ties.empty()) {
    attributes.push_back({"ModelTiepoint", ties, "column, row, 0, x, y, z of each"});
  }
  if (const auto rpc = directory.numbers(kRpcCoefficients, kMostNumbers); rpc.size() == kRpcNumbers) {
    attributes.push_back({"RPCCoefficients", rpc, "rational polynomials, as GDAL's tag has them"});
  }
  if (is_point && !transform.empty()) shift(transform, -0.5);
  if (!transform.empty() && all_finite(transform)) attributes.push_back({"GeoTransform", transform, ""});
  if (keys.empty()) return;
  if (const Index code = epsg_code(keys); code > 0) attributes.push_back({"crs", fmt::format("EPSG:{}", code), ""});
  attributes.push_back({"AREA_OR_POINT", std::string(is_point ? "Point" : "Area"), ""});
  attributes.push_back({"GeoKeyDirectory", keys, ""});
  if (directory.has(kGeoDoubleParams)) attributes.push_back({"GeoDoubleParams", directory.numbers(kGeoDoubleParams, 65536), ""});
  if (directory.has(kGeoAsciiParams)) attributes.push_back({"GeoAsciiParams", directory.text(kGeoAsciiParams), ""});
}

bool is_geo(const Attribute& attribute) {
  if (attribute.key == "crs") {
    const auto* text = std::get_if<std::string>(&attribute.value);
    return text != nullptr && code_of(*text) > 0;
  }
  if (attribute.key == "GeoTransform") return !transform_of(attribute.value).empty();
  return std::find(std::begin(kOurAttributes), std::end(kOurAttributes), attribute.key) != std::end(kOurAttributes);
}

std::vector<TagToWrite> geo_tags(const std::vector<Attribute>& attributes) {
  std::vector<TagToWrite> out;
  const auto* crs = value_of<std::string>(attributes, "crs");
  const auto* keys = value_of<std::vector<std::int64_t>>(attributes, "GeoKeyDirectory");
  const auto* area = value_of<std::string>(attributes, "AREA_OR_POINT");
  bool is_point = area != nullptr && *area == "Point";
  const bool fits_unsigned = keys != nullptr && keys->size() >= 4 &&
                             std::all_of(keys->begin(), keys->end(), [](std::int64_t v) { return v >= 0 && v <= 65535; });
  const Index code = crs == nullptr ? 0 : code_of(*crs);
  if (fits_unsigned && (crs == nullptr || code == epsg_code({keys->begin(), keys->end()}))) {
    const std::vector<Index> list(keys->begin(), keys->end());
    is_point = short_key(list, kRasterType) == kPixelIsPoint;
    out.push_back(short_tag(kGeoKeyDirectory, list));
    if (const auto* numbers = value_of<std::vector<double>>(attributes, "GeoDoubleParams"); numbers != nullptr && !numbers->empty()) {
      out.push_back(double_tag(kGeoDoubleParams, *numbers));
    }
    if (const auto* text = value_of<std::string>(attributes, "GeoAsciiParams")) out.push_back(ascii_tag(kGeoAsciiParams, *text));
  } else if (code > 0) {
    const bool geographic = is_geographic(code);
    out.push_back(short_tag(kGeoKeyDirectory, {1, 1, 0, 3, kModelType, 0, 1, geographic ? 2 : 1, kRasterType, 0, 1, is_point ? kPixelIsPoint : 1,
                                               geographic ? kGeodeticCrs : kProjectedCrs, 0, 1, code}));
  }
  const Attribute* transform = find_attribute(attributes, "GeoTransform");
  if (std::vector<double> t = transform == nullptr ? std::vector<double>() : transform_of(transform->value); !t.empty()) {
    if (is_point) shift(t, 0.5);
    if (t[2] == 0 && t[4] == 0 && t[1] > 0 && t[5] < 0) {
      out.push_back(double_tag(kModelPixelScale, {t[1], -t[5], 0}));
      out.push_back(double_tag(kModelTiepoint, {0, 0, 0, t[0], t[3], 0}));
    } else {
      out.push_back(double_tag(kModelTransformation, {t[1], t[2], 0, t[0], t[4], t[5], 0, t[3], 0, 0, 0, 0, 0, 0, 0, 1}));
    }
  } else if (const auto* ties = value_of<std::vector<double>>(attributes, "ModelTiepoint"); ties != nullptr && !ties->empty()) {
    out.push_back(double_tag(kModelTiepoint, *ties));
  }
  if (const auto* rpc = value_of<std::vector<double>>(attributes, "RPCCoefficients"); rpc != nullptr && rpc->size() == kRpcNumbers) {
    out.push_back(double_tag(kRpcCoefficients, *rpc));
  }
  return out;
}

}  // namespace freestone::formats::tiff
