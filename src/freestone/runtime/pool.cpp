#include "freestone/runtime/pool.h"

#include <chrono>

namespace freestone {

Pool::Pool(int threads) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { serve(); });
}

Pool::~Pool() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    any_.store(true, std::memory_order_release);
    left.swap(jobs_);
  }
  changed_.notify_all();
  for (const Job& job : left)
    job.work->end(std::make_exception_ptr(Error(ErrorKind::kCancelled, "The pool was closed before this began.")));
  for (std::thread& thread : threads_) thread.join();
}

void Pool::post(Job job) {
  bool wakes;
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    any_.store(true, std::memory_order_release);
    wakes = sleeping_ > 0 && !looking_out_;
  }
  if (wakes) changed_.notify_one();
}

void Pool::look_out(std::unique_lock<std::mutex>& lock) {
  constexpr auto kMoment = std::chrono::microseconds(50);
  looking_out_ = true;
  lock.unlock();
  const auto end = std::chrono::steady_clock::now() + kMoment;
  while (!any_.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  lock.lock();
  looking_out_ = false;
}

void Pool::serve() {
  const bool may_look_out = std::thread::hardware_concurrency() > 1;
  std::unique_lock lock(mutex_);
  while (true) {
    if (jobs_.empty() && !closing_ && may_look_out && !looking_out_) look_out(lock);
    ++sleeping_;
    changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
    --sleeping_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    any_.store(!jobs_.empty() || closing_, std::memory_order_release);
    // Who came while this thread looked out has woken nobody.
    const bool wakes = !jobs_.empty() && sleeping_ > 0;
    lock.unlock();
    if (wakes) changed_.notify_one();
    job.run();
    job = {};
    lock.lock();
  }
}

}  // namespace freestone
