#include <algorithm>
#include <map>
#include <set>

#include "freestone/base/base64.h"
#include "freestone/formats/fits_card.h"
#include "freestone/formats/zarr.h"
#include "freestone/formats/zarr_texts.h"
#include "freestone/storage/chunked_sink.h"

namespace freestone::formats::zarr {
namespace {

// Of a chunk before it is compressed: large enough that a file and a request cost little beside it, small enough for many lanes.
constexpr Index kGoodChunk = Index{4} << 20;
constexpr Index kSmallChunk = Index{1} << 20;

struct Compressor {
  std::string_view name;
  int level;  ///< when none is asked for
  bool has_level;
  bool in_numcodecs;  ///< version 3 has it by zarr-python's extension only
};
constexpr Compressor kCompressors[] = {
    {"none", 0, false, false},        {"zstd", 3, true, false},        {"gzip", 5, true, false},
    {"zlib", 5, true, true},          {"lz4", 1, true, true},          {"bz2", 9, true, true},
    {"blosc-lz4", 5, true, false},    {"blosc-lz4hc", 5, true, false}, {"blosc-blosclz", 5, true, false},
    {"blosc-snappy", 5, true, false}, {"blosc-zlib", 5, true, false},  {"blosc-zstd", 5, true, false},
    {"blosc", 5, true, false},
};

const Compressor& compressor_of(const WriteRequest& request) {
  std::string wanted = request.packing.compressor.empty() ? "blosc-lz4" : request.packing.compressor;
  if (wanted == "deflate") wanted = "gzip";  // the name that other formats have for what is in it
  std::vector<std::string> names;
  for (const Compressor& compressor : kCompressors) {
    if (compressor.name == wanted) return compressor;
    names.emplace_back(compressor.name);
  }
  fail(ErrorKind::kUser, "{}: there is no compressor '{}'.{} There are {}.", request.path, wanted, suggestion(wanted, names),
       fmt::join(names, ", "));
}

/// The compressor as version 2 has it, null for none.
Json compressor_v2(const WriteRequest& request, DType dtype) {
  const Compressor& compressor = compressor_of(request);
  if (!compressor.has_level) {
    if (request.packing.level) fail(ErrorKind::kUser, "{}: a level without compression.", request.path);
    return nullptr;
  }
  const int level = request.packing.level.value_or(compressor.level);
  std::string name(compressor.name);
  if (name == "lz4") return {{"id", "lz4"}, {"acceleration", level}};
  if (!name.starts_with("blosc")) return {{"id", name}, {"level", level}};
  const std::string inner = name == "blosc" ? "lz4" : name.substr(6);
  // Bytes of single-byte elements cannot be sorted; their bits can.
  const int shuffle = size_of(dtype) == 1 ? 2 : 1;
  return {{"id", "blosc"}, {"cname", inner}, {"clevel", level}, {"shuffle", shuffle}, {"blocksize", 0}};
}

Json codecs_of_v3(const WriteRequest& request, DType dtype) {
  Json bytes = {{"name", "bytes"}};
  bytes["configuration"] = size_of(dtype) == 1 ? Json::object() : Json{{"endian", "little"}};
  Json list = Json::array({bytes});
  Json compressor = compressor_v2(request, dtype);
  if (compressor.is_null()) return list;
  std::string name = compressor["id"].get<std::string>();
  compressor.erase("id");
  if (name == "blosc") {
    compressor["shuffle"] = compressor["shuffle"] == 2 ? "bitshuffle" : "shuffle";
    compressor["typesize"] = size_of(dtype);
  }
  if (name == "zstd") compressor["checksum"] = false;
  if (compressor_of(request).in_numcodecs) name = "numcodecs." + name;
  list.push_back({{"name", name}, {"configuration", compressor}});
  return list;
}

std::string type_string(DType dtype) {
  const char kind = is_bool(dtype) ? 'b' : is_complex(dtype) ? 'c' : is_floating(dtype) ? 'f' : is_unsigned_integer(dtype) ? 'u' : 'i';
  return fmt::format("{}{}{}", size_of(dtype) == 1 ? '|' : '<', kind, size_of(dtype));
}

Json zero_of(DType dtype) {
  if (is_bool(dtype)) return false;
  if (is_complex(dtype)) return Json::array({0.0, 0.0});
  if (is_floating(dtype)) return 0.0;
  return 0;
}

Index bytes_of(const Shape& chunk, DType dtype) { return element_count(chunk) * size_of(dtype); }

/// About 4 MiB, the longest axes cut first.
Shape balanced_chunk(const Spec& spec) {
  Shape chunk = spec.shape;
  for (Index& extent : chunk) extent = std::max<Index>(extent, 1);
  while (static_cast<double>(bytes_of(chunk, spec.dtype)) > static_cast<double>(kGoodChunk)) {
    Index& longest = *std::max_element(chunk.begin(), chunk.end());
    if (longest == 1) break;
    longest = (longest + 1) / 2;
  }
  return chunk;
}

/// The array's own chunks, whole ones put together where they are small: files of some KB cost more than their bytes.
Shape chunk_of(const Spec& spec, const WriteRequest& request) {
  const int rank = spec.shape.rank();
  if (request.nominal_chunks.rank() != rank || rank == 0) return balanced_chunk(spec);
  Shape chunk = request.nominal_chunks;
  for (int k = 0; k < rank; ++k) chunk[k] = std::clamp<Index>(chunk[k], 1, std::max<Index>(spec.shape[k], 1));
  for (int k = rank - 1; k >= 0 && !request.chunks_are_wanted; --k) {
    while (chunk[k] < spec.shape[k] && bytes_of(chunk, spec.dtype) < kSmallChunk) chunk[k] = std::min(spec.shape[k], 2 * chunk[k]);
  }
  return chunk;
}

void check_lengths(const WriteRequest& request, const char* what, const Shape& given, int rank) {
  if (given.rank() != rank) {
    fail(ErrorKind::kUser, "{}: {} has {} lengths, the array {} axes.", request.path, what, given.rank(), rank);
  }
  for (const Index extent : given) {
    if (extent < 1) fail(ErrorKind::kUser, "{}: {}: a length of {}; it is 1 or more.", request.path, what, extent);
  }
}

struct Grid {
  Shape chunk, shard;  ///< `shard` empty: none
};

Grid grid_of(const Spec& spec, const WriteRequest& request) {
  const int rank = spec.shape.rank();
  const Packing& packing = request.packing;
  Grid grid;
  if (!packing.chunks.empty()) check_lengths(request, "--chunks", packing.chunks, rank);
  grid.chunk = packing.chunks.empty() ? chunk_of(spec, request) : packing.chunks;
  if (packing.shards.empty()) return grid;
  check_lengths(request, "--shards", packing.shards, rank);
  grid.shard = packing.shards;
  for (int k = 0; k < rank; ++k) {
    if (packing.chunks.empty()) {
      // The largest part of the shard that is no longer than the chunk would be.
      const Index wanted = std::min(grid.chunk[k], grid.shard[k]);
      Index parts = (grid.shard[k] + wanted - 1) / wanted;
      while (grid.shard[k] % parts != 0) ++parts;
      grid.chunk[k] = grid.shard[k] / parts;
    } else if (grid.shard[k] % grid.chunk[k] != 0) {
      fail(ErrorKind::kUser, "{}: shards {} do not hold whole chunks {}: each length is a multiple of the chunk's.", request.path,
           to_string(grid.shard), to_string(grid.chunk));
    }
  }
  return grid;
}

/// The fill value of floating numbers as xarray has it in Zarr 3: the eight bytes of a little-endian float64, in base64.
Json fill_as_text(const Json& value) {
  const auto fill = number(value);
  return fill ? Json(base64_encoded(std::as_bytes(std::span(&*fill, 1)))) : value;
}

/// FITS cards as attributes: a key once, COMMENT and HISTORY as one text each.
Json attributes_of(const WriteRequest& request) {
  Json out = Json::object();
  const auto put = [&](const Attribute& attribute) {
    if (attribute.key.empty()) return;
    const auto* text = std::get_if<std::string>(&attribute.value);
    if ((attribute.key == "COMMENT" || attribute.key == "HISTORY") && text != nullptr && out.contains(attribute.key)) {
      out[attribute.key] = out[attribute.key].get<std::string>() + "\n" + *text;
    } else {
      out[attribute.key] = json_from(attribute);
    }
  };
  for (const Attribute& attribute : fits::parse_cards(fits::sanitised_cards(request.header_cards))) put(attribute);
  for (const auto* list : {&request.plain_attributes, &request.attributes}) {
    for (const Attribute& attribute : *list) put(attribute);
  }
  return out;
}

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

/// How an array is written, and its metadata: the document, and in version 2 the attributes beside it.
struct PlannedArray {
  ChunkedOutput output;
  Json document, attributes;
};

PlannedArray planned_array(const Spec& spec, const WriteRequest& request) {
  const int version = request.packing.version == 0 ? 3 : request.packing.version;
  if (version != 2 && version != 3) fail(ErrorKind::kUser, "{}: there is no Zarr version {}; 2 and 3 are.", request.path, version);
  if (!request.dims.empty() && static_cast<int>(request.dims.size()) != spec.shape.rank()) {
    fail(ErrorKind::kInternal, "{}: {} names for {} axes", request.path, request.dims.size(), spec.shape.rank());
  }
  const Grid grid = grid_of(spec, request);
  const bool has_shards = !grid.shard.empty();
  Json attributes = attributes_of(request);
  // Letters that netCDF or HDF5 has as characters.
  const bool are_letters = spec.dtype == DType::kUint8 && attributes.value("numpy_dtype", Json()) == "S1";
  if (are_letters) attributes.erase("numpy_dtype");
  if (const auto fill = attributes.find("_FillValue"); fill != attributes.end()) {
    if (version == 3 && is_floating(spec.dtype)) *fill = fill_as_text(*fill);
    if (are_letters) {  // xarray opens no group in which letters have one
      Json letter = std::move(*fill);
      attributes.erase("_FillValue");
      attributes.emplace("missing_value", std::move(letter));
    }
  }
  PlannedArray planned;
  ChunkedOutput& output = planned.output;
  ArrayMetadata array;
  if (version == 3) {
    Json codecs = codecs_of_v3(request, spec.dtype);
    if (has_shards) {
      const Json index = Json::array({{{"name", "bytes"}, {"configuration", {{"endian", "little"}}}}, {{"name", "crc32c"}}});
      codecs = Json::array(
          {{{"name", "sharding_indexed"},
            {"configuration",
             {{"chunk_shape", grid.chunk.to_vector()}, {"codecs", codecs}, {"index_codecs", index}, {"index_location", "end"}}}}});
    }
    Json json;
    json["zarr_format"] = 3;
    json["node_type"] = "array";
    json["shape"] = spec.shape.to_vector();
    json["data_type"] = name_of(spec.dtype);
    if (are_letters) json["data_type"] = {{"name", "null_terminated_bytes"}, {"configuration", {{"length_bytes", 1}}}};
    json["chunk_grid"] = {{"name", "regular"}, {"configuration", {{"chunk_shape", (has_shards ? grid.shard : grid.chunk).to_vector()}}}};
    json["chunk_key_encoding"] = {{"name", "default"}, {"configuration", {{"separator", "/"}}}};
    json["fill_value"] = are_letters ? Json("") : zero_of(spec.dtype);
    json["codecs"] = codecs;
    json["attributes"] = attributes;
    if (!request.dims.empty()) {
      json["dimension_names"] = Json::array();
      for (const std::string& dim : request.dims) json["dimension_names"].push_back(dim.empty() ? Json() : Json(dim));
    }
    array = read_array_v3(request.path, json);
    output.files.push_back({"zarr.json", text_of(json)});
    planned.document = std::move(json);
  } else {
    if (has_shards) fail(ErrorKind::kUser, "{}: Zarr version 2 has no shards; version 3 has.", request.path);
    Json json;
    json["zarr_format"] = 2;
    json["shape"] = spec.shape.to_vector();
    json["chunks"] = grid.chunk.to_vector();
    json["dtype"] = are_letters ? "|S1" : type_string(spec.dtype);
    json["compressor"] = compressor_v2(request, spec.dtype);
    // xarray takes the fill value of version 2 for what is missing: a 0 there would hide zeros. So there is none, and every chunk is written.
    json["fill_value"] = nullptr;
    output.writes_empty = true;
    json["order"] = "C";
    json["filters"] = nullptr;
    json["dimension_separator"] = ".";
    // xarray opens nothing of a group in which an array has none, be it a number alone.
    if (!request.dims.empty() || spec.shape.rank() == 0) attributes["_ARRAY_DIMENSIONS"] = request.dims;
    array = read_array_v2(request.path, json, attributes);
    if (!attributes.empty()) output.files.push_back({".zattrs", text_of(attributes)});
    output.files.push_back({".zarray", text_of(json)});
    planned.document = std::move(json);
    planned.attributes = std::move(attributes);
  }
  output.spec = spec;
  output.chunk = array.chunk;
  output.shards = std::move(array.shards);
  output.codecs = std::move(array.codecs);
  output.transform = array.type.transform;
  output.fill = std::move(array.fill);
  output.key = std::move(array.key);
  output.marks = {"zarr.json", ".zarray", ".zgroup"};
  return planned;
}

/// The groups on the way to the arrays, "" first.
std::vector<std::string> groups_of(const DatasetRequest& request) {
  std::set<std::string> out = {""};
  const auto add_groups_of = [&](const std::string& name) {
    for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) out.insert(name.substr(0, at));
  };
  for (const VariableRequest& variable : request.variables) add_groups_of(variable.name);
  for (const TextRequest& text : request.texts) add_groups_of(text.name);
  return {out.begin(), out.end()};
}

Json attributes_of_group(const DatasetRequest& request, const std::string& path) {
  Json out = Json::object();
  for (const Group& group : request.groups) {
    for (const Attribute& attribute : group.path == path ? group.attributes : std::vector<Attribute>()) out[attribute.key] = json_from(attribute);
  }
  return out;
}

/// A part of a path in a group.
void check_name(const DatasetRequest& request, const std::string& name) {
  std::string_view left = name;
  while (true) {
    const std::string_view part = left.substr(0, left.find('/'));
    const bool is_bad = part.empty() || part == "." || part == ".." || part == "zarr.json" || part.starts_with(".z") || part.starts_with("__") ||
                        part.find('\0') != std::string_view::npos;
    if (is_bad) fail(ErrorKind::kUser, "{}: '{}' is no name for an array in Zarr.", request.path, name);
    if (part.size() == left.size()) return;
    left.remove_prefix(part.size() + 1);
  }
}

/// A name of an axis has one length in a group, or xarray opens none of it. The variables have as many names as axes, or none.
void check_lengths_of_axes(const DatasetRequest& request) {
  std::map<std::pair<std::string, std::string>, Index> lengths;
  for (const VariableRequest& variable : request.variables) {
    const std::string group = variable.name.substr(0, variable.name.rfind('/') + 1);
    for (std::size_t k = 0; k < variable.dims.size(); ++k) {
      if (variable.dims[k].empty()) continue;
      const Index length = variable.spec.shape[static_cast<int>(k)], other = lengths.emplace(std::pair(group, variable.dims[k]), length).first->second;
      if (length != other) {
        fail(ErrorKind::kUser, "{}: variable '{}' has {} elements along '{}', others have {}.", request.path, variable.name, length, variable.dims[k], other);
      }
    }
  }
}

/// Nodes of consolidated metadata, level by level, each by name: zarr-python takes the nodes of a group from places that follow each other.
Json level_by_level(const Json& nodes) {
  std::map<std::pair<std::ptrdiff_t, std::string>, const Json*> sorted;
  for (const auto& [name, document] : nodes.items()) sorted[{std::count(name.begin(), name.end(), '/'), name}] = &document;
  Json out = Json::object();
  for (const auto& [place, document] : sorted) out[place.second] = *document;
  return out;
}

}  // namespace

std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request) {
  return std::make_shared<ChunkedSink>(request.path, request.overwrite, planned_array(spec, request).output);
}

std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request) {
  if (request.variables.empty()) fail(ErrorKind::kUser, "{}: there is no variable to write.", request.path);
  int version = 0;
  for (const VariableRequest& variable : request.variables) version = std::max(version, variable.packing.version);
  if (version == 0) version = 3;
  Json whole = Json::object();
  for (const Attribute& attribute : request.attributes) {
    if (!attribute.key.empty()) whole[attribute.key] = json_from(attribute);
  }
  std::vector<PlannedArray> arrays;
  std::vector<ChunkedOutput::File> files;
  Json consolidated = Json::object();
  const auto consolidate = [&](const std::string& name, const Json& document, const Json& attributes) {
    check_name(request, name);
    if (consolidated.contains(version == 3 ? name : name + "/.zarray")) fail(ErrorKind::kUser, "{}: two variables have the name '{}'.", request.path, name);
    if (version == 3) {
      consolidated[name] = document;
    } else {
      consolidated[name + "/.zarray"] = document;
      consolidated[name + "/.zattrs"] = attributes;
    }
  };
  for (const VariableRequest& variable : request.variables) {
    WriteRequest one{.path = request.path, .attributes = variable.attributes, .dims = variable.dims, .packing = variable.packing,
                     .nominal_chunks = variable.nominal_chunks, .chunks_are_wanted = variable.chunks_are_wanted};
    one.packing.version = version;
    PlannedArray planned = planned_array(variable.spec, one);
    consolidate(variable.name, planned.document, planned.attributes);
    arrays.push_back(std::move(planned));
  }
  check_lengths_of_axes(request);
  for (const TextRequest& text : request.texts) {
    TextArray array = text_array(text.texts, version);
    Json attributes = attributes_of({.path = request.path, .attributes = text.attributes});
    if (version == 3) {
      array.document["attributes"] = attributes;
      array.document["dimension_names"] = text.dims;
    } else {
      attributes["_ARRAY_DIMENSIONS"] = text.dims;
      files.push_back({text.name + "/.zattrs", text_of(attributes)});
    }
    consolidate(text.name, array.document, attributes);
    if (!array.chunk_name.empty()) files.push_back({text.name + "/" + array.chunk_name, std::move(array.chunk)});
    files.push_back({text.name + (version == 3 ? "/zarr.json" : "/.zarray"), text_of(array.document)});
  }
  for (const std::string& group : groups_of(request)) {
    const std::string folder = group.empty() ? "" : group + "/";
    const Json attributes = group.empty() ? whole : attributes_of_group(request, group);
    if (version == 3) {
      const Json document = {{"zarr_format", 3}, {"node_type", "group"}, {"attributes", attributes}};
      if (group.empty()) continue;  // last, with what all of them are
      consolidated[group] = document;
      files.push_back({folder + "zarr.json", text_of(document)});
    } else {
      consolidated[folder + ".zgroup"] = {{"zarr_format", 2}};
      consolidated[folder + ".zattrs"] = attributes;
      files.push_back({folder + ".zattrs", text_of(attributes)});
      files.push_back({folder + ".zgroup", text_of({{"zarr_format", 2}})});
    }
  }
  if (version == 3) {
    files.push_back({"zarr.json", text_of({{"zarr_format", 3},
                                           {"node_type", "group"},
                                           {"attributes", whole},
                                           {"consolidated_metadata", {{"kind", "inline"}, {"must_understand", false}, {"metadata", level_by_level(consolidated)}}}})});
  } else {
    files.push_back({".zmetadata", text_of({{"zarr_consolidated_format", 1}, {"metadata", consolidated}})});
  }
  const auto folder = std::make_shared<ChunkedFolder>(request.path, request.overwrite, arrays.front().output.marks, std::move(files),
                                                      static_cast<int>(arrays.size()));
  std::vector<std::shared_ptr<Sink>> sinks;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    sinks.push_back(std::make_shared<ChunkedSink>(folder, request.variables[i].name + "/", std::move(arrays[i].output)));
  return sinks;
}

}  // namespace freestone::formats::zarr
