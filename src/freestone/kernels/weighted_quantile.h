/// A quantile of values that count by weights.
#pragma once

#include <span>

#include "freestone/core/view.h"

namespace freestone::kernels {

/// A value and how much it counts.
struct Weighted {
  double value, weight;
};

/// The quantile `q` in [0, 1] of `items`, which it puts into order. NaN and weights of 0 do not count; where nothing else is left, or a
/// weight is NaN, it is NaN. As xarray's weighted(...).quantile(...): Akinshin (2023), Weighted quantile estimators, type 7 with Kish's effective
/// sample size. Equal weights give numpy.quantile's linear method.
/// @throws Error kind data: a weight is negative or infinite
double weighted_quantile(std::span<Weighted> items, double q);

}  // namespace freestone::kernels
