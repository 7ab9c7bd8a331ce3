/// Admission: computations that run at the same time share one amount of memory.
///
/// A plan says beforehand what it will hold at the most, so a run is admitted whole or waits; it never waits while holding memory. Runs are
/// admitted in the order in which they came, so that a large one is not overtaken for ever by small ones. What lies in memory between runs
/// (persisted arrays) is counted too.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "freestone/base/quantity.h"
#include "freestone/core/cancel.h"

namespace freestone {

class Admission {
 public:
  /// That of this process.
  static Admission& of_process();

  /// The right to hold an amount of memory; given back when it goes.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)), bytes_(other.bytes_), is_run_(other.is_run_) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(admission_, other.admission_);
      std::swap(bytes_, other.bytes_);
      std::swap(is_run_, other.is_run_);
      return *this;
    }
    ~Ticket();

   private:
    friend class Admission;
    Ticket(Admission* admission, Index bytes, bool is_run) : admission_(admission), bytes_(bytes), is_run_(is_run) {}
    Admission* admission_ = nullptr;
    Index bytes_ = 0;
    bool is_run_ = false;
  };

  /// Waits until a run that holds up to `bytes` fits beside the others into `budget`. The only run of a process is always admitted, and so
  /// is one that a running computation's own code begins: waiting for itself would never end.
  /// @throws Error kind cancelled
  Ticket enter(Index bytes, Index budget, const Cancel& cancel);
  /// Counts memory that outlives a run.
  Ticket hold(Index bytes);
  Index held() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::uint64_t> waiting_;
  std::uint64_t next_ = 0;
  Index running_bytes_ = 0, held_bytes_ = 0;
  int running_ = 0;
};

/// Marks the calling thread as one that works for a run, as long as it lives: what it computes itself does not wait for admission.
class InsideRun {
 public:
  InsideRun();
  ~InsideRun();
  InsideRun(const InsideRun&) = delete;
  InsideRun& operator=(const InsideRun&) = delete;
  static bool now();
};

}  // namespace freestone
