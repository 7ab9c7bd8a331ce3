#include "freestone/runtime/budget.h"

#include "freestone/base/error.h"

namespace freestone {

Lease::~Lease() {
  if (budget_ != nullptr) budget_->leased_.fetch_sub(bytes_, std::memory_order_relaxed);
}

std::optional<Lease> Budget::try_lease(Index bytes) {
  Index held = leased_.load(std::memory_order_relaxed);
  do {
    if (held + bytes > total_) return std::nullopt;
  } while (!leased_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
  return Lease(this, bytes);
}

Lease Budget::lease(Index bytes, const char* what) {
  if (auto lease = try_lease(bytes)) return std::move(*lease);
  fail(ErrorKind::kMemory, "{} needs {}; the budget of {} has {} left. Raise it with --memory.", what, format_bytes(bytes),
       format_bytes(total_), format_bytes(free()));
}

}  // namespace freestone
