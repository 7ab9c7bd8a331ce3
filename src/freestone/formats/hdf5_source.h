/// LibrarySource: an array that only the HDF5 library can read.
#pragma once

#include <mutex>

#include "freestone/core/source.h"
#include "freestone/formats/hdf5_type.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::hdf5 {

/// A dataset, or a field of one, open in the library. Made, used and gone in the lane.
class LibraryReader {
 public:
  /// @param rank of the dataset, without the inner axes of its type
  /// @throws Error kind data: it cannot be opened, or is no longer what `element` says
  LibraryReader(std::shared_ptr<const File> file, std::string path, std::string field, ElementType element, int rank);
  /// Fills `out` with a box that holds whole elements.
  /// @throws Error kind data
  void read(const Box& box, Bytes out) const;

 private:
  LibraryFile file_;
  std::string path_;
  int rank_;
  Index width_ = 0;
  Handle dataset_, memory_, space_;
};

/// Reads boxes by H5Dread: in another process where there are such (hdf5_apart.h), side by side; else in the library's lane, where the file is
/// opened at the first box and stays so as long as the source lives.
class LibrarySource final : public Source {
 public:
  /// @param path of the dataset in the file; `field`: of its compound, "" for none
  /// @param grid of what is read as one piece, inner axes of the type included
  LibrarySource(std::shared_ptr<const File> file, std::string path, std::string field, ElementType element, ChunkGrid grid, std::string reference);
  ~LibrarySource() override;

  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return file_->identity(); }
  std::string reference() const override { return reference_; }
  ReadCost cost(const Box& box) const override;
  Index encoded_bytes(const Box& box) const override { return box.count() * size_of(spec_.dtype); }
  bool decodes_in_place() const override { return true; }
  void fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const override;
  void decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel& cancel) const override;

 private:
  std::shared_ptr<const File> file_;
  std::string path_, field_;
  ElementType element_;
  ChunkGrid grid_;
  std::string reference_;
  Spec spec_;
  mutable std::unique_ptr<LibraryReader> reader_;  // in the lane only
};

}  // namespace freestone::formats::hdf5
