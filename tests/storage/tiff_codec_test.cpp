// The codecs of TIFF: there and back on bytes of all kinds, streams that others wrote, and damaged ones.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "freestone/storage/codec_tiff.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using Random = std::mt19937_64;
using Vector = std::vector<std::byte>;

Vector bytes_of(std::initializer_list<int> values) {
  Vector out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

/// From all alike to all different.
Vector random_bytes(std::size_t size, int alphabet, Random& random) {
  Vector out(size);
  std::byte last{0};
  for (auto& b : out) {
    if (alphabet > 200 || random() % 4 == 0) last = static_cast<std::byte>(random() % static_cast<unsigned>(alphabet));
    b = last;
  }
  return out;
}

Vector encoded(const Codec& codec, const Vector& raw) {
  Vector out(static_cast<std::size_t>(codec.largest_made(static_cast<Index>(raw.size()))));
  out.resize(static_cast<std::size_t>(codec.encode(raw, out)));
  return out;
}
Vector decoded(const Codec& codec, const Vector& stored, std::size_t size) {
  Vector out(size);
  out.resize(static_cast<std::size_t>(codec.decode(stored, out)));
  return out;
}

TEST(TiffCodecs, GiveBackWhatTheyTook) {
  Random random(11);
  for (const CodecRef& codec : {tiff_lzw_codec(), packbits_codec(100), xz_codec(3), reversed_bits_codec()}) {
    for (const int alphabet : {1, 2, 30, 256}) {
      for (const std::size_t size : {0, 1, 2, 3, 127, 128, 129, 4000, 5000, 70000, 300001}) {
        const Vector raw = random_bytes(size, alphabet, random);
        const Vector stored = encoded(*codec, raw);
        ASSERT_EQ(decoded(*codec, stored, size), raw) << codec->name() << ", " << size << " of " << alphabet;
      }
    }
  }
}

TEST(TiffCodecs, PredictorsGiveBackWhatTheyTook) {
  Random random(12);
  for (const Index width : {1, 2, 4, 8}) {
    for (const Index samples : {1, 2, 3, 5}) {
      for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
        const TiffRow row{.elements = samples * 37, .samples = samples, .element_bytes = width, .order = order};
        const Vector raw = random_bytes(static_cast<std::size_t>(row.elements * width * 9), 256, random);
        ASSERT_EQ(decoded(*horizontal_differences_codec(row), encoded(*horizontal_differences_codec(row), raw), raw.size()), raw);
        const CodecRef floating = floating_differences_codec(row);
        ASSERT_EQ(decoded(*floating, encoded(*floating, raw), raw.size()), raw);
      }
    }
  }
}

TEST(TiffCodecs, DifferencesAreTheStandards) {
  const auto row = [](Index elements, Index samples, Index width, ByteOrder order) { return TiffRow{elements, samples, width, order}; };
  // 1 2 4 7 as bytes, then as pairs; two rows.
  EXPECT_EQ(encoded(*horizontal_differences_codec(row(4, 1, 1, ByteOrder::kLittle)), bytes_of({1, 2, 4, 7, 255, 0, 1, 1})),
            bytes_of({1, 1, 2, 3, 255, 1, 1, 0}));
  EXPECT_EQ(encoded(*horizontal_differences_codec(row(4, 2, 1, ByteOrder::kLittle)), bytes_of({1, 2, 4, 7})), bytes_of({1, 2, 3, 5}));
  EXPECT_EQ(decoded(*horizontal_differences_codec(row(2, 1, 2, ByteOrder::kBig)), bytes_of({0, 255, 0, 1}), 4), bytes_of({255, 0, 0, 1}));
  // 1.0f and 2.0f: 3f 80 00 00, 40 00 00 00; highest bytes first, then differences.
  EXPECT_EQ(encoded(*floating_differences_codec(row(2, 1, 4, ByteOrder::kLittle)), bytes_of({0, 0, 0x80, 0x3f, 0, 0, 0, 0x40})),
            bytes_of({0x3f, 1, 0x40, 0x80, 0, 0, 0, 0}));
}

TEST(TiffCodecs, PackedBitsAreMostSignificantFirst) {
  EXPECT_EQ(decoded(*packed_bits_codec(1, 10), bytes_of({0xa5, 0x40, 0xff, 0xff}), 20),
            bytes_of({1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(decoded(*packed_bits_codec(12, 3), bytes_of({0x12, 0x34, 0x56, 0x78, 0x90}), 6), bytes_of({0x23, 1, 0x56, 4, 0x89, 7}));
  Random random(13);
  for (int bits = 1; bits < 16; ++bits) {
    if (bits == 8) continue;
    for (const Index elements : {1, 7, 8, 33}) {
      const CodecRef codec = packed_bits_codec(bits, elements);
      const Index width = bits > 8 ? 2 : 1;
      Vector raw(static_cast<std::size_t>(elements * width * 5));
      for (std::size_t i = 0; i < raw.size(); i += static_cast<std::size_t>(width)) {
        const auto value = static_cast<std::uint16_t>(random() % (1u << bits));
        std::memcpy(raw.data() + i, &value, static_cast<std::size_t>(width));
      }
      const Vector stored = encoded(*codec, raw);
      EXPECT_EQ(static_cast<Index>(stored.size()), (elements * bits + 7) / 8 * 5);
      EXPECT_EQ(decoded(*codec, stored, raw.size()), raw) << bits;
    }
  }
}

TEST(TiffLzw, ReadsTheStandardsExample) {
  // TIFF 6.0, page 58: 7 7 7 8 8 7 7 6 6 as the codes 256 7 258 8 8 258 6 6 257, nine bits each.
  const Vector stored = bytes_of({0x80, 0x01, 0xe0, 0x40, 0x80, 0x44, 0x08, 0x0c, 0x06, 0x80, 0x80});
  const Vector raw = bytes_of({7, 7, 7, 8, 8, 7, 7, 6, 6});
  EXPECT_EQ(decoded(*tiff_lzw_codec(), stored, 9), raw);
  EXPECT_EQ(encoded(*tiff_lzw_codec(), raw), stored);
}

TEST(TiffLzw, RefusesTheOldKindAndCodesThatAreNone) {
  const auto says = [](const Vector& stored) { return error_of([&] { decoded(*tiff_lzw_codec(), stored, 100); }); };
  EXPECT_SAYS(says(bytes_of({0x00, 0x01, 0x0f})), "before TIFF 5.0");
  EXPECT_EQ(says(bytes_of({0x80, 0x7f, 0xff, 0xff})).kind(), ErrorKind::kData);
  EXPECT_SAYS(says(bytes_of({0x80, 0x7f, 0xff, 0xff})), "not in its table");
}

TEST(TiffCodecs, DamagedStreamsStayInTheirMemory) {
  Random random(14);
  const TiffRow row{.elements = 50, .samples = 1, .element_bytes = 2};
  for (const CodecRef& codec : {tiff_lzw_codec(), packbits_codec(100), xz_codec(1), horizontal_differences_codec(row), floating_differences_codec(row),
                                packed_bits_codec(12, 50)}) {
    const Vector whole = encoded(*codec, random_bytes(5000, 20, random));
    for (int trial = 0; trial < 3000; ++trial) {
      Vector stored = whole;
      for (std::size_t n = random() % 4; n > 0; --n) stored[random() % stored.size()] = static_cast<std::byte>(random());
      if (random() % 3 == 0) stored.resize(random() % stored.size());
      Vector out(random() % 3 == 0 ? random() % 6000 : 5000);
      try {
        EXPECT_LE(codec->decode(stored, out), static_cast<Index>(out.size()));
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData);
      }
    }
  }
}

}  // namespace
}  // namespace freestone
