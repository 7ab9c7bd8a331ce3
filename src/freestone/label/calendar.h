/// Calendars of the CF conventions: from "days since 2000-01-01" to year, month and day, and back.
///
/// A time is an Instant, a day and the nanoseconds in it, so that whole numbers of any unit are exact; what the day is called is up to the
/// calendar. Instants of one calendar are compared and subtracted, those of different ones are not. cftime is the reference: the same
/// years without zero, the same lost days in October 1582, fractions of a unit rounded to microseconds.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "freestone/core/box.h"

namespace freestone {

enum class Calendar {
  kStandard,            ///< "gregorian" too: Julian until 1582-10-04, Gregorian from 1582-10-15; no year 0
  kProlepticGregorian,  ///< Gregorian always; with a year 0
  kJulian,              ///< no year 0
  kNoLeap,              ///< "365_day"
  kAllLeap,             ///< "366_day"
  k360Day               ///< twelve months of 30 days
};

/// @param name  as the attribute `calendar` has it, in any case; "" is standard
/// @throws Error kind data: no calendar of that name
Calendar parse_calendar(const std::string& name);
std::string name_of(Calendar calendar);

struct DateTime {
  Index year = 1970;
  int month = 1, day = 1, hour = 0, minute = 0, second = 0, nanosecond = 0;
  friend bool operator==(const DateTime&, const DateTime&) = default;
};

constexpr Index kNanosecondsPerDay = Index{86400} * 1'000'000'000;

struct Instant {
  Index day = 0;         ///< 0: 1970-01-01 (Julian: the day that is 1970-01-01 in Gregorian)
  Index nanosecond = 0;  ///< of the day
  friend auto operator<=>(const Instant&, const Instant&) = default;
};
/// In seconds, rounded once.
double seconds_between(const Instant& from, const Instant& to);

/// @throws Error kind user: there is no such day or time of day in `calendar`
Instant instant_of(const DateTime& date, Calendar calendar);
DateTime date_of(const Instant& instant, Calendar calendar);

bool is_leap_year(Index year, Calendar calendar);
/// Days that the month has; October 1582 of the standard calendar has 21.
int days_in_month(Index year, int month, Calendar calendar);
/// 1 on the first of January; the lost days of October 1582 count, as in cftime.
int day_of_year(const DateTime& date, Calendar calendar);
/// 0 to 3: DJF, MAM, JJA, SON.
constexpr int season_of(int month) { return month % 12 / 3; }
/// Months since January of the year that is counted as 0.
Index month_number(const DateTime& date, Calendar calendar);
/// The first of the month that is `months` after that of `date`; time of day 0.
DateTime month_start(const DateTime& date, Index months, Calendar calendar);

/// "2001-01-15T06:00:00", with a fraction of a second where there is one.
std::string text_of(const DateTime& date);

/// What a text such as "2001", "2001-01", "2001-01-15" or "2001-01-15T06:30" means: everything that begins like it.
struct TimeSpan {
  enum class Resolution { kYear, kMonth, kDay, kHour, kMinute, kSecond, kFraction };
  Instant begin, end;  ///< `end` no longer belongs to it
  Resolution resolution = Resolution::kDay;
};
/// The year 0 is taken as TimeUnits does.
/// @throws Error kind user: not a date, or not one of `calendar`
TimeSpan parse_time(const std::string& text, Calendar calendar);

/// Units of a time axis: "UNIT since DATE [TIME] [ZONE]".
class TimeUnits {
 public:
  /// Units: days, hours, minutes, seconds, milliseconds, microseconds, nanoseconds and their abbreviations; months in the 360_day calendar
  /// and common_years in noleap, where they have one length. A reference in the year 0, as climatologies have it, is in the year before year 1
  /// where the calendar has no year 0: months and seasons are what they are with it (cftime's has_year_zero=True).
  /// @throws Error kind data: not units of time; months or years, whose length is no number; a reference that is not in the calendar
  TimeUnits(const std::string& units, const std::string& calendar);

  Calendar calendar() const { return calendar_; }
  const std::string& text() const { return text_; }
  /// Of one unit.
  double seconds() const { return static_cast<double>(days_) * 86400 + static_cast<double>(nanoseconds_) / 1e9; }

  /// Exact.
  /// @throws Error kind data: outside of what is counted (some 270 million years)
  Instant instant(std::int64_t number) const;
  /// To the nearest microsecond, half to even.
  /// @throws Error kind data: NaN, or outside of what is counted
  Instant instant(double number) const;
  /// The number of `instant`: exactly, when it is whole.
  std::optional<std::int64_t> whole_number(const Instant& instant) const;
  double number(const Instant& instant) const;

 private:
  std::string text_;
  Calendar calendar_;
  Instant reference_;
  Index days_ = 0;         ///< of one unit, when it is days long, else 0 ...
  Index nanoseconds_ = 0;  ///< ... and it has this many, a part of a day
};

}  // namespace freestone
