// Codecs that only HDF5's files have: its checksum, and the frames of its registered filters.
#include <lz4.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "freestone/storage/codec.h"

namespace freestone {
namespace {

[[noreturn]] void fail_damaged(std::string_view codec, std::string_view why) {
  fail(ErrorKind::kData, "{} cannot decode it: {}", codec, why);
}

std::uint64_t big_endian(ConstBytes from, std::size_t at, int width) {
  std::uint64_t value = 0;
  for (int i = 0; i < width; ++i) value = value << 8 | std::to_integer<std::uint64_t>(from[at + static_cast<std::size_t>(i)]);
  return value;
}

void store_big_endian(Bytes to, std::size_t at, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) to[at + static_cast<std::size_t>(i)] = static_cast<std::byte>(value >> (8 * (width - 1 - i)));
}

/// Fletcher's checksum of big-endian words of 16 bits; an odd byte at the end is the upper half of one.
std::uint32_t fletcher32(ConstBytes bytes) {
  constexpr std::size_t kWords = 360;  // as many sums as 32 bits hold
  std::uint32_t low = 0, high = 0;
  std::size_t at = 0;
  const std::size_t words = bytes.size() / 2;
  for (std::size_t done = 0; done < words;) {
    const std::size_t end = std::min(words, done + kWords);
    for (; done < end; ++done, at += 2) {
      low += std::to_integer<std::uint32_t>(bytes[at]) << 8 | std::to_integer<std::uint32_t>(bytes[at + 1]);
      high += low;
    }
    low = (low & 0xffff) + (low >> 16);
    high = (high & 0xffff) + (high >> 16);
  }
  if (bytes.size() % 2 != 0) {
    low += std::to_integer<std::uint32_t>(bytes[at]) << 8;
    high += low;
    low = (low & 0xffff) + (low >> 16);
    high = (high & 0xffff) + (high >> 16);
  }
  low = (low & 0xffff) + (low >> 16);
  high = (high & 0xffff) + (high >> 16);
  return high << 16 | low;
}

class Fletcher32 final : public Codec {
 public:
  std::string_view name() const override { return "fletcher32"; }
  std::string numcodecs() const override { return R"({"id": "fletcher32"})"; }
  Index largest_encoded(Index bytes) const override { return bytes + 4; }
  Index encode(ConstBytes from, Bytes to) const override {
    std::copy(from.begin(), from.end(), to.begin());
    const std::uint32_t sum = fletcher32(from);
    for (std::size_t i = 0; i < 4; ++i) to[from.size() + i] = static_cast<std::byte>(sum >> (8 * i));
    return static_cast<Index>(from.size()) + 4;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() < 4) fail_damaged(name(), "it is cut short");
    const ConstBytes bytes = from.first(from.size() - 4);
    if (bytes.size() > to.size()) fail_damaged(name(), "it is larger than the chunk");
    std::uint32_t stored = 0;
    for (std::size_t i = 0; i < 4; ++i) stored |= std::to_integer<std::uint32_t>(from[bytes.size() + i]) << (8 * i);
    const std::uint32_t sum = fletcher32(bytes);
    // Release 1.6.2 and before wrote the bytes of each half in the other order on little-endian machines.
    const std::uint32_t swapped = (sum & 0x00ff00ff) << 8 | (sum & 0xff00ff00) >> 8;
    if (stored != sum && stored != swapped) fail_damaged(name(), "the checksum is another one");
    std::copy(bytes.begin(), bytes.end(), to.begin());
    return static_cast<Index>(bytes.size());
  }
};

/// LibLZF's stream.
class Lzf final : public Codec {
 public:
  std::string_view name() const override { return "lzf"; }
  Index largest_encoded(Index bytes) const override { return bytes + bytes / 32 + 64; }
  Index encode(ConstBytes from, Bytes to) const override {
    // Where three bytes were seen last; the table of one chunk may point anywhere in the next, so what it says is looked at.
    thread_local std::vector<std::uint32_t> seen(kHashes);
    std::size_t made = 0, literals_from = 0;
    const auto put_literals = [&](std::size_t end) {
      for (; literals_from < end;) {
        const std::size_t run = std::min<std::size_t>(32, end - literals_from);
        to[made++] = static_cast<std::byte>(run - 1);
        std::memcpy(to.data() + made, from.data() + literals_from, run);
        made += run;
        literals_from += run;
      }
    };
    for (std::size_t at = 0; at + kShortest <= from.size();) {
      std::uint32_t& place = seen[hash_of(from.data() + at)];
      const std::size_t before = place;
      place = static_cast<std::uint32_t>(at);
      if (before >= at || at - before > kFarthest || std::memcmp(from.data() + before, from.data() + at, kShortest) != 0) {
        ++at;
        continue;
      }
      std::size_t length = kShortest;
      const std::size_t most = std::min(kLongest, from.size() - at);
      while (length < most && from[before + length] == from[at + length]) ++length;
      put_literals(at);
      const std::size_t back = at - before - 1, code = length - 2;
      to[made++] = static_cast<std::byte>(std::min<std::size_t>(code, 7) << 5 | back >> 8);
      if (code >= 7) to[made++] = static_cast<std::byte>(code - 7);
      to[made++] = static_cast<std::byte>(back & 0xff);
      at += length;
      literals_from = at;
    }
    put_literals(from.size());
    return static_cast<Index>(made);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    std::size_t at = 0, made = 0;
    const auto next = [&] {
      if (at >= from.size()) fail_damaged(name(), "it is cut short");
      return std::to_integer<std::size_t>(from[at++]);
    };
    while (at < from.size()) {
      const std::size_t control = next();
      if (control < 32) {
        const std::size_t run = control + 1;
        if (run > from.size() - at) fail_damaged(name(), "it is cut short");
        if (run > to.size() - made) fail_damaged(name(), "it is larger than the chunk");
        std::memcpy(to.data() + made, from.data() + at, run);
        at += run;
        made += run;
        continue;
      }
      std::size_t length = control >> 5;
      if (length == 7) length += next();
      length += 2;
      const std::size_t back = ((control & 31) << 8 | next()) + 1;
      if (back > made) fail_damaged(name(), "it refers to bytes before its start");
      if (length > to.size() - made) fail_damaged(name(), "it is larger than the chunk");
      // Byte by byte: what is copied may be what was just made.
      for (std::size_t i = 0; i < length; ++i) to[made + i] = to[made + i - back];
      made += length;
    }
    return static_cast<Index>(made);
  }

 private:
  static constexpr std::size_t kShortest = 3, kLongest = 264, kFarthest = 8192, kHashes = 1 << 14;
  static std::size_t hash_of(const std::byte* at) {
    const auto of = [&](int i) { return std::to_integer<std::uint32_t>(at[i]); };
    return ((of(0) << 16 | of(1) << 8 | of(2)) * 2654435761u) >> 18;
  }
};

/// Sizes of the frames that the LZ4 and bitshuffle filters share: 8 bytes for all, 4 for a block, big-endian.
constexpr std::size_t kFrameHeader = 12;

class FramedLz4 final : public Codec {
 public:
  std::string_view name() const override { return "lz4"; }
  Index largest_encoded(Index bytes) const override {
    // Blocks may be as small as their writer liked.
    return bytes + bytes / 16 + 1024;
  }
  Index encode(ConstBytes from, Bytes to) const override {
    constexpr std::size_t kBlock = std::size_t{1} << 30;
    store_big_endian(to, 0, from.size(), 8);
    store_big_endian(to, 8, std::min(kBlock, from.size()), 4);
    std::size_t made = kFrameHeader;
    for (std::size_t at = 0; at < from.size(); at += kBlock) {
      const std::size_t raw = std::min(kBlock, from.size() - at);
      const auto room = static_cast<int>(std::min<std::size_t>(to.size() - made - 4, LZ4_MAX_INPUT_SIZE));
      const int size = LZ4_compress_default(reinterpret_cast<const char*>(from.data()) + at, reinterpret_cast<char*>(to.data()) + made + 4,
                                            static_cast<int>(raw), room);
      const bool pays = size > 0 && static_cast<std::size_t>(size) < raw;
      const std::size_t stored = pays ? static_cast<std::size_t>(size) : raw;
      if (!pays) std::memcpy(to.data() + made + 4, from.data() + at, raw);
      store_big_endian(to, made, stored, 4);
      made += 4 + stored;
    }
    return static_cast<Index>(made);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() < kFrameHeader) fail_damaged(name(), "it is cut short");
    const std::uint64_t whole = big_endian(from, 0, 8), block = big_endian(from, 8, 4);
    if (whole > to.size()) fail_damaged(name(), fmt::format("it promises {} bytes", whole));
    if (whole > 0 && (block == 0 || block > LZ4_MAX_INPUT_SIZE)) fail_damaged(name(), fmt::format("its blocks have {} bytes", block));
    std::size_t at = kFrameHeader;
    for (std::uint64_t made = 0; made < whole;) {
      const std::size_t raw = std::min<std::uint64_t>(block, whole - made);
      if (from.size() - at < 4) fail_damaged(name(), "it is cut short");
      const std::size_t stored = big_endian(from, at, 4);
      at += 4;
      if (stored > from.size() - at) fail_damaged(name(), "it is cut short");
      if (stored == raw) {
        std::memcpy(to.data() + made, from.data() + at, raw);
      } else {
        const int size = stored > LZ4_MAX_INPUT_SIZE
                             ? -1
                             : LZ4_decompress_safe(reinterpret_cast<const char*>(from.data()) + at, reinterpret_cast<char*>(to.data()) + made,
                                                   static_cast<int>(stored), static_cast<int>(raw));
        if (size < 0 || static_cast<std::size_t>(size) != raw) fail_damaged(name(), "a block is damaged");
      }
      at += stored;
      made += raw;
    }
    return static_cast<Index>(whole);
  }
};

/// Bits of eight bytes as an 8 x 8 matrix, turned over (Hacker's Delight, 7-3).
std::uint64_t turned_over(std::uint64_t x) {
  std::uint64_t t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aaull;
  x ^= t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000cccc0000ccccull;
  x ^= t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0ull;
  return x ^ t ^ (t << 28);
}

/// A block of `count` elements (a multiple of 8): first all lowest bits of the first bytes, eight elements a byte, and so on.
void gather_bits(const std::byte* from, std::byte* to, std::size_t count, std::size_t width) {
  const std::size_t row = count / 8;
  for (std::size_t j = 0; j < width; ++j) {
    for (std::size_t k = 0; k < row; ++k) {
      std::uint64_t bits = 0;
      for (std::size_t e = 0; e < 8; ++e) bits |= std::to_integer<std::uint64_t>(from[(8 * k + e) * width + j]) << (8 * e);
      bits = turned_over(bits);
      for (std::size_t b = 0; b < 8; ++b) to[(8 * j + b) * row + k] = static_cast<std::byte>(bits >> (8 * b));
    }
  }
}

void spread_bits(const std::byte* from, std::byte* to, std::size_t count, std::size_t width) {
  const std::size_t row = count / 8;
  for (std::size_t j = 0; j < width; ++j) {
    for (std::size_t k = 0; k < row; ++k) {
      std::uint64_t bits = 0;
      for (std::size_t b = 0; b < 8; ++b) bits |= std::to_integer<std::uint64_t>(from[(8 * j + b) * row + k]) << (8 * b);
      bits = turned_over(bits);
      for (std::size_t e = 0; e < 8; ++e) to[(8 * k + e) * width + j] = static_cast<std::byte>(bits >> (8 * e));
    }
  }
}

class Bitshuffle final : public Codec {
 public:
  Bitshuffle(Index width, Index block, BitshuffleCompressor compressor)
      : width_(static_cast<std::size_t>(std::max<Index>(width, 1))), block_(static_cast<std::size_t>(block)), compressor_(compressor) {
    if (block_ == 0) block_ = std::max<std::size_t>(8192 / width_ / 8 * 8, 128);
    if (block_ % 8 != 0) fail(ErrorKind::kUser, "bitshuffle: blocks of {} elements; it is a multiple of 8.", block_);
  }
  std::string_view name() const override {
    if (compressor_ == BitshuffleCompressor::kNone) return "bitshuffle";
    return compressor_ == BitshuffleCompressor::kLz4 ? "bitshuffle-lz4" : "bitshuffle-zstd";
  }
  Index largest_encoded(Index bytes) const override {
    return compressor_ == BitshuffleCompressor::kNone ? bytes : bytes + bytes / 16 + 1024;
  }
  Index encode(ConstBytes from, Bytes to) const override {
    if (compressor_ != BitshuffleCompressor::kNone) fail(ErrorKind::kUser, "{}: it is read, not written.", name());
    std::size_t at = 0;
    for_each_block(from.size(), block_, [&](std::size_t elements) {
      gather_bits(from.data() + at, to.data() + at, elements, width_);
      at += elements * width_;
    });
    std::copy(from.begin() + static_cast<std::ptrdiff_t>(at), from.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
    return static_cast<Index>(from.size());
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (compressor_ == BitshuffleCompressor::kNone) {
      if (from.size() > to.size()) fail_damaged(name(), "it is larger than the chunk");
      std::size_t at = 0;
      for_each_block(from.size(), block_, [&](std::size_t elements) {
        spread_bits(from.data() + at, to.data() + at, elements, width_);
        at += elements * width_;
      });
      std::copy(from.begin() + static_cast<std::ptrdiff_t>(at), from.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
      return static_cast<Index>(from.size());
    }
    if (from.size() < kFrameHeader) fail_damaged(name(), "it is cut short");
    const std::uint64_t whole = big_endian(from, 0, 8), block_bytes = big_endian(from, 8, 4);
    if (whole > to.size()) fail_damaged(name(), fmt::format("it promises {} bytes", whole));
    if (whole > 0 && (block_bytes == 0 || block_bytes % (8 * width_) != 0 || block_bytes > kLargestBlock)) {
      fail_damaged(name(), fmt::format("its blocks have {} bytes", block_bytes));
    }
    std::vector<std::byte> shuffled(std::min<std::uint64_t>(block_bytes, whole));
    std::size_t at = kFrameHeader, made = 0;
    for_each_block(whole, block_bytes / width_, [&](std::size_t elements) {
      const std::size_t raw = elements * width_;
      if (from.size() - at < 4) fail_damaged(name(), "it is cut short");
      const std::size_t stored = big_endian(from, at, 4);
      at += 4;
      if (stored > from.size() - at) fail_damaged(name(), "it is cut short");
      decompress(from.subspan(at, stored), Bytes(shuffled).first(raw));
      at += stored;
      spread_bits(shuffled.data(), to.data() + made, elements, width_);
      made += raw;
    });
    if (from.size() - at < whole - made) fail_damaged(name(), "it is cut short");
    std::memcpy(to.data() + made, from.data() + at, whole - made);
    return static_cast<Index>(whole);
  }

 private:
  static constexpr std::uint64_t kLargestBlock = std::uint64_t{1} << 26;

  /// Calls `f` with the number of elements of each block; less than eight at the end are in none.
  template <class F>
  void for_each_block(std::size_t bytes, std::size_t block, F&& f) const {
    std::size_t left = bytes / width_ / 8 * 8;
    for (; left > 0 && block > 0; left -= std::min(left, block)) f(std::min(left, block));
  }
  void decompress(ConstBytes from, Bytes to) const {
    bool is_whole = false;
    if (compressor_ == BitshuffleCompressor::kLz4) {
      const int size = from.size() > LZ4_MAX_INPUT_SIZE
                           ? -1
                           : LZ4_decompress_safe(reinterpret_cast<const char*>(from.data()), reinterpret_cast<char*>(to.data()),
                                                 static_cast<int>(from.size()), static_cast<int>(to.size()));
      is_whole = size >= 0 && static_cast<std::size_t>(size) == to.size();
    } else {
      is_whole = ZSTD_decompress(to.data(), to.size(), from.data(), from.size()) == to.size();
    }
    if (!is_whole) fail_damaged(name(), "a block is damaged");
  }
  std::size_t width_, block_;
  BitshuffleCompressor compressor_;
};

class RecordField final : public Codec {
 public:
  RecordField(Index record, Index offset, Index width) : record_(record), offset_(offset), width_(width) {
    ensure(record > 0 && width > 0 && offset >= 0 && offset <= record - width, "a field outside its record");
  }
  std::string_view name() const override { return "field"; }
  Index largest_encoded(Index bytes) const override { return bytes / width_ * record_; }
  Index encode(ConstBytes from, Bytes to) const override {
    const Index count = static_cast<Index>(from.size()) / width_;
    std::fill(to.begin(), to.begin() + count * record_, std::byte{0});
    for (Index i = 0; i < count; ++i) copy(from.data() + i * width_, to.data() + i * record_ + offset_);
    return count * record_;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    const Index count = static_cast<Index>(from.size()) / record_;
    if (static_cast<Index>(from.size()) % record_ != 0 || count * width_ > static_cast<Index>(to.size())) {
      fail_damaged(name(), fmt::format("{} bytes are not the records of the chunk", from.size()));
    }
    for (Index i = 0; i < count; ++i) copy(from.data() + i * record_ + offset_, to.data() + i * width_);
    return count * width_;
  }

 private:
  void copy(const std::byte* from, std::byte* to) const { std::memcpy(to, from, static_cast<std::size_t>(width_)); }
  Index record_, offset_, width_;
};

}  // namespace

CodecRef fletcher32_codec() { return std::make_shared<Fletcher32>(); }
CodecRef lzf_codec() { return std::make_shared<Lzf>(); }
CodecRef framed_lz4_codec() { return std::make_shared<FramedLz4>(); }
CodecRef bitshuffle_codec(Index element_bytes, Index block_elements, BitshuffleCompressor compressor) {
  return std::make_shared<Bitshuffle>(element_bytes, block_elements, compressor);
}
CodecRef record_field_codec(Index record_bytes, Index offset, Index field_bytes) {
  return std::make_shared<RecordField>(record_bytes, offset, field_bytes);
}

}  // namespace freestone
