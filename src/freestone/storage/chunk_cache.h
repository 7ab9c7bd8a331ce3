/// ChunkCache: decoded chunks of one run, within a limit of bytes.
///
/// Tiles whose halos cross the edges of chunks want the same chunks again. The first lane that asks for a chunk reads it, the first
/// that needs its elements decodes it, others wait for work that is running already, never for work that is only queued: with one
/// lane or many there is no deadlock. What is in use (from fetch to decode of a tile) stays; of the rest the least recently used
/// goes when room is needed. A chunk that finds no room is read and decoded by its tile alone, as without a cache.
///
/// Who would wait for a chunk that another lane decodes may decode one that later tiles want: `in_the_meantime`, `take_ahead`.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/storage/codec.h"

namespace freestone {

class ChunkCache {
 public:
  /// @param limit_bytes of everything that it holds; the caller has leased them
  /// @param ahead_bytes of them for chunks that nobody has asked for yet
  explicit ChunkCache(Index limit_bytes, Index ahead_bytes = 0);
  ~ChunkCache();
  ChunkCache(const ChunkCache&) = delete;
  ChunkCache& operator=(const ChunkCache&) = delete;

  /// A chunk that is held by somebody between `take` and `give_back`.
  class Entry;

  /// The chunk `number` of `source`, held; null when there is no room for it. The first to ask calls `read`, which fills the start of the
  /// `encoded_bytes` that it is given and returns how much, or -1 for a chunk that was never written; others wait for it.
  /// @throws what `read` throws, once for each that asks
  Entry* take(const void* source, Index number, Index encoded_bytes, Index raw_bytes, const std::function<Index(Bytes)>& read);
  /// The raw bytes of a held chunk; empty when it was never written. The first to ask calls `decode`. While somebody else does: waits, or
  /// gives nothing, so that the caller can do something else meanwhile.
  /// @throws what `decode` throws, once for each that asks
  std::optional<ConstBytes> raw(Entry& entry, bool waits, const std::function<void(ConstBytes encoded, Bytes raw)>& decode);
  void give_back(Entry& entry);

  /// As `take`, of a chunk that no tile has asked for yet: null when it is there already, or there is no room.
  Entry* take_ahead(const void* source, Index number, Index encoded_bytes, Index raw_bytes, const std::function<Index(Bytes)>& read);
  bool has_room_ahead() const;
  /// What to do instead of waiting; set before lanes use the cache. It is given memory that it may use, and false says that there is nothing.
  void do_in_the_meantime(std::function<bool(Bytes)> work) { meantime_ = std::move(work); }
  bool in_the_meantime(Bytes scratch) const { return meantime_ && meantime_(scratch); }

  Index bytes() const;
  /// Chunks that were there when asked for, and that had to be read.
  Index hits() const;
  Index misses() const;

 private:
  struct Key {
    const void* source;
    Index number;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  /// Memory of encoded bytes that are decoded, as far as it was touched: fresh memory is dear.
  struct Spare {
    Buffer memory;
    Index touched = 0;
  };
  /// @param raw becomes memory of `raw_bytes` that went out of use on the way, if there was some
  bool make_room(Index bytes, Index raw_bytes, Buffer& raw);
  void charge(Entry& entry, Index bytes);
  void drop(Entry& entry);
  /// Reads a chunk that is not there into an entry of its own; called with the lock held, which it gives up meanwhile.
  Entry* read_new(std::unique_lock<std::mutex>& lock, const Key& key, Index encoded_bytes, Index raw_bytes, bool is_ahead,
                  const std::function<Index(Bytes)>& read);
  void set_ahead(Entry& entry, bool is_ahead);

  const Index limit_, most_ahead_;
  std::function<bool(Bytes)> meantime_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Index bytes_ = 0, ahead_ = 0, hits_ = 0, misses_ = 0;
  std::unordered_map<Key, std::unique_ptr<Entry>, Hash> entries_;
  std::list<Entry*> unused_;  // the least recently used first
  std::vector<Spare> spares_;
};

}  // namespace freestone
