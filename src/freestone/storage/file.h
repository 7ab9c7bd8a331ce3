/// Files by position: reading what is there, and writing outputs that get their name only when whole.
///
/// Everything is read and written at explicit offsets, from any thread: mapped pages would count as resident memory, and
/// a file cut short under a map is a crash instead of an error. A ByteReader is anything with a size and bytes at
/// offsets, so that metadata parsers run on files and on memory alike. A File is one that stays what it was when it was opened, wherever it
/// is: LocalFile on a disk of this machine, RemoteFile (storage/remote_file.h) behind a URL.
#pragma once

#include <sys/uio.h>

#include <memory>
#include <span>
#include <string>

#include "freestone/core/source.h"

namespace freestone {

class ByteReader {
 public:
  virtual ~ByteReader() = default;
  /// Name for people: the path.
  virtual const std::string& name() const = 0;
  virtual Index size() const = 0;
  /// Fills `out` from `offset` on.
  /// @throws Error kind data: the file ends before, naming file and offset; kind io
  virtual void read_exactly(Index offset, std::span<std::byte> out) const = 0;
};

/// Bytes in memory under a name; owns nothing.
class MemoryReader final : public ByteReader {
 public:
  MemoryReader(std::string name, std::span<const std::byte> bytes) : name_(std::move(name)), bytes_(bytes) {}
  const std::string& name() const override { return name_; }
  Index size() const override { return static_cast<Index>(bytes_.size()); }
  void read_exactly(Index offset, std::span<std::byte> out) const override;

 private:
  std::string name_;
  std::span<const std::byte> bytes_;
};

class ReadInFlight;

/// A file open for reading. Thread-safe.
class File : public ByteReader {
 public:
  /// @param path of this machine, or a URL
  /// @throws Error kind io naming the path: missing, a folder, not a regular file, no permission
  static std::shared_ptr<const File> open(const std::string& path);
  /// Takes over `descriptor`, a file without a name such as a temporary store's, whose contents may change.
  static std::shared_ptr<const File> adopt(int descriptor, std::string name, Index size);
  /// The same, of a copy that stands for the file `identity`; its size is `identity.bytes`.
  static std::shared_ptr<const File> adopt(int descriptor, Identity identity);
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& name() const override { return identity_.path; }
  Index size() const override { return identity_.bytes; }
  /// What opens it again, from any folder: a path from the root, or a URL with everything in it, which `name` may leave out (passwords).
  virtual std::string location() const;
  /// As it was when the file was opened.
  const Identity& identity() const { return identity_; }
  /// Each request takes long, and several at a time take no longer: see ReadBatch.
  virtual bool is_remote() const { return false; }

  void read_exactly(Index offset, std::span<std::byte> out) const override;
  /// Fills the pieces one after another from `offset` on, in as few requests as can be. The pieces are used up. A piece without memory is
  /// read over, where the file is remote.
  /// @throws Error as `read_exactly`
  virtual void read_pieces(Index offset, std::span<iovec> pieces) const = 0;
  /// Begins to do what `read_pieces` does; null: it is done. The memory of the pieces must stay until the read has ended.
  virtual std::unique_ptr<ReadInFlight> begin_pieces(Index offset, std::span<iovec> pieces) const;
  /// @throws Error kind data: it is not what it was at opening, by size and time of change
  virtual void check_unchanged() const = 0;

 protected:
  explicit File(Identity identity) : identity_(std::move(identity)) {}

 private:
  Identity identity_;
};

/// A read that goes on by itself.
class ReadInFlight {
 public:
  /// Ends the read, if it has not ended: afterwards nothing is written to its memory.
  virtual ~ReadInFlight() = default;
  /// @throws Error as File::read_exactly; cancelled
  virtual void wait(const Cancel& cancel) = 0;
};

class LocalFile final : public File {
 public:
  /// As File::open, of a path of this machine, and File::adopt.
  static std::shared_ptr<const LocalFile> open(const std::string& path);
  static std::shared_ptr<const LocalFile> adopt(int descriptor, std::string name, Index size);
  static std::shared_ptr<const LocalFile> adopt(int descriptor, Identity identity);
  ~LocalFile() override;

  void read_pieces(Index offset, std::span<iovec> pieces) const override;
  void check_unchanged() const override;
  int descriptor() const { return descriptor_; }

 private:
  LocalFile(int descriptor, Identity identity, bool watched) : File(std::move(identity)), descriptor_(descriptor), watched_(watched) {}
  int descriptor_;
  bool watched_;
};

/// Writes all of `bytes` at `offset` of an open file; `name` is for the message.
/// @throws Error kind io: disk full, file size limit, or what else the system says
void write_exactly(int descriptor, const std::string& name, Index offset, std::span<const std::byte> bytes);

/// @throws Error kind io, "needs 1.2 GiB, /x has 300 MiB free", when the file system of `folder` lacks the room
void check_free_space(const std::string& folder, Index bytes, const std::string& what);

/// Sets the length of an open file.
/// @throws Error kind io: more than the file system or a limit of the process (ulimit -f) lets a file have
void set_length(int descriptor, const std::string& name, Index bytes);

/// Sets the length of an open file and takes its blocks from the disk at once, where the file system can.
/// @throws Error as `set_length`, and kind io: disk full
void reserve(int descriptor, const std::string& name, Index bytes);

/// Something of this name is there, whatever it is.
bool exists(const std::string& path);

/// The folder part of a path, "." when there is none.
std::string folder_of(const std::string& path);

}  // namespace freestone
