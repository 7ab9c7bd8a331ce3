#include <algorithm>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/print.h"
#include "freestone/cli/step.h"
#include "freestone/label/along_dims.h"
#include "freestone/ops/reduce.h"

namespace freestone::cli {
namespace {

const OptionRow kWeights = {"weights", "NAME", "coslat: the cosine of latitude; or an array of --with"};
const OptionRow kFormat = {"format", "FORMAT", "how numbers are printed: table, json, csv", {"table", "json", "csv"}};

std::vector<std::string> axes_of(const Arguments& arguments) {
  if (arguments.has("axis") && arguments.has("dim")) refuse("{}--axis and --dim mean the same; give one of them.", arguments.where());
  return arguments.list(arguments.has("dim") ? "dim" : "axis");
}

/// `change` applied to every array that has one of the axes, which are noted as cell methods.
void fold(Flow& flow, const std::vector<std::string>& axes, const std::string& function, double q = 50) {
  flow.each(axes, [&](const astro::SkyArray& array, const std::vector<std::string>& present) {
    astro::SkyArray out = astro::reduce(array, function, present, q);
    std::vector<std::string> gone;
    for (const std::string& dim : array.dims)
      if (std::find(out.dims.begin(), out.dims.end(), dim) == out.dims.end()) gone.push_back(dim);
    add_cell_methods(out, gone, function);
    return out;
  });
}

void statistics(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string format = arguments.text("format", request.format());
  const std::vector<std::string> names = arguments.list("axis");
  struct Printed {
    std::string name;
    std::vector<Result> results;
    Unit unit;
    bool per_element;
  };
  std::vector<Printed> all;
  flow.each(names, [&](const astro::SkyArray& array, const std::vector<std::string>& present) {
    std::vector<int> axes;
    for (const std::string& name : present) axes.push_back(array.axis(name));
    const std::vector<Array> arrays = axes.empty() ? astro::statistics_arrays(array) : reduce_all("statistics", array.data, axes, {.skip_nan = true});
    if (arrays[0].size() > kLargestPrint)
      refuse("statistics: the result is {} rows of numbers; the limit is {}. Name more axes, or none: statistics of the whole.",
             format_count(arrays[0].size()), format_count(kLargestPrint));
    all.push_back({array.name.empty() ? "data" : array.name, {}, array.unit, arrays[0].rank() > 0});
    for (const Array& one : arrays) all.back().results.push_back(request.add_result(one));
    return array;
  });
  request.afterwards([all, format] {
    std::vector<std::string> titles;
    std::vector<astro::Statistics> rows;
    std::string text;
    for (const Printed& one : all) {
      std::vector<astro::Statistics> own;
      for (Index k = 0; k < one.results[0]->view().count(); ++k) {
        std::vector<double> fold;
        for (const Result& result : one.results) fold.push_back(numbers_of(*result)[static_cast<std::size_t>(k)]);
        own.push_back(astro::statistics_from(fold, one.unit));
      }
      if (all.size() == 1) return one.per_element ? print_statistics(own, format) : print_statistics(own.front(), format);
      if (one.per_element) fail(ErrorKind::kUser, "statistics --axis prints one array, and there are several. Choose one with --var.");
      titles.push_back(one.name);
      rows.push_back(own.front());
    }
    return print_statistics(titles, rows, format);
  });
}

void moment(Flow& flow, const Arguments& arguments, Request&) {
  const auto order = static_cast<int>(arguments.integer("order", 0, 0));
  flow.each({arguments.text("axis", "spectral")},
            [&](const astro::SkyArray& array, const std::vector<std::string>& axes) { return astro::moment(array, order, axes.front()); });
  flow.label = fmt::format("moment {}", order);
}

/// Weights by name: of latitudes, or an array of --with.
DataArray weights_named(const std::string& name, const Dataset& dataset, const Request& request) {
  if (name == "coslat") return cos_latitude(dataset);
  const auto found = request.named().find(name);
  if (found == request.named().end()) refuse("--weights is coslat, or the name of an array that --with brings in, not '{}'.", name);
  const DatasetVariable variable = astro::variable_of(found->second);
  return DataArray(variable.array, variable.dims, {}, "weights");
}

/// `function` of astro::reduce over the axes that are asked for; `q` is percentile's.
void reduce_by(Flow& flow, const Arguments& arguments, Request& request, const std::string& function, double q = 50) {
  std::vector<std::string> axes = axes_of(arguments);
  if (flow.grouping) {
    if (!axes.empty() && !arguments.has("weights"))
      refuse("{}takes axes after {} with --weights only: groups are folded, and another {} may follow.", arguments.where(), flow.grouped_by, function);
    if (function != "sum" && function != "mean" && function != "std" && function != "var" && function != "min" && function != "max" && function != "count")
      fail(ErrorKind::kUser, "groups are not folded by {}: sum, mean, std, var, min, max, count, first and last do.", function);
    if (!arguments.has("weights")) {
      reduce_groups(flow, function);
      return;
    }
    for (std::string& axis : axes) {
      axis = flow.dim(axis);
      if (axis == flow.grouping->dim) refuse("{}the axis {} is that of the groups, which are folded.", arguments.where(), axis);
    }
    const Dataset labelled = flow.labelled();
    reduce_groups(flow, function, weights_named(arguments.text("weights"), labelled, request), axes);
    return;
  }
  if (flow.is_dataset() || !flow.arrays[0].coordinates.empty()) {
    // By what a coordinate says of itself, too: lat is latitude.
    for (std::string& axis : axes) {
      const bool is_known = std::any_of(flow.arrays.begin(), flow.arrays.end(), [&](const auto& a) { return Flow::axis_of(a, axis).has_value(); });
      if (!is_known) axis = flow.dim(axis);
    }
  }
  if (arguments.has("weights")) {
    std::vector<std::string> dims;
    for (const std::string& axis : axes) {
      const auto having = std::find_if(flow.arrays.begin(), flow.arrays.end(), [&](const auto& a) { return Flow::axis_of(a, axis).has_value(); });
      dims.push_back(having == flow.arrays.end() ? axis : having->dims[static_cast<std::size_t>(having->axis(axis))]);
    }
    const std::vector<astro::SkyArray> before = flow.arrays;
    flow.change_labels([&](const Dataset& d) { return weighted(d, function, weights_named(arguments.text("weights"), d, request), dims, q); });
    for (std::size_t k = 0; k < before.size(); ++k) {
      if (function == "var") flow.arrays[k].unit = before[k].unit.pow(2);
      std::vector<std::string> gone;
      for (const std::string& dim : before[k].dims)
        if (std::find(flow.arrays[k].dims.begin(), flow.arrays[k].dims.end(), dim) == flow.arrays[k].dims.end()) gone.push_back(dim);
      add_cell_methods(flow.arrays[k], gone, function);
    }
  } else {
    fold(flow, axes, function, q);
  }
  flow.label = function;
}

template <const char* const& kFunction>
void reduce_to(Flow& flow, const Arguments& arguments, Request& request) {
  reduce_by(flow, arguments, request, kFunction);
}

/// Of groups alone: the first or last value that is not missing.
template <const char* const& kFunction>
void of_groups(Flow& flow, const Arguments&, Request&) {
  if (!flow.grouping) refuse("{} folds groups: it follows 'group --by ...' or 'resample --time ...'.", kFunction);
  reduce_groups(flow, kFunction);
}

void percentile(Flow& flow, const Arguments& arguments, Request& request) {
  if (!arguments.has("q")) refuse("percentile needs --q, from 0 to 100.");
  const double q = arguments.number("q", 50);
  if (q < 0 || q > 100) refuse("percentile: --q must be from 0 to 100, not {}.", format_number(q));
  reduce_by(flow, arguments, request, "percentile", q);
  flow.label = fmt::format("percentile {}", format_number(q));
}

template <const char* const& kFunction>
StepRow reduction(std::string name, std::string summary, bool takes_weights = false) {
  const std::string example = takes_weights ? "'clim_*.nc' --var tas ! " + name + " --dim lat,lon --weights coslat ! write " + name + ".nc"
                                            : "cube.fits ! " + name + " --axis spectral ! write " + name + ".fits";
  std::vector<OptionRow> options = {{"axis", "AXES", "names or numbers, by comma: spectral, y,x, 0, time (default: all)"}, {"dim", "AXES", "the same"}};
  if (takes_weights) options.push_back(kWeights);
  return {std::move(name), "", std::move(summary), example, false, std::move(options), reduce_to<kFunction>, true};
}

constexpr const char* kSum = "sum";
constexpr const char* kMean = "mean";
constexpr const char* kMedian = "median";
constexpr const char* kStd = "std";
constexpr const char* kVar = "var";
constexpr const char* kMadStd = "mad_std";
constexpr const char* kMin = "min";
constexpr const char* kMax = "max";
constexpr const char* kArgmin = "argmin";
constexpr const char* kArgmax = "argmax";
constexpr const char* kRms = "rms";
constexpr const char* kCount = "count";
constexpr const char* kFirst = "first";
constexpr const char* kLast = "last";

}  // namespace

std::vector<StepRow> reduction_steps() {
  return {
      {"statistics",
       "",
       "prints npts, min, max, sum, sumsq, mean, sigma and rms, of what is not NaN; passes its input on",
       "cube.fits ! statistics --format json",
       true,
       {{"axis", "AXES", "one row for every element of the other axes (default: one for all)"}, kFormat},
       statistics},
      {"moment",
       "",
       "moments of the intensity along an axis: 0 is its integral, 1 the mean coordinate, 2 the variance",
       "cube.fits ! moment --order 1 ! write m1.fits",
       false,
       {{"order", "N", "default 0"}, {"axis", "AXIS", "default spectral"}},
       moment},
      reduction<kSum>("sum", "sums; NaN is skipped", true),
      reduction<kMean>("mean", "means; NaN is skipped", true),
      reduction<kMedian>("median", "medians; NaN is skipped", true),
      reduction<kStd>("std", "standard deviations of the population (ddof 0)", true),
      reduction<kVar>("var", "variances of the population (ddof 0)", true),
      reduction<kMadStd>("mad-std", "robust standard deviations: 1.4826 times the median absolute deviation from the median", true),
      reduction<kMin>("min", "smallest values"),
      reduction<kMax>("max", "largest values"),
      reduction<kArgmin>("argmin", "where the smallest value lies (its position; -1: nothing but NaN)"),
      reduction<kArgmax>("argmax", "where the largest value lies (its position; -1: nothing but NaN)"),
      reduction<kRms>("rms", "root mean squares"),
      reduction<kCount>("count", "how many elements are not NaN"),
      {"first", "", "the first value of each group that is not NaN", "'hourly_*.nc' --var tas ! resample --time 1D ! first ! write first.nc", false, {},
       of_groups<kFirst>, true},
      {"last", "", "the last value of each group that is not NaN", "'hourly_*.nc' --var tas ! resample --time 1D ! last ! write last.nc", false, {},
       of_groups<kLast>, true},
      {"percentile",
       "",
       "the value below which so many percent lie, by linear interpolation",
       "cube.fits ! percentile --q 90 --axis spectral ! write p90.fits",
       false,
       {{"q", "PERCENT", "from 0 to 100"}, {"axis", "AXES", "names or numbers, by comma (default: all)"}, {"dim", "AXES", "the same"}, kWeights},
       percentile},
  };
}

}  // namespace freestone::cli
