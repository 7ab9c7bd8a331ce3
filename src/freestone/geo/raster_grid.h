/// Pixels of maps, and rasters put on others.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/warp_plane.h"
#include "freestone/label/georeference.h"

namespace freestone::geo {

/// Rows and columns of pixels in a CRS.
struct RasterGrid {
  std::string crs;  ///< "EPSG:32633"; "": not known
  GeoTransform transform{};
  Index rows = 0, columns = 0;

  /// Rows and columns, centres at integers, of places. A longitude of EPSG:4326 outside of the image may be a turn away within it. @throws Error kind user: the transform cannot be turned round
  void to_pixels(std::span<double> x, std::span<double> y, std::span<double> rows, std::span<double> columns) const;
};

/// What is wanted of a grid that is made for an image; what is not said is chosen.
struct GridRequest {
  std::string crs;                                   ///< "": the image's
  std::vector<double> resolution;                    ///< of x and y, or of both; none: as many pixels along the diagonal as the image has, as gdalwarp chooses
  std::optional<std::array<double, 4>> box;          ///< west, south, east, north in the new CRS; none: all of the image
};

/// Of a variable whose last two axes are rows and columns: by its GeoTransform, or by evenly spaced coordinates of these axes.
/// @throws Error kind user: it has neither
RasterGrid grid_of(const DatasetVariable& variable, const std::vector<DatasetVariable>& coordinates);

/// Square pixels, north up.
/// @throws Error kind user: a CRS is not known, sizes that make no sense, no part of the image has a place in the new CRS; as Projection
RasterGrid grid_for(const RasterGrid& image, const GridRequest& request);

/// The last two axes of `a`, on pixels `from`, on those of `to`; NaN outside. Values are those at the pixels' centres.
/// @throws Error kind user: one CRS is not known; as Projection and warp
Array reproject(const Array& a, const RasterGrid& from, const RasterGrid& to, kernels::Resampling resampling);

/// `variable` on `to`: dimensions y and x in the place of the last two (their names are kept), GeoTransform and CRS as attributes, and `coordinates` with
/// those of the new pixels.
void put_on_grid(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates, const RasterGrid& from, const RasterGrid& to, kernels::Resampling resampling);

}  // namespace freestone::geo
