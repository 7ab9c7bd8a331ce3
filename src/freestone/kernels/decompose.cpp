#include "freestone/kernels/decompose.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/decompose_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {
namespace {

using baseline::mirrored;
using baseline::square_of;
using baseline::times;
using Complex = std::complex<double>;

constexpr int kMostSweeps = 60;
constexpr double kEpsilon = 0x1p-52;

template <class T>
void triangle(T* a, Index rows, Index columns, T* r, T* work) {
  pick(&baseline::reflect<T>, &avx2::reflect<T>, &avx512::reflect<T>)(a, rows, columns, work);
  std::fill(r, r + columns * columns, T(0));
  for (Index i = 0; i < std::min(rows, columns); ++i) {
    const T diagonal = a[i * columns + i];
    const double size = std::sqrt(square_of(diagonal));
    const T turn = size == 0 ? T(1) : mirrored(diagonal) / size;
    r[i * columns + i] = T(size);
    for (Index c = i + 1; c < columns; ++c) r[i * columns + c] = times(turn, a[i * columns + c]);
  }
}

/// Turns columns p and q (kept as rows) so that `rotation` applies to both a and v alike.
template <class T>
void rotate(T* p, T* q, Index n, double c, double s, T turn) {
  for (Index i = 0; i < n; ++i) {
    const T x = p[i], y = times(q[i], turn);
    p[i] = c * x - s * y;
    q[i] = s * x + c * y;
  }
}

}  // namespace

void triangle_of(double* a, Index rows, Index columns, double* r, double* work) { triangle(a, rows, columns, r, work); }
void triangle_of(Complex* a, Index rows, Index columns, Complex* r, Complex* work) { triangle(a, rows, columns, r, work); }

template <class T>
void invert_triangle(const T* r, Index n, T* inverse) {
  double largest = 0;
  for (Index i = 0; i < n; ++i) largest = std::max(largest, std::sqrt(square_of(r[i * n + i])));
  const double least = static_cast<double>(n) * kEpsilon * largest;
  const auto depends = [&](Index i) { return std::sqrt(square_of(r[i * n + i])) <= least; };
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

template <class T>
void small_svd(T* a, Index n, T* u, double* s, T* vh) {
  // Columns lie together: `columns` is a, transposed, and v likewise.
  std::vector<T> columns(static_cast<std::size_t>(n * n)), v(static_cast<std::size_t>(n * n), T(0));
  for (Index i = 0; i < n; ++i) {
    v[static_cast<std::size_t>(i * n + i)] = T(1);
    for (Index j = 0; j < n; ++j) columns[static_cast<std::size_t>(j * n + i)] = a[i * n + j];
  }
  const auto squares = [&](Index j) {
    double sum = 0;
    for (Index i = 0; i < n; ++i) sum += square_of(columns[static_cast<std::size_t>(j * n + i)]);
    return sum;
  };
  bool turned = true;
  for (int sweep = 0; sweep < kMostSweeps && turned; ++sweep) {
    turned = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        T *x = columns.data() + p * n, *y = columns.data() + q * n;
        T product(0);
        for (Index i = 0; i < n; ++i) product += times(mirrored(x[i]), y[i]);
        const double size = std::sqrt(square_of(product)), alpha = squares(p), beta = squares(q);
        if (!(size > kEpsilon * std::sqrt(alpha * beta))) continue;
        turned = true;
        const double zeta = (beta - alpha) / (2 * size);
        const double t = (zeta < 0 ? -1 : 1) / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta));
        const double c = 1 / std::sqrt(1 + t * t);
        const T turn = mirrored(product) / size;
        rotate(x, y, n, c, c * t, turn);
        rotate(v.data() + p * n, v.data() + q * n, n, c, c * t, turn);
      }
  }
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (Index j = 0; j < n; ++j) values[static_cast<std::size_t>(j)] = std::sqrt(squares(j));
  std::stable_sort(order.begin(), order.end(),
                   [&](Index i, Index j) { return values[static_cast<std::size_t>(i)] > values[static_cast<std::size_t>(j)]; });
  for (Index k = 0; k < n; ++k) {
    const Index from = order[static_cast<std::size_t>(k)];
    s[k] = values[static_cast<std::size_t>(from)];
    for (Index i = 0; i < n; ++i) {
      u[i * n + k] = s[k] == 0 ? T(0) : columns[static_cast<std::size_t>(from * n + i)] / s[k];
      vh[k * n + i] = mirrored(v[static_cast<std::size_t>(from * n + i)]);
    }
  }
}

template void invert_triangle<double>(const double*, Index, double*);
template void invert_triangle<Complex>(const Complex*, Index, Complex*);
template void small_svd<double>(double*, Index, double*, double*, double*);
template void small_svd<Complex>(Complex*, Index, Complex*, double*, Complex*);

}  // namespace freestone::kernels
