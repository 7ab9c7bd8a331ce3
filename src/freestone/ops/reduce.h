/// Reductions: sums, means, extremes, statistics over any axes, with the same bits for every tiling.
///
/// The node holds its leaf grid: the input's nominal chunk edges on the reduced axes, split so that a leaf folds at most
/// 65,536 elements an output; for contiguous data balanced boxes by shape alone. Leaves merge in a fixed 16-ary tree.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/fold.h"

namespace freestone {

struct ReduceOptions {
  bool skip_nan = false;           ///< true: NumPy's nan-functions; a complex number with one NaN part is skipped whole
  bool keep_dims = false;          ///< reduced axes stay, with length 1
  std::vector<double> parameters;  ///< as kernels::FoldRequest says for the function
  std::optional<DType> dtype;      ///< of sum, prod, mean, var, std: the elements are converted to it first, and the result has it
  double correction = 0;           ///< of var and std: the divisor is the count less this
};

/// The fold `name` (kernels::fold_names, or "var" and "count_nonzero") over `axes`; no axes: over all of them.
/// @returns one array an output of the fold
/// @throws Error kind user: unknown name, axis out of range or named twice, a fold that the dtype does not have, min or max of nothing
std::vector<Array> reduce_all(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options = {});
/// The first output.
Array reduce(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options = {});

// The array API's reductions, of `a` over `axes` (none: all), and NumPy's forms that skip NaN. The contract of each is its row in
// kernels/fold.h: sums of floats accumulate in float64; sums of bool and integers are int64 or uint64, their means float64.
Array sum(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array prod(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array mean(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// About the mean; of complex numbers the mean of |z - mean|^2, which is real.
Array var(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// The square root of `var`.
Array stddev(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// Complex numbers by real part, then imaginary part, as NumPy orders them; of several NaN the first.
Array min(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array max(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// int64: the first position, flat over the reduced axes in C order.
Array argmin(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array argmax(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// bool: whether any, or every, element is not 0 (NaN is not 0).
Array any(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array all(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// int64: how many elements are not 0.
Array count_nonzero(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nansum(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanprod(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanmean(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanvar(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanstd(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanmin(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanmax(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
/// -1 where everything is NaN (NumPy raises there).
Array nanargmin(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});
Array nanargmax(const Array& a, const std::vector<int>& axes = {}, ReduceOptions options = {});

/// The largest element less the smallest.
Array ptp(const Array& a, const std::vector<int>& axes = {}, bool keep_dims = false);
/// sum(a * weights) / sum(weights). The weights broadcast to the shape of `a`; those of one axis, with one reduced axis, lie along it.
/// Integers are averaged in float64.
Array average(const Array& a, const Array& weights, const std::vector<int>& axes = {}, bool keep_dims = false);
/// log(sum(exp(a))) without overflow: the largest element is taken out first. Reads `a` twice unless a tile spans the axes.
/// @throws Error kind user: complex, or nothing to reduce
Array logsumexp(const Array& a, const std::vector<int>& axes = {}, bool keep_dims = false);

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
