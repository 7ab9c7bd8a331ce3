#include "freestone/formats/tiff_sink.h"

#include <algorithm>
#include <cstring>

#include "freestone/core/grid_parts.h"
#include "freestone/storage/file.h"

namespace freestone::formats::tiff {
namespace {

// No codec makes a chunk smaller than this part of it (deflate: 1032).
constexpr Index kBestRatio = 1100;

// Offsets of classic TIFF are of 32 bits.
constexpr Index kClassicEnd = Index{1} << 32;

void append(std::string& bytes, std::uint64_t value, int width) {
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> (8 * i));
}

Index even(Index bytes) { return bytes + bytes % 2; }

}  // namespace

TiffSink::TiffSink(std::string path, bool overwrite, TiffOutput output)
    : output_(std::move(output)), chunks_(output_.spec.shape, output_.chunk), file_(std::move(path), overwrite) {
  caps_.unit = output_.chunk;
  for (int k = 0; k < caps_.unit.rank(); ++k) caps_.unit[k] = std::min(caps_.unit[k], output_.spec.shape[k]);
  // The list, and its bytes in the directory.
  caps_.reserve_bytes = chunks_.count() * static_cast<Index>(sizeof(Place) + (output_.is_big ? 16 : 8));
}

Index TiffSink::raw_bytes(const Box& box) const {
  Shape shape = output_.chunk;
  if (!output_.is_tiled) shape = box.shape;
  return element_count(shape) * size_of(output_.spec.dtype);
}

Index TiffSink::place_of(Index number) const {
  const Index header = output_.is_big ? 16 : 8, whole = element_count(output_.chunk) * size_of(output_.spec.dtype);
  if (output_.is_tiled) return header + number * whole;
  // Strips: the last one of each plane is shorter.
  const int rank = output_.spec.shape.rank();
  const Index in_plane = chunks_.count(rank - 2), planes_before = number / in_plane;
  const Index plane = output_.spec.bytes() / (rank == 3 ? chunks_.count(0) : 1);
  return header + planes_before * plane + number % in_plane * whole;
}

void TiffSink::create() {
  const Index raw = output_.spec.bytes(), count = chunks_.count();
  const bool has_places = output_.codecs.empty();
  reserved_ = has_places ? place_of(count - 1) + raw_bytes(chunks_.box(count - 1)) : raw / kBestRatio;
  file_.create(reserved_);
  places_.assign(static_cast<std::size_t>(count), {});
  end_ = has_places ? reserved_ : output_.is_big ? 16 : 8;
}

Index TiffSink::scratch_bytes(const Box&) const {
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return Scratch::rounded(raw) + Scratch::rounded(output_.codecs.encode_scratch_bytes(raw));
}

Index TiffSink::contiguous_scratch_bytes(const Box& box) const {
  // Only a box that is one whole chunk, its bands apart, is encoded from where it lies.
  const bool is_raw = box.shape == output_.chunk && !(box.rank() == 3 && box.shape[0] > 1);
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return is_raw ? Scratch::rounded(output_.codecs.encode_scratch_bytes(raw)) : scratch_bytes(box);
}

void TiffSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  ensure(data.shape == box.shape && data.dtype == output_.spec.dtype, "write: the view does not fit the box");
  if (box.empty()) return;
  const GridParts parts(box, chunks_.chunk());
  for (Index i = 0; i < parts.count(); ++i) {
    cancel.check();
    const Dims at = parts.position(i);
    const Index number = chunks_.index_of(at);
    const Box chunk = chunks_.box(number), part = parts[i];
    const View view = data.part(relative_to(part, box));
    if (part == chunk) {
      write_chunk(number, view, scratch);
    } else if (const auto whole = parts_.add(at, chunk, part, view)) {
      write_chunk(number, whole->view, scratch);
    }
  }
}

void TiffSink::write_chunk(Index number, const View& data, Scratch& scratch) {
  const Index mark = scratch.used();
  const Shape stored = output_.is_tiled ? output_.chunk : data.shape;
  const Index bytes = element_count(stored) * size_of(data.dtype);
  const Index encoder_bytes = output_.codecs.encode_scratch_bytes(bytes);
  const bool has_pixels = stored.rank() == 3 && stored[0] > 1;  // the bands of a pixel lie together
  const Bytes encoder(scratch.take(encoder_bytes), static_cast<std::size_t>(encoder_bytes));
  ConstBytes raw{data.data, static_cast<std::size_t>(bytes)};
  if (data.shape != stored || !data.is_contiguous() || has_pixels) {
    const Bytes memory(scratch.take(bytes), static_cast<std::size_t>(bytes));
    raw = memory;
    View whole = View::contiguous(memory.data(), data.dtype, stored);
    if (has_pixels) {
      const Index width = size_of(data.dtype);
      whole.strides = {width, stored[2] * stored[0] * width, stored[0] * width};
    }
    if (data.shape != stored) std::memset(memory.data(), 0, memory.size());
    Box inside(stored);
    inside.shape = data.shape;
    copy(data, whole.part(inside));
  }
  const ConstBytes encoded = output_.codecs.encode(raw, encoder);
  const auto size = static_cast<Index>(encoded.size());
  const Index offset = output_.codecs.empty() ? place_of(number) : end_.fetch_add(even(size));
  file_.write_at(offset, encoded);
  places_[static_cast<std::size_t>(number)] = {offset, size};
  scratch.release_to(mark);
}

std::string TiffSink::directory(Index offset) const {
  const bool big = output_.is_big;
  std::vector<TagToWrite> tags = output_.tags;
  TagToWrite offsets{output_.is_tiled ? kTileOffsets : kStripOffsets, big ? FieldType::kLong8 : FieldType::kLong, static_cast<Index>(places_.size()), {}};
  TagToWrite sizes{output_.is_tiled ? kTileByteCounts : kStripByteCounts, FieldType::kLong, offsets.count, {}};
  offsets.bytes.reserve(places_.size() * (big ? 8 : 4));
  sizes.bytes.reserve(places_.size() * 4);
  for (const Place& place : places_) {
    append(offsets.bytes, static_cast<std::uint64_t>(place.offset), big ? 8 : 4);
    append(sizes.bytes, static_cast<std::uint64_t>(place.bytes), 4);
  }
  tags.push_back(std::move(offsets));
  tags.push_back(std::move(sizes));
  std::sort(tags.begin(), tags.end(), [](const TagToWrite& a, const TagToWrite& b) { return a.tag < b.tag; });
  const int width = big ? 8 : 4;
  Index values_at = offset + (big ? 8 + 20 * static_cast<Index>(tags.size()) + 8 : 2 + 12 * static_cast<Index>(tags.size()) + 4);
  std::string entries, values;
  append(entries, tags.size(), big ? 8 : 2);
  for (const TagToWrite& tag : tags) {
    append(entries, tag.tag, 2);
    append(entries, static_cast<std::uint64_t>(tag.type), 2);
    append(entries, static_cast<std::uint64_t>(tag.count), width);
    if (tag.bytes.size() <= static_cast<std::size_t>(width)) {
      entries += tag.bytes;
      entries.append(static_cast<std::size_t>(width) - tag.bytes.size(), '\0');
      continue;
    }
    append(entries, static_cast<std::uint64_t>(values_at) + values.size(), width);
    values += tag.bytes;
    values.resize((values.size() + 7) / 8 * 8, '\0');
  }
  append(entries, 0, width);  // no directory follows
  return entries + values;
}

void TiffSink::finish() {
  ensure(parts_.empty(), "a tile was not written whole");
  const Index at = even(end_);
  const std::string last = directory(at);
  const Index end = at + static_cast<Index>(last.size());
  if (!output_.is_big && end > kClassicEnd) {
    fail(ErrorKind::kInternal, "{}: {} do not fit a TIFF of 4 GiB", name(), format_bytes(end));
  }
  file_.write_at(at, std::as_bytes(std::span(last)));
  if (end < reserved_) set_length(file_.descriptor(), name(), end);
  std::string header = output_.is_big ? std::string("II\x2b\0\x08\0\0\0", 8) : std::string("II\x2a\0", 4);
  append(header, static_cast<std::uint64_t>(at), output_.is_big ? 8 : 4);
  file_.write_at(0, std::as_bytes(std::span(header)));
  file_.finish();
  places_ = {};
}

void TiffSink::abort() noexcept {
  parts_.clear();
  file_.abort();
}

}  // namespace freestone::formats::tiff
