#include <algorithm>
#include <cstring>
#include <numeric>

#include "freestone/core/view.h"
#include "freestone/formats/kerchunk_grid.h"
#include "freestone/storage/location.h"

namespace freestone::formats::kerchunk {
namespace {

using zarr::Json;

// Of an array that is copied into the list because its chunks do not fit.
constexpr Index kLargestCopy = Index{4} << 20;
constexpr Index kMostChunks = 10'000'000;

Shape shape_of(const ReferenceArray& array, const char* key) { return Shape(array.document.at(key).get<std::vector<Index>>()); }

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// The axis of a dimension; -1 when it is none of the array.
int axis_of(const ReferenceArray& array, const std::string& dim) {
  const Json& dims = array.attributes.at("_ARRAY_DIMENSIONS");
  for (std::size_t k = 0; k < dims.size(); ++k) {
    if (dims[k] == dim) return static_cast<int>(k);
  }
  return -1;
}

/// All elements as they are delivered, in C order and this machine's byte order.
std::vector<std::byte> values_of(const Source& source) {
  const Spec& spec = source.spec();
  std::vector<std::byte> out(static_cast<std::size_t>(spec.bytes()));
  if (out.empty()) return out;
  const Box whole(spec.shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(whole)));
  const Cancel never;
  source.fetch(whole, encoded, never);
  source.decode(whole, encoded, View::contiguous(out.data(), spec.dtype, spec.shape), never);
  return out;
}

double first_number(const Source& source, const std::vector<std::byte>& values) {
  double out = 0;
  const auto take = [&](auto zero) {
    if (values.size() >= sizeof zero) std::memcpy(&zero, values.data(), sizeof zero);
    out = static_cast<double>(zero);
  };
  switch (source.spec().dtype) {
    case DType::kInt8: take(std::int8_t{}); break;
    case DType::kInt16: take(std::int16_t{}); break;
    case DType::kInt32: take(std::int32_t{}); break;
    case DType::kInt64: take(std::int64_t{}); break;
    case DType::kUint8: take(std::uint8_t{}); break;
    case DType::kUint16: take(std::uint16_t{}); break;
    case DType::kUint32: take(std::uint32_t{}); break;
    case DType::kUint64: take(std::uint64_t{}); break;
    case DType::kFloat32: take(float{}); break;
    case DType::kFloat64: take(double{}); break;
    default: break;
  }
  return out;
}

/// Files in the order of their coordinates, where they have some.
void sort_by_coordinate(std::vector<ReferenceSet>& sets, const std::string& dim) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto found = sets[i].arrays.find(dim);
    if (found == sets[i].arrays.end() || axis_of(found->second, dim) != 0 || found->second.source->spec().bytes() > kLargestCopy) return;
    // Numbers that count from different days are in no order.
    const auto& first = sets[0].arrays.at(dim).attributes;
    if (found->second.attributes.value("units", Json()) != first.value("units", Json())) return;
    order.emplace_back(first_number(*found->second.source, values_of(*found->second.source)), i);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ReferenceSet> sorted;
  for (const auto& [value, number] : order) sorted.push_back(std::move(sets[number]));
  sets = std::move(sorted);
}

class Joiner {
 public:
  Joiner(std::vector<ReferenceSet>& sets, const std::string& dim) : sets_(sets), dim_(dim) {
    out_.name = sets.front().name;
    out_.groups = sets.front().groups;
    for (ReferenceSet& set : sets) {
      file_offsets_.push_back(static_cast<std::int32_t>(out_.files.size()));
      inline_offsets_.push_back(static_cast<Index>(out_.inlined.size()));
      out_.files.insert(out_.files.end(), set.files.begin(), set.files.end());
      out_.inlined += set.inlined;
      out_.left_out.insert(out_.left_out.end(), set.left_out.begin(), set.left_out.end());
    }
  }

  ReferenceSet join() {
    bool is_anywhere = false;
    for (const auto& [name, first] : sets_.front().arrays) {
      const int axis = axis_of(first, dim_);
      is_anywhere = is_anywhere || axis >= 0;
      std::vector<const ReferenceArray*> parts;
      for (const ReferenceSet& set : sets_) {
        const auto found = set.arrays.find(name);
        if (found == set.arrays.end()) fail(ErrorKind::kUser, "{}: it has no '{}', which {} has: they cannot be joined.", set.name, name, sets_.front().name);
        check(name, first, found->second, set.name, axis);
        parts.push_back(&found->second);
      }
      out_.arrays.emplace(name, axis < 0 ? moved(first) : joined_array(name, parts, axis));
    }
    if (!is_anywhere) fail(ErrorKind::kUser, "{}: no array has the dimension '{}'.", sets_.front().name, dim_);
    return std::move(out_);
  }

 private:
  /// Whether a part agrees with the first in all but its length.
  void check(const std::string& name, const ReferenceArray& first, const ReferenceArray& part, const std::string& file, int axis) const {
    Shape shape = shape_of(part, "shape"), wanted = shape_of(first, "shape");
    const std::string& reference = sets_.front().name;
    if (part.attributes.at("_ARRAY_DIMENSIONS") != first.attributes.at("_ARRAY_DIMENSIONS")) {
      fail(ErrorKind::kUser, "{}: '{}' has the dimensions {}, in {} {}: they cannot be joined.", file, name, text_of(part.attributes.at("_ARRAY_DIMENSIONS")), reference,
           text_of(first.attributes.at("_ARRAY_DIMENSIONS")));
    }
    if (axis >= 0) shape[axis] = wanted[axis];
    if (shape != wanted) {
      fail(ErrorKind::kUser, "{}: '{}' is {}, in {} {}: only '{}' may differ.", file, name, to_string(shape_of(part, "shape")), reference,
           to_string(shape_of(first, "shape")), dim_);
    }
    for (const char* key : {"dtype", "compressor", "filters", "order"}) {
      if (axis >= 0 && part.document.at(key) != first.document.at(key)) {
        fail(ErrorKind::kUser, "{}: '{}' has {} {}, in {} {}: they cannot be joined.", file, name, key, text_of(part.document.at(key)), reference,
             text_of(first.document.at(key)));
      }
    }
    for (const char* key : {"units", "calendar", "scale_factor", "add_offset"}) {
      const Json mine = part.attributes.value(key, Json()), theirs = first.attributes.value(key, Json());
      if (mine != theirs) {
        fail(ErrorKind::kUser, "{}: '{}' has {} {}, in {} {}: its numbers mean something else, and references cannot change them.", file, name, key,
             text_of(mine), reference, text_of(theirs));
      }
    }
  }

  Reference moved(Reference reference, std::size_t set) const {
    if (reference.place.file == ChunkReference::kInline) {
      reference.place.offset += inline_offsets_[set];
    } else {
      reference.place.file += file_offsets_[set];
    }
    return reference;
  }
  ReferenceArray moved(ReferenceArray array) const {
    for (Reference& reference : array.chunks) reference = moved(reference, 0);
    return array;
  }

  ReferenceArray joined_array(const std::string& name, const std::vector<const ReferenceArray*>& parts, int axis) {
    ReferenceArray out{.document = parts[0]->document, .attributes = parts[0]->attributes};
    Shape shape = shape_of(*parts[0], "shape");
    Shape chunk = shape_of(*parts[0], "chunks");
    std::vector<Index> lengths;
    for (const ReferenceArray* part : parts) lengths.push_back(shape_of(*part, "shape")[axis]);
    shape[axis] = std::accumulate(lengths.begin(), lengths.end(), Index{0});
    out.document["shape"] = shape.to_vector();
    for (const ReferenceArray* part : parts) {
      // What was never written in one file is fill in all.
      if (out.document["fill_value"].is_null()) out.document["fill_value"] = part->document.at("fill_value");
    }
    Index step = 0;  // of pieces that all chunks consist of, when they can be cut
    bool are_alike = true, fit = true;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Shape own = shape_of(*parts[i], "chunks");
      Shape same = own;
      same[axis] = chunk[axis];
      if (same != chunk) fail_chunks(name, sets_[i].name, own, chunk);
      are_alike = are_alike && own[axis] == chunk[axis];
      fit = fit && (i + 1 == parts.size() || lengths[i] % chunk[axis] == 0);
      step = std::gcd(step, std::gcd(own[axis], lengths[i]));
    }
    const bool has_codecs = !out.document.at("compressor").is_null() || !out.document.at("filters").is_null();
    const bool can_be_cut = axis == 0 && !has_codecs && out.document.at("order") == "C" && step > 0;
    if (are_alike && fit) {
      step = chunk[axis];
    } else if (!can_be_cut || (step < 16 && copied_bytes(parts) <= kLargestCopy)) {
      if (copied_bytes(parts) <= kLargestCopy) return copied(out, parts, shape, axis);
      fail(ErrorKind::kUser,
           "{}: '{}' is in chunks of {}, which do not fit lengths along '{}' such as {}: references name whole chunks. Rechunk the files, or convert them.",
           sets_.front().name, name, to_string(chunk), dim_, lengths[0]);
    }
    chunk[axis] = step;
    out.document["chunks"] = chunk.to_vector();
    const ChunkGrid grid(shape, chunk);
    if (grid.count() > kMostChunks) fail(ErrorKind::kUser, "{}: more than {} chunks are too many for references.", name, kMostChunks);
    Index before = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const ChunkGrid own = parts[i]->chunks.empty() ? ChunkGrid() : grid_of(*parts[i]);
      for (const Reference& reference : parts[i]->chunks) {
        Dims position = position_of(own, reference.chunk);
        const Index from = position[axis] * own.chunk()[axis], pieces = own.chunk()[axis] / step;
        for (Index piece = 0; piece < pieces && from + piece * step < lengths[i]; ++piece) {
          Reference moved_one = moved(reference, i);
          if (pieces > 1) {
            moved_one.place.bytes = reference.place.bytes / pieces;
            moved_one.place.offset += piece * moved_one.place.bytes;
          }
          position[axis] = (before + from) / step + piece;
          moved_one.chunk = grid.index_of(position);
          out.chunks.push_back(moved_one);
        }
      }
      before += lengths[i];
    }
    std::sort(out.chunks.begin(), out.chunks.end(), [](const Reference& a, const Reference& b) { return a.chunk < b.chunk; });
    return out;
  }

  [[noreturn]] void fail_chunks(const std::string& name, const std::string& file, const Shape& own, const Shape& wanted) const {
    fail(ErrorKind::kUser, "{}: '{}' is in chunks of {}, in {} of {}: they cannot be joined without writing them anew.", file, name, to_string(own),
         sets_.front().name, to_string(wanted));
  }

  Index copied_bytes(const std::vector<const ReferenceArray*>& parts) const {
    Index bytes = 0;
    for (const ReferenceArray* part : parts) bytes += part->source->spec().bytes();
    return bytes;
  }

  /// The values themselves, as one chunk.
  ReferenceArray copied(ReferenceArray out, const std::vector<const ReferenceArray*>& parts, const Shape& shape, int axis) {
    const DType dtype = parts[0]->source->spec().dtype;
    std::vector<std::byte> all(static_cast<std::size_t>(element_count(shape) * size_of(dtype)));
    const View target = View::contiguous(all.data(), dtype, shape);
    Box place(shape);
    for (const ReferenceArray* part : parts) {
      const Shape& own = part->source->spec().shape;
      std::vector<std::byte> values = values_of(*part->source);
      place.shape[axis] = own[axis];
      if (place.count() > 0) copy(View::contiguous(values.data(), dtype, own), target.part(place));
      place.start[axis] += own[axis];
    }
    if (parts[0]->is_scaled) {
      for (const char* key : {"scale_factor", "add_offset", "_FillValue"}) out.attributes.erase(key);
    }
    const char kind = is_bool(dtype) ? 'b' : is_complex(dtype) ? 'c' : is_floating(dtype) ? 'f' : is_unsigned_integer(dtype) ? 'u' : 'i';
    out.document["dtype"] = fmt::format("{}{}{}", size_of(dtype) == 1 ? '|' : '<', kind, size_of(dtype));
    out.document["compressor"] = nullptr;
    out.document["filters"] = nullptr;
    out.document["order"] = "C";
    Shape chunk = shape;
    for (int k = 0; k < chunk.rank(); ++k) chunk[k] = std::max<Index>(1, chunk[k]);
    out.document["chunks"] = chunk.to_vector();
    if (!all.empty()) {
      out.chunks.push_back({0, {.file = ChunkReference::kInline, .offset = static_cast<Index>(out_.inlined.size()), .bytes = static_cast<Index>(all.size())}});
      out_.inlined.append(reinterpret_cast<const char*>(all.data()), all.size());
    }
    return out;
  }

  std::vector<ReferenceSet>& sets_;
  const std::string& dim_;
  ReferenceSet out_;
  std::vector<std::int32_t> file_offsets_;
  std::vector<Index> inline_offsets_;
};

}  // namespace

ReferenceSet joined(std::vector<ReferenceSet> sets, const std::string& dim) {
  ensure(!sets.empty(), "nothing to join");
  sort_by_coordinate(sets, dim);
  return Joiner(sets, dim).join();
}

}  // namespace freestone::formats::kerchunk
