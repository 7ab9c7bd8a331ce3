/// Budget: the memory a run may hold, and leases on it.
///
/// All or nothing: a lease is had at once or not at all; nobody waits while holding memory. What a lease covers is
/// given back when it goes.
#pragma once

#include <atomic>
#include <optional>
#include <utility>

#include "freestone/base/quantity.h"

namespace freestone {

class Budget;

/// Move-only right to hold `bytes()`; only shrinks.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  Lease& operator=(Lease&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Lease();
  Index bytes() const { return bytes_; }

 private:
  friend class Budget;
  Lease(Budget* budget, Index bytes) : budget_(budget), bytes_(bytes) {}
  Budget* budget_ = nullptr;
  Index bytes_ = 0;
};

class Budget {
 public:
  explicit Budget(Index total) : total_(total) {}
  Index total() const { return total_; }
  Index leased() const { return leased_.load(std::memory_order_relaxed); }
  Index free() const { return total_ - leased(); }
  std::optional<Lease> try_lease(Index bytes);
  /// @throws Error kind memory: `what` needs more than is free
  Lease lease(Index bytes, const char* what);

 private:
  friend class Lease;
  const Index total_;
  std::atomic<Index> leased_{0};
};

}  // namespace freestone
