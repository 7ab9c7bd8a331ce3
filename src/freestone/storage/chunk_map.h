/// ChunkMap: finds the stored bytes of a chunk.
///
/// Formats differ in where chunks lie (a file each, inside shards, at offsets of one file listed in an index); what is behind this
/// interface is all that they differ in.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"

namespace freestone {

struct StoredChunk {
  std::shared_ptr<const File> file;  ///< null: never written, every element is fill
  Index offset = 0, bytes = 0;
};

/// Thread-safe.
class ChunkMap {
 public:
  virtual ~ChunkMap() = default;
  /// The chunk at a position of the grid, where it lies now. May open a file and read an index, nothing more.
  /// @throws Error kind io or data, naming the file
  virtual StoredChunk find(const Dims& position) const = 0;
  /// The chunks are behind URLs, all or some.
  virtual bool is_remote() const { return false; }
  /// Each `find` may take long, and several at a time take no longer.
  virtual bool finds_slowly() const { return false; }
  /// Chunks are files of their own whose sizes nobody has asked for: they are read by `begin_chunk`, for `find` would ask twice.
  virtual bool reads_whole() const { return false; }
  /// Begins to read a chunk into `room`; `*bytes` becomes its size, -1 when it was never written.
  /// The read throws Error kind io or data, as `find` and File::read_exactly, and kind data: it is larger than `room`.
  virtual std::unique_ptr<ReadInFlight> begin_chunk(const Dims& /*position*/, std::span<std::byte> /*room*/, Index* /*bytes*/) const { return nullptr; }
  /// Bit i: codec i of the chain was left out when this chunk was written (HDF5: filters that did not pay).
  virtual std::uint32_t skipped_codecs(const Dims& /*position*/) const { return 0; }
  /// The chain of this chunk where each may have one of its own (tile-compressed FITS: another scale); it needs no more room and scratch than
  /// the layout's.
  virtual std::optional<CodecChain> codecs_of(const Dims& /*position*/) const { return std::nullopt; }
  /// Where `find` looks for it, for messages.
  virtual std::string name_of(const Dims& position) const = 0;
  virtual Identity identity() const = 0;
  /// @throws Error kind data: the array is no longer the one that was opened
  virtual void check_unchanged() const = 0;
};

}  // namespace freestone
