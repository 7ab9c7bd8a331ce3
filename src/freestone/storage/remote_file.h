/// RemoteFile: a file behind a URL, read by ranges of bytes.
///
/// Opening asks for its first bytes and learns its size and what tells this version from another (ETag, Last-Modified). Every later request
/// says which version it wants and every answer is compared with it: a file that changes while it is read is an error, never a mix. Small reads
/// (metadata) come out of blocks that are kept, some MiB for all files of the process; what is larger is read where it is wanted, see ReadBatch.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "freestone/storage/file.h"
#include "freestone/storage/remote_address.h"

namespace freestone {

struct HttpHead;

/// What tells a version of a remote file from another.
struct RemoteVersion {
  std::string etag, modified;  ///< as the server writes them, "" where it does not
  Index bytes = -1;

  /// The headers of a request for this version and no other.
  std::vector<std::string> conditions() const;
  /// @throws Error kind data: the answer is of another version
  void check(const std::string& name, const HttpHead& head, Index total) const;
};

/// The version of a file that is read; of one that was not asked for, that of the first answer. Thread-safe.
class RemoteVersionCell {
 public:
  explicit RemoteVersionCell(std::optional<RemoteVersion> version) : version_(std::move(version)) {}
  std::vector<std::string> conditions() const;
  /// @throws as RemoteVersion::check
  void check(const std::string& name, const HttpHead& head, Index total);

 private:
  mutable std::mutex mutex_;
  std::optional<RemoteVersion> version_;
};

class RemoteFile final : public File {
 public:
  /// @param tail_bytes above 0: the last bytes of the file are wanted first, not the first ones
  /// @throws Error kind io: not there, refused, no answer, naming the URL without secrets; kind user: a URL that cannot be, or a file that its server
  ///         does not give in parts and that is too large to be taken whole
  static std::shared_ptr<const File> open(const RemoteAddress& address, Index tail_bytes = 0);
  /// As `open`; null: there is no such file.
  static std::shared_ptr<const File> open_if_there(const RemoteAddress& address, Index tail_bytes = 0);
  /// Asks nothing yet: for ranges that somebody else has listed. Its size is not known (and so larger than any); its version is that of the first answer.
  static std::shared_ptr<const File> open_later(const RemoteAddress& address);

  ~RemoteFile() override;
  std::string location() const override { return address_.url(); }
  bool is_remote() const override { return true; }
  const RemoteAddress& address() const { return address_; }

  void read_pieces(Index offset, std::span<iovec> pieces) const override;
  std::unique_ptr<ReadInFlight> begin_pieces(Index offset, std::span<iovec> pieces) const override;
  /// Every answer is compared with the version that was opened.
  void check_unchanged() const override {}

 private:
  RemoteFile(RemoteAddress address, std::optional<RemoteVersion> version, Identity identity);
  /// Fills the pieces from blocks that are kept. False: some are not, and nothing was filled.
  bool fill_from_blocks(Index offset, std::span<iovec> pieces, Index bytes) const;
  void read_through_blocks(Index offset, std::span<iovec> pieces, Index bytes) const;
  std::unique_ptr<ReadInFlight> begin(Index offset, std::vector<iovec> pieces, Index bytes) const;

  RemoteAddress address_;
  std::shared_ptr<RemoteVersionCell> version_;
  bool is_known_;  // was asked for its size
  std::uint64_t number_;  // in the blocks that are kept
  /// The end of the file, when that was read first.
  std::vector<std::byte> tail_;
  mutable std::atomic<Index> next_block_{-1};  // where reading in order would go on
  mutable std::atomic<Index> ahead_{1};
};

/// Begins to read all of a file whose size nobody knows yet into `room`; `*bytes` becomes its size, -1 when there is no such file.
/// @param version takes the version that was read; one that is filled in already must be read
/// The read throws Error kind data: it is larger than `room`, or of another version.
std::unique_ptr<ReadInFlight> begin_whole(const RemoteAddress& address, std::span<std::byte> room, Index* bytes, RemoteVersion* version);

/// All of a small file; nothing when there is none.
/// @param version takes the version that was read
/// @throws Error kind data: it is larger than `most`
std::optional<std::string> read_text(const RemoteAddress& address, Index most, RemoteVersion* version = nullptr);
/// Asks for a byte of a file that is not empty.
/// @throws Error kind data: it has another version
void check_version(const RemoteAddress& address, const std::shared_ptr<RemoteVersionCell>& version);

/// The list of what lies in `folder`, a folder of a bucket, by names without the folder.
/// @throws Error kind io; kind data: the store's answer is none; kind user: more than `most` names
struct RemoteNames {
  std::vector<std::string> folders, files;
};
RemoteNames list_folder(const RemoteAddress& folder, std::size_t most);

}  // namespace freestone
