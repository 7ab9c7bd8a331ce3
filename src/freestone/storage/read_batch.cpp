#include "freestone/storage/read_batch.h"

namespace freestone {
namespace {

// Each costs some memory; no server is asked for as many at a time.
constexpr std::size_t kMostInFlight = 256;

}  // namespace

void ReadBatch::add(const File& file, Index offset, std::span<iovec> pieces) { add(file.begin_pieces(offset, pieces)); }

void ReadBatch::add(const File& file, Index offset, std::span<std::byte> out) {
  iovec piece{out.data(), out.size()};
  add(file, offset, {&piece, 1});
}

void ReadBatch::add(std::unique_ptr<ReadInFlight> read) {
  if (!read) return;
  reads_.push_back(std::move(read));
  if (reads_.size() < kMostInFlight) return;
  reads_.front()->wait(cancel_);
  reads_.pop_front();
}

void ReadBatch::finish() {
  for (; !reads_.empty(); reads_.pop_front()) reads_.front()->wait(cancel_);
}

}  // namespace freestone
