#include "freestone/storage/chunk_cache.h"

#include <algorithm>
#include <utility>

namespace freestone {
namespace {

constexpr Index kSparesShare = 16;  // of the limit, for memory that nothing is in

}  // namespace

class ChunkCache::Entry {
 public:
  enum class State { kReading, kEncoded, kDecoding, kRaw, kAbsent };
  Key key{};
  State state = State::kReading;
  int holders = 0;
  bool is_ahead = false;  // no tile has asked for it
  Index charged = 0, raw_bytes = 0, encoded_size = 0;
  Spare encoded;
  Buffer raw;
  std::list<Entry*>::iterator place;  // in unused_, when nobody holds it
};

ChunkCache::ChunkCache(Index limit_bytes, Index ahead_bytes) : limit_(limit_bytes), most_ahead_(ahead_bytes) {}
ChunkCache::~ChunkCache() = default;

std::size_t ChunkCache::Hash::operator()(const Key& key) const {
  return std::hash<const void*>()(key.source) ^ (static_cast<std::size_t>(key.number) * 0x9e3779b97f4a7c15u);
}

Index ChunkCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}
Index ChunkCache::hits() const {
  const std::lock_guard lock(mutex_);
  return hits_;
}
Index ChunkCache::misses() const {
  const std::lock_guard lock(mutex_);
  return misses_;
}

/// Called with the lock held.
void ChunkCache::set_ahead(Entry& entry, bool is_ahead) {
  if (entry.is_ahead == is_ahead) return;
  entry.is_ahead = is_ahead;
  ahead_ += is_ahead ? entry.raw_bytes : -entry.raw_bytes;
}

bool ChunkCache::has_room_ahead() const {
  const std::lock_guard lock(mutex_);
  return ahead_ < most_ahead_;
}

/// Called with the lock held, for an entry that is in no list.
void ChunkCache::drop(Entry& entry) {
  set_ahead(entry, false);
  bytes_ -= entry.charged;
  entries_.erase(entry.key);
}

/// Called with the lock held.
void ChunkCache::charge(Entry& entry, Index bytes) {
  bytes_ += bytes - entry.charged;
  entry.charged = bytes;
}

/// Called with the lock held.
bool ChunkCache::make_room(Index bytes, Index raw_bytes, Buffer& raw) {
  if (bytes > limit_) return false;
  while (bytes_ + bytes > limit_ && !unused_.empty()) {
    Entry& oldest = *unused_.front();
    unused_.pop_front();
    if (oldest.raw.size() == raw_bytes) raw = std::move(oldest.raw);
    drop(oldest);
  }
  while (bytes_ + bytes > limit_ && !spares_.empty()) {
    bytes_ -= spares_.back().touched;
    spares_.pop_back();
  }
  return bytes_ + bytes <= limit_;
}

ChunkCache::Entry* ChunkCache::take(const void* source, Index number, Index encoded_bytes, Index raw_bytes,
                                    const std::function<Index(Bytes)>& read) {
  const Key key{source, number};
  std::unique_lock lock(mutex_);
  while (true) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) break;
    Entry& entry = *found->second;
    if (entry.state == Entry::State::kReading) {
      // It may be gone when its reader has failed: looked up anew.
      changed_.wait(lock);
      continue;
    }
    if (entry.holders++ == 0) unused_.erase(entry.place);
    set_ahead(entry, false);
    ++hits_;
    return &entry;
  }
  return read_new(lock, key, encoded_bytes, raw_bytes, false, read);
}

ChunkCache::Entry* ChunkCache::take_ahead(const void* source, Index number, Index encoded_bytes, Index raw_bytes,
                                          const std::function<Index(Bytes)>& read) {
  const Key key{source, number};
  std::unique_lock lock(mutex_);
  if (ahead_ >= most_ahead_ || entries_.count(key) > 0) return nullptr;
  return read_new(lock, key, encoded_bytes, raw_bytes, true, read);
}

ChunkCache::Entry* ChunkCache::read_new(std::unique_lock<std::mutex>& lock, const Key& key, Index encoded_bytes, Index raw_bytes, bool is_ahead,
                                        const std::function<Index(Bytes)>& read) {
  Buffer raw;
  if (!make_room(encoded_bytes + raw_bytes, raw_bytes, raw)) return nullptr;
  ++misses_;
  Entry& entry = *entries_.emplace(key, std::make_unique<Entry>()).first->second;
  entry.key = key;
  entry.holders = 1;
  entry.raw_bytes = raw_bytes;
  set_ahead(entry, is_ahead);
  entry.raw = std::move(raw);
  if (!spares_.empty() && spares_.back().memory.size() == encoded_bytes) {
    entry.encoded = std::move(spares_.back());
    bytes_ -= entry.encoded.touched;
    spares_.pop_back();
  }
  entry.charged = encoded_bytes + raw_bytes;
  bytes_ += entry.charged;
  lock.unlock();
  try {
    if (entry.encoded.memory.size() == 0) entry.encoded.memory = Buffer(encoded_bytes);
    entry.encoded_size = read(entry.encoded.memory.bytes());
  } catch (...) {
    lock.lock();
    drop(entry);
    changed_.notify_all();
    throw;
  }
  lock.lock();
  entry.state = entry.encoded_size < 0 ? Entry::State::kAbsent : Entry::State::kEncoded;
  if (entry.state == Entry::State::kAbsent) {
    entry.encoded = {};
    entry.raw = Buffer();
    charge(entry, 0);
  } else {
    entry.encoded.touched = std::max(entry.encoded.touched, entry.encoded_size);
    charge(entry, entry.encoded.touched + raw_bytes);  // pages that nothing was read into are none
  }
  changed_.notify_all();
  return &entry;
}

std::optional<ConstBytes> ChunkCache::raw(Entry& entry, bool waits, const std::function<void(ConstBytes, Bytes)>& decode) {
  std::unique_lock lock(mutex_);
  while (entry.state == Entry::State::kDecoding) {
    if (!waits) return std::nullopt;
    changed_.wait(lock);
  }
  if (entry.state == Entry::State::kAbsent) return ConstBytes();
  if (entry.state == Entry::State::kEncoded) {
    entry.state = Entry::State::kDecoding;
    lock.unlock();
    try {
      if (entry.raw.size() == 0) entry.raw = Buffer(entry.raw_bytes);
      decode(entry.encoded.memory.bytes().first(static_cast<std::size_t>(entry.encoded_size)), entry.raw.bytes());
    } catch (...) {
      lock.lock();
      entry.state = Entry::State::kEncoded;  // whoever waits tries, and gets the same error
      changed_.notify_all();
      throw;
    }
    lock.lock();
    entry.state = Entry::State::kRaw;
    charge(entry, entry.raw_bytes);
    // A few are enough: what they take decoded chunks cannot have.
    Spare spare = std::exchange(entry.encoded, {});
    if (spares_.empty() || spare.touched * static_cast<Index>(spares_.size() + 1) <= limit_ / kSparesShare) {
      bytes_ += spare.touched;
      spares_.push_back(std::move(spare));
    }
    changed_.notify_all();
  }
  return entry.raw.bytes();
}

void ChunkCache::give_back(Entry& entry) {
  const std::lock_guard lock(mutex_);
  if (--entry.holders == 0) entry.place = unused_.insert(unused_.end(), &entry);
}

}  // namespace freestone
