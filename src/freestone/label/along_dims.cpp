#include "freestone/label/along_dims.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/label/coordinate.h"
#include "freestone/label/memory_array.h"
#include "freestone/ops/create.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/weighted_quantile.h"

namespace freestone {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Numbers of the axes of `variable` among `dims`; all of them when there are no dims.
std::vector<int> axes_of(const DatasetVariable& variable, const std::vector<std::string>& dims) {
  std::vector<int> axes;
  for (int k = 0; k < variable.array.rank(); ++k) {
    if (dims.empty() || std::find(dims.begin(), dims.end(), variable.dims[static_cast<std::size_t>(k)]) != dims.end()) axes.push_back(k);
  }
  return axes;
}

/// Every data variable with one of `dims` becomes `fold` of it and their numbers, without those axes; their coordinates go.
template <class F>
Dataset folded(const Dataset& dataset, const std::vector<std::string>& dims, F fold) {
  for (const std::string& dim : dims) dataset.length(dim);
  std::vector<DatasetVariable> variables;
  for (const DatasetVariable& variable : dataset.variables()) {
    const std::vector<int> axes = axes_of(variable, dims);
    if (!axes.empty() && variable.is_coordinate()) continue;
    DatasetVariable out = variable;
    if (!axes.empty()) {
      out.array = fold(variable, axes);
      for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) out.dims.erase(out.dims.begin() + *axis);
      out.encoding = {};
    }
    variables.push_back(std::move(out));
  }
  return dataset.with(std::move(variables));
}

/// Every data variable along `dim` becomes `change` of it and the number of the axis.
template <class F>
Dataset changed(const Dataset& dataset, const std::string& dim, F change) {
  dataset.length(dim);
  std::vector<DatasetVariable> variables = dataset.variables();
  for (DatasetVariable& variable : variables) {
    const int axis = variable.axis_of(dim);
    if (axis < 0 || variable.is_dimension_coordinate()) continue;
    variable.array = change(variable.array, axis);
    variable.encoding = {};
  }
  return dataset.with(std::move(variables));
}

/// `weights` with an axis for each of `variable`'s, of length 1 where it has none; no array when it has axes that `variable` lacks.
Array spread(const DatasetVariable& weights, const DatasetVariable& variable) {
  std::vector<int> order;
  for (const std::string& dim : variable.dims) {
    if (weights.axis_of(dim) >= 0) order.push_back(weights.axis_of(dim));
  }
  if (static_cast<int>(order.size()) != weights.array.rank()) return {};
  Array out = transpose(weights.array, order);
  for (int k = 0; k < variable.array.rank(); ++k) {
    const int axis = weights.axis_of(variable.dims[static_cast<std::size_t>(k)]);
    if (axis < 0) {
      out = expand_dims(out, k);
    } else if (out.shape()[k] != variable.array.shape()[k]) {
      fail(ErrorKind::kUser, "weights have {} elements along '{}', and variable '{}' has {}.", out.shape()[k],
           variable.dims[static_cast<std::size_t>(k)], variable.name, variable.array.shape()[k]);
    }
  }
  return out;
}

/// Where a label lies among the coordinate's: between two positions, `fraction` of the way; both the same where it is one of them.
struct Place {
  Index low = 0, high = 0;
  double fraction = 0;
  bool is_inside = false;
};

/// `sign` is the coordinate's direction; by it labels always rise.
Place place_of(const std::vector<double>& labels, double sign, double wanted) {
  const auto above = std::partition_point(labels.begin(), labels.end(), [&](double label) { return sign * label < sign * wanted; });
  if (above == labels.end()) return {};
  const Index high = above - labels.begin();
  if (*above == wanted) return {high, high, 0, true};
  if (high == 0) return {};
  const double low = labels[static_cast<std::size_t>(high - 1)];
  return {high - 1, high, (wanted - low) / (*above - low), true};
}

}  // namespace

Dataset reduce(const Dataset& dataset, const std::string& name, const std::vector<std::string>& dims, const AlongDimsOptions& options) {
  Dataset out = folded(dataset, dims, [&](const DatasetVariable& variable, const std::vector<int>& axes) {
    if (name == "median") return median(variable.array, axes, options.skip_nan);
    if (name == "percentile") return percentile(variable.array, options.q, axes, options.skip_nan);
    if (name == "var") return var(variable.array, axes, {.skip_nan = options.skip_nan});
    return reduce(name, variable.array, axes, {.skip_nan = options.skip_nan});
  });
  if (name != "count") return out;
  std::vector<DatasetVariable> variables = out.variables();
  for (DatasetVariable& variable : variables) {
    if (!variable.is_coordinate()) std::erase_if(variable.attributes, [](const formats::Attribute& a) { return a.key == "units"; });
  }
  return out.with(std::move(variables));
}

Dataset weighted(const Dataset& dataset, const std::string& name, const DataArray& weights, const std::vector<std::string>& dims,
                 double q) {
  const std::vector<std::string> names = {"mean", "sum", "var", "std", "median", "percentile", "mad_std"};
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    fail(ErrorKind::kUser, "'{}' takes no weights.{} {} do.", name, suggestion(name, names), fmt::join(names, ", "));
  }
  return folded(dataset, dims, [&](const DatasetVariable& variable, const std::vector<int>& axes) {
    const Array& values = variable.array;
    const Array spread_weights = spread(weights.variable(), variable);
    if (!spread_weights && name == "var") return var(values, axes, {.skip_nan = true});
    if (name == "median") return spread_weights ? weighted_median(values, spread_weights, axes) : median(values, axes);
    if (name == "percentile") return spread_weights ? weighted_quantile(values, spread_weights, q / 100, axes) : percentile(values, q, axes);
    if (name == "mad_std") return spread_weights ? weighted_mad_std(values, spread_weights, axes) : mad_std(values, axes);
    if (!spread_weights) return reduce(name, values, axes, {.skip_nan = true});
    const Array wide = astype(spread_weights, DType::kFloat64), floats = astype(values, DType::kFloat64);
    if (name == "sum") return nansum(floats * wide, axes);
    const Array total = sum(where(elementwise("isnan", {values}), Operand(0.0), broadcast_to(wide, values.shape())), axes);
    const auto over_total = [&](const Array& sums) { return where(elementwise("equal", {total, Operand(0.0)}), Operand(kNaN), sums / total); };
    const Array mean = over_total(nansum(floats * wide, axes));
    if (name == "mean") return mean;
    Array centre = mean;
    for (const int axis : axes) centre = expand_dims(centre, axis);
    const Array variance = over_total(nansum(elementwise("square", {floats - centre}) * wide, axes));
    return name == "var" ? variance : elementwise("sqrt", {variance});
  });
}

Dataset weighted(const Dataset& dataset, const Grouping& grouping, const std::string& name, const DataArray& weights, const std::vector<std::string>& dims) {
  if (name != "mean" && name != "sum") fail(ErrorKind::kUser, "'{}' of groups takes no weights. mean and sum do.", name);
  std::vector<DatasetVariable> products = dataset.variables(), totals = products;
  const auto is_folded = [&](const DatasetVariable& variable) { return variable.axis_of(grouping.dim) >= 0 && !variable.is_coordinate(); };
  for (std::size_t k = 0; k < products.size(); ++k) {
    const Array values = products[k].array;
    if (!is_folded(products[k])) continue;
    const Array spread_weights = spread(weights.variable(), products[k]);
    const Array floats = astype(values, DType::kFloat64);
    const Array wide = spread_weights ? broadcast_to(astype(spread_weights, DType::kFloat64), values.shape()) : broadcast_to(ones({}), values.shape());
    const Array missing = elementwise("isnan", {values});
    products[k].array = where(missing, Operand(kNaN), floats * wide);
    totals[k].array = where(missing, Operand(0.0), wide);
  }
  const auto summed = [&](std::vector<DatasetVariable> variables) {
    const Dataset grouped = reduce(dataset.with(std::move(variables)), grouping, "sum");
    return dims.empty() ? grouped : reduce(grouped, "sum", dims);
  };
  const Dataset sums = summed(std::move(products)), weight = summed(std::move(totals));
  if (name == "sum") return sums;
  std::vector<DatasetVariable> means = sums.variables();
  for (DatasetVariable& variable : means) {
    if (!dataset.contains(variable.name) || !is_folded(dataset[variable.name])) continue;
    const Array total = weight[variable.name].array;
    variable.array = where(elementwise("equal", {total, Operand(0.0)}), Operand(kNaN), variable.array / total);
  }
  return sums.with(std::move(means));
}

DataArray cos_latitude(const Dataset& dataset) {
  const auto is_latitude = [](const DatasetVariable& variable, int how) {
    const std::string units = variable.text("units"), name = variable.name.substr(variable.name.rfind('/') + 1);
    if (how == 0) return variable.text("standard_name") == "latitude";
    if (how == 1) {
      constexpr std::string_view kNorth[] = {"degrees_north", "degree_north", "degrees_N", "degree_N", "degreesN", "degreeN"};
      return std::find(std::begin(kNorth), std::end(kNorth), units) != std::end(kNorth);
    }
    return name == "lat" || name == "latitude";
  };
  for (int how = 0; how < 3; ++how) {
    for (const DatasetVariable& variable : dataset.variables()) {
      if (variable.is_coordinate() && is_latitude(variable, how)) {
        return DataArray(elementwise("cos", {elementwise("deg2rad", {variable.array})}), variable.dims, {}, "weights");
      }
    }
  }
  fail(ErrorKind::kUser, "{}: no coordinate says that it is latitude, by standard_name, units (degrees_north) or name (lat, latitude).",
       dataset.path().empty() ? "The dataset" : dataset.path());
}

Dataset rolling(const Dataset& dataset, const std::string& name, const std::string& dim, Index window, const RollingOptions& options) {
  return changed(dataset, dim, [&](const Array& array, int axis) { return rolling(name, array, window, axis, options); });
}

Dataset interp(const Dataset& dataset, const std::string& dim, const std::vector<double>& labels, Interpolation method,
               const ComputeOptions& compute) {
  dataset.length(dim);
  const DatasetVariable* coordinate = dataset.coordinate(dim);
  if (coordinate == nullptr) fail(ErrorKind::kUser, "{}: axis '{}' has no coordinate to interpolate along.", dataset.path(), dim);
  const CoordinateValues values = CoordinateValues::read(*coordinate, compute);
  if (values.direction() == 0) {
    fail(ErrorKind::kUser, "{}: coordinate '{}' neither rises nor falls throughout, so that nothing lies between its labels.", dataset.path(), dim);
  }
  std::vector<Index> low, high;
  std::vector<double> fractions;
  std::vector<std::uint8_t> is_outside;
  for (const double label : labels) {
    if (std::isnan(label)) fail(ErrorKind::kUser, "coordinate '{}': NaN is no label.", dim);
    Place place = place_of(values.numbers(), values.direction(), label);
    if (method == Interpolation::kNearest) {
      const bool takes_high = place.fraction > 0.5 || (place.fraction == 0.5 && values.direction() < 0);
      place.low = takes_high ? place.high : place.low;
    }
    low.push_back(place.low);
    high.push_back(place.high);
    fractions.push_back(place.fraction);
    is_outside.push_back(place.is_inside ? 0 : 1);
  }
  const bool some_outside = std::find(is_outside.begin(), is_outside.end(), 1) != is_outside.end();
  const Array outside = astype(array_in_memory(std::move(is_outside)), DType::kBool), fraction = array_in_memory(std::move(fractions));
  if (values.size() == 0 && !labels.empty()) fail(ErrorKind::kUser, "coordinate '{}' has no labels.", dim);

  Dataset out = changed(dataset, dim, [&](const Array& array, int axis) {
    const Array wide = is_floating(array.dtype()) && method == Interpolation::kNearest ? array : astype(array, DType::kFloat64);
    Array result = take(wide, low, axis);
    if (method == Interpolation::kLinear) {
      // Where a label is one of the coordinate's, low and high are one position: no neighbour's NaN enters.
      result = result + (take(wide, high, axis) - result) * along(fraction, axis, wide.rank());
    }
    return some_outside ? where(along(outside, axis, wide.rank()), Operand(kNaN), result) : result;
  });
  std::vector<DatasetVariable> variables = out.variables();
  for (DatasetVariable& variable : variables) {
    if (variable.is_dimension_coordinate() && variable.dims[0] == dim) {
      variable.array = array_in_memory(labels);
      variable.encoding = {};
    }
  }
  return out.with(std::move(variables));
}

}  // namespace freestone
