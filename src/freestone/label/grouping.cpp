#include "freestone/label/grouping.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <map>

#include "freestone/label/coordinate.h"
#include "freestone/label/memory_array.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"

namespace freestone {
namespace {

using formats::Attribute;

const DatasetVariable& coordinate_of(const Dataset& dataset, const std::string& dim) {
  dataset.length(dim);
  const DatasetVariable* coordinate = dataset.coordinate(dim);
  if (coordinate == nullptr) fail(ErrorKind::kUser, "{}: axis '{}' has no coordinate to group by.", dataset.path(), dim);
  return *coordinate;
}

CoordinateValues times_of(const Dataset& dataset, const std::string& dim, const ComputeOptions& compute) {
  const DatasetVariable& coordinate = coordinate_of(dataset, dim);
  CoordinateValues values = CoordinateValues::read(coordinate, compute);
  if (!values.is_time()) {
    fail(ErrorKind::kUser, "{}: coordinate '{}' is no time: its units are '{}', not like 'days since 2000-01-01'.", dataset.path(), dim,
         coordinate.text("units"));
  }
  return values;
}

using PartOf = std::function<Index(const DateTime&)>;

/// @throws Error kind user: no such part of a date
PartOf part_named(const std::string& name, Calendar calendar) {
  const std::map<std::string, PartOf> parts = {
      {"year", [](const DateTime& d) { return d.year; }},
      {"month", [](const DateTime& d) { return Index{d.month}; }},
      {"day", [](const DateTime& d) { return Index{d.day}; }},
      {"hour", [](const DateTime& d) { return Index{d.hour}; }},
      {"dayofyear", [calendar](const DateTime& d) { return Index{day_of_year(d, calendar)}; }},
      {"season", [](const DateTime& d) { return Index{season_of(d.month)}; }},
  };
  const auto found = parts.find(name);
  if (found != parts.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, part] : parts) names.push_back(known);
  fail(ErrorKind::kUser, "a time has no part '{}'.{} There are {}.", name, suggestion(name, names), fmt::join(names, ", "));
}

/// The group of each value (-1 for NaN, which is in none), and the values of the groups.
template <class T>
std::vector<T> distinct(const std::vector<T>& values, std::vector<Index>& keys) {
  const auto is_nan = [](const T& value) { return value != value; };
  std::vector<T> groups = values;
  std::erase_if(groups, is_nan);
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  for (const T& value : values) keys.push_back(is_nan(value) ? -1 : std::lower_bound(groups.begin(), groups.end(), value) - groups.begin());
  return groups;
}

/// "2QS-DEC": bins of months, the first of which begins where (month - anchor) is a multiple of `unit`; or bins of seconds.
struct TimeStep {
  Index months = 0;  ///< of a bin
  Index unit = 1;
  Index anchor = 0;   ///< a month, 0 for January
  Index seconds = 0;  ///< of a bin, when months is 0
};

TimeStep parse_step(const std::string& text) {
  constexpr const char* kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  const auto refuse = [&](const char* why = "") {
    fail(ErrorKind::kUser, "'{}' is not a time step{}. Steps are 1YS, 1YS-JUL, 1QS-DEC, 1MS, 1D, 6h, 30min, 10s.", text, why);
  };
  Index count = 1;
  const char* const end = text.data() + text.size();
  const char* unit_begin = text.data();
  if (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    const auto [rest, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc() || count < 1 || count > 1'000'000) refuse(": its number is out of range");
    unit_begin = rest;
  }
  std::string unit(unit_begin, end), anchor;
  if (const std::size_t dash = unit.find('-'); dash != std::string::npos) {
    anchor = unit.substr(dash + 1);
    unit.resize(dash);
  }
  TimeStep step;
  if (unit == "YS" || unit == "QS" || unit == "MS") {
    step.unit = unit == "YS" ? 12 : unit == "QS" ? 3 : 1;
    step.months = count * step.unit;
    if (!anchor.empty()) {
      const auto found = std::find(std::begin(kMonths), std::end(kMonths), anchor);
      if (found == std::end(kMonths) || unit == "MS") refuse();
      step.anchor = found - std::begin(kMonths);
    }
    return step;
  }
  const std::map<std::string, Index> kUnits = {{"D", 86400}, {"h", 3600}, {"H", 3600}, {"min", 60}, {"s", 1}};
  const auto found = kUnits.find(unit);
  if (found == kUnits.end() || !anchor.empty()) refuse();
  step.seconds = count * found->second;
  return step;
}

Index floor_divide(Index a, Index b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

/// Begins of bins, and how to find the bin of an instant.
class Bins {
 public:
  Bins(const TimeStep& step, Calendar calendar, const Instant& earliest) : step_(step), calendar_(calendar), first_day_(earliest.day) {
    if (step.months == 0) return;
    const Index month = month_number(date_of(earliest, calendar), calendar);
    first_month_ = floor_divide(month - step.anchor, step.unit) * step.unit + step.anchor;
  }
  Index bin_of(const Instant& instant) const {
    if (step_.months != 0) return (month_number(date_of(instant, calendar_), calendar_) - first_month_) / step_.months;
    return ((instant.day - first_day_) * 86400 + instant.nanosecond / 1'000'000'000) / step_.seconds;
  }
  Instant begin(Index bin) const {
    if (step_.months != 0) {
      const DateTime base;
      return instant_of(month_start(base, first_month_ - month_number(base, calendar_) + bin * step_.months, calendar_), calendar_);
    }
    const Index seconds = bin * step_.seconds;
    return {first_day_ + seconds / 86400, seconds % 86400 * 1'000'000'000};
  }

 private:
  TimeStep step_;
  Calendar calendar_;
  Index first_day_ = 0, first_month_ = 0;
};

/// The labels of bins: whole numbers where the coordinate has them and they stay whole.
Array labels_of(const Bins& bins, Index count, const TimeUnits& units, bool stored_as_integers) {
  std::vector<std::int64_t> whole;
  std::vector<double> numbers;
  for (Index i = 0; i < count; ++i) {
    const Instant begin = bins.begin(i);
    numbers.push_back(units.number(begin));
    if (const auto number = units.whole_number(begin)) whole.push_back(*number);
  }
  return stored_as_integers && whole.size() == numbers.size() ? array_in_memory(std::move(whole)) : array_in_memory(std::move(numbers));
}

}  // namespace

Grouping group_by(const Dataset& dataset, const std::string& by, const ComputeOptions& compute) {
  const std::size_t dot = by.rfind('.');
  Grouping out{.dim = by.substr(0, dot), .keys = {}, .coordinate = {}};
  if (dot == std::string::npos) {
    out.coordinate = coordinate_of(dataset, by);
    out.coordinate.encoding = {};
    const CoordinateValues values = CoordinateValues::read(out.coordinate, compute);
    out.coordinate.array = astype(array_in_memory(distinct(values.numbers(), out.keys)), out.coordinate.array.dtype());
    return out;
  }
  const CoordinateValues times = times_of(dataset, out.dim, compute);
  const std::string part = by.substr(dot + 1);
  const PartOf part_of = part_named(part, times.calendar());
  std::vector<Index> parts;
  for (const Instant& instant : times.instants()) parts.push_back(part_of(date_of(instant, times.calendar())));
  out.coordinate = {part, array_in_memory(distinct(parts, out.keys)), {part}, {}};
  if (part == "season") {
    out.coordinate.attributes = {{"flag_values", std::vector<std::int64_t>{0, 1, 2, 3}, ""},
                                 {"flag_meanings", std::string("DJF MAM JJA SON"), ""}};
  }
  return out;
}

Grouping resample(const Dataset& dataset, const std::string& dim, const std::string& step, const ComputeOptions& compute) {
  const TimeStep parsed = parse_step(step);
  const CoordinateValues times = times_of(dataset, dim, compute);
  Grouping out{.dim = dim, .keys = {}, .coordinate = coordinate_of(dataset, dim)};
  const bool stored_as_integers = is_integer(out.coordinate.array.dtype());
  std::erase_if(out.coordinate.attributes, [](const Attribute& a) { return a.key == "bounds"; });
  out.coordinate.encoding = {};
  if (times.size() == 0) return out;
  const auto& instants = times.instants();
  const Bins bins(parsed, times.calendar(), *std::min_element(instants.begin(), instants.end()));
  for (const Instant& instant : instants) out.keys.push_back(bins.bin_of(instant));
  const Index count = *std::max_element(out.keys.begin(), out.keys.end()) + 1;
  if (count > CoordinateValues::kLimit) {
    fail(ErrorKind::kUser, "steps of {} make {} bins of '{}', more than {}.", step, count, dim, CoordinateValues::kLimit);
  }
  out.coordinate.array = labels_of(bins, count, times.units(), stored_as_integers);
  return out;
}

Dataset reduce(const Dataset& dataset, const Grouping& grouping, const std::string& name, const GroupOptions& options) {
  const Index length = dataset.length(grouping.dim);
  if (length != static_cast<Index>(grouping.keys.size())) {
    fail(ErrorKind::kUser, "{}: axis '{}' has {} elements, and the groups are those of {}.", dataset.path(), grouping.dim, length, grouping.keys.size());
  }
  std::vector<std::uint8_t> is_empty(static_cast<std::size_t>(grouping.groups()), 1);
  for (const Index key : grouping.keys) {
    if (key >= 0) is_empty[static_cast<std::size_t>(key)] = 0;
  }
  const bool has_empty = name != "count" && std::find(is_empty.begin(), is_empty.end(), 1) != is_empty.end();
  const Array empty = astype(array_in_memory(std::move(is_empty)), DType::kBool), keys = array_in_memory(grouping.keys);

  std::vector<DatasetVariable> variables;
  for (const DatasetVariable& variable : dataset.variables()) {
    const int axis = variable.axis_of(grouping.dim);
    if (axis >= 0 && variable.is_coordinate()) continue;
    DatasetVariable out = variable;
    if (axis >= 0) {
      out.array = group_reduce(name, variable.array, keys, grouping.groups(), axis, options);
      if (has_empty) {
        if (!is_floating(out.array.dtype()) && !is_complex(out.array.dtype())) out.array = astype(out.array, DType::kFloat64);
        out.array = where(along(empty, axis, out.array.rank()), Operand(std::numeric_limits<double>::quiet_NaN()), out.array);
      }
      out.dims[static_cast<std::size_t>(axis)] = grouping.coordinate.name;
      out.encoding = {};
      if (name == "count") std::erase_if(out.attributes, [](const Attribute& a) { return a.key == "units"; });
    }
    variables.push_back(std::move(out));
  }
  variables.push_back(grouping.coordinate);
  return dataset.with(std::move(variables));
}

Dataset anomaly(const Dataset& dataset, const std::string& by) {
  const Grouping grouping = group_by(dataset, by);
  if (std::find(grouping.keys.begin(), grouping.keys.end(), -1) != grouping.keys.end()) {
    fail(ErrorKind::kUser, "{}: coordinate '{}' has NaN among its labels, which are in no group.", dataset.path(), grouping.dim);
  }
  const Dataset means = reduce(dataset, grouping, "mean");
  std::vector<DatasetVariable> variables = dataset.variables();
  for (DatasetVariable& variable : variables) {
    const int axis = variable.axis_of(grouping.dim);
    if (axis < 0 || variable.is_coordinate()) continue;
    variable.array = variable.array - take(means[variable.name].array, grouping.keys, axis);
    variable.encoding = {};
  }
  return dataset.with(std::move(variables));
}

}  // namespace freestone
