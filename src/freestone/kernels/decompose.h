/// Triangles of blocks of rows, and their inverses, in float64 and complex128 (T), C order.
///
/// Every sum runs in ascending order of its index, so the bits are the same on every machine. A column whose squares would overflow or
/// vanish is reflected at another scale, a power of two: elements up to 1e300 and down to 1e-290 keep their digits, in columns of any sizes.
#pragma once

#include <complex>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

/// The triangle of the QR decomposition of `a` (rows x columns), by Householder reflections: `r` is columns x columns, upper, its diagonal
/// real and not negative; rows that `a` is short of are zero. `a` is overwritten. `work`: `columns` elements.
void triangle_of(double* a, Index rows, Index columns, double* r, double* work);
void triangle_of(std::complex<double>* a, Index rows, Index columns, std::complex<double>* r, std::complex<double>* work);

/// The inverse of an upper triangle. A diagonal element of at most 64 n * 2^-52 times the largest of its column belongs to a column that
/// depends on those before it: its row and column of the inverse are zero.
template <class T>
void invert_triangle(const T* r, Index n, T* inverse);

}  // namespace freestone::kernels
