// Folds, order statistics, histograms, groups, windows.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/group.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/smooth.h"
#include "module.h"

namespace freestone::python {
namespace {

Array select(const std::string& function, const Array& a, double q, const std::vector<int>& axes, bool skip_nan) {
  if (function == "median") return median(a, axes, skip_nan);
  if (function == "percentile") return percentile(a, q, axes, skip_nan);
  if (function == "mad_std") return mad_std(a, axes, skip_nan);
  fail(ErrorKind::kInternal, "select: there is no function '{}'", function);
}

ClipOptions clip_options(double low, double high, int max_iterations, const std::string& center, const std::string& deviation) {
  if (center != "median" && center != "mean") fail(ErrorKind::kUser, "center is 'median' or 'mean', not '{}'.", center);
  if (deviation != "std" && deviation != "mad_std") fail(ErrorKind::kUser, "deviation is 'std' or 'mad_std', not '{}'.", deviation);
  return {
      .low = low, .high = high, .max_iterations = max_iterations, .center_mean = center == "mean", .deviation_mad = deviation == "mad_std"};
}

NanRule nan_rule_of(const std::string& name) {
  if (name == "interpolate") return NanRule::kInterpolate;
  if (name == "fill") return NanRule::kFill;
  if (name == "propagate") return NanRule::kPropagate;
  fail(ErrorKind::kUser, "nan_treatment is 'interpolate', 'fill' or 'propagate', not '{}'.", name);
}

CumulativeOptions cumulative_options(const std::string& dtype, bool include_initial, bool skip_nan) {
  CumulativeOptions options;
  options.dtype = dtype_from(dtype);
  options.include_initial = include_initial;
  options.skip_nan = skip_nan;
  return options;
}

HistogramOptions histogram_options(const std::optional<std::pair<double, double>>& range, const std::optional<Array>& weights, bool density,
                                   const std::vector<int>& axes) {
  HistogramOptions options;
  options.range = range;
  if (weights) options.weights = *weights;
  options.density = density;
  options.axes = axes;
  return options;
}

nb::tuple parts_of(const Histogram& histogram) { return nb::make_tuple(histogram.counts, histogram.edges); }

Boundary boundary_of(const std::string& name) {
  constexpr std::pair<std::string_view, Boundary> kNames[] = {{"reflect", Boundary::kReflect},   {"mirror", Boundary::kMirror},
                                                              {"nearest", Boundary::kNearest},   {"wrap", Boundary::kWrap},
                                                              {"constant", Boundary::kConstant}, {"grid-wrap", Boundary::kWrap}};
  for (const auto& [known, boundary] : kNames)
    if (name == known) return boundary;
  fail(ErrorKind::kUser, "The edge mode is 'reflect', 'mirror', 'nearest', 'wrap' or 'constant', not '{}'.", name);
}

FilterOptions filter_options(const std::string& boundary, double constant, const std::vector<int>& axes) {
  return {boundary_of(boundary), constant, axes};
}

void bind_filters(nb::module_& module) {
  module.def("convolve", [](const Array& a, const std::vector<double>& kernel, int axis, const std::string& nan_rule) {
    return convolve(a, kernel, axis, nan_rule_of(nan_rule));
  });
  module.def("convolve_2d", [](const Array& a, const std::vector<double>& kernel, Index rows, Index columns, const std::string& nan_rule) {
    return convolve_2d(a, kernel, rows, columns, nan_rule_of(nan_rule));
  });
  module.def("downsample", [](const Array& a, Index factor, const std::vector<int>& axes, const std::string& function, bool keep_rest) {
    return downsample(a, factor, axes, function, keep_rest);
  });
  module.def("correlate", [](const Array& a, const std::vector<double>& kernel, const std::vector<Index>& shape, bool flipped,
                             const std::string& boundary, double constant, const std::vector<int>& axes) {
    const FilterOptions options = filter_options(boundary, constant, axes);
    return flipped ? convolve_nd(a, kernel, Shape(shape), options) : correlate(a, kernel, Shape(shape), options);
  });
  module.def("box_filter", [](const std::string& name, const Array& a, const std::vector<Index>& sizes, double percentile,
                              const std::string& boundary, double constant, const std::vector<int>& axes) {
    const FilterOptions options = filter_options(boundary, constant, axes);
    if (name == "uniform") return uniform_filter(a, sizes, options);
    if (name == "minimum") return minimum_filter(a, sizes, options);
    if (name == "maximum") return maximum_filter(a, sizes, options);
    if (name == "median") return median_filter(a, sizes, options);
    return percentile_filter(a, percentile, sizes, options);
  });
  module.def("gaussian_filter", [](const Array& a, const std::vector<double>& sigmas, double truncate, const std::string& boundary,
                                   double constant, const std::vector<int>& axes) {
    return gaussian_filter(a, sigmas, truncate, filter_options(boundary, constant, axes));
  });
  module.def("rolling", [](const std::string& name, const Array& a, Index window, int axis, bool center, std::optional<Index> min_periods,
                           double ddof) { return rolling(name, a, window, axis, {center, min_periods, ddof}); },
             nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
}

}  // namespace

void bind_reductions(nb::module_& module) {
  module.def("reduce", [](const std::string& name, const Array& a, const std::vector<int>& axes, bool skip_nan, bool keep_dims,
                          const std::vector<double>& parameters, const std::string& dtype) {
    ReduceOptions options{skip_nan, keep_dims, parameters};
    options.dtype = dtype_from(dtype);
    return reduce(name, a, axes, options);
  });
  module.def("ptp", &ptp);
  module.def("average", &average);
  module.def("logsumexp", &logsumexp);
  module.def("select", &select);
  module.def("sigma_clip",
             [](const Array& a, int axis, double low, double high, int max_iterations, const std::string& center,
                const std::string& deviation) { return sigma_clip(a, axis, clip_options(low, high, max_iterations, center, deviation)); });
  module.def("quantile", [](const Array& a, const std::vector<double>& q, const std::vector<int>& axes, const std::string& method, bool skip_nan) {
    return quantile(a, q, axes, {method, skip_nan});
  });
  module.def("cumulative", [](const std::string& name, const Array& a, int axis, const std::string& dtype, bool include_initial, bool skip_nan) {
    const CumulativeOptions options = cumulative_options(dtype, include_initial, skip_nan);
    if (name == "sum") return cumulative_sum(a, axis, options);
    if (name == "prod") return cumulative_prod(a, axis, options);
    return name == "max" ? cummax(a, axis) : cummin(a, axis);
  });
  module.def("histogram", [](const Array& a, Index bins, const std::optional<std::pair<double, double>>& range,
                             const std::optional<Array>& weights, bool density, const std::vector<int>& axes) {
    return parts_of(histogram(a, bins, histogram_options(range, weights, density, axes)));
  }, nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg());
  module.def("histogram_edges", [](const Array& a, const Array& edges, const std::optional<Array>& weights, bool density,
                                   const std::vector<int>& axes) {
    return parts_of(histogram(a, edges, histogram_options(std::nullopt, weights, density, axes)));
  }, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  module.def("histogramdd", [](const std::vector<Array>& coordinates, const std::vector<Index>& bins,
                               const std::vector<std::pair<double, double>>& ranges, const std::optional<Array>& weights, bool density) {
    return parts_of(histogramdd(coordinates, bins, ranges, histogram_options(std::nullopt, weights, density, {})));
  }, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  module.def("group_reduce", [](const std::string& name, const Array& a, const Array& keys, Index groups, int axis, bool skip_nan,
                                const std::vector<double>& parameters) {
    return group_reduce(name, a, keys, groups, axis, {skip_nan, parameters});
  });
  bind_filters(module);
}

}  // namespace freestone::python
