#include "freestone/formats/hdf5_dataset.h"

namespace freestone::formats::hdf5 {
namespace {

/// Keeps the log on for a while.
class Logging {
 public:
  explicit Logging(LibraryFile& file) : file_(file) { file.start_log(); }
  ~Logging() { file_.stop_log(); }
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

 private:
  LibraryFile& file_;
};

// The library's words for a chunk that was never written; it has no other sign of it than that reading fails.
constexpr std::string_view kAbsent = "chunk address isn't defined";

// The library's own query walks through the whole index at each call, so that all chunks cost the square of their number; to ask for one
// that is not there costs this many of its steps.
constexpr Index kStepsOfOneAbsent = 16;

class Lister {
 public:
  Lister(LibraryFile& file, const std::string& where, hid_t dataset, const ChunkGrid& grid)
      : file_(file), where_(where), dataset_(dataset), grid_(grid), space_(H5Dget_space(dataset), H5Sclose) {
    if (H5Dget_num_chunks(dataset, space_.id(), &count_) < 0) fail_in_library(file.name(), where, "its chunks cannot be counted");
    out_.resize(static_cast<std::size_t>(grid.count()));
  }

  std::vector<ListedChunk> list() {
    const auto count = static_cast<double>(count_);
    count * count < static_cast<double>(kStepsOfOneAbsent * grid_.count()) ? list_those_there() : list_all();
    return std::move(out_);
  }

 private:
  /// Looks at every place of the grid, in C order.
  void list_all() {
    const int rank = grid_.shape().rank();
    std::vector<hsize_t> corner(static_cast<std::size_t>(rank));
    hsize_t found = 0;
    const Logging logging(file_);
    for (ListedChunk& chunk : out_) {
      if (found == count_) return;
      if (look_at(corner, chunk)) ++found;
      for (int k = rank - 1; k >= 0; --k) {
        auto& at = corner[static_cast<std::size_t>(k)];
        at += static_cast<hsize_t>(grid_.chunk()[k]);
        if (at < static_cast<hsize_t>(grid_.shape()[k])) break;
        at = 0;
      }
    }
  }

  /// Few chunks of a large grid: the library says where they are in the array.
  void list_those_there() {
    const int rank = grid_.shape().rank();
    std::vector<hsize_t> corner(static_cast<std::size_t>(rank));
    Dims position(rank);
    for (hsize_t i = 0; i < count_; ++i) {
      if (H5Dget_chunk_info(dataset_, space_.id(), i, corner.data(), nullptr, nullptr, nullptr) < 0) {
        fail_in_library(file_.name(), where_, fmt::format("chunk {} of {} cannot be found", i, count_));
      }
      bool is_inside = true;
      for (int k = 0; k < rank; ++k) {
        const hsize_t at = corner[static_cast<std::size_t>(k)];
        is_inside = is_inside && at < static_cast<hsize_t>(grid_.shape()[k]) && at % static_cast<hsize_t>(grid_.chunk()[k]) == 0;
        position[k] = is_inside ? static_cast<Index>(at) / grid_.chunk()[k] : 0;
      }
      if (!is_inside) continue;  // of an array that was longer once
      const Logging logging(file_);
      look_at(corner, out_[static_cast<std::size_t>(grid_.index_of(position))]);
    }
  }

  /// True: the chunk is there.
  bool look_at(const std::vector<hsize_t>& corner, ListedChunk& chunk) {
    std::uint32_t mask = 0;
    std::byte nothing{};
    file_.take_logged();
    if (H5Dread_chunk(dataset_, H5P_DEFAULT, corner.data(), &mask, &nothing) >= 0) {
      const auto read = file_.take_logged();
      if (!read) fail(ErrorKind::kData, "{}: {}: chunk {} has no bytes. The file is damaged.", file_.name(), where_, box_of(chunk));
      chunk = {.offset = read->offset, .bytes = read->bytes, .file = 0, .skipped_codecs = mask};
      return true;
    }
    if (const std::string why = take_library_error(); why != kAbsent) {
      fail(ErrorKind::kData, "{}: {}: the index of its chunks cannot be read at chunk {} (HDF5 says: {}). The file is damaged, or was cut short.",
           file_.name(), where_, box_of(chunk), why);
    }
    return false;
  }

  std::string box_of(const ListedChunk& chunk) const { return to_string(grid_.box(&chunk - out_.data())); }

  LibraryFile& file_;
  const std::string& where_;
  hid_t dataset_;
  const ChunkGrid& grid_;
  Handle space_;
  hsize_t count_ = 0;
  std::vector<ListedChunk> out_;
};

}  // namespace

// To read a chunk with its filters on is to look it up in the index and one read, which our driver notes and does not make.
std::vector<ListedChunk> list_chunks(LibraryFile& file, const std::string& where, hid_t dataset, const ChunkGrid& grid) {
  return Lister(file, where, dataset, grid).list();
}

}  // namespace freestone::formats::hdf5
