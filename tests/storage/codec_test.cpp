// Codecs: what goes in comes out; what is damaged, cut short or promises too much is refused.
#include "freestone/storage/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "freestone/storage/element_transform.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using Random = std::mt19937_64;
using Vector = std::vector<std::byte>;

Index pick(Random& random, Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(random); }

/// Numbers of 4 bytes that compress somewhat, or noise.
Vector sample(Random& random, Index bytes) {
  Vector out(static_cast<std::size_t>(bytes));
  const bool noise = pick(random, 0, 2) == 0;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 4 == 0) value += static_cast<std::uint32_t>(pick(random, 0, 9));
    out[i] = noise ? static_cast<std::byte>(random()) : static_cast<std::byte>(value >> (8 * (i % 4)));
  }
  return out;
}

Vector encoded(const CodecChain& chain, const Vector& raw) {
  Vector scratch(static_cast<std::size_t>(chain.encode_scratch_bytes(static_cast<Index>(raw.size()))));
  const ConstBytes out = chain.encode(raw, scratch);
  EXPECT_LE(static_cast<Index>(out.size()), chain.largest_encoded(static_cast<Index>(raw.size()))) << chain.names();
  return {out.begin(), out.end()};
}

Vector decoded(const CodecChain& chain, const Vector& stored, std::size_t raw_bytes) {
  // Exactly as much memory as is declared: the address sanitizer sees a byte more.
  Vector raw(raw_bytes), scratch(static_cast<std::size_t>(chain.decode_scratch_bytes(static_cast<Index>(raw_bytes))));
  chain.decode(stored, raw, scratch);
  return raw;
}

const std::vector<CodecRef>& compressors() {
  static const std::vector<CodecRef> kAll = [] {
    std::vector<CodecRef> all = {zstd_codec(3), zstd_codec(1, true), zstd_codec(-5), gzip_codec(1), gzip_codec(9),
                                 gzip_codec(0), zlib_codec(6),       lz4_codec(),    bz2_codec(1),  bz2_codec(9)};
    for (const char* name : {"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"}) {
      for (const BloscShuffle shuffle : {BloscShuffle::kNone, BloscShuffle::kBytes, BloscShuffle::kBits}) {
        for (const Index width : {1, 4, 8})
          all.push_back(blosc_codec({.compressor = name, .level = 5, .shuffle = shuffle, .element_bytes = width}));
      }
    }
    return all;
  }();
  return kAll;
}

TEST(Codec, GivesBackWhatWasEncodedForEveryCompressorAndSize) {
  Random random(1);
  for (const CodecRef& codec : compressors()) {
    for (const Index bytes : {Index{0}, Index{1}, Index{3}, Index{7}, Index{4096}, Index{100003}, pick(random, 1, 300000)}) {
      const CodecChain chain({codec});
      const Vector raw = sample(random, bytes);
      ASSERT_EQ(decoded(chain, encoded(chain, raw), raw.size()), raw) << codec->name() << ", " << bytes;
    }
  }
}

TEST(Codec, ChainsOfAnyLengthGiveBackWhatWasEncoded) {
  Random random(2);
  const StoredType i4{DType::kInt32, ByteOrder::kBig};
  const std::vector<CodecRef> filters = {shuffle_codec(4),
                                         shuffle_codec(3),
                                         checksum_codec(Checksum::kCrc32c),
                                         checksum_codec(Checksum::kCrc32, true),
                                         checksum_codec(Checksum::kAdler32, true),
                                         delta_codec(i4, i4)};
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<CodecRef> codecs;
    for (Index n = pick(random, 0, 5); n > 0; --n) {
      const bool filters_numbers = codecs.empty();  // later there may be any number of bytes
      codecs.push_back(pick(random, 0, 1) == 0 ? compressors()[static_cast<std::size_t>(pick(random, 0, 9))]
                                               : filters[static_cast<std::size_t>(pick(random, 0, filters_numbers ? 5 : 4))]);
    }
    const CodecChain chain(codecs);
    const Vector raw = sample(random, 4 * pick(random, 0, 20000));
    ASSERT_EQ(decoded(chain, encoded(chain, raw), raw.size()), raw) << "trial " << trial << ": " << chain.names();
  }
}

TEST(Codec, RefusesWhatIsCutShortOrOfAnotherSize) {
  Random random(3);
  for (const CodecRef& codec : compressors()) {
    const CodecChain chain({codec});
    const Vector raw = sample(random, 20000);
    Vector stored = encoded(chain, raw);
    for (const std::size_t size : {raw.size() - 1, raw.size() + 1, std::size_t{0}}) {
      EXPECT_EQ(error_of([&] { decoded(chain, stored, size); }).kind(), ErrorKind::kData) << codec->name() << " into " << size;
    }
    for (const std::size_t keep : {std::size_t{0}, std::size_t{2}, std::size_t{10}, stored.size() / 2, stored.size() - 1}) {
      const Vector cut(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(keep));
      EXPECT_EQ(error_of([&] { decoded(chain, cut, raw.size()); }).kind(), ErrorKind::kData) << codec->name() << ", first " << keep;
    }
  }
}

/// Some ranges, in order and apart.
std::vector<ByteRange> some_ranges(Random& random, Index bytes) {
  std::vector<ByteRange> ranges;
  for (Index at = pick(random, 0, bytes - 1); at < bytes;) {
    const Index end = pick(random, at + 1, std::min(bytes, at + 1 + bytes / 16));
    ranges.push_back({at, end});
    at = end + 1 + pick(random, 0, bytes / 3);
  }
  return ranges;
}

TEST(Codec, DecodesRangesAsTheyAreInTheWhole) {
  Random random(6);
  int in_part = 0;
  for (const CodecRef& codec : compressors()) {
    for (int trial = 0; trial < 16; ++trial) {
      const Index bytes = 4 * pick(random, 1, trial % 2 == 0 ? 100 : 100'000);
      const Vector raw = sample(random, bytes), stored = encoded(CodecChain({codec}), raw);
      const std::vector<ByteRange> ranges = some_ranges(random, bytes);
      Vector got(raw.size(), std::byte{0x5a});
      in_part += codec->decode_ranges(stored, got, ranges) ? 1 : 0;
      const CodecChain chain({codec});
      Vector scratch(static_cast<std::size_t>(chain.decode_scratch_bytes(bytes)));
      chain.decode_ranges(stored, got, scratch, ranges);
      for (const ByteRange& range : ranges) {
        const auto first = static_cast<std::size_t>(range.first), size = static_cast<std::size_t>(range.end - range.first);
        ASSERT_EQ(std::memcmp(got.data() + first, raw.data() + first, size), 0) << codec->name() << ", bytes " << range.first << " to " << range.end << " of " << bytes;
      }
    }
  }
  EXPECT_GT(in_part, 20);
}

TEST(Codec, AnyDamageIsAnErrorOrOtherBytesAndNothingElse) {
  Random random(4);
  for (const CodecRef& codec : compressors()) {
    const CodecChain chain({codec});
    const Vector raw = sample(random, 5000), stored = encoded(chain, raw);
    for (int trial = 0; trial < 300; ++trial) {
      Vector damaged = stored;
      for (Index n = pick(random, 1, 4); n > 0; --n) {
        // Headers are where lengths stand.
        const Index at = pick(random, 0, trial % 2 == 0 ? 31 : static_cast<Index>(damaged.size()) - 1);
        damaged[static_cast<std::size_t>(std::min(at, static_cast<Index>(damaged.size()) - 1))] = static_cast<std::byte>(random());
      }
      try {
        decoded(chain, damaged, raw.size());
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
      try {
        Vector got(raw.size());
        codec->decode_ranges(damaged, got, some_ranges(random, static_cast<Index>(raw.size())));
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
    }
  }
}

TEST(Codec, ABombIsRefusedWithoutItsMemory) {
  // 64 MiB of zeros where the chunk has 4 KiB.
  const Vector zeros(std::size_t{64} << 20);
  for (const CodecRef& codec : {zstd_codec(3), gzip_codec(6), zlib_codec(6), bz2_codec(9), blosc_codec({}), lz4_codec()}) {
    const CodecChain chain({codec});
    const Vector bomb = encoded(chain, zeros);
    EXPECT_EQ(error_of([&] { decoded(chain, bomb, 4096); }).kind(), ErrorKind::kData) << codec->name();
  }
}

TEST(Crc32c, EqualsThePublishedValues) {
  const auto of = [](const std::string& text) { return crc32c(std::as_bytes(std::span(text.data(), text.size()))); };
  EXPECT_EQ(of(""), 0u);
  EXPECT_EQ(of("123456789"), 0xe3069283u);
  EXPECT_EQ(of(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(of(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(ChecksumCodec, SeesOneChangedBit) {
  Random random(5);
  for (const Checksum kind : {Checksum::kCrc32c, Checksum::kCrc32, Checksum::kAdler32}) {
    for (const bool at_start : {false, true}) {
      const CodecChain chain({checksum_codec(kind, at_start)});
      const Vector raw = sample(random, 1001);
      Vector stored = encoded(chain, raw);
      stored[static_cast<std::size_t>(pick(random, 0, 1004))] ^= std::byte{4};
      EXPECT_SAYS(error_of([&] { decoded(chain, stored, raw.size()); }), "damaged");
    }
  }
}

template <class T>
Vector bytes_of(const std::vector<T>& values) {
  Vector out(values.size() * sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), values.data(), out.size());
  return out;
}

TEST(DeltaCodec, StoresDifferencesThatWrap) {
  const StoredType u1{DType::kUint8, kNativeOrder}, i2{DType::kInt16, ByteOrder::kBig};
  const CodecChain same({delta_codec(u1, u1)});
  const std::vector<std::uint8_t> values = {250, 3, 3, 0, 255};
  EXPECT_EQ(encoded(same, bytes_of(values)), bytes_of<std::uint8_t>({250, 9, 0, 253, 255}));
  EXPECT_EQ(decoded(same, encoded(same, bytes_of(values)), 5), bytes_of(values));
  const CodecChain wider({delta_codec(u1, i2)});
  EXPECT_EQ(encoded(wider, bytes_of<std::uint8_t>({1, 3})), (Vector{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{2}}));
}

TEST(FixedScaleOffsetCodec, RoundsHalvesToEven) {
  const StoredType f8{DType::kFloat64, kNativeOrder}, i2{DType::kInt16, kNativeOrder};
  const CodecChain chain({fixed_scale_offset_codec(1000, 10, f8, i2)});
  EXPECT_EQ(encoded(chain, bytes_of<double>({1000.05, 1000.25, 999, 1000.34})), bytes_of<std::int16_t>({0, 2, -10, 3}));
  EXPECT_EQ(decoded(chain, bytes_of<std::int16_t>({0, 2, -10, 3}), 32), bytes_of<double>({1000, 1000.2, 999, 1000.3}));
}

TEST(NumberFilters, RefuseWhatIsNoWholeNumberOfElements) {
  const StoredType f8{DType::kFloat64, kNativeOrder};
  EXPECT_EQ(error_of([&] { decoded(CodecChain({delta_codec(f8, f8)}), Vector(15), 16); }).kind(), ErrorKind::kData);
  EXPECT_EQ(error_of([&] { delta_codec({DType::kComplex64, kNativeOrder}, f8); }).kind(), ErrorKind::kUser);
}

TEST(ElementTransform, WidensEveryHalf) {
  for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    const ElementTransform transform{.stored = DType::kUint16, .order = order, .dtype = DType::kFloat32, .halves = true};
    transform.check();
    std::vector<std::uint16_t> bits(65536);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
    Vector stored = bytes_of(bits);
    reorder_bytes(stored.data(), stored.data(), 65536, DType::kUint16, order != kNativeOrder);
    std::vector<float> out(65536);
    transform.decode(stored.data(), reinterpret_cast<std::byte*>(out.data()), 65536);
    for (int i = 0; i < 65536; ++i) {
      // By definition: sign, 5 bits of exponent with a bias of 15, 10 of fraction.
      const int exponent = i >> 10 & 31, fraction = i & 1023;
      const double size = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      const float found = out[static_cast<std::size_t>(i)];
      ASSERT_EQ(std::signbit(found), (i & 0x8000) != 0) << i;
      if (exponent == 31) {
        ASSERT_TRUE(fraction == 0 ? std::isinf(found) : std::isnan(found)) << i;
      } else {
        ASSERT_EQ(std::fabs(found), static_cast<float>(size)) << i;
      }
    }
  }
}

}  // namespace
}  // namespace freestone
