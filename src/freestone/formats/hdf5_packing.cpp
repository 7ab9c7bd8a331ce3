#include "freestone/formats/hdf5_packing.h"

#include <hdf5.h>

#include <algorithm>

namespace freestone::formats::hdf5 {
namespace {

// The library's own cache of a dataset's chunks is 1 MiB: what does not fit is decoded again at each read of a part.
constexpr Index kGoodChunk = Index{1} << 20;
// An entry in the index, a request and a call for less than this are not worth it.
constexpr Index kSmallChunk = Index{64} << 10;
// The format counts the bytes of a chunk in 32 bits.
constexpr Index kLargestChunk = 0xffffffff;
// Of a list that grows by one element at a time.
constexpr Index kGrowingList = 512;

enum class Kind { kNone, kDeflate, kZstd, kLzf, kLz4, kBz2, kBlosc };

struct Compressor {
  std::string_view name;
  Kind kind;
  int level;  ///< when none is asked for
  bool has_level;
  std::string_view inner = {};  ///< of Blosc
  unsigned number = 0;          ///< Blosc's, of `inner`
};
constexpr Compressor kCompressors[] = {
    {"none", Kind::kNone, 0, false},
    {"deflate", Kind::kDeflate, 4, true},
    {"zlib", Kind::kDeflate, 4, true},
    {"gzip", Kind::kDeflate, 4, true},
    {"zstd", Kind::kZstd, 3, true},
    {"lzf", Kind::kLzf, 0, false},
    {"lz4", Kind::kLz4, 0, false},
    {"bz2", Kind::kBz2, 9, true},
    {"blosc", Kind::kBlosc, 5, true, "lz4", 1},
    {"blosc-blosclz", Kind::kBlosc, 5, true, "blosclz", 0},
    {"blosc-lz4", Kind::kBlosc, 5, true, "lz4", 1},
    {"blosc-lz4hc", Kind::kBlosc, 5, true, "lz4hc", 2},
    {"blosc-snappy", Kind::kBlosc, 5, true, "snappy", 3},
    {"blosc-zlib", Kind::kBlosc, 5, true, "zlib", 4},
    {"blosc-zstd", Kind::kBlosc, 5, true, "zstd", 5},
};

const Compressor& compressor_of(const std::string& path, const Packing& packing) {
  const std::string wanted = packing.compressor.empty() ? "none" : packing.compressor;
  std::vector<std::string> names;
  for (const Compressor& compressor : kCompressors) {
    if (compressor.name == wanted) {
      if (packing.level && !compressor.has_level) {
        fail(ErrorKind::kUser, "{}: {}", path, compressor.kind == Kind::kNone ? "a level without compression." : wanted + " has no level.");
      }
      return compressor;
    }
    names.emplace_back(compressor.name);
  }
  fail(ErrorKind::kUser, "{}: HDF5 has no compressor '{}'.{} It has {}.", path, wanted, suggestion(wanted, names), fmt::join(names, ", "));
}

double bytes_of(const Shape& chunk, DType dtype) {
  double bytes = static_cast<double>(size_of(dtype));
  for (const Index length : chunk) bytes *= static_cast<double>(length);
  return bytes;
}

/// About 1 MiB, the longest axes cut first.
Shape balanced_chunk(const Spec& spec, const std::vector<bool>& is_unlimited) {
  Shape chunk = spec.shape;
  for (Index& length : chunk) length = std::max<Index>(length, 1);
  if (chunk.rank() == 1 && is_unlimited[0]) chunk[0] = std::max(chunk[0], kGrowingList);
  while (bytes_of(chunk, spec.dtype) > static_cast<double>(kGoodChunk)) {
    Index& longest = *std::max_element(chunk.begin(), chunk.end());
    if (longest == 1) break;
    longest = (longest + 1) / 2;
  }
  return chunk;
}

Shape chunk_of(const std::string& path, const VariableRequest& request, const std::vector<bool>& is_unlimited) {
  const Shape& shape = request.spec.shape;
  const int rank = shape.rank();
  Shape chunk = request.packing.chunks;
  if (!chunk.empty()) {
    if (chunk.rank() != rank) fail(ErrorKind::kUser, "{}: --chunks has {} lengths, '{}' {} axes.", path, chunk.rank(), request.name, rank);
    for (const Index length : chunk) {
      if (length < 1) fail(ErrorKind::kUser, "{}: --chunks: a length of {}; it is 1 or more.", path, length);
    }
  } else if (request.nominal_chunks.rank() == rank) {
    chunk = request.nominal_chunks;
    for (int k = rank - 1; k >= 0 && !request.chunks_are_wanted; --k) {
      while (chunk[k] < shape[k] && bytes_of(chunk, request.spec.dtype) < static_cast<double>(kSmallChunk)) chunk[k] = std::min(shape[k], 2 * chunk[k]);
    }
  } else {
    chunk = balanced_chunk(request.spec, is_unlimited);
  }
  for (int k = 0; k < rank; ++k) {
    if (!is_unlimited[static_cast<std::size_t>(k)]) chunk[k] = std::clamp<Index>(chunk[k], 1, std::max<Index>(shape[k], 1));
    chunk[k] = std::clamp<Index>(chunk[k], 1, kLargestChunk);
  }
  if (bytes_of(chunk, request.spec.dtype) > static_cast<double>(kLargestChunk)) {
    fail(ErrorKind::kUser, "{}: chunks of {} have more than the 4 GiB that a chunk of HDF5 may have.", path, to_string(chunk));
  }
  return chunk;
}

void add_filters(StoredAs& out, const std::string& path, const VariableRequest& request) {
  const Packing& packing = request.packing;
  const Compressor& compressor = compressor_of(path, packing);
  const Index width = size_of(request.spec.dtype);
  const int level = packing.level.value_or(compressor.level);
  const auto chunk_bytes = static_cast<unsigned>(element_count(out.chunk) * width);
  std::vector<CodecRef> codecs;
  // Blosc sorts bytes itself.
  const bool sorts = compressor.kind == Kind::kBlosc;
  const bool is_compressed = compressor.kind != Kind::kNone;
  if (packing.shuffle.value_or(is_compressed && width > 1) && !sorts) {
    out.filters.push_back({H5Z_FILTER_SHUFFLE, true, {static_cast<unsigned>(width)}});
    codecs.push_back(shuffle_codec(width));
  }
  switch (compressor.kind) {
    case Kind::kNone: break;
    case Kind::kDeflate:
      codecs.push_back(zlib_codec(level));
      out.filters.push_back({H5Z_FILTER_DEFLATE, true, {static_cast<unsigned>(level)}});
      break;
    case Kind::kZstd:
      codecs.push_back(zstd_codec(level));
      out.filters.push_back({32015, false, {static_cast<unsigned>(level)}});
      break;
    case Kind::kLzf:
      codecs.push_back(lzf_codec());
      // h5py's revision of the filter, LibLZF's version, and what a chunk decodes to.
      out.filters.push_back({32000, false, {4, 0x0105, chunk_bytes}});
      break;
    case Kind::kLz4:
      codecs.push_back(framed_lz4_codec());
      out.filters.push_back({32004, false, {0}});
      break;
    case Kind::kBz2:
      codecs.push_back(bz2_codec(level));
      out.filters.push_back({307, false, {static_cast<unsigned>(level)}});
      break;
    case Kind::kBlosc: {
      BloscOptions options{.compressor = std::string(compressor.inner), .level = level, .element_bytes = width};
      // Bytes of single-byte elements cannot be sorted; their bits can.
      options.shuffle = !packing.shuffle.value_or(true) ? BloscShuffle::kNone : width == 1 ? BloscShuffle::kBits : BloscShuffle::kBytes;
      codecs.push_back(blosc_codec(options));
      // The filter's revision, the format's, then what an element and a chunk have.
      const unsigned shuffle = options.shuffle == BloscShuffle::kNone ? 0 : options.shuffle == BloscShuffle::kBytes ? 1 : 2;
      out.filters.push_back({32001, false, {2, 2, static_cast<unsigned>(width), chunk_bytes, static_cast<unsigned>(level), shuffle, compressor.number}});
      break;
    }
  }
  if (packing.fletcher32) {
    codecs.push_back(fletcher32_codec());
    out.filters.push_back({H5Z_FILTER_FLETCHER32, true, {}});
  }
  out.codecs = CodecChain(std::move(codecs));
}

/// What is not asked for, as the array's own file has it.
VariableRequest as_before(VariableRequest request) {
  if (request.nominal_deflate && request.packing.compressor.empty()) {
    request.packing.compressor = "deflate";
    if (!request.packing.level) request.packing.level = request.nominal_deflate->level;
    if (!request.packing.shuffle) request.packing.shuffle = request.nominal_deflate->shuffle;
  }
  return request;
}

}  // namespace

StoredAs stored_as(const std::string& path, const VariableRequest& asked, const std::vector<bool>& is_unlimited) {
  const VariableRequest request = as_before(asked);
  const Packing& packing = request.packing;
  if (!packing.shards.empty()) fail(ErrorKind::kUser, "{}: --shards: HDF5 has no shards; Zarr has.", path);
  if (packing.version != 0) fail(ErrorKind::kUser, "{}: a version of Zarr for a file of HDF5.", path);
  const Kind kind = compressor_of(path, packing).kind;
  const bool grows = std::find(is_unlimited.begin(), is_unlimited.end(), true) != is_unlimited.end();
  const bool is_filtered = kind != Kind::kNone || packing.shuffle.value_or(false) || packing.fletcher32;
  StoredAs out;
  // A single number has no chunks in HDF5, and is never compressed.
  if (request.spec.shape.empty()) {
    if (!packing.chunks.empty()) fail(ErrorKind::kUser, "{}: --chunks has {} lengths, '{}' no axes.", path, packing.chunks.rank(), request.name);
    return out;
  }
  const bool is_empty = element_count(request.spec.shape) == 0;
  if (!grows && (is_empty || (packing.chunks.empty() && !request.chunks_are_wanted && !is_filtered))) return out;
  out.chunk = chunk_of(path, request, is_unlimited);
  add_filters(out, path, request);
  return out;
}

}  // namespace freestone::formats::hdf5
