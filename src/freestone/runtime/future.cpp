#include "freestone/runtime/future.h"

#include <utility>

namespace freestone {

bool Work::done() const { return done_.load(std::memory_order_acquire); }

void Work::wait() const {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return done(); });
}

bool Work::wait_for(std::chrono::nanoseconds limit) const {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, limit, [&] { return done(); });
}

void Work::when_done(std::function<void()> next) {
  {
    const std::lock_guard lock(mutex_);
    if (!done()) {
      next_.push_back(std::move(next));
      return;
    }
  }
  next();
}

void Work::end(std::exception_ptr error) {
  std::vector<std::function<void()>> next;
  {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    done_.store(true, std::memory_order_release);
    next.swap(next_);
  }
  ended_.notify_all();
  for (const auto& run : next) run();
}

}  // namespace freestone
