#include <cmath>
#include <limits>

#include "freestone/astro/derived.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/base/log.h"
#include "freestone/ops/reduce.h"

namespace freestone::astro {
namespace {

struct FunctionRow {
  const char* name;
  const char* fold;  ///< nullptr: an order statistic
  int unit_power;    ///< of the array's unit
};
const FunctionRow kFunctions[] = {
    {"sum", "sum", 1},      {"mean", "mean", 1},     {"std", "std", 1},       {"var", "variance", 2},     {"min", "min", 1},
    {"max", "max", 1},      {"argmin", "argmin", 0}, {"argmax", "argmax", 0}, {"count", "count", 0},      {"rms", "rms", 1},
    {"median", nullptr, 1}, {"mad_std", nullptr, 1}, {"mad-std", nullptr, 1}, {"percentile", nullptr, 1},
};

const FunctionRow& find_function(const std::string& name) {
  std::vector<std::string> names;
  for (const FunctionRow& row : kFunctions) {
    if (name == row.name) return row;
    names.emplace_back(row.name);
  }
  fail(ErrorKind::kUser, "No reduction is called '{}'.{}", name, suggestion(name, names));
}

}  // namespace

SkyArray reduce(const SkyArray& array, const std::string& function, const std::vector<std::string>& axes, double q) {
  const FunctionRow& row = find_function(function);
  std::vector<int> removed;
  for (const std::string& name : axes) removed.push_back(array.axis(name));
  removed = normal_axes(removed, array.rank());

  Array data;
  if (function == "median")
    data = median(array.data, removed);
  else if (function == "percentile")
    data = percentile(array.data, q, removed);
  else if (row.fold == nullptr)
    data = mad_std(array.data, removed);
  else {
    ReduceOptions options{.skip_nan = true};
    // A spectrum of which nothing is valid has no sum, as in CASA and spectral_cube.
    if (function == "sum" && is_floating(array.data.dtype())) options.parameters = {1};
    data = freestone::reduce(row.fold, array.data, removed, options);
  }
  SkyArray out = with_axes(array, std::move(data), axes_without(array, removed));
  if (row.unit_power != 1) out.unit = row.unit_power == 0 ? Unit() : array.unit.pow(row.unit_power);
  if (!array.beams.empty() && out.beams.empty() && !out.beam)
    log(LogLevel::kWarning,
        "{}: the beams of the channels differ by more than 1 % in area, so the result has none. Convolve to a common beam first.",
        function);
  return out;
}

std::vector<Array> statistics_arrays(const SkyArray& array) { return reduce_all("statistics", array.data, {}, {.skip_nan = true}); }

Statistics statistics_from(const std::vector<double>& fold, const Unit& unit) {
  ensure(fold.size() == 5, "the fold statistics has five outputs");
  Statistics s{.npts = fold[0], .min = fold[1], .max = fold[2], .sum = fold[3], .sumsq = fold[4], .unit = unit};
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const double n = s.npts;
  s.mean = n > 0 ? s.sum / n : kNan;
  s.sigma = n > 1 ? std::sqrt(std::max(0.0, s.sumsq - s.sum * s.sum / n) / (n - 1)) : kNan;
  s.rms = n > 0 ? std::sqrt(s.sumsq / n) : kNan;
  return s;
}

Statistics statistics(const SkyArray& array, const ComputeOptions& options) {
  std::vector<double> numbers;
  for (const Tensor& tensor : compute_all(statistics_arrays(array), options)) numbers.push_back(tensor.number());
  return statistics_from(numbers, array.unit);
}

}  // namespace freestone::astro
