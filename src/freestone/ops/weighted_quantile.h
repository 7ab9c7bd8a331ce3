/// Quantiles of values that count by weights.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// The quantile `q` in [0, 1] over `axes` (none: all), each value counting by its weight, which broadcasts against `a`. NaN and what has the
/// weight 0 do not count; nothing else: NaN. The rule is that of xarray's weighted(...).quantile(...); equal weights give the linear method of
/// `quantile`. The axes are seen whole, with 16 bytes an element.
/// @returns float64
/// @throws Error kind user: q out of range, axis out of range or named twice, complex dtype, shapes that do not broadcast. While it runs,
///         kind data: a weight is negative or infinite
Array weighted_quantile(const Array& a, const Array& weights, double q, const std::vector<int>& axes);
/// The median: `weighted_quantile` with q = 0.5.
Array weighted_median(const Array& a, const Array& weights, const std::vector<int>& axes);
/// 1.482602218505602 times the weighted median of |a - weighted median of a|.
Array weighted_mad_std(const Array& a, const Array& weights, const std::vector<int>& axes);

class WeightedQuantileOp : public Op {
 public:
  WeightedQuantileOp(const Spec& input, double q, std::vector<int> axes);
  std::string_view name() const override { return "weighted_quantile"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  double q_;
  std::vector<int> axes_;
};

}  // namespace freestone
