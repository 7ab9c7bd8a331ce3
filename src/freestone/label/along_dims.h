/// Named axes folded, weighted, averaged over windows, interpolated.
///
/// Each of these acts on every variable that has the axes; the others stay, and so do the attributes. NaN is left out, as xarray does. How
/// numbers were packed is forgotten: they are others now.
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/label/data_array.h"
#include "freestone/label/grouping.h"
#include "freestone/ops/filters.h"

namespace freestone {

struct AlongDimsOptions {
  bool skip_nan = true;
  double q = 50;  ///< of percentile
};

/// @param name  of ops/reduce.h (sum, mean, min, max, var, std, count, any, all ...), or median or percentile
/// @param dims  those that a variable has of them go; none: all axes
/// @throws Error kind user: unknown name; no variable has the axis
Dataset reduce(const Dataset& dataset, const std::string& name, const std::vector<std::string>& dims = {}, const AlongDimsOptions& options = {});

/// mean: sum(x w) / sum(w) of what is not NaN, in float64; sum: sum(x w); var: sum(w (x - mean)^2) / sum(w); std: its root; median,
/// percentile (with `q`) and mad_std: ops/weighted_quantile.h. Where the weights sum to 0 a mean is NaN. Variables without all axes of the
/// weights are folded plainly.
/// @throws Error kind user: another name; axes of the weights that are as long as no axis of the data; as reduce
Dataset weighted(const Dataset& dataset, const std::string& name, const DataArray& weights, const std::vector<std::string>& dims = {},
                 double q = 50);
inline Dataset weighted_mean(const Dataset& dataset, const DataArray& weights, const std::vector<std::string>& dims = {}) {
  return weighted(dataset, "mean", weights, dims);
}

/// The same of each group along the grouping's axis, and along `dims`: weights may differ along both (days of a month, areas). mean and sum. Groups without
/// values are NaN.
/// @throws Error kind user: another name; as above and as grouping.h's reduce
Dataset weighted(const Dataset& dataset, const Grouping& grouping, const std::string& name, const DataArray& weights, const std::vector<std::string>& dims = {});

/// The cosine of latitude: the weights of a grid of equal angles. Latitude is the coordinate whose standard_name, units (degrees_north) or name
/// (lat, latitude) says so.
/// @throws Error kind user: there is none
DataArray cos_latitude(const Dataset& dataset);

/// As `rolling` of ops/filters.h, along `dim`.
Dataset rolling(const Dataset& dataset, const std::string& name, const std::string& dim, Index window, const RollingOptions& options = {});

enum class Interpolation {
  kLinear,   ///< between neighbours, in float64
  kNearest,  ///< the nearest label's value, of two the smaller label's; dtype stays, integers become float64
};

/// Values at `labels` (in the units of the coordinate) of axis `dim`; NaN outside of its labels. Labels are in any order.
/// @throws Error kind user: no coordinate, or one that neither rises nor falls throughout; NaN as a label
Dataset interp(const Dataset& dataset, const std::string& dim, const std::vector<double>& labels, Interpolation method = Interpolation::kLinear,
               const ComputeOptions& compute = {});

}  // namespace freestone
