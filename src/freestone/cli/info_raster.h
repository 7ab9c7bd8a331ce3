/// What `info` says of a raster: CRS, pixels, bounds, nodata, bands, overviews.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/geo/crs_description.h"
#include "freestone/label/georeference.h"

namespace freestone::cli {

struct RasterDescription {
  struct Band {
    std::string name, unit;
    std::optional<formats::AttributeValue> nodata;  ///< a number of its own
    double scale = 1, offset = 0;
  };
  geo::CrsDescription crs;
  std::optional<GeoTransform> transform;
  Index rows = 0, columns = 0;
  std::string pixel_is;  ///< "area", "point"; "": the file does not say
  std::optional<formats::AttributeValue> nodata;
  std::vector<Band> bands;
  std::vector<std::pair<std::string, Shape>> overviews;
  bool has_mask = false;

  /// Of x and y.
  std::pair<double, double> resolution() const;
  /// West, south, east, north: of all four corners.
  std::array<double, 4> bounds() const;
  bool is_rotated() const { return transform && ((*transform)[2] != 0 || (*transform)[4] != 0); }
};

/// None for what is neither an image of a format of rasters nor has a CRS or transform.
std::optional<RasterDescription> describe_raster(const astro::SkyArray& array, const Opened& opened);
/// Whether the description tells what this attribute says.
bool is_told(const RasterDescription& raster, const formats::Attribute& attribute);

std::vector<std::pair<std::string, std::string>> raster_lines(const RasterDescription& raster);
nlohmann::ordered_json raster_json(const RasterDescription& raster);

}  // namespace freestone::cli
