#include "freestone/formats/casa_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "freestone/storage/file.h"

namespace freestone::formats::casa {
namespace {

constexpr const char* kPixels = "table.f0_TSM0";
constexpr const char* kMask = "mask0/table.f0_TSM0";
// In the temporary folder alone: parts of tiles were, or are, in memory; and an element is NaN.
constexpr const char* kPartsMark = ".parts-in-memory";
constexpr const char* kMissingMark = ".elements-are-missing";

/// One byte an element: 1 where it is a number. Returns whether all are.
template <class T>
bool mark_numbers(const std::byte* from, Index numbers_each, std::byte* to, Index count) {
  unsigned all = 1;
  for (Index i = 0; i < count; ++i) {
    unsigned good = 1;
    for (Index k = 0; k < numbers_each; ++k) {
      T value;
      std::memcpy(&value, from + (i * numbers_each + k) * static_cast<Index>(sizeof(T)), sizeof(T));
      good &= value == value ? 1u : 0u;
    }
    to[i] = static_cast<std::byte>(good);
    all &= good;
  }
  return all != 0;
}

bool mark_numbers(const View& tile, std::byte* to, Index count) {
  switch (tile.dtype) {
    case DType::kFloat32: return mark_numbers<float>(tile.data, 1, to, count);
    case DType::kFloat64: return mark_numbers<double>(tile.data, 1, to, count);
    case DType::kComplex64: return mark_numbers<float>(tile.data, 2, to, count);
    default: return mark_numbers<double>(tile.data, 2, to, count);
  }
}

}  // namespace

CasaSink::CasaSink(std::string path, bool overwrite, CasaOutput output)
    : output_(std::move(output)), tiles_(output_.spec.shape, output_.tile), folder_(std::move(path), overwrite, {"table.dat"}) {
  caps_.unit = output_.tile;
  for (int k = 0; k < caps_.unit.rank(); ++k) caps_.unit[k] = std::min(caps_.unit[k], output_.spec.shape[k]);
}

CasaSink::~CasaSink() { close_files(); }

std::string CasaSink::description() const {
  std::string text = fmt::format("tiles {}\n", to_string(output_.tile));
  for (const CasaOutput::File& file : output_.with_mask) text += file.name + "\n" + file.text + "\n";
  return text;
}

void CasaSink::create() {
  const Index tiles = tiles_.count(), bytes = tiles * tile_elements() * size_of(output_.spec.dtype);
  folder_.create(bytes);
  for (const char* name : {kPixels, kMask}) ::close(folder_.open_file(name));
  open_files();
  // The places of tiles are taken, so that a full disk shows itself now where the file system can.
  reserve(pixels_, name() + "/" + kPixels, bytes);
  set_length(mask_, name() + "/" + kMask, tiles * mask_bytes());
}

void CasaSink::open_files() {
  const auto open = [&](const char* file) {
    const std::string path = folder_.temporary_path() + "/" + file;
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) fail_errno(errno, fmt::format("{}: {} cannot be opened", name(), file));
    return descriptor;
  };
  pixels_ = open(kPixels);
  mask_ = open(kMask);
}

void CasaSink::close_files() noexcept {
  for (int* descriptor : {&pixels_, &mask_}) {
    if (*descriptor >= 0) ::close(*descriptor);
    *descriptor = -1;
  }
}

void CasaSink::resume() {
  folder_.resume();
  struct stat pixels {}, mask {};
  const auto length = [&](const char* file, struct stat& status) { return ::stat((folder_.temporary_path() + "/" + file).c_str(), &status) == 0; };
  const Index tiles = tiles_.count();
  const bool fits = length(kPixels, pixels) && length(kMask, mask) && pixels.st_size == tiles * tile_elements() * size_of(output_.spec.dtype) &&
                    mask.st_size == tiles * mask_bytes();
  const bool is_partial = folder_.has_file(kPartsMark);
  if (!fits || is_partial) {
    folder_.leave();
    if (!fits) fail(ErrorKind::kData, "{}: what the killed run left has another size than it should. Run without --resume.", name());
    fail(ErrorKind::kUser, "{}: the run that was killed lay its tiles across those of the image: it cannot be taken up. Run without --resume.", name());
  }
  open_files();
}

void CasaSink::leave() noexcept {
  parts_.clear();
  close_files();
  folder_.leave();
}

Index CasaSink::scratch_bytes(const Box&) const {
  const Index raw = tile_elements() * size_of(output_.spec.dtype);
  return Scratch::rounded(raw) + Scratch::rounded(tile_elements()) + Scratch::rounded(mask_bytes());
}

Index CasaSink::contiguous_scratch_bytes(const Box& box) const {
  if (box.shape != output_.tile) return scratch_bytes(box);
  return Scratch::rounded(tile_elements()) + Scratch::rounded(mask_bytes());
}

void CasaSink::write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) {
  ensure(data.shape == box.shape && data.dtype == output_.spec.dtype, "write: the view does not fit the box");
  parts_.pass_on(
      tiles_, box, data, cancel, [&](const Dims& at, const View& tile) { write_tile(tiles_.index_of(at), tile, scratch); },
      [&] { std::call_once(marked_, [&] { folder_.write_file(kPartsMark, {}); }); });
}

void CasaSink::write_tile(Index number, const View& data, Scratch& scratch) {
  const Index mark = scratch.used(), count = tile_elements(), bytes = count * size_of(data.dtype);
  const Bytes good(scratch.take(count), static_cast<std::size_t>(count));
  const Bytes bits(scratch.take(mask_bytes()), static_cast<std::size_t>(mask_bytes()));
  View tile = data;
  if (data.shape != output_.tile || !data.is_contiguous()) {
    tile = View::contiguous(scratch.take(bytes), data.dtype, output_.tile);
    if (data.shape != output_.tile) std::memset(tile.data, 0, static_cast<std::size_t>(bytes));
    Box inside(output_.tile);
    inside.shape = data.shape;
    copy(data, tile.part(inside));
  }
  if (!mark_numbers(tile, good.data(), count)) std::call_once(saw_missing_, [&] { folder_.write_file(kMissingMark, {}); });
  bits_->encode(good, bits);
  write_exactly(pixels_, name() + "/" + kPixels, number * bytes, {tile.data, static_cast<std::size_t>(bytes)});
  write_exactly(mask_, name() + "/" + kMask, number * mask_bytes(), bits);
  scratch.release_to(mark);
}

void CasaSink::finish() {
  ensure(parts_.empty(), "a tile was not written whole");
  close_files();
  const bool has_mask = folder_.has_file(kMissingMark);
  folder_.remove_file(kPartsMark);
  folder_.remove_file(kMissingMark);
  if (!has_mask) {
    folder_.remove_file(kMask);
    ::rmdir((folder_.temporary_path() + "/mask0").c_str());
  }
  for (const CasaOutput::File& file : has_mask ? output_.with_mask : output_.without_mask) {
    folder_.write_file(file.name, std::as_bytes(std::span(file.text.data(), file.text.size())));
  }
  folder_.finish();
}

void CasaSink::abort() noexcept {
  parts_.clear();
  close_files();
  folder_.abort();
}

}  // namespace freestone::formats::casa
