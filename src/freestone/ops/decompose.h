/// QR and singular values of matrices with many rows and few columns.
///
/// The triangle R is a fold over blocks of rows: each block's own triangle by Householder reflections, two triangles merge into that of the
/// one above the other. The tree is that of all folds, so R has the same bits for every tiling. Q is A times the inverse of R, twice: what
/// the first division leaves of orthogonality (the error grows with A's condition) the triangle of its result takes away, so that Q is
/// orthogonal to rounding while the condition is below 1e15. A is read three times and nothing of its size is stored. Everything is
/// computed in float64 or complex128. Columns that depend on earlier ones become columns of zeros in Q.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

struct QrResult {
  Array q;  ///< (m, n), orthonormal columns
  Array r;  ///< (n, n), upper; its diagonal is real and not negative
};
/// a = q r for a of shape (m, n), m >= n. float32, float64 and complex dtypes stay, others give float64.
/// @throws Error kind user: not a matrix, more columns than rows
QrResult qr(const Array& a);

struct SvdResult {
  Array u;   ///< (m, k), k the smaller of m and n; columns whose singular value is 0 are 0
  Array s;   ///< (k), descending, real
  Array vh;  ///< (k, n)
};
/// a = u diag(s) vh, without the null space (NumPy's full_matrices=False). The smaller side must be small: a matrix of its square is held.
/// @throws Error kind user: not a matrix
SvdResult svd(const Array& a);
/// Only the singular values: A is read once.
Array svdvals(const Array& a);

/// The triangle, float64 or complex128.
class TriangleOp : public Op, private Fold {
 public:
  explicit TriangleOp(const Spec& a);
  std::string_view name() const override { return "qr_triangle"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  const Fold* fold() const override { return this; }

 private:
  const std::vector<int>& axes() const override { return axes_; }
  const Shape& leaf() const override { return leaf_; }
  Index state_words() const override;
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  Spec a_;
  Index columns_;
  std::vector<int> axes_{0, 1};
  Shape leaf_;
};

/// A small square matrix of float64 or complex128, whole: "inverse" of a triangle, or "svd" (u, s, vh).
class SmallMatrixOp : public Op {
 public:
  /// @throws Error kind data: unknown function, not square, another dtype
  SmallMatrixOp(std::string function, const Spec& matrix);
  std::string_view name() const override { return "small_matrix"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::string function_;
  Spec matrix_;
};

}  // namespace freestone
