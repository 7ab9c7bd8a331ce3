/// The HDF5 library as Freestone uses it: one lane, read-only files, errors as Errors.
///
/// The library is one big shared state: every call is made by whoever holds the LibraryLane, one thread of the process at a time. Files
/// are opened through a driver of our own that reads from a File. It serves the metadata, and while a ReadLog is taken it writes down
/// where raw data would be read from instead of reading them: that is how chunks are found (see hdf5_chunks.cpp).
#pragma once

// The calls of 1.10 are there in every later release.
#ifndef H5_USE_110_API
#define H5_USE_110_API
#endif
#include <hdf5.h>

#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "freestone/storage/file.h"

namespace freestone::formats::hdf5 {

/// Held while the library is called.
class LibraryLane {
 public:
  LibraryLane();

 private:
  std::lock_guard<std::mutex> lock_;
};

/// Owns an identifier of the library; the lane is held where one goes.
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t id() const { return id_; }
  /// It is the caller's to close.
  hid_t release() { return std::exchange(id_, -1); }
  explicit operator bool() const { return id_ >= 0; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// Registers a file driver, which has its name, its functions and the size of what it is told about a file; what all of ours share is filled in.
hid_t register_driver(H5FD_class_t& driver);

/// The innermost words of the call that failed last, and forgets them. Throws why the file could not be read, when that was it.
std::string take_library_error();

/// What the library's words mean when it met what only later releases know, and what helps, as the end of a sentence; "": something else.
std::string later_form(std::string_view words);

/// Throws kind data: "FILE: WHERE: WHAT", and the library's own words; or why the file could not be read, as `take_library_error`.
[[noreturn]] void fail_in_library(const std::string& file, std::string_view where, std::string_view what);

/// A read of raw data that was not made.
struct LoggedRead {
  Index offset = 0, bytes = 0;  ///< from the start of the file
};

/// An HDF5 file open in the library, for as long as this lives; the lane is held where it is made and where it goes.
class LibraryFile {
 public:
  /// @throws Error kind data: no HDF5 file, damaged, or cut short
  explicit LibraryFile(std::shared_ptr<const File> file);
  LibraryFile(const LibraryFile&) = delete;
  LibraryFile& operator=(const LibraryFile&) = delete;

  hid_t id() const { return handle_.id(); }
  const File& file() const { return *file_; }
  const std::shared_ptr<const File>& shared_file() const { return file_; }
  const std::string& name() const { return file_->name(); }
  /// Where addresses count from: behind a block of somebody else's.
  Index base() const { return base_; }
  /// Bytes of an address, and of a length, as they are stored.
  std::size_t address_bytes() const { return address_bytes_; }
  std::size_t length_bytes() const { return length_bytes_; }

  /// From now on reads of raw data are logged and not made, until `stop_log`.
  void start_log();
  void stop_log();
  /// The read since this was asked last; none: there was no read.
  std::optional<LoggedRead> take_logged() { return std::exchange(log_.last, std::nullopt); }

  struct Log {
    bool is_on = false;
    std::optional<LoggedRead> last;
    bool has_wide_sizes = false;  ///< lengths are 8 bytes in this file, as everywhere but in theory
  };

 private:
  std::shared_ptr<const File> file_;
  Log log_;
  Handle handle_;
  Index base_ = 0;
  std::size_t address_bytes_ = 8, length_bytes_ = 8;
};

/// Offset of the superblock (0, 512, 1024, 2048 ...), or none: no HDF5 file.
std::optional<Index> find_superblock(const ByteReader& reader);

}  // namespace freestone::formats::hdf5
