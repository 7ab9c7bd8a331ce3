/// Convolution by direct sums, in float64, whatever the tiling: each output's bits depend on its own footprint only.
///
/// These functions correlate: out[i] = sum over t of weights[t] * in[i + t - n/2]. A convolution flips its kernel: the caller passes
/// weights that are flipped already. Outside the array lies 0, which counts as valid weight, so edges darken (astropy.convolution with
/// boundary='fill'). Views may hold a part of an axis; what an output needs must lie in `in` or outside of the array.
#pragma once

#include <array>
#include <span>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class NanRule {
  kInterpolate,  ///< NaN is left out and its weight too: sum(w v) / sum(w) over valid, times sum(w); NaN where no valid weight is in reach.
  kFill,         ///< NaN counts as 0.
  kPropagate     ///< NaN anywhere in the footprint gives NaN.
};

/// Correlates along `axis` with `weights` (odd length, centre weights[n / 2]). `in` holds positions [in_start, in_start + in.shape[axis])
/// of an axis of length `extent`; `out` holds [out_start, out_start + out.shape[axis]); other axes are equal. Float32 or float64, the same
/// for both.
/// @throws Error kind user: even or no weights; internal: `in` lacks what `out` needs
void convolve_along(const View& in, Index in_start, Index extent, int axis, std::span<const double> weights, NanRule nan_rule,
                    const View& out, Index out_start, Scratch& scratch, const Cancel& cancel);

/// The same over the last two axes with a kernel of ky rows of kx weights, both odd; leading axes are planes.
void convolve_plane(const View& in, std::array<Index, 2> in_start, std::array<Index, 2> extent, std::span<const double> weights, Index ky,
                    Index kx, NanRule nan_rule, const View& out, std::array<Index, 2> out_start, Scratch& scratch, const Cancel& cancel);

/// Scratch that the functions above need, for an input of shape `in`.
Index convolve_along_scratch_bytes(const Shape& in, int axis, Index taps, DType dtype);
Index convolve_plane_scratch_bytes(const Shape& in, Index ky, Index kx, DType dtype);

}  // namespace freestone::kernels
