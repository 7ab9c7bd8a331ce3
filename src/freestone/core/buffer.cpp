#include "freestone/core/buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <utility>

#include "freestone/base/error.h"

namespace freestone {
namespace {

constexpr Index kHugePage = Index{2} << 20;

/// Whether memory of this size is worth huge pages.
bool is_large(Index bytes) { return bytes >= 2 * kHugePage; }

/// Bytes that are mapped for a buffer: the last huge page whole where that wastes next to nothing, for a fault at a time costs more than that.
Index mapped_bytes(Index bytes) {
  const Index whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  return is_large(bytes) && whole - bytes <= bytes / 64 ? whole : bytes;
}

/// nullptr: there is none.
std::byte* map(Index bytes) {
  void* memory = mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

/// As `map`, at a multiple of a huge page: what is before or behind whole ones is faulted in page by page.
std::byte* map_aligned(Index bytes) {
  constexpr Index kPage = 4096;
  bytes = (bytes + kPage - 1) / kPage * kPage;
  std::byte* const all = map(bytes + kHugePage);
  if (all == nullptr) return nullptr;
  const Index before = (kHugePage - static_cast<Index>(reinterpret_cast<std::uintptr_t>(all) % kHugePage)) % kHugePage;
  if (before > 0) munmap(all, static_cast<std::size_t>(before));
  if (before < kHugePage) munmap(all + before + bytes, static_cast<std::size_t>(kHugePage - before));
  madvise(all + before, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
  return all + before;
}

}  // namespace

Buffer::Buffer(Index bytes) : size_(bytes) {
  if (bytes <= 0) return;
  constexpr Index kMost = Index{1} << 62;  // sums with whole pages stay numbers
  if (bytes < kMost) data_ = is_large(bytes) ? map_aligned(mapped_bytes(bytes)) : map(bytes);
  if (data_ == nullptr) fail(ErrorKind::kMemory, "The system has no {} of memory left.", format_bytes(bytes));
}

Buffer::Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) munmap(data_, static_cast<std::size_t>(mapped_bytes(size_)));
}

std::byte* Scratch::take(Index bytes) {
  const Index room = rounded(bytes);
  ensure(room <= left(), "a task asked for more scratch memory than it declared");
  std::byte* piece = memory_.data() + used_;
  used_ += room;
  return piece;
}

}  // namespace freestone
