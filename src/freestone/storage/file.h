/// Files by position: reading what is there, and writing outputs that get their name only when whole.
///
/// Everything is pread and pwrite at explicit offsets, from any thread: mapped pages would count as resident memory, and
/// a file cut short under a map is a crash instead of an error. A ByteReader is anything with a size and bytes at
/// offsets, so that metadata parsers run on files and on memory alike.
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

/// A file open for reading. Thread-safe.
class File final : public ByteReader {
 public:
  /// @throws Error kind io naming the path: missing, a folder, not a regular file, no permission
  static std::shared_ptr<const File> open(const std::string& path);
  /// Takes over `descriptor`, a file without a name such as a temporary store's, whose contents may change.
  static std::shared_ptr<const File> adopt(int descriptor, std::string name, Index size);
  /// The same, of a copy that stands for the file `identity`; its size is `identity.bytes`.
  static std::shared_ptr<const File> adopt(int descriptor, Identity identity);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& name() const override { return identity_.path; }
  Index size() const override { return identity_.bytes; }
  /// As it was when the file was opened.
  const Identity& identity() const { return identity_; }

  void read_exactly(Index offset, std::span<std::byte> out) const override;
  /// Fills the pieces one after another from `offset` on, in as few system calls as can be. The pieces are used up.
  /// @throws Error as `read_exactly`
  void read_pieces(Index offset, std::span<iovec> pieces) const;
  /// @throws Error kind data: size or time of change differ from those at opening
  void check_unchanged() const;
  int descriptor() const { return descriptor_; }

 private:
  File(int descriptor, Identity identity, bool watched) : descriptor_(descriptor), identity_(std::move(identity)), watched_(watched) {}
  int descriptor_;
  Identity identity_;
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
