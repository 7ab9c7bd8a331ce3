/// Where the pixels of a raster lie, in the words of each format.
///
/// GeoTIFF has two facts: a CRS, and six numbers from pixel to place. In Freestone they are the attributes `crs` ("EPSG:32633") and
/// `GeoTransform` of the array (with GeoTIFF's own keys where a file has them), and x and y are coordinates, the middles of pixels. CF says
/// the same by coordinates and a variable that `grid_mapping` names, as rioxarray and GDAL write it. `raster_read` makes the first out of
/// whatever a file has, `raster_for_cf` and `raster_for_pixels` are the ways out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "freestone/label/dataset.h"

namespace freestone {

/// x = t[0] + t[1] column + t[2] row, y = t[3] + t[4] column + t[5] row, of the corner of a pixel: GDAL's order.
using GeoTransform = std::array<double, 6>;

/// The names of all variables that the attribute grid_mapping of `variable` has: one, or in CF's long form several, each with coordinates.
std::vector<std::string> grid_mapping_names(const DatasetVariable& variable);

/// Of a list of numbers, or text with blanks between; none when it is neither.
std::optional<GeoTransform> geo_transform_of(const std::vector<formats::Attribute>& attributes);
/// Of pixels start, start + step, ... of rows (or columns).
GeoTransform sliced(const GeoTransform& transform, bool rows, Index start, Index step);
/// Of blocks of `factor` rows (or columns).
GeoTransform coarsened(const GeoTransform& transform, bool rows, Index factor);
/// The same of ground control points (`ModelTiepoint`) and rational polynomials (`RPCCoefficients`) among `attributes`: pixel p is now (p - start) / step.
void move_tie_points(std::vector<formats::Attribute>& attributes, bool rows, double start, double step);
/// Puts it in the place of the one that is there.
void set_geo_transform(std::vector<formats::Attribute>& attributes, const GeoTransform& transform);

/// First label and step of an axis whose labels are evenly spaced (to a thousandth of the step); none of one label, or when they are not.
/// Reads them.
struct EvenSpacing {
  double first = 0, step = 1;
};
std::optional<EvenSpacing> even_spacing(const DatasetVariable& coordinate);

/// A raster's variable and coordinates as Freestone has them: what the grid mapping says becomes attributes, and an unrotated transform
/// coordinates y and x where there are none. Others stay as they are.
void raster_read(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates);
/// For files of several variables: `crs` and `GeoTransform` go to a grid mapping "spatial_ref", or to the one that is there.
void raster_for_cf(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates);
/// For files of one array: attributes `crs` and `GeoTransform` from evenly spaced coordinates of the last two axes, where it lacks them.
/// Reads the coordinates. Without a CRS, degrees_north and degrees_east are EPSG:4326.
void raster_for_pixels(DatasetVariable& variable, const std::vector<DatasetVariable>& coordinates);

}  // namespace freestone
