/// Arrays behind chunks in a temporary file, for tests.
#pragma once

#include "freestone/exec/compute.h"
#include "freestone/storage/temp_store.h"

namespace freestone {

/// The file lives as long as the array.
inline Array stored_in_blocks(const View& data, const Shape& block) {
  const TempStore store("/var/tmp", Spec{data.shape, data.dtype}, block);
  Sink& sink = *store.sink();
  sink.create();
  const Buffer memory(sink.scratch_bytes(Box(data.shape)) + 64);
  Scratch scratch(memory.bytes());
  sink.write(Box(data.shape), data, scratch, Cancel());
  return from_source(store.source());
}

}  // namespace freestone
