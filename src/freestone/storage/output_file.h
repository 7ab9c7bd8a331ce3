/// OutputFile: a file that gets its name when it is whole.
#pragma once

#include <atomic>
#include <mutex>
#include <span>
#include <string>

#include "freestone/base/quantity.h"

namespace freestone {

/// A temporary file `.NAME.freestone-tmp` beside its final name, locked while it is written. A temporary that nobody
/// holds (its writer was killed) is removed; one that somebody holds makes `create` fail. Until `finish`, what had the
/// final name before is untouched.
class OutputFile {
 public:
  OutputFile(std::string path, bool overwrite);
  /// Aborts what was not finished.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_; }

  /// Makes the temporary file, `bytes` long.
  /// @throws Error kind user: the output exists and may not be overwritten, is a folder, or another run is writing it;
  ///   kind io: the folder is missing or not writable, the disk lacks the room, the file would be larger than allowed
  void create(Index bytes);
  /// Instead of `create`: the temporary file that a killed run left, which is `bytes` long.
  /// @throws Error kind user: there is none, it has another length, the output exists and may not be overwritten, or another run is
  ///   writing it; kind io
  void resume(Index bytes);
  /// Instead of `create`: the temporary file that another process has created and holds; it is neither finished nor removed by this one.
  /// @throws Error kind io: it is not there
  void join();
  /// Lets go of the temporary file as it is, for another run to take up.
  void leave() noexcept;
  /// Beside the temporary file: `.NAME.freestone-journal`.
  std::string journal_path() const;
  /// Brings what was written to the disk.
  void flush();
  /// Thread-safe.
  /// @throws Error kind io
  void write_at(Index offset, std::span<const std::byte> bytes);
  /// Descriptor of the open temporary file, to write to.
  int descriptor() {
    untouched_ = false;
    return descriptor_;
  }
  /// Renames the temporary file to its final name; what was there is replaced only now.
  /// @throws Error kind user: a file of that name has appeared meanwhile and may not be overwritten; kind io
  void finish();
  /// Removes the temporary file; any number of times, at any time. One that was taken up and not written to stays as it was.
  void abort() noexcept;

 private:
  void check_final_name() const;
  /// The temporary file, open and locked; `flags` as of open(2).
  void open_locked(int flags, bool keep_contents);
  std::string path_, temporary_;
  bool overwrite_;
  int descriptor_ = -1;
  std::atomic<bool> untouched_ = false;  ///< taken up, and not written to
  std::atomic<bool> is_joined_ = false;  ///< another process's
  std::mutex closing_;
};

}  // namespace freestone
