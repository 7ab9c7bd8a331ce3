/// AnonymousFile: room on a disk for the length of a run.
#pragma once

#include <span>
#include <string>

#include "freestone/base/quantity.h"

namespace freestone {

/// A file in `folder` that has no name, so that nothing is left however the process ends. The caller closes it.
/// @throws Error kind io: the folder is missing or not writable
int open_anonymous(const std::string& folder);

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
