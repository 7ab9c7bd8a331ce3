/// ChunkFiles: chunks, or shards of chunks, as files in a folder, named by their position.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>

#include "freestone/storage/chunk_map.h"
#include "freestone/storage/chunk_shard.h"

namespace freestone {

/// The path, below the array's folder, of the file at a position of the grid of files.
using ChunkKey = std::function<std::string(const Dims& position)>;

class ChunkFiles : public ChunkMap {
 public:
  /// @param folder   the array's
  /// @param metadata file that describes it: when that one is another, so are the chunks
  /// @param identity of the array as it was opened: that of `metadata`, under the path of the folder
  /// @param shards   none: a file is a chunk
  ChunkFiles(std::string folder, std::string metadata, Identity identity, ChunkKey key, std::optional<ShardLayout> shards = std::nullopt);

  StoredChunk find(const Dims& position) const override;
  std::string name_of(const Dims& position) const override;
  Identity identity() const override { return identity_; }
  void check_unchanged() const override;

 protected:
  /// The file at a position of the grid of files; null: there is none.
  virtual std::shared_ptr<const File> open(const Dims& position) const;
  /// The path of that file below the folder.
  std::string key(const Dims& position) const { return key_(position); }
  const std::optional<ShardLayout>& shards() const { return shards_; }

 private:
  struct Shard {
    std::shared_ptr<const File> file;
    ShardIndex index;
  };
  /// The shard at a position of the grid of shards; null when it was never written. The last few used stay open.
  std::shared_ptr<const Shard> shard(const Dims& position) const;
  Dims file_position(const Dims& position) const;

  std::string folder_, metadata_;
  Identity identity_;
  ChunkKey key_;
  std::optional<ShardLayout> shards_;
  std::size_t most_open_ = 0;
  struct Open {
    Dims position;
    std::shared_ptr<const Shard> shard;
  };
  mutable std::mutex mutex_;
  mutable std::list<Open> open_;  // the last used first
  mutable std::map<Dims, std::list<Open>::iterator> by_position_;
};

}  // namespace freestone
