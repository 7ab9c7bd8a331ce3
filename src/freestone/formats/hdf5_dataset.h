/// Datasets of an HDF5 file as plain data: what the library says of them, before anything is made of it.
#pragma once

#include <vector>

#include "freestone/formats/hdf5_attributes.h"
#include "freestone/formats/hdf5_type.h"
#include "freestone/storage/chunk_table.h"
#include "freestone/storage/codec.h"

namespace freestone::formats::hdf5 {

struct Filter {
  int id = 0;                           ///< as registered by The HDF Group
  std::string name;
  std::vector<unsigned> parameters;
  bool is_available = false;            ///< to the library
};

struct Dataset {
  std::string path;                     ///< "group/name"
  Address address = 0;
  ElementType type;
  ObjectAttributes attributes;
  std::string note;                     ///< why it cannot be read; empty when it can

  Shape shape;                          ///< without the inner axes of its type
  std::vector<bool> is_unlimited;       ///< for each axis
  enum Layout { kCompact, kContiguous, kChunked, kByLibrary } layout = kCompact;
  std::vector<std::byte> values;        ///< compact: as delivered
  std::vector<std::vector<std::byte>> field_values;  ///< of a record: for each field
  std::optional<Index> offset;          ///< contiguous; none: never written
  Shape chunk;
  std::vector<ListedChunk> chunks;      ///< C order; `skipped_codecs` has a bit for each filter
  std::vector<Filter> filters;          ///< the first next to the elements
  std::vector<std::byte> fill;          ///< one element as delivered
  std::vector<std::vector<std::byte>> field_fills;   ///< of a record: for each field
  std::optional<std::vector<std::string>> texts;     ///< C order
  bool leaves_edges_unfiltered = false; ///< chunks that stick out of the array
  bool fill_varies = false;             ///< inside an element with inner axes: only the library can fill it
};

struct FileDescription {
  std::vector<Dataset> datasets;        ///< in the file's order, groups where they stand
  std::vector<Attribute> attributes;    ///< of the root group
  std::vector<Contents::Group> groups;  ///< the others
  bool is_netcdf = false;
  std::vector<std::string> notes;       ///< what cannot be read of groups, and why
};

/// Whether Freestone decodes it without the library.
bool has_codec(const Filter& filter);
/// And encodes it.
bool can_encode(const Filter& filter);

/// The codec of a filter, which encodes as the file's other chunks were; null: it changes nothing when it is read.
/// @throws Error kind user: parameters that Freestone has no codec for
CodecRef codec_of(const Filter& filter, Index element_bytes);

/// Reads all metadata of a file; takes the lane.
/// @throws Error kind data: damaged; kind user: more objects than Freestone lists
FileDescription describe(std::shared_ptr<const File> file);

/// Where the chunks of an open dataset lie, C order; the lane is held.
/// @throws Error kind data: `where` has an index that cannot be read
std::vector<ListedChunk> list_chunks(LibraryFile& file, const std::string& where, hid_t dataset, const ChunkGrid& grid);

}  // namespace freestone::formats::hdf5
