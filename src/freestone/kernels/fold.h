/// Folds: sum, minimum, variance... of the elements of an array, leaf by leaf.
///
/// The caller cuts the reduced axes into leaves that depend on the array alone. A leaf is folded in C order in float64; when the innermost
/// axis is reduced, into 8 virtual lanes (position in the row modulo 8) that live as long as the leaf and are joined in a fixed order.
/// Leaves are merged with Neumaier's compensation. So the bits depend on the leaves only: not on strides, tiles, threads or vector width.
/// The state of n outputs is `words()` planes of n words, plane p at state + p * n.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "freestone/core/box.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

union Word {
  double f;
  std::int64_t i;
  std::uint64_t u;
};

/// Where a leaf lies: `start` in the whole input array, and that array's full shape. argmin and argmax give flat positions over the
/// reduced axes of `extent` in C order.
struct LeafPosition {
  Dims start;
  Shape extent;
};

/// Immutable and safe to share between threads.
class FoldKernel {
 public:
  virtual ~FoldKernel() = default;
  /// Words of state an output.
  virtual int words() const = 0;
  /// The state of nothing.
  virtual void init(Word* state, Index n) const = 0;
  /// Adds one leaf to `state`, which is fresh from `init`. `in`: the leaf's elements, any strides; bit k of `reduced` is set when axis k is
  /// folded away; the kept axes in C order are the n outputs.
  virtual void scan(const View& in, std::uint32_t reduced, const LeafPosition& at, Word* state, Index n) const = 0;
  /// Adds `from`, which comes after `into` in leaf order.
  virtual void merge(Word* into, const Word* from, Index n) const = 0;
  /// Writes n elements in C order to each output (contiguous memory), of the dtypes that `outputs` gives.
  virtual void finish(const Word* state, Index n, std::span<std::byte* const> out) const = 0;
  virtual std::vector<DType> outputs() const = 0;
};

// clang-format off
/// What to fold. Float32 and float64 skip NaN when `skip_nan`, as NumPy's nan-functions do; otherwise NaN propagates.
///
/// | name          | output                                                             | parameters                | nothing valid |
/// |---------------|--------------------------------------------------------------------|---------------------------|---------------|
/// | sum, prod     | dtype in; bool and integers int64 or uint64, wrapping as NumPy      | {1}: nothing valid is NaN | 0, 1          |
/// | mean, rms     | dtype in; bool and integers float64                                |                           | NaN           |
/// | variance, std | as mean; about the mean; count <= ddof: NaN where NaN are skipped, else divided by 0 | {ddof}, default 0 | NaN |
/// | min, max      | dtype in                                                           |                           | NaN; integers: 0, so callers refuse it |
/// | argmin/argmax | int64, flat over the reduced axes, first in C order; a NaN that is not skipped wins | | -1            |
/// | count         | int64: elements that are not NaN (without skip_nan: all)           |                           | 0             |
/// | any, all      | bool; NaN is true, unless skipped                                  |                           | false, true   |
/// | statistics    | five of float64: npts (not NaN), min, max, sum, sumsq              |                           | 0, then NaN   |
/// | power_sums    | order + 2 of float64: sums of v w^k for k = 0 ... order, and the count; finite v only | {order, w_0, w_1 ...} | 0 |
///
/// Of complex numbers there are sum, prod, mean (complex), variance and std (real), and min, max, argmin and argmax by real part, then
/// imaginary part. Elements whose parts are not both NaN or both numbers must not meet `skip_nan` in sum, mean and variance, which skip part
/// by part.
///
/// The weights of power_sums lie along the first reduced axis of the whole array; its order is at most 8.
// clang-format on
struct FoldRequest {
  std::string name;
  DType dtype = DType::kFloat64;
  bool skip_nan = true;
  std::vector<double> parameters;
};

/// @throws Error kind user: unknown name, one that complex numbers do not have, parameters out of range
std::unique_ptr<FoldKernel> make_fold(const FoldRequest& request);

/// The names that `make_fold` knows.
std::span<const std::string_view> fold_names();

}  // namespace freestone::kernels
