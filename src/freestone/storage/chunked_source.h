/// ChunkedSource: an array as a grid of chunks, each some bytes of some file behind a chain of codecs.
///
/// What a format says of such an array is a ChunkedLayout and a ChunkMap; reading is the same for all. `fetch` carries the
/// encoded bytes of every chunk that the box meets, side by side behind a small table; `decode` runs the codecs. A whole chunk that is
/// one piece of the output is decoded where it shall lie; of the others a copy is decoded beside (in what memory there is behind the
/// encoded bytes, if it was not foreseen) and the part taken. Read through a cache, `fetch` carries references to its entries, and a chunk
/// for which the cache has no room is read when it is decoded: the memory of a box is that of one chunk, however many it meets.
/// Read onward, `fetch` carries nothing: `decode` reads and decodes of each chunk what the box wants of it, and no more, from where an earlier
/// box has stopped.
#pragma once

#include <mutex>
#include <vector>

#include "freestone/core/source.h"
#include "freestone/storage/chunk_cache.h"
#include "freestone/storage/chunk_map.h"
#include "freestone/storage/codec.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/part_decoders.h"

namespace freestone {

class GridParts;
class ReadBatch;

struct ChunkedLayout {
  ChunkGrid grid;                    ///< of what is decoded as one piece
  Shape nominal;                     ///< multiples of that: what to tell as the array's chunks; empty: the same
  std::vector<int> order;            ///< the array's axes as a chunk has them, outermost first; empty: as the array (C order)
  bool edge_chunks_are_cut = false;  ///< chunks at the edge hold only what is inside the array (HDF5 and Zarr: whole ones)
  CodecChain codecs;
  ElementTransform transform;
  std::vector<std::byte> fill;  ///< one element as delivered; empty means zero
  std::string reference;        ///< JSON text, see Source::reference
};

class ChunkedSource final : public Source {
 public:
  ChunkedSource(ChunkedLayout layout, std::shared_ptr<const ChunkMap> map);

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return nominal_; }
  Identity identity() const override { return map_->identity(); }
  std::string reference() const override { return layout_.reference; }
  const ChunkedLayout& layout() const { return layout_; }
  const ChunkMap& map() const { return *map_; }

  /// Whole chunks, by the size of a few.
  ReadCost cost(const Box& box) const override;
  /// Room for the encoded chunks at their largest, and for what `decode` needs beside its output.
  Index encoded_bytes(const Box& box) const override;
  bool decodes_in_place() const override { return false; }
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

  /// The same array read through `cache`: what several boxes meet is read and decoded once, as long as it stays. Null: a cache that keeps
  /// nothing, for plans.
  std::shared_ptr<const Source> through(std::shared_ptr<ChunkCache> cache) const override;
  /// Read through a cache: decodes one chunk of a box that nobody has fetched yet. False: all are there, or there is no room for one.
  bool decode_ahead(const Box& box, Bytes scratch, const Cancel& cancel) const;

  /// The same array read onward: for boxes that come one after another along the chunks' slowest axis, each where the one before has ended. Null:
  /// the codecs decode whole chunks only. `decoders` may be null for plans.
  std::shared_ptr<const ChunkedSource> onward(std::shared_ptr<PartDecoders> decoders) const;
  /// The slowest axis of chunks that has an extent in them; -1: none has.
  int onward_axis() const;
  /// Memory that a decoder holds between two boxes, by a few chunks; negative: it cannot be told.
  Index part_decoder_bytes() const;

 private:
  struct Group;
  struct Sample {
    std::once_flag once;
    double share = 1;
    Index decoder_bytes = -1;
  };
  ChunkedSource(const ChunkedSource& other, std::shared_ptr<ChunkCache> cache);
  Index scratch_bytes(const Box& box) const;
  bool lies_in_one_piece(const Box& box) const;
  bool lies_onward(const Box& box) const;
  void read_group(Group& group, ReadBatch& batch, const Cancel& cancel) const;
  /// Where the chunk lies, looked at: not larger than its elements can be.
  StoredChunk find(const Dims& position) const;
  void check_size(const Dims& position, const std::string& name, Index bytes) const;
  /// Reads one chunk to the start of `to`: how many bytes, -1 for one that was never written.
  Index read_alone(const Dims& position, Bytes to, const Cancel& cancel) const;
  void fetch_whole(const GridParts& reach, std::span<std::byte> encoded, const Cancel& cancel) const;
  std::vector<StoredChunk> find_all(const GridParts& reach, const Cancel& cancel) const;
  void warm_cache(const GridParts& reach, const Cancel& cancel) const;
  ChunkCache::Entry* take(const Dims& position, bool is_ahead, const Cancel& cancel) const;
  /// Shape of the chunk as it is stored, on the array's axes.
  Shape stored_shape(const Box& chunk) const { return layout_.edge_chunks_are_cut ? chunk.shape : layout_.grid.chunk(); }
  Index raw_bytes(const Shape& stored) const { return element_count(stored) * size_of(layout_.transform.stored); }
  /// Strides of stored elements on the array's axes.
  Dims raw_strides(const Shape& stored) const;
  /// Does the work; what it says of damage names the chunk.
  template <class Work>
  void naming(const Dims& position, const Work& work) const;
  /// @param part what is wanted of the chunk, in its own coordinates; null: all
  void decode_chunk(const Dims& position, ConstBytes encoded, Bytes raw, Bytes scratch, const Box* part = nullptr) const;
  /// Where a part of a chunk lies in its raw bytes.
  std::vector<ByteRange> ranges_of(const Box& part, const Shape& stored) const;
  void decode_onward(const Box& box, Bytes encoded, const View& out, const Cancel& cancel) const;
  /// The raw bytes of a chunk from `first` on, as many as there is room for; `window` is for encoded ones.
  /// @param is_last nobody will want more of it
  void decode_range(const Dims& position, const StoredChunk& chunk, Index raw_bytes, Index first, Bytes to, bool is_last, Bytes window,
                    const Cancel& cancel) const;
  /// Most raw bytes from the first to the last element that a box has in one chunk.
  Index most_in_range(const Box& box) const;
  /// Elements of a chunk whose first lies at `first`.
  void deliver(const std::byte* first, const Shape& stored, const View& out) const;
  void fill(const View& out) const;
  const Sample& sample() const;

  ChunkedLayout layout_;
  std::shared_ptr<const ChunkMap> map_;
  Spec spec_;
  ChunkGrid nominal_;
  Index largest_ = 0;  // encoded bytes of a chunk
  bool through_cache_ = false;
  std::shared_ptr<ChunkCache> cache_;
  bool goes_onward_ = false;
  std::shared_ptr<PartDecoders> decoders_;
  std::shared_ptr<Sample> sample_ = std::make_shared<Sample>();
};

/// Whether the source comes from behind URLs, chunked or raw: a request takes long, and several at a time take no longer.
bool reads_remotely(const Source& source);

}  // namespace freestone
