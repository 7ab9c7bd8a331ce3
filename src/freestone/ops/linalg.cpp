#include "freestone/ops/linalg.h"

#include <limits>
#include <numeric>

#include "freestone/ops/create.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/einsum.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/ops/small_matrix.h"

namespace freestone {
namespace {

DType inexact(DType in) { return is_floating(in) || is_complex(in) ? in : DType::kFloat64; }

void check_matrices(std::string_view what, const Array& a) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "{}: an array of shape {} has no matrices.", what, to_string(a.shape()));
}

void check_square(std::string_view what, const Array& a) {
  check_matrices(what, a);
  if (a.shape()[a.rank() - 2] != a.shape()[a.rank() - 1])
    fail(ErrorKind::kUser, "{}: of square matrices, not of {} by {}.", what, a.shape()[a.rank() - 2], a.shape()[a.rank() - 1]);
}

Array adjoint(const Array& a) {
  const Array turned = matrix_transpose(a);
  return is_complex(a.dtype()) ? elementwise("conjugate", {turned}) : turned;
}

/// Vectors as columns.
Array as_column(const Array& a) { return expand_dims(a, a.rank()); }

/// Singular values that do not count as 0, and how many there are.
Array counts(const Array& a, const Array& s, std::optional<double> rtol) {
  const double extent = static_cast<double>(std::max(a.shape()[a.rank() - 2], a.shape()[a.rank() - 1]));
  const double part = rtol ? *rtol : extent * finfo(inexact(a.dtype())).eps;
  if (s.shape().back() == 0) return elementwise("greater", {s, 0.0});
  return elementwise("greater", {s, max(s, {-1}, {.keep_dims = true}) * part});
}

}  // namespace

Array det(const Array& a) {
  check_square("det", a);
  return astype(small_matrix("det", {a})[0], inexact(a.dtype()));
}

SlogdetResult slogdet(const Array& a) {
  check_square("slogdet", a);
  const auto parts = small_matrix("slogdet", {a});
  return {astype(parts[0], inexact(a.dtype())), astype(parts[1], real_type(inexact(a.dtype())))};
}

Array inv(const Array& a) {
  check_square("inv", a);
  return astype(small_matrix("inv", {a})[0], inexact(a.dtype()));
}

Array solve(const Array& a, const Array& b) {
  check_square("solve", a);
  if (b.rank() == 0) fail(ErrorKind::kUser, "solve: the right side is a scalar; it needs an axis of {} elements.", a.shape().back());
  const Array right = b.rank() == 1 ? as_column(b) : b;
  if (right.shape()[right.rank() - 2] != a.shape().back())
    fail(ErrorKind::kUser, "solve: matrices of {} rows against {} rows on the right side.", a.shape().back(),
         right.shape()[right.rank() - 2]);
  const Array x = astype(small_matrix("solve", {a, right})[0], promote(inexact(a.dtype()), inexact(b.dtype())));
  return b.rank() == 1 ? squeeze(x, -1) : x;
}

Array cholesky(const Array& a, bool upper) {
  check_square("cholesky", a);
  const Array lower = astype(small_matrix("cholesky", {a})[0], inexact(a.dtype()));
  return upper ? adjoint(lower) : lower;
}

EighResult eigh(const Array& a) {
  check_square("eigh", a);
  const auto both = small_matrix("eigh", {a});
  return {astype(both[0], real_type(inexact(a.dtype()))), astype(both[1], inexact(a.dtype()))};
}

Array eigvalsh(const Array& a) {
  check_square("eigvalsh", a);
  return astype(small_matrix("eigvalsh", {a})[0], real_type(inexact(a.dtype())));
}

Array pinv(const Array& a, std::optional<double> rtol) {
  check_matrices("pinv", a);
  const SvdResult parts = svd(a);
  const Array kept = where(counts(a, parts.s, rtol), elementwise("reciprocal", {parts.s}), 0.0);
  return matmul(elementwise("multiply", {adjoint(parts.vh), expand_dims(kept, kept.rank() - 1)}), adjoint(parts.u));
}

Array matrix_rank(const Array& a, std::optional<double> rtol) {
  check_matrices("matrix_rank", a);
  return count_nonzero(counts(a, svdvals(a), rtol), {-1});
}

Array cond(const Array& a) {
  check_matrices("cond", a);
  const Array s = svdvals(a);
  if (s.shape().back() == 0) fail(ErrorKind::kUser, "cond: matrices of shape {} are empty.", to_string(a.shape()));
  return max(s, {-1}) / min(s, {-1});
}

LstsqResult lstsq(const Array& a, const Array& b, std::optional<double> rtol) {
  check_matrices("lstsq", a);
  const bool vector = b.rank() == 1;
  const Array right = vector ? as_column(b) : b;
  if (right.rank() < 2 || right.shape()[right.rank() - 2] != a.shape()[a.rank() - 2])
    fail(ErrorKind::kUser, "lstsq: shapes {} and {} do not go together: the rows differ.", to_string(a.shape()), to_string(b.shape()));
  const SvdResult parts = svd(a);
  const Array used = counts(a, parts.s, rtol);
  const Array inverse = where(used, elementwise("reciprocal", {parts.s}), 0.0);
  const Array x = matmul(adjoint(parts.vh), elementwise("multiply", {as_column(inverse), matmul(adjoint(parts.u), right)}));
  const Array rest = elementwise("absolute", {elementwise("subtract", {right, matmul(a, x)})});
  const Array residuals = sum(elementwise("square", {rest}), {-2});
  return {vector ? squeeze(x, -1) : x, vector ? squeeze(residuals, -1) : residuals, count_nonzero(used, {-1}), parts.s};
}

Array matrix_power(const Array& a, Index n) {
  check_square("matrix_power", a);
  if (n < 0) return matrix_power(inv(a), -n);
  if (n == 0) return broadcast_to(eye(a.shape().back(), std::nullopt, 0, a.dtype()), a.shape());
  Array power = a;
  std::optional<Array> product;
  while (true) {
    if (n & 1) product = product ? matmul(*product, power) : power;
    n >>= 1;
    if (n == 0) return *product;
    power = matmul(power, power);
  }
}

Array multi_dot(const std::vector<Array>& arrays) {
  if (arrays.size() < 2 || arrays.size() > 25) fail(ErrorKind::kUser, "multi_dot: of 2 to 25 arrays, not of {}.", arrays.size());
  std::string subscripts, result;
  char letter = 'a';
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const bool end = i == 0 || i + 1 == arrays.size();
    if (arrays[i].rank() != 2 && !(end && arrays[i].rank() == 1))
      fail(ErrorKind::kUser, "multi_dot: array {} has shape {}; it takes matrices, and vectors at the ends.", i,
           to_string(arrays[i].shape()));
    if (i > 0) subscripts += ',';
    if (i > 0 || arrays[i].rank() == 2) {
      if (i == 0) result += letter;
      subscripts += letter;
      if (i > 0 && arrays[i].rank() == 1) continue;
      ++letter;
      subscripts += letter;
    } else {
      subscripts += letter;
    }
  }
  if (arrays.back().rank() == 2) result += letter;
  return einsum(subscripts + "->" + result, arrays);
}

Array kron(const Array& a, const Array& b) {
  const int rank = std::max(a.rank(), b.rank());
  const Array x = atleast_nd(a, rank), y = atleast_nd(b, rank);
  std::vector<Index> left, right, joined;
  for (int k = 0; k < rank; ++k) {
    left.insert(left.end(), {x.shape()[k], 1});
    right.insert(right.end(), {1, y.shape()[k]});
    joined.push_back(x.shape()[k] * y.shape()[k]);
  }
  return reshape(elementwise("multiply", {reshape(x, left), reshape(y, right)}), joined);
}

MatrixNorm parse_matrix_norm(std::string_view name) {
  constexpr std::pair<std::string_view, MatrixNorm> kNames[] = {
      {"fro", MatrixNorm::kFrobenius},     {"nuc", MatrixNorm::kNuclear},       {"1", MatrixNorm::kLargestColumn},
      {"-1", MatrixNorm::kSmallestColumn}, {"2", MatrixNorm::kLargestSingular}, {"-2", MatrixNorm::kSmallestSingular},
      {"inf", MatrixNorm::kLargestRow},    {"-inf", MatrixNorm::kSmallestRow},
  };
  for (const auto& [known, norm] : kNames)
    if (known == name) return norm;
  fail(ErrorKind::kUser, "'{}' is not a norm of matrices. There are fro, nuc, 1, -1, 2, -2, inf and -inf.", name);
}

Array matrix_norm(const Array& a, MatrixNorm order, bool keep_dims) {
  check_matrices("matrix_norm", a);
  const Array x = astype(a, inexact(a.dtype()));
  const auto with_dims = [&](const Array& norm) { return keep_dims ? expand_dims(expand_dims(norm, norm.rank()), norm.rank() + 1) : norm; };
  // The greatest of nothing is 0.
  const auto largest = [](const Array& of) { return vector_norm(of, {-1}, std::numeric_limits<double>::infinity()); };
  const auto sums = [&](int summed) { return sum(elementwise("absolute", {x}), {summed}); };
  switch (order) {
    case MatrixNorm::kFrobenius: return vector_norm(x, {-2, -1}, 2, keep_dims);
    case MatrixNorm::kNuclear: return with_dims(sum(svdvals(x), {-1}));
    case MatrixNorm::kLargestColumn: return with_dims(largest(sums(-2)));
    case MatrixNorm::kSmallestColumn: return with_dims(min(sums(-2), {-1}));
    case MatrixNorm::kLargestSingular: return with_dims(largest(svdvals(x)));
    case MatrixNorm::kSmallestSingular: return with_dims(min(svdvals(x), {-1}));
    case MatrixNorm::kLargestRow: return with_dims(largest(sums(-1)));
    case MatrixNorm::kSmallestRow: return with_dims(min(sums(-1), {-1}));
  }
  fail(ErrorKind::kInternal, "a norm of matrices without a rule");
}

Array cov(const Array& a, CovarianceOptions options) {
  if (a.rank() == 0 || a.rank() > 2) fail(ErrorKind::kUser, "cov: of one or two axes, not of shape {}.", to_string(a.shape()));
  const Array wide = astype(a, is_complex(a.dtype()) ? DType::kComplex128 : DType::kFloat64);
  Array x = a.rank() == 1 ? expand_dims(wide, 0) : options.rows_are_variables ? wide : transpose(wide);
  x = elementwise("subtract", {x, mean(x, {1}, {.keep_dims = true})});
  // As NumPy: no observations beyond ddof make divisions by 0.
  const double divisor = std::max(0.0, static_cast<double>(x.shape()[1]) - options.ddof);
  const Array products = matmul(x, adjoint(x)) / divisor;
  return products.shape()[0] == 1 ? reshape(products, {}) : products;
}

Array corrcoef(const Array& a, bool rows_are_variables) {
  const Array c = cov(a, {rows_are_variables, 1});
  if (c.rank() == 0) return c / c;
  const Array deviation = elementwise("sqrt", {elementwise("real", {diagonal(c)})});
  return c / as_column(deviation) / expand_dims(deviation, 0);
}

}  // namespace freestone
