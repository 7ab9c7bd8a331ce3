#include "freestone/kernels/dispatch.h"

#include <algorithm>
#include <atomic>

namespace freestone::kernels {
namespace {

Target detect() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("x86-64-v4")) return Target::kAvx512;
  if (__builtin_cpu_supports("x86-64-v3")) return Target::kAvx2;
#endif
  return Target::kBaseline;
}

std::atomic<Target>& chosen() {
  static std::atomic<Target> target{detect()};
  return target;
}

}  // namespace

Target best_target() {
  static const Target best = detect();
  return best;
}

Target active_target() { return chosen().load(std::memory_order_relaxed); }

void set_target(Target target) { chosen().store(std::min(target, best_target()), std::memory_order_relaxed); }

}  // namespace freestone::kernels
