#include "freestone/storage/remote_blocks.h"

namespace freestone {
namespace {

// Beside the budget of runs, as libraries' own memory is.
constexpr Index kMostBytes = Index{32} << 20;

}  // namespace

RemoteBlocks& RemoteBlocks::of_process() {
  static RemoteBlocks& blocks = *new RemoteBlocks;
  return blocks;
}

std::uint64_t RemoteBlocks::next_number() {
  const std::lock_guard lock(mutex_);
  return ++numbers_;
}

RemoteBlocks::Bytes RemoteBlocks::find(std::uint64_t file, Index block) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({file, block});
  if (found == entries_.end()) return nullptr;
  used_.splice(used_.begin(), used_, found->second.place);
  return found->second.bytes;
}

void RemoteBlocks::keep(std::uint64_t file, Index block, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  if (entries_.contains({file, block})) return;
  used_.push_front({file, block});
  bytes_ += static_cast<Index>(bytes->size());
  entries_[{file, block}] = {std::move(bytes), used_.begin()};
  while (bytes_ > kMostBytes) {
    const auto oldest = entries_.find(used_.back());
    bytes_ -= static_cast<Index>(oldest->second.bytes->size());
    entries_.erase(oldest);
    used_.pop_back();
  }
}

void RemoteBlocks::forget(std::uint64_t file) {
  const std::lock_guard lock(mutex_);
  for (auto at = entries_.lower_bound({file, 0}); at != entries_.end() && at->first.first == file; at = entries_.erase(at)) {
    bytes_ -= static_cast<Index>(at->second.bytes->size());
    used_.erase(at->second.place);
  }
}

}  // namespace freestone
