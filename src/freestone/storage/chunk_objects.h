/// ChunkObjects: chunks, or shards of chunks, as files below a URL, named by their position.
#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <unordered_map>

#include "freestone/storage/chunk_files.h"
#include "freestone/storage/remote_file.h"

namespace freestone {

class ChunkObjects final : public ChunkFiles {
 public:
  /// @param folder   the array's
  /// @param document a file below `document_folder` that describes it, and its version when it was read: looked at again from time to time
  ChunkObjects(const RemoteAddress& folder, RemoteAddress document, RemoteVersion version, Identity identity, ChunkKey key, std::optional<ShardLayout> shards);

  bool is_remote() const override { return true; }
  bool finds_slowly() const override { return true; }
  bool reads_whole() const override { return !shards(); }
  /// A chunk that was read before must be what it was.
  std::unique_ptr<ReadInFlight> begin_chunk(const Dims& position, std::span<std::byte> room, Index* bytes) const override;
  void check_unchanged() const override;

 protected:
  std::shared_ptr<const File> open(const Dims& position) const override;

 private:
  class Read;
  /// Notes the version of a chunk, or compares it with the one that was noted.
  void note(const std::string& key, const RemoteVersion& version) const;

  RemoteAddress folder_, document_;
  std::shared_ptr<RemoteVersionCell> version_;
  mutable std::atomic<std::chrono::steady_clock::duration> looked_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, std::uint64_t> seen_;  // chunks, by what tells their versions apart
};

}  // namespace freestone
