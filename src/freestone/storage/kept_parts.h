/// KeptParts: from the boxes that are written to the chunks that are stored; pieces of a chunk wait here until the chunk is whole.
///
/// Tiles that start at a sink's unit never need it; who writes any other boxes pays with memory.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/chunk_grid.h"
#include "freestone/core/grid_parts.h"
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
  /// Cuts `data`, the elements of `box`, at the edges of `chunks`: calls write(position, view) for every chunk that is whole by it, from where it
  /// lies when the box holds all of it, and first_kept() before a part is kept.
  template <class Write, class FirstKept>
  void pass_on(const ChunkGrid& chunks, const Box& box, const View& data, const Cancel& cancel, const Write& write, const FirstKept& first_kept) {
    if (box.empty()) return;
    const GridParts parts(box, chunks.chunk());
    for (Index i = 0; i < parts.count(); ++i) {
      cancel.check();
      const Dims at = parts.position(i);
      const Box chunk = chunks.box(chunks.index_of(at)), part = parts[i];
      const View view = data.part(relative_to(part, box));
      if (part == chunk) {
        write(at, view);
        continue;
      }
      first_kept();
      if (const auto whole = add(at, chunk, part, view)) write(at, whole->view);
    }
  }
  bool empty() const;
  void clear();

 private:
  mutable std::mutex mutex_;
  std::map<Dims, std::shared_ptr<Chunk>> chunks_;
};

}  // namespace freestone
