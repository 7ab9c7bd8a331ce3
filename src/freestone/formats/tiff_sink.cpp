#include "freestone/formats/tiff_sink.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "freestone/runtime/lanes.h"
#include "freestone/storage/file.h"

namespace freestone::formats::tiff {
namespace {

// No codec makes a chunk smaller than this part of it (deflate: 1032).
constexpr Index kBestRatio = 1100;

// Offsets of classic TIFF are of 32 bits.
constexpr Index kClassicEnd = Index{1} << 32;

// What a COG's tiles are copied by, and by how many threads at most.
constexpr Index kCopyBytes = Index{4} << 20;
constexpr unsigned kCopyLanes = 4;

/// A tile's way to where it stays.
struct Move {
  Index from, bytes, to;
};

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

TiffFile::TiffFile(std::string path, bool overwrite, TiffOutput output)
    : is_big_(output.is_big), is_cog_(output.is_cog), file_(std::move(path), overwrite) {
  for (TiffImage& what : output.images) {
    Image& image = *images_.emplace_back(std::make_unique<Image>());
    image.what = std::move(what);
    image.caps.unit = image.what.chunk;
    for (int k = 0; k < image.caps.unit.rank(); ++k) image.caps.unit[k] = std::min(image.caps.unit[k], image.what.spec.shape[k]);
    Shape shape = image.what.spec.shape;
    image.levels.push_back({ChunkGrid(shape, image.what.chunk), true, {}});
    for (const TiffImage::Overview& overview : image.what.overviews) {
      shape = halved(shape);
      image.levels.push_back({ChunkGrid(shape, image.what.chunk), overview.is_written, {}});
    }
    Index count = 0;
    for (const Level& level : image.levels) count += level.is_written ? level.chunks.count() : 0;
    // The lists, and their bytes in the directories.
    image.caps.reserve_bytes = count * static_cast<Index>(sizeof(Place) + (is_big_.value_or(true) ? 24 : 16) + (is_cog_ ? sizeof(Move) : 0));
    if (image.levels.size() > 1) {
      std::vector<ChunkGrid> grids;
      for (const Level& level : image.levels) grids.push_back(level.chunks);
      image.pyramid = std::make_unique<Pyramid>(std::move(grids), image.what.spec.dtype, image.what.resampling, image.what.missing, file_.path());
      image.caps.reserve_bytes += image.pyramid->memory_bytes();
    }
  }
  if (is_cog_) images_.front()->caps.reserve_bytes += kCopyBytes;
}

Index TiffFile::place_of(Index number) const {
  const Image& image = *images_.front();
  const Index whole = image.chunk_bytes();
  if (image.what.is_tiled) return header_length() + number * whole;
  // Strips: the last one of each plane is shorter.
  const int rank = image.what.spec.shape.rank();
  const ChunkGrid& chunks = image.levels.front().chunks;
  const Index in_plane = chunks.count(rank - 2), planes_before = number / in_plane;
  const Index plane = image.what.spec.bytes() / (rank == 3 ? chunks.count(0) : 1);
  return header_length() + planes_before * plane + number % in_plane * whole;
}

void TiffFile::create() {
  const std::lock_guard lock(mutex_);
  if (created_++ != 0) return;
  const Image& first = *images_.front();
  const ChunkGrid& chunks = first.levels.front().chunks;
  const Index raw = first.what.spec.bytes(), count = chunks.count();
  const Index last = first.what.is_tiled ? first.chunk_bytes() : chunks.box(count - 1).count() * size_of(first.what.spec.dtype);
  reserved_ = has_places(first) ? place_of(count - 1) + last : raw / (first.what.codecs.empty() ? 1 : kBestRatio);
  file_.create(reserved_);
  left_ = 0;
  finished_ = 0;
  for (const auto& image : images_) {
    for (Level& level : image->levels) {
      if (!level.is_written) continue;
      level.places.assign(static_cast<std::size_t>(level.chunks.count()), {});
      left_ += level.chunks.count();
    }
  }
  end_ = is_cog_ ? 0 : has_places(first) ? even(reserved_) : header_length();
  if (is_cog_) unordered_ = std::make_unique<AnonymousFile>(folder_of(file_.path()), file_.path());
}

Index TiffFile::scratch_bytes(std::size_t number) const {
  const Image& image = *images_[number];
  const Index raw = image.chunk_bytes();
  return Scratch::rounded(raw) + Scratch::rounded(image.what.codecs.encode_scratch_bytes(raw)) + (image.pyramid ? Scratch::rounded(image.pyramid->scratch_bytes()) : 0);
}

Index TiffFile::contiguous_scratch_bytes(std::size_t number, const Box& box) const {
  const Image& image = *images_[number];
  // Only a box that is one whole chunk, its bands apart, is encoded from where it lies; tiles of overviews come in their own shapes.
  const bool is_raw = box.shape == image.what.chunk && !(box.rank() == 3 && box.shape[0] > 1) && !image.pyramid;
  return is_raw ? Scratch::rounded(image.what.codecs.encode_scratch_bytes(image.chunk_bytes())) : scratch_bytes(number);
}

void TiffFile::write(std::size_t image_number, const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  Image& image = *images_[image_number];
  ensure(data.shape == box.shape && data.dtype == image.what.spec.dtype, "write: the view does not fit the box");
  const ChunkGrid& chunks = image.levels.front().chunks;
  image.parts.pass_on(chunks, box, data, cancel, [&](const Dims& at, const View& chunk) { write_chunk(image, chunks.index_of(at), chunk, scratch, cancel); }, [] {});
}

void TiffFile::write_chunk(Image& image, Index number, const View& data, Scratch& scratch, const Cancel& cancel) {
  const Index mark = scratch.used();
  Bytes memory;
  if (image.pyramid) memory = Bytes(scratch.take(image.pyramid->scratch_bytes()), static_cast<std::size_t>(image.pyramid->scratch_bytes()));
  View view = data;
  Index stored = 0;
  for (std::size_t level = 0;; ++level) {
    if (image.levels[level].is_written) {
      store(image, level, number, view, scratch);
      ++stored;
    }
    if (level + 1 == image.levels.size()) break;
    const auto whole = image.pyramid->add(static_cast<int>(level), number, view, memory);
    if (!whole) break;
    number = whole->number;
    view = whole->view;
  }
  scratch.release_to(mark);
  if (left_.fetch_sub(stored) == stored && is_cog_) arrange(cancel);
}

void TiffFile::store(Image& image, std::size_t level, Index number, const View& data, Scratch& scratch) {
  const Index mark = scratch.used();
  const Shape stored = image.what.is_tiled ? image.what.chunk : data.shape;
  const Index bytes = element_count(stored) * size_of(data.dtype);
  const Index encoder_bytes = image.what.codecs.encode_scratch_bytes(bytes);
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
  const ConstBytes encoded = image.what.codecs.encode(raw, encoder);
  const auto size = static_cast<Index>(encoded.size());
  const bool has_place = level == 0 && has_places(image);
  const Index offset = has_place ? place_of(number) : end_.fetch_add(even(size));
  if (is_cog_) {
    ensure(size >= kTrailer, "a tile of less than four bytes");
    unordered_->write_at(offset, encoded);
  } else {
    if (!is_big_.value_or(false) && offset + size > kClassicEnd) fail_too_large(offset + size);
    file_.write_at(offset, encoded);
  }
  image.levels[level].places[static_cast<std::size_t>(number)] = {offset, size};
  scratch.release_to(mark);
}

std::vector<std::pair<const std::vector<TagToWrite>*, TiffFile::Level*>> TiffFile::ordered() {
  std::vector<std::pair<const std::vector<TagToWrite>*, Level*>> out;
  for (std::size_t k = 0; k < images_.front()->levels.size(); ++k) {
    for (const auto& image : images_) {
      if (image->levels[k].is_written) out.emplace_back(k == 0 ? &image->what.tags : &image->what.overviews[k - 1].tags, &image->levels[k]);
    }
  }
  return out;
}

std::vector<DirectoryToWrite> TiffFile::directories() {
  std::vector<DirectoryToWrite> out;
  for (const auto& [tags, level] : ordered()) out.push_back({*tags, &level->places, images_.front()->what.is_tiled});
  return out;
}

void TiffFile::fail_too_large(Index bytes) const {
  fail(ErrorKind::kUser, "{}: {} do not fit a TIFF of 4 GiB, and --bigtiff no was asked for. Leave it out, or compress more.", path(), format_bytes(bytes));
}

void TiffFile::arrange(const Cancel& cancel) {
  const std::string ghost = ghost_area();
  Index data_bytes = 0;
  std::vector<std::pair<const std::vector<TagToWrite>*, Level*>> levels = ordered();
  for (const auto& [tags, level] : levels) {
    for (const Place& place : level->places) data_bytes += kLeader + place.bytes + kTrailer;
  }
  const auto first_directory = [&](bool is_big) { return ((is_big ? 16 : 8) + static_cast<Index>(ghost.size()) + 7) / 8 * 8; };
  const auto length = [&](bool is_big) { return first_directory(is_big) + static_cast<Index>(directory_bytes(directories(), first_directory(is_big), is_big).size()); };
  if (!is_big_) is_big_ = length(false) + data_bytes > kClassicEnd;
  const bool is_big = *is_big_;
  if (!is_big && length(false) + data_bytes > kClassicEnd) fail_too_large(length(false) + data_bytes);

  std::vector<Move> moves;
  Index end = length(is_big);
  std::reverse(levels.begin(), levels.end());
  for (const auto& [tags, level] : levels) {
    for (Place& place : level->places) {
      moves.push_back({place.offset, place.bytes, end});
      place.offset = end + kLeader;
      end += kLeader + place.bytes + kTrailer;
    }
  }
  // Every lane a run of tiles, in which they lie side by side.
  const auto lanes = static_cast<Index>(std::clamp(std::thread::hardware_concurrency(), 1U, kCopyLanes));
  const auto count = static_cast<Index>(moves.size());
  Cancel stop(&cancel);
  run_lanes(static_cast<int>(lanes), stop, [&](int lane) {
    Buffer buffer(kCopyBytes / lanes);
    const Index first = count * lane / lanes, last = count * (lane + 1) / lanes;
    Index filled = 0, written = first < last ? moves[static_cast<std::size_t>(first)].to : 0;
    const auto pass_on = [&] {
      file_.write_at(written, {buffer.data(), static_cast<std::size_t>(filled)});
      written += filled;
      filled = 0;
    };
    const auto room_for = [&](Index bytes) {
      if (filled + bytes > buffer.size()) pass_on();
      return buffer.data() + filled;
    };
    for (Index m = first; m < last; ++m) {
      stop.check();
      const Move& move = moves[static_cast<std::size_t>(m)];
      const auto size = static_cast<std::uint32_t>(move.bytes);
      std::memcpy(room_for(kLeader), &size, kLeader);
      filled += kLeader;
      for (Index done = 0; done < move.bytes;) {
        const Index n = std::min(move.bytes - done, buffer.size());
        std::byte* const to = room_for(std::min(n, buffer.size() / 4));
        const Index part = std::min(n, buffer.size() - filled);
        unordered_->read_at(move.from + done, {to, static_cast<std::size_t>(part)});
        filled += part;
        done += part;
      }
      std::byte ending[kTrailer];
      unordered_->read_at(move.from + move.bytes - kTrailer, ending);
      std::memcpy(room_for(kTrailer), ending, kTrailer);
      filled += kTrailer;
    }
    pass_on();
  });
  unordered_.reset();
  const std::string lists = directory_bytes(directories(), first_directory(is_big), is_big), start = header_bytes(is_big, first_directory(is_big)) + ghost;
  file_.write_at(first_directory(is_big), std::as_bytes(std::span(lists)));
  file_.write_at(0, std::as_bytes(std::span(start)));
  end_ = end;
}

void TiffFile::finish() {
  const std::lock_guard lock(mutex_);
  if (++finished_ != images_.size()) return;
  for (const auto& image : images_) ensure(image->parts.empty(), "a tile was not written whole");
  ensure(left_ == 0 || !is_cog_, "a tile was not written whole");
  Index end = end_;
  if (!is_cog_) {
    const Index at = even(end);
    const bool is_big = is_big_.value_or(false);
    const std::string lists = directory_bytes(directories(), at, is_big);
    end = at + static_cast<Index>(lists.size());
    if (!is_big && end > kClassicEnd) fail_too_large(end);
    const std::string start = header_bytes(is_big, at);
    file_.write_at(at, std::as_bytes(std::span(lists)));
    file_.write_at(0, std::as_bytes(std::span(start)));
  }
  if (end < reserved_) set_length(file_.descriptor(), path(), end);
  file_.finish();
  for (const auto& image : images_) {
    for (Level& level : image->levels) level.places = {};
    if (image->pyramid) image->pyramid->clear();
  }
}

void TiffFile::abort() noexcept {
  for (const auto& image : images_) {
    image->parts.clear();
    if (image->pyramid) image->pyramid->clear();
  }
  unordered_.reset();
  file_.abort();
}

}  // namespace freestone::formats::tiff
