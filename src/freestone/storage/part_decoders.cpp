#include "freestone/storage/part_decoders.h"

namespace freestone {

PartDecoders::Started PartDecoders::take(const void* source, Index number, Index made) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find({source, number});
  if (found == waiting_.end()) return {};
  Started started = std::move(found->second);
  waiting_.erase(found);
  bytes_ -= started.decoder->bytes();
  return started.made <= made ? std::move(started) : Started();
}

void PartDecoders::keep(const void* source, Index number, Started started) {
  const std::lock_guard lock(mutex_);
  const Index bytes = started.decoder->bytes();
  if (bytes_ + bytes > limit_ || !waiting_.emplace(std::pair{source, number}, std::move(started)).second) return;
  bytes_ += bytes;
}

Index PartDecoders::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace freestone
