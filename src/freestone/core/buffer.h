/// Buffer: owned memory, aligned for vectors, given back to the system when it goes.
#pragma once

#include <cstddef>
#include <span>

#include "freestone/base/quantity.h"

namespace freestone {

/// Move-only. Memory comes straight from the system (zeroed, page aligned when large), so that freeing it lowers the
/// resident size at once; whoever makes one holds a lease for its bytes.
class Buffer {
 public:
  static constexpr Index kAlignment = 64;

  Buffer() = default;
  /// @throws Error kind memory: the system gave none
  explicit Buffer(Index bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::byte* data() const { return data_; }
  Index size() const { return size_; }
  std::span<std::byte> bytes() const { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  std::byte* data_ = nullptr;
  Index size_ = 0;
};

/// Hands out pieces of one buffer, 64-byte aligned, until it is reset: the working memory of a task.
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::span<std::byte> memory) : memory_(memory) {}

  /// @throws Error kind internal: more is asked than was declared
  std::byte* take(Index bytes);
  template <class T>
  std::span<T> take_array(Index count) {
    return {reinterpret_cast<T*>(take(count * static_cast<Index>(sizeof(T)))), static_cast<std::size_t>(count)};
  }
  /// Bytes that `take(bytes)` uses up.
  static constexpr Index rounded(Index bytes) { return (bytes + Buffer::kAlignment - 1) / Buffer::kAlignment * Buffer::kAlignment; }

  Index used() const { return used_; }
  Index left() const { return static_cast<Index>(memory_.size()) - used_; }
  /// Gives back all that was taken since `used()` was `mark`.
  void release_to(Index mark) { used_ = mark; }

 private:
  std::span<std::byte> memory_;
  Index used_ = 0;
};

}  // namespace freestone
