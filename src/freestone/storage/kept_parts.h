/// KeptParts: pieces of a chunk wait here until the chunk is whole.
///
/// Tiles that start at a sink's unit never need it; who writes any other boxes pays with memory.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "freestone/core/buffer.h"
#include "freestone/core/view.h"

namespace freestone {

/// Thread-safe.
class KeptParts {
 public:
  struct Chunk {
    Buffer memory;
    View view;  ///< C order
    Index missing = 0;
  };
  /// Takes a copy of `data`, the elements of `part` of the chunk `whole` at `position`. What is returned is the whole chunk, and no longer
  /// kept, when nothing is missing any more; null before.
  std::shared_ptr<Chunk> add(const Dims& position, const Box& whole, const Box& part, const View& data);
  bool empty() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<Dims, std::shared_ptr<Chunk>> chunks_;
};

}  // namespace freestone
