// Codecs of tile-compressed FITS on bytes that are none of theirs. That they decode what CFITSIO encodes is tests/cli/test_fits_tiles.py.
#include "freestone/storage/codec_fits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "freestone/base/error.h"

namespace freestone {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> out;
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

template <class T>
std::vector<T> decoded(const CodecRef& codec, ConstBytes from, std::size_t count) {
  std::vector<T> out(count);
  const Index n = codec->decode(from, std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(n, static_cast<Index>(count * sizeof(T)));
  return out;
}

TEST(RiceCodec, DecodesByHand) {
  // 7 as it is; a block of two with three low bits (width 3 + 1 = 0100): differences 0 (1 000) and +2, folded to 4 (1 100); then a block of nothing.
  // 00000111 | 100 | 1 000 | 1 100 | 000
  const auto bytes = bytes_of({0x07, 0b10010001, 0b10000000, 0});
  EXPECT_EQ(decoded<std::uint8_t>(rice_codec(1, 2), bytes, 4), (std::vector<std::uint8_t>{7, 9, 9, 9}));
}

TEST(PlioCodec, DecodesByHand) {
  // A header of seven words, the length in the fourth; zeros 2, ones 3, value + 4, ones 1, a single pixel behind one zero.
  const auto bytes = bytes_of({0, 0, 0, 7, 0xff, 0x9c, 0, 12, 0, 0, 0, 0, 0, 0, 0x00, 0x02, 0x40, 0x03, 0x20, 0x04, 0x40, 0x01, 0x50, 0x02});
  EXPECT_EQ(decoded<std::int32_t>(plio_codec(), bytes, 9), (std::vector<std::int32_t>{0, 0, 1, 1, 1, 5, 0, 5, 0}));
}

TEST(QuantisedCodec, KnowsMissingAndZero) {
  const std::vector<std::int32_t> stored{4, -5, -2147483646};
  Quantisation q{.scale = 0.5, .zero = 1, .blank = -5, .dither = Dither::kSubtractive2, .row = 12345678};
  const auto values = decoded<float>(quantised_codec(DType::kFloat32, q), std::as_bytes(std::span(stored)), 3);
  EXPECT_NEAR(values[0], 3, 0.26);
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_EQ(values[2], 0);
  q.dither = Dither::kNone;
  q.row = -99;
  EXPECT_EQ(decoded<double>(quantised_codec(DType::kFloat64, q), std::as_bytes(std::span(stored)), 3)[0], 3);
}

TEST(FitsCodecs, AnyBytesAreDecodedOrRefusedClearly) {
  std::mt19937_64 random(11);
  const std::vector<CodecRef> codecs{rice_codec(1, 32), rice_codec(2, 16), rice_codec(4, 32), plio_codec(), hcompress_codec(8, 9), hcompress_codec(1, 5)};
  for (int round = 0; round < 30000; ++round) {
    const CodecRef& codec = codecs[random() % codecs.size()];
    std::vector<std::byte> from(random() % 200);
    for (std::byte& b : from) b = static_cast<std::byte>(random() % 3 == 0 ? random() : random() % 3 == 0 ? 255 : 0);
    if (codec->name() == "hcompress" && from.size() > 25) {
      // A header that is believed.
      const Index rows = codec == codecs[4] ? 8 : 1, columns = codec == codecs[4] ? 9 : 5;
      const auto head = bytes_of({0xdd, 0x99, 0, 0, 0, static_cast<int>(rows), 0, 0, 0, static_cast<int>(columns)});
      std::copy(head.begin(), head.end(), from.begin());
      for (std::size_t k = 22; k < 25; ++k) from[k] = static_cast<std::byte>(random() % 70);
    }
    std::vector<std::byte> to(8 * 9 * 8);
    try {
      const Index n = codec->decode(from, to);
      EXPECT_LE(n, static_cast<Index>(to.size()));
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
    }
  }
}

TEST(BitsCodec, GivesBackBooleans) {
  std::mt19937 random(3);
  for (std::size_t n = 0; n < 70; ++n) {
    std::vector<std::byte> from(n), to(n), encoded((n + 7) / 8);
    for (std::byte& b : from) b = static_cast<std::byte>(random() & 1);
    EXPECT_EQ(bits_codec()->encode(from, encoded), static_cast<Index>(encoded.size()));
    EXPECT_EQ(bits_codec()->decode(encoded, to), static_cast<Index>(n));
    EXPECT_EQ(from, to);
  }
  EXPECT_EQ(bytes_of({1, 0, 1, 1, 0, 0, 0, 1, 1}), [] {
    std::vector<std::byte> to(9);
    bits_codec()->decode(bytes_of({0x8d, 0xff}), to);
    return to;
  }());
}

}  // namespace
}  // namespace freestone
