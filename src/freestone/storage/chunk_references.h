/// ChunkReferences: chunks at listed places of many files, each opened when it is needed (kerchunk references).
#pragma once

#include <list>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "freestone/core/chunk_grid.h"
#include "freestone/storage/chunk_map.h"
#include "freestone/storage/remote_options.h"

namespace freestone {

/// Where the bytes of one chunk are.
struct ChunkReference {
  static constexpr std::int32_t kInline = -1;
  static constexpr Index kWholeFile = -1;
  std::int32_t file = kInline;  ///< a number of OpenFiles, or kInline: in the file of what stands in the list itself
  Index offset = 0;
  Index bytes = kWholeFile;
};

/// Files by number, of which the last used stay open. Those behind URLs are reached as the thread that makes this reaches them. Thread-safe.
class OpenFiles {
 public:
  explicit OpenFiles(std::vector<std::string> paths);
  /// Some are behind URLs.
  bool is_remote() const { return options_ != nullptr; }
  const std::string& path(std::int32_t number) const { return paths_[static_cast<std::size_t>(number)]; }
  /// What a reference names, looked at. @param name of the array, for messages
  /// @throws Error as `open`; kind data: the chunk does not lie inside its file
  StoredChunk chunk(const ChunkReference& place, const std::string& name, const Dims& position) const;
  /// @param asks_size false: of a file behind a URL the size is not asked for, see RemoteFile::open_later
  /// @throws Error as File::open
  std::shared_ptr<const File> open(std::int32_t number, bool asks_size = true) const;

 private:
  struct Open {
    std::int64_t number;
    std::shared_ptr<const File> file;
  };
  std::vector<std::string> paths_;
  RemoteOptionsRef options_;
  mutable std::mutex mutex_;
  mutable std::list<Open> open_;  // the last used first
  mutable std::unordered_map<std::int64_t, std::list<Open>::iterator> by_number_;
};

class ChunkReferences final : public ChunkMap {
 public:
  /// @param name    of the array, for messages: "refs.json: tas"
  /// @param list    the file that the references were read from
  /// @param inlined what stands in it itself
  /// @param chunks  by their C-order number in `grid`; what is not there is fill
  ChunkReferences(std::string name, ChunkGrid grid, std::shared_ptr<const File> list, std::shared_ptr<const OpenFiles> files,
                  std::shared_ptr<const File> inlined, std::map<Index, ChunkReference> chunks);

  /// @throws Error kind io: the file is not there; kind data: the chunk does not lie inside it
  StoredChunk find(const Dims& position) const override;
  bool is_remote() const override { return files_->is_remote(); }
  bool finds_slowly() const override { return files_->is_remote() && has_whole_files_; }
  std::string name_of(const Dims& position) const override;
  Identity identity() const override { return list_->identity(); }
  void check_unchanged() const override { list_->check_unchanged(); }

 private:
  std::string name_;
  ChunkGrid grid_;
  std::shared_ptr<const File> list_;
  std::shared_ptr<const OpenFiles> files_;
  std::shared_ptr<const File> inlined_;
  std::map<Index, ChunkReference> chunks_;
  bool has_whole_files_ = false;
};

}  // namespace freestone
