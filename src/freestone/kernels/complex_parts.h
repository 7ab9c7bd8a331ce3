/// Complex numbers as two arrays of real ones: for operations that go part by part.
#pragma once

#include "freestone/core/view.h"

namespace freestone::kernels {

/// The real (0) or imaginary (1) parts; real numbers themselves.
inline View part_of(View view, int part) {
  const DType real = real_type(view.dtype);
  view.data += part * size_of(real);
  view.dtype = real;
  return view;
}

}  // namespace freestone::kernels
