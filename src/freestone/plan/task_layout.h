/// TaskLayout: where the values of one task lie in its memory, and what the task reads, touches and writes.
#pragma once

#include <vector>

#include "freestone/core/source.h"
#include "freestone/core/view.h"

namespace freestone {

struct TaskLayout {
  struct Value {
    Box box;
    Index offset = -1;  ///< in the task's memory; -1: memory of a source, or not made here
    Index bytes = 0;
    /// Not empty: the box does not lie in C order but as the units of the sink that it goes to (boxes of a grid that starts at the
    /// array's first element), each in C order by itself, in C order of their grid, `unit_bytes` apart. A sink encodes such a unit
    /// from where it lies; the scratch of its delivery is for one unit.
    Shape unit;
    Index unit_bytes = 0;
    Index unit_scratches = 1;  ///< equal parts of the scratch of its delivery: so many lanes begin at once
  };
  struct Input {
    Index encoded_offset = -1, encoded_bytes = 0;
    bool in_memory = false;
    /// Streamed: not fetched beforehand but read and decoded piece by piece, by as many free lanes as there are `piece_bytes` in
    /// the encoded memory. Pieces are boxes of a grid that starts at the array's first element. Empty: not streamed.
    Shape piece;
    Index piece_bytes = 0;
  };
  std::vector<Value> values;
  std::vector<Input> inputs;
  std::vector<Box> domains;                          ///< one a body node
  std::vector<bool> active;                          ///< one a body node: something of it is wanted
  std::vector<Index> scratch_offset, scratch_bytes;  ///< one a step
  Index task_bytes = 0;
  Index spare_bytes = 0;    ///< of `task_bytes`: for chunks that a cache has no room for, hardly ever touched
  Index touched_bytes = 0;  ///< moved through memory by all steps
  Index largest_step = 0;   ///< what one step reads and writes at most: between it and the next the caches must hold that
  ReadCost read;
  Index remote_requests = 0;  ///< those of `read` that go over a network
  Index read_bytes = 0;    ///< of elements, of all inputs that are read
  Index store_bytes = 0;   ///< of `read.bytes`, from temporary stores
  Index streamed = 0;      ///< of `read.decoded`
  Index stream_lanes = 1;  ///< lanes that can stream an input of the task at once
  Index bytes_written = 0, writes = 0;
  Index seeks = 0;  ///< blocks of temporary stores that are read or written: each lies elsewhere
  Index shared_written = 0;  ///< of `bytes_written`, what several lanes can write at once
  double nanoseconds = 0;
  double shared_nanoseconds = 0;  ///< of them, what several lanes can do at once
  Index shared_touched_bytes = 0;  ///< of `touched_bytes`, likewise
};

/// Where the unit that begins with `part` lies in the memory of a value that is laid out in units, and its view there.
View unit_view(const TaskLayout::Value& value, std::byte* memory, DType dtype, const Box& part);

}  // namespace freestone
