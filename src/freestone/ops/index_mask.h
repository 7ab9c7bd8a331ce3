/// Elements picked by a mask that is computed: first counted by blocks, then selected with known shape.
///
/// Blocks are stretches of the mask's C order, whole on its last axes. How many are true before each block says which blocks a tile of the
/// result needs. exec/boolean_index.h runs the count and puts both together.
#pragma once

#include "freestone/array/array.h"
#include "freestone/ops/index_positions.h"

namespace freestone {

/// Blocks of a mask: `rows` positions of `axis` (fewer at its end), one of each axis before, all of those behind.
struct MaskBlocks {
  Shape shape;  ///< of the mask
  int axis = 0;
  Index rows = 1;

  /// At most about a million, of 4096 elements at least where the mask is large.
  explicit MaskBlocks(const Shape& mask);
  MaskBlocks(Shape mask, int axis_, Index rows_) : shape(mask), axis(axis_), rows(rows_) {}
  Shape counts() const;
  /// C-order positions of the mask where block `number` begins, and ends.
  Index first(Index number) const;
  Index end(Index number) const;
};

/// How many elements of each block are true: int64, of shape blocks.counts().
class MaskCountOp : public Op {
 public:
  MaskCountOp(const Spec& mask, MaskBlocks blocks);
  std::string_view name() const override { return "mask_count"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  MaskBlocks blocks_;
};

/// What the mask picks, in C order. Inputs: the mask, and for values the array, whose first axes are those of the mask.
class MaskSelectOp : public Op {
 public:
  /// `before`: true elements before each block, and in all. With `values` null: their positions, int64, one row each.
  /// @throws Error kind data: parts that do not fit
  MaskSelectOp(const Spec& mask, const Spec* values, MaskBlocks blocks, PositionsRef before);
  std::string_view name() const override { return "mask_select"; }
  nlohmann::json params() const override;
  std::string key() const override;
  Box input_box(int i, const Box& domain_box, const Shape& array) const override;
  Need need(const Box& box) const override;
  /// @throws Error kind data: the mask is not the one that was counted
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  nlohmann::json frame() const;
  /// The blocks that hold results [first, end).
  std::pair<Index, Index> blocks_of(Index first, Index end) const;
  MaskBlocks blocks_;
  PositionsRef before_;
};

}  // namespace freestone
