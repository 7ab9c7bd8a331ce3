/// What a result inherits from the SkyArray that it is made of.
#pragma once

#include <vector>

#include "freestone/astro/sky_array.h"

namespace freestone::astro {

/// `array` with its data replaced by `data`, which has only the axes `kept`, in that order: dimensions, WCS, beams and coordinates follow.
SkyArray with_axes(const SkyArray& array, Array data, const std::vector<int>& kept);

/// All axes of `array` but `removed` (ascending).
std::vector<int> axes_without(const SkyArray& array, const std::vector<int>& removed);

/// The one beam that stands for all channels: the beam, or the mean of beams whose areas differ by 1 % at most from their mean's. None when
/// the channels differ by more, or there is no beam.
std::optional<Beam> common_resolution(const SkyArray& array);

/// Position of a dimension, or none.
std::optional<int> find_dim(const SkyArray& array, const char* name);

}  // namespace freestone::astro
