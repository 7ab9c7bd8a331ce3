/// Pictures of results: an image with colour bar and axes, or a line, as PNG.
///
/// Pure drawing: it takes numbers and words and knows nothing of arrays, files or the sky. Who has world coordinates
/// gives tick positions and their labels; without them, axes are labelled in pixels.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone::watch {

struct AxisTick {
  double pixel;  ///< zero-based; integers are the middles of pixels
  std::string label;
};

struct PlotAxis {
  std::string label;
  std::vector<AxisTick> ticks;  ///< empty: round pixel numbers
};

/// A telescope's beam, drawn as an ellipse in the lower left corner.
struct PlotBeam {
  double major, minor;   ///< full widths at half maximum, in pixels
  double angle_degrees;  ///< of the major axis, from up towards left, as position angles run on the sky
};

struct ImagePlot {
  std::span<const double> values;  ///< `rows` x `columns`, row by row; NaN and infinities are drawn light grey
  Index rows = 0, columns = 0;
  bool y_up = true;  ///< row 0 at the bottom, as FITS images are drawn
  std::string title;
  std::string value_label;  ///< beside the colour bar, such as "Moment 0 (Jy/beam km/s)"
  std::string color_map = "viridis";
  std::string range;  ///< "lo:hi"; a side left empty, or all of it: the percentiles 0.5 and 99.5
  PlotAxis x, y;
  std::optional<PlotBeam> beam;
};

/// Large images are averaged down to at most 1000 pixels a side, small ones enlarged by whole numbers.
/// @throws Error kind user: rows x columns is not the number of values or is 0, unknown colour map, range that does not
///   parse or is empty, the file exists and `overwrite` is false; kind io
void plot_image(const ImagePlot& plot, const std::string& path, bool overwrite = false);

struct LinePlot {
  std::span<const double> x, y;  ///< of the same length; a point that is not finite interrupts the line
  std::string title, x_label, y_label;
  std::string range;  ///< of y, as for an image; empty: all of it
};

/// @throws Error kind user: x and y differ in length or are empty, range; kind io
void plot_line(const LinePlot& plot, const std::string& path, bool overwrite = false);

/// The range that a picture shows: `range` as in ImagePlot, open sides filled with the given percentiles of the finite
/// values. Always hi > lo: a constant is given room on both sides; without finite values it is 0 to 1.
/// @throws Error kind user: `range` does not parse, or lo >= hi
struct ValueRange {
  double lo, hi;
};
ValueRange value_range(std::span<const double> values, const std::string& range, double low_percent, double high_percent);

}  // namespace freestone::watch
