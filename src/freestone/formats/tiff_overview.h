/// Overviews: images of half the width and height, and half again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/core/view.h"

namespace freestone::formats::tiff {

/// What becomes of 2 x 2 pixels, in GDAL's words.
enum class Resampling { kNearest, kAverage, kRms, kMode, kMin, kMax };
/// @throws Error kind user, listing them
Resampling parse_resampling(const std::string& name);

/// Values that count as nothing: NaN always, and `nodata` (one element) where it is not empty.
struct Missing {
  std::vector<std::byte> nodata;
};

/// Halves `from` on its last two axes: block (i, j) is pixels (2i, 2j) to (2i + 1, 2j + 1), cut at the edges, so that the result is the
/// same whatever tile the block lies in. Nearest takes the first pixel; the others take those that are not missing, and what is missing
/// altogether stays so (nodata, else NaN). Averages of integers are rounded to the nearest, halves away from zero; an average that falls on
/// nodata by chance becomes the number beside it. The mode is the first of the most frequent.
/// @param to  of the shape of `from`, with (n + 1) / 2 on the last two axes; any strides
/// @throws Error kind internal: complex numbers and an order of them are asked for
void halve(const View& from, const View& to, Resampling how, const Missing& missing);
/// Whether `halve` can.
bool has_resampling(DType dtype, Resampling how);

/// The shape of `halve`'s result.
Shape halved(Shape shape);

/// How many times an image is halved until no side is longer than `side`.
int levels_down_to(const Shape& shape, Index side);

}  // namespace freestone::formats::tiff
