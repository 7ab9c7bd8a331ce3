/// HeldChanges: changes to a file that is there already, made all at once or not at all.
///
/// What is written behind the file's end goes there at once: nobody looks at it. What would change the file itself waits, page by page, in
/// `.NAME.freestone-append` beside it, until `apply` makes all of it. A run that is killed before leaves a file that says what it said; one that
/// is killed within `apply` leaves the pages, and the next to open the file finishes it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "freestone/base/quantity.h"

namespace freestone {

class HeldChanges {
 public:
  HeldChanges() = default;
  /// Gives up what was not applied.
  ~HeldChanges();
  HeldChanges(const HeldChanges&) = delete;
  HeldChanges& operator=(const HeldChanges&) = delete;

  /// Opens the file for changes, and locks it; finishes what a killed run left.
  /// @throws Error kind user: it is not there, or somebody else is writing it; kind io
  void open(const std::string& path);
  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  /// How long the file was when it was opened.
  Index kept_bytes() const { return kept_; }

  /// Before anything behind `bytes` is written: what lies there is not the file's, and left by somebody who was killed.
  void end_at(Index bytes);
  /// Thread-safe.
  void write(Index offset, std::span<const std::byte> bytes);
  /// The file as it will be; what is behind its end is zero. Thread-safe.
  void read(Index offset, std::span<std::byte> out) const;
  /// Brings what was written behind the end to the disk, then makes the changes; the file has `bytes` bytes then.
  /// @throws Error kind io
  void apply(Index bytes);
  /// The file as it was. Any number of times.
  void give_up() noexcept;

 private:
  static constexpr Index kPage = 4096;
  Index page_at(Index number);
  std::string path_, log_path_;
  int descriptor_ = -1, log_ = -1;
  Index kept_ = 0;
  std::uint64_t inode_ = 0;
  std::map<Index, Index> pages_;  // number in the file, number in the log
  mutable std::mutex mutex_;
};

/// Finishes or clears away what a killed run left of changes to the file at `path`, unless somebody is at it.
/// @returns whether the file changed
/// @throws Error kind io: it cannot be finished
bool recover_changes(const std::string& path);

}  // namespace freestone
