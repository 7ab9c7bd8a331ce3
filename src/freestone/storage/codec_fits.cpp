#include "freestone/storage/codec_fits.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#include "freestone/storage/bit_reader.h"
#include "freestone/storage/bit_writer.h"

namespace freestone {
namespace {

class ReadOnly : public Codec {
 public:
  Index encode(ConstBytes, Bytes) const override { fail(ErrorKind::kInternal, "{} is read, not written", name()); }
};

template <class T>
void store(Bytes to, std::size_t index, T value) {
  std::memcpy(to.data() + index * sizeof(T), &value, sizeof(T));
}

/// Differences of neighbours, whose lower bits are as they are and whose upper part counts zeros before a one.
template <class T>
class Rice final : public Codec {
 public:
  explicit Rice(Index block) : block_(static_cast<std::size_t>(block)) {}
  std::string_view name() const override { return "rice"; }
  // At worst a width of five bits before every single pixel.
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 64; }

  Index encode(ConstBytes from, Bytes to) const override {
    const std::size_t count = from.size() / sizeof(T);
    BitWriter bits(to);
    const auto at = [&](std::size_t i) {
      T value;
      std::memcpy(&value, from.data() + i * sizeof(T), sizeof(T));
      return value;
    };
    T last = count == 0 ? T{0} : at(0);
    bits.put(last, kBits);
    std::vector<T> folded(block_);
    for (std::size_t start = 0; start < count; start += block_) {
      const std::size_t n = std::min(count, start + block_) - start;
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const T value = at(start + i);
        const auto difference = static_cast<T>(value - last);
        const bool negative = (difference >> (kBits - 1) & 1) != 0;
        folded[i] = static_cast<T>(negative ? ~(difference << 1) : difference << 1);
        sum += static_cast<double>(folded[i]);
        last = value;
      }
      // The width whose upper parts are about one long.
      const double mean = (sum - static_cast<double>(n / 2) - 1) / static_cast<double>(n);
      int width = 0;
      for (auto rest = static_cast<std::uint64_t>(std::max(mean, 0.0)) >> 1; rest > 0; rest >>= 1) ++width;
      if (sum == 0) {
        bits.put(0, kWidthBits);
      } else if (width >= kAsIs) {
        bits.put(kAsIs + 1, kWidthBits);
        for (std::size_t i = 0; i < n; ++i) bits.put(folded[i], kBits);
      } else {
        bits.put(static_cast<std::uint64_t>(width + 1), kWidthBits);
        for (std::size_t i = 0; i < n; ++i) {
          bits.put_unary(static_cast<std::uint32_t>(folded[i]) >> width);
          bits.put(folded[i], width);
        }
      }
    }
    return bits.finish();
  }

  Index decode(ConstBytes from, Bytes to) const override {
    const std::size_t count = to.size() / sizeof(T);
    BitReader bits(from, "rice");
    auto last = static_cast<T>(bits.take(kBits));
    for (std::size_t start = 0; start < count; start += block_) {
      const std::size_t end = std::min(count, start + block_);
      const int width = static_cast<int>(bits.take(kWidthBits)) - 1;
      if (width < 0) {
        for (std::size_t i = start; i < end; ++i) store(to, i, last);
        continue;
      }
      for (std::size_t i = start; i < end; ++i) {
        std::uint32_t folded = 0;
        if (width >= kAsIs) {
          folded = static_cast<std::uint32_t>(bits.take(kBits));
        } else {
          const std::uint32_t zeros = bits.zeros_before_one(std::numeric_limits<std::uint32_t>::max() >> width);
          folded = zeros << width | static_cast<std::uint32_t>(bits.take(width));
        }
        // Even: a positive difference; odd: a negative one.
        const std::uint32_t difference = folded & 1 ? ~(folded >> 1) : folded >> 1;
        last = static_cast<T>(last + static_cast<T>(difference));
        store(to, i, last);
      }
    }
    return static_cast<Index>(count * sizeof(T));
  }

 private:
  static constexpr int kBits = 8 * sizeof(T);
  static constexpr int kWidthBits = kBits == 32 ? 5 : kBits == 16 ? 4 : 3;
  static constexpr int kAsIs = kBits == 32 ? 25 : kBits == 16 ? 14 : 6;
  std::size_t block_;
};

class Plio final : public ReadOnly {
 public:
  std::string_view name() const override { return "plio"; }
  // A word for every pixel and three to change its value, behind a header.
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 64; }

  Index decode(ConstBytes from, Bytes to) const override {
    const auto words = static_cast<Index>(from.size() / 2);
    const auto word = [&](Index k) {
      if (k >= words) fail(ErrorKind::kData, "the pixel list is cut short at word {} of {}", k, words);
      const auto at = static_cast<std::size_t>(2 * k);
      return static_cast<std::int16_t>(std::to_integer<int>(from[at]) << 8 | std::to_integer<int>(from[at + 1]));
    };
    std::memset(to.data(), 0, to.size());
    const auto count = static_cast<Index>(to.size() / 4);
    // Words from the first instruction to the end; old lists have a shorter header.
    Index first = 3, end = word(2);
    if (end <= 0) {
      first = word(1);
      end = (static_cast<Index>(word(4)) << 15) + word(3);
    }
    if (first < 3 || end < 0 || end > words) fail(ErrorKind::kData, "the pixel list claims {} words from {} on and has {}", end, first, words);
    Index at = 0;
    std::uint32_t value = 1;
    const auto put = [&](Index n, bool all) {
      if (n > count - at) fail(ErrorKind::kData, "the pixel list holds more than {} pixels", count);
      for (Index k = all ? 0 : n - 1; k >= 0 && k < n; ++k) store(to, static_cast<std::size_t>(at + k), value);
      at += n;
    };
    for (Index k = first; k < end; ++k) {
      const int instruction = word(k) >> 12 & 15;
      const Index data = word(k) & 4095;
      switch (instruction) {
        case 0:
          if (data > count - at) fail(ErrorKind::kData, "the pixel list holds more than {} pixels", count);
          at += data;
          break;
        case 1: value = static_cast<std::uint32_t>(word(++k)) << 12 | static_cast<std::uint32_t>(data); break;
        case 2: value += static_cast<std::uint32_t>(data); break;
        case 3: value -= static_cast<std::uint32_t>(data); break;
        case 4: put(data, true); break;
        case 5: put(data, false); break;
        case 6: value += static_cast<std::uint32_t>(data), put(1, true); break;
        case 7: value -= static_cast<std::uint32_t>(data), put(1, true); break;
        default: fail(ErrorKind::kData, "the pixel list has the instruction {}, which is none", instruction);
      }
    }
    return count * 4;
  }
};

constexpr Index kRandoms = 10000;

/// The numbers between 0 and 1 that the standard gives for dithering: those of Park and Miller's minimal generator.
const std::array<float, kRandoms>& randoms() {
  static const auto kNumbers = [] {
    std::array<float, kRandoms> out{};
    constexpr double kMultiplier = 16807, kModulus = 2147483647;
    double seed = 1;
    for (float& number : out) {
      const double product = kMultiplier * seed;
      seed = product - kModulus * static_cast<double>(static_cast<std::int64_t>(product / kModulus));
      number = static_cast<float>(seed / kModulus);
    }
    return out;
  }();
  return kNumbers;
}

template <class T>
class Quantised final : public ReadOnly {
 public:
  explicit Quantised(const Quantisation& quantisation) : q_(quantisation) {}
  std::string_view name() const override { return "quantised"; }
  Index largest_encoded(Index bytes) const override { return bytes / static_cast<Index>(sizeof(T)) * 4; }

  Index decode(ConstBytes from, Bytes to) const override {
    const std::size_t count = from.size() / 4;
    if (count * sizeof(T) > to.size()) fail(ErrorKind::kData, "{} pixels are stored where the tile has {}", count, to.size() / sizeof(T));
    // Negative seeds are nonsense that must not reach beyond the table.
    Index seed = ((q_.row % kRandoms) + kRandoms) % kRandoms;
    Index next = first_of(seed);
    for (std::size_t i = 0; i < count; ++i) {
      std::int32_t whole = 0;
      std::memcpy(&whole, from.data() + 4 * i, 4);
      T value;
      if (q_.blank && whole == *q_.blank) {
        value = std::numeric_limits<T>::quiet_NaN();
      } else if (q_.dither == Dither::kNone) {
        value = static_cast<T>(static_cast<double>(whole) * q_.scale + q_.zero);
      } else if (q_.dither == Dither::kSubtractive2 && whole == kExactZero) {
        value = 0;
      } else {
        const double dither = static_cast<double>(randoms()[static_cast<std::size_t>(next)]);
        value = static_cast<T>((static_cast<double>(whole) - dither + 0.5) * q_.scale + q_.zero);
      }
      store(to, i, value);
      if (q_.dither != Dither::kNone && ++next == kRandoms) {
        seed = (seed + 1) % kRandoms;
        next = first_of(seed);
      }
    }
    return static_cast<Index>(count * sizeof(T));
  }

 private:
  // What stands for zero itself, which dithering would move (FITS standard, section 10.2.2).
  static constexpr std::int32_t kExactZero = -2147483646;
  static Index first_of(Index seed) { return static_cast<Index>(randoms()[static_cast<std::size_t>(seed)] * 500); }
  Quantisation q_;
};

class Room final : public ReadOnly {
 public:
  Room(Index factor, Index more, std::string name) : factor_(factor), more_(more), name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  Index largest_encoded(Index bytes) const override { return factor_ * bytes + more_; }
  Index decode(ConstBytes, Bytes) const override { fail(ErrorKind::kInternal, "a chunk has no codecs"); }

 private:
  Index factor_, more_;
  std::string name_;
};

}  // namespace

CodecRef rice_codec(Index element_bytes, Index block) {
  ensure(block > 0 && (element_bytes == 1 || element_bytes == 2 || element_bytes == 4), "rice: a width or a block that is none");
  if (element_bytes == 1) return std::make_shared<Rice<std::uint8_t>>(block);
  if (element_bytes == 2) return std::make_shared<Rice<std::uint16_t>>(block);
  return std::make_shared<Rice<std::uint32_t>>(block);
}

CodecRef plio_codec() { return std::make_shared<Plio>(); }

CodecRef quantised_codec(DType dtype, const Quantisation& quantisation) {
  if (dtype == DType::kFloat32) return std::make_shared<Quantised<float>>(quantisation);
  return std::make_shared<Quantised<double>>(quantisation);
}

CodecRef room_codec(Index factor, Index more, std::string name) { return std::make_shared<Room>(factor, more, std::move(name)); }

}  // namespace freestone
