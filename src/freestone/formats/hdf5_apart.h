/// HDF5's library in a process of its own.
///
/// The library trusts what it reads: a damaged file can end the process, keep it for ever, or fill its memory. So a program that has a command
/// for it lets the library describe files in a second process: it gets the open file and its name, and answers with plain data. When it ends,
/// takes too long or too much, that is an error of that file; the next gets another process. Elements that only the library decodes it reads there, too. Each is started once and serves many files; as
/// many as there are cores work side by side.
#pragma once

#include <string>
#include <vector>

#include "freestone/formats/hdf5_dataset.h"

namespace freestone::formats::hdf5 {

/// As `describe`, in the other process when there is a command for one (hdf5.h), else here; files behind URLs always here.
/// @throws Error kind data: damaged, naming the file; also when the library did not survive it
FileDescription describe_apart(const std::shared_ptr<const File>& file);

/// A dataset that only the library decodes, or a field of one.
struct ReadByLibrary {
  std::string path, field;
  ElementType element;
  int rank = 0;  ///< without the inner axes of the type
};

/// Reads a box that holds whole elements in the other process. False: there is no command for one, the file is behind a URL, or the box is too large.
/// @throws Error as `describe_apart`
bool read_apart(const File& file, const ReadByLibrary& what, const Box& box, Bytes out);

}  // namespace freestone::formats::hdf5
