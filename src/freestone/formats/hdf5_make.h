/// MadeFile: a new HDF5 file with all its objects and attributes, in which elements have places.
#pragma once

#include "freestone/formats/hdf5_file_layout.h"
#include "freestone/formats/hdf5_write_file.h"

namespace freestone::formats::hdf5 {

/// The lane is held where it is made, called and where it goes.
class MadeFile {
 public:
  /// @param descriptor of an empty file
  /// @throws Error kind io
  MadeFile(const FileToWrite& plan, int descriptor, bool many_chunks);
  /// Where the elements of each contiguous variable begin; 0 for the others.
  const std::vector<Index>& offsets() const { return offsets_; }
  Index place_chunk(std::size_t variable, const std::vector<hsize_t>& corner, ConstBytes chunk) {
    return file_.place_chunk(datasets_[variable].id(), corner, chunk);
  }
  /// Writes what is left, once.
  void close();

 private:
  WriteFile file_;
  std::vector<Handle> datasets_;
  std::vector<Index> offsets_;
  bool is_open_ = true;
};

}  // namespace freestone::formats::hdf5
