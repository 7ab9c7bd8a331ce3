/// Grouped reductions: an axis whose positions have integer keys becomes an axis of groups.
#pragma once

#include <string_view>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/group.h"

namespace freestone {

struct GroupOptions {
  bool skip_nan = true;            ///< NaN is left out, as pandas and xarray do
  std::vector<double> parameters;  ///< as kernels::FoldRequest says for the function
};

/// Folds the positions of `axis` that have the same key.
///
/// @param name    a fold of one output (kernels::fold_names: sum, mean, min, max, variance, std, count, any, all, argmin ...), or "first"
///                and "last", the first and last element that is not NaN (with skip_nan)
/// @param keys    integers, rank 1, as long as `axis`: 0 to groups - 1, or -1 to leave a position out; may be lazy
/// @param groups  the length of the new axis
/// @returns       the shape of `a` with `groups` in place of `axis`. A group without elements: as the fold of nothing (0 for sum and count,
/// NaN
///                for mean, min, first of floats; 0 for min, max, first of integers; -1 for argmin)
/// @throws Error  kind user: unknown name, axis out of range, keys that do not fit; kind data, when it runs: a key out of range
Array group_reduce(std::string_view name, const Array& a, const Array& keys, Index groups, int axis = 0, GroupOptions options = {});

/// Inputs: the data and the keys (int64).
class GroupReduceOp : public Op, private Fold {
 public:
  GroupReduceOp(std::string function, const Spec& input, int axis, Index groups, bool skip_nan, std::vector<double> parameters, Shape leaf);
  std::string_view name() const override { return "group_reduce"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  const Fold* fold() const override { return this; }

 private:
  const std::vector<int>& axes() const override { return axes_; }
  const Shape& leaf() const override { return leaf_; }
  Index state_words() const override { return kernel_.words(); }
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  std::string function_;
  std::vector<int> axes_;
  Index groups_;
  bool skip_nan_;
  std::vector<double> parameters_;
  Shape leaf_;
  kernels::GroupFold kernel_;
};

}  // namespace freestone
