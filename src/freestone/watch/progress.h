/// Progress: what a run is doing now, drawn from its events.
///
/// An observer of the event stream, nothing more: it counts finished tasks, bytes read and memory leased, and draws at
/// most ten times a second, as a bar for people or as JSON for programs. The bar is one line on stderr that removes
/// itself when the run ends.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "freestone/runtime/events.h"

namespace freestone::watch {

enum class ProgressMode {
  kAuto,  ///< a bar when stderr is a terminal and the run takes longer than 0.3 s, otherwise nothing
  kBar,
  kJson,  ///< one object a line; keys in Progress::json_line
  kNone
};

/// @throws Error kind user: not one of auto, bar, json, none
ProgressMode parse_progress_mode(std::string_view text);

/// Where progress goes and what it asks its surroundings; tests put their own here.
struct ProgressOutput {
  std::function<void(std::string_view)> write;  ///< empty: stderr
  std::function<int()> columns;                 ///< width of the terminal; empty: stderr's, or 80
  std::function<std::int64_t()> clock;          ///< nanoseconds; empty: now_ns
  bool unicode = true;                          ///< eighths of a block; otherwise '#'
};

class Progress : public Observer {
 public:
  Progress(ProgressMode mode, ProgressOutput output);

  /// Redraws at most ten times a second; the last line of a run always.
  void on_event(const Event& event) override;

  /// The line of the bar, at most `columns` wide: part done, bytes read, rate, memory held, time left, stage.
  std::string bar_line(int columns) const;

  /// {"event": "progress" | "done" | "error", "fraction", "tasks_done", "tasks", "bytes_read", "bytes_per_second",
  /// "memory_bytes", "elapsed_seconds", "seconds_left" (null while unknown), "stage", "label"}; an error has "message".
  std::string json_line(std::string_view event) const;

 private:
  void draw(bool last);
  void clear();
  double fraction() const;
  double elapsed_seconds() const;
  double seconds_left() const;  ///< NaN while unknown
  double bytes_per_second() const;

  ProgressMode mode_;
  ProgressOutput output_;
  std::int64_t start_ns_ = 0, now_ns_ = 0, drawn_ns_ = 0;
  Index tasks_ = 0, tasks_done_ = 0, bytes_read_ = 0, memory_ = 0;
  int stage_ = -1;
  std::string label_, message_;
  bool failed_ = false, bar_shown_ = false;
  std::deque<std::pair<std::int64_t, Index>> recent_;  ///< time and bytes read, of the last seconds
};

/// The observer that a mode asks for, on stderr; null when nothing is to be shown.
std::shared_ptr<Observer> make_progress(ProgressMode mode);

}  // namespace freestone::watch
