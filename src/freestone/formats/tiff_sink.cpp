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

// What a COG's tiles are copied by.
constexpr Index kCopyBytes = Index{4} << 20;

// In front of each tile of a COG its size, behind it its last four bytes again: one request reads a tile of which only the place of the
// next is known, and a reader sees when somebody has changed it.
constexpr Index kLeader = 4, kTrailer = 4;

Index even(Index bytes) { return bytes + bytes % 2; }

/// What tells GDAL that the layout is the one that its driver writes.
std::string ghost_area() {
  // The last blank is room for the "YES" of who breaks it.
  const std::string text =
      "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
  return fmt::format("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{}", text.size(), text);
}

}  // namespace

TiffSink::TiffSink(std::string path, bool overwrite, TiffOutput output) : output_(std::move(output)), file_(std::move(path), overwrite) {
  caps_.unit = output_.chunk;
  for (int k = 0; k < caps_.unit.rank(); ++k) caps_.unit[k] = std::min(caps_.unit[k], output_.spec.shape[k]);
  Shape shape = output_.spec.shape;
  levels_.push_back({ChunkGrid(shape, output_.chunk), true, {}});
  for (const TiffOutput::Overview& overview : output_.overviews) {
    shape = halved(shape);
    levels_.push_back({ChunkGrid(shape, output_.chunk), overview.is_written, {}});
  }
  Index count = 0;
  for (const Level& level : levels_) count += level.is_written ? level.chunks.count() : 0;
  // The lists, and their bytes in the directories.
  caps_.reserve_bytes = count * static_cast<Index>(sizeof(Place) + (output_.is_big.value_or(true) ? 24 : 16));
  if (levels_.size() > 1) {
    std::vector<ChunkGrid> grids;
    for (const Level& level : levels_) grids.push_back(level.chunks);
    pyramid_ = std::make_unique<Pyramid>(std::move(grids), output_.spec.dtype, output_.resampling, output_.missing, file_.path());
    caps_.reserve_bytes += pyramid_->memory_bytes();
  }
  if (output_.is_cog) caps_.reserve_bytes += kCopyBytes;
}

Index TiffSink::raw_bytes(const Box& box) const {
  Shape shape = output_.chunk;
  if (!output_.is_tiled) shape = box.shape;
  return element_count(shape) * size_of(output_.spec.dtype);
}

Index TiffSink::place_of(Index number) const {
  const Index whole = element_count(output_.chunk) * size_of(output_.spec.dtype);
  if (output_.is_tiled) return header_length() + number * whole;
  // Strips: the last one of each plane is shorter.
  const int rank = output_.spec.shape.rank();
  const Index in_plane = levels_.front().chunks.count(rank - 2), planes_before = number / in_plane;
  const Index plane = output_.spec.bytes() / (rank == 3 ? levels_.front().chunks.count(0) : 1);
  return header_length() + planes_before * plane + number % in_plane * whole;
}

void TiffSink::create() {
  const ChunkGrid& chunks = levels_.front().chunks;
  const Index raw = output_.spec.bytes(), count = chunks.count();
  const bool has_places = output_.codecs.empty() && !output_.is_cog;
  reserved_ = has_places ? place_of(count - 1) + raw_bytes(chunks.box(count - 1)) : raw / (output_.codecs.empty() ? 1 : kBestRatio);
  file_.create(reserved_);
  left_ = 0;
  for (Level& level : levels_) {
    if (!level.is_written) continue;
    level.places.assign(static_cast<std::size_t>(level.chunks.count()), {});
    left_ += level.chunks.count();
  }
  end_ = output_.is_cog ? 0 : has_places ? even(reserved_) : header_length();
  if (output_.is_cog) unordered_ = std::make_unique<AnonymousFile>(folder_of(file_.path()), file_.path());
}

Index TiffSink::scratch_bytes(const Box&) const {
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return Scratch::rounded(raw) + Scratch::rounded(output_.codecs.encode_scratch_bytes(raw)) + (pyramid_ ? Scratch::rounded(pyramid_->scratch_bytes()) : 0);
}

Index TiffSink::contiguous_scratch_bytes(const Box& box) const {
  // Only a box that is one whole chunk, its bands apart, is encoded from where it lies; tiles of overviews come in their own shapes.
  const bool is_raw = box.shape == output_.chunk && !(box.rank() == 3 && box.shape[0] > 1) && !pyramid_;
  const Index raw = element_count(output_.chunk) * size_of(output_.spec.dtype);
  return is_raw ? Scratch::rounded(output_.codecs.encode_scratch_bytes(raw)) : scratch_bytes(box);
}

void TiffSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  ensure(data.shape == box.shape && data.dtype == output_.spec.dtype, "write: the view does not fit the box");
  if (box.empty()) return;
  const ChunkGrid& chunks = levels_.front().chunks;
  const GridParts parts(box, chunks.chunk());
  for (Index i = 0; i < parts.count(); ++i) {
    cancel.check();
    const Dims at = parts.position(i);
    const Index number = chunks.index_of(at);
    const Box chunk = chunks.box(number), part = parts[i];
    const View view = data.part(relative_to(part, box));
    if (part == chunk) {
      write_chunk(number, view, scratch, cancel);
    } else if (const auto whole = parts_.add(at, chunk, part, view)) {
      write_chunk(number, whole->view, scratch, cancel);
    }
  }
}

void TiffSink::write_chunk(Index number, const View& data, Scratch& scratch, const Cancel& cancel) {
  const Index mark = scratch.used();
  Bytes memory;
  if (pyramid_) memory = Bytes(scratch.take(pyramid_->scratch_bytes()), static_cast<std::size_t>(pyramid_->scratch_bytes()));
  View view = data;
  Index stored = 0;
  for (std::size_t level = 0;; ++level) {
    if (levels_[level].is_written) {
      store(static_cast<int>(level), number, view, scratch);
      ++stored;
    }
    if (level + 1 == levels_.size()) break;
    const auto whole = pyramid_->add(static_cast<int>(level), number, view, memory);
    if (!whole) break;
    number = whole->number;
    view = whole->view;
  }
  scratch.release_to(mark);
  if (left_.fetch_sub(stored) == stored && output_.is_cog) arrange(cancel);
}

void TiffSink::store(int level, Index number, const View& data, Scratch& scratch) {
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
  const bool has_place = output_.codecs.empty() && !output_.is_cog && level == 0;
  const Index offset = has_place ? place_of(number) : end_.fetch_add(even(size));
  if (output_.is_cog) {
    ensure(size >= kTrailer, "a tile of less than four bytes");
    unordered_->write_at(offset, encoded);
  } else {
    if (!output_.is_big.value_or(false) && offset + size > kClassicEnd) fail_too_large(offset + size);
    file_.write_at(offset, encoded);
  }
  levels_[static_cast<std::size_t>(level)].places[static_cast<std::size_t>(number)] = {offset, size};
  scratch.release_to(mark);
}

std::vector<DirectoryToWrite> TiffSink::directories() const {
  std::vector<DirectoryToWrite> out;
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    if (levels_[k].is_written) out.push_back({k == 0 ? output_.tags : output_.overviews[k - 1].tags, &levels_[k].places, output_.is_tiled});
  }
  return out;
}

void TiffSink::fail_too_large(Index bytes) const {
  fail(ErrorKind::kUser, "{}: {} do not fit a TIFF of 4 GiB, and --bigtiff no was asked for. Leave it out, or compress more.", name(), format_bytes(bytes));
}

void TiffSink::arrange(const Cancel& cancel) {
  const std::string ghost = ghost_area();
  Index data_bytes = 0;
  for (const Level& level : levels_) {
    for (const Place& place : level.places) data_bytes += kLeader + place.bytes + kTrailer;
  }
  const auto first_directory = [&](bool is_big) { return ((is_big ? 16 : 8) + static_cast<Index>(ghost.size()) + 7) / 8 * 8; };
  const auto length = [&](bool is_big) { return first_directory(is_big) + static_cast<Index>(directory_bytes(directories(), first_directory(is_big), is_big).size()); };
  if (!output_.is_big) output_.is_big = length(false) + data_bytes > kClassicEnd;
  const bool is_big = *output_.is_big;
  if (!is_big && length(false) + data_bytes > kClassicEnd) fail_too_large(length(false) + data_bytes);

  Index end = length(is_big);
  Buffer buffer(kCopyBytes);
  Index filled = 0, written = end;
  const auto pass_on = [&] {
    file_.write_at(written, {buffer.data(), static_cast<std::size_t>(filled)});
    written += filled;
    filled = 0;
  };
  const auto room_for = [&](Index bytes) {
    if (filled + bytes > buffer.size()) pass_on();
    return buffer.data() + filled;
  };
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    for (Place& place : level->places) {
      cancel.check();
      const auto size = static_cast<std::uint32_t>(place.bytes);
      std::memcpy(room_for(kLeader), &size, kLeader);
      filled += kLeader;
      std::byte last[kTrailer];
      for (Index done = 0; done < place.bytes;) {
        const Index n = std::min(place.bytes - done, buffer.size());
        std::byte* const to = room_for(std::min(n, kCopyBytes / 4));
        const Index part = std::min(n, buffer.size() - filled);
        unordered_->read_at(place.offset + done, {to, static_cast<std::size_t>(part)});
        filled += part;
        done += part;
      }
      unordered_->read_at(place.offset + place.bytes - kTrailer, last);
      std::memcpy(room_for(kTrailer), last, kTrailer);
      filled += kTrailer;
      place.offset = end + kLeader;
      end += kLeader + place.bytes + kTrailer;
    }
  }
  pass_on();
  unordered_.reset();
  const std::string lists = directory_bytes(directories(), first_directory(is_big), is_big), start = header_bytes(is_big, first_directory(is_big)) + ghost;
  file_.write_at(first_directory(is_big), std::as_bytes(std::span(lists)));
  file_.write_at(0, std::as_bytes(std::span(start)));
  end_ = end;
}

void TiffSink::finish() {
  ensure(parts_.empty() && (left_ == 0 || !output_.is_cog), "a tile was not written whole");
  Index end = end_;
  if (!output_.is_cog) {
    const Index at = even(end);
    const bool is_big = output_.is_big.value_or(false);
    const std::string lists = directory_bytes(directories(), at, is_big);
    end = at + static_cast<Index>(lists.size());
    if (!is_big && end > kClassicEnd) fail_too_large(end);
    const std::string start = header_bytes(is_big, at);
    file_.write_at(at, std::as_bytes(std::span(lists)));
    file_.write_at(0, std::as_bytes(std::span(start)));
  }
  if (end < reserved_) set_length(file_.descriptor(), name(), end);
  file_.finish();
  for (Level& level : levels_) level.places = {};
  if (pyramid_) pyramid_->clear();
}

void TiffSink::abort() noexcept {
  parts_.clear();
  if (pyramid_) pyramid_->clear();
  unordered_.reset();
  file_.abort();
}

}  // namespace freestone::formats::tiff
