#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/step.h"
#include "freestone/label/along_dims.h"
#include "freestone/label/memory_array.h"
#include "freestone/label/selection.h"
#include "freestone/ops/elementwise.h"

namespace freestone::cli {
namespace {

/// A number, or a text that means a time or a name.
Label label_of(const std::string& text) {
  try {
    return parse_number(text, "");
  } catch (const UsageError&) {
    return text;
  }
}

/// A year and a month look like a number; to a time they are a text.
Label time_of(const std::string& text) { return text; }

/// "2001-01:2001-12", "-30:30", "2001-01-01T06:00/2001-02-01", "850", "850,500,250", "0:360:2".
LabelSelector selector_of(const std::string& text, bool is_time, const std::string& where) {
  const auto label = [&](const std::string& one) { return is_time ? time_of(one) : label_of(one); };
  const char separator = text.find('/') != std::string::npos ? '/' : ':';
  const bool has_clock = is_time && text.find('T') != std::string::npos && separator == ':';
  if (text.find(',') != std::string::npos) {
    std::vector<Label> labels;
    for (const std::string& one : split(text, ',')) {
      if (one.empty()) refuse("{} '{}': a label is missing.", where, text);
      labels.push_back(label(one));
    }
    return labels;
  }
  if (has_clock || text.find(separator) == std::string::npos) return label(text);
  const std::vector<std::string> parts = split(text, separator);
  if (parts.size() > 3) refuse("{} '{}': a range is FIRST:LAST or FIRST:LAST:STEP; times with a clock are FIRST/LAST.", where, text);
  LabelRange range;
  if (!parts[0].empty()) range.first = label(parts[0]);
  if (!parts[1].empty()) range.last = label(parts[1]);
  if (parts.size() == 3) range.step = parse_integer(parts[2], where);
  return range;
}

/// Bands of a raster have numbers and names, but no coordinate.
bool is_band(const Flow& flow, const std::string& name) {
  return name == "band" && flow.arrays.size() == 1 && Flow::axis_of(flow.array(), "band").has_value() && flow.labelled().coordinate("band") == nullptr;
}

}  // namespace

void select_labels(Flow& flow, const Arguments& arguments, Match match, const std::string& step) {
  SelectionOptions options{.match = match};
  if (arguments.has("tolerance")) options.tolerance = arguments.number("tolerance", 0);
  Labels labels;
  std::vector<std::pair<std::string, std::string>> others;
  for (const auto& [name, text] : arguments.others()) {
    if (is_band(flow, name))
      select_bands(flow, text, step);
    else
      others.emplace_back(name, text);
  }
  if (others.empty()) return;
  const Dataset dataset = flow.labelled();
  for (const auto& [name, text] : others) {
    const std::string dim = flow.dim(name);
    const DatasetVariable* coordinate = dataset.coordinate(dim);
    const bool is_time = coordinate != nullptr && CoordinateValues::read(*coordinate).is_time();
    labels.emplace_back(dim, selector_of(text, is_time, fmt::format("{}: --{}", step, name)));
  }
  flow.change_labels([&](const Dataset& d) { return sel(d, labels, options); });
}

/// Longitudes are modulo 360, from the first eastward to the second; their labels are made to rise.
void select_box(Flow& flow, const std::vector<double>& box) {
  const std::string y = flow.dim("lat"), x = flow.dim("lon");
  const Dataset dataset = flow.labelled();
  const auto numbers = [&](const std::string& dim) {
    const DatasetVariable* coordinate = dataset.coordinate(dim);
    if (coordinate == nullptr) fail(ErrorKind::kUser, "select: axis '{}' has no coordinate.", dim);
    return CoordinateValues::read(*coordinate).numbers();
  };
  const auto [south, north] = std::minmax(box[1], box[3]);
  const double width = box[2] - box[0] >= 360 ? 360 : box[2] - box[0] - 360 * std::floor((box[2] - box[0]) / 360);
  std::vector<Index> rows;
  const std::vector<double> latitudes = numbers(y), longitudes = numbers(x);
  for (std::size_t i = 0; i < latitudes.size(); ++i)
    if (latitudes[i] >= south && latitudes[i] <= north) rows.push_back(static_cast<Index>(i));
  std::vector<std::pair<double, Index>> columns;  // degrees east of the western edge
  for (std::size_t i = 0; i < longitudes.size(); ++i) {
    const double east = longitudes[i] - box[0] - 360 * std::floor((longitudes[i] - box[0]) / 360);
    if (east <= width) columns.emplace_back(east, static_cast<Index>(i));
  }
  if (rows.empty() || columns.empty()) {
    fail(ErrorKind::kUser, "select: no point lies within --bbox: latitudes go from {} to {}, longitudes from {} to {}.", latitudes.empty() ? 0 : latitudes.front(),
         latitudes.empty() ? 0 : latitudes.back(), longitudes.empty() ? 0 : longitudes.front(), longitudes.empty() ? 0 : longitudes.back());
  }
  std::stable_sort(columns.begin(), columns.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Index> positions;
  std::vector<double> labels;
  for (const auto& [east, position] : columns) {
    positions.push_back(position);
    labels.push_back(box[0] + east);
  }
  const bool is_run = positions.back() - positions.front() + 1 == static_cast<Index>(positions.size()) && std::is_sorted(positions.begin(), positions.end());
  flow.change_labels([&](const Dataset& d) {
    const Positions chosen = {{y, Slice{rows.front(), rows.back() + 1}},
                              {x, is_run ? PositionSelector(Slice{positions.front(), positions.back() + 1}) : PositionSelector(positions)}};
    Dataset out = isel(d, chosen);
    if (is_run) return out;
    std::vector<DatasetVariable> variables = out.variables();
    for (DatasetVariable& variable : variables) {
      if (variable.is_dimension_coordinate() && variable.dims[0] == x) {
        variable.array = astype(array_in_memory(labels), variable.array.dtype());
        std::erase_if(variable.attributes, [](const formats::Attribute& a) { return a.key == "bounds" || a.key == "valid_range"; });
      }
    }
    return out.with(std::move(variables));
  });
}

namespace {

Match match_of(const std::string& name) {
  return name == "nearest" ? Match::kNearest : name == "pad" ? Match::kPad : name == "backfill" ? Match::kBackfill : Match::kExact;
}

void sel_step(Flow& flow, const Arguments& arguments, Request&) {
  if (arguments.others().empty()) refuse("sel needs labels, as in --time 2001-01 --lat 52.5.");
  select_labels(flow, arguments, match_of(arguments.text("method", "nearest")), "sel");
}

void group(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("by")) refuse("group needs --by, such as time.month, time.season, time.year, time.dayofyear, or a coordinate's name.");
  std::string by = arguments.text("by");
  const auto dot = by.rfind('.');
  by = flow.dim(by.substr(0, dot)) + (dot == std::string::npos ? "" : by.substr(dot));
  flow.grouping = group_by(flow.labelled(), by);
  flow.grouped_by = "group";
}

void resample_step(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("time")) refuse("resample needs --time STEP, such as 1MS, 1D, 6h, QS-DEC.");
  flow.grouping = resample(flow.labelled(), flow.dim(arguments.text("dim", "time")), arguments.text("time"));
  flow.grouped_by = "resample";
}

std::string parts_of(const Flow& flow, const Arguments& arguments) {
  const std::string by = arguments.text("by", "time.month");
  const auto dot = by.rfind('.');
  return flow.dim(by.substr(0, dot)) + (dot == std::string::npos ? "" : by.substr(dot));
}

void climatology_step(Flow& flow, const Arguments& arguments, Request& request) {
  flow.grouping = group_by(flow.labelled(), parts_of(flow, arguments));
  reduce_groups(flow, "mean");
  flow.label = "climatology";
  (void)request;
}

void anomaly_step(Flow& flow, const Arguments& arguments, Request&) {
  const std::string by = parts_of(flow, arguments);
  flow.change_labels([&](const Dataset& d) { return anomaly(d, by); });
  flow.label = "anomaly";
}

void rolling_step(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("window")) refuse("rolling needs --window, how many positions it looks at.");
  const std::string dim = flow.dim(arguments.text("dim", "time"));
  const Index window = arguments.integer("window", 1, 1);
  RollingOptions options;
  options.center = arguments.has("center");
  if (arguments.has("min-periods")) options.min_periods = arguments.integer("min-periods", 1, 0);
  std::string function = arguments.text("function", "mean");
  if (function == "var") function = "variance";
  flow.change_labels([&](const Dataset& d) { return rolling(d, function, dim, window, options); });
  flow.label = fmt::format("rolling {}", arguments.text("function", "mean"));
}

/// "1,2.5,4", "0:360:2.5" (both ends included).
std::vector<double> numbers_of_list(const std::string& text, const std::string& where) {
  const std::vector<std::string> parts = split(text, ':');
  std::vector<double> out;
  if (parts.size() == 1) {
    for (const std::string& one : split(text, ',')) out.push_back(parse_number(one, where));
    return out;
  }
  if (parts.size() != 3) refuse("{} takes numbers by comma, or FIRST:LAST:STEP, not '{}'.", where, text);
  const double first = parse_number(parts[0], where), last = parse_number(parts[1], where), step = parse_number(parts[2], where);
  if (step == 0 || (last - first) / step < 0 || (last - first) / step > 1e7) refuse("{} '{}': such a range has no labels, or too many.", where, text);
  const auto count = static_cast<Index>(std::floor((last - first) / step + 1e-9)) + 1;
  for (Index i = 0; i < count; ++i) out.push_back(first + static_cast<double>(i) * step);
  return out;
}

void interp_step(Flow& flow, const Arguments& arguments, Request&) {
  if (arguments.others().empty()) refuse("interp needs an axis and labels, as in --lat -90:90:2.5 or --level 850,500.");
  const Interpolation method = arguments.text("method", "linear") == "nearest" ? Interpolation::kNearest : Interpolation::kLinear;
  for (const auto& [name, text] : arguments.others()) {
    const std::string dim = flow.dim(name), where = "interp: --" + name;
    const DatasetVariable* coordinate = nullptr;
    const Dataset dataset = flow.labelled();
    coordinate = dataset.coordinate(dim);
    std::vector<double> labels;
    const CoordinateValues values = coordinate == nullptr ? CoordinateValues() : CoordinateValues::read(*coordinate);
    if (coordinate != nullptr && values.is_time()) {
      for (const std::string& one : split(text, ',')) labels.push_back(values.units().number(parse_time(one, values.calendar()).begin));
    } else {
      labels = numbers_of_list(text, where);
    }
    flow.change_labels([&](const Dataset& d) { return interp(d, dim, labels, method); });
  }
}

}  // namespace

void reduce_groups(Flow& flow, const std::string& function, const std::optional<DataArray>& weights, const std::vector<std::string>& dims) {
  const Grouping grouping = std::move(*flow.grouping);
  flow.grouping.reset();
  const std::string name = function == "var" ? "variance" : function;
  std::vector<astro::SkyArray> before = flow.arrays;
  flow.change_labels([&](const Dataset& d) {
    if (weights) return weighted(d, grouping, name, *weights, dims);
    const Dataset folded = reduce(d, grouping, name);
    return dims.empty() ? folded : reduce(folded, name, dims);
  });
  for (std::size_t k = 0; k < flow.arrays.size(); ++k) {
    if (!Flow::axis_of(before[k], grouping.dim)) continue;
    if (function == "var") flow.arrays[k].unit = flow.arrays[k].unit.pow(2);
    if (function == "count") flow.arrays[k].unit = Unit();
    std::vector<std::string> gone{grouping.dim};
    gone.insert(gone.end(), dims.begin(), dims.end());
    add_cell_methods(flow.arrays[k], gone, function);
  }
  flow.label = function;
}

std::vector<StepRow> label_steps() {
  const OptionRow kAny = {"DIM", "LABELS", "of any axis, by its name (also time, lat, lon, level): a label, FIRST:LAST, or several by comma", {}, false, true};
  return {
      {"sel",
       "",
       "a part by labels, the nearest ones that there are",
       "'clim_*.nc' --var tas ! sel --lat 52.5 --lon 13.4 --time 2001-07",
       false,
       {{"method", "HOW", "nearest (default), exact, pad, backfill", {"nearest", "exact", "pad", "backfill"}},
        {"tolerance", "D", "largest distance, in the coordinate's units (of times: seconds)"},
        kAny},
       sel_step},
      {"group",
       "",
       "positions that belong together, for the reduction that follows: months of all years, seasons, years",
       "'clim_*.nc' --var tas ! group --by time.month ! mean ! write months.nc",
       false,
       {{"by", "AXIS.PART", "time.month, time.season, time.year, time.dayofyear, time.hour, or an axis alone: equal labels"}},
       group},
      {"resample",
       "",
       "a coarser time step, for the reduction that follows",
       "'hourly_*.nc' --var pr ! resample --time 1D ! sum ! write daily.nc",
       false,
       {{"time", "STEP", "1MS, YS, QS-DEC, 1D, 6h, 30min"}, {"dim", "AXIS", "default time"}},
       resample_step},
      {"climatology",
       "",
       "means of the months of all years (or of other parts of the date)",
       "'clim_*.nc' --var tas ! climatology ! write climatology.nc",
       false,
       {{"by", "AXIS.PART", "default time.month; time.dayofyear, time.season..."}},
       climatology_step},
      {"anomaly",
       "",
       "what each time differs from the mean of its month of all years",
       "'clim_*.nc' --var tas ! anomaly ! write anomaly.nc",
       false,
       {{"by", "AXIS.PART", "default time.month; time.dayofyear, time.season..."}},
       anomaly_step},
      {"rolling",
       "",
       "a function of the last positions along an axis; where there are fewer values it is NaN",
       "'clim_*.nc' --var tas ! rolling --window 12 --center ! write smooth.nc",
       false,
       {{"window", "N", "positions"},
        {"dim", "AXIS", "default time"},
        {"function", "NAME", "mean (default), sum, min, max, median, std, var, count", {"mean", "sum", "min", "max", "median", "std", "var", "count"}},
        {"center", "", "the window stands around its position instead of ending there"},
        {"min-periods", "N", "values that a result takes (default: the window)"}},
       rolling_step},
      {"interp",
       "",
       "values between labels, axis by axis; NaN outside of them",
       "air.nc --var tas ! interp --lat -90:90:2.5 --lon 0:357.5:2.5 ! write coarse.nc",
       false,
       {{"method", "HOW", "linear (default) or nearest", {"linear", "nearest"}}, {"DIM", "LABELS", "numbers by comma, or FIRST:LAST:STEP", {}, false, true}},
       interp_step},
  };
}

}  // namespace freestone::cli
