#include "freestone/formats/hdf5_source.h"

#include <algorithm>

#include "freestone/formats/hdf5_apart.h"
#include "freestone/storage/remote_options.h"

namespace freestone::formats::hdf5 {
namespace {

// Of decoded chunks, kept by the library: boxes that lie side by side meet the same ones. A larger chunk is decoded for each box.
constexpr Index kLargestCache = Index{16} << 20;
// Of one call, so that others get the lane, and a run can be cancelled.
constexpr Index kBytesAtATime = Index{8} << 20;

}  // namespace

LibraryReader::LibraryReader(std::shared_ptr<const File> file, std::string path, std::string field, ElementType element, int rank)
    : file_(std::move(file)), path_(std::move(path)), rank_(rank) {
  const Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_chunk_cache(access.id(), 521, static_cast<std::size_t>(kLargestCache), 1.0);
  dataset_ = Handle(H5Dopen2(file_.id(), path_.c_str(), access.id()), H5Dclose);
  if (!dataset_) fail_in_library(file_.name(), path_, "it cannot be opened");
  const Handle type(H5Dget_type(dataset_.id()), H5Tclose);
  memory_ = memory_type(type.id(), element, field);
  space_ = Handle(H5Dget_space(dataset_.id()), H5Sclose);
  width_ = size_of(element.transform.dtype) * element_count(element.inner);
  if (!memory_ || static_cast<Index>(H5Tget_size(memory_.id())) != width_ || H5Sget_simple_extent_ndims(space_.id()) != rank) {
    fail(ErrorKind::kData, "{}: {}: it is no longer the array that was opened.", file_.name(), path_);
  }
}

void LibraryReader::read(const Box& box, Bytes out) const {
  std::vector<hsize_t> start(box.start.begin(), box.start.begin() + rank_), shape(box.shape.begin(), box.shape.begin() + rank_);
  Index bytes = width_;
  for (int k = 0; k < rank_; ++k) bytes *= box.shape[k];
  ensure(static_cast<Index>(out.size()) == bytes, "a box of the library's has another size");
  const Handle space(rank_ == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank_, shape.data(), nullptr), H5Sclose);
  const bool is_selected = rank_ == 0 || H5Sselect_hyperslab(space_.id(), H5S_SELECT_SET, start.data(), nullptr, shape.data(), nullptr) >= 0;
  if (!is_selected || H5Dread(dataset_.id(), memory_.id(), space.id(), space_.id(), H5P_DEFAULT, out.data()) < 0) {
    fail_in_library(file_.name(), path_, fmt::format("{} cannot be read", to_string(box)));
  }
}

LibrarySource::LibrarySource(std::shared_ptr<const File> file, std::string path, std::string field, ElementType element, ChunkGrid grid,
                             std::string reference)
    : file_(std::move(file)),
      path_(std::move(path)),
      field_(std::move(field)),
      element_(std::move(element)),
      grid_(std::move(grid)),
      reference_(std::move(reference)),
      spec_{grid_.shape(), element_.transform.dtype} {}

LibrarySource::~LibrarySource() {
  const LibraryLane lane;
  reader_.reset();
}

ReadCost LibrarySource::cost(const Box& box) const {
  Index chunks = 1, elements = 1;
  for (int k = 0; k < box.rank(); ++k) {
    const Index step = grid_.chunk()[k], met = (box.end(k) - 1) / step - box.start[k] / step + 1;
    chunks *= met;
    elements *= std::min(met * step, spec_.shape[k]);
  }
  const Index bytes = elements * size_of(spec_.dtype);
  return {.bytes = bytes, .requests = chunks, .decoded = bytes};
}

void LibrarySource::fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const {
  const RemoteScope scope(cancel);
  const int inner = element_.inner.rank(), rank = box.rank() - inner;
  // The library reads whole elements: with inner axes that are cut a row of them is read and the part taken.
  Box whole = box;
  for (int k = rank; k < box.rank(); ++k) {
    whole.start[k] = 0;
    whole.shape[k] = spec_.shape[k];
  }
  const Index row_bytes = rank == 0 ? 0 : whole.count() / std::max<Index>(whole.shape[0], 1) * size_of(spec_.dtype);
  const Index rows = rank == 0 ? 1 : box.shape[0];
  const Index step = row_bytes == 0 ? rows : std::clamp<Index>(std::max(kBytesAtATime / row_bytes, std::min(grid_.chunk()[0], rows)), 1, rows);
  Index done_bytes = 0;
  for (Index row = 0; row < rows; row += step) {
    cancel.check();
    Box piece = whole;
    if (rank > 0) {
      piece.start[0] = box.start[0] + row;
      piece.shape[0] = std::min(step, rows - row);
    }
    Box wanted = piece;
    for (int k = rank; k < box.rank(); ++k) {
      wanted.start[k] = box.start[k];
      wanted.shape[k] = box.shape[k];
    }
    const Index wanted_bytes = wanted.count() * size_of(spec_.dtype);
    const std::span<std::byte> to = encoded.subspan(static_cast<std::size_t>(done_bytes), static_cast<std::size_t>(wanted_bytes));
    Buffer beside;
    if (wanted != piece) beside = Buffer(piece.count() * size_of(spec_.dtype));
    std::byte* memory = wanted == piece ? to.data() : beside.data();
    const Bytes into(memory, static_cast<std::size_t>(piece.count() * size_of(spec_.dtype)));
    if (!read_apart(*file_, {path_, field_, element_, rank}, piece, into)) {
      const LibraryLane lane;
      if (!reader_) reader_ = std::make_unique<LibraryReader>(file_, path_, field_, element_, rank);
      reader_->read(piece, into);
    }
    file_->check_unchanged();
    if (wanted != piece) {
      const View all = View::contiguous(beside.data(), spec_.dtype, piece.shape);
      copy(all.part(relative_to(wanted, piece)), View::contiguous(to.data(), spec_.dtype, wanted.shape));
    }
    done_bytes += wanted_bytes;
  }
}

void LibrarySource::decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel&) const {
  ensure(out.shape == box.shape && out.dtype == spec_.dtype, "decode: the view does not fit the box");
  if (out.data != encoded.data()) copy(View::contiguous(encoded.data(), spec_.dtype, box.shape), out);
}

}  // namespace freestone::formats::hdf5
