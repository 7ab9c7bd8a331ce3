/// Spectral indices: what vegetation, water and burns look like, of the bands of a raster.
///
/// A row of the table is an index: the bands that it takes, by the names of colours, and how it is computed. The names of bands are those
/// of geowombat; `sensor_bands` says where they lie in the files of a sensor.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/array/array.h"

namespace freestone::geo {

using Bands = std::map<std::string, Array, std::less<>>;

struct SpectralIndex {
  std::string_view name;
  std::vector<std::string_view> bands;  ///< in the order of the formula
  std::string_view formula;             ///< for people
  std::string_view what;
  Array (*compute)(const std::vector<Array>& bands);  ///< bands in float64
};

/// All of them, in the order that help shows.
const std::vector<SpectralIndex>& spectral_indices();
/// @throws Error kind user: no such index, with the nearest name
const SpectralIndex& find_spectral_index(const std::string& name);

/// The index in float64. What is NaN in any of its bands is NaN, and so is what the formula leaves undefined (0/0).
/// @throws Error kind user: no such index, or a band that it takes is not in `bands`; shapes that differ
Array spectral_index(const std::string& name, const Bands& bands);

/// Names of the bands in a file of this sensor, the first band first: "bgrn", "l8", "s2"...
/// @throws Error kind user: no such sensor, listing them
const std::vector<std::string_view>& sensor_bands(const std::string& sensor);
/// "rgb, bgr, ...".
std::string sensor_names();

}  // namespace freestone::geo
