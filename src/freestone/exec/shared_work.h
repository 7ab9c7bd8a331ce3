/// Work on one task that several lanes share.
#pragma once

#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/storage/codec.h"

namespace freestone {

/// How long a waiting lane goes without looking at the cancel flag.
inline constexpr auto kLook = std::chrono::milliseconds(20);

/// Work on one task, cut into parts: by the task's lane and by any other that has nothing else to do.
struct SharedWork {
  std::size_t parts = 0;
  Index most_workers = 1;
  std::function<void(std::size_t part, Index worker, int lane)> work;
  // With the lock held:
  std::size_t next = 0;
  Index begun = 0;  // lanes that have come: each is a worker
  int working = 0;
  std::exception_ptr error;
  bool wants_help() const { return next < parts && begun < most_workers && !error; }
};

/// Scratch for lanes that share a delivery: some pieces to begin with, and the memory of what was written.
class ScratchPool {
 public:
  ScratchPool(Bytes first, Index pieces) : bytes_(first.size() / static_cast<std::size_t>(pieces)) {
    for (std::size_t at = 0; at + bytes_ <= first.size(); at += bytes_) free_.push_back(first.data() + at);
  }
  /// Waits until there is some: whoever holds some gives it back.
  Bytes take(const Cancel& cancel) {
    std::unique_lock lock(mutex_);
    while (free_.empty()) {
      cancel.check();
      changed_.wait_for(lock, kLook);
    }
    const Bytes out(free_.back(), bytes_);
    free_.pop_back();
    return out;
  }
  void give(std::byte* memory) {
    const std::lock_guard lock(mutex_);
    free_.push_back(memory);
    changed_.notify_one();
  }

 private:
  const std::size_t bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::byte*> free_;
};

}  // namespace freestone
