#include <gtest/gtest.h>

#include <random>

#include "freestone/storage/codec.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;

std::vector<std::byte> random_bytes(std::mt19937_64& random, std::size_t size) {
  std::vector<std::byte> out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random() % 7 == 0 ? random() : 3);
  return out;
}

std::vector<std::byte> encoded(const Codec& codec, const std::vector<std::byte>& raw) {
  std::vector<std::byte> out(static_cast<std::size_t>(codec.largest_encoded(static_cast<Index>(raw.size()))));
  out.resize(static_cast<std::size_t>(codec.encode(raw, out)));
  return out;
}

TEST(Hdf5Codecs, GiveBackWhatTheyEncoded) {
  std::mt19937_64 random(1);
  for (const CodecRef& codec : {fletcher32_codec(), lzf_codec(), framed_lz4_codec(), bitshuffle_codec(4, 0, BitshuffleCompressor::kNone),
                                bitshuffle_codec(3, 16, BitshuffleCompressor::kNone)}) {
    for (const std::size_t size : {0, 1, 2, 7, 31, 32, 33, 64, 1000, 1001, 40000}) {
      const auto raw = random_bytes(random, size);
      const auto stored = encoded(*codec, raw);
      std::vector<std::byte> back(size);
      ASSERT_EQ(codec->decode(stored, back), static_cast<Index>(size)) << codec->name() << " " << size;
      ASSERT_EQ(back, raw) << codec->name() << " " << size;
    }
  }
}

TEST(Hdf5Codecs, FieldTakesItsBytesOfEachRecord) {
  const CodecRef field = record_field_codec(5, 2, 2);
  const std::vector<std::byte> records = {std::byte{0}, std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                          std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}, std::byte{9}};
  std::vector<std::byte> raw(4);
  EXPECT_EQ(field->decode(records, raw), 4);
  EXPECT_EQ(raw, (std::vector<std::byte>{std::byte{2}, std::byte{3}, std::byte{7}, std::byte{8}}));
  EXPECT_EQ(field->largest_encoded(4), 10);
  EXPECT_EQ(error_of([&] { field->decode(std::span(records).first(9), raw); }).kind(), ErrorKind::kData);
}

TEST(Hdf5Codecs, Fletcher32SeesEveryChange) {
  std::mt19937_64 random(2);
  const auto raw = random_bytes(random, 501);
  auto stored = encoded(*fletcher32_codec(), raw);
  std::vector<std::byte> back(raw.size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    stored[i] ^= std::byte{4};
    EXPECT_EQ(error_of([&] { fletcher32_codec()->decode(stored, back); }).kind(), ErrorKind::kData) << i;
    stored[i] ^= std::byte{4};
  }
  // As HDF5 1.6.2 wrote it.
  const std::size_t n = raw.size();
  std::swap(stored[n], stored[n + 1]);
  std::swap(stored[n + 2], stored[n + 3]);
  EXPECT_EQ(fletcher32_codec()->decode(stored, back), 501);
}

TEST(Hdf5Codecs, LzfCopiesWhatItJustMade) {
  // One literal, then seven bytes from one behind.
  const std::vector<std::byte> stored = {std::byte{0}, std::byte{'a'}, std::byte{5 << 5}, std::byte{0}};
  std::vector<std::byte> back(8);
  EXPECT_EQ(lzf_codec()->decode(stored, back), 8);
  EXPECT_EQ(back, std::vector<std::byte>(8, std::byte{'a'}));
  std::vector<std::byte> small(7);
  EXPECT_SAYS(error_of([&] { lzf_codec()->decode(stored, small); }), "larger");
  EXPECT_SAYS(error_of([&] { lzf_codec()->decode(std::span(stored).subspan(2), back); }), "before its start");
}

TEST(Hdf5Codecs, DamagedBytesAreErrorsAndNothingElse) {
  std::mt19937_64 random(3);
  for (const CodecRef& codec : {fletcher32_codec(), lzf_codec(), framed_lz4_codec(), bitshuffle_codec(4, 0, BitshuffleCompressor::kLz4),
                                bitshuffle_codec(2, 0, BitshuffleCompressor::kZstd)}) {
    const auto whole = encoded(*(codec->name().starts_with("bitshuffle") ? framed_lz4_codec() : codec), random_bytes(random, 3000));
    for (int round = 0; round < 3000; ++round) {
      auto stored = whole;
      const std::size_t reach = std::min<std::size_t>(stored.size(), round % 2 ? 16 : 4000);
      for (std::uint64_t i = random() % 4; i < 4; ++i) stored[random() % reach] = static_cast<std::byte>(random());
      stored.resize(random() % 3 == 0 ? random() % stored.size() : stored.size());
      std::vector<std::byte> back(random() % 4 == 0 ? random() % 3000 : 3000);
      try {
        EXPECT_LE(codec->decode(stored, back), static_cast<Index>(back.size()));
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace freestone
