/// kerchunk: a Zarr group of version 2 whose chunks are parts of other files, listed in a JSON file or in a folder of Parquet files.
///
/// Facts: the reference specification of kerchunk, versions 0 and 1, and what fsspec's reference file system (for Parquet: LazyReferenceMapper) makes of it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "freestone/formats/format.h"
#include "freestone/formats/zarr_json.h"
#include "freestone/storage/chunk_references.h"
#include "freestone/storage/file.h"

namespace freestone {
class OutputFolder;
}

namespace freestone::formats::kerchunk {

/// A group of the arrays that are described, or one without a name. Files are opened when they are read; relative paths are seen from the
/// folder of the JSON file. An array of which a chunk is at a place that cannot be told has a note instead of a source.
/// @throws Error kind data: damaged, naming the key; kind user: JSON of another kind
Contents open(std::shared_ptr<const File> file);

/// The same of a folder of Parquet files, at a path or a URL; nothing: it is none. The files of an array are read when its chunks are asked for.
/// Relative paths are seen from that folder's own.
std::optional<Contents> open_if_parquet(const std::string& location);

/// A document `key` of a group without an array in it becomes one of the groups of `contents`; others are let go.
/// @param arrays  by their paths
template <class Arrays>
void add_group(const std::string& key, const zarr::Json& document, const Arrays& arrays, Contents& contents) {
  const auto slash = key.rfind('/');
  if (slash == std::string::npos || key.substr(slash + 1) != ".zattrs" || arrays.contains(key.substr(0, slash))) return;
  contents.groups.push_back({key.substr(0, slash), zarr::attributes_from(document)});
}

/// Where a chunk is.
struct Reference {
  Index chunk = 0;       ///< its C-order number in the grid
  ChunkReference place;  ///< `file` is a number in ReferenceSet::files, or kInline: a part of ReferenceSet::inlined
};

struct ReferenceArray {
  zarr::Json document;              ///< .zarray
  zarr::Json attributes;            ///< .zattrs
  std::vector<Reference> chunks;    ///< by rising numbers; the others are fill
  std::shared_ptr<const Source> source;
  bool is_scaled = false;           ///< `source` delivers other numbers than are stored, and the attributes say which
};

/// References to chunks of files, before they are written.
struct ReferenceSet {
  std::string name;                            ///< of the file that they are of
  std::map<std::string, zarr::Json> groups;    ///< attributes by paths; "" is the root
  std::map<std::string, ReferenceArray> arrays;
  std::vector<std::string> files;
  std::string inlined;
  std::vector<std::string> left_out;           ///< "cube.fits: tas: why", arrays that have no such form
};

/// References to the chunks of what was opened: what is stored as it is (FITS, npy, netCDF-3) or behind codecs that numcodecs has. Arrays without
/// codecs are cut along their first axis into pieces of some MiB. Scaled numbers of FITS are described as CF has them.
/// @throws Error kind user: more than ten million chunks; kind io or data: a chunk cannot be found
ReferenceSet references_of(const Contents& contents);

/// Several sets as groups of one, named by the stems of their files.
/// @throws Error kind user: two files with one stem
ReferenceSet as_groups(std::vector<ReferenceSet> sets);

/// Several sets as one, their arrays joined along the dimension `dim`, in the order of its coordinate where there is one; arrays without it are the
/// first set's. What does not fit by chunks is copied into the list when it is small.
/// @throws Error kind user: shapes, types or codecs that differ, chunks that do not fit, naming file and array
ReferenceSet joined(std::vector<ReferenceSet> sets, const std::string& dim);

/// As JSON, version 1.
std::string json_of(const ReferenceSet& set);
/// As a folder of Parquet files, into one that was created.
void write_parquet(const ReferenceSet& set, OutputFolder& folder);

}  // namespace freestone::formats::kerchunk
