/// Pad: an array with a border, by NumPy's modes. Composed of slices, mirrors, reductions and concat, axis by axis.
#pragma once

#include <optional>
#include <vector>

#include "freestone/array/array.h"

namespace freestone {

enum class PadMode { kConstant, kEdge, kLinearRamp, kMaximum, kMean, kMedian, kMinimum, kReflect, kSymmetric, kWrap, kEmpty };

/// @throws Error kind user: not a mode, naming the nearest
PadMode parse_pad_mode(std::string_view name);

struct PadWidth {
  Index before = 0, after = 0;
};

struct PadOptions {
  /// Values of constant and linear_ramp, a pair an axis (or one for all): what stands before, what after.
  std::vector<std::pair<double, double>> values{{0, 0}};
  /// How many elements next to the border maximum, mean, median and minimum look at; none: all of the axis.
  std::vector<std::pair<Index, Index>> stat_length;
  /// reflect and symmetric: 2 * edge - mirror instead of the mirror.
  bool odd = false;
};

/// `widths`: a pair an axis, or one for all.
/// @throws Error kind user: widths below 0, an axis without elements where the mode needs some, numbers of pairs that do not fit
Array pad(const Array& a, const std::vector<PadWidth>& widths, PadMode mode = PadMode::kConstant, const PadOptions& options = {});

}  // namespace freestone
