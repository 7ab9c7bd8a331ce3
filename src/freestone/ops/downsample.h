/// Downsampling: groups of neighbours along axes become one element.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// Means (or sums, minima, maxima) of `factor` neighbours along `axes`, NaN skipped; a group without values gives NaN. Positions past
/// the last whole group are dropped, as spectral_cube.downsample_axis(truncate=True) does; with `keep_rest` a shorter group ends the axis.
/// @param function  mean, sum, min, max or median
/// @returns         floating dtype of `a`, float64 for integers
/// @throws Error    kind user: a factor below 1 or longer than the axis, unknown function
Array downsample(const Array& a, Index factor, const std::vector<int>& axes, const std::string& function = "mean", bool keep_rest = false);

class DownsampleOp : public Op {
 public:
  DownsampleOp(const Spec& input, Shape factors, Shape out, std::string function);
  std::string_view name() const override { return "downsample"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Shape factors_;
  std::string function_;
  Spec in_;
};

}  // namespace freestone
