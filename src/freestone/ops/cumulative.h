/// Cumulative sums, products and extremes along an axis.
///
/// An axis of more than 65,536 positions is worked on in blocks of that length, anchored in the array, whatever the plan: totals of blocks,
/// what comes before each block, then each block again with its carry. So a long axis streams in tiles, with the same bits for every
/// tiling.
#pragma once

#include <optional>

#include "freestone/array/array.h"
#include "freestone/kernels/cumulative.h"

namespace freestone {

struct CumulativeOptions {
  std::optional<DType> dtype;    ///< of the result; default: floats stay, bool and integers int64 or uint64
  bool include_initial = false;  ///< a 0 (or 1) first: the axis is one longer
  bool skip_nan = false;         ///< NaN counts as 0 (or 1): NumPy's nancumsum, nancumprod
};

/// @throws Error kind user: axis out of range
Array cumulative_sum(const Array& a, int axis = -1, CumulativeOptions options = {});
Array cumulative_prod(const Array& a, int axis = -1, CumulativeOptions options = {});
inline Array nancumsum(const Array& a, int axis = -1) { return cumulative_sum(a, axis, {.skip_nan = true}); }
inline Array nancumprod(const Array& a, int axis = -1) { return cumulative_prod(a, axis, {.skip_nan = true}); }
/// The greatest (least) element so far; from a NaN on, NaN (numpy.maximum.accumulate). The dtype stays; complex numbers are ordered by
/// real part, then imaginary part.
/// @throws Error kind user: axis out of range
Array cummax(const Array& a, int axis = -1);
Array cummin(const Array& a, int axis = -1);

/// Totals of blocks along an axis, in the accumulator's dtype.
class BlockTotalsOp : public Op {
 public:
  BlockTotalsOp(const Spec& input, int axis, kernels::CumulativeRule rule);
  std::string_view name() const override { return "block_totals"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
  kernels::CumulativeRule rule_;
};

/// What comes before each block, from the totals.
class CarriesOp : public Op {
 public:
  CarriesOp(const Spec& totals, int axis, kernels::CumulativeRule rule);
  std::string_view name() const override { return "carries"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
  kernels::CumulativeRule rule_;
};

/// Inputs: the data, and the carries when the axis is long.
class CumulativeOp : public Op {
 public:
  static constexpr Index kBlock = 65536;
  static bool is_long(Index length) { return length > kBlock; }

  CumulativeOp(const Spec& input, int axis, kernels::CumulativeRule rule, bool include_initial);
  std::string_view name() const override { return "cumulative"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  int axis_;
  kernels::CumulativeRule rule_;
  bool include_initial_;
};

}  // namespace freestone
