// Filters of HDF5 as codecs.
#include <algorithm>

#include "freestone/formats/hdf5_dataset.h"

namespace freestone::formats::hdf5 {
namespace {

BloscOptions blosc_options(const Filter& filter, Index element_bytes) {
  static constexpr const char* kCompressors[] = {"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"};
  const auto parameter = [&](std::size_t i, unsigned otherwise) { return i < filter.parameters.size() ? filter.parameters[i] : otherwise; };
  BloscOptions out{.compressor = kCompressors[std::min<unsigned>(parameter(6, 0), 5)], .level = static_cast<int>(std::min(parameter(4, 5), 9u))};
  const unsigned shuffle = parameter(5, 1);
  out.shuffle = shuffle == 0 ? BloscShuffle::kNone : shuffle == 2 ? BloscShuffle::kBits : BloscShuffle::kBytes;
  // What the filter says of elements is 0 where one is longer than Blosc counts.
  out.element_bytes = std::clamp<Index>(parameter(2, 0) == 0 ? element_bytes : parameter(2, 0), 1, 255);
  return out;
}

}  // namespace

CodecRef codec_of(const Filter& filter, Index element_bytes) {
  const auto parameter = [&](std::size_t i, Index otherwise) { return i < filter.parameters.size() ? Index{filter.parameters[i]} : otherwise; };
  switch (filter.id) {
    case H5Z_FILTER_DEFLATE: return zlib_codec(static_cast<int>(std::min<Index>(parameter(0, 6), 9)));
    case H5Z_FILTER_SHUFFLE: return shuffle_codec(parameter(0, element_bytes));
    case H5Z_FILTER_FLETCHER32: return fletcher32_codec();
    case 307: return bz2_codec(static_cast<int>(std::clamp<Index>(parameter(0, 9), 1, 9)));
    case 32000: return lzf_codec();
    case 32001: return blosc_codec(blosc_options(filter, element_bytes));
    case 32004: return framed_lz4_codec();
    case 32008: {
      const Index compressor = parameter(4, 0);
      const auto kind = compressor == 2   ? BitshuffleCompressor::kLz4
                        : compressor == 3 ? BitshuffleCompressor::kZstd
                                          : BitshuffleCompressor::kNone;
      return bitshuffle_codec(parameter(2, element_bytes), parameter(3, 0), kind);
    }
    // As a signed number: negative levels are fast ones.
    case 32015: return zstd_codec(static_cast<int>(std::clamp<Index>(static_cast<std::int32_t>(parameter(0, 3)), -7, 22)));
    default: return nullptr;
  }
}

bool has_codec(const Filter& filter) {
  // 32022 and 32023 (BitGroom, Granular BitRound) round when written and change nothing when read.
  constexpr int kKnown[] = {H5Z_FILTER_DEFLATE, H5Z_FILTER_SHUFFLE, H5Z_FILTER_FLETCHER32, 307, 32000, 32001, 32004, 32008, 32015, 32022, 32023};
  return std::ranges::find(kKnown, filter.id) != std::end(kKnown);
}

bool can_encode(const Filter& filter) {
  const bool is_compressed_bitshuffle = filter.id == 32008 && filter.parameters.size() > 4 && filter.parameters[4] != 0;
  return has_codec(filter) && !is_compressed_bitshuffle;
}

}  // namespace freestone::formats::hdf5
