/// QR and singular values: of stacks of small matrices, and of matrices with many rows and few columns.
///
/// Of large matrices the triangle R is a fold over blocks of rows: each block's own triangle by Householder reflections, two triangles
/// merge into that of the one above the other. The tree is that of all folds, so R has the same bits for every tiling. Q is A times the
/// inverse of R, twice: what the first division leaves of orthogonality (the error grows with A's condition) the triangle of its result
/// takes away, so that Q is orthogonal to rounding while the condition (of A with its columns brought to one length)
/// is below 1e13. A is read three times and nothing of its size is
/// stored. Everything is computed in float64 or complex128. Columns that depend on earlier ones become columns of zeros in Q.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

struct QrResult {
  Array q;  ///< (..., m, k), orthonormal columns; k the smaller of m and n
  Array r;  ///< (..., k, n), upper; its diagonal is real and not negative
};
/// a = q r for matrices (..., m, n). float32, float64 and complex dtypes stay, others give float64. A matrix of two axes that is tall and
/// has more than 65,536 elements is worked on in blocks of rows, as above; all others are seen whole.
/// @param complete  q is (..., m, m) and r (..., m, n): matrices are seen whole
/// @throws Error kind user: fewer than two axes
QrResult qr(const Array& a, bool complete = false);

struct SvdResult {
  Array u;   ///< (..., m, k), k the smaller of m and n; orthonormal columns (of matrices in blocks of rows: 0 where s is 0)
  Array s;   ///< (..., k), descending, real
  Array vh;  ///< (..., k, n)
};
/// a = u diag(s) vh, without the null space. Of a large matrix of two axes the smaller side must be small: a matrix of its square is held.
/// @param full_matrices  u is (..., m, m) and vh (..., n, n): matrices are seen whole
/// @throws Error kind user: fewer than two axes
SvdResult svd(const Array& a, bool full_matrices = false);
/// Only the singular values: A is read once.
Array svdvals(const Array& a);

/// The triangle, float64 or complex128.
class TriangleOp : public Op, private Fold {
 public:
  explicit TriangleOp(const Spec& a);
  std::string_view name() const override { return "qr_triangle"; }
  int version() const override { return 2; }
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

}  // namespace freestone
