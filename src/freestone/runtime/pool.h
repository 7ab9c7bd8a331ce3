/// Pool: threads that run callables in the order in which they were submitted.
///
/// For a user's own functions, thousands of small ones. Computations of the engine do not run here: they have lanes of their own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "freestone/runtime/future.h"

namespace freestone {

class Pool {
 public:
  explicit Pool(int threads);
  /// What was not begun is cancelled; what runs is waited for.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs `function()` on a thread of the pool.
  template <class F>
  auto submit(F function) {
    using R = std::invoke_result_t<F>;
    auto shared = std::make_shared<typename Future<R>::Shared>();
    post({shared, [shared, function = std::move(function)]() mutable { Future<R>::fulfil(*shared, function); }});
    return Future<R>(std::move(shared));
  }
  int threads() const { return static_cast<int>(threads_.size()); }

 private:
  struct Job {
    std::shared_ptr<Work> work;
    std::function<void()> run;
  };
  void post(Job job);
  void serve();
  /// Looks out for a job for a moment before sleeping: to wake a thread takes longer than many a job. One thread at a time does. Called with the
  /// lock held.
  void look_out(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::atomic<bool> any_ = false;  // jobs, or closing
  int sleeping_ = 0;
  bool looking_out_ = false;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace freestone
