/// Ticks: round numbers for the axes of a picture.
#pragma once

#include <string>
#include <vector>

namespace freestone::watch {

/// Multiples of 1, 2 or 5 times a power of ten in [lo, hi], about `wanted` of them, ascending. Empty when lo or hi is
/// not finite or hi < lo; one number when they are equal.
std::vector<double> nice_ticks(double lo, double hi, int wanted);

/// Labels of ticks in one form: the same number of decimals, a true minus sign, and, where numbers are very large or
/// very small, a power of ten taken out of all of them.
struct TickLabels {
  std::vector<std::string> labels;
  int exponent = 0;  ///< the labels times 10^exponent are the values
};
TickLabels tick_labels(const std::vector<double>& ticks);

}  // namespace freestone::watch
