/// Dense matrices that fit a cache: factors, solutions and decompositions of one at a time, in float64 and complex128 (T), C order.
///
/// Every sum runs in ascending order of its index and nothing is fused, so the bits are the same on every machine. Decompositions with
/// eigen- and singular values are Jacobi's: slower than LAPACK's, as accurate or more, and without a step that depends on the machine.
/// Where squares would overflow or vanish, columns (qr) or matrices (eigen- and singular values) are scaled by powers of two.
#pragma once

#include <complex>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

/// a = P L U in place, rows exchanged for the largest pivot: U on and above the diagonal, L (its diagonal 1) below. Row i was exchanged
/// with row pivots[i] >= i, one after the other. @returns whether no pivot is 0
template <class T>
bool factor_lu(T* a, Index n, Index* pivots);
/// x with L U x = P^T b for factors of `factor_lu`, whose diagonal has no 0, in place of `b` (n x columns).
template <class T>
void solve_lu(const T* lu, const Index* pivots, Index n, T* b, Index columns);
/// The determinant as the product of a number of absolute value 1 (or 0) and exp(log_size), from factors of `factor_lu`.
template <class T>
void determinant_parts(const T* lu, const Index* pivots, Index n, T& sign, double& log_size);
/// The product itself.
template <class T>
T determinant(const T* lu, const Index* pivots, Index n);

/// The lower triangle L with a = L L^H in place, zeros above; only the lower triangle of `a` is read.
/// @returns whether `a` is positive definite; when not, `a` is spoilt
template <class T>
bool factor_cholesky(T* a, Index n);

/// a = v diag(w) v^H of a Hermitian matrix, of which the lower triangle is read: w ascending, the columns of `v` orthonormal. `v` may be
/// null: values only. `a` is overwritten. `work`: hermitian_work(n) elements.
template <class T>
void eigen_hermitian(T* a, Index n, double* w, T* v, T* work);
inline Index hermitian_work(Index n) { return n * n + 2 * n; }

/// a = q r by Householder reflections, rows x columns: `q` is rows x q_columns (the smaller extent, or all rows), `r` q_columns x columns,
/// its diagonal real and not negative. `a` is overwritten. `work`: rows x columns elements.
template <class T>
void small_qr(T* a, Index rows, Index columns, T* q, Index q_columns, T* r, T* work);

/// a = u diag(s) vh by one-sided Jacobi rotations, rows >= n columns, s descending. `u` is rows x u_columns (n ... rows), `vh` n x n.
/// What a rank below u_columns leaves open of `u` becomes an orthonormal basis, or zeros without `complete`. `work`: svd_work(rows, n)
/// elements. `u` and `vh` may be null: values only.
template <class T>
void small_svd(const T* a, Index rows, Index n, T* u, Index u_columns, bool complete, double* s, T* vh, T* work);
inline Index svd_work(Index rows, Index n) { return rows * n + n * n + 2 * n; }

}  // namespace freestone::kernels
