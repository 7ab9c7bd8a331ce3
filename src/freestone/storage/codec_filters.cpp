#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "freestone/storage/codec.h"

namespace freestone {
namespace {

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

// Bytes of the elements that a loop turns over at a time: both sides stay in the first cache.
constexpr Index kBlock = 4096;

template <Index kWidth>
void unshuffle_loop(const std::byte* from, std::byte* to, Index count) {
  for (Index start = 0; start < count; start += kBlock / kWidth) {
    const Index end = std::min(count, start + kBlock / kWidth);
    for (Index i = start; i < end; ++i) {
      for (Index j = 0; j < kWidth; ++j) to[i * kWidth + j] = from[j * count + i];
    }
  }
}

class Shuffle final : public Codec {
 public:
  explicit Shuffle(Index width) : width_(std::max<Index>(width, 1)) {}
  std::string_view name() const override { return "shuffle"; }
  std::string numcodecs() const override { return fmt::format(R"({{"id": "shuffle", "elementsize": {}}})", width_); }
  Index largest_encoded(Index bytes) const override { return bytes; }
  Index encode(ConstBytes from, Bytes to) const override {
    const Index size = static_cast<Index>(from.size()), count = size / width_;
    for (Index start = 0; start < count; start += kBlock) {
      const Index end = std::min(count, start + kBlock);
      for (Index j = 0; j < width_; ++j) {
        for (Index i = start; i < end; ++i) {
          to[static_cast<std::size_t>(j * count + i)] = from[static_cast<std::size_t>(i * width_ + j)];
        }
      }
    }
    copy_rest(from, to, count * width_);
    return size;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() > to.size()) fail(ErrorKind::kData, "shuffle cannot decode it: it is larger than the chunk");
    const Index size = static_cast<Index>(from.size()), count = size / width_;
    switch (width_) {
      case 2: unshuffle_loop<2>(from.data(), to.data(), count); break;
      case 4: unshuffle_loop<4>(from.data(), to.data(), count); break;
      case 8: unshuffle_loop<8>(from.data(), to.data(), count); break;
      case 16: unshuffle_loop<16>(from.data(), to.data(), count); break;
      default:
        for (Index i = 0; i < count; ++i) {
          for (Index j = 0; j < width_; ++j) {
            to[static_cast<std::size_t>(i * width_ + j)] = from[static_cast<std::size_t>(j * count + i)];
          }
        }
    }
    copy_rest(from, to, count * width_);
    return size;
  }

 private:
  static void copy_rest(ConstBytes from, Bytes to, Index done) {
    const auto at = static_cast<std::size_t>(done);
    if (at < from.size()) std::memcpy(to.data() + at, from.data() + at, from.size() - at);
  }
  Index width_;
};

/// A filter from numbers of one type to as many of another.
class NumberFilter : public Codec {
 public:
  NumberFilter(std::string_view name, StoredType elements, StoredType stored) : elements_(elements), stored_(stored), name_(name) {
    for (const StoredType& type : {elements, stored}) {
      if (!is_integer(type.dtype) && !is_floating(type.dtype)) {
        fail(ErrorKind::kUser, "{}: it takes integers and floats, not {}.", name, name_of(type.dtype));
      }
    }
  }
  std::string_view name() const final { return name_; }
  Index largest_encoded(Index bytes) const final { return bytes / size_of(elements_.dtype) * size_of(stored_.dtype); }
  Index encode(ConstBytes from, Bytes to) const final { return convert(from, elements_, to, stored_, true); }
  Index decode(ConstBytes from, Bytes to) const final { return convert(from, stored_, to, elements_, false); }

 protected:
  /// Native numbers at `from`, which are of the first type, to native ones at `to`.
  virtual void encode_numbers(const std::byte* from, std::byte* to, Index count) const = 0;
  virtual void decode_numbers(const std::byte* from, std::byte* to, Index count) const = 0;
  const StoredType elements_, stored_;

 private:
  Index convert(ConstBytes from, StoredType from_type, Bytes to, StoredType to_type, bool encodes) const {
    const Index from_width = size_of(from_type.dtype), to_width = size_of(to_type.dtype),
                count = static_cast<Index>(from.size()) / from_width;
    if (static_cast<Index>(from.size()) % from_width != 0 || count * to_width > static_cast<Index>(to.size())) {
      fail(ErrorKind::kData, "{} cannot take it: {} bytes are not the {} numbers of the chunk", name_, from.size(),
           name_of(from_type.dtype));
    }
    std::vector<std::byte> native;
    const std::byte* numbers = from.data();
    if (from_type.order != kNativeOrder && from_width > 1) {
      native.resize(from.size());
      reorder_bytes(from.data(), native.data(), count, from_type.dtype, true);
      numbers = native.data();
    }
    encodes ? encode_numbers(numbers, to.data(), count) : decode_numbers(numbers, to.data(), count);
    reorder_bytes(to.data(), to.data(), count, to_type.dtype, to_type.order != kNativeOrder);
    return count * to_width;
  }
  std::string name_;
};

/// As NumPy converts: floats to integers go through int64, so that out of range wraps instead of being undefined.
template <class To, class From>
To converted(From value) {
  if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    if (!(value > -9.2e18 && value < 9.2e18)) {
      if (std::is_same_v<To, std::uint64_t> && value >= 0 && value < 1.8446744073709550e19) return static_cast<To>(value);
      return static_cast<To>(std::numeric_limits<std::int64_t>::min());
    }
    return static_cast<To>(static_cast<std::int64_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

/// x + y and x - y; integers wrap.
template <class T>
T plus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
  } else {
    return a + b;
  }
}
template <class T>
T minus(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    using U = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
  } else {
    return a - b;
  }
}

template <class F>
void with_number_types(DType a, DType b, F&& f) {
  with_real_type(a, [&]<class A>(TypeTag<A>) {
    with_real_type(b, [&]<class B>(TypeTag<B>) {
      if constexpr (!std::is_same_v<A, bool> && !std::is_same_v<B, bool>) f(A{}, B{});
    });
  });
}

class Delta final : public NumberFilter {
 public:
  Delta(StoredType elements, StoredType stored) : NumberFilter("delta", elements, stored) {}

 protected:
  void encode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    with_number_types(elements_.dtype, stored_.dtype, [&]<class T, class S>(T, S) {
      T before{};
      for (Index i = 0; i < count; ++i) {
        const T now = load<T>(from + i * static_cast<Index>(sizeof(T)));
        store(to + i * static_cast<Index>(sizeof(S)), converted<S>(i == 0 ? now : minus(now, before)));
        before = now;
      }
    });
  }
  void decode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    with_number_types(elements_.dtype, stored_.dtype, [&]<class T, class S>(T, S) {
      T sum{};
      for (Index i = 0; i < count; ++i) {
        const T step = converted<T>(load<S>(from + i * static_cast<Index>(sizeof(S))));
        sum = i == 0 ? step : plus(sum, step);
        store(to + i * static_cast<Index>(sizeof(T)), sum);
      }
    });
  }
};

class FixedScaleOffset final : public NumberFilter {
 public:
  FixedScaleOffset(double offset, double scale, StoredType elements, StoredType stored)
      : NumberFilter("fixedscaleoffset", elements, stored), offset_(offset), scale_(scale) {
    if (!(std::isfinite(scale) && scale != 0 && std::isfinite(offset))) {
      fail(ErrorKind::kUser, "fixedscaleoffset: a scale of {} and an offset of {} lose every number.", scale, offset);
    }
  }

 protected:
  void encode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    with_number_types(elements_.dtype, stored_.dtype, [&]<class T, class S>(T, S) {
      using Work = std::conditional_t<std::is_same_v<T, float>, float, double>;
      for (Index i = 0; i < count; ++i) {
        const auto value = static_cast<Work>(load<T>(from + i * static_cast<Index>(sizeof(T))));
        const Work scaled = (value - static_cast<Work>(offset_)) * static_cast<Work>(scale_);
        store(to + i * static_cast<Index>(sizeof(S)), converted<S>(std::nearbyint(scaled)));
      }
    });
  }
  void decode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    with_number_types(elements_.dtype, stored_.dtype, [&]<class T, class S>(T, S) {
      using Work = std::conditional_t<std::is_same_v<S, float>, float, double>;
      for (Index i = 0; i < count; ++i) {
        const auto value = static_cast<Work>(load<S>(from + i * static_cast<Index>(sizeof(S))));
        store(to + i * static_cast<Index>(sizeof(T)), converted<T>(value / static_cast<Work>(scale_) + static_cast<Work>(offset_)));
      }
    });
  }

 private:
  double offset_, scale_;
};

class AsType final : public NumberFilter {
 public:
  AsType(StoredType elements, StoredType stored) : NumberFilter("astype", elements, stored) {}

 protected:
  void encode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    run(elements_.dtype, stored_.dtype, from, to, count);
  }
  void decode_numbers(const std::byte* from, std::byte* to, Index count) const override {
    run(stored_.dtype, elements_.dtype, from, to, count);
  }

 private:
  static void run(DType from_type, DType to_type, const std::byte* from, std::byte* to, Index count) {
    with_number_types(from_type, to_type, [&]<class From, class To>(From, To) {
      for (Index i = 0; i < count; ++i) {
        store(to + i * static_cast<Index>(sizeof(To)), converted<To>(load<From>(from + i * static_cast<Index>(sizeof(From)))));
      }
    });
  }
};

/// Tables for eight bytes at a time: row k is the effect of a byte that lies k places before the end.
constexpr auto kCrcTables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0u);  // the polynomial, its bits reversed
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t k = 1; k < 8; ++k) tables[k][i] = (tables[k - 1][i] >> 8) ^ tables[0][tables[k - 1][i] & 0xff];
  }
  return tables;
}();

std::uint32_t crc32c_by_tables(std::uint32_t crc, const std::byte* data, std::size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word |= std::to_integer<std::uint64_t>(data[i]) << (8 * i);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kCrcTables[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; size > 0; ++data, --size) crc = (crc >> 8) ^ kCrcTables[0][(crc ^ std::to_integer<std::uint32_t>(*data)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t crc32c_by_instruction(std::uint32_t crc, const std::byte* data, std::size_t size) {
  std::uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) wide = __builtin_ia32_crc32di(wide, load<std::uint64_t>(data));
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = __builtin_ia32_crc32qi(crc, std::to_integer<unsigned char>(*data));
  return crc;
}
#endif

class ChecksumCodec final : public Codec {
 public:
  ChecksumCodec(Checksum kind, bool at_start) : kind_(kind), at_start_(at_start) {}
  std::string_view name() const override { return kind_ == Checksum::kCrc32c ? "crc32c" : kind_ == Checksum::kCrc32 ? "crc32" : "adler32"; }
  Index largest_encoded(Index bytes) const override { return bytes + kBytes; }
  Index encode(ConstBytes from, Bytes to) const override {
    if (!from.empty()) std::memcpy(to.data() + (at_start_ ? kBytes : 0), from.data(), from.size());
    const std::uint32_t sum = of(from);
    std::byte* at = to.data() + (at_start_ ? 0 : from.size());
    for (int i = 0; i < kBytes; ++i) at[i] = static_cast<std::byte>(sum >> (8 * i));
    return static_cast<Index>(from.size()) + kBytes;
  }
  Index decode(ConstBytes from, Bytes to) const override {
    if (from.size() < kBytes) fail(ErrorKind::kData, "{} cannot decode it: it is cut short", name());
    const ConstBytes sum = at_start_ ? from.first(kBytes) : from.last(kBytes);
    const ConstBytes bytes = at_start_ ? from.subspan(kBytes) : from.first(from.size() - kBytes);
    if (bytes.size() > to.size()) fail(ErrorKind::kData, "{} cannot decode it: it is larger than the chunk", name());
    std::uint32_t expected = 0;
    for (std::size_t i = 0; i < kBytes; ++i) expected |= std::to_integer<std::uint32_t>(sum[i]) << (8 * i);
    if (const std::uint32_t found = of(bytes); found != expected) {
      fail(ErrorKind::kData, "its {} is {:08x}, not {:08x} as stored with it: the bytes are damaged", name(), found, expected);
    }
    if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
    return static_cast<Index>(bytes.size());
  }

 private:
  static constexpr int kBytes = 4;
  std::uint32_t of(ConstBytes bytes) const {
    switch (kind_) {
      case Checksum::kCrc32c: return crc32c(bytes);
      case Checksum::kCrc32: return libdeflate_crc32(0, bytes.data(), bytes.size());
      default: return libdeflate_adler32(1, bytes.data(), bytes.size());
    }
  }
  Checksum kind_;
  bool at_start_;
};

/// Eight booleans in a byte.
class Bits final : public Codec {
 public:
  std::string_view name() const override { return "bits"; }
  Index largest_encoded(Index bytes) const override { return (bytes + 7) / 8; }
  Index encode(ConstBytes from, Bytes to) const override {
    const std::size_t size = (from.size() + 7) / 8;
    std::fill_n(to.begin(), size, std::byte{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i] != std::byte{0}) to[i / 8] |= std::byte{1} << (i % 8);
    }
    return static_cast<Index>(size);
  }
  Index decode(ConstBytes from, Bytes to) const override {
    const std::size_t whole = to.size() / 8;
    if (from.size() != (to.size() + 7) / 8) fail(ErrorKind::kData, "{} bytes hold no {} bits", from.size(), to.size());
    for (std::size_t i = 0; i < whole; ++i) {
      // Bit k of the byte becomes byte k: copies that lie seven bits apart, of which one bit each stays.
      std::uint64_t spread = (std::to_integer<std::uint64_t>(from[i]) & 0x7f) * 0x0002040810204081u & 0x0101010101010101u;
      spread |= static_cast<std::uint64_t>(std::to_integer<std::uint64_t>(from[i]) >> 7) << 56;
      if constexpr (kNativeOrder == ByteOrder::kBig) spread = __builtin_bswap64(spread);
      std::memcpy(to.data() + 8 * i, &spread, 8);
    }
    for (std::size_t i = 8 * whole; i < to.size(); ++i) to[i] = from[i / 8] >> (i % 8) & std::byte{1};
    return static_cast<Index>(to.size());
  }
};

}  // namespace

std::uint32_t crc32c(ConstBytes bytes) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc32c_by_instruction(~0u, bytes.data(), bytes.size());
#endif
  return ~crc32c_by_tables(~0u, bytes.data(), bytes.size());
}

CodecRef shuffle_codec(Index element_bytes) { return std::make_shared<Shuffle>(element_bytes); }
CodecRef delta_codec(StoredType elements, StoredType stored) { return std::make_shared<Delta>(elements, stored); }
CodecRef fixed_scale_offset_codec(double offset, double scale, StoredType elements, StoredType stored) {
  return std::make_shared<FixedScaleOffset>(offset, scale, elements, stored);
}
CodecRef as_type_codec(StoredType elements, StoredType stored) { return std::make_shared<AsType>(elements, stored); }
CodecRef checksum_codec(Checksum kind, bool at_start) { return std::make_shared<ChecksumCodec>(kind, at_start); }

CodecRef bits_codec() { return std::make_shared<Bits>(); }

}  // namespace freestone
