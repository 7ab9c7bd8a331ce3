/// Files without names, gone with who holds them: room on a disk for the length of a run (AnonymousFile), and Files that are read as others are.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "freestone/base/quantity.h"

namespace freestone {

class LocalFile;

/// A file in `folder` that has no name, so that nothing is left however the process ends. The caller closes it.
/// @throws Error kind io: the folder is missing or not writable
int open_anonymous(const std::string& folder);

/// The same as a File, empty or `bytes` long as far as readers are told. `name` is for people.
/// @throws Error as `open_anonymous`
std::shared_ptr<const LocalFile> anonymous_file(const std::string& folder, std::string name, Index bytes = 0);

/// A File that holds these bytes in memory.
/// @throws Error kind io
std::shared_ptr<const LocalFile> file_in_memory(std::string name, std::string_view bytes);

/// Bytes that do not fit in memory, read back by who wrote them. Thread-safe.
class AnonymousFile {
 public:
  /// @param what it is for, in messages: "out.tif"
  /// @throws Error as `open_anonymous`
  AnonymousFile(const std::string& folder, std::string what);
  ~AnonymousFile();
  AnonymousFile(const AnonymousFile&) = delete;
  AnonymousFile& operator=(const AnonymousFile&) = delete;

  /// @throws Error kind io: the disk is full, or what else the system says
  void write_at(Index offset, std::span<const std::byte> bytes);
  /// @throws Error kind io
  void read_at(Index offset, std::span<std::byte> bytes) const;
  /// Gives the bytes before `offset`, whole blocks of them, back to the disk where the file system can.
  void forget_before(Index offset);

 private:
  int descriptor_;
  std::string name_;
};

}  // namespace freestone
