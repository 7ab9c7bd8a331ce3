/// WriteBehind: writes past the system's page cache, by threads of its own.
///
/// What is large and read once more much later gains nothing in the page cache: writing fills memory that must be emptied again, on the
/// lanes that should compute. Whoever writes fills a piece of page-aligned memory and goes on; two threads bring pieces to the disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"

namespace freestone {

class WriteBehind {
 public:
  static constexpr Index kPage = 4096;
  static constexpr Index kPieceBytes = Index{1} << 20;
  static constexpr Index kPieces = 8;

  /// Writes to the file that `descriptor` has open; null where its file system cannot be written to in this way.
  static std::unique_ptr<WriteBehind> open(int descriptor, std::string name);
  /// Drops what waits.
  ~WriteBehind();
  WriteBehind(const WriteBehind&) = delete;
  WriteBehind& operator=(const WriteBehind&) = delete;

  /// A piece of kPieceBytes to fill, once one is free.
  /// @throws Error what a write met meanwhile; cancelled
  std::byte* take(const Cancel& cancel);
  /// Has the first `bytes` of the piece written at `offset`, a multiple of kPage; up to the next page the file gets what follows in it.
  void put(std::byte* piece, Index offset, Index bytes);
  /// Waits until everything is written, and gives the memory back; the next `take` begins anew.
  /// @throws Error kind io
  void finish();

 private:
  struct Write {
    std::byte* piece;
    Index offset, bytes;
  };
  WriteBehind(int descriptor, std::string name);
  void run(std::stop_token stop);

  const int descriptor_;
  const std::string name_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Buffer memory_;
  std::vector<std::byte*> free_;
  std::deque<Write> waiting_;
  int writing_ = 0;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;  // the last: they end before the rest goes
};

}  // namespace freestone
