/// Journal: what a run has finished, beside its temporary output, so that a killed run can be taken up.
///
/// The first line is JSON: the job (operations, parameters, identities of the sources, names and headers of the outputs), which temporary
/// outputs it is about, and the plan; then one line for each tile whose writes have returned. `--resume` runs the old plan again without
/// those tiles; it never plans anew, for another plan has other tiles. Every half a minute the outputs are flushed to the disk and a mark
/// is written: after a power cut (another boot of the machine) only what stands before the last mark counts.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/core/source.h"
#include "freestone/plan/plan.h"

namespace freestone {

/// What makes two jobs the same: their graphs before planning, sources as they are, and outputs.
/// @returns JSON text with sorted keys; empty where a job cannot be told: data in memory, a user's function
std::string describe_job(const std::vector<Array>& roots, const std::vector<std::shared_ptr<Sink>>& sinks);

class Journal {
 public:
  /// Begins one at `path`, of sinks that have been created; what was there is replaced at once.
  /// @throws Error kind io
  Journal(std::string path, const std::string& job, const Plan& plan, std::vector<std::shared_ptr<Sink>> sinks);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// What a killed run left at `path`.
  struct Left {
    std::string plan;                         ///< as JSON text
    std::vector<std::vector<bool>> finished;  ///< by stage and tile
    Index tiles = 0;                          ///< finished in all
    std::vector<std::string> tokens;          ///< of the outputs: see Sink::token
  };
  /// @throws Error kind user: there is none, or it is of another job; kind data: it is damaged
  static Left read(const std::string& path, const std::string& job);
  /// Goes on with what `read` gave.
  static std::unique_ptr<Journal> take_up(std::string path, std::vector<std::shared_ptr<Sink>> sinks);

  /// A tile of a stage is in the outputs. Thread-safe.
  void finished(int stage, Index tile);
  /// The run ended, one way or the other: the file goes.
  void remove() noexcept;

 private:
  Journal(std::string path, int descriptor, std::vector<std::shared_ptr<Sink>> sinks);
  void append(const std::string& line);
  void flush_now_and_then(std::stop_token stop);

  std::string path_;
  int descriptor_ = -1;
  std::vector<std::shared_ptr<Sink>> sinks_;
  std::mutex mutex_;
  std::jthread flusher_;
};

}  // namespace freestone
