/// ContractOp: the sum of products of two arrays over common axes: what matmul, tensordot and einsum are made of.
///
/// Axes carry labels. Labels 0 ... batches-1 are common to both and stay; then come those that stay of the first array alone (rows), of the
/// second alone (columns), and from `kept` on those that are summed, which both have. The output has the axes 0 ... kept-1. A tile is a
/// block of rows by a block of columns with the summed axes whole, so the planner trades the memory of a tile for the number of times that
/// the operands are read. Sums too long for that are folds: LongContractOp adds partial products over boxes of the summed axes, in the
/// fixed tree of all folds.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// Which axes of two arrays belong together.
struct Contraction {
  std::vector<int> a, b;  ///< a label for each axis; an axis of length 1 goes with any extent
  int batches = 0, rows = 0, kept = 0;
  DType dtype = DType::kFloat64;  ///< of the result, and what is computed in

  /// Extents of all labels.
  /// @throws Error kind user: extents that differ
  Shape extents(const Shape& a_shape, const Shape& b_shape) const;
  nlohmann::json params() const;
};

/// @throws Error kind data: labels that make no contraction
Contraction contraction_of(const nlohmann::json& params, const Shape& a, const Shape& b);

/// The contraction, as one operation or, for long sums, as a fold: by shape alone.
Array contract(const Array& a, const Array& b, const Contraction& contraction);

class ContractOp : public Op {
 public:
  ContractOp(const Spec& a, const Spec& b, Contraction contraction);
  std::string_view name() const override { return "contract"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Contraction contraction_;
  Shape extents_;
  Spec a_, b_;
};

/// float32 and float64 sums of leaves in the dtype, between leaves in float64.
class LongContractOp : public Op, private Fold {
 public:
  LongContractOp(const Spec& a, const Spec& b, Contraction contraction);
  std::string_view name() const override { return "contract_long"; }
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

  Contraction contraction_;
  Spec a_, b_;
  std::vector<int> axes_;
  Shape leaf_;
};

}  // namespace freestone
