#include "freestone/runtime/admission.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "freestone/base/fork.h"

namespace freestone {
namespace {

thread_local int inside_depth = 0;
constexpr auto kLook = std::chrono::milliseconds(20);

}  // namespace

InsideRun::InsideRun() { ++inside_depth; }
InsideRun::~InsideRun() { --inside_depth; }
bool InsideRun::now() { return inside_depth > 0; }

Admission& Admission::of_process() {
  // Never destroyed: tickets may outlive static objects. A child of fork() begins anew: the runs of its parent are not its own.
  static std::atomic<Admission*> admission = [] {
    after_fork_in_child([] { admission = new Admission; });
    return new Admission;
  }();
  return *admission;
}

Admission::Ticket::~Ticket() {
  if (admission_ == nullptr) return;
  {
    const std::lock_guard lock(admission_->mutex_);
    (is_run_ ? admission_->running_bytes_ : admission_->held_bytes_) -= bytes_;
    if (is_run_) --admission_->running_;
  }
  admission_->changed_.notify_all();
}

Admission::Ticket Admission::enter(Index bytes, Index budget, const Cancel& cancel) {
  std::unique_lock lock(mutex_);
  if (!InsideRun::now()) {
    const std::uint64_t mine = next_++;
    waiting_.push_back(mine);
    const auto admitted = [&] { return waiting_.front() == mine && (running_ == 0 || running_bytes_ + held_bytes_ + bytes <= budget); };
    while (!admitted()) {
      if (cancel.requested()) {
        waiting_.erase(std::find(waiting_.begin(), waiting_.end(), mine));
        changed_.notify_all();
        cancel.check();
      }
      changed_.wait_for(lock, kLook);
    }
    waiting_.pop_front();
  }
  running_bytes_ += bytes;
  ++running_;
  lock.unlock();
  changed_.notify_all();  // the next in line may fit as well
  return {this, bytes, true};
}

Admission::Ticket Admission::hold(Index bytes) {
  const std::lock_guard lock(mutex_);
  held_bytes_ += bytes;
  return {this, bytes, false};
}

Index Admission::held() const {
  const std::lock_guard lock(mutex_);
  return held_bytes_;
}

}  // namespace freestone
