/// Linear algebra of matrices on the last two axes: stacks of them, each small enough for a tile, and products of any size.
///
/// Solutions, determinants and decompositions see a matrix whole (ops/small_matrix.h) and are computed in float64 or complex128; float32
/// and complex64 stay, other dtypes give float64. A tall matrix of two axes, larger than memory, has qr, svd and what follows from its
/// singular values through its triangle (ops/decompose.h). Products of any size are in ops/matmul.h.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// @throws Error kind user (all of these): fewer than two axes, not square where it must be
Array det(const Array& a);

struct SlogdetResult {
  Array sign;       ///< of absolute value 1, or 0; dtype of `a`
  Array logabsdet;  ///< real; -infinity where the determinant is 0
};
SlogdetResult slogdet(const Array& a);

/// @throws Error also kind data, while it runs: a matrix whose factors have a pivot of exactly 0, naming its place
Array inv(const Array& a);
/// x with a x = b, for `b` a vector (one axis) or matrices; the leading axes broadcast.
/// @throws Error as inv; extents that do not go together
Array solve(const Array& a, const Array& b);

/// The lower triangle L with a = L L^H, or with `upper` U with a = U^H U; only the lower triangle of `a` is read.
/// @throws Error also kind data, while it runs: a matrix that is not positive definite
Array cholesky(const Array& a, bool upper = false);

struct EighResult {
  Array eigenvalues;   ///< (..., n), ascending, real
  Array eigenvectors;  ///< (..., n, n): columns, orthonormal; the sign of each is not defined
};
/// a = v diag(w) v^H of symmetric or Hermitian matrices, of which the lower triangle is read.
EighResult eigh(const Array& a);
Array eigvalsh(const Array& a);

/// Singular values at most `rtol` times the largest count as 0; none given: max(m, n) times the dtype's epsilon.
/// The Moore-Penrose inverse.
Array pinv(const Array& a, std::optional<double> rtol = std::nullopt);
/// How many singular values do not count as 0: int64.
Array matrix_rank(const Array& a, std::optional<double> rtol = std::nullopt);
/// The largest singular value divided by the smallest.
Array cond(const Array& a);

struct LstsqResult {
  Array x;                ///< (..., n) or (..., n, k)
  Array residuals;        ///< (..., k): sums of |b - a x|^2; without k for a vector
  Array rank;             ///< int64
  Array singular_values;  ///< (..., k)
};
/// The x of least |x| among those with least |a x - b|, of a vector or of each column of matrices `b`.
LstsqResult lstsq(const Array& a, const Array& b, std::optional<double> rtol = std::nullopt);

/// a a ... a, n times; n = 0: the identity, n < 0: powers of the inverse.
Array matrix_power(const Array& a, Index n);
/// The product of several matrices (the first and last may be vectors), cheapest pair first.
/// @throws Error kind user: fewer than two
Array multi_dot(const std::vector<Array>& arrays);
/// Kronecker's product: every element of `a` times the whole of `b`, axis by axis.
Array kron(const Array& a, const Array& b);

enum class MatrixNorm {
  kFrobenius,         ///< the root of the sum of |x|^2
  kNuclear,           ///< the sum of the singular values
  kLargestColumn,     ///< 1: the largest sum of |x| of a column
  kSmallestColumn,    ///< -1
  kLargestSingular,   ///< 2
  kSmallestSingular,  ///< -2
  kLargestRow,        ///< inf: the largest sum of |x| of a row
  kSmallestRow        ///< -inf
};
/// NumPy's names: "fro", "nuc", "1", "-1", "2", "-2", "inf", "-inf".
/// @throws Error kind user: another name
MatrixNorm parse_matrix_norm(std::string_view name);
/// Of the last two axes. Floating dtypes stay, complex ones give their part's, others float64.
Array matrix_norm(const Array& a, MatrixNorm order = MatrixNorm::kFrobenius, bool keep_dims = false);

struct CovarianceOptions {
  bool rows_are_variables = true;  ///< otherwise columns are
  double ddof = 1;                 ///< the sums are divided by the number of observations less this
};
/// The covariance of variables (numpy.cov): (n, n), of a vector rank 0; float64 or complex128.
/// @throws Error kind user: more than two axes
Array cov(const Array& a, CovarianceOptions options = {});
/// Covariances divided by both deviations (numpy.corrcoef): NaN where one is 0.
Array corrcoef(const Array& a, bool rows_are_variables = true);

}  // namespace freestone
