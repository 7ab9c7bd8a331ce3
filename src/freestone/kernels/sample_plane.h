/// Values of planes at fractional positions: nearest pixel, or bilinear.
///
/// The rule of the package reproject (map_coordinates behind an edge of one pixel): centres lie at integers; a position counts from half a
/// pixel before the first centre to half a pixel behind the last, and between edge and centre the outermost pixel's value holds. Each
/// output depends on its own position only, so the bits do not depend on the tiling.
#pragma once

#include <span>

#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class Sampling { kNearest, kBilinear };

/// `in`: (planes, ny, nx) in C order; `rows` and `columns`: one position for each pixel of a plane of `out`, which has shape (planes, my,
/// mx) in C order and the dtype of `in`, float32 or float64. Positions that are NaN or outside give NaN; so does a NaN among the pixels that
/// a bilinear value is made of, its weight being 0 or not.
/// @throws Error kind internal: shapes or dtypes that do not go together; kind cancelled
void sample_planes(const View& in, std::span<const double> rows, std::span<const double> columns, Sampling sampling, const View& out,
                   const Cancel& cancel);

}  // namespace freestone::kernels
