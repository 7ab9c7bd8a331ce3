/// TaskMemory: memory of tasks that have ended, kept a while for those that begin.
///
/// The system clears every page before it gives it, and a run of one small image spends a tenth of its time there; a loop of such runs
/// takes the same memory again and again. What is kept belongs to no lease, so it is little, and less than what was in use before: whoever
/// takes fresh memory lets go of as much that is kept. The system may have kept memory back at any moment, without asking.
#pragma once

#include <chrono>
#include <mutex>
#include <vector>

#include "freestone/core/buffer.h"

namespace freestone {

class TaskMemory {
 public:
  static constexpr Index kMostBytes = Index{64} << 20;  ///< that are kept
  static constexpr auto kMostTime = std::chrono::seconds(2);

  /// That of this process.
  static TaskMemory& of_process();

  /// At least `bytes`, with anything in it; the caller holds a lease for them.
  /// @throws Error kind memory: the system gave none
  Buffer take(Index bytes);
  /// Memory that is out of use: kept, or given back to the system.
  void give(Buffer memory);
  /// Bytes that are kept now.
  Index kept() const;

 private:
  struct Kept {
    Buffer memory;
    std::chrono::steady_clock::time_point since;
  };
  /// Takes the oldest out of what is kept: those that are kept too long, and `bytes` at least. Called with the lock held; the system has
  /// them back when the result goes.
  std::vector<Kept> let_go(Index bytes);

  mutable std::mutex mutex_;
  std::vector<Kept> kept_;  // the oldest first
  Index bytes_ = 0;
};

}  // namespace freestone
