/// Order statistics along one axis: median, percentile, median absolute deviation, sigma clipping.
///
/// Columns along `axis` are gathered a block at a time into contiguous scratch (neighbours side by side, so that memory is read in whole
/// cache lines), and selected there. Every column is worked on alone: the result does not depend on which columns share a call.
/// Real dtypes; what is neither float32 nor float64 is converted to float64.
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

/// 1 / the normal distribution's third quartile, as astropy.stats.mad_std.
inline constexpr double kMadToSigma = 1.482602218505602;

/// Scratch that any function here needs for an input of this shape.
Index select_scratch_bytes(const Shape& in, int axis, DType dtype);

/// The mean of the two middle values (in the dtype of the output, as NumPy). `out`: the shape of `in` without `axis`; float32 for float32,
/// otherwise float64; any strides. `skip_nan`: NaN is left out and a column without values gives NaN; otherwise one NaN makes NaN.
void median_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel);

/// NumPy's "linear" percentile, q in [0, 100]: numpy.nanpercentile or numpy.percentile, bit for bit.
/// @throws Error kind user: q out of range
void percentile_along(const View& in, int axis, double q, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel);

/// 1.482602218505602 * median(|x - median(x)|) as astropy.stats.mad_std: differences in the dtype of the output.
void mad_std_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel);

struct ClipRule {
  double low = 3, high = 3;    ///< In units of the deviation.
  int max_iterations = 5;      ///< -1: until nothing drops.
  bool center_mean = false;    ///< About the mean instead of the median.
  bool deviation_mad = false;  ///< mad_std instead of the standard deviation (ddof 0, about the mean).
};

/// The rule of astropy.stats.SigmaClip, column by column, bounds in float64. Survivors keep their exact bits; all else, what is not finite
/// included, becomes NaN. `out`: shape of `in`, floating dtype of `in` (float64 for integers); may be `in` itself.
/// @returns the number of survivors
Index sigma_clip_along(const View& in, int axis, const ClipRule& rule, const View& out, Scratch& scratch, const Cancel& cancel);

}  // namespace freestone::kernels
