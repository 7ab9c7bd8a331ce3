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

}  // namespace

// The library's own query, H5Dget_chunk_info, walks through the whole index at each call: minutes for 100,000 chunks. Reading a chunk
// with its filters on is a look-up in the index and one read, which our driver notes and does not make.
std::vector<ListedChunk> list_chunks(LibraryFile& file, const std::string& where, hid_t dataset, const ChunkGrid& grid) {
  const int rank = grid.shape().rank();
  std::vector<ListedChunk> out(static_cast<std::size_t>(grid.count()));
  hsize_t count = 0;
  const Handle space(H5Dget_space(dataset), H5Sclose);
  if (H5Dget_num_chunks(dataset, space.id(), &count) < 0) fail_in_library(file.name(), where, "its chunks cannot be counted");
  const Logging logging(file);
  std::vector<hsize_t> corner(static_cast<std::size_t>(rank));
  hsize_t found = 0;
  for (ListedChunk& chunk : out) {
    if (found == count) break;  // in a sparse array the rest is not there
    std::uint32_t mask = 0;
    std::byte nothing{};
    file.take_logged();
    if (H5Dread_chunk(dataset, H5P_DEFAULT, corner.data(), &mask, &nothing) >= 0) {
      const auto read = file.take_logged();
      if (!read) fail(ErrorKind::kData, "{}: {}: chunk {} has no bytes. The file is damaged.", file.name(), where, to_string(grid.box(&chunk - out.data())));
      chunk = {.offset = read->offset, .bytes = read->bytes, .file = 0, .skipped_codecs = mask};
      ++found;
    } else if (const std::string why = take_library_error(); why != kAbsent) {
      fail(ErrorKind::kData, "{}: {}: the index of its chunks cannot be read at chunk {} (HDF5 says: {}). The file is damaged, or was cut short.",
           file.name(), where, to_string(grid.box(&chunk - out.data())), why);
    }
    for (int k = rank - 1; k >= 0; --k) {
      auto& at = corner[static_cast<std::size_t>(k)];
      at += static_cast<hsize_t>(grid.chunk()[k]);
      if (at < static_cast<hsize_t>(grid.shape()[k])) break;
      at = 0;
    }
  }
  return out;
}

}  // namespace freestone::formats::hdf5
