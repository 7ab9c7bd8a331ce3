#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "freestone/base/base64.h"
#include "freestone/formats/kerchunk_grid.h"
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

/// Of the numbers as they are stored: scaled ones are described beside, see `describe_scaling`.
std::string type_string(const ElementTransform& transform) {
  const bool is_packed = transform.scales || transform.flips_sign;
  if (transform.stored != transform.dtype && !transform.halves && !is_packed) throw NotDescribed{"it is stored as another type than it is read"};
  const Index width = size_of(transform.stored);
  const char order = width == 1 ? '|' : transform.order == ByteOrder::kBig ? '>' : '<';
  const DType dtype = is_packed ? transform.stored : transform.dtype;
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

/// What makes the stored numbers what they stand for, in the words of CF.
void describe_scaling(const ElementTransform& transform, Json& attributes) {
  if (transform.flips_sign) {
    attributes["scale_factor"] = 1;
    attributes["add_offset"] = is_unsigned_integer(transform.dtype) ? Json(std::uint64_t{1} << (8 * size_of(transform.stored) - 1)) : Json(-128);
  }
  if (!transform.scales) return;
  attributes["scale_factor"] = transform.scale;
  attributes["add_offset"] = transform.offset;
  if (transform.blank) attributes["_FillValue"] = *transform.blank;
}

/// The axes in the order in which an array is described: its own, unless its chunks have them in one that Zarr has no word for (it has C's and
/// Fortran's); then as they lie, bands last, as those of a picture.
std::vector<int> described_axes(const ChunkedLayout& layout) {
  std::vector<int> own(static_cast<std::size_t>(layout.grid.shape().rank()));
  std::iota(own.begin(), own.end(), 0);
  const bool is_fortran = std::equal(own.rbegin(), own.rend(), layout.order.begin(), layout.order.end());
  return layout.order.empty() || is_fortran ? own : layout.order;
}

class Collector {
 public:
  ReferenceSet set;

  void add(const Contents& contents) {
    set.name = contents.path;
    Json attributes = Json::object();
    for (const Attribute& attribute : contents.attributes) attributes[attribute.key] = zarr::json_from(attribute);
    set.groups[""] = std::move(attributes);
    for (const Variable& variable : contents.variables) {
      if (!variable.source && variable.note.empty()) continue;  // holds no data
      std::string name = variable.name;
      if (name.empty()) name = contents.variables.size() == 1 ? "data" : fmt::format("hdu{}", variable.hdu);
      if (set.arrays.contains(name)) name += fmt::format("_{}", variable.hdu);
      try {
        if (!variable.source) throw NotDescribed{variable.note};
        if (contents.is_unpacked) throw NotDescribed{"its file is compressed as a whole, so its chunks have no places in it"};
        add_array(name, variable);
      } catch (const NotDescribed& reason) {
        set.left_out.push_back(fmt::format("{}: {}: {}", contents.path, name, reason.why));
        continue;
      }
      for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
        set.groups.emplace(name.substr(0, slash), Json::object());
      }
    }
  }

 private:
  void add_array(const std::string& name, const Variable& variable) {
    ReferenceArray array{.attributes = Json::object(), .source = variable.source};
    const ElementTransform* transform = nullptr;
    std::vector<int> axes;
    if (const auto* chunked = dynamic_cast<const ChunkedSource*>(variable.source.get())) {
      array.document = chunks_of(*chunked, array.chunks);
      axes = described_axes(chunked->layout());
      transform = &chunked->layout().transform;
    } else if (const auto* raw = dynamic_cast<const ManifestSource*>(variable.source.get())) {
      array.document = pieces_of(*raw, array.chunks);
      transform = &raw->manifest().transform;
    } else {
      throw NotDescribed{"it is not stored as chunks at known places"};
    }
    for (const Attribute& attribute : variable.attributes) {
      if (!attribute.key.empty()) array.attributes[attribute.key] = zarr::json_from(attribute);
    }
    describe_scaling(*transform, array.attributes);
    array.is_scaled = transform->scales || transform->flips_sign;
    Json dims = Json::array();
    for (std::size_t k = 0; k < array.document["shape"].size(); ++k) {
      const std::size_t axis = axes.empty() ? k : static_cast<std::size_t>(axes[k]);
      const bool has_name = axis < variable.dims.size() && !variable.dims[axis].empty();
      dims.push_back(has_name ? variable.dims[axis] : fmt::format("{}_dim_{}", name, axis));
    }
    array.attributes["_ARRAY_DIMENSIONS"] = dims;
    set.arrays.emplace(name, std::move(array));
  }

  /// What lies raw: pieces along the first axis, all of one length.
  Json pieces_of(const ManifestSource& source, std::vector<Reference>& out) {
    const Manifest& manifest = source.manifest();
    const Shape& shape = manifest.grid.shape();
    if (!manifest.grid.is_contiguous()) throw NotDescribed{"it is stored in pieces that are cut at the edge"};
    Shape chunk = manifest.grid.chunk();
    Json json = described(shape, chunk, manifest.transform);
    if (manifest.chunks.empty()) return json;
    const ChunkRef& whole = manifest.chunks.front();
    if (shape.rank() == 0) {
      add_place(0, *manifest.files[0], whole.offset, whole.bytes, out);
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
    for (Index i = 0; i < shape[0] / rows; ++i) add_place(i, *manifest.files[0], whole.offset + i * rows * stride, rows * row, out);
    return json;
  }

  Json chunks_of(const ChunkedSource& source, std::vector<Reference>& out) {
    const ChunkedLayout& layout = source.layout();
    const ChunkGrid& grid = layout.grid;
    const int rank = grid.shape().rank();
    const std::vector<int> axes = described_axes(layout);
    Shape shape = grid.shape(), chunk_shape = grid.chunk();
    for (int k = 0; k < rank; ++k) {
      const int axis = axes[static_cast<std::size_t>(k)];
      shape[k] = grid.shape()[axis], chunk_shape[k] = grid.chunk()[axis];
    }
    Json json = described(shape, chunk_shape, layout.transform);
    for (int k = 0; k < rank; ++k) {
      if (layout.edge_chunks_are_cut && grid.shape()[k] % grid.chunk()[k] != 0) throw NotDescribed{"its chunks are cut at the edge"};
    }
    if (!layout.order.empty() && axes != layout.order) json["order"] = "F";
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
    for (Index number = 0; number < grid.count(); ++number) {
      if (source.map().skipped_codecs(position) != 0) throw NotDescribed{"some of its chunks leave out a filter"};
      const StoredChunk chunk = source.map().find(position);
      if (chunk.file) {
        add_place(number, *chunk.file, chunk.offset, chunk.bytes, out);
      } else {
        json["fill_value"] = fill_of(layout.transform.dtype, layout.fill);
      }
      for (auto axis = axes.rbegin(); axis != axes.rend() && ++position[*axis] == grid.count(*axis); ++axis) position[*axis] = 0;
    }
    return json;
  }

  void add_place(Index number, const File& file, Index offset, Index bytes, std::vector<Reference>& out) {
    Reference reference{number, {.file = ChunkReference::kInline, .offset = offset, .bytes = bytes}};
    if (file.identity().inode == 0) {  // in memory
      reference.place.offset = static_cast<Index>(set.inlined.size());
      set.inlined.resize(set.inlined.size() + static_cast<std::size_t>(bytes));
      file.read_exactly(offset, std::as_writable_bytes(std::span(set.inlined)).subspan(static_cast<std::size_t>(reference.place.offset)));
    } else {
      // Most follow each other.
      const std::string location = location_below("", file.location());
      if (set.files.empty() || set.files.back() != location) {
        const auto known = numbers_.find(location);
        last_ = known != numbers_.end() ? known->second : static_cast<std::int32_t>(set.files.size());
        if (known == numbers_.end()) {
          numbers_.emplace(location, last_);
          set.files.push_back(location);
        }
      } else {
        last_ = static_cast<std::int32_t>(set.files.size()) - 1;
      }
      reference.place.file = last_;
    }
    out.push_back(reference);
  }
  void count(Index chunks) {
    if (chunks > kMostChunks - chunks_) fail(ErrorKind::kUser, "{}: more than {} chunks are too many for references.", set.name, kMostChunks);
    chunks_ += chunks;
  }

  std::map<std::string, std::int32_t> numbers_;
  std::int32_t last_ = 0;
  Index chunks_ = 0;
};

}  // namespace

ReferenceSet references_of(const Contents& contents) {
  Collector collector;
  collector.add(contents);
  return std::move(collector.set);
}

ReferenceSet as_groups(std::vector<ReferenceSet> sets) {
  ReferenceSet out;
  out.groups[""] = Json::object();
  std::set<std::string> stems;
  for (ReferenceSet& set : sets) {
    const std::string stem = stem_of(set.name);
    if (!stems.insert(stem).second) fail(ErrorKind::kUser, "{}: another file is called '{}' too; each becomes a group of that name.", set.name, stem);
    for (auto& [path, attributes] : set.groups) out.groups[path.empty() ? stem : stem + "/" + path] = std::move(attributes);
    for (auto& [path, array] : set.arrays) {
      for (Reference& reference : array.chunks) {
        if (reference.place.file == ChunkReference::kInline) {
          reference.place.offset += static_cast<Index>(out.inlined.size());
        } else {
          reference.place.file += static_cast<std::int32_t>(out.files.size());
        }
      }
      out.arrays.emplace(stem + "/" + path, std::move(array));
    }
    out.inlined += set.inlined;
    out.files.insert(out.files.end(), set.files.begin(), set.files.end());
    out.left_out.insert(out.left_out.end(), set.left_out.begin(), set.left_out.end());
  }
  return out;
}

std::string json_of(const ReferenceSet& set) {
  using References = nlohmann::json;  // sorted: there may be millions of keys
  References refs = References::object();
  for (const auto& [path, attributes] : set.groups) {
    const std::string folder = path.empty() ? "" : path + "/";
    refs[folder + ".zgroup"] = R"({"zarr_format": 2})";
    if (!attributes.empty()) refs[folder + ".zattrs"] = text_of(attributes);
  }
  for (const auto& [path, array] : set.arrays) {
    refs[path + "/.zarray"] = text_of(array.document);
    refs[path + "/.zattrs"] = text_of(array.attributes);
    const ChunkGrid grid = array.chunks.empty() ? ChunkGrid() : grid_of(array);
    for (const auto& [number, place] : array.chunks) {
      const std::string key = path + "/" + key_of(position_of(grid, number));
      if (place.file == ChunkReference::kInline) {
        refs[key] = "base64:" + base64_encoded(std::as_bytes(std::span(set.inlined)).subspan(static_cast<std::size_t>(place.offset), static_cast<std::size_t>(place.bytes)));
      } else if (place.bytes == ChunkReference::kWholeFile) {
        refs[key] = References::array({set.files[static_cast<std::size_t>(place.file)]});
      } else {
        refs[key] = References::array({set.files[static_cast<std::size_t>(place.file)], place.offset, place.bytes});
      }
    }
  }
  return References{{"version", 1}, {"refs", std::move(refs)}}.dump(-1, ' ', false, References::error_handler_t::replace) + "\n";
}

}  // namespace freestone::formats::kerchunk
