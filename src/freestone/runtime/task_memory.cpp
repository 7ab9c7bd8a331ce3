#include "freestone/runtime/task_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "freestone/base/fork.h"

namespace freestone {
namespace {

/// Whether memory of `size` may stand for `bytes`: what it is larger than that nobody counts.
bool is_near(Index size, Index bytes) { return size >= bytes && size - bytes <= bytes / 8; }

/// `bytes`, or the whole huge pages that a Buffer of them is mapped in: to let go of the last one in part would split it for good.
Index in_whole_pages(Index bytes) {
  constexpr Index kHugePage = Index{2} << 20;
  const Index whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  return bytes >= 2 * kHugePage && whole - bytes <= bytes / 64 ? whole : bytes;
}

}  // namespace

TaskMemory& TaskMemory::of_process() {
  // Never destroyed: runs may outlive static objects.
  static auto* memory = [] {
    auto* made = new TaskMemory;
    hold_across_forks(made->mutex_);
    return made;
  }();
  return *memory;
}

std::vector<TaskMemory::Kept> TaskMemory::let_go(Index bytes) {
  const auto oldest = std::chrono::steady_clock::now() - kMostTime;
  auto end = kept_.begin();
  for (Index freed = 0; end != kept_.end() && (freed < bytes || end->since < oldest); ++end) freed += end->memory.size();
  std::vector<Kept> gone(std::make_move_iterator(kept_.begin()), std::make_move_iterator(end));
  kept_.erase(kept_.begin(), end);
  for (const Kept& one : gone) bytes_ -= one.memory.size();
  return gone;
}

Buffer TaskMemory::take(Index bytes) {
  {
    std::vector<Kept> gone;
    const std::lock_guard lock(mutex_);
    // The newest is the likeliest to be in a cache still.
    const auto found = std::find_if(kept_.rbegin(), kept_.rend(), [&](const Kept& one) { return is_near(one.memory.size(), bytes); });
    if (found != kept_.rend()) {
      Buffer memory = std::move(found->memory);
      bytes_ -= memory.size();
      kept_.erase(std::next(found).base());
      return memory;
    }
    gone = let_go(bytes);
  }
  return Buffer(in_whole_pages(bytes));
}

void TaskMemory::give(Buffer memory) {
  if (memory.size() == 0 || memory.size() > kMostBytes) return;
  madvise(memory.data(), static_cast<std::size_t>(memory.size()), MADV_FREE);
  std::vector<Kept> gone;
  const std::lock_guard lock(mutex_);
  gone = let_go(std::max<Index>(0, bytes_ + memory.size() - kMostBytes));
  bytes_ += memory.size();
  kept_.push_back({std::move(memory), std::chrono::steady_clock::now()});
}

Index TaskMemory::kept() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace freestone
