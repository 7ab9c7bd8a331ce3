/// The longest run of equal neighbours along a sorted axis: the mode of axes too long for a task.
#pragma once

#include <utility>

#include "freestone/array/array.h"

namespace freestone {

/// As `mode`, for an axis of any length: sorted in passes (ops/sort_passes.h), then the runs are measured, leaf by leaf, in any memory.
/// @param a  integers or bool, with elements along `axis`
std::pair<Array, Array> mode_in_passes(const Array& a, int axis);

/// Outputs: the value of the longest run along `axis`, the first of several, and its length (int64). A leaf's state is its first and its last
/// run and the longest so far, so that runs join across leaves.
class LongestRunOp : public Op, private Fold {
 public:
  LongestRunOp(const Spec& input, int axis, Shape leaf);
  std::string_view name() const override { return "longest_run"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override { return {0, static_cast<double>(box.count()) * 1.5}; }
  const Fold* fold() const override { return this; }

 private:
  const std::vector<int>& axes() const override { return axes_; }
  const Shape& leaf() const override { return leaf_; }
  Index state_words() const override;
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  Spec in_;
  std::vector<int> axes_;
  Shape leaf_;
};

}  // namespace freestone
