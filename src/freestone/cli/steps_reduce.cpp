#include <nlohmann/json.hpp>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/print.h"
#include "freestone/cli/step.h"
#include "freestone/ops/reduce.h"

namespace freestone::cli {
namespace {

const OptionRow kFormat = {"format", "FORMAT", "how numbers are printed: table, json, csv", {"table", "json", "csv"}};

std::vector<std::string> axes_of(const Arguments& arguments) {
  if (arguments.has("axis") && arguments.has("dim")) refuse("{}--axis and --dim mean the same; give one of them.", arguments.where());
  return arguments.list(arguments.has("dim") ? "dim" : "axis");
}

void statistics(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string format = arguments.text("format", request.format());
  std::vector<int> axes;
  for (const std::string& name : arguments.list("axis")) axes.push_back(flow.array.axis(name));
  const std::vector<Array> arrays =
      axes.empty() ? astro::statistics_arrays(flow.array) : reduce_all("statistics", flow.array.data, axes, {.skip_nan = true});
  if (arrays[0].size() > kLargestPrint)
    refuse("statistics: the result is {} rows of numbers; the limit is {}. Name more axes, or none: statistics of the whole.",
           format_count(arrays[0].size()), format_count(kLargestPrint));
  std::vector<Result> results;
  for (const Array& array : arrays) results.push_back(request.add_result(array));
  request.afterwards([results, unit = flow.array.unit, format, per_element = arrays[0].rank() > 0] {
    std::vector<astro::Statistics> rows;
    for (Index k = 0; k < results[0]->view().count(); ++k) {
      std::vector<double> fold;
      for (const Result& result : results) fold.push_back(numbers_of(*result)[static_cast<std::size_t>(k)]);
      rows.push_back(astro::statistics_from(fold, unit));
    }
    return per_element ? print_statistics(rows, format) : print_statistics(rows.front(), format);
  });
}

void moment(Flow& flow, const Arguments& arguments, Request&) {
  const auto order = static_cast<int>(arguments.integer("order", 0, 0));
  flow.array = astro::moment(flow.array, order, arguments.text("axis", "spectral"));
  flow.label = fmt::format("moment {}", order);
}

/// The functions of astro::reduce that take nothing but axes.
template <const char* const& kFunction>
void reduce_by(Flow& flow, const Arguments& arguments, Request&) {
  flow.array = astro::reduce(flow.array, kFunction, axes_of(arguments));
  flow.label = kFunction;
}

void percentile(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("q")) refuse("percentile needs --q, from 0 to 100.");
  const double q = arguments.number("q", 50);
  if (q < 0 || q > 100) refuse("percentile: --q must be from 0 to 100, not {}.", format_number(q));
  flow.array = astro::reduce(flow.array, "percentile", axes_of(arguments), q);
  flow.label = fmt::format("percentile {}", format_number(q));
}

template <const char* const& kFunction>
StepRow reduction(std::string name, std::string summary) {
  const std::string example = "cube.fits ! " + name + " --axis spectral ! write " + name + ".fits";
  return {std::move(name),
          "",
          std::move(summary),
          example,
          false,
          {{"axis", "AXES", "names or numbers, by comma: spectral, y,x, 0 (default: all)"}, {"dim", "AXES", "the same"}},
          reduce_by<kFunction>};
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
      reduction<kSum>("sum", "sums; NaN is skipped"),
      reduction<kMean>("mean", "means; NaN is skipped"),
      reduction<kMedian>("median", "medians; NaN is skipped"),
      reduction<kStd>("std", "standard deviations of the population (ddof 0)"),
      reduction<kVar>("var", "variances of the population (ddof 0)"),
      reduction<kMadStd>("mad-std", "robust standard deviations: 1.4826 times the median absolute deviation from the median"),
      reduction<kMin>("min", "smallest values"),
      reduction<kMax>("max", "largest values"),
      reduction<kArgmin>("argmin", "where the smallest value lies (its position; -1: nothing but NaN)"),
      reduction<kArgmax>("argmax", "where the largest value lies (its position; -1: nothing but NaN)"),
      reduction<kRms>("rms", "root mean squares"),
      reduction<kCount>("count", "how many elements are not NaN"),
      {"percentile",
       "",
       "the value below which so many percent lie, by linear interpolation",
       "cube.fits ! percentile --q 90 --axis spectral ! write p90.fits",
       false,
       {{"q", "PERCENT", "from 0 to 100"}, {"axis", "AXES", "names or numbers, by comma (default: all)"}, {"dim", "AXES", "the same"}},
       percentile},
  };
}

}  // namespace freestone::cli
