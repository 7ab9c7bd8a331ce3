/// Fourier transforms along one axis, by pocketfft.
///
/// Each line is transformed by itself, in the same steps alone or in a vector of lines, so the bits do not depend on which lines come
/// together nor on how many a vector of the machine takes. It computes in the dtype of the result, float32 or float64.
#pragma once

#include <string_view>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class FftKind {
  kComplex,   ///< n complex numbers to n
  kRealFull,  ///< n real numbers to all n complex ones
  kReal,      ///< n real numbers to the first n / 2 + 1
  kToReal     ///< the first n / 2 + 1 of numbers that mirror each other to n real ones
};

struct FftRequest {
  FftKind kind = FftKind::kComplex;
  Index n = 1;
  bool forward = true;  ///< exp(-2 pi i j k / n), or its conjugate
  double scale = 1;     ///< what every result is multiplied by
};

/// Elements on the axis that a transform uses of its input, and that it makes.
Index fft_input_length(const FftRequest& request);
Index fft_output_length(const FftRequest& request);

/// Transforms `in` along `axis` into `out`, which is floating for kToReal, else complex. What `in` has beyond the input length is not used,
/// what it lacks is zero. `in` may have any dtype that converts; real for kReal and kRealFull.
void fft_along(const View& in, int axis, const FftRequest& request, const View& out, Scratch& scratch, const Cancel& cancel);

/// Bytes that `fft_along` takes for an input of this dtype and shape, and a result of this dtype.
Index fft_scratch_bytes(const Shape& in, int axis, DType in_dtype, DType out_dtype, const FftRequest& request);

/// Nanoseconds a line of one core, roughly: for pricing.
double fft_line_nanoseconds(const FftRequest& request, DType out_dtype);

}  // namespace freestone::kernels
