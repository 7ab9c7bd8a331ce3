/// A node of Zarr by its documents, wherever these were found: files in a folder, consolidated metadata, references (kerchunk).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "freestone/formats/text_room.h"
#include "freestone/formats/zarr_metadata.h"

namespace freestone::formats::zarr {

struct Node {
  int version = 3;
  bool is_array = false;
  Json document;  ///< zarr.json, .zarray or .zgroup
  Json attributes = Json::object();
  std::string name_of_document() const { return version == 3 ? "zarr.json" : is_array ? ".zarray" : ".zgroup"; }
};

/// @param name of the document, for messages
/// @throws Error kind data: it describes neither an array nor a group
Node node_from_v3(const std::string& name, Json document);

/// Finds the chunks of an array; may move parts out of the metadata.
using ChunkMapMaker = std::function<std::shared_ptr<const ChunkMap>(ArrayMetadata& array)>;

/// The array of `node`. One that Freestone cannot read, or whose `map` throws an Error of kind user, has a note instead of a source.
/// @param document  name of the node's document, for messages
/// @param reference see Source::reference
/// @param texts     room for those of all arrays of the store
/// @throws Error kind data, naming the field
Variable variable_from(const std::string& document, const std::string& name, int number, const Node& node, const std::string& reference,
                       TextRoom& texts, const ChunkMapMaker& map);

}  // namespace freestone::formats::zarr
