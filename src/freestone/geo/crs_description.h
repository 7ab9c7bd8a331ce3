/// What people call a CRS: name, code, kind and unit, out of the attributes that say it.
#pragma once

#include <string>
#include <vector>

#include "freestone/formats/format.h"

namespace freestone::geo {

/// What is not known is "".
struct CrsDescription {
  std::string code;    ///< "EPSG:32633"
  std::string name;    ///< "WGS 84 / UTM zone 33N"
  std::string kind;    ///< "projected", "geographic", "geocentric"
  std::string unit;    ///< of coordinates: "metre", "degree", "US survey foot"
  std::string method;  ///< of a projection without a code: "Albers Equal Area"
  std::string wkt;     ///< well-known text, where PROJ is there or the file has it

  bool is_known() const { return !code.empty() || !name.empty() || !kind.empty() || !method.empty(); }
};

/// By PROJ where its plug-in is there and `crs` has a code or is well-known text; else by the keys of GeoTIFF (OGC 19-008r4). Damaged keys
/// are not known.
CrsDescription describe_crs(const std::vector<formats::Attribute>& attributes);

}  // namespace freestone::geo
