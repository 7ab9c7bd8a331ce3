/// Coordinate reference systems of maps: the way from one to another, by PROJ where its plug-in is there.
#pragma once

#include <memory>
#include <span>
#include <string>

namespace freestone::geo {

/// A way from one CRS to another. Copies share it; safe to use from many threads, one at a time.
class Projection {
 public:
  /// Equal names need no plug-in: the way is the identity.
  /// @param from, to  "EPSG:32633"
  /// @throws Error kind user: the plug-in is not there, and how to get it; PROJ knows no such CRS
  Projection(const std::string& from, const std::string& to);
  /// In place: easting and northing, or longitude and latitude in degrees; NaN where there is no such place.
  void transform(std::span<double> x, std::span<double> y) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The CRS ("EPSG:32633") as well-known text, as CF's crs_wkt and GDAL want it; such text itself as it is.
/// @throws Error kind user: as Projection
std::string wkt_of(const std::string& crs);

/// "PROJ 9.1.1", or why there is none.
std::string projection_status();

}  // namespace freestone::geo
