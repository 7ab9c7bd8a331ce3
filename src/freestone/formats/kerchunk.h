/// kerchunk: a Zarr group of version 2 whose chunks are parts of other files, listed in a JSON file.
///
/// Facts: the reference specification of kerchunk, versions 0 and 1, and what fsspec's reference file system makes of it.
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::kerchunk {

/// A group of the arrays that are described, or one without a name. Files are opened when they are read; relative paths are seen from the
/// folder of the JSON file. An array of which a chunk is behind a URL has a note instead of a source.
/// @throws Error kind data: damaged, naming the key; kind user: JSON of another kind, references made by formulas ("gen")
Contents open(std::shared_ptr<const File> file);

}  // namespace freestone::formats::kerchunk
