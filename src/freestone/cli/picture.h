/// Pictures of sky arrays: images with world coordinates, spectra as lines.
#pragma once

#include <string>

#include "freestone/astro/sky_array.h"
#include "freestone/watch/image_plot.h"

namespace freestone::cli {

struct PictureStyle {
  std::string path, color_map = "viridis", range, title, label;
  bool overwrite = false;
};

/// Draws float64 values of the array's shape: rank 2 as an image (right ascension and declination in sexagesimal, other
/// axes in their units, the beam in the corner), rank 1 as a line.
/// @throws Error kind user: another rank, range or colour map that do not parse; kind io
void draw(const astro::SkyArray& array, std::span<const double> values, const PictureStyle& style);

/// Ticks of one axis of an image; empty when its coordinates are not known or do not run one way.
watch::PlotAxis plot_axis(const astro::SkyArray& array, int axis);

/// 63.3567 as "4h13m25.6s" (hours) or "+10°27′54″" (degrees), with as many parts as a step of `step_degrees` needs.
std::string sexagesimal(double degrees, bool hours, double step_degrees);

}  // namespace freestone::cli
