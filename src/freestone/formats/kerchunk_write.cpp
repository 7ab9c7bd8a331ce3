#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "freestone/base/base64.h"
#include "freestone/formats/kerchunk.h"
#include "freestone/formats/zarr_json.h"
#include "freestone/storage/chunked_source.h"
#include "freestone/storage/location.h"
#include "freestone/storage/manifest_source.h"

namespace freestone::formats::kerchunk {
namespace {

using zarr::Json;

constexpr Index kGoodChunk = Index{8} << 20;
constexpr Index kMostPieces = 10'000;
constexpr Index kMostChunks = 10'000'000;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// An array that references cannot describe: caught where the list of those is kept.
struct NotDescribed {
  std::string why;
};

std::string type_string(const ElementTransform& transform) {
  if (transform.scales || transform.flips_sign) throw NotDescribed{"its numbers are not stored as they are read (scaled, or with an offset)"};
  if (transform.stored != transform.dtype && !transform.halves) throw NotDescribed{"it is stored as another type than it is read"};
  const Index width = size_of(transform.stored);
  const char order = width == 1 ? '|' : transform.order == ByteOrder::kBig ? '>' : '<';
  const DType dtype = transform.dtype;
  const char kind = is_bool(dtype) ? 'b' : is_complex(dtype) ? 'c' : is_floating(dtype) ? 'f' : is_unsigned_integer(dtype) ? 'u' : 'i';
  return fmt::format("{}{}{}", order, kind, width);
}

template <class T>
T value_of(const std::vector<std::byte>& bytes) {
  T value{};
  if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

Json json_of(double value) { return zarr::json_from({"", value, ""}); }

/// One element as delivered; empty means zero.
Json fill_of(DType dtype, const std::vector<std::byte>& fill) {
  switch (dtype) {
    case DType::kBool: return value_of<std::uint8_t>(fill) != 0;
    case DType::kInt8: return value_of<std::int8_t>(fill);
    case DType::kInt16: return value_of<std::int16_t>(fill);
    case DType::kInt32: return value_of<std::int32_t>(fill);
    case DType::kInt64: return value_of<std::int64_t>(fill);
    case DType::kUint8: return value_of<std::uint8_t>(fill);
    case DType::kUint16: return value_of<std::uint16_t>(fill);
    case DType::kUint32: return value_of<std::uint32_t>(fill);
    case DType::kUint64: return value_of<std::uint64_t>(fill);
    case DType::kFloat32: return json_of(static_cast<double>(value_of<float>(fill)));
    case DType::kFloat64: return json_of(value_of<double>(fill));
    case DType::kComplex64: {
      const auto value = value_of<std::complex<float>>(fill);
      return Json::array({json_of(static_cast<double>(value.real())), json_of(static_cast<double>(value.imag()))});
    }
    case DType::kComplex128: {
      const auto value = value_of<std::complex<double>>(fill);
      return Json::array({json_of(value.real()), json_of(value.imag())});
    }
  }
  return nullptr;
}

std::string key_of(const Dims& position) {
  std::string key;
  for (const Index p : position) key += fmt::format("{}{}", key.empty() ? "" : ".", p);
  return key.empty() ? "0" : key;
}

Json described(const Shape& shape, const Shape& chunk, const ElementTransform& transform) {
  Json json;
  json["zarr_format"] = 2;
  json["shape"] = shape.to_vector();
  json["chunks"] = chunk.to_vector();
  json["dtype"] = type_string(transform);
  json["compressor"] = nullptr;
  json["fill_value"] = nullptr;  // nothing is missing; readers take a value for what marks missing data
  json["order"] = "C";
  json["filters"] = nullptr;
  return json;
}

class Writer {
 public:
  Listed listed;

  void add_group(const std::string& prefix, const Contents& contents) {
    refs_[prefix + ".zgroup"] = R"({"zarr_format": 2})";
    Json attributes = Json::object();
    for (const Attribute& attribute : contents.attributes) attributes[attribute.key] = zarr::json_from(attribute);
    if (!attributes.empty()) refs_[prefix + ".zattrs"] = text_of(attributes);
    std::set<std::string> names;
    for (const Variable& variable : contents.variables) {
      if (!variable.source && variable.note.empty()) continue;  // holds no data
      std::string name = variable.name;
      if (name.empty()) name = contents.variables.size() == 1 ? "data" : fmt::format("hdu{}", variable.hdu);
      if (!names.insert(name).second) names.insert(name += fmt::format("_{}", variable.hdu));
      try {
        if (!variable.source) throw NotDescribed{variable.note};
        add_array(prefix + name, name, variable);
      } catch (const NotDescribed& reason) {
        listed.left_out.push_back(fmt::format("{}: {}: {}", contents.path, name, reason.why));
        continue;
      }
      for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
        refs_[prefix + name.substr(0, slash) + "/.zgroup"] = R"({"zarr_format": 2})";
      }
    }
  }
  void finish() {
    listed.json = References{{"version", 1}, {"refs", std::move(refs_)}}.dump(-1, ' ', false, References::error_handler_t::replace) + "\n";
  }

 private:
  using References = nlohmann::json;  // sorted: there may be millions of keys

  void add_array(const std::string& path, const std::string& name, const Variable& variable) {
    std::vector<std::pair<std::string, References>> chunks;
    Json json;
    if (const auto* chunked = dynamic_cast<const ChunkedSource*>(variable.source.get())) {
      json = chunks_of(*chunked, chunks);
    } else if (const auto* raw = dynamic_cast<const ManifestSource*>(variable.source.get())) {
      json = pieces_of(*raw, chunks);
    } else {
      throw NotDescribed{"it is not stored as chunks at known places"};
    }
    Json attributes = Json::object();
    for (const Attribute& attribute : variable.attributes) {
      if (!attribute.key.empty()) attributes[attribute.key] = zarr::json_from(attribute);
    }
    Json dims = Json::array();
    for (std::size_t k = 0; k < json["shape"].size(); ++k) {
      const bool has_name = k < variable.dims.size() && !variable.dims[k].empty();
      dims.push_back(has_name ? variable.dims[k] : fmt::format("{}_dim_{}", name, k));
    }
    attributes["_ARRAY_DIMENSIONS"] = dims;
    refs_[path + "/.zarray"] = text_of(json);
    refs_[path + "/.zattrs"] = text_of(attributes);
    for (auto& [key, place] : chunks) refs_[path + "/" + key] = std::move(place);
  }

  /// What lies raw: pieces along the first axis, all of one length.
  Json pieces_of(const ManifestSource& source, std::vector<std::pair<std::string, References>>& out) {
    const Manifest& manifest = source.manifest();
    const Shape& shape = manifest.grid.shape();
    if (!manifest.grid.is_contiguous()) throw NotDescribed{"it is stored in pieces that are cut at the edge"};
    Shape chunk = manifest.grid.chunk();
    Json json = described(shape, chunk, manifest.transform);
    if (manifest.chunks.empty()) return json;
    const ChunkRef& whole = manifest.chunks.front();
    if (shape.rank() == 0) {
      out.emplace_back("0", place_of(*manifest.files[0], whole.offset, whole.bytes));
      return json;
    }
    const Index row = element_count(shape) / shape[0] * size_of(manifest.transform.stored);
    const Index stride = manifest.record_stride == 0 ? row : manifest.record_stride;
    Index rows = stride != row ? 1 : std::clamp<Index>(kGoodChunk / row, 1, shape[0]);
    while (shape[0] % rows != 0) --rows;
    // A length without good divisors.
    if (stride == row && shape[0] / rows > kMostPieces) rows = shape[0];
    chunk[0] = rows;
    json["chunks"] = chunk.to_vector();
    count(shape[0] / rows);
    Dims position(shape.rank());
    for (; position[0] < shape[0] / rows; ++position[0]) {
      out.emplace_back(key_of(position), place_of(*manifest.files[0], whole.offset + position[0] * rows * stride, rows * row));
    }
    return json;
  }

  Json chunks_of(const ChunkedSource& source, std::vector<std::pair<std::string, References>>& out) {
    const ChunkedLayout& layout = source.layout();
    const ChunkGrid& grid = layout.grid;
    const int rank = grid.shape().rank();
    Json json = described(grid.shape(), grid.chunk(), layout.transform);
    for (int k = 0; k < rank; ++k) {
      if (layout.edge_chunks_are_cut && grid.shape()[k] % grid.chunk()[k] != 0) throw NotDescribed{"its chunks are cut at the edge"};
      if (!layout.order.empty() && layout.order[static_cast<std::size_t>(k)] != rank - 1 - k) throw NotDescribed{"its chunks have their axes in another order"};
    }
    if (!layout.order.empty()) json["order"] = "F";
    Json filters = Json::array();
    for (const CodecRef& codec : layout.codecs.codecs()) {
      const std::string text = codec->numcodecs();
      if (text.empty()) throw NotDescribed{fmt::format("numcodecs has no {}", codec->name())};
      filters.push_back(Json::parse(text));
    }
    if (!filters.empty() && filters.back()["id"] != "shuffle") {
      json["compressor"] = filters.back();
      filters.erase(filters.size() - 1);
    }
    if (!filters.empty()) json["filters"] = filters;

    if (std::any_of(grid.shape().begin(), grid.shape().end(), [](Index n) { return n == 0; })) return json;
    count(grid.count());
    Dims position(rank);
    while (true) {
      if (source.map().skipped_codecs(position) != 0) throw NotDescribed{"some of its chunks leave out a filter"};
      const StoredChunk chunk = source.map().find(position);
      if (chunk.file) {
        out.emplace_back(key_of(position), place_of(*chunk.file, chunk.offset, chunk.bytes));
      } else {
        json["fill_value"] = fill_of(layout.transform.dtype, layout.fill);
      }
      int k = rank - 1;
      while (k >= 0 && ++position[k] == grid.count(k)) position[k--] = 0;
      if (k < 0) return json;
    }
  }

  References place_of(const File& file, Index offset, Index bytes) {
    if (file.identity().inode == 0) {  // in memory
      std::vector<std::byte> held(static_cast<std::size_t>(bytes));
      file.read_exactly(offset, held);
      return "base64:" + base64_encoded(held);
    }
    return References::array({location_below("", file.location()), offset, bytes});
  }
  void count(Index chunks) {
    if (chunks > kMostChunks - chunks_) {
      fail(ErrorKind::kUser, "References to more than {} chunks are too many for a JSON file.", kMostChunks);
    }
    chunks_ += chunks;
  }

  References refs_ = References::object();
  Index chunks_ = 0;
};

}  // namespace

Listed references_of(const std::vector<Contents>& files) {
  Writer writer;
  std::set<std::string> stems;
  if (files.size() > 1) writer.add_group("", {});
  for (const Contents& contents : files) {
    const std::string stem = stem_of(contents.path);
    if (!stems.insert(stem).second) fail(ErrorKind::kUser, "{}: another file is called '{}' too; each becomes a group of that name.", contents.path, stem);
    writer.add_group(files.size() > 1 ? stem + "/" : "", contents);
  }
  writer.finish();
  return std::move(writer.listed);
}

}  // namespace freestone::formats::kerchunk
