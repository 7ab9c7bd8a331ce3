/// LibrarySource: an array that only the HDF5 library can read.
#pragma once

#include <mutex>

#include "freestone/core/source.h"
#include "freestone/formats/hdf5_type.h"

namespace freestone::formats::hdf5 {

/// Reads boxes by H5Dread in the library's lane. The file is opened at the first box and stays so as long as the source lives.
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
  struct Opened;
  const Opened& opened() const;
  std::shared_ptr<const File> file_;
  std::string path_, field_;
  ElementType element_;
  ChunkGrid grid_;
  std::string reference_;
  Spec spec_;
  mutable std::unique_ptr<Opened> opened_;  // in the lane only
};

}  // namespace freestone::formats::hdf5
