/// The loops of fft.h: pocketfft, compiled for each target, so that as many lines are transformed at once as a vector of the machine takes.
/// Each line's bits are the same in any vector, and alone.
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/view.h"
#include "freestone/kernels/fft.h"

namespace freestone::kernels {

template <class T>
struct FftLoops {
  /// All lines along the axis. Real views are of T, complex ones of std::complex<T>.
  void (*transform)(const View& in, int axis, const FftRequest& request, const View& out);
  /// Lines of complex numbers that lie side by side across rows, `columns` at a time; the last axis of both views is contiguous. Returns
  /// how many columns were done. Of `scratch`, at most columns * (n * sizeof(complex) + 2 * Buffer::kAlignment) bytes.
  Index (*transform_columns)(const View& in, int axis, const FftRequest& request, const View& out, Index columns, Scratch& scratch);
  /// Forward transforms of lines of real numbers that are contiguous along `axis`, the last one, before and after; kReal and kRealFull, with
  /// the half that mirrors the other. Of `scratch`, n * Buffer::kAlignment bytes at the most.
  void (*transform_rows)(const View& in, int axis, const FftRequest& request, const View& out, Scratch& scratch);
};

/// The loops of the active target, of float or double.
template <class T>
FftLoops<T> fft_loops();

}  // namespace freestone::kernels
