/// Reductions: sums, means, extremes, statistics over any axes, with the same bits for every tiling.
///
/// The node holds its leaf grid: the input's nominal chunk edges on the reduced axes, split so that a leaf folds at most
/// 65,536 elements an output; for contiguous data balanced boxes by shape alone. Leaves merge in a fixed 16-ary tree.
#pragma once

#include <memory>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/fold.h"

namespace freestone {

struct ReduceOptions {
  bool skip_nan = false;           ///< true: NumPy's nan-functions
  bool keep_dims = false;          ///< reduced axes stay, with length 1
  std::vector<double> parameters;  ///< as kernels::FoldRequest says for the function
};

/// The fold `name` (kernels::fold_names) over `axes`; no axes: over all of them.
/// @returns one array an output of the fold
/// @throws Error kind user: unknown name, axis out of range or named twice, complex dtype, min or max of nothing
std::vector<Array> reduce_all(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options = {});
/// The first output.
Array reduce(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options = {});

inline Array sum(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {}) { return reduce("sum", a, axes, options); }
inline Array mean(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {}) {
  return reduce("mean", a, axes, options);
}
inline Array min(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {}) { return reduce("min", a, axes, options); }
inline Array max(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {}) { return reduce("max", a, axes, options); }
/// The population's standard deviation (ddof 0).
inline Array stddev(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {}) {
  return reduce("std", a, axes, options);
}

class ReduceOp : public Op, private Fold {
 public:
  /// `leaf`: extents on every axis (kept axes 1).
  ReduceOp(std::string name, const Spec& input, std::vector<int> axes, Shape leaf, bool skip_nan, std::vector<double> parameters);
  std::string_view name() const override { return "reduce"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  const Fold* fold() const override { return this; }

  const std::string& function() const { return function_; }
  const std::vector<double>& parameters() const { return parameters_; }
  bool skip_nan() const { return skip_nan_; }
  const std::vector<int>& axes() const override { return axes_; }
  const Shape& leaf() const override { return leaf_; }

 private:
  Index state_words() const override { return kernel_->words(); }
  void init(std::byte* state, Index outputs) const override;
  void scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const override;
  void merge(std::byte* into, const std::byte* from, Index outputs) const override;
  void finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const override;

  std::string function_;
  std::vector<int> axes_;
  Shape leaf_;
  bool skip_nan_;
  std::vector<double> parameters_;
  std::unique_ptr<kernels::FoldKernel> kernel_;
  std::uint32_t reduced_ = 0;
};

/// Leaf extents for reducing `axes` of an array with these nominal chunks (kept axes: 1).
Shape leaf_extents(const ChunkGrid& chunks, const std::vector<int>& axes);

/// `axes` with negative numbers counted from the end, ascending; all axes when empty.
/// @throws Error kind user: out of range, or twice
std::vector<int> normal_axes(const std::vector<int>& axes, int rank);

}  // namespace freestone
