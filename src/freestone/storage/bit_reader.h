/// BitReader: numbers of any width from bytes, the highest bit first.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "freestone/storage/codec.h"

namespace freestone {

class BitReader {
 public:
  /// @param what for messages: the codec
  BitReader(ConstBytes bytes, const char* what) : at_(bytes.data()), end_(bytes.data() + bytes.size()), what_(what) {}

  /// The next `count` bits, 0 to 32.
  /// @throws Error kind data: there are fewer
  std::uint64_t take(int count) {
    if (held_ < count) fill(count);
    held_ -= count;
    const std::uint64_t value = count == 0 ? 0 : bits_ << (64 - held_ - count) >> (64 - count);
    return value;
  }
  /// Zeros before the next one, which is taken too.
  /// @throws Error kind data: more than `most`, or the bytes end
  std::uint32_t zeros_before_one(std::uint32_t most) {
    std::uint32_t zeros = 0;
    while (true) {
      if (held_ == 0) fill(1);
      const std::uint64_t window = bits_ << (64 - held_);
      const int leading = window == 0 ? held_ : std::min(held_, std::countl_zero(window));
      zeros += static_cast<std::uint32_t>(leading);
      if (zeros > most) fail(ErrorKind::kData, "{}: a number is larger than its type", what_);
      held_ -= leading;
      if (held_ == 0) continue;
      --held_;
      return zeros;
    }
  }
  /// Leaves what is left of the byte.
  void to_next_byte() { held_ -= held_ % 8; }

 private:
  void fill(int wanted) {
    while (held_ <= 56 && at_ != end_) {
      bits_ = bits_ << 8 | std::to_integer<std::uint64_t>(*at_++);
      held_ += 8;
    }
    if (held_ < wanted) fail(ErrorKind::kData, "{}: the bytes end before the pixels do", what_);
  }
  const std::byte *at_, *end_;
  const char* what_;
  std::uint64_t bits_ = 0;
  int held_ = 0;
};

}  // namespace freestone
