#include "freestone/storage/chunk_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace freestone {
namespace {

// Shards that stay open, and the memory of their indices.
constexpr Index kOpenShards = 64;
constexpr Index kIndexBytes = Index{16} << 20;

}  // namespace

ChunkFiles::ChunkFiles(std::string folder, std::string metadata, Identity identity, ChunkKey key, std::optional<ShardLayout> shards)
    : folder_(std::move(folder)),
      metadata_(std::move(metadata)),
      identity_(std::move(identity)),
      key_(std::move(key)),
      shards_(std::move(shards)) {
  if (shards_)
    most_open_ = static_cast<std::size_t>(std::clamp<Index>(kIndexBytes / std::max<Index>(1, shards_->count() * 16), 2, kOpenShards));
}

Dims ChunkFiles::file_position(const Dims& position) const {
  Dims out = position;
  if (shards_) {
    for (int k = 0; k < position.rank(); ++k) out[k] /= shards_->chunks[k];
  }
  return out;
}

std::string ChunkFiles::name_of(const Dims& position) const { return folder_ + "/" + key_(file_position(position)); }

std::shared_ptr<const File> ChunkFiles::open(const Dims& position) const {
  const std::string path = folder_ + "/" + key_(position);
  // Asked first: most absent chunks have no file at all, and only that means fill.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) return nullptr;
  return File::open(path);
}

std::shared_ptr<const ChunkFiles::Shard> ChunkFiles::shard(const Dims& position) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = by_position_.find(position); found != by_position_.end()) {
      open_.splice(open_.begin(), open_, found->second);
      return open_.front().shard;
    }
  }
  const auto file = open(position);
  if (!file) return nullptr;
  auto fresh = std::make_shared<const Shard>(Shard{file, ShardIndex(*file, *shards_)});
  const std::lock_guard lock(mutex_);
  if (by_position_.contains(position)) return by_position_[position]->shard;
  open_.push_front({position, fresh});
  by_position_[position] = open_.begin();
  if (open_.size() > most_open_) {
    by_position_.erase(open_.back().position);
    open_.pop_back();
  }
  return fresh;
}

StoredChunk ChunkFiles::find(const Dims& position) const {
  const Dims at = file_position(position);
  if (!shards_) {
    const auto file = open(at);
    if (!file) return {};
    return {file, 0, file->size()};
  }
  const auto shard = this->shard(at);
  if (!shard) return {};
  Index inner = 0;
  for (int k = 0; k < position.rank(); ++k) inner = inner * shards_->chunks[k] + position[k] % shards_->chunks[k];
  const ShardIndex::Entry& entry = shard->index[inner];
  if (!entry.exists()) return {};
  return {shard->file, entry.offset, entry.bytes};
}

void ChunkFiles::check_unchanged() const {
  struct stat status {};
  const bool there = stat(metadata_.c_str(), &status) == 0;
  const Index modified = Index{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (!there || status.st_size != identity_.bytes || static_cast<Index>(status.st_ino) != identity_.inode ||
      modified != identity_.modified_ns) {
    fail(ErrorKind::kData, "{}: changed while it was being read: its {} is {}. Run again when nothing writes to it.", folder_,
         metadata_.substr(metadata_.rfind('/') + 1), there ? "another one" : "gone");
  }
}

}  // namespace freestone
