/// Codecs: the links between the elements of a chunk and its stored bytes.
///
/// A chunk's elements, in the order and byte order in which they are stored, are its raw bytes. A CodecChain takes them through its
/// codecs, the first next to the elements, the last next to the file; reading goes the other way. Every codec works on whole buffers
/// in memory that is given to it, holds no state but its parameters, and runs on any number of threads at once: libraries are called
/// with contexts of the calling thread, never with a global lock. What a chunk decodes to is known before it is decoded, so that bytes
/// that promise more are refused, not allocated.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "freestone/core/dtype.h"
#include "freestone/storage/byte_order.h"

namespace freestone {

using ConstBytes = std::span<const std::byte>;
using Bytes = std::span<std::byte>;

/// Bytes first ... end - 1.
struct ByteRange {
  Index first = 0, end = 0;
};

/// One decoding that stops wherever it is told to and goes on later: its caller holds no more of either side than it likes.
class PartDecoder {
 public:
  struct Step {
    Index used = 0;      ///< of the encoded bytes given
    Index made = 0;      ///< raw bytes, at the start of the room given
    bool ended = false;  ///< nothing more is owed for what was used
  };
  virtual ~PartDecoder() = default;
  /// Goes on with the encoded bytes behind those that it has used. Neither used nor made any: it wants more of them, or more room.
  /// @throws Error kind data: damaged
  virtual Step step(ConstBytes from, Bytes to) = 0;
  /// Memory that it holds.
  virtual Index bytes() const = 0;
};

class Codec {
 public:
  virtual ~Codec() = default;
  /// Name for people, such as "zstd".
  virtual std::string_view name() const = 0;
  /// What decodes the same in numcodecs, as Zarr version 2 has it: {"id": "zlib", ...}; empty: nothing there does.
  virtual std::string numcodecs() const { return {}; }
  /// Most bytes that `decode` is prepared to meet for `bytes` decoded ones: other encoders are less thrifty than ours.
  virtual Index largest_encoded(Index bytes) const = 0;
  /// Most bytes that `encode` makes of `bytes`.
  virtual Index largest_made(Index bytes) const { return largest_encoded(bytes); }
  /// Fills the start of `to`, which has room for largest_made(from.size()), and returns how much.
  /// @throws Error kind user: more bytes than the codec can take
  virtual Index encode(ConstBytes from, Bytes to) const = 0;
  /// Fills the start of `to` and returns how much.
  /// @throws Error kind data: damaged, or more than `to` has room for
  virtual Index decode(ConstBytes from, Bytes to) const = 0;

  /// Instead of `decode`, when little of a chunk is wanted: fills at least these bytes of `to`, which has the size of all that is encoded.
  /// False: it would take as long as `decode`, and nothing was done.
  /// @param ranges in order, apart from each other
  virtual bool decode_ranges(ConstBytes /*from*/, Bytes /*to*/, const std::vector<ByteRange>& /*ranges*/) const { return false; }

  /// Null: the codec decodes in one go only.
  virtual std::unique_ptr<PartDecoder> part_decoder() const { return nullptr; }
  /// Memory that one holds, at most, for encoded bytes that begin with `head` (kPartHead of them, or all); negative: it cannot be told.
  static constexpr Index kPartHead = 32;
  virtual Index part_decoder_bytes(ConstBytes /*head*/) const { return -1; }
};
using CodecRef = std::shared_ptr<const Codec>;

class CodecChain {
 public:
  CodecChain() = default;
  explicit CodecChain(std::vector<CodecRef> codecs) : codecs_(std::move(codecs)) {}

  bool empty() const { return codecs_.empty(); }
  const std::vector<CodecRef>& codecs() const { return codecs_; }
  /// "shuffle, zstd".
  std::string names() const;
  /// Most bytes that `raw_bytes` are when encoded.
  Index largest_encoded(Index raw_bytes) const;
  /// Memory for what lies between two codecs.
  Index decode_scratch_bytes(Index raw_bytes) const;
  /// As before, and for the result.
  Index encode_scratch_bytes(Index raw_bytes) const;

  /// Fills `raw`, whole.
  /// @throws Error kind data: damaged, or of another size than `raw`
  void decode(ConstBytes encoded, Bytes raw, Bytes scratch) const;
  /// Fills at least these ranges of `raw`, in order and apart from each other.
  void decode_ranges(ConstBytes encoded, Bytes raw, Bytes scratch, const std::vector<ByteRange>& ranges) const;
  /// The chain without the codecs whose bit is set (bit i: codec i). It needs no more scratch than this one.
  CodecChain without(std::uint32_t skipped) const;
  /// The encoded bytes, which lie in `scratch`, or are `raw` when the chain is empty.
  ConstBytes encode(ConstBytes raw, Bytes scratch) const;

 private:
  /// Sizes at most: [0] raw, [i + 1] behind codec i, as `bound` has them.
  std::vector<Index> sizes(Index raw_bytes, Index (Codec::*bound)(Index) const) const;
  std::vector<CodecRef> codecs_;
};

// Compressors. Levels outside a library's range are refused (kind user).

/// Frames of Zstandard. @param checksum adds and looks at 32 bits of xxHash64
CodecRef zstd_codec(int level, bool checksum = false);
/// RFC 1952; several members are read. Level 0 to 9.
CodecRef gzip_codec(int level);
/// RFC 1950. Level 0 to 9.
CodecRef zlib_codec(int level);
/// One LZ4 block behind its decoded size as 4 bytes, little-endian, as numcodecs has it.
CodecRef lz4_codec(int acceleration = 1);
/// Level 1 to 9.
CodecRef bz2_codec(int level);

enum class BloscShuffle { kNone, kBytes, kBits };
struct BloscOptions {
  std::string compressor = "lz4";  ///< blosclz, lz4, lz4hc, snappy, zlib or zstd
  int level = 5;                   ///< 0 to 9
  BloscShuffle shuffle = BloscShuffle::kBytes;
  Index element_bytes = 4;
  Index block_bytes = 0;  ///< 0: its own choice
};
/// Chunks of Blosc 1.
CodecRef blosc_codec(const BloscOptions& options);

// Filters.

/// First bytes of all elements, then second bytes, and so on; bytes behind the last whole element stay where they are.
CodecRef shuffle_codec(Index element_bytes);

/// Numbers as a filter takes them.
struct StoredType {
  DType dtype = DType::kFloat64;
  ByteOrder order = kNativeOrder;
  friend bool operator==(const StoredType&, const StoredType&) = default;
};
/// Differences of neighbours (numcodecs.Delta): the first element, then x[i] - x[i-1], as `stored`. Integers and floats.
CodecRef delta_codec(StoredType elements, StoredType stored);
/// round((x - offset) * scale) as `stored` (numcodecs.FixedScaleOffset): in float32 where the numbers that it starts from are, else in
/// float64; halves to even.
CodecRef fixed_scale_offset_codec(double offset, double scale, StoredType elements, StoredType stored);
/// Another type (numcodecs.AsType).
CodecRef as_type_codec(StoredType elements, StoredType stored);

enum class Checksum { kCrc32c, kCrc32, kAdler32 };
/// Four bytes, little-endian, before or behind the bytes that they are of.
CodecRef checksum_codec(Checksum kind, bool at_start = false);

/// Booleans of a byte each as bits, the first the lowest of its byte.
CodecRef bits_codec();

// What only HDF5's files have.

/// Fletcher's checksum of big-endian 16-bit words, four bytes, little-endian, behind the bytes (HDF5 filter 3).
CodecRef fletcher32_codec();
/// LibLZF (HDF5 filter 32000, h5py's).
CodecRef lzf_codec();
/// LZ4 blocks behind big-endian sizes (HDF5 filter 32004).
CodecRef framed_lz4_codec();
enum class BitshuffleCompressor { kNone, kLz4, kZstd };
/// First bits of all elements of a block, then second bits, and so on (HDF5 filter 32008); with a compressor every block is one of its own,
/// and it is read, not written. @param block_elements a multiple of 8; 0: 8 KiB
CodecRef bitshuffle_codec(Index element_bytes, Index block_elements, BitshuffleCompressor compressor);
/// One field of records: stored are whole records, the raw bytes are `field_bytes` of each.
CodecRef record_field_codec(Index record_bytes, Index offset, Index field_bytes);

/// CRC-32C (Castagnoli) as RFC 3720 has it.
std::uint32_t crc32c(ConstBytes bytes);

}  // namespace freestone
