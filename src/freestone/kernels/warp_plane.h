/// Values of planes at fractional positions, of a part of the planes: nearest pixel, bilinear, or cubic.
///
/// Centres lie at integers. A position counts from half a pixel before the first centre to half a pixel behind the last; between edge and centre
/// the outermost pixel's value holds. Each output depends on its own position only, so the bits do not depend on the tiling.
#pragma once

#include <span>

#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class Resampling { kNearest, kBilinear, kCubic };

/// What a NaN among the pixels of a value does.
enum class MissingRule {
  kSpreads,  ///< the value is NaN, whatever the weight: the rule of the package reproject
  kLeftOut   ///< the others count, their weights made to sum to 1; where the nearest pixel is NaN so is the value: the rule of gdalwarp
};

/// Which part of planes with `rows` x `columns` pixels a view holds: the part that begins at (row, column).
struct PlaneWindow {
  Index row = 0, column = 0, rows = 0, columns = 0;
};

/// Pixels to each side of the nearest one that a value may need.
constexpr Index reach_of(Resampling resampling) { return resampling == Resampling::kNearest ? 0 : resampling == Resampling::kBilinear ? 1 : 2; }

/// One plane: `in` (rows, columns) of float32 or float64, any strides, holds all pixels that are needed; `rows` and `columns` have a position for
/// each pixel of `out`, (my, mx) of the same dtype, any strides. Positions that are NaN or outside of the plane give NaN.
/// kCubic is the convolution with a = -0.5 (Keys 1981); where one of its 16 pixels is outside or NaN it is bilinear, as in gdalwarp.
/// @throws Error kind internal: shapes or dtypes that do not go together; kind cancelled
void warp_plane(const View& in, const PlaneWindow& window, std::span<const double> rows, std::span<const double> columns, Resampling resampling,
                MissingRule missing, const View& out, const Cancel& cancel);

}  // namespace freestone::kernels
