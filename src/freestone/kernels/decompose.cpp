#include "freestone/kernels/decompose.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/kernels/complex_product.h"
#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/decompose_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {
namespace {

using baseline::size_of_number;
using Complex = std::complex<double>;

constexpr double kEpsilon = 0x1p-52;
constexpr double kDependent = 64;  // rounding leaves up to 30 of them in the triangles of 200,000 rows

template <class T>
void triangle(T* a, Index rows, Index columns, T* r, T* work) {
  pick(&baseline::reflect<T>, &avx2::reflect<T>, &avx512::reflect<T>)(a, rows, columns, work);
  std::fill(r, r + columns * columns, T(0));
  for (Index i = 0; i < std::min(rows, columns); ++i) {
    const T diagonal = a[i * columns + i];
    const double size = size_of_number(diagonal);
    const T turn = size == 0 ? T(1) : mirrored(diagonal) / size;
    r[i * columns + i] = T(size);
    for (Index c = i + 1; c < columns; ++c) r[i * columns + c] = times(turn, a[i * columns + c]);
  }
}

}  // namespace

void triangle_of(double* a, Index rows, Index columns, double* r, double* work) { triangle(a, rows, columns, r, work); }
void triangle_of(Complex* a, Index rows, Index columns, Complex* r, Complex* work) { triangle(a, rows, columns, r, work); }

template <class T>
void invert_triangle(const T* r, Index n, T* inverse) {
  // Reflections spoil each column by its own size: of columns of other sizes nothing follows.
  const auto depends = [&](Index j) {
    double largest = 0;
    for (Index i = 0; i <= j; ++i) largest = std::max(largest, size_of_number(r[i * n + j]));
    return size_of_number(r[j * n + j]) <= kDependent * static_cast<double>(n) * kEpsilon * largest;
  };
  std::fill(inverse, inverse + n * n, T(0));
  for (Index j = 0; j < n; ++j) {
    if (depends(j)) continue;
    inverse[j * n + j] = T(1) / r[j * n + j];
    for (Index i = j - 1; i >= 0; --i) {
      if (depends(i)) continue;
      T sum(0);
      for (Index k = i + 1; k <= j; ++k) sum += times(r[i * n + k], inverse[k * n + j]);
      inverse[i * n + j] = -sum / r[i * n + i];
    }
  }
}

template void invert_triangle<double>(const double*, Index, double*);
template void invert_triangle<Complex>(const Complex*, Index, Complex*);

}  // namespace freestone::kernels
