/// Images and cubes on other pixels of the sky, at points of it, and along paths: lazy.
///
/// Pixels are looked at where they are, by their centres; nothing is averaged, so what is to become much coarser is smoothed or downsampled before.
#pragma once

#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/astro/sky_frame.h"
#include "freestone/kernels/warp_plane.h"

namespace freestone::astro {

/// Pixels of the sky: a WCS of (latitude, longitude), rows and columns.
struct SkyGrid {
  Wcs wcs;
  Index rows = 0, columns = 0;
};

/// The grid that `array` has. @throws Error kind user: no celestial axes
SkyGrid grid_of(const SkyArray& array);
/// North up, east left, gnomonic (TAN), in that frame: square pixels of `pixel_deg` degrees, the image's own when 0, as many as hold all of the image.
/// @throws Error kind user: as `frame_of`; a corner of the image lies 90 degrees or more from its middle; more than 2^31 pixels along an axis
SkyGrid grid_around(const SkyArray& array, SkyFrame frame, double pixel_deg = 0);

/// On other pixels of the sky: latitude and longitude become the last axes, named as they were; others stay. What lies outside is NaN. The WCS is the
/// grid's with the other axes'; position angles of beams follow the direction of north at the image's middle. A pixel counts only where the way back
/// from its position ends at it, as in the package reproject.
/// @throws Error kind user: no celestial axes, frames between which there is no way
SkyArray reproject(const SkyArray& array, const SkyGrid& grid, kernels::Resampling resampling);

/// Places on the sky, in degrees.
struct SkyPoints {
  SkyFrame frame = SkyFrame::kIcrs;
  std::vector<double> longitudes, latitudes;
};
/// Rows and columns of them, centres at integers; NaN outside of the projection. @throws Error kind user: as `frame_of`
struct PixelPlaces {
  std::vector<double> rows, columns;
};
PixelPlaces places_of(const SkyArray& array, const SkyPoints& points);

/// The pixels that hold the places, one axis "point" in the place of latitude and longitude, which is last; NaN outside of the image. Without WCS
/// along "point".
SkyArray at_places(const SkyArray& array, const PixelPlaces& places, int row_axis, int column_axis);

/// Along the straight lines of pixels between the places: one axis "offset" in the place of latitude and longitude, last, a sample each pixel from the
/// first place on, bilinear, mean over `width` pixels across (lines of a pixel at most; NaN is left out). `offset_deg` is what a pixel is along it.
/// @throws Error kind user: fewer than two places, one that is no place of the projection, a path of no length, or of more than 10^7 pixels with its width, width not above 0
SkyArray along_path(const SkyArray& array, const PixelPlaces& places, double width, double offset_deg, int row_axis, int column_axis);

}  // namespace freestone::astro
