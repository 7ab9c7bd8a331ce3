/// The micro-kernels of matmul.h, on packed panels.
#pragma once

#include <cstddef>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

/// One real type's micro-kernel.
///
/// `product(k, a, b, c, row, add)` makes a block of `rows` x `columns` elements: c[i * row + j] (+)= sum over p of a[p * rows + i] *
/// b[p * columns + j]. Complex panels keep apart, for each p, the real parts and then the imaginary ones: a of 2 * rows numbers, b of
/// 2 * columns; c likewise holds a row's real parts, then `columns` numbers on its imaginary ones.
template <class T>
struct MatmulLoop {
  Index rows, columns;
  void (*product)(Index k, const T* a, const T* b, T* c, Index row, bool add);
};

struct MatmulLoops {
  MatmulLoop<float> real_float, complex_float;
  MatmulLoop<double> real_double, complex_double;
};

/// The loops of the active target.
MatmulLoops matmul_loops();

}  // namespace freestone::kernels
