/// OutputFolder: a folder of files that gets its name when it is whole.
#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone {

/// A temporary folder `.NAME.freestone-tmp` beside its final name, locked while it is written, by the rules of OutputFile. What had the
/// final name before is untouched until `finish` exchanges the two at once. A folder is replaced only when it is known to be the
/// same kind of output, by one of its files.
class OutputFolder {
 public:
  /// @param path  with or without a slash at the end
  /// @param marks names of files that say that a folder may be replaced
  OutputFolder(std::string path, bool overwrite, std::vector<std::string> marks);
  /// Aborts what was not finished.
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_; }

  /// Makes the temporary folder.
  /// @param bytes what it will need at the least
  /// @throws Error kind user: the output exists and may not be replaced, or another run is writing it; kind io
  void create(Index bytes);
  /// Instead of `create`: the temporary folder that a killed run left, with the files in it.
  /// @throws Error kind user: there is none, or another run is writing it; kind io
  void resume();
  /// Instead of `create`: writes go to the temporary folder that another process has created and holds.
  /// @throws Error kind io: it is not there
  void join();
  /// Beside the temporary folder: `.NAME.freestone-journal`.
  std::string journal_path() const;
  /// Brings what was written to the disk.
  void flush();
  /// Writes a file of the folder at once, with the folders on the way to it. Thread-safe for different names.
  /// @throws Error kind io
  void write_file(const std::string& name, std::span<const std::byte> bytes);
  bool has_file(const std::string& name) const;
  /// Lets go of the temporary folder as it is, for another run to take up.
  void leave() noexcept;
  void remove_file(const std::string& name);
  /// Opens a file of the folder for writing; the caller closes the descriptor.
  int open_file(const std::string& name);
  /// Gives the folder its final name; what was there is replaced only now.
  void finish();
  /// Instead of `create`, after a run that was killed once the folder had its final name: removes what it replaced.
  void clean_up();
  /// Removes the temporary folder; any number of times, at any time. One that was taken up and not written to stays as it was.
  void abort() noexcept;

 private:
  void check_final_name() const;
  /// The temporary folder, locked.
  void open_locked(bool keep_contents);
  void make_folders(const std::string& name);
  std::string path_, temporary_;
  bool overwrite_;
  std::vector<std::string> marks_;
  int descriptor_ = -1;
  std::atomic<bool> untouched_ = false;  // taken up, and not written to
  std::mutex mutex_;
  std::set<std::string> folders_;  // made already
};

}  // namespace freestone
