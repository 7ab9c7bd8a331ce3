/// ReadBatch: the reads of one task, made together where that is quicker.
///
/// A file on a disk is read at once, by the calling thread. Of a remote file a read only begins, and goes on beside those that follow: what
/// takes long is the way there and back, and many can be on it at a time.
#pragma once

#include <deque>
#include <memory>

#include "freestone/storage/file.h"

namespace freestone {

class ReadBatch {
 public:
  /// @param cancel looked at while it waits
  explicit ReadBatch(const Cancel& cancel) : cancel_(cancel) {}
  ReadBatch(const ReadBatch&) = delete;
  ReadBatch& operator=(const ReadBatch&) = delete;

  /// Fills `pieces`, or begins to; see File::begin_pieces. Their memory and `file` stay until `finish` has returned or the batch has gone.
  /// @throws Error as File::read_exactly, of this read or of one before it; cancelled
  void add(const File& file, Index offset, std::span<iovec> pieces);
  void add(const File& file, Index offset, std::span<std::byte> out);
  /// Takes on a read that was begun elsewhere; null: it is done.
  void add(std::unique_ptr<ReadInFlight> read);
  /// Waits for all of them.
  /// @throws Error as `add`
  void finish();

 private:
  const Cancel& cancel_;
  std::deque<std::unique_ptr<ReadInFlight>> reads_;
};

}  // namespace freestone
