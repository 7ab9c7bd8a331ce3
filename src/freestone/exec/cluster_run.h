/// ClusterRun: a run whose tiles are run by other processes; the side of who asks.
///
/// It plans, holds the outputs and their locks, keeps the journal and says what is left to do; a scheduler that it knows nothing of has
/// ranges of tiles run by workers (exec/tile_worker.h) and reports what is done. Outputs that processes can write together (SharedWriting) get
/// their elements from the workers. The others, and those whose tiles do not cover whole units, get them by way of a store in the work
/// folder, written into their files at the end by this process. Results in memory come back part by part.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/exec/journal.h"
#include "freestone/ops/user_function.h"
#include "freestone/runtime/events.h"

namespace freestone {

struct ClusterOptions {
  ComputeOptions compute;  ///< settings.memory_bytes and settings.threads: of one task on a worker
  Settings here;           ///< of this process, for what it does itself at the end
  std::string work_folder; ///< seen by this process and all workers; empty: beside the first output on a disk, else in the folder of
                           ///< temporary files
  bool sends_functions = false;  ///< whoever carries tasks sends functions of users that have an origin (`ClusterRun::functions`)
};

class ClusterRun {
 public:
  /// Plans. With `options.compute.resume` the plan and what is done come from the journal that a killed run, here or on a cluster, has left.
  /// @throws Error as plan_outputs and write_outputs; kind user: a function of the user that cannot be sent to another process
  ClusterRun(const std::vector<Output>& outputs, const ClusterOptions& options);
  /// Aborts what was neither finished nor left.
  ~ClusterRun();
  ClusterRun(const ClusterRun&) = delete;
  ClusterRun& operator=(const ClusterRun&) = delete;

  const Plan& plan() const { return plan_; }

  struct StageFacts {
    int number = 0;
    std::string what;         ///< in words
    Index tiles = 0;          ///< that are left to run
    double seconds = 0;       ///< of one lane, for all tiles of the stage
    Index state_bytes = 0;    ///< of the reductions for one block of kept axes; 0: no states travel
    Index bytes_read = 0, bytes_written = 0;
  };
  /// Of those that are needed, in their order.
  std::vector<StageFacts> stages() const;

  struct Range {
    Index first = 0, last = 0;
    int group = 0;  ///< ranges of a group leave states that are merged together
    bool leaves_states = false;
  };
  /// The tiles of a stage that are left, cut for `lanes` tasks at a time: into several a lane, each of some seconds, and no more than a
  /// scheduler bears. Those of a reduction follow its kept axes, so that as few as can be leave states.
  std::vector<Range> ranges(int stage, Index lanes) const;

  /// Bytes that this process writes into outputs at the end, from stores.
  Index bytes_at_the_end() const;

  /// Paths that workers must see: sources as they are named, and the folders of outputs and stores.
  std::vector<std::string> sources() const;
  std::vector<std::string> folders() const;

  /// Functions of users that workers call: they must be lent (ops/lent_functions.h) where the payload is read. One of each identity.
  std::vector<std::shared_ptr<const UserFunctionOp>> functions() const;

  /// Whether elements pass through functions of the system's math library, whose last bits follow its version and the processor's.
  bool uses_math_library() const;

  /// Makes the outputs, the work folder and the journal.
  void begin();
  /// What workers are given: after `begin`.
  std::string payload() const;

  void stage_begins(int stage);
  /// A range has been run: into the journal, and to the observers.
  void tiles_done(int stage, Index first, Index last);
  void stage_ends(int stage);
  /// A part of a result in memory.
  void take_part(int root, const Box& box, const View& data);

  /// All ranges have been run: writes what came by way of stores, gives the outputs their names.
  void finish(const Cancel* cancel = nullptr);
  /// Nothing is left of the run, what had the final names before is untouched.
  void abort(const std::string& reason) noexcept;
  /// What is written and the journal stay, for `resume`; where there is none, as `abort`.
  /// @returns whether the run can be taken up
  bool leave(const std::string& reason) noexcept;

 private:
  /// kStore: by way of a store, copied at the end; kKept: into a store that is what was asked for; kDone: it has its name already.
  enum class How { kMemory, kDirect, kStore, kKept, kDone };
  struct Target {
    How how = How::kMemory;
    std::shared_ptr<Sink> sink;  ///< where it goes in the end
    std::string recipe, store;
    Shape block;
  };
  Index wanted_ranges(int stage, Index tiles, Index lanes) const;
  Index state_bytes_of(const Stage& stage) const;
  void choose_ways();
  bool covers_units(std::size_t root, const Shape& unit) const;
  void put_reduced_axes_last();
  void name_sources();
  std::string folder_of_work(const std::vector<Output>& outputs) const;
  void make_work_folder();
  void write_stores_into_outputs(const Cancel* cancel);
  void end(const std::string& error) noexcept;
  bool is_noted(int stage) const;

  ClusterOptions options_;
  Plan plan_;
  std::vector<Target> targets_;
  std::vector<std::string> stores_;
  std::vector<Index> together_;  ///< one a stage: tiles that follow each other and fold into the same pieces; 0: no reduction
  std::string work_folder_, journal_path_, job_;
  std::unique_ptr<Journal::Left> left_;
  std::unique_ptr<Journal> journal_;
  std::vector<bool> needed_;
  std::vector<std::shared_ptr<Sink>> sinks_;
  EventStream silent_;
  EventStream& events_;
  std::int64_t started_ = 0;
  bool has_begun_ = false, has_ended_ = false, made_folder_ = false;
};

}  // namespace freestone
