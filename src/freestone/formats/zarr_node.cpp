#include "freestone/formats/zarr_node.h"

#include <cstring>

#include "freestone/base/base64.h"
#include "freestone/formats/note.h"
#include "freestone/formats/zarr_texts.h"

namespace freestone::formats::zarr {
namespace {

/// What xarray writes as _FillValue of floats in version 3, the eight bytes of a little-endian float64 in base64, is the number here, as in
/// every format.
void take_number_of_text(Attribute& attribute, DType elements) {
  const auto* text = std::get_if<std::string>(&attribute.value);
  if (attribute.key != "_FillValue" || text == nullptr) return;
  const auto bytes = base64_decoded(*text);
  if (!bytes || bytes->size() != sizeof(double)) return;
  double number;
  std::memcpy(&number, bytes->data(), sizeof number);
  attribute.value = number;
  if (elements == DType::kFloat32) attribute.comment = "float32";
}

/// What cannot be reached just now, or is damaged, is no reason to read nothing of the rest.
void take_texts(const ArrayMetadata& array, const ChunkMap& chunks, TextRoom& texts, Variable& variable) {
  variable.dims.resize(static_cast<std::size_t>(array.shape.rank()));
  variable.note = "its elements are texts: labels, and no numbers of an array";
  try {
    variable.texts = std::make_shared<Texts>(read_texts(array, chunks, texts));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo && error.kind() != ErrorKind::kData) throw;
    variable.note = fmt::format("its texts cannot be read: {}", note_of(error, ""));
  }
}

}  // namespace

Node node_from_v3(const std::string& name, Json document) {
  Node node;
  const Json& type = member(name, document, "node_type");
  if (member(name, document, "zarr_format") != 3 || (type != "array" && type != "group")) {
    fail(ErrorKind::kData, "{}: it describes neither an array nor a group of Zarr version 3.", name);
  }
  node.is_array = type == "array";
  if (const auto found = document.find("attributes"); found != document.end() && !found->is_null()) node.attributes = *found;
  if (!node.attributes.is_object()) fail(ErrorKind::kData, "{}: attributes is no object.", name);
  node.document = std::move(document);
  return node;
}

Variable variable_from(const std::string& document, const std::string& name, int number, const Node& node, const std::string& reference,
                       TextRoom& texts, const ChunkMapMaker& map) {
  Variable variable{.name = name, .hdu = number};
  Json attributes = node.attributes;
  if (node.version == 2) {
    attributes.erase("_ARRAY_DIMENSIONS");
    // xarray keeps the number that means "missing" here, and nowhere else. A 0 is also what stands there when nobody has chosen.
    const auto fill = node.document.find("fill_value");
    if (fill != node.document.end() && fill->is_number() && *fill != 0 && !attributes.contains("_FillValue")) attributes["_FillValue"] = *fill;
  }
  variable.attributes = attributes_from(attributes);
  try {
    ArrayMetadata array =
        node.version == 3 ? read_array_v3(document, node.document) : read_array_v2(document, node.document, node.attributes);
    if (is_floating(array.type.transform.dtype)) {
      for (Attribute& attribute : variable.attributes) take_number_of_text(attribute, array.type.transform.dtype);
    }
    if (!array.type.label.empty()) variable.attributes.push_back({"numpy_dtype", array.type.label, "what the integers mean"});
    variable.dims = std::move(array.dims);
    if (array.type.text != TextForm::kNone) {
      take_texts(array, *map(array), texts, variable);
      return variable;
    }
    ChunkedLayout layout;
    layout.grid = ChunkGrid(array.shape, array.chunk);
    layout.order = std::move(array.order);
    layout.codecs = std::move(array.codecs);
    layout.transform = array.type.transform;
    layout.fill = std::move(array.fill);
    layout.reference = reference;
    auto chunks = map(array);
    variable.source = std::make_shared<ChunkedSource>(std::move(layout), std::move(chunks));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUser) throw;
    variable.note = note_of(error, document);
  }
  return variable;
}

}  // namespace freestone::formats::zarr
