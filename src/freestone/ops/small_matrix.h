/// SmallMatrixOp: matrices on the last two axes, each seen whole and worked on by itself; the axes before are points.
#pragma once

#include <string>

#include "freestone/array/array.h"

namespace freestone {

/// | function         | inputs                    | outputs                                                                       |
/// |------------------|---------------------------|-------------------------------------------------------------------------------|
/// | triangle_inverse | (..., n, n) upper         | (..., n, n); zeros for columns that depend on others                          |
/// | det              | (..., n, n)               | (...)                                                                         |
/// | slogdet          | (..., n, n)               | sign (...), logarithm of the absolute value (...)                              |
/// | inv              | (..., n, n)               | (..., n, n)                                                                   |
/// | solve            | (..., n, n), (..., n, k)  | (..., n, k)                                                                   |
/// | cholesky         | (..., n, n)               | (..., n, n) lower                                                             |
/// | eigh, eigvalsh   | (..., n, n)               | w (..., n), v (..., n, n); w alone                                            |
/// | qr, qr_complete  | (..., m, n)               | q (..., m, k or m), r (..., k or m, n)                                        |
/// | svd, svd_full    | (..., m, n)               | u (..., m, k or m), s (..., k), vh (..., k or n, n); u and vh orthonormal     |
/// | svd_open         | (..., m, n)               | as svd, but columns of u and rows of vh whose s is 0 are 0                    |
/// | svdvals          | (..., m, n)               | s (..., k)                                                                    |
///
/// k is the smaller of m and n. Inputs are float64 or complex128, both alike; s, w and logarithms are float64.
/// When it runs: kind data for matrices that inv, solve and cholesky cannot take, naming which.
class SmallMatrixOp : public Op {
 public:
  /// @throws Error kind data: unknown function, shapes or dtypes that do not fit
  SmallMatrixOp(std::string function, const std::vector<Spec>& inputs);
  std::string_view name() const override { return "small_matrix"; }
  int version() const override { return 3; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  std::string function_;
  std::vector<Spec> in_;
};

/// The operation on inputs converted to float64 or complex128, whose leading axes broadcast.
std::vector<Array> small_matrix(std::string function, std::vector<Array> inputs);

}  // namespace freestone
