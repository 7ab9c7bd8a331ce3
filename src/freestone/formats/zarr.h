/// Zarr: arrays as folders of chunks, versions 2 and 3, read and written.
///
/// A node is a folder with its metadata (zarr.json, or .zarray, .zgroup and .zattrs); any node of a hierarchy may be opened by its path.
/// Facts: the Zarr specifications, versions 2 and 3, and the codecs of numcodecs by the names that zarr-python gives them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "freestone/formats/format.h"

namespace freestone::formats::zarr {

/// Whether a folder holds the metadata of a node.
bool is_node(const std::string& folder);

/// An array: one variable without a name. A group: all arrays below it, named by their paths in it, and its attributes; from
/// consolidated metadata when there are some. An array that Freestone cannot read has a note instead of a source.
/// @throws Error kind data, naming file and field; kind user: the folder is no node
Contents open(const std::string& folder);
/// As `open`, of a path or a URL; nothing: it is no node.
std::optional<Contents> open_if_node(const std::string& location);

/// One array. Version 3 unless asked otherwise; Blosc with LZ4 (level 5, bytes shuffled), which any reader of Zarr knows and which keeps
/// up with a disk where zarr-python's own default, zstd without shuffling, does not. Chunks that hold nothing but zeros are not
/// written, as zarr-python has it.
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

/// A group of arrays with consolidated metadata, as xarray opens it. @throws Error kind user: a name that is none of a node's
std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request);

}  // namespace freestone::formats::zarr
