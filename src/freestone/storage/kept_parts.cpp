#include "freestone/storage/kept_parts.h"

namespace freestone {

std::shared_ptr<KeptParts::Chunk> KeptParts::add(const Dims& position, const Box& whole, const Box& part, const View& data) {
  std::shared_ptr<Chunk> chunk;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = chunks_[position];
    if (!slot) {
      slot = std::make_shared<Chunk>();
      slot->memory = Buffer(whole.count() * size_of(data.dtype));
      slot->view = View::contiguous(slot->memory.data(), data.dtype, whole.shape);
      slot->missing = whole.count();
    }
    chunk = slot;
  }
  // Parts do not overlap: they may be copied at the same time.
  copy(data, chunk->view.part(relative_to(part, whole)));
  const std::lock_guard lock(mutex_);
  if ((chunk->missing -= part.count()) > 0) return nullptr;
  chunks_.erase(position);
  return chunk;
}

bool KeptParts::empty() const {
  const std::lock_guard lock(mutex_);
  return chunks_.empty();
}

void KeptParts::clear() {
  const std::lock_guard lock(mutex_);
  chunks_.clear();
}

}  // namespace freestone
