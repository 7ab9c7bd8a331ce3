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

/// The stored size of a chunk by its raw size, from a few that are there.
double ChunkedSource::stored_share() const {
  std::call_once(sample_->once, [&] {
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
      } catch (const Error&) {
        // Planning goes on; the read will say what is wrong.
      }
    }
    const double raw = static_cast<double>(raw_bytes(layout_.grid.chunk()));
    if (found > 0) sample_->share = static_cast<double>(bytes) / static_cast<double>(found) / std::max(1.0, raw);
  });
  return sample_->share;
}

ReadCost ChunkedSource::cost(const Box& box) const {
  if (box.empty()) return {};
  const Index chunks = GridParts(box, layout_.grid.chunk()).count();
  const Index raw = times(chunks, raw_bytes(layout_.grid.chunk()));
  return {static_cast<Index>(static_cast<double>(raw) * stored_share()), chunks, raw};
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

Index ChunkedSource::scratch_bytes(const Box& box) const {
  const Index raw = raw_bytes(layout_.grid.chunk());
  const bool needs_copy = !layout_.codecs.empty() && !lies_in_one_piece(box);
  return layout_.codecs.decode_scratch_bytes(raw) + (needs_copy ? Scratch::rounded(raw) : 0);
}

Index ChunkedSource::encoded_bytes(const Box& box) const {
  if (box.empty()) return 0;
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

void ChunkedSource::decode_chunk(const Dims& position, ConstBytes encoded, Bytes raw, Bytes scratch) const {
  try {
    if (const auto own = map_->codecs_of(position)) return own->decode(encoded, raw, scratch);
    const std::uint32_t skipped = map_->skipped_codecs(position);
    skipped == 0 ? layout_.codecs.decode(encoded, raw, scratch) : layout_.codecs.without(skipped).decode(encoded, raw, scratch);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kData) throw;
    fail(ErrorKind::kData, "{}: chunk {} is damaged or was cut short: {}.", map_->name_of(position), to_string(position), error.message());
  }
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

void ChunkedSource::deliver(const std::byte* raw, const Shape& stored, const Box& part, const View& out) const {
  const ElementTransform& transform = layout_.transform;
  const Dims strides = raw_strides(stored);
  View from{const_cast<std::byte*>(raw), spec_.dtype, part.shape, strides};
  for (int k = 0; k < part.rank(); ++k) from.data += part.start[k] * strides[k];
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
    if (place.kind == Place::kAbsent) {
      fill(target);
    } else if (place.kind == Place::kCached) {
      const auto raw = cache_->raw(*place.cached, waits,
                                   [&](ConstBytes stored_bytes, Bytes to) { decode_chunk(position, stored_bytes, to, between); });
      if (!raw) return false;
      raw->empty() ? fill(target) : deliver(raw->data(), stored, inside, target);
      cache_->give_back(*place.cached);
    } else {
      const ConstBytes from = encoded.subspan(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.bytes));
      const bool is_whole = part.shape == stored && transform.keeps_size();
      Dims strides = raw_strides(stored);
      for (int k = 0; k < strides.rank() && is_whole; ++k) {
        if (stored[k] == 1) strides[k] = target.strides[k];
      }
      if (layout_.codecs.empty()) {
        deliver(from.data(), stored, inside, target);
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
        decode_chunk(position, from, beside.first(size), between);
        deliver(beside.data(), stored, inside, target);
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

bool reads_remotely(const Source& source) {
  if (const auto* chunked = dynamic_cast<const ChunkedSource*>(&source)) return chunked->map().is_remote();
  const auto* raw = dynamic_cast<const ManifestSource*>(&source);
  return raw != nullptr && raw->manifest().files.front()->is_remote();
}

}  // namespace freestone
