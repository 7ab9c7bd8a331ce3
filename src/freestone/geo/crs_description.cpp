#include "freestone/geo/crs_description.h"

#include <algorithm>
#include <array>
#include <optional>

#include "freestone/base/error.h"
#include "freestone/formats/find_attribute.h"
#include "freestone/geo/projection.h"

namespace freestone::geo {
namespace {

constexpr std::int64_t kModelType = 1024, kCitation = 1026, kGeodeticCitation = 2049, kAngularUnit = 2054, kProjectedCitation = 3073,
                       kMethod = 3075, kLinearUnit = 3076;
constexpr std::int64_t kAsciiParams = 34737;

struct Named {
  std::int64_t number;
  const char* name;
};
constexpr Named kModels[] = {{1, "projected"}, {2, "geographic"}, {3, "geocentric"}};
constexpr Named kUnits[] = {{9001, "metre"},  {9002, "foot"},          {9003, "US survey foot"}, {9005, "Clarke's foot"},
                            {9014, "fathom"}, {9030, "nautical mile"}, {9036, "kilometre"},      {9101, "radian"},
                            {9102, "degree"}, {9103, "arc-minute"},    {9104, "arc-second"},     {9105, "grad"}};
constexpr Named kMethods[] = {{1, "Transverse Mercator"},
                              {3, "Oblique Mercator"},
                              {7, "Mercator"},
                              {8, "Lambert Conic Conformal (2SP)"},
                              {9, "Lambert Conic Conformal (1SP)"},
                              {10, "Lambert Azimuthal Equal Area"},
                              {11, "Albers Equal Area"},
                              {12, "Azimuthal Equidistant"},
                              {13, "Equidistant Conic"},
                              {14, "Stereographic"},
                              {15, "Polar Stereographic"},
                              {16, "Oblique Stereographic"},
                              {17, "Equirectangular"},
                              {18, "Cassini-Soldner"},
                              {19, "Gnomonic"},
                              {20, "Miller Cylindrical"},
                              {21, "Orthographic"},
                              {22, "Polyconic"},
                              {23, "Robinson"},
                              {24, "Sinusoidal"},
                              {25, "Van der Grinten"},
                              {26, "New Zealand Map Grid"},
                              {27, "Transverse Mercator (South Orientated)"},
                              {28, "Cylindrical Equal Area"}};

template <std::size_t N>
std::string name_in(const Named (&table)[N], std::int64_t number) {
  const auto* found = std::find_if(std::begin(table), std::end(table), [&](const Named& one) { return one.number == number; });
  return found == std::end(table) ? "" : found->name;
}

/// A GeoKeyDirectory and the texts that it points into.
class GeoKeys {
 public:
  explicit GeoKeys(const std::vector<formats::Attribute>& attributes)
      : keys_(value_of<std::vector<std::int64_t>>(attributes, "GeoKeyDirectory")),
        texts_(value_of<std::string>(attributes, "GeoAsciiParams")) {}

  /// 0: there is none.
  std::int64_t number(std::int64_t key) const {
    const auto entry = find(key);
    return entry && (*entry)[1] == 0 ? (*entry)[3] : 0;
  }
  /// Writers put several names into one text: "PCS Name = NAD83|..."; the first is meant. "ESRI PE String" is none.
  std::string text(std::int64_t key) const {
    const auto entry = find(key);
    if (!entry || (*entry)[1] != kAsciiParams || texts_ == nullptr) return "";
    const std::int64_t count = (*entry)[2], start = (*entry)[3], size = static_cast<std::int64_t>(texts_->size());
    if (start < 0 || count <= 0 || start >= size) return "";
    std::string out = texts_->substr(static_cast<std::size_t>(start), static_cast<std::size_t>(std::min(count, size - start)));
    out = out.substr(0, out.find('|'));
    if (out.starts_with("ESRI PE String")) return "";
    if (const std::size_t equals = out.find(" Name = "); equals != std::string::npos && equals <= 3) out = out.substr(equals + 8);
    return out == "unnamed" || out == "unknown" ? "" : out;
  }

 private:
  std::optional<std::array<std::int64_t, 4>> find(std::int64_t key) const {
    if (keys_ == nullptr) return std::nullopt;
    for (std::size_t i = 4; i + 3 < keys_->size(); i += 4)
      if ((*keys_)[i] == key) return std::array{(*keys_)[i], (*keys_)[i + 1], (*keys_)[i + 2], (*keys_)[i + 3]};
    return std::nullopt;
  }
  const std::vector<std::int64_t>* keys_;
  const std::string* texts_;
};

/// The text in quotes behind `at`.
std::string quoted(const std::string& wkt, std::size_t at) {
  const std::size_t begin = wkt.find('"', at), end = begin == std::string::npos ? begin : wkt.find('"', begin + 1);
  return end == std::string::npos ? "" : wkt.substr(begin + 1, end - begin - 1);
}

void read_wkt(const std::string& wkt, CrsDescription& out) {
  out.wkt = wkt;
  out.name = quoted(wkt, 0);
  const auto has = [&](const char* word) { return wkt.find(word) != std::string::npos; };
  out.kind = has("PROJCRS[") || has("PROJCS[")   ? "projected"
             : has("GEOGCRS[") || has("GEOGCS[") ? "geographic"
             : has("GEODCRS[") || has("GEOCCS[") ? "geocentric"
                                                 : "";
  // Of the coordinates themselves: behind the kind of their axes, or, in WKT 1, the last one.
  const std::size_t axes = wkt.find(",CS[");
  const std::size_t unit = axes == std::string::npos ? wkt.rfind("UNIT[") : wkt.find("UNIT[", axes);
  if (unit != std::string::npos) out.unit = quoted(wkt, unit);
}

}  // namespace

CrsDescription describe_crs(const std::vector<formats::Attribute>& attributes) {
  CrsDescription out;
  const auto* crs = value_of<std::string>(attributes, "crs");
  if (crs != nullptr && crs->find('[') == std::string::npos) out.code = *crs;
  if (crs != nullptr) {
    try {
      read_wkt(wkt_of(*crs), out);
      return out;
    } catch (const Error& error) {
      // Without PROJ, or with a code that it does not know, the file's own words are what there is.
      if (error.kind() != ErrorKind::kUser) throw;
    }
  }
  const GeoKeys keys(attributes);
  out.kind = name_in(kModels, keys.number(kModelType));
  const bool is_projected = out.kind == "projected";
  for (const std::int64_t key : {is_projected ? kProjectedCitation : kGeodeticCitation, kCitation}) {
    if (out.name.empty()) out.name = keys.text(key);
  }
  out.unit = name_in(kUnits, keys.number(is_projected ? kLinearUnit : kAngularUnit));
  if (out.unit.empty() && out.kind == "geographic") out.unit = "degree";
  if (out.code.empty()) out.method = name_in(kMethods, keys.number(kMethod));
  return out;
}

}  // namespace freestone::geo
