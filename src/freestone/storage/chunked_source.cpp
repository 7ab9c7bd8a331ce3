#include "freestone/storage/chunked_source.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>

#include "freestone/core/grid_parts.h"
#include "freestone/runtime/lanes.h"
#include "freestone/storage/manifest_source.h"
#include "freestone/storage/read_batch.h"
#include "freestone/storage/remote_options.h"
#include "freestone/storage/runs.h"

namespace freestone {
namespace {

// More than any memory: what is planned with it does not fit, and says so.
constexpr Index kTooMuch = Index{1} << 60;

Index times(Index a, Index b) {
  Index product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kTooMuch : std::min(product, kTooMuch);
}

Box chunk_box(const ChunkGrid& grid, const Dims& position) {
  Box out(grid.shape());
  for (int k = 0; k < out.rank(); ++k) {
    out.start[k] = position[k] * grid.chunk()[k];
    out.shape[k] = std::min(grid.chunk()[k], grid.shape()[k] - out.start[k]);
  }
  return out;
}

/// The table at the start of the encoded bytes: where each chunk lies in them.
struct Place {
  enum Kind : std::int64_t { kAbsent, kHere, kCached, kLater };
  std::int64_t kind = kAbsent;
  std::int64_t offset = 0;  // from the start of the encoded bytes
  std::int64_t bytes = 0;
  ChunkCache::Entry* cached = nullptr;
};

void put_place(std::span<std::byte> encoded, Index number, const Place& place) {
  std::memcpy(encoded.data() + number * static_cast<Index>(sizeof(Place)), &place, sizeof place);
}
Place get_place(std::span<std::byte> encoded, Index number) {
  Place place;
  std::memcpy(&place, encoded.data() + number * static_cast<Index>(sizeof(Place)), sizeof place);
  return place;
}

/// Calls `work` for each number, by several threads: it waits for answers most of the time.
void side_by_side(Index count, const Cancel& cancel, const std::function<void(Index)>& work) {
  constexpr Index kMostThreads = 16;
  std::atomic<Index> next{0};
  Cancel stop(&cancel);
  const RemoteScope::State state = RemoteScope::now();
  run_lanes(static_cast<int>(std::min(count, kMostThreads)), stop, [&](int) {
    const RemoteScope scope(state.options, [&] { stop.check(); });
    for (Index number = next++; number < count; number = next++) {
      stop.check();
      work(number);
    }
  });
}

Index offset_of(const Dims& position, const Dims& strides) {
  Index offset = 0;
  for (int k = 0; k < position.rank(); ++k) offset += position[k] * strides[k];
  return offset;
}

/// Raw bytes from the first to the last of elements that lie `strides` apart.
Index range_bytes(const Shape& shape, const Dims& strides, Index width) {
  Index bytes = width;
  for (int k = 0; k < shape.rank(); ++k) bytes += (shape[k] - 1) * strides[k];
  return bytes;
}

/// Encoded bytes that are read at a time where decoding goes on from chunk to chunk.
constexpr Index kWindow = Index{256} << 10;

Index table_bytes(Index chunks) { return Scratch::rounded(times(chunks, sizeof(Place))); }

}  // namespace

/// Chunks of one file that are read together, and where they go.
struct ChunkedSource::Group {
  struct Piece {
    Index number, offset, bytes;
  };
  std::span<std::byte> encoded;
  Index end;  // of what is filled
  std::shared_ptr<const File> file;
  std::vector<Piece> pieces;
};

ChunkedSource::ChunkedSource(ChunkedLayout layout, std::shared_ptr<const ChunkMap> map)
    : layout_(std::move(layout)), map_(std::move(map)), spec_{layout_.grid.shape(), layout_.transform.dtype}, nominal_(layout_.grid) {
  layout_.transform.check();
  if (!layout_.nominal.empty()) nominal_ = ChunkGrid(spec_.shape, layout_.nominal);
  ensure(layout_.fill.empty() || static_cast<Index>(layout_.fill.size()) == size_of(spec_.dtype), "a fill of another size than an element");
  ensure(layout_.order.empty() || static_cast<int>(layout_.order.size()) == spec_.shape.rank(), "a chunk with other axes than the array");
  Index bytes = size_of(layout_.transform.stored);
  for (const Index extent : layout_.grid.chunk()) bytes = times(bytes, extent);
  if (bytes >= Index{1} << 48) {
    fail(ErrorKind::kData, "{}: chunks of {} are larger than anything can hold. Its metadata are damaged.", identity().path,
         to_string(layout_.grid.chunk()));
  }
  largest_ = layout_.codecs.largest_encoded(bytes);
}

ChunkedSource::ChunkedSource(const ChunkedSource& other, std::shared_ptr<ChunkCache> cache)
    : layout_(other.layout_),
      map_(other.map_),
      spec_(other.spec_),
      nominal_(other.nominal_),
      largest_(other.largest_),
      through_cache_(true),
      cache_(std::move(cache)),
      sample_(other.sample_) {}

std::shared_ptr<const ChunkedSource> ChunkedSource::onward(std::shared_ptr<PartDecoders> decoders) const {
  const auto& codecs = layout_.codecs.codecs();
  // Behind URLs whole chunks are asked for, several at a time.
  if (codecs.size() != 1 || onward_axis() < 0 || map_->is_remote() || map_->codecs_of(Dims(spec_.shape.rank())) || !codecs[0]->part_decoder())
    return nullptr;
  auto out = std::shared_ptr<ChunkedSource>(new ChunkedSource(*this, nullptr));
  out->through_cache_ = false;
  out->goes_onward_ = true;
  out->decoders_ = std::move(decoders);
  return out;
}

int ChunkedSource::onward_axis() const {
  for (int k = 0; k < spec_.shape.rank(); ++k) {
    const int axis = layout_.order.empty() ? k : layout_.order[static_cast<std::size_t>(k)];
    if (layout_.grid.chunk()[axis] > 1) return axis;
  }
  return -1;
}

std::shared_ptr<const Source> ChunkedSource::through(std::shared_ptr<ChunkCache> cache) const {
  return std::shared_ptr<const Source>(new ChunkedSource(*this, std::move(cache)));
}

Dims ChunkedSource::raw_strides(const Shape& stored) const {
  const Index width = size_of(layout_.transform.stored);
  if (layout_.order.empty()) return contiguous_strides(stored, width);
  Dims strides(stored.rank());
  Index stride = width;
  for (std::size_t k = layout_.order.size(); k-- > 0;) {
    strides[layout_.order[k]] = stride;
    stride *= stored[layout_.order[k]];
  }
  return strides;
}

/// What a few chunks that are there tell.
const ChunkedSource::Sample& ChunkedSource::sample() const {
  std::call_once(sample_->once, [&] {
    const CodecRef alone = layout_.codecs.codecs().size() == 1 ? layout_.codecs.codecs()[0] : nullptr;
    Index found = 0, bytes = 0;
    const Index count = layout_.grid.count();
    for (const Index number : {count / 2, Index{0}, count - 1}) {
      if (number < 0 || number >= count) continue;
      Dims position(spec_.shape.rank());
      const Box box = layout_.grid.box(number);
      for (int k = 0; k < box.rank(); ++k) position[k] = box.start[k] / layout_.grid.chunk()[k];
      try {
        const StoredChunk chunk = map_->find(position);
        if (!chunk.file) continue;
        ++found;
        bytes += std::min(chunk.bytes, largest_);
        if (!alone || map_->is_remote()) continue;
        std::byte head[Codec::kPartHead];
        const Bytes there(head, static_cast<std::size_t>(std::min(chunk.bytes, Codec::kPartHead)));
        chunk.file->read_exactly(chunk.offset, there);
        sample_->decoder_bytes = std::max(sample_->decoder_bytes, alone->part_decoder_bytes(there));
      } catch (const Error&) {
        // Planning goes on; the read will say what is wrong.
      }
    }
    const double raw = static_cast<double>(raw_bytes(layout_.grid.chunk()));
    if (found > 0) sample_->share = static_cast<double>(bytes) / static_cast<double>(found) / std::max(1.0, raw);
  });
  return *sample_;
}

Index ChunkedSource::part_decoder_bytes() const { return sample().decoder_bytes; }

ReadCost ChunkedSource::cost(const Box& box) const {
  if (box.empty()) return {};
  const Index chunks = GridParts(box, layout_.grid.chunk()).count();
  const Index raw = times(chunks, raw_bytes(layout_.grid.chunk()));
  return {static_cast<Index>(static_cast<double>(raw) * sample().share), chunks, raw};
}

/// Whether every chunk of the box is wanted whole and is one piece of the box in C order.
bool ChunkedSource::lies_in_one_piece(const Box& box) const {
  if (!layout_.order.empty() || !layout_.transform.keeps_size()) return false;
  const Shape &chunk = layout_.grid.chunk(), &whole = spec_.shape;
  bool inner_are_whole = true;
  for (int k = box.rank() - 1; k >= 0; --k) {
    const bool ends_well = box.end(k) % chunk[k] == 0 || (layout_.edge_chunks_are_cut && box.end(k) == whole[k]);
    if (box.start[k] % chunk[k] != 0 || !ends_well) return false;
    if (!inner_are_whole && chunk[k] != 1) return false;
    inner_are_whole = inner_are_whole && box.shape[k] <= chunk[k];
  }
  return true;
}

Index ChunkedSource::most_in_range(const Box& box) const {
  Shape most = box.shape;
  for (int k = 0; k < box.rank(); ++k) most[k] = std::min(most[k], layout_.grid.chunk()[k]);
  return range_bytes(most, raw_strides(layout_.grid.chunk()), size_of(layout_.transform.stored));
}

/// Whether the box is part of one chunk, and its elements lie there in C order without others between them.
bool ChunkedSource::lies_onward(const Box& box) const {
  if (!layout_.order.empty() || !layout_.transform.keeps_size()) return false;
  bool outer = true;  // so far one element on each axis
  for (int k = 0; k < box.rank(); ++k) {
    const Index chunk = layout_.grid.chunk()[k], first = box.start[k] / chunk;
    if ((box.end(k) - 1) / chunk != first) return false;
    const Index extent = layout_.edge_chunks_are_cut ? std::min(chunk, spec_.shape[k] - first * chunk) : chunk;
    if (!outer && box.shape[k] != extent) return false;
    outer = outer && box.shape[k] == 1;
  }
  return true;
}

Index ChunkedSource::scratch_bytes(const Box& box) const {
  const Index raw = raw_bytes(layout_.grid.chunk());
  const bool needs_copy = !layout_.codecs.empty() && !lies_in_one_piece(box);
  return layout_.codecs.decode_scratch_bytes(raw) + (needs_copy ? Scratch::rounded(raw) : 0);
}

Index ChunkedSource::encoded_bytes(const Box& box) const {
  if (box.empty()) return 0;
  if (goes_onward_) return kWindow + (lies_onward(box) ? 0 : Scratch::rounded(most_in_range(box)));
  const Index chunks = GridParts(box, layout_.grid.chunk()).count();
  return std::min(kTooMuch, table_bytes(chunks) + Scratch::rounded(times(through_cache_ ? 1 : chunks, largest_)) + scratch_bytes(box));
}

StoredChunk ChunkedSource::find(const Dims& position) const {
  StoredChunk chunk = map_->find(position);
  if (chunk.file) check_size(position, chunk.file->name(), chunk.bytes);
  return chunk;
}

void ChunkedSource::check_size(const Dims& position, const std::string& name, Index bytes) const {
  const Index most = layout_.codecs.empty() ? raw_bytes(stored_shape(chunk_box(layout_.grid, position))) : largest_;
  if (bytes > most || (layout_.codecs.empty() && bytes != most)) {
    fail(ErrorKind::kData, "{}: chunk {} has {} bytes, its elements {} {}. It is damaged{}.", name, to_string(position), bytes,
         layout_.codecs.empty() ? "have" : "encode to at most", most, bytes < most ? " or was cut short" : "");
  }
}

void ChunkedSource::fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const {
  ensure(static_cast<Index>(encoded.size()) >= encoded_bytes(box), "fetch: too little memory for the box");
  if (goes_onward_) return;
  const GridParts reach(box, layout_.grid.chunk());
  std::optional<RemoteScope> scope;
  if (map_->is_remote()) scope.emplace(cancel);
  if (cache_ && map_->is_remote() && reach.count() > 1) warm_cache(reach, cancel);
  if (!through_cache_ && map_->reads_whole()) return fetch_whole(reach, encoded, cancel);
  std::vector<StoredChunk> found;
  if (!through_cache_ && map_->finds_slowly() && reach.count() > 1) found = find_all(reach, cancel);
  Group group{encoded, table_bytes(reach.count()), nullptr, {}};
  ReadBatch batch(cancel);
  for (Index number = 0; number < reach.count(); ++number) {
    cancel.check();
    const Dims position = reach.position(number);
    if (through_cache_) {
      auto* held = cache_ ? take(position, false, cancel) : nullptr;
      put_place(encoded, number, held != nullptr ? Place{.kind = Place::kCached, .cached = held} : Place{.kind = Place::kLater});
      continue;
    }
    const StoredChunk chunk = found.empty() ? find(position) : found[static_cast<std::size_t>(number)];
    if (!chunk.file) {
      put_place(encoded, number, {});
      continue;
    }
    if (group.file != chunk.file) read_group(group, batch, cancel);
    group.file = chunk.file;
    group.pieces.push_back({number, chunk.offset, chunk.bytes});
  }
  read_group(group, batch, cancel);
  batch.finish();
  map_->check_unchanged();
}

Index ChunkedSource::read_alone(const Dims& position, Bytes to, const Cancel& cancel) const {
  if (map_->reads_whole()) {
    Index bytes = -1;
    if (const auto read = map_->begin_chunk(position, to.first(static_cast<std::size_t>(largest_)), &bytes)) read->wait(cancel);
    if (bytes >= 0) check_size(position, map_->name_of(position), bytes);
    return bytes;
  }
  const StoredChunk chunk = find(position);
  if (!chunk.file) return -1;
  Group alone{to, 0, chunk.file, {{-1, chunk.offset, chunk.bytes}}};
  ReadBatch batch(cancel);
  read_group(alone, batch, cancel);
  batch.finish();
  return chunk.bytes;
}

/// Chunks whose sizes nobody has asked for: each gets room for the largest.
void ChunkedSource::fetch_whole(const GridParts& reach, std::span<std::byte> encoded, const Cancel& cancel) const {
  std::vector<Index> bytes(static_cast<std::size_t>(reach.count()), -1);
  const Index start = table_bytes(reach.count());
  const auto room = [&](Index number) { return encoded.subspan(static_cast<std::size_t>(start + number * largest_), static_cast<std::size_t>(largest_)); };
  ReadBatch batch(cancel);
  for (Index number = 0; number < reach.count(); ++number) {
    cancel.check();
    batch.add(map_->begin_chunk(reach.position(number), room(number), &bytes[static_cast<std::size_t>(number)]));
  }
  batch.finish();
  for (Index number = 0; number < reach.count(); ++number) {
    const Index size = bytes[static_cast<std::size_t>(number)];
    if (size >= 0) check_size(reach.position(number), map_->name_of(reach.position(number)), size);
    put_place(encoded, number, size < 0 ? Place() : Place{Place::kHere, start + number * largest_, size});
  }
  map_->check_unchanged();
}

/// As `find` for each, several at a time: that opens files and reads indices.
std::vector<StoredChunk> ChunkedSource::find_all(const GridParts& reach, const Cancel& cancel) const {
  std::vector<StoredChunk> out(static_cast<std::size_t>(reach.count()));
  side_by_side(reach.count(), cancel, [&](Index number) { out[static_cast<std::size_t>(number)] = find(reach.position(number)); });
  return out;
}

/// Has the cache read what it has not, several at a time.
void ChunkedSource::warm_cache(const GridParts& reach, const Cancel& cancel) const {
  side_by_side(reach.count(), cancel, [&](Index number) {
    if (auto* held = take(reach.position(number), false, cancel)) cache_->give_back(*held);
  });
}

ChunkCache::Entry* ChunkedSource::take(const Dims& position, bool is_ahead, const Cancel& cancel) const {
  const Index raw = raw_bytes(stored_shape(chunk_box(layout_.grid, position))), number = layout_.grid.index_of(position);
  const auto read = [&](Bytes to) { return read_alone(position, to, cancel); };
  return is_ahead ? cache_->take_ahead(map_.get(), number, largest_, raw, read) : cache_->take(map_.get(), number, largest_, raw, read);
}

bool ChunkedSource::decode_ahead(const Box& box, Bytes scratch, const Cancel& cancel) const {
  if (!cache_ || map_->is_remote()) return false;
  const Index codecs_need = layout_.codecs.decode_scratch_bytes(raw_bytes(layout_.grid.chunk()));
  if (static_cast<Index>(scratch.size()) < codecs_need) return false;
  const GridParts reach(box, layout_.grid.chunk());
  for (Index number = 0; number < reach.count() && cache_->has_room_ahead(); ++number) {
    const Dims position = reach.position(number);
    ChunkCache::Entry* held = take(position, true, cancel);
    if (held == nullptr) continue;
    try {
      cache_->raw(*held, false, [&](ConstBytes stored, Bytes to) { decode_chunk(position, stored, to, scratch); });
    } catch (...) {
      cache_->give_back(*held);
      throw;
    }
    cache_->give_back(*held);
    return true;
  }
  return false;
}

/// Reads the chunks of a group in the order in which they lie in their file, neighbours with one request, and empties it.
void ChunkedSource::read_group(Group& group, ReadBatch& batch, const Cancel& cancel) const {
  if (group.pieces.empty()) return;
  std::sort(group.pieces.begin(), group.pieces.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  const File& file = *group.file;
  // A request that is on its way for long takes what lies between along.
  const Index largest_gap = file.is_remote() ? kLargestGap : 0;
  std::vector<iovec> request;
  Index from = 0, to = 0;  // of the request being put together
  const auto read = [&] {
    cancel.check();
    if (!request.empty()) batch.add(file, from, request);
    request.clear();
  };
  for (const Group::Piece& piece : group.pieces) {
    const bool joins = !request.empty() && piece.offset >= to && piece.offset - to <= largest_gap;
    if (!joins) {
      read();
      from = to = piece.offset;
    } else if (piece.offset > to) {
      request.push_back({nullptr, static_cast<std::size_t>(piece.offset - to)});
      to = piece.offset;
    }
    if (piece.number >= 0) put_place(group.encoded, piece.number, {Place::kHere, group.end, piece.bytes});
    for (Index done = 0; done < piece.bytes;) {
      if (to - from >= kLargestRequest) {
        read();
        from = to;
      }
      const Index n = std::min(piece.bytes - done, kLargestRequest - (to - from));
      std::byte* memory = group.encoded.data() + group.end;
      // Neighbours lie side by side in memory, too.
      if (!request.empty() && request.back().iov_base != nullptr) {
        request.back().iov_len += static_cast<std::size_t>(n);
      } else {
        request.push_back({memory, static_cast<std::size_t>(n)});
      }
      group.end += n;
      done += n;
      to += n;
    }
  }
  read();
  file.check_unchanged();
  group.file = nullptr;
  group.pieces.clear();
}

std::vector<ByteRange> ChunkedSource::ranges_of(const Box& part, const Shape& stored) const {
  constexpr Index kGap = Index{16} << 10;  // what lies closer is decoded together
  const Dims strides = raw_strides(stored);
  std::vector<int> axes = layout_.order;
  for (int k = 0; k < part.rank() && layout_.order.empty(); ++k) axes.push_back(k);
  // Inner axes between whose runs little lies make one run of each place on the outer ones.
  Index run = size_of(layout_.transform.stored);
  int outer = part.rank();
  for (; outer > 0; --outer) {
    const int axis = axes[static_cast<std::size_t>(outer - 1)];
    if (part.shape[axis] > 1 && strides[axis] - run > kGap) break;
    run += (part.shape[axis] - 1) * strides[axis];
  }
  std::vector<ByteRange> ranges;
  Dims at = part.start;
  while (true) {
    const Index first = offset_of(at, strides);
    if (!ranges.empty() && first - ranges.back().end <= kGap)
      ranges.back().end = first + run;
    else
      ranges.push_back({first, first + run});
    int k = outer - 1;
    for (; k >= 0; --k) {
      const int axis = axes[static_cast<std::size_t>(k)];
      if (++at[axis] < part.end(axis)) break;
      at[axis] = part.start[axis];
    }
    if (k < 0) return ranges;
  }
}

template <class Work>
void ChunkedSource::naming(const Dims& position, const Work& work) const {
  try {
    work();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    fail(ErrorKind::kData, "{}: chunk {} is damaged or was cut short: {}.", map_->name_of(position), to_string(position), error.message());
  }
}

void ChunkedSource::decode_chunk(const Dims& position, ConstBytes encoded, Bytes raw, Bytes scratch, const Box* part) const {
  naming(position, [&] {
    if (const auto own = map_->codecs_of(position)) return own->decode(encoded, raw, scratch);
    const std::uint32_t skipped = map_->skipped_codecs(position);
    if (skipped != 0) return layout_.codecs.without(skipped).decode(encoded, raw, scratch);
    const Shape stored = stored_shape(chunk_box(layout_.grid, position));
    if (part == nullptr || 2 * part->count() > element_count(stored)) return layout_.codecs.decode(encoded, raw, scratch);
    layout_.codecs.decode_ranges(encoded, raw, scratch, ranges_of(*part, stored));
  });
}

void ChunkedSource::fill(const View& out) const {
  const Index width = size_of(spec_.dtype), row = out.rank() == 0 ? 1 : out.shape.back(),
              step = out.rank() == 0 ? width : out.strides.back();
  const bool is_zero = std::all_of(layout_.fill.begin(), layout_.fill.end(), [](std::byte b) { return b == std::byte{0}; });
  for_each_row(out.shape, {&out}, [&](std::byte** data) {
    if (is_zero && step == width) {
      std::memset(data[0], 0, static_cast<std::size_t>(row * width));
    } else {
      for (Index i = 0; i < row; ++i) {
        is_zero ? std::memset(data[0] + i * step, 0, static_cast<std::size_t>(width))
                : std::memcpy(data[0] + i * step, layout_.fill.data(), static_cast<std::size_t>(width));
      }
    }
  });
}

void ChunkedSource::deliver(const std::byte* first, const Shape& stored, const View& out) const {
  const ElementTransform& transform = layout_.transform;
  const Dims strides = raw_strides(stored);
  View from{const_cast<std::byte*>(first), spec_.dtype, out.shape, strides};
  if (transform.is_identity()) return copy(from, out);
  // Row by row as they are stored.
  View to = out;
  for (std::size_t k = 0; k < layout_.order.size(); ++k) {
    const int axis = layout_.order[k], at = static_cast<int>(k);
    from.shape[at] = to.shape[at] = out.shape[axis];
    from.strides[at] = strides[axis];
    to.strides[at] = out.strides[axis];
  }
  const Index width = size_of(spec_.dtype), row = to.rank() == 0 ? 1 : to.shape.back(), step = to.rank() == 0 ? width : to.strides.back();
  const Index stored_width = size_of(transform.stored);
  for_each_row(to.shape, {&from, &to}, [&](std::byte** data) {
    if (step == width) return transform.decode(data[0], data[1], row);
    constexpr Index kPiece = 512;
    alignas(64) std::byte piece[kPiece * 16];
    for (Index done = 0; done < row; done += kPiece) {
      const Index n = std::min(kPiece, row - done);
      transform.decode(data[0] + done * stored_width, piece, n);
      copy(View::contiguous(piece, spec_.dtype, {n}), View{data[1] + done * step, spec_.dtype, {n}, {step}});
    }
  });
}

void ChunkedSource::decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const {
  ensure(out.shape == box.shape && out.dtype == spec_.dtype, "decode: the view does not fit the box");
  if (goes_onward_) return decode_onward(box, encoded, out, cancel);
  const ElementTransform& transform = layout_.transform;
  // What is left of the memory behind the chunks: first what the codecs need, then a chunk.
  const Index needed = scratch_bytes(box), codecs_need = layout_.codecs.decode_scratch_bytes(raw_bytes(layout_.grid.chunk()));
  const std::span<std::byte> scratch =
      encoded.subspan(static_cast<std::size_t>(encoded_bytes(box) - needed), static_cast<std::size_t>(needed));
  const Bytes between = scratch.first(static_cast<std::size_t>(codecs_need));
  Bytes beside = scratch.subspan(static_cast<std::size_t>(codecs_need));
  Buffer unforeseen;
  /// False: somebody else is decoding the chunk at this moment.
  const auto decode_at = [&](const Dims& position, Index number, bool waits) {
    Place place = get_place(encoded, number);
    if (place.kind == Place::kLater) {
      const Index at = table_bytes(GridParts(box, layout_.grid.chunk()).count());
      std::optional<RemoteScope> scope;
      if (map_->is_remote()) scope.emplace(cancel);
      const Index bytes = read_alone(position, encoded.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(largest_)), cancel);
      place = bytes < 0 ? Place{} : Place{Place::kHere, at, bytes};
    }
    const Box chunk = chunk_box(layout_.grid, position);
    const Box part = intersection(box, chunk), inside = relative_to(part, chunk);
    const View target = out.part(relative_to(part, box));
    const Shape stored = stored_shape(chunk);
    const auto size = static_cast<std::size_t>(raw_bytes(stored));
    Dims strides = raw_strides(stored);
    const Index first = offset_of(inside.start, strides);
    if (place.kind == Place::kAbsent) {
      fill(target);
    } else if (place.kind == Place::kCached) {
      const auto raw = cache_->raw(*place.cached, waits,
                                   [&](ConstBytes stored_bytes, Bytes to) { decode_chunk(position, stored_bytes, to, between); });
      if (!raw) return false;
      raw->empty() ? fill(target) : deliver(raw->data() + first, stored, target);
      cache_->give_back(*place.cached);
    } else {
      const ConstBytes from = encoded.subspan(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.bytes));
      const bool is_whole = part.shape == stored && transform.keeps_size();
      for (int k = 0; k < strides.rank() && is_whole; ++k) {
        if (stored[k] == 1) strides[k] = target.strides[k];
      }
      if (layout_.codecs.empty()) {
        deliver(from.data() + first, stored, target);
      } else if (is_whole && target.strides == strides) {
        decode_chunk(position, from, {target.data, size}, between);
        if (!transform.is_identity()) transform.decode(target.data, target.data, target.count());
      } else {
        const auto told = static_cast<std::size_t>(Scratch::rounded(encoded_bytes(box)));
        if (beside.size() < size && encoded.size() >= told + size) beside = encoded.subspan(told);
        if (beside.size() < size) {
          // The output is laid out in a way that nobody told beforehand.
          unforeseen = Buffer(static_cast<Index>(size));
          beside = unforeseen.bytes();
        }
        decode_chunk(position, from, beside.first(size), between, &inside);
        deliver(beside.data() + first, stored, target);
      }
    }
    return true;
  };
  std::vector<Index> later;
  const GridParts reach(box, layout_.grid.chunk());
  for (Index number = 0; number < reach.count(); ++number) {
    cancel.check();
    if (!decode_at(reach.position(number), number, false)) later.push_back(number);
  }
  for (const Index number : later) {
    cancel.check();
    while (!decode_at(reach.position(number), number, false)) {
      if (cache_->in_the_meantime(between)) continue;
      decode_at(reach.position(number), number, true);
      break;
    }
  }
}

void ChunkedSource::decode_range(const Dims& position, const StoredChunk& chunk, Index raw_bytes, Index first, Bytes to, bool is_last, Bytes window,
                                 const Cancel& cancel) const {
  if (map_->skipped_codecs(position) != 0) {
    if (chunk.bytes != raw_bytes) fail(ErrorKind::kData, "{} bytes lie where the chunk has {}", chunk.bytes, raw_bytes);
    return chunk.file->read_exactly(chunk.offset + first, to);
  }
  const Index number = layout_.grid.index_of(position), end = first + static_cast<Index>(to.size());
  PartDecoders::Started started = decoders_ ? decoders_->take(this, number, first) : PartDecoders::Started();
  if (started.decoder && !(started.file == chunk.file->identity())) {
    fail(ErrorKind::kData, "its file was replaced while it was read");
  }
  if (!started.decoder) started = {layout_.codecs.codecs()[0]->part_decoder(), 0, 0, chunk.file->identity()};
  constexpr Index kLeastRead = Index{16} << 10;
  const double share = static_cast<double>(chunk.bytes) / static_cast<double>(raw_bytes);
  ConstBytes read;
  bool is_over = false;
  const auto step = [&](Bytes room) {
    if (read.empty() && started.used < chunk.bytes) {
      cancel.check();
      // What is read and not used now is read again later.
      const Index likely = static_cast<Index>(share * static_cast<double>(end - started.made)) + kLeastRead;
      const auto n = static_cast<std::size_t>(std::min({static_cast<Index>(window.size()), chunk.bytes - started.used, likely}));
      chunk.file->read_exactly(chunk.offset + started.used, window.first(n));
      read = window.first(n);
    }
    const PartDecoder::Step done = started.decoder->step(read, room);
    read = read.subspan(static_cast<std::size_t>(done.used));
    started.used += done.used;
    started.made += done.made;
    is_over = done.ended && started.used == chunk.bytes;
    const bool lacks = started.made < end || !is_over;
    if (lacks && started.used == chunk.bytes && done.made == 0) fail(ErrorKind::kData, "it ends before its last element");
  };
  while (started.made < end) {
    // What lies before is decoded to the same place, and over.
    const Index at = std::max<Index>(0, started.made - first);
    const Index room = started.made < first ? std::min(first - started.made, static_cast<Index>(to.size())) : end - started.made;
    step(to.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(room)));
  }
  if (end < raw_bytes) {
    if (decoders_ && !is_last) decoders_->keep(this, number, std::move(started));
    return;
  }
  for (std::byte more; !is_over;) {
    step({&more, 1});
    if (started.made > end) fail(ErrorKind::kData, "it is larger than the chunk");
  }
}

void ChunkedSource::decode_onward(const Box& box, Bytes encoded, const View& out, const Cancel& cancel) const {
  const ElementTransform& transform = layout_.transform;
  const Bytes window = encoded.first(kWindow);
  Bytes beside = encoded.subspan(kWindow);
  Buffer unforeseen;
  const GridParts reach(box, layout_.grid.chunk());
  for (Index at = 0; at < reach.count(); ++at) {
    cancel.check();
    const Dims position = reach.position(at);
    const Box chunk = chunk_box(layout_.grid, position), part = intersection(box, chunk), inside = relative_to(part, chunk);
    const View target = out.part(relative_to(part, box));
    const StoredChunk found = find(position);
    if (!found.file) {
      fill(target);
      continue;
    }
    const Shape stored = stored_shape(chunk);
    const Dims strides = raw_strides(stored);
    const Index first = offset_of(inside.start, strides);
    const Index bytes = range_bytes(part.shape, strides, size_of(transform.stored));
    bool in_place = transform.keeps_size() && bytes == target.bytes();
    for (int k = 0; k < part.rank(); ++k) in_place = in_place && (part.shape[k] == 1 || strides[k] == target.strides[k]);
    if (!in_place && static_cast<Index>(beside.size()) < bytes) {
      unforeseen = Buffer(bytes);
      beside = unforeseen.bytes();
    }
    const Bytes to = in_place ? Bytes(target.data, static_cast<std::size_t>(bytes)) : beside.first(static_cast<std::size_t>(bytes));
    // Of a chunk at the edge what is beyond the array is not wanted.
    const bool is_last = inside.end(onward_axis()) == chunk.shape[onward_axis()];
    naming(position, [&] { decode_range(position, found, raw_bytes(stored), first, to, is_last, window, cancel); });
    found.file->check_unchanged();
    if (!in_place)
      deliver(to.data(), stored, target);
    else if (!transform.is_identity())
      transform.decode(target.data, target.data, target.count());
  }
  map_->check_unchanged();
}

bool reads_remotely(const Source& source) {
  if (const auto* chunked = dynamic_cast<const ChunkedSource*>(&source)) return chunked->map().is_remote();
  const auto* raw = dynamic_cast<const ManifestSource*>(&source);
  return raw != nullptr && raw->manifest().files.front()->is_remote();
}

}  // namespace freestone
