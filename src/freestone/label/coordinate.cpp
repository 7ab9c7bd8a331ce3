#include "freestone/label/coordinate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/label/cf.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

// Of labels as they are stored.
constexpr Index kReadAtOnce = Index{1} << 20;

double distance(double from, double to) { return to - from; }
double distance(const Instant& from, const Instant& to) { return seconds_between(from, to); }

/// 1: strictly rising; -1: strictly falling; 0: neither.
template <class Key>
int direction_of(const std::vector<Key>& keys) {
  const auto none = [&](auto is_wrong) { return std::adjacent_find(keys.begin(), keys.end(), is_wrong) == keys.end(); };
  if (none([](const Key& a, const Key& b) { return !(a < b); })) return 1;
  return none([](const Key& a, const Key& b) { return !(a > b); }) ? -1 : 0;
}

/// The keys that a label means: from `first` to `last`, which belongs to it when it is one key.
template <class Key>
struct KeySpan {
  Key first, last;
  bool is_one;
  bool starts_after(const Key& key) const { return key < first; }
  bool ends_before(const Key& key) const { return is_one ? key > last : key >= last; }
  bool holds(const Key& key) const { return !starts_after(key) && !ends_before(key); }
};

KeySpan<double> span_of(const CoordinateValues& values, const Label& label, const std::vector<double>&) {
  if (label.text() != nullptr) {
    fail(ErrorKind::kUser, "'{}' is a text, and coordinate '{}' holds numbers: it has no units of time.", *label.text(), values.name());
  }
  if (std::isnan(label.number())) fail(ErrorKind::kUser, "coordinate '{}': NaN is no label.", values.name());
  return {label.number(), label.number(), true};
}

KeySpan<Instant> span_of(const CoordinateValues& values, const Label& label, const std::vector<Instant>&) {
  if (label.text() == nullptr) {
    const Instant instant = values.units().instant(label.number());
    return {instant, instant, true};
  }
  const TimeSpan span = parse_time(*label.text(), values.calendar());
  return {span.begin, span.end, span.resolution == TimeSpan::Resolution::kFraction};
}

/// The finest part of a date that some label needs; days at least.
TimeSpan::Resolution resolution_of(const std::vector<Instant>& instants) {
  using enum TimeSpan::Resolution;
  TimeSpan::Resolution out = kDay;
  for (const Instant& instant : instants) {
    const Index seconds = instant.nanosecond / 1'000'000'000;
    const auto needed = instant.nanosecond % 1'000'000'000 != 0 ? kFraction
                        : seconds % 60 != 0                     ? kSecond
                        : seconds % 3600 != 0                   ? kMinute
                        : seconds != 0                          ? kHour
                                                                : kDay;
    out = std::max(out, needed);
  }
  return out;
}

/// The position whose key is nearest by `match`, or -1.
template <class Key>
Index nearest(const std::vector<Key>& keys, const Key& wanted, Match match, std::optional<double> tolerance) {
  Index best = -1;
  double least = tolerance.value_or(std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const double away = distance(wanted, keys[i]);
    if (!(std::abs(away) <= least) || (match == Match::kPad && away > 0) || (match == Match::kBackfill && away < 0)) continue;
    if (best >= 0 && std::abs(away) == least && !(keys[i] > keys[static_cast<std::size_t>(best)])) continue;
    best = static_cast<Index>(i);
    least = std::abs(away);
  }
  return best;
}

/// "hours since 0000-01-01".
bool begins_in_year_zero(const std::string& units) {
  std::size_t at = units.find_first_not_of(' ', units.find("since") + 5);
  const std::size_t begin = at;
  while (at < units.size() && units[at] == '0') ++at;
  return at > begin && (at == units.size() || units[at] == '-');
}

}  // namespace

std::string text_of(const Label& label) { return label.text() != nullptr ? "'" + *label.text() + "'" : fmt::format("{}", label.number()); }

CoordinateValues CoordinateValues::read(const DatasetVariable& coordinate, const ComputeOptions& options) {
  CoordinateValues out;
  out.name_ = coordinate.name;
  const Array& array = coordinate.array;
  if (array.rank() != 1) fail(ErrorKind::kUser, "coordinate '{}' has {} axes: labels stand along one.", out.name_, array.rank());
  if (array.size() > kLimit) {
    fail(ErrorKind::kUser, "coordinate '{}' has {} labels, more than the {} that are searched. Select by position instead.", out.name_,
         array.size(), kLimit);
  }
  if (is_complex(array.dtype())) fail(ErrorKind::kUser, "coordinate '{}' holds complex numbers, which have no order.", out.name_);
  const std::string units = coordinate.text("units");
  if (are_time_units(units)) {
    try {
      out.units_.emplace(units, coordinate.text("calendar"));
    } catch (Error& error) {
      error.within(fmt::format("coordinate '{}'", out.name_));
      throw;
    }
  }
  const auto keep = [&]<class T>(const T* data) {
    out.numbers_.reserve(static_cast<std::size_t>(array.size()));
    for (Index i = 0; i < array.size(); ++i) {
      const T value = data[i];
      out.numbers_.push_back(static_cast<double>(value));
      if (out.units_) {
        const bool missing = std::is_integral_v<T> ? value == std::numeric_limits<T>::min() : std::isnan(static_cast<double>(value));
        if (missing) fail(ErrorKind::kData, "coordinate '{}': position {} holds no time.", out.name_, i);
        out.instants_.push_back(out.units_->instant(value));
      } else if (std::is_integral_v<T> && (value > T{1} * (Index{1} << 53) || value < T{-1} * (Index{1} << 53))) {
        fail(ErrorKind::kUser, "coordinate '{}': its label {} at position {} is larger than labels may be (2^53). Select by position instead.",
             out.name_, value, i);
      }
    }
  };
  const bool is_whole = is_integer(array.dtype()) && array.dtype() != DType::kUint64;
  if (const auto source = array.node()->op->source(); source != nullptr && !source->memory() && array.size() > 0 && array.bytes() <= kReadAtOnce) {
    // Without a plan: thousands of files have some labels each.
    const Box all(array.shape());
    std::vector<std::byte> encoded(static_cast<std::size_t>(source->encoded_bytes(all))), elements(static_cast<std::size_t>(array.bytes()));
    const Cancel none;
    source->fetch(all, encoded, options.cancel == nullptr ? none : *options.cancel);
    source->decode(all, encoded, View::contiguous(elements.data(), array.dtype(), array.shape()), options.cancel == nullptr ? none : *options.cancel);
    with_real_type(array.dtype(), [&]<class T>(TypeTag<T>) {
      const T* stored = reinterpret_cast<const T*>(elements.data());
      if (is_whole) {
        const std::vector<std::int64_t> numbers(stored, stored + array.size());
        keep(numbers.data());
      } else {
        const std::vector<double> numbers(stored, stored + array.size());
        keep(numbers.data());
      }
    });
  } else if (is_whole) {
    const Tensor tensor = compute(astype(array, DType::kInt64), options);
    keep(tensor.data<std::int64_t>());
  } else {
    const Tensor tensor = compute(astype(array, DType::kFloat64), options);
    keep(tensor.data<double>());
  }
  out.direction_ = out.units_ ? direction_of(out.instants_) : direction_of(out.numbers_);
  return out;
}

std::string CoordinateValues::text(Index position) const {
  const auto i = static_cast<std::size_t>(position);
  if (!is_time()) return fmt::format("{}", numbers_[i]);
  DateTime date = date_of(instants_[i], calendar());
  // Units that begin in a year 0 count it, whatever their calendar does: a climatology of such units is of the year 0.
  if (date.year < 0 && (calendar() == Calendar::kStandard || calendar() == Calendar::kJulian) && begins_in_year_zero(units_->text())) ++date.year;
  return text_of(date);
}

CoordinateValues::Found CoordinateValues::find(const Label& label, Match match, std::optional<double> tolerance) const {
  const auto in = [&](const auto& keys) -> Found {
    const auto span = span_of(*this, label, keys);
    Found found;
    bool is_point = span.is_one;
    if (label.text() != nullptr && is_time()) is_point = parse_time(*label.text(), calendar()).resolution >= resolution_of(instants_);
    if (match == Match::kExact || !is_point) {
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (is_point ? keys[i] == span.first : span.holds(keys[i])) found.positions.push_back(static_cast<Index>(i));
      }
      found.is_range = !is_point || found.positions.size() > 1;
    }
    if (found.positions.empty() && (match != Match::kExact || tolerance)) {
      const Index position = nearest(keys, span.first, match == Match::kExact ? Match::kNearest : match, tolerance);
      if (position >= 0) found = {{position}, false};
    }
    if (found.positions.empty()) {
      const Index closest = nearest(keys, span.first, Match::kNearest, {});
      fail(ErrorKind::kUser, "coordinate '{}' has no label {}{}. It goes from {} to {}{}.", name_, text_of(label),
           tolerance ? fmt::format(" within {}", *tolerance) : "", size() > 0 ? text(0) : "nothing", size() > 0 ? text(size() - 1) : "nothing",
           closest >= 0 ? "; the nearest is " + text(closest) : "");
    }
    return found;
  };
  return is_time() ? in(instants_) : in(numbers_);
}

CoordinateValues::Part CoordinateValues::find(const LabelRange& range) const {
  const auto in = [&](const auto& keys) -> Part {
    if (direction_ == 0) {
      fail(ErrorKind::kUser,
           "coordinate '{}' neither rises nor falls throughout, so that a range of labels means nothing. Sort it, or select single labels.", name_);
    }
    Part part{0, size()};
    const auto is_before = [&](const auto& span, const auto& key) { return direction_ > 0 ? span.starts_after(key) : span.ends_before(key); };
    const auto is_after = [&](const auto& span, const auto& key) { return direction_ > 0 ? span.ends_before(key) : span.starts_after(key); };
    if (range.first) {
      const auto span = span_of(*this, *range.first, keys);
      part.begin = std::partition_point(keys.begin(), keys.end(), [&](const auto& key) { return is_before(span, key); }) - keys.begin();
    }
    if (range.last) {
      const auto span = span_of(*this, *range.last, keys);
      part.end = std::partition_point(keys.begin(), keys.end(), [&](const auto& key) { return !is_after(span, key); }) - keys.begin();
    }
    part.end = std::max(part.begin, part.end);
    return part;
  };
  return is_time() ? in(instants_) : in(numbers_);
}

}  // namespace freestone
