/// Profile: where the time, the bytes and the memory of a run went.
///
/// An observer that adds up events by stage and operation and keeps a timeline of the lanes, thinned so that a run of
/// any length fits a page. It may watch several runs; their stages follow one another. Read it as a table for people,
/// as JSON for programs, or as one HTML page that needs nothing else.
///
/// Keys of the JSON, all stable; seconds are floats, bytes integers:
///
///     version                1
///     wall_seconds           from the first event to the last
///     bytes_read             fetched from files: equals the file's data when a pipeline reads it once
///     bytes_written          elements handed to sinks
///     bytes_spilled          elements written to temporary stores on disk
///     planned_bytes_read     what the plans said they would read
///     tasks                  tiles finished
///     budget_bytes           of the run; the last one where there are several
///     peak_leased_bytes      highest amount leased from the budget
///     peak_resident_bytes    highest resident memory of the process
///     error                  first error's message, or null
///     stages[]               stage (from 0), label, start_seconds, wall_seconds, tasks, bytes_read, bytes_written,
///                            bytes_spilled, peak_leased_bytes, lane_seconds (of all operations), operations[]
///     stages[].operations[]  kind ("read", "decode", "compute", "write", "spill"), name, count, bytes,
///                            seconds (summed over lanes)
///     timeline[]             lane (compute from 0, I/O from 1000), kind, stage, start_seconds, end_seconds
///     memory[]               seconds, leased_bytes
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "freestone/runtime/events.h"

namespace freestone::watch {

class Profile : public Observer {
 public:
  /// What one operation of a stage, or the reads of one file, came to.
  struct Operation {
    Index count = 0, bytes = 0;
    double seconds = 0;  ///< summed over lanes
  };

  struct Stage {
    int number = -1;
    std::string label;
    std::int64_t start_ns = 0, end_ns = 0;
    Index tasks = 0, bytes_read = 0, bytes_written = 0, bytes_spilled = 0;
    Index peak_leased = 0;  ///< highest amount leased from the budget while it ran, by whomever
    std::map<std::pair<EventKind, std::string>, Operation> operations;
    double wall_seconds() const { return static_cast<double>(end_ns - start_ns) * 1e-9; }
    double lane_seconds() const;
  };

  /// A stretch of time that a lane spent on one kind of work.
  struct Span {
    int lane = 0;
    EventKind kind = EventKind::kCompute;
    int stage = 0;  ///< place in stages()
    std::int64_t start_ns = 0, end_ns = 0;
  };

  struct MemorySample {
    std::int64_t time_ns = 0;
    Index leased = 0;
  };

  void on_event(const Event& event) override;

  const std::vector<Stage>& stages() const { return stages_; }
  const std::vector<Span>& timeline() const { return timeline_; }
  const std::vector<MemorySample>& memory() const { return memory_; }
  Index bytes_read() const;
  Index bytes_written() const;
  Index bytes_spilled() const;
  Index tasks() const;
  Index planned_bytes_read() const { return planned_bytes_; }
  Index budget_bytes() const { return budget_; }
  Index peak_leased_bytes() const { return peak_leased_; }
  Index peak_resident_bytes() const { return peak_resident_; }
  double wall_seconds() const;
  std::int64_t start_ns() const { return start_ns_; }
  const std::string& error() const { return error_; }

  /// A table for people: a line for each stage and operation, totals first.
  std::string text() const;
  /// One object with the keys above.
  std::string json() const;
  /// One page without outside resources: totals, stages, lanes over time, memory over time, bars by stage, operations.
  std::string html() const;
  /// json(), html() or text(), as the suffix of `path` says; an existing file is replaced when the new one is whole.
  /// @throws Error kind user: not .json, .html or .txt; kind io
  void save(const std::string& path) const;

 private:
  Stage& stage_of(int number);
  void add_work(const Event& event);
  void add_span(const Event& event, int stage);
  void add_memory(std::int64_t time_ns, Index leased);

  std::vector<Stage> stages_;
  std::size_t first_stage_of_run_ = 0;
  std::vector<Span> timeline_;
  std::map<std::pair<int, EventKind>, std::size_t> open_spans_;  ///< last span of a lane and kind
  std::int64_t join_gap_ns_ = 100'000;                           ///< spans of one lane and kind closer than this are one
  std::vector<MemorySample> memory_;
  std::int64_t memory_step_ns_ = 1'000'000;
  std::int64_t start_ns_ = 0, end_ns_ = 0;
  Index planned_bytes_ = 0, budget_ = 0, peak_leased_ = 0, peak_resident_ = 0;
  std::string error_;
};

}  // namespace freestone::watch
