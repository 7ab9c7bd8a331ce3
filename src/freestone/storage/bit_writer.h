/// BitWriter: numbers of any width to bytes, the highest bit first.
#pragma once

#include <cstdint>

#include "freestone/storage/codec.h"

namespace freestone {

/// Into memory that has room for all that is put.
class BitWriter {
 public:
  explicit BitWriter(Bytes to) : begin_(to.data()), at_(to.data()), end_(to.data() + to.size()) {}
  /// The lowest `count` bits of `value`, 0 to 32.
  void put(std::uint64_t value, int count) {
    bits_ = bits_ << count | (value & ((std::uint64_t{1} << count) - 1));
    held_ += count;
    while (held_ >= 8) {
      held_ -= 8;
      store(bits_ >> held_);
    }
  }
  /// So many zeros, then a one.
  void put_unary(std::uint32_t zeros) {
    for (; zeros >= 32; zeros -= 32) put(0, 32);
    put(1, static_cast<int>(zeros) + 1);
  }
  /// Fills the last byte with zeros and says how many bytes there are.
  Index finish() {
    if (held_ > 0) put(0, 8 - held_);
    return at_ - begin_;
  }

 private:
  void store(std::uint64_t byte) {
    ensure(at_ != end_, "a bit writer got too little memory");
    *at_++ = static_cast<std::byte>(byte & 0xff);
  }
  std::byte *begin_, *at_, *end_;
  std::uint64_t bits_ = 0;
  int held_ = 0;
};

}  // namespace freestone
