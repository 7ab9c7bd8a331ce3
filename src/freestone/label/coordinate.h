/// CoordinateValues: the labels along an axis, read, and ready to be searched.
///
/// Labels are numbers, or times when the units say so ("days since ..."): then they are compared as instants of their calendar and searched
/// by texts such as "2001-01". Coordinates are small beside the data: they are read whole, up to a limit.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/label/calendar.h"
#include "freestone/label/dataset.h"

namespace freestone {

/// A number in the coordinate's units, or a text that means a time.
class Label {
 public:
  Label(double number) : value_(number) {}                                 // NOLINT
  Label(int number) : value_(static_cast<double>(number)) {}               // NOLINT
  Label(Index number) : value_(static_cast<double>(number)) {}             // NOLINT
  Label(std::string text) : value_(std::move(text)) {}                     // NOLINT
  Label(const char* text) : value_(std::string(text)) {}                   // NOLINT
  const std::string* text() const { return std::get_if<std::string>(&value_); }
  double number() const { return std::get<double>(value_); }

 private:
  std::variant<double, std::string> value_;
};
std::string text_of(const Label& label);

/// From `first` to `last`, both of them included, in the order of the coordinate; a missing bound is open.
struct LabelRange {
  std::optional<Label> first, last;
  Index step = 1;  ///< every how many of the positions in it
};

/// What a label that is not there stands for.
enum class Match {
  kExact,     ///< an error
  kNearest,   ///< the nearest one; of two at one distance the larger
  kPad,       ///< the next smaller one
  kBackfill,  ///< the next larger one
};

class CoordinateValues {
 public:
  /// Labels that are read at most.
  static constexpr Index kLimit = Index{1} << 24;
  /// The lowest int64 stands for a time that is missing (cf.h).
  /// @throws Error kind user: not of one axis, complex, too long; integers that float64 cannot hold; kind data: units of time that mean
  ///         nothing, missing times; as compute
  static CoordinateValues read(const DatasetVariable& coordinate, const ComputeOptions& options = {});

  const std::string& name() const { return name_; }
  Index size() const { return static_cast<Index>(numbers_.size()); }
  /// As stored, in the coordinate's units.
  const std::vector<double>& numbers() const { return numbers_; }
  bool is_time() const { return units_.has_value(); }
  /// Of a time.
  const TimeUnits& units() const { return *units_; }
  const std::vector<Instant>& instants() const { return instants_; }
  Calendar calendar() const { return units_->calendar(); }
  /// The label at `position` for people: a date, or the number.
  std::string text(Index position) const;

  /// 1 when each label is larger than the one before, -1 when smaller, else 0; of fewer than two 1.
  int direction() const { return direction_; }

  /// Positions that `label` means. A text of a time coarser than the labels (a month, of days) means all in it.
  /// @param tolerance  largest distance of what is not exact, in the coordinate's units (of times: seconds)
  /// @returns         in rising order; `is_range` when the label is one of several by its nature
  /// @throws Error    kind user: there is none, with the nearest ones; a text for a coordinate that is no time; NaN
  struct Found {
    std::vector<Index> positions;
    bool is_range = false;
  };
  Found find(const Label& label, Match match = Match::kExact, std::optional<double> tolerance = {}) const;
  /// Positions from `begin` to before `end` whose labels lie in the range.
  /// @throws Error kind user: the labels do not rise or fall throughout; as find
  struct Part {
    Index begin = 0, end = 0;
  };
  Part find(const LabelRange& range) const;

 private:
  std::string name_;
  std::vector<double> numbers_;
  std::vector<Instant> instants_;
  std::optional<TimeUnits> units_;
  int direction_ = 1;
};

}  // namespace freestone
