/// Shards: files that hold many chunks behind one index (Zarr's sharding_indexed codec).
#pragma once

#include <optional>
#include <vector>

#include "freestone/storage/chunk_map.h"
#include "freestone/storage/codec.h"

namespace freestone {

/// How a shard is laid out: the inner chunks anywhere, the index at the end or the start.
struct ShardLayout {
  Shape chunks;  ///< inner chunks along each axis
  ByteOrder order = ByteOrder::kLittle;
  CodecChain index_codecs;  ///< behind the numbers; of fixed size
  bool index_at_end = true;

  Index count() const { return element_count(chunks); }
  /// Bytes of the index as stored.
  Index index_bytes() const { return index_codecs.largest_encoded(count() * 16); }
};

/// Offset and size of each inner chunk, C order: two 64-bit numbers each, all bits set where there is none.
class ShardIndex {
 public:
  /// An index without chunks.
  explicit ShardIndex(Index count) : entries_(static_cast<std::size_t>(count)) {}
  /// Reads and checks the index of a shard: every chunk lies inside the file.
  /// @throws Error kind data, naming the file; kind io
  ShardIndex(const ByteReader& shard, const ShardLayout& layout);

  struct Entry {
    Index offset = -1, bytes = 0;
    bool exists() const { return offset >= 0; }
  };
  const Entry& operator[](Index inner) const { return entries_[static_cast<std::size_t>(inner)]; }
  void set(Index inner, Entry entry) { entries_[static_cast<std::size_t>(inner)] = entry; }
  /// As stored.
  std::vector<std::byte> encoded(const ShardLayout& layout) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace freestone
