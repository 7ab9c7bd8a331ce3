#include "freestone/label/calendar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "freestone/base/error.h"

namespace freestone {
namespace {

/// Days that are counted: some 270 million years either way.
constexpr Index kFarthestDay = 100'000'000'000;
constexpr Index kFarthestYear = kFarthestDay / 366;

constexpr Index kGregorianReform = -141427;  ///< the day that is 1582-10-15

Index floor_divide(Index a, Index b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

bool has_year_zero(Calendar calendar) { return calendar != Calendar::kStandard && calendar != Calendar::kJulian; }
/// Years counted through 0, from the calendar's own and back.
Index counted_year(Index year, Calendar calendar) { return year < 0 && !has_year_zero(calendar) ? year + 1 : year; }
Index named_year(Index year, Calendar calendar) { return year <= 0 && !has_year_zero(calendar) ? year - 1 : year; }

/// Climatologies of COARDS begin in a year 0, which some calendars do not have: it is their year before year 1.
Index year_before_one(Index year, Calendar calendar) { return year == 0 ? named_year(0, calendar) : year; }

/// Leap days of Gregorian or Julian years before the first of March of counted year `year`, from year 0 on.
Index leap_days(Index year, bool gregorian) {
  const Index fourth = floor_divide(year, 4);
  return gregorian ? fourth - floor_divide(year, 100) + floor_divide(year, 400) : fourth;
}

// Years begin in March here, so that the leap day is the last one; months from March on have lengths that repeat every five.
Index day_from_march(Index year, int month, int day, bool gregorian) {
  const Index march_year = month <= 2 ? year - 1 : year;
  const Index march_month = (month + 9) % 12;
  // Day 0 is 1970-01-01; the Julian year 0 began two days earlier than the Gregorian one.
  return 365 * march_year + leap_days(march_year, gregorian) + (153 * march_month + 2) / 5 + day - 1 - (gregorian ? 719468 : 719470);
}

DateTime date_from_march(Index number, bool gregorian, Calendar calendar) {
  const Index days = number + (gregorian ? 719468 : 719470);
  // The year by its mean length is at most one off.
  Index year = gregorian ? floor_divide(days * 400, 146097) : floor_divide(days * 4, 1461);
  const auto start = [&](Index y) { return 365 * y + leap_days(y, gregorian); };
  while (start(year) > days) --year;
  while (start(year + 1) <= days) ++year;
  const Index day_of_march_year = days - start(year);
  const Index march_month = (5 * day_of_march_year + 2) / 153;
  DateTime date;
  date.day = static_cast<int>(day_of_march_year - (153 * march_month + 2) / 5 + 1);
  date.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
  date.year = named_year(year + (date.month <= 2 ? 1 : 0), calendar);
  return date;
}

constexpr std::array<int, 12> kMonthLengths = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

/// Days of a year of constant length; 0 for calendars whose years differ.
Index constant_year(Calendar calendar) {
  return calendar == Calendar::kNoLeap ? 365 : calendar == Calendar::kAllLeap ? 366 : calendar == Calendar::k360Day ? 360 : 0;
}

int month_length(int month, bool leap, Calendar calendar) {
  if (calendar == Calendar::k360Day) return 30;
  return kMonthLengths[static_cast<std::size_t>(month - 1)] + (leap && month == 2 ? 1 : 0);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

struct CalendarName {
  const char* name;
  Calendar calendar;
};
constexpr CalendarName kCalendarNames[] = {
    {"standard", Calendar::kStandard}, {"proleptic_gregorian", Calendar::kProlepticGregorian}, {"julian", Calendar::kJulian},
    {"noleap", Calendar::kNoLeap},     {"all_leap", Calendar::kAllLeap},                       {"360_day", Calendar::k360Day},
    {"gregorian", Calendar::kStandard}, {"365_day", Calendar::kNoLeap},                        {"366_day", Calendar::kAllLeap},
};

/// A text that is read from its start.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}
  bool at_end() const { return position_ == text_.size(); }
  bool skip(char c) {
    if (at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  void skip_spaces() {
    while (skip(' ')) {
    }
  }
  bool skip_word(std::string_view word) {
    if (lower(std::string(text_.substr(position_, word.size()))) != word) return false;
    position_ += word.size();
    return true;
  }
  bool at_digit() const { return !at_end() && std::isdigit(static_cast<unsigned char>(text_[position_])) != 0; }
  /// Digits as a number; none when there are none or too many.
  std::optional<Index> digits(std::size_t at_most) {
    std::size_t n = 0;
    while (position_ + n < text_.size() && std::isdigit(static_cast<unsigned char>(text_[position_ + n])) != 0) ++n;
    if (n == 0 || n > at_most) return std::nullopt;
    Index value = 0;
    std::from_chars(text_.data() + position_, text_.data() + position_ + n, value);
    position_ += n;
    last_digits_ = n;
    return value;
  }
  std::size_t last_digits() const { return last_digits_; }
  /// Digits after a point, as nanoseconds; what is finer is left out.
  std::optional<int> fraction() {
    int nanoseconds = 0, unit = 100'000'000;
    if (!at_digit()) return std::nullopt;
    for (; at_digit(); ++position_, unit /= 10) nanoseconds += unit * (text_[position_] - '0');
    return nanoseconds;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0, last_digits_ = 0;
};

/// A date and what of it was given; false when `reader` stands at something else.
bool read_date(Reader& reader, DateTime& date, TimeSpan::Resolution& resolution) {
  using enum TimeSpan::Resolution;
  const bool negative = reader.skip('-');
  if (!negative) reader.skip('+');
  const std::optional<Index> year = reader.digits(9);
  if (!year) return false;
  date = {.year = negative ? -*year : *year};
  resolution = kYear;
  for (const auto& [part, finer] : {std::pair{&date.month, kMonth}, {&date.day, kDay}}) {
    if (!reader.skip('-')) return true;
    const std::optional<Index> number = reader.digits(2);
    if (!number) return false;
    *part = static_cast<int>(*number);
    resolution = finer;
  }
  return true;
}

/// A time of day, "6", "06:30", "06:30:15.5".
bool read_time(Reader& reader, DateTime& date, TimeSpan::Resolution& resolution) {
  using enum TimeSpan::Resolution;
  bool first = true;
  for (const auto& [part, finer] : {std::pair{&date.hour, kHour}, {&date.minute, kMinute}, {&date.second, kSecond}}) {
    if (!first && !reader.skip(':')) return true;
    first = false;
    const std::optional<Index> number = reader.digits(2);
    if (!number) return false;
    *part = static_cast<int>(*number);
    resolution = finer;
  }
  if (reader.skip('.')) {
    const std::optional<int> nanoseconds = reader.fraction();
    if (!nanoseconds) return false;
    date.nanosecond = *nanoseconds;
    resolution = kFraction;
  }
  return true;
}

/// "Z", "UTC", "+01:00", "-6", "+0530", or nothing: minutes that local time is ahead.
std::optional<Index> read_zone(Reader& reader) {
  reader.skip_spaces();
  if (reader.at_end()) return 0;
  for (const char* word : {"z", "utc", "gmt"}) {
    if (reader.skip_word(word)) return 0;
  }
  const bool negative = reader.skip('-');
  if (!negative && !reader.skip('+')) return std::nullopt;
  const std::optional<Index> number = reader.digits(4);
  if (!number) return std::nullopt;
  Index minutes = reader.last_digits() <= 2 ? *number * 60 : *number / 100 * 60 + *number % 100;
  if (reader.skip(':')) {
    const std::optional<Index> more = reader.digits(2);
    if (!more) return std::nullopt;
    minutes += *more;
  }
  if (minutes > 24 * 60) return std::nullopt;
  return negative ? -minutes : minutes;
}

Instant later(const Instant& instant, Index days, Index nanoseconds) {
  const Index sum = instant.nanosecond + nanoseconds;
  const Index carried = floor_divide(sum, kNanosecondsPerDay);
  return {instant.day + days + carried, sum - carried * kNanosecondsPerDay};
}

struct Unit {
  Index days, nanoseconds;
};
std::optional<Unit> unit_named(const std::string& name) {
  struct Row {
    std::initializer_list<const char*> names;
    Index nanoseconds;
  };
  static const Row kRows[] = {
      {{"days", "day", "d"}, kNanosecondsPerDay},
      {{"hours", "hour", "hrs", "hr", "h"}, Index{3600} * 1'000'000'000},
      {{"minutes", "minute", "mins", "min"}, Index{60} * 1'000'000'000},
      {{"seconds", "second", "secs", "sec", "s"}, 1'000'000'000},
      {{"milliseconds", "millisecond", "millisecs", "millisec", "msecs", "msec", "ms"}, 1'000'000},
      {{"microseconds", "microsecond", "microsecs", "microsec", "us"}, 1000},
      {{"nanoseconds", "nanosecond", "nanosecs", "nanosec", "ns"}, 1},
  };
  for (const Row& row : kRows) {
    for (const char* known : row.names) {
      if (name == known) return row.nanoseconds == kNanosecondsPerDay ? Unit{1, 0} : Unit{0, row.nanoseconds};
    }
  }
  return std::nullopt;
}

}  // namespace

Calendar parse_calendar(const std::string& name) {
  if (name.empty()) return Calendar::kStandard;
  std::string known;
  for (const CalendarName& row : kCalendarNames) {
    if (lower(name) == row.name) return row.calendar;
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  fail(ErrorKind::kData, "There is no calendar '{}'. CF has {}.", name, known);
}

std::string name_of(Calendar calendar) {
  return std::find_if(std::begin(kCalendarNames), std::end(kCalendarNames), [&](const CalendarName& row) { return row.calendar == calendar; })->name;
}

double seconds_between(const Instant& from, const Instant& to) {
  const long double days = static_cast<long double>(to.day - from.day) * kNanosecondsPerDay;
  return static_cast<double>((days + static_cast<long double>(to.nanosecond - from.nanosecond)) / 1e9L);
}

bool is_leap_year(Index year, Calendar calendar) {
  const Index y = counted_year(year, calendar);
  const bool fourth = y % 4 == 0;
  switch (calendar) {
    case Calendar::kNoLeap:
    case Calendar::k360Day: return false;
    case Calendar::kAllLeap: return true;
    case Calendar::kJulian: return fourth;
    case Calendar::kStandard:
      if (year < 1583) return fourth;
      [[fallthrough]];
    case Calendar::kProlepticGregorian: break;
  }
  return fourth && (y % 100 != 0 || y % 400 == 0);
}

int days_in_month(Index year, int month, Calendar calendar) {
  if (calendar == Calendar::kStandard && year == 1582 && month == 10) return 21;
  return month_length(month, is_leap_year(year, calendar), calendar);
}

Instant instant_of(const DateTime& date, Calendar calendar) {
  const auto refuse = [&](std::string_view why) {
    fail(ErrorKind::kUser, "{}: {} in the calendar {}.", text_of(date), why, name_of(calendar));
  };
  if (date.year == 0 && !has_year_zero(calendar)) refuse("there is no year 0");
  if (date.year < -kFarthestYear || date.year > kFarthestYear) refuse("years so far away are not counted");
  if (date.month < 1 || date.month > 12) refuse("there is no such month");
  if (date.day < 1 || date.day > month_length(date.month, is_leap_year(date.year, calendar), calendar)) refuse("there is no such day");
  if (date.hour < 0 || date.hour > 23 || date.minute < 0 || date.minute > 59 || date.second < 0 || date.second > 59 || date.nanosecond < 0 ||
      date.nanosecond > 999'999'999) {
    refuse("there is no such time of day");
  }
  const Index year = counted_year(date.year, calendar);
  Instant out;
  if (const Index days = constant_year(calendar); days != 0) {
    out.day = (year - 1970) * days + day_of_year(date, calendar) - 1;
  } else {
    bool gregorian = calendar == Calendar::kProlepticGregorian;
    if (calendar == Calendar::kStandard) {
      gregorian = day_from_march(year, date.month, date.day, true) >= kGregorianReform;
      if (!gregorian && day_from_march(year, date.month, date.day, false) >= kGregorianReform) refuse("there is no such day");
    }
    out.day = day_from_march(year, date.month, date.day, gregorian);
  }
  out.nanosecond = ((Index{date.hour} * 60 + date.minute) * 60 + date.second) * 1'000'000'000 + date.nanosecond;
  return out;
}

DateTime date_of(const Instant& instant, Calendar calendar) {
  DateTime date;
  if (const Index days = constant_year(calendar); days != 0) {
    const Index years = floor_divide(instant.day, days);
    date.year = 1970 + years;
    Index left = instant.day - years * days;
    for (int length; left >= (length = month_length(date.month, calendar == Calendar::kAllLeap, calendar)); ++date.month) left -= length;
    date.day = static_cast<int>(left) + 1;
  } else {
    const bool gregorian = calendar == Calendar::kProlepticGregorian || (calendar == Calendar::kStandard && instant.day >= kGregorianReform);
    date = date_from_march(instant.day, gregorian, calendar);
  }
  const Index seconds = instant.nanosecond / 1'000'000'000;
  date.nanosecond = static_cast<int>(instant.nanosecond % 1'000'000'000);
  date.hour = static_cast<int>(seconds / 3600);
  date.minute = static_cast<int>(seconds / 60 % 60);
  date.second = static_cast<int>(seconds % 60);
  return date;
}

int day_of_year(const DateTime& date, Calendar calendar) {
  int day = date.day;
  const bool leap = is_leap_year(date.year, calendar);
  for (int month = 1; month < date.month; ++month) day += month_length(month, leap, calendar);
  return day;
}

Index month_number(const DateTime& date, Calendar calendar) { return counted_year(date.year, calendar) * 12 + date.month - 1; }

DateTime month_start(const DateTime& date, Index months, Calendar calendar) {
  const Index number = month_number(date, calendar) + months;
  return {.year = named_year(floor_divide(number, 12), calendar), .month = static_cast<int>(number - floor_divide(number, 12) * 12) + 1};
}

std::string text_of(const DateTime& date) {
  std::string out = fmt::format("{}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year < 0 ? "-" : "", std::abs(date.year), date.month, date.day,
                                date.hour, date.minute, date.second);
  if (date.nanosecond == 0) return out;
  std::string fraction = fmt::format("{:09}", date.nanosecond);
  while (fraction.back() == '0') fraction.pop_back();
  return out + "." + fraction;
}

TimeSpan parse_time(const std::string& text, Calendar calendar) {
  using enum TimeSpan::Resolution;
  Reader reader(text);
  DateTime date;
  TimeSpan span;
  bool good = read_date(reader, date, span.resolution);
  if (good && span.resolution == kDay && (reader.skip('T') || reader.skip(' '))) good = read_time(reader, date, span.resolution);
  if (good && span.resolution > kDay) reader.skip('Z');
  if (!good || !reader.at_end()) fail(ErrorKind::kUser, "'{}' is not a time. Times look like 2001, 2001-01, 2001-01-15 or 2001-01-15T06:30.", text);
  date.year = year_before_one(date.year, calendar);
  span.begin = instant_of(date, calendar);
  switch (span.resolution) {
    case kYear: span.end = instant_of(month_start(date, 12, calendar), calendar); break;
    case kMonth: span.end = instant_of(month_start(date, 1, calendar), calendar); break;
    case kDay: span.end = later(span.begin, 1, 0); break;
    case kHour: span.end = later(span.begin, 0, Index{3600} * 1'000'000'000); break;
    case kMinute: span.end = later(span.begin, 0, Index{60} * 1'000'000'000); break;
    case kSecond: span.end = later(span.begin, 0, 1'000'000'000); break;
    case kFraction: span.end = later(span.begin, 0, 1); break;
  }
  return span;
}

TimeUnits::TimeUnits(const std::string& units, const std::string& calendar) : text_(units), calendar_(parse_calendar(calendar)) {
  const auto refuse = [&](std::string_view why) { fail(ErrorKind::kData, "Units of time '{}': {}.", units, why); };
  const std::string words = lower(units);
  const std::size_t since = words.find(" since ");
  if (since == std::string::npos) refuse("there is no 'since'");
  std::string name = words.substr(0, since);
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  if (const std::optional<Unit> unit = unit_named(name)) {
    days_ = unit->days;
    nanoseconds_ = unit->nanoseconds;
  } else if (calendar_ == Calendar::k360Day && (name == "months" || name == "month")) {
    days_ = 30;
  } else if (calendar_ == Calendar::kNoLeap && (name == "common_years" || name == "common_year")) {
    days_ = 365;
  } else if (name.starts_with("month") || name.starts_with("year") || name.starts_with("common_year")) {
    refuse(fmt::format("'{}' have no fixed length in the calendar {}. 'months' are taken in 360_day only, 'common_years' in noleap only", name,
                       freestone::name_of(calendar_)));
  } else {
    refuse(fmt::format("'{}' is no unit. There are days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds", name));
  }

  Reader reader(std::string_view(units).substr(since + 7));
  reader.skip_spaces();
  DateTime date;
  TimeSpan::Resolution resolution{};
  bool good = read_date(reader, date, resolution) && resolution != TimeSpan::Resolution::kYear;
  if (good) {
    const bool has_time = reader.skip('T') || reader.skip('t');
    if (!has_time) reader.skip_spaces();
    if (has_time || reader.at_digit()) good = read_time(reader, date, resolution);
  }
  const std::optional<Index> zone = good ? read_zone(reader) : std::nullopt;
  reader.skip_spaces();
  if (!zone || !reader.at_end()) refuse("what follows 'since' is not a date like 2000-01-31 06:30:00 +01:00");
  date.year = year_before_one(date.year, calendar_);
  try {
    reference_ = later(instant_of(date, calendar_), 0, -*zone * 60 * 1'000'000'000);
  } catch (const Error& error) {
    std::string why = error.message();
    while (why.ends_with('.')) why.pop_back();
    refuse(why);
  }
}

Instant TimeUnits::instant(std::int64_t number) const {
  const Index per_day = days_ != 0 ? 1 : kNanosecondsPerDay / nanoseconds_;
  const Index days = floor_divide(number, per_day);
  if (std::abs(days) > kFarthestDay / std::max<Index>(1, days_)) fail(ErrorKind::kData, "{} {} is too far away to be a time.", number, text_);
  if (days_ != 0) return later(reference_, days * days_, 0);
  // The beginning of the first day that 64 bits reach is itself too early for them.
  const Index rest = number % per_day;
  return later(reference_, days, (rest < 0 ? rest + per_day : rest) * nanoseconds_);
}

Instant TimeUnits::instant(double number) const {
  const long double unit = (days_ != 0 ? static_cast<long double>(days_) * kNanosecondsPerDay : static_cast<long double>(nanoseconds_)) / 1000;
  const long double microseconds = std::nearbyint(number * unit);
  if (!(std::abs(microseconds) < 9.2e18L)) fail(ErrorKind::kData, "{} {} is not a time, or too far away.", number, text_);
  const auto whole = static_cast<Index>(microseconds);
  constexpr Index kPerDay = kNanosecondsPerDay / 1000;
  const Index days = floor_divide(whole, kPerDay);
  return later(reference_, days, (whole - days * kPerDay) * 1000);
}

std::optional<std::int64_t> TimeUnits::whole_number(const Instant& instant) const {
  const Instant difference = later({instant.day - reference_.day, instant.nanosecond}, 0, -reference_.nanosecond);
  if (days_ != 0) return difference.nanosecond == 0 && difference.day % days_ == 0 ? std::optional(difference.day / days_) : std::nullopt;
  std::int64_t out = 0;
  if (difference.nanosecond % nanoseconds_ != 0 || __builtin_mul_overflow(difference.day, kNanosecondsPerDay / nanoseconds_, &out) ||
      __builtin_add_overflow(out, difference.nanosecond / nanoseconds_, &out)) {
    return std::nullopt;
  }
  return out;
}

double TimeUnits::number(const Instant& instant) const {
  if (const auto whole = whole_number(instant)) return static_cast<double>(*whole);
  const long double unit = days_ != 0 ? static_cast<long double>(days_) * kNanosecondsPerDay : static_cast<long double>(nanoseconds_);
  const long double days = static_cast<long double>(instant.day - reference_.day) * kNanosecondsPerDay;
  return static_cast<double>((days + static_cast<long double>(instant.nanosecond - reference_.nanosecond)) / unit);
}

}  // namespace freestone
