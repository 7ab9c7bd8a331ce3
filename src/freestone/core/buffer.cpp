#include "freestone/core/buffer.h"

#include <sys/mman.h>

#include <utility>

#include "freestone/base/error.h"

namespace freestone {

Buffer::Buffer(Index bytes) : size_(bytes) {
  if (bytes <= 0) return;
  void* memory = mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail(ErrorKind::kMemory, "The system has no {} of memory left.", format_bytes(bytes));
  if (bytes >= Index{4} << 20) madvise(memory, static_cast<std::size_t>(bytes), MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
}

Buffer::Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) munmap(data_, static_cast<std::size_t>(size_));
}

std::byte* Scratch::take(Index bytes) {
  const Index room = rounded(bytes);
  ensure(room <= left(), "a task asked for more scratch memory than it declared");
  std::byte* piece = memory_.data() + used_;
  used_ += room;
  return piece;
}

}  // namespace freestone
