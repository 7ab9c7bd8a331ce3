/// The inner loops of convolve.h, on padded planes of float64.
#pragma once

#include <cstddef>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

inline constexpr Index kPatchRows = 8, kPatchColumns = 64;  // outputs made by one call

struct ConvolveLoops {
  /// out[y][x] = sum over ty, then tx, of weights[ty][tx] * in[y + ty][x + tx], fused, in that order; a whole patch. Rows of `in` are
  /// `stride` apart, those of `out` kPatchColumns.
  void (*correlate)(const double* in, Index stride, const double* weights, Index ky, Index kx, double* out);
  /// Converts a contiguous row; with `replace`, NaN becomes 0. Returns whether there was NaN.
  bool (*read_float)(const float* from, Index n, bool replace, double* to);
  bool (*read_double)(const double* from, Index n, bool replace, double* to);
};

/// The loops of the active target.
ConvolveLoops convolve_loops();

}  // namespace freestone::kernels
