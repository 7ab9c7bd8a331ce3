/// Future: a result that is still being made.
///
/// Whoever holds one may look how far the work is, wait, ask it to stop, take the result (or the error that ended it), and say what to do
/// next. Copies are handles on the same work; they may be used from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <vector>

#include "freestone/base/quantity.h"
#include "freestone/core/cancel.h"

namespace freestone {

/// How far work is: parts done of all, 0 of 0 while that is not known.
struct Progress {
  Index done = 0, total = 0;
  double fraction() const { return total > 0 ? static_cast<double>(done) / static_cast<double>(total) : 0; }
};

/// What a piece of work and its futures share, whatever its result.
class Work {
 public:
  Cancel cancel;
  std::atomic<Index> parts_done{0}, parts_total{0};

  bool done() const;
  void wait() const;
  /// False when `limit` went by first.
  bool wait_for(std::chrono::nanoseconds limit) const;
  /// Runs `next` once the work is done: on the thread that ends it, or here when it is done already.
  void when_done(std::function<void()> next);
  /// Marks it done and runs what waits for that. `error` null: it succeeded.
  void end(std::exception_ptr error);
  const std::exception_ptr& error() const { return error_; }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  std::atomic<bool> done_{false};
  std::exception_ptr error_;
  std::vector<std::function<void()>> next_;
};

template <class T>
class Future {
  using Value = std::conditional_t<std::is_void_v<T>, bool, T>;

 public:
  struct Shared : Work {
    std::optional<Value> value;
  };

  Future() = default;
  explicit Future(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

  explicit operator bool() const { return shared_ != nullptr; }
  bool done() const { return shared_->done(); }
  void wait() const { shared_->wait(); }
  bool wait_for(std::chrono::nanoseconds limit) const { return shared_->wait_for(limit); }
  /// Asks the work to stop; `get` then throws Error kind cancelled, unless it was done before.
  void cancel() const { shared_->cancel.request(); }
  Progress progress() const { return {shared_->parts_done.load(), shared_->parts_total.load()}; }

  /// Waits, and gives the result; any number of times.
  /// @throws whatever ended the work
  const Value& get() const {
    shared_->wait();
    if (shared_->error()) std::rethrow_exception(shared_->error());
    return *shared_->value;
  }

  /// What `next(result)` gives, as a future of its own; an error goes on to it, `next` is not called then.
  template <class F>
  auto then(F next) const {
    using R = typename std::conditional_t<std::is_void_v<T>, std::invoke_result<F>, std::invoke_result<F, const Value&>>::type;
    auto after = std::make_shared<typename Future<R>::Shared>();
    const auto before = shared_;
    before->when_done([before, after, next = std::move(next)]() mutable {
      if (before->error()) return after->end(before->error());
      Future<R>::fulfil(*after, [&]() -> R {
        if constexpr (std::is_void_v<T>)
          return next();
        else
          return next(*before->value);
      });
    });
    return Future<R>(after);
  }

  /// Runs `make` and ends `shared` with what it gives or throws.
  template <class F>
  static void fulfil(Shared& shared, F&& make) {
    std::exception_ptr error;
    try {
      shared.cancel.check();
      if constexpr (std::is_void_v<T>)
        make(), shared.value = true;
      else
        shared.value.emplace(make());
    } catch (...) {
      error = std::current_exception();
    }
    shared.end(error);
  }

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace freestone
