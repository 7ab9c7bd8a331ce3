/// Several files as one array: --stack.
#pragma once

#include <string>
#include <vector>

#include "freestone/astro/sky_array.h"

namespace freestone::cli {

/// The arrays of `files` side by side along `dim`: a new axis in front, or theirs where they have one, such as the bands of rasters.
/// All have the same shape but for it, and lie in the same place (crs, GeoTransform). Bands without names are called as their files.
/// Attributes are those of the first, scale and nodata having been obeyed in each.
/// @throws Error kind user: they do not fit, naming the file and what differs
astro::SkyArray stacked(const std::vector<std::string>& files, const std::string& dim, const CfOptions& numbers);

}  // namespace freestone::cli
