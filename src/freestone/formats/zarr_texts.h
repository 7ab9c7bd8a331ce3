/// Texts of Zarr arrays: labels, read whole with the metadata and written with them.
///
/// Facts: the layouts of numcodecs' vlen-utf8 and json2, and NumPy's of texts of one length.
#pragma once

#include <string>

#include "freestone/formats/text_room.h"
#include "freestone/formats/zarr_metadata.h"

namespace freestone::formats::zarr {

/// How an array of `dtype` "|O" (version 2) stores its texts, by its first filter, which is taken off `filters`.
/// @throws Error kind user: as something else
TextForm take_object_codec(const std::string& name, Json& filters);

/// What `fill_value` says of a text, as UTF-8.
/// @throws Error kind data: no text
std::vector<std::byte> text_fill(const std::string& name, const Json& value, const ElementType& type);

/// All texts of `array`, which are taken of `of_all`.
/// @throws Error kind user, without the array's name: more of them than Freestone carries along, or Python objects that are no texts;
///         kind data, naming the chunk; kind io
Texts read_texts(const ArrayMetadata& array, const ChunkMap& chunks, TextRoom& of_all);

/// The document of an array of these texts in one chunk, version 2 or 3, and that chunk's file below the array's folder.
struct TextArray {
  Json document;
  std::string chunk_name, chunk;  ///< "": no texts, no chunk
};
TextArray text_array(const Texts& texts, int version);

}  // namespace freestone::formats::zarr
