#include "freestone/runtime/pool.h"

namespace freestone {

Pool::Pool(int threads) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { serve(); });
}

Pool::~Pool() {
  std::deque<Job> left;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    left.swap(jobs_);
  }
  changed_.notify_all();
  for (const Job& job : left)
    job.work->end(std::make_exception_ptr(Error(ErrorKind::kCancelled, "The pool was closed before this began.")));
  for (std::thread& thread : threads_) thread.join();
}

void Pool::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void Pool::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job.run();
    job = {};
    lock.lock();
  }
}

}  // namespace freestone
