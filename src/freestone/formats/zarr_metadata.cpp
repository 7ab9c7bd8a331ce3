#include "freestone/formats/zarr_metadata.h"

#include <algorithm>
#include <numeric>

#include "freestone/formats/zarr_texts.h"

namespace freestone::formats::zarr {
namespace {

/// Chunks of an array: as many lengths as it has axes.
Shape chunk_from(const std::string& name, const std::string& field, const Json& value, const Shape& shape) {
  const Shape chunk = shape_from(name, field, value, 1);
  if (chunk.rank() != shape.rank()) {
    fail(ErrorKind::kData, "{}: {} is {} for an array of shape {}.", name, field, to_string(chunk), to_string(shape));
  }
  return chunk;
}

void check_size(const std::string& name, const Shape& shape, const Shape& chunk, const ElementTransform& transform) {
  for (const bool of_chunk : {false, true}) {
    // Rounded up to whole chunks it must still be a number.
    Index bytes = 16;
    bool overflows = false;
    for (int k = 0; k < shape.rank(); ++k) {
      const Index extent = of_chunk ? chunk[k] : std::max<Index>(shape[k], 1);
      overflows = overflows || __builtin_mul_overflow(bytes, extent, &bytes);
    }
    if (overflows || bytes > Index{1} << (of_chunk ? 48 : 62)) {
      fail(ErrorKind::kData, "{}: {} {} of {} is more than any disk holds. The metadata are damaged.", name, of_chunk ? "a chunk" : "shape",
           to_string(of_chunk ? chunk : shape), name_of(transform.dtype));
    }
  }
}

std::string joined(const Dims& position, const std::string& separator) {
  std::string out;
  for (const Index p : position) out += fmt::format("{}{}", out.empty() ? "" : separator, p);
  return out;
}

std::string separator_from(const std::string& name, const Json& value) {
  if (value != "." && value != "/") fail(ErrorKind::kData, "{}: the separator of chunk keys is '.' or '/'.", name);
  return value.get<std::string>();
}

ChunkKey key_v2(const std::string& separator) {
  return [separator](const Dims& position) { return position.empty() ? std::string("0") : joined(position, separator); };
}

ChunkKey key_v3(const std::string& name, const Json& value) {
  const Json& encoding = value.is_object() ? member(name, value, "name") : value;
  const Json configuration = value.is_object() ? value.value("configuration", Json::object()) : Json::object();
  if (!configuration.is_object()) fail(ErrorKind::kData, "{}: the configuration of chunk_key_encoding is no object.", name);
  if (encoding == "v2") return key_v2(separator_from(name, configuration.value("separator", Json("."))));
  if (encoding != "default")
    fail(ErrorKind::kUser, "{}: its chunk_key_encoding is one that Freestone does not read (it reads default and v2).", name);
  const std::string separator = separator_from(name, configuration.value("separator", Json("/")));
  return [separator](const Dims& position) { return position.empty() ? std::string("c") : "c" + separator + joined(position, separator); };
}

std::vector<std::string> dims_from(const std::string& name, const std::string& field, const Json& value, int rank) {
  if (value.is_null()) return {};
  if (!value.is_array() || static_cast<int>(value.size()) != rank) {
    fail(ErrorKind::kData, "{}: {} is no list of as many names as the array has axes ({}).", name, field, rank);
  }
  std::vector<std::string> dims;
  for (const Json& dim : value) {
    if (!dim.is_string() && !dim.is_null()) fail(ErrorKind::kData, "{}: {} holds what is no name.", name, field);
    dims.push_back(dim.is_string() ? dim.get<std::string>() : "");
  }
  const bool any = std::any_of(dims.begin(), dims.end(), [](const std::string& dim) { return !dim.empty(); });
  return any ? dims : std::vector<std::string>();
}

}  // namespace

ArrayMetadata read_array_v3(const std::string& name, const Json& json) {
  if (member(name, json, "zarr_format") != 3) fail(ErrorKind::kData, "{}: zarr_format is not 3.", name);
  ArrayMetadata out;
  out.shape = shape_from(name, "shape", member(name, json, "shape"), 0);
  const Json& grid = member(name, json, "chunk_grid");
  if (!grid.is_object() || member(name, grid, "name") != "regular") {
    fail(ErrorKind::kUser, "{}: its chunk_grid is not a regular one, which is all that Freestone reads.", name);
  }
  const Shape chunk = chunk_from(name, "chunk_shape", member(name, member(name, grid, "configuration"), "chunk_shape"), out.shape);
  out.type = element_type_v3(name, member(name, json, "data_type"));
  check_size(name, out.shape, chunk, out.type.transform);
  for (const char* field : {"storage_transformers"}) {
    if (json.contains(field) && !json[field].is_null() && !json[field].empty()) {
      fail(ErrorKind::kUser, "{}: it has {}, which Freestone does not read.", name, field);
    }
  }
  CodecList codecs = codecs_v3(name, member(name, json, "codecs"), out.type, chunk);
  out.chunk = codecs.chunk;
  out.shards = std::move(codecs.shards);
  out.order = std::move(codecs.order);
  out.codecs = std::move(codecs.codecs);
  out.type.transform.order = codecs.byte_order;
  out.fill = fill_from(name, json.value("fill_value", Json()), out.type);
  out.key = key_v3(name, member(name, json, "chunk_key_encoding"));
  out.dims = dims_from(name, "dimension_names", json.value("dimension_names", Json()), out.shape.rank());
  return out;
}

ArrayMetadata read_array_v2(const std::string& name, const Json& json, const Json& attributes) {
  if (member(name, json, "zarr_format") != 2) fail(ErrorKind::kData, "{}: zarr_format is not 2.", name);
  ArrayMetadata out;
  out.shape = shape_from(name, "shape", member(name, json, "shape"), 0);
  out.chunk = chunk_from(name, "chunks", member(name, json, "chunks"), out.shape);
  Json filters = json.value("filters", Json());
  if (const Json& dtype = member(name, json, "dtype"); dtype == "|O") {
    out.type = {.transform = {.stored = DType::kUint8, .dtype = DType::kUint8}, .label = "", .text = take_object_codec(name, filters)};
  } else {
    out.type = element_type_v2(name, dtype);
  }
  check_size(name, out.shape, out.chunk, out.type.transform);
  const Json order = json.value("order", Json("C"));
  if (order != "C" && order != "F") fail(ErrorKind::kData, "{}: order is neither C nor F.", name);
  if (order == "F" && out.shape.rank() > 1) {
    out.order.resize(static_cast<std::size_t>(out.shape.rank()));
    std::iota(out.order.rbegin(), out.order.rend(), 0);
  }
  out.codecs = codecs_v2(name, filters, json.value("compressor", Json()), size_of(out.type.transform.stored), element_count(out.chunk));
  out.fill = fill_from(name, json.value("fill_value", Json()), out.type);
  out.key = key_v2(separator_from(name, json.value("dimension_separator", Json("."))));
  const Json dims = attributes.is_object() ? attributes.value("_ARRAY_DIMENSIONS", Json()) : Json();
  out.dims = dims_from(name, "_ARRAY_DIMENSIONS", dims, out.shape.rank());
  return out;
}

}  // namespace freestone::formats::zarr
