#include "freestone/storage/chunk_objects.h"

#include <functional>

namespace freestone {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenLooks = std::chrono::seconds(5);
// Of some 100 bytes each; of what comes behind them nobody knows whether it is still the same.
constexpr std::size_t kMostSeen = 200'000;

}  // namespace

ChunkObjects::ChunkObjects(const RemoteAddress& folder, RemoteAddress document, RemoteVersion version, Identity identity, ChunkKey key,
                           std::optional<ShardLayout> shards)
    : ChunkFiles(folder.shown(), document.shown(), std::move(identity), std::move(key), std::move(shards)),
      folder_(folder),
      document_(std::move(document)),
      version_(std::make_shared<RemoteVersionCell>(std::move(version))),
      looked_(Clock::now().time_since_epoch()) {}

std::shared_ptr<const File> ChunkObjects::open(const Dims& position) const {
  return RemoteFile::open_if_there(folder_.below(key(position)), shards() && shards()->index_at_end ? shards()->index_bytes() : 0);
}

/// A read that notes which version it took.
class ChunkObjects::Read final : public ReadInFlight {
 public:
  Read(const ChunkObjects& map, std::string key, std::span<std::byte> room, Index* bytes)
      : map_(map), key_(std::move(key)), bytes_(bytes), read_(begin_whole(map.folder_.below(key_), room, bytes, &version_)) {}
  void wait(const Cancel& cancel) override {
    read_->wait(cancel);
    map_.note(key_, *bytes_ < 0 ? RemoteVersion() : version_);
  }

 private:
  const ChunkObjects& map_;
  std::string key_;
  Index* bytes_;
  RemoteVersion version_;
  std::unique_ptr<ReadInFlight> read_;  // goes first: it fills what is before it
};

std::unique_ptr<ReadInFlight> ChunkObjects::begin_chunk(const Dims& position, std::span<std::byte> room, Index* bytes) const {
  return std::make_unique<Read>(*this, key(position), room, bytes);
}

void ChunkObjects::note(const std::string& key, const RemoteVersion& version) const {
  const std::uint64_t mark = std::hash<std::string>()(fmt::format("{} {} {}", version.etag, version.etag.empty() ? version.modified : "", version.bytes));
  const std::lock_guard lock(mutex_);
  if (const auto found = seen_.find(key); found != seen_.end()) {
    if (found->second == mark) return;
    fail(ErrorKind::kData, "{}/{}: changed while the array was being read. Run again when nothing writes to it.", folder_.shown(), key);
  }
  if (seen_.size() < kMostSeen) seen_.emplace(key, mark);
}

void ChunkObjects::check_unchanged() const {
  const auto now = Clock::now().time_since_epoch();
  auto last = looked_.load();
  if (now - last < kBetweenLooks || !looked_.compare_exchange_strong(last, now)) return;
  check_version(document_, version_);
}

}  // namespace freestone
