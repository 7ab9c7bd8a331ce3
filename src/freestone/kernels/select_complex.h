/// The median of complex numbers, in NumPy's order: by real part, then imaginary part (kernels/sort_keys.h).
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

Index complex_median_scratch_bytes(Index length, DType dtype);

/// The mean of the two middle numbers, part by part. `out`: the shape of `in` without `axis`, its dtype; any strides. A number with a NaN
/// part is NaN: left out when `skip_nan`, otherwise one makes the median NaN in both parts, as does a column without numbers.
void complex_median_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel);

}  // namespace freestone::kernels
