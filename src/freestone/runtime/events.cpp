#include "freestone/runtime/events.h"

#include <chrono>

namespace freestone {

const char* name_of(EventKind kind) {
  constexpr const char* kNames[] = {"run-start", "stage-start", "read",      "decode", "compute", "write",
                                    "spill",     "task-done",   "stage-end", "error",  "run-end"};
  return kNames[static_cast<int>(kind)];
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void EventStream::subscribe(std::shared_ptr<Observer> observer) { observers_.push_back(std::move(observer)); }

void EventStream::emit(const Event& event) {
  if (observers_.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const auto& observer : observers_) observer->on_event(event);
}

}  // namespace freestone
