#include "freestone/kernels/small_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "freestone/kernels/complex_product.h"

namespace freestone::kernels {
namespace {

using Complex = std::complex<double>;

constexpr int kMostSweeps = 60;
constexpr double kEpsilon = 0x1p-52;

double size_of_number(double a) { return std::fabs(a); }
double size_of_number(Complex a) { return std::hypot(a.real(), a.imag()); }
double real_part(double a) { return a; }
double real_part(Complex a) { return a.real(); }
double times_power(double a, int exponent) { return std::ldexp(a, exponent); }
Complex times_power(Complex a, int exponent) { return {std::ldexp(a.real(), exponent), std::ldexp(a.imag(), exponent)}; }

/// Divides n elements, `step` apart, by a power of two where the squares of the largest would overflow or vanish.
/// @returns the exponent
template <class T>
int bring_near_one(T* a, Index n, Index step = 1) {
  double largest = 0;
  for (Index i = 0; i < n; ++i)
    if (const double part = largest_part(a[i * step]); std::isfinite(part)) largest = std::max(largest, part);
  if (largest == 0 || (largest > 0x1p-400 && largest < 0x1p400)) return 0;
  const int exponent = std::ilogb(largest);
  for (Index i = 0; i < n; ++i) a[i * step] = times_power(a[i * step], -exponent);
  return exponent;
}

/// Columns p and q (kept as rows) after a rotation, `turn` first bringing q into the phase of p.
template <class T>
void rotate(T* p, T* q, Index n, double c, double s, T turn) {
  for (Index i = 0; i < n; ++i) {
    const T x = p[i], y = times(q[i], turn);
    p[i] = c * x - s * y;
    q[i] = s * x + c * y;
  }
}

/// The rotation that makes the off-diagonal element `size` of (alpha, beta) vanish.
void rotation(double alpha, double beta, double size, double& c, double& s) {
  const double zeta = (beta - alpha) / (2 * size);
  const double t = (zeta < 0 ? -1 : 1) / (std::fabs(zeta) + std::sqrt(1 + zeta * zeta));
  c = 1 / std::sqrt(1 + t * t);
  s = c * t;
}

/// Columns first ... columns-1 of `u` (rows x columns; those before are orthonormal) become orthonormal to all others.
template <class T>
void complete_basis(T* u, Index rows, Index columns, Index first) {
  for (Index k = first; k < columns; ++k) {
    // The unit vector that leans least on the columns so far; its rest is at least the root of (rows - k) / rows long.
    Index best = 0;
    double least = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < rows; ++i) {
      double taken = 0;
      for (Index j = 0; j < k; ++j) taken += square_of(u[i * columns + j]);
      if (taken < least) least = taken, best = i;
    }
    for (Index i = 0; i < rows; ++i) u[i * columns + k] = T(i == best ? 1 : 0);
    for (int again = 0; again < 2; ++again) {
      for (Index j = 0; j < k; ++j) {
        T along(0);
        for (Index i = 0; i < rows; ++i) along += times(mirrored(u[i * columns + j]), u[i * columns + k]);
        for (Index i = 0; i < rows; ++i) u[i * columns + k] -= times(along, u[i * columns + j]);
      }
      double squares = 0;
      for (Index i = 0; i < rows; ++i) squares += square_of(u[i * columns + k]);
      const double length = std::sqrt(squares);
      for (Index i = 0; i < rows; ++i) u[i * columns + k] /= length;
    }
  }
}

}  // namespace

template <class T>
bool factor_lu(T* a, Index n, Index* pivots) {
  bool whole = true;
  for (Index j = 0; j < n; ++j) {
    Index best = j;
    for (Index i = j + 1; i < n; ++i)
      if (size_of_number(a[i * n + j]) > size_of_number(a[best * n + j])) best = i;
    pivots[j] = best;
    if (best != j) std::swap_ranges(a + j * n, a + (j + 1) * n, a + best * n);
    const T pivot = a[j * n + j];
    if (pivot == T(0)) {
      whole = false;
      continue;
    }
    for (Index i = j + 1; i < n; ++i) {
      const T factor = a[i * n + j] / pivot;
      a[i * n + j] = factor;
      if (factor == T(0)) continue;
      for (Index k = j + 1; k < n; ++k) a[i * n + k] -= times(factor, a[j * n + k]);
    }
  }
  return whole;
}

template <class T>
void solve_lu(const T* lu, const Index* pivots, Index n, T* b, Index columns) {
  for (Index i = 0; i < n; ++i)
    if (pivots[i] != i) std::swap_ranges(b + i * columns, b + (i + 1) * columns, b + pivots[i] * columns);
  for (Index i = 0; i < n; ++i)
    for (Index k = 0; k < i; ++k)
      for (Index c = 0; c < columns; ++c) b[i * columns + c] -= times(lu[i * n + k], b[k * columns + c]);
  for (Index i = n - 1; i >= 0; --i) {
    for (Index k = i + 1; k < n; ++k)
      for (Index c = 0; c < columns; ++c) b[i * columns + c] -= times(lu[i * n + k], b[k * columns + c]);
    for (Index c = 0; c < columns; ++c) b[i * columns + c] /= lu[i * n + i];
  }
}

template <class T>
void determinant_parts(const T* lu, const Index* pivots, Index n, T& sign, double& log_size) {
  sign = T(1);
  log_size = 0;
  for (Index i = 0; i < n; ++i) {
    if (pivots[i] != i) sign = -sign;
    const T u = lu[i * n + i];
    const double size = size_of_number(u);
    if (size == 0) {
      sign = T(0);
      log_size = -std::numeric_limits<double>::infinity();
      return;
    }
    sign = times(sign, u / size);
    log_size += std::log(size);
  }
}

template <class T>
T determinant(const T* lu, const Index* pivots, Index n) {
  T product(1);
  for (Index i = 0; i < n; ++i) product = times(product, pivots[i] != i ? -lu[i * n + i] : lu[i * n + i]);
  return product;
}

template <class T>
bool factor_cholesky(T* a, Index n) {
  for (Index j = 0; j < n; ++j) {
    double diagonal = real_part(a[j * n + j]);
    for (Index k = 0; k < j; ++k) diagonal -= square_of(a[j * n + k]);
    if (!(diagonal > 0)) return false;
    const double root = std::sqrt(diagonal);
    a[j * n + j] = T(root);
    for (Index i = j + 1; i < n; ++i) {
      T sum = a[i * n + j];
      for (Index k = 0; k < j; ++k) sum -= times(a[i * n + k], mirrored(a[j * n + k]));
      a[i * n + j] = sum / root;
    }
    for (Index k = j + 1; k < n; ++k) a[j * n + k] = T(0);
  }
  return true;
}

template <class T>
void eigen_hermitian(T* a, Index n, double* w, T* v, T* work) {
  // `rows` holds the columns of v as rows; what a rotation does to two columns of a it does to the rows, too.
  T* const rows = work;
  double squares = 0;
  const int exponent = bring_near_one(a, n * n);
  for (Index i = 0; i < n; ++i) {
    a[i * n + i] = T(real_part(a[i * n + i]));
    for (Index j = 0; j < i; ++j) a[j * n + i] = mirrored(a[i * n + j]);
    for (Index j = 0; j < n; ++j) rows[i * n + j] = T(i == j ? 1 : 0);
  }
  for (Index i = 0; i < n * n; ++i) squares += square_of(a[i]);
  const double least = kEpsilon / 4 * std::sqrt(squares);
  bool turned = true;
  for (int sweep = 0; sweep < kMostSweeps && turned; ++sweep) {
    turned = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        const T apart = a[p * n + q];
        const double size = size_of_number(apart);
        if (!(size > least)) continue;
        turned = true;
        double c, s;
        rotation(real_part(a[p * n + p]), real_part(a[q * n + q]), size, c, s);
        const T turn = mirrored(apart) / size;
        for (Index i = 0; i < n; ++i) {
          const T x = a[i * n + p], y = times(a[i * n + q], turn);
          a[i * n + p] = c * x - s * y;
          a[i * n + q] = s * x + c * y;
        }
        rotate(a + p * n, a + q * n, n, c, s, mirrored(turn));
        a[p * n + q] = a[q * n + p] = T(0);
        a[p * n + p] = T(real_part(a[p * n + p]));
        a[q * n + q] = T(real_part(a[q * n + q]));
        rotate(rows + p * n, rows + q * n, n, c, s, turn);
      }
  }
  Index* const order = reinterpret_cast<Index*>(work + n * n);
  std::iota(order, order + n, Index{0});
  std::stable_sort(order, order + n, [&](Index i, Index j) { return real_part(a[i * n + i]) < real_part(a[j * n + j]); });
  for (Index k = 0; k < n; ++k) {
    w[k] = times_power(real_part(a[order[k] * n + order[k]]), exponent);
    for (Index i = 0; v != nullptr && i < n; ++i) v[i * n + k] = rows[order[k] * n + i];
  }
}

template <class T>
void small_qr(T* a, Index rows, Index columns, T* q, Index q_columns, T* r, T* work) {
  const Index steps = std::min(rows, columns);
  // What is done to a column on the right of the matrix is done to that of r; no column takes another's digits.
  std::vector<int> exponents;
  for (Index c = 0; c < columns; ++c)
    if (const int exponent = bring_near_one(a + c, rows, columns); exponent != 0)
      exponents.resize(static_cast<std::size_t>(columns)), exponents[static_cast<std::size_t>(c)] = exponent;
  // Column j of `work`: the vector of reflection j, from row j on, scaled so that the reflection is 1 - v v^H.
  for (Index j = 0; j < steps; ++j) {
    double squares = 0;
    // What is left of a column may be small, too.
    const int exponent = bring_near_one(a + j * columns + j, rows - j, columns);
    for (Index i = j; i < rows; ++i) squares += square_of(a[i * columns + j]);
    for (Index i = 0; i < rows; ++i) work[i * columns + j] = T(0);
    if (squares == 0) continue;
    const double length = std::sqrt(squares), first = size_of_number(a[j * columns + j]);
    const T phase = first == 0 ? T(1) : a[j * columns + j] / first;
    const double scale = 1 / std::sqrt(length * (length + first));
    for (Index i = j; i < rows; ++i) work[i * columns + j] = (i == j ? a[i * columns + j] + phase * length : a[i * columns + j]) * scale;
    for (Index c = j + 1; c < columns; ++c) {
      T sum(0);
      for (Index i = j; i < rows; ++i) sum += times(mirrored(work[i * columns + j]), a[i * columns + c]);
      for (Index i = j; i < rows; ++i) a[i * columns + c] -= times(work[i * columns + j], sum);
    }
    a[j * columns + j] = times_power(-phase * length, exponent);
    for (Index i = j + 1; i < rows; ++i) a[i * columns + j] = T(0);
  }
  for (Index i = 0; i < rows; ++i)
    for (Index c = 0; c < q_columns; ++c) q[i * q_columns + c] = T(i == c ? 1 : 0);
  for (Index j = steps - 1; j >= 0; --j)
    for (Index c = 0; c < q_columns; ++c) {
      T sum(0);
      for (Index i = j; i < rows; ++i) sum += times(mirrored(work[i * columns + j]), q[i * q_columns + c]);
      for (Index i = j; i < rows; ++i) q[i * q_columns + c] -= times(work[i * columns + j], sum);
    }
  for (Index i = 0; i < q_columns; ++i) {
    const T diagonal = i < steps ? a[i * columns + i] : T(0);
    const double size = size_of_number(diagonal);
    const T turn = size == 0 ? T(1) : diagonal / size;
    for (Index c = 0; c < columns; ++c) r[i * columns + c] = c < i ? T(0) : c == i ? T(size) : times(mirrored(turn), a[i * columns + c]);
    for (Index c = 0; !exponents.empty() && c < columns; ++c)
      r[i * columns + c] = times_power(r[i * columns + c], exponents[static_cast<std::size_t>(c)]);
    for (Index k = 0; k < rows; ++k) q[k * q_columns + i] = times(q[k * q_columns + i], turn);
  }
}

template <class T>
void small_svd(const T* a, Index rows, Index n, T* u, Index u_columns, bool complete, double* s, T* vh, T* work) {
  // Columns lie together: `columns` is a, transposed, and v likewise.
  T *const columns = work, *const v = work + rows * n;
  for (Index i = 0; i < n * n; ++i) v[i] = T(i % (n + 1) == 0 ? 1 : 0);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < n; ++j) columns[j * rows + i] = a[i * n + j];
  const int exponent = bring_near_one(columns, rows * n);
  const auto squares = [&](Index j) {
    double sum = 0;
    for (Index i = 0; i < rows; ++i) sum += square_of(columns[j * rows + i]);
    return sum;
  };
  bool turned = true;
  for (int sweep = 0; sweep < kMostSweeps && turned; ++sweep) {
    turned = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        T *x = columns + p * rows, *y = columns + q * rows;
        T product(0);
        for (Index i = 0; i < rows; ++i) product += times(mirrored(x[i]), y[i]);
        const double size = std::sqrt(square_of(product)), alpha = squares(p), beta = squares(q);
        if (!(size > kEpsilon * std::sqrt(alpha * beta))) continue;
        turned = true;
        double c, sine;
        rotation(alpha, beta, size, c, sine);
        const T turn = mirrored(product) / size;
        rotate(x, y, rows, c, sine, turn);
        rotate(v + p * n, v + q * n, n, c, sine, turn);
      }
  }
  double* const values = reinterpret_cast<double*>(v + n * n);
  Index* const order = reinterpret_cast<Index*>(v + n * n + n);
  std::iota(order, order + n, Index{0});
  for (Index j = 0; j < n; ++j) values[j] = std::sqrt(squares(j));
  std::stable_sort(order, order + n, [&](Index i, Index j) { return values[i] > values[j]; });
  Index rank = 0;
  for (Index k = 0; k < n; ++k) {
    const Index from = order[k];
    s[k] = values[from];
    if (!(s[k] == 0)) rank = k + 1;
    if (u == nullptr) continue;
    for (Index i = 0; i < rows; ++i) u[i * u_columns + k] = s[k] == 0 ? T(0) : columns[from * rows + i] / s[k];
    for (Index i = 0; i < n; ++i) vh[k * n + i] = mirrored(v[from * n + i]);
  }
  for (Index k = 0; k < n; ++k) s[k] = times_power(s[k], exponent);
  if (u != nullptr && complete) complete_basis(u, rows, u_columns, rank);
}

template bool factor_lu<double>(double*, Index, Index*);
template bool factor_lu<Complex>(Complex*, Index, Index*);
template void solve_lu<double>(const double*, const Index*, Index, double*, Index);
template void solve_lu<Complex>(const Complex*, const Index*, Index, Complex*, Index);
template void determinant_parts<double>(const double*, const Index*, Index, double&, double&);
template void determinant_parts<Complex>(const Complex*, const Index*, Index, Complex&, double&);
template double determinant<double>(const double*, const Index*, Index);
template Complex determinant<Complex>(const Complex*, const Index*, Index);
template bool factor_cholesky<double>(double*, Index);
template bool factor_cholesky<Complex>(Complex*, Index);
template void eigen_hermitian<double>(double*, Index, double*, double*, double*);
template void eigen_hermitian<Complex>(Complex*, Index, double*, Complex*, Complex*);
template void small_qr<double>(double*, Index, Index, double*, Index, double*, double*);
template void small_qr<Complex>(Complex*, Index, Index, Complex*, Index, Complex*, Complex*);
template void small_svd<double>(const double*, Index, Index, double*, Index, bool, double*, double*, double*);
template void small_svd<Complex>(const Complex*, Index, Index, Complex*, Index, bool, double*, Complex*, Complex*);

}  // namespace freestone::kernels
