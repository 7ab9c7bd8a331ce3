#include "freestone/storage/codec_tiff.h"

#include <lzma.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace freestone {
namespace {

[[noreturn]] void fail_damaged(std::string_view codec, std::string_view why) {
  fail(ErrorKind::kData, "{} cannot decode it: {}", codec, why);
}

constexpr int kClear = 256, kEnd = 257, kFirstFree = 258;
constexpr int kShortestCode = 9, kLongestCode = 12;
// The encoder starts anew when this entry has been made: decoders differ in what they do with the last ones.
constexpr int kLastEntry = 4094;

/// Codes, the most significant bit first; whole words are written as soon as they are full.
class CodeWriter {
 public:
  explicit CodeWriter(Bytes to) : start_(to.data()), to_(to.data()) {}
  void put(std::uint32_t code, int width) {
    held_ |= static_cast<std::uint64_t>(code) << (64 - bits_ - width);
    bits_ += width;
    if (bits_ < 32) return;
    for (int k = 0; k < 4; ++k) to_[k] = static_cast<std::byte>(held_ >> (56 - 8 * k));
    to_ += 4;
    held_ <<= 32;
    bits_ -= 32;
  }
  Index finish() {
    for (; bits_ > 0; bits_ -= 8, held_ <<= 8) *to_++ = static_cast<std::byte>(held_ >> 56);
    return to_ - start_;
  }

 private:
  std::byte *start_, *to_;
  std::uint64_t held_ = 0;
  int bits_ = 0;
};

/// The strings of an encoder: each is another one and a byte. Every pair has a place of its own, 2 MiB of them, so that to look is one load:
/// a hash of 128 KiB takes 1.5 to 1.9 times as long, for where a search goes on no processor foresees.
class Strings {
 public:
  Strings() : codes_(std::size_t{1} << 20), made_(std::size_t{1} << kLongestCode) {}
  /// 0: there is none.
  std::uint32_t find(std::uint32_t pair) const { return codes_[pair]; }
  void add(std::uint32_t pair, std::uint32_t code) {
    codes_[pair] = static_cast<std::uint16_t>(code);
    made_[code] = pair;
  }
  /// Forgets those from kFirstFree up to `end`.
  void clear(std::uint32_t end) {
    for (std::uint32_t code = kFirstFree; code < end; ++code) codes_[made_[code]] = 0;
  }

 private:
  std::vector<std::uint16_t> codes_;
  std::vector<std::uint32_t> made_;
};

class TiffLzw final : public Codec {
 public:
  std::string_view name() const override { return "lzw"; }
  // 12 bits a byte at worst, and codes that start the table anew.
  Index largest_encoded(Index bytes) const override { return bytes + bytes / 2 + bytes / 1024 + 64; }

  Index encode(ConstBytes from, Bytes to) const override {
    thread_local Strings kept;
    Strings& strings = kept;
    CodeWriter out(to);
    int width = kShortestCode;
    std::uint32_t next = kFirstFree;
    out.put(kClear, width);
    if (!from.empty()) {
      auto held = std::to_integer<std::uint32_t>(from[0]);
      for (std::size_t i = 1; i < from.size(); ++i) {
        const auto byte = std::to_integer<std::uint32_t>(from[i]), pair = held << 8 | byte;
        if (const std::uint32_t longer = strings.find(pair)) {
          held = longer;
          continue;
        }
        out.put(held, width);
        strings.add(pair, next);
        if (next == kLastEntry) {
          out.put(kClear, width);
          strings.clear(next + 1);
          width = kShortestCode;
          next = kFirstFree;
        } else if (++next == 1u << width) {
          ++width;  // the decoder is one entry behind: to it this is one early
        }
        held = byte;
      }
      out.put(held, width);
      strings.clear(next);
      // The decoder makes an entry of it, and may grow.
      if (++next == 1u << width && width < kLongestCode) ++width;
    }
    out.put(kEnd, width);
    return out.finish();
  }

  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() >= 2 && is_old_tiff_lzw(from[0], from[1])) {
      fail_damaged(name(), "it is of the kind before TIFF 5.0 (bits in reverse), which is not read");
    }
    // An entry is a piece of what came out already: where the string before it lies, one byte longer.
    struct Entry {
      std::uint32_t length;
      std::uint32_t unused;
      std::size_t start;
    };
    std::array<Entry, 4096> entries;
    int width = kShortestCode, next = kFirstFree;
    std::uint64_t held = 0;
    int bits = 0;
    std::size_t used = 0, done = 0;
    std::size_t before_start = 0, before_length = 0;  // the string before; none after a clear
    const std::size_t room = to.size();
    std::byte* const out = to.data();
    while (done < room) {
      if (bits < width && from.size() - used >= 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, from.data() + used, 4);
        held = held << 32 | (kNativeOrder == ByteOrder::kLittle ? __builtin_bswap32(word) : word);
        bits += 32;
        used += 4;
      }
      while (bits < width && used < from.size()) {
        held = held << 8 | std::to_integer<std::uint64_t>(from[used++]);
        bits += 8;
      }
      if (bits < width) break;
      const int code = static_cast<int>(held >> (bits - width)) & ((1 << width) - 1);
      bits -= width;
      if (code == kClear) {
        width = kShortestCode;
        next = kFirstFree;
        before_length = 0;
        continue;
      }
      if (code == kEnd) break;
      const std::size_t start = done;
      std::size_t length = 1;
      if (code < kClear) {
        out[done] = static_cast<std::byte>(code);
      } else if (code < next) {
        const Entry& entry = entries[static_cast<std::size_t>(code)];
        length = std::min<std::size_t>(entry.length, room - done);
        copy_string(out + entry.start, out + done, length, room - done);
      } else if (code == next && before_length > 0) {
        // The string before and its own first byte, which is the first to be written here.
        length = std::min(before_length + 1, room - done);
        copy_string(out + before_start, out + done, std::min(before_length, length), room - done);
        if (length > before_length) out[done + before_length] = out[before_start];
      } else {
        fail_damaged(name(), fmt::format("code {} at byte {} is not in its table of {}", code, used, next));
      }
      done += length;
      if (before_length > 0 && next < 4096) {
        entries[static_cast<std::size_t>(next)] = {static_cast<std::uint32_t>(before_length + 1), 0, before_start};
        if (++next == (1 << width) - 1 && width < kLongestCode) ++width;
      }
      before_start = start;
      before_length = length;
    }
    return static_cast<Index>(done);
  }

 private:
  /// A string that ends before `to`. Most are short: some bytes too many, which are written again, cost less than to count.
  static void copy_string(const std::byte* from, std::byte* to, std::size_t count, std::size_t room) {
    constexpr std::size_t kShort = 16;
    if (count <= kShort && room >= kShort) {
      std::byte piece[kShort];
      std::memcpy(piece, from, kShort);
      std::memcpy(to, piece, kShort);
    } else {
      std::memcpy(to, from, count);
    }
  }
};

class PackBits final : public Codec {
 public:
  explicit PackBits(Index row_bytes) : row_(std::max<Index>(1, row_bytes)) {}
  std::string_view name() const override { return "packbits"; }
  // One byte more for 128, for each row anew.
  Index largest_made(Index bytes) const override { return bytes + bytes / 128 + bytes / row_ + 64; }
  // Other writers may make runs of one byte each.
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 64; }

  Index encode(ConstBytes from, Bytes to) const override {
    std::size_t done = 0;
    for (std::size_t row = 0; row < from.size(); row += static_cast<std::size_t>(row_)) {
      const ConstBytes line = from.subspan(row, std::min(static_cast<std::size_t>(row_), from.size() - row));
      for (std::size_t at = 0; at < line.size();) {
        const std::size_t run = run_at(line, at);
        if (run >= 2) {
          to[done++] = static_cast<std::byte>(257 - run);
          to[done++] = line[at];
          at += run;
          continue;
        }
        std::size_t end = at + 1;  // literals, until three equal bytes come
        while (end < line.size() && end - at < 128 && run_at(line, end) < 3) ++end;
        to[done++] = static_cast<std::byte>(end - at - 1);
        std::memcpy(to.data() + done, line.data() + at, end - at);
        done += end - at;
        at = end;
      }
    }
    return static_cast<Index>(done);
  }

  Index decode(ConstBytes from, Bytes to) const override {
    std::size_t used = 0, done = 0;
    while (used < from.size() && done < to.size()) {
      const int head = std::to_integer<int>(from[used++]);
      if (head == 128) continue;
      const auto count = std::min(static_cast<std::size_t>(head < 128 ? head + 1 : 257 - head), to.size() - done);
      if (head < 128) {
        if (count > from.size() - used) fail_damaged(name(), "it is cut short");
        std::memcpy(to.data() + done, from.data() + used, count);
        used += count;
      } else {
        if (used == from.size()) fail_damaged(name(), "it is cut short");
        std::memset(to.data() + done, std::to_integer<int>(from[used++]), count);
      }
      done += count;
    }
    return static_cast<Index>(done);
  }

 private:
  /// Equal bytes from `at` on, 128 at most.
  static std::size_t run_at(ConstBytes line, std::size_t at) {
    std::size_t end = at + 1;
    while (end < line.size() && end - at < 128 && line[end] == line[at]) ++end;
    return end - at;
  }
  Index row_;
};

class Xz final : public Codec {
 public:
  explicit Xz(int level) : level_(level) {
    if (level < 0 || level > 9) fail(ErrorKind::kUser, "lzma: there is no level {}; 0 to 9 are.", level);
  }
  std::string_view name() const override { return "lzma"; }
  Index largest_made(Index bytes) const override { return static_cast<Index>(lzma_stream_buffer_bound(static_cast<std::size_t>(bytes))); }
  Index largest_encoded(Index bytes) const override { return largest_made(bytes) + bytes / 64 + 1024; }
  Index encode(ConstBytes from, Bytes to) const override {
    std::size_t done = 0;
    const auto result = lzma_easy_buffer_encode(static_cast<std::uint32_t>(level_), LZMA_CHECK_CRC32, nullptr,
                                                reinterpret_cast<const std::uint8_t*>(from.data()), from.size(),
                                                reinterpret_cast<std::uint8_t*>(to.data()), &done, to.size());
    if (result == LZMA_MEM_ERROR) fail(ErrorKind::kMemory, "lzma: the system has no memory left for its tables.");
    ensure(result == LZMA_OK, "lzma made more bytes than its bound");
    return static_cast<Index>(done);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    // A window is no use beyond the chunk; level 9 asks for 65 MiB all the same.
    std::uint64_t memory = std::uint64_t{128} << 20;
    std::size_t used = 0, done = 0;
    switch (lzma_stream_buffer_decode(&memory, 0, nullptr, reinterpret_cast<const std::uint8_t*>(from.data()), &used, from.size(),
                                      reinterpret_cast<std::uint8_t*>(to.data()), &done, to.size())) {
      case LZMA_OK: return static_cast<Index>(done);
      case LZMA_BUF_ERROR: fail_damaged(name(), "it is larger than the chunk");
      case LZMA_MEM_ERROR: fail(ErrorKind::kMemory, "lzma: the system has no memory left for its tables.");
      case LZMA_MEMLIMIT_ERROR: fail_damaged(name(), fmt::format("it asks for a window of {}", format_bytes(static_cast<Index>(memory))));
      default: fail_damaged(name(), "the stream is damaged or cut short");
    }
  }

 private:
  int level_;
};

template <class T>
T load(const std::byte* from, bool swap) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  if constexpr (sizeof(T) == 2) return swap ? static_cast<T>(__builtin_bswap16(value)) : value;
  if constexpr (sizeof(T) == 4) return swap ? __builtin_bswap32(value) : value;
  if constexpr (sizeof(T) == 8) return swap ? __builtin_bswap64(value) : value;
  return value;
}
template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

template <class F>
void with_width(Index bytes, F&& f) {
  switch (bytes) {
    case 1: return f(std::uint8_t{});
    case 2: return f(std::uint16_t{});
    case 4: return f(std::uint32_t{});
    default: return f(std::uint64_t{});
  }
}

class HorizontalDifferences final : public Codec {
 public:
  explicit HorizontalDifferences(const TiffRow& row) : row_(row), swap_(row.order != kNativeOrder) {
    ensure(row.element_bytes == 1 || row.element_bytes == 2 || row.element_bytes == 4 || row.element_bytes == 8, "differences of another width");
  }
  std::string_view name() const override { return "predictor 2"; }
  Index largest_encoded(Index bytes) const override { return bytes; }

  Index encode(ConstBytes from, Bytes to) const override {
    for_each_line(from, to, [&]<class T>(const std::byte* in, std::byte* out, T) {
      constexpr Index kWidth = sizeof(T);
      const Index pixel = row_.samples * kWidth, bytes = row_.elements * kWidth;
      for (Index at = 0; at < std::min(pixel, bytes); at += kWidth) put(out + at, load<T>(in + at, false));
      for (Index at = pixel; at < bytes; at += kWidth) put(out + at, static_cast<T>(load<T>(in + at, false) - load<T>(in + at - pixel, false)));
    });
    return static_cast<Index>(from.size());
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() > to.size()) fail_damaged(name(), "it is larger than the chunk");
    for_each_line(from, to, [&]<class T>(const std::byte* in, std::byte* out, T) {
      swap_ ? sum_line<T, true>(in, out) : sum_line<T, false>(in, out);
    });
    return static_cast<Index>(from.size());
  }

 private:
  template <class T>
  void put(std::byte* to, T value) const {
    store(to, load<T>(reinterpret_cast<const std::byte*>(&value), swap_));
  }
  template <class T, bool kSwap>
  void sum_line(const std::byte* in, std::byte* out) const {
    constexpr Index kWidth = sizeof(T);
    if (row_.samples == 1) {
      T sum = 0;
      for (Index i = 0; i < row_.elements; ++i) {
        sum = static_cast<T>(sum + load<T>(in + i * kWidth, kSwap));
        store(out + i * kWidth, sum);
      }
      return;
    }
    const Index pixel = row_.samples * kWidth, bytes = row_.elements * kWidth;
    for (Index at = 0; at < std::min(pixel, bytes); at += kWidth) store(out + at, load<T>(in + at, kSwap));
    for (Index at = pixel; at < bytes; at += kWidth) {
      store(out + at, static_cast<T>(load<T>(in + at, kSwap) + load<T>(out + at - pixel, false)));
    }
  }
  template <class F>
  void for_each_line(ConstBytes from, Bytes to, F&& line) const {
    const Index bytes = row_.elements * row_.element_bytes;
    with_width(row_.element_bytes, [&]<class T>(T) {
      for (Index at = 0; bytes > 0 && at + bytes <= static_cast<Index>(from.size()); at += bytes) line(from.data() + at, to.data() + at, T{});
    });
  }
  TiffRow row_;
  bool swap_;
};

class FloatingDifferences final : public Codec {
 public:
  explicit FloatingDifferences(const TiffRow& row) : row_(row) {}
  std::string_view name() const override { return "predictor 3"; }
  Index largest_encoded(Index bytes) const override { return bytes; }

  Index encode(ConstBytes from, Bytes to) const override {
    const Index width = row_.element_bytes, count = row_.elements, bytes = count * width;
    std::vector<std::byte> planes(static_cast<std::size_t>(bytes));
    for (Index at = 0; bytes > 0 && at + bytes <= static_cast<Index>(from.size()); at += bytes) {
      const std::byte* in = from.data() + at;
      if (width == 4) {
        part_words(in, count, planes.data());
      } else {
        for (Index k = 0; k < width; ++k) {
          for (Index i = 0; i < count; ++i) planes[static_cast<std::size_t>(k * count + i)] = in[i * width + place(k)];
        }
      }
      const Index first = std::min(row_.samples, bytes);
      std::memcpy(to.data() + at, planes.data(), static_cast<std::size_t>(first));
      subtract(planes.data() + first, planes.data(), bytes - first, to.data() + at + first);
    }
    return static_cast<Index>(from.size());
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() > to.size()) fail_damaged(name(), "it is larger than the chunk");
    const Index width = row_.element_bytes, count = row_.elements, bytes = count * width;
    std::vector<std::byte> planes(static_cast<std::size_t>(bytes));
    for (Index at = 0; bytes > 0 && at + bytes <= static_cast<Index>(from.size()); at += bytes) {
      const std::byte* in = from.data() + at;
      if (row_.samples == 1) {
        unsigned sum = 0;
        for (Index i = 0; i < bytes; ++i) planes[static_cast<std::size_t>(i)] = static_cast<std::byte>(sum += std::to_integer<unsigned>(in[i]));
      } else {
        for (Index i = 0; i < bytes; ++i) {
          planes[static_cast<std::size_t>(i)] = i < row_.samples ? in[i] : plus(in[i], planes[static_cast<std::size_t>(i - row_.samples)]);
        }
      }
      std::byte* out = to.data() + at;
      for (Index i = 0; i < count; ++i) {
        for (Index k = 0; k < width; ++k) out[i * width + place(k)] = planes[static_cast<std::size_t>(k * count + i)];
      }
    }
    return static_cast<Index>(from.size());
  }

 private:
  /// Where the byte of rank `k`, 0 the highest, lies in an element.
  Index place(Index k) const { return kNativeOrder == ByteOrder::kLittle ? row_.element_bytes - 1 - k : k; }
  static std::byte plus(std::byte a, std::byte b) { return static_cast<std::byte>(std::to_integer<unsigned>(a) + std::to_integer<unsigned>(b)); }
  // Loops that become vectors.
  static void part_words(const std::byte* __restrict in, Index count, std::byte* __restrict planes) {
    for (int k = 0; k < 4; ++k)
      for (Index i = 0; i < count; ++i) {
        std::uint32_t word;
        std::memcpy(&word, in + 4 * i, 4);
        planes[k * count + i] = static_cast<std::byte>(word >> (24 - 8 * k));
      }
  }
  static void subtract(const std::byte* __restrict a, const std::byte* __restrict b, Index count, std::byte* __restrict out) {
    for (Index i = 0; i < count; ++i) out[i] = static_cast<std::byte>(std::to_integer<unsigned>(a[i]) - std::to_integer<unsigned>(b[i]));
  }
  TiffRow row_;
};

class PackedBits final : public Codec {
 public:
  PackedBits(int bits, Index row_elements) : bits_(bits), elements_(std::max<Index>(1, row_elements)), width_(bits > 8 ? 2 : 1) {
    ensure(bits >= 1 && bits < 16, "packed elements of another width");
  }
  std::string_view name() const override { return "packed bits"; }
  Index largest_encoded(Index bytes) const override { return bytes / (elements_ * width_) * packed_row(); }

  Index encode(ConstBytes from, Bytes to) const override {
    const Index rows = static_cast<Index>(from.size()) / (elements_ * width_);
    for (Index row = 0; row < rows; ++row) {
      CodeWriter out(to.subspan(static_cast<std::size_t>(row * packed_row()), static_cast<std::size_t>(packed_row())));
      for (Index i = 0; i < elements_; ++i) {
        const std::byte* at = from.data() + (row * elements_ + i) * width_;
        const std::uint32_t value = width_ == 1 ? std::to_integer<std::uint32_t>(*at) : load<std::uint16_t>(at, false);
        out.put(value & ((1u << bits_) - 1), bits_);
      }
      out.finish();
    }
    return rows * packed_row();
  }
  Index decode(ConstBytes from, Bytes to) const override {
    const Index rows = static_cast<Index>(from.size()) / packed_row();
    if (rows * elements_ * width_ > static_cast<Index>(to.size())) fail_damaged(name(), "it is larger than the chunk");
    for (Index row = 0; row < rows; ++row) {
      const std::byte* in = from.data() + row * packed_row();
      std::byte* out = to.data() + row * elements_ * width_;
      std::uint32_t held = 0;
      int ready = 0;
      for (Index i = 0; i < elements_; ++i) {
        for (; ready < bits_; ready += 8) held = held << 8 | std::to_integer<std::uint32_t>(*in++);
        ready -= bits_;
        const std::uint32_t value = held >> ready & ((1u << bits_) - 1);
        width_ == 1 ? store(out + i, static_cast<std::uint8_t>(value)) : store(out + 2 * i, static_cast<std::uint16_t>(value));
      }
    }
    return rows * elements_ * width_;
  }

 private:
  Index packed_row() const { return (elements_ * bits_ + 7) / 8; }
  int bits_;
  Index elements_, width_;
};

class ReversedBits final : public Codec {
 public:
  std::string_view name() const override { return "reversed bits"; }
  Index largest_encoded(Index bytes) const override { return bytes; }
  Index encode(ConstBytes from, Bytes to) const override { return reverse(from, to); }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() > to.size()) fail_damaged(name(), "it is larger than the chunk");
    return reverse(from, to);
  }

 private:
  static Index reverse(ConstBytes from, Bytes to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      unsigned byte = std::to_integer<unsigned>(from[i]), reversed = 0;
      for (int bit = 0; bit < 8; ++bit, byte >>= 1) reversed = reversed << 1 | (byte & 1);
      to[i] = static_cast<std::byte>(reversed);
    }
    return static_cast<Index>(from.size());
  }
};

}  // namespace

bool is_old_tiff_lzw(std::byte first, std::byte second) { return first == std::byte{0} && (second & std::byte{1}) != std::byte{0}; }

CodecRef tiff_lzw_codec() { return std::make_shared<TiffLzw>(); }
CodecRef packbits_codec(Index row_bytes) { return std::make_shared<PackBits>(row_bytes); }
CodecRef xz_codec(int level) { return std::make_shared<Xz>(level); }
CodecRef horizontal_differences_codec(const TiffRow& row) { return std::make_shared<HorizontalDifferences>(row); }
CodecRef floating_differences_codec(const TiffRow& row) { return std::make_shared<FloatingDifferences>(row); }
CodecRef packed_bits_codec(int bits, Index row_elements) { return std::make_shared<PackedBits>(bits, row_elements); }
CodecRef reversed_bits_codec() { return std::make_shared<ReversedBits>(); }

}  // namespace freestone
