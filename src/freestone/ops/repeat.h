/// Elements and whole arrays repeated.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// Every element `times` times along `axis`.
/// @throws Error kind user: times below 0, axis out of range
Array repeat(const Array& a, Index times, int axis);
/// Position i of `axis` counts[i] times.
Array repeat(const Array& a, const std::vector<Index>& counts, int axis);
/// The whole array reps[k] times along axis k; missing leading axes are made, missing leading counts are 1. NumPy's rule.
Array tile(const Array& a, std::vector<Index> reps);

}  // namespace freestone
