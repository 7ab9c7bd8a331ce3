/// Cancel: a flag that work looks at every 50 ms or so.
#pragma once

#include <atomic>

#include "freestone/base/error.h"

namespace freestone {

class Cancel {
 public:
  Cancel() = default;
  /// Also requested when `parent` is; `parent` outlives this.
  explicit Cancel(const Cancel* parent) : parent_(parent) {}

  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed) || (parent_ != nullptr && parent_->requested()); }
  /// @throws Error kind cancelled, when somebody asked to stop
  void check() const {
    if (requested()) throw Error(ErrorKind::kCancelled, "Interrupted.");
  }

 private:
  std::atomic<bool> requested_{false};
  const Cancel* parent_ = nullptr;
};

}  // namespace freestone
