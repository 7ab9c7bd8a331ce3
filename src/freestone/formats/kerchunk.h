/// kerchunk: a Zarr group of version 2 whose chunks are parts of other files, listed in a JSON file.
///
/// Facts: the reference specification of kerchunk, versions 0 and 1, and what fsspec's reference file system makes of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::kerchunk {

/// A group of the arrays that are described, or one without a name. Files are opened when they are read; relative paths are seen from the
/// folder of the JSON file. An array of which a chunk is behind a URL has a note instead of a source.
/// @throws Error kind data: damaged, naming the key; kind user: JSON of another kind, references made by formulas ("gen")
Contents open(std::shared_ptr<const File> file);

struct Listed {
  std::string json;                   ///< references, version 1
  std::vector<std::string> left_out;  ///< "cube.fits: tas: why", arrays that have no such form
};

/// References to the chunks of what was opened: what is stored as it is (FITS, npy, netCDF-3) or behind codecs that numcodecs has. Arrays without
/// codecs are cut along their first axis into pieces of some MiB. Several files become groups, named by the stems of their paths.
/// @throws Error kind user: two files with one stem, or more than ten million chunks; kind io or data: a chunk cannot be found
Listed references_of(const std::vector<Contents>& files);

}  // namespace freestone::formats::kerchunk
