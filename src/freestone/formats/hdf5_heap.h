/// Texts of any length in an HDF5 file, read by us.
///
/// They lie in global heaps: an element says which heap, which object of it, and how long. HDF5 1.10 believes the number of the object, so that
/// a damaged one takes it out of its memory. Here the library only hands over what elements say, and the heaps are read with every number
/// looked at.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "freestone/formats/hdf5_library.h"
#include "freestone/formats/text_room.h"

namespace freestone::formats::hdf5 {

/// The type in memory by which H5Aread and H5Dread give elements of variable length as they are stored; the lane is held.
Handle stored_list_type(const LibraryFile& file);

class TextReader {
 public:
  explicit TextReader(const LibraryFile& file) : file_(file) {}

  /// Bytes of one element as it is stored.
  std::size_t element_bytes() const { return 8 + file_.address_bytes(); }
  /// The texts of elements as they are stored, one after another. Many may be one text of the file: their bytes are taken of `room`.
  /// @throws Error kind data: `where` refers to what is no text of a heap; kind user: there is no room
  std::vector<std::string> read(const std::string& where, std::span<const std::byte> elements, TextRoom& room);

 private:
  struct Heap {
    std::vector<std::byte> bytes;
    std::map<Index, std::pair<std::size_t, std::size_t>> objects;  // number: where, how long
  };
  const Heap& heap_at(const std::string& where, Index address);
  const LibraryFile& file_;
  std::map<Index, Heap> heaps_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace freestone::formats::hdf5
