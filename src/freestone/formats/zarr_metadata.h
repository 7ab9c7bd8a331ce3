/// The metadata of a Zarr array: from JSON to what a ChunkedSource or a ChunkedSink is made of.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/formats/zarr_json.h"
#include "freestone/storage/chunk_files.h"
#include "freestone/storage/chunked_source.h"

namespace freestone::formats::zarr {

/// How texts are stored: of one length in bytes or in UTF-32, each of its own length (vlen-utf8), as a list of JSON (json2).
enum class TextForm : std::int8_t { kNone, kBytes, kUtf32, kVarying, kJson };

/// How elements are stored, and what they are for NumPy.
struct ElementType {
  ElementTransform transform;  ///< of texts: of the units that a stored one is made of
  std::string label;           ///< "datetime64[ns]" and the like for integers that mean something; "" otherwise
  TextForm text = TextForm::kNone;
  Index text_bytes = 0;  ///< of one, where all have one length
};

struct ArrayMetadata {
  Shape shape;
  Shape chunk;                        ///< of what is encoded as one piece
  std::optional<ShardLayout> shards;  ///< several of them in a file
  std::vector<int> order;             ///< see ChunkedLayout
  ElementType type;
  CodecChain codecs;
  std::vector<std::byte> fill;  ///< one element as delivered; of texts its UTF-8
  ChunkKey key;
  std::vector<std::string> dims;  ///< "" for an axis without a name; empty when none has one
};

/// The array of a zarr.json.
/// @param name of the file, for messages
/// @throws Error kind data: damaged, naming the field; kind user: what Freestone does not read (records, some codecs)
ArrayMetadata read_array_v3(const std::string& name, const Json& json);
/// The array of a .zarray with the attributes of its .zattrs (an object, maybe empty).
ArrayMetadata read_array_v2(const std::string& name, const Json& json, const Json& attributes);

/// "float32", {"name": "numpy.datetime64", ...}; v2: "<f4".
ElementType element_type_v3(const std::string& name, const Json& value);
ElementType element_type_v2(const std::string& name, const Json& value);
/// "<f4" for numbers as filters name them.
StoredType number_type(const std::string& name, const Json& value);

/// A fill value as one delivered element.
std::vector<std::byte> fill_from(const std::string& name, const Json& value, const ElementType& type);

/// What a list of codecs makes of a chunk.
struct CodecList {
  std::vector<int> order;
  ByteOrder byte_order = ByteOrder::kLittle;
  CodecChain codecs;
  std::optional<ShardLayout> shards;
  Shape chunk;  ///< with shards: the inner one
};
/// @param chunk of the grid
CodecList codecs_v3(const std::string& name, const Json& list, const ElementType& type, const Shape& chunk);
/// Filters, then the compressor; each null when there are none.
CodecChain codecs_v2(const std::string& name, const Json& filters, const Json& compressor, Index element_bytes, Index chunk_elements);

/// A list of whole numbers, each at least `least`.
Shape shape_from(const std::string& name, const std::string& field, const Json& value, Index least);
/// `object[field]`.
/// @throws Error kind data: there is none
const Json& member(const std::string& name, const Json& object, const std::string& field);

}  // namespace freestone::formats::zarr
