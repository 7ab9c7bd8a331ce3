#include <algorithm>
#include <cstring>
#include <set>

#include "freestone/formats/hdf5_dataset.h"
#include "freestone/formats/hdf5_heap.h"

namespace freestone::formats::hdf5 {
namespace {

constexpr int kDeepestGroup = 64;
constexpr std::size_t kMostObjects = 200'000;
// Of one array that is listed: 100 MB of table. What has more is read by the library, which looks them up one by one.
constexpr Index kMostChunks = Index{1} << 22;

herr_t keep_link(hid_t, const char* name, const H5L_info_t* link, void* names) {
  try {
    // Links to other files are not followed.
    if (link->type == H5L_TYPE_HARD || link->type == H5L_TYPE_SOFT) static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  } catch (...) {
    return -1;
  }
}

herr_t refuse_other_file(const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) { return -1; }

class Describer {
 public:
  explicit Describer(std::shared_ptr<const File> file) : file_(std::move(file)), link_access_(H5Pcreate(H5P_LINK_ACCESS), H5Pclose), attribute_room_(std::max(TextRoom::kMostBytes, file_.file().size())) {
    H5Pset_elink_cb(link_access_.id(), refuse_other_file, nullptr);
  }

  FileDescription describe() {
    const Handle root(H5Gopen2(file_.id(), "/", H5P_DEFAULT), H5Gclose);
    if (!root) fail_in_library(file_.name(), "", "its root group cannot be opened");
    ObjectAttributes attributes = attributes_of_group("/", root.id());
    out_.is_netcdf = attributes.is_netcdf;
    out_.attributes = std::move(attributes.shown);
    groups_.insert(info(root.id(), "/").addr);
    walk(root.id(), "", 0);
    return std::move(out_);
  }

 private:
  H5O_info_t info(hid_t object, const std::string& where) {
    H5O_info_t out{};
    if (H5Oget_info2(object, &out, H5O_INFO_BASIC) < 0) fail_in_library(file_.name(), where, "its object header cannot be read");
    return out;
  }

  void walk(hid_t group, const std::string& prefix, int depth) {
    if (depth > kDeepestGroup) fail(ErrorKind::kData, "{}: its groups are nested more than {} deep.", file_.name(), kDeepestGroup);
    std::vector<std::string> names;
    hsize_t at = 0;
    if (H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, keep_link, &names) < 0) {
      names.clear();
      at = 0;
      if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, keep_link, &names) < 0) {
        fail_in_library(file_.name(), "/" + prefix, "its members cannot be listed");
      }
    }
    for (const std::string& name : names) {
      const std::string path = prefix + name;
      if (++objects_ > kMostObjects) fail(ErrorKind::kUser, "{}: it holds more than {} objects.", file_.name(), kMostObjects);
      const Handle object(H5Oopen(group, name.c_str(), link_access_.id()), H5Oclose);
      if (!object) {
        const std::string why = take_library_error();
        H5L_info_t link{};
        // A soft link may point at nothing.
        if (H5Lget_info(group, name.c_str(), &link, link_access_.id()) >= 0 && link.type == H5L_TYPE_SOFT) continue;
        // Damaged, or of a later release than the library: what else is in the file may be fine.
        out_.datasets.emplace_back();
        out_.datasets.back().path = path;
        const std::string later = later_form(why);
        out_.datasets.back().note = later.empty() ? fmt::format("it cannot be opened (HDF5 says: {})", why) : "it is " + later;
        continue;
      }
      const H5I_type_t kind = H5Iget_type(object.id());
      if (kind == H5I_GROUP && groups_.insert(info(object.id(), path).addr).second) {
        out_.groups.push_back({path, attributes_of_group(path, object.id()).shown});
        walk(object.id(), path + "/", depth + 1);
      }
      if (kind == H5I_DATASET) out_.datasets.push_back(read_dataset(object.id(), path));
    }
  }

  ObjectAttributes attributes_of_group(const std::string& path, hid_t group) {
    ObjectAttributes out = attributes_at(path, group, info(group, path).addr);
    if (!out.note.empty()) out_.notes.push_back(fmt::format("{}: {}", path, out.note));
    return out;
  }

  /// Several links may lead to an object, whose texts are read for each: but for the first time they take other room.
  ObjectAttributes attributes_at(const std::string& path, hid_t object, Address address) {
    try {
      return read_attributes(file_, path, object, described_.insert(address).second ? attribute_room_ : repeated_room_);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUser) throw;
      ObjectAttributes out;
      out.note = error.message();
      return out;
    }
  }

  Dataset read_dataset(hid_t id, const std::string& path) {
    Dataset out;
    out.path = path;
    out.address = info(id, path).addr;
    out.attributes = attributes_at(path, id, out.address);
    out_.is_netcdf = out_.is_netcdf || out.attributes.is_netcdf;
    const Handle type(H5Dget_type(id), H5Tclose), space(H5Dget_space(id), H5Sclose), creation(H5Dget_create_plist(id), H5Pclose);
    if (!type || !space || !creation) fail_in_library(file_.name(), path, "its type, shape or layout cannot be read");
    out.type = read_type(file_.name(), path, type.id());
    // Without them nobody knows what the numbers mean.
    out.note = out.attributes.note.empty() ? out.type.note : out.attributes.note;
    read_shape(out, space.id());
    try {
      if (out.type.is_text && out.attributes.note.empty()) read_dataset_texts(out, id, type.id(), creation.id());
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUser) throw;
      out.note = error.message();
    }
    if (!out.note.empty()) return out;
    read_fill(out, type.id(), creation.id());
    read_filters(out, creation.id());
    switch (H5Pget_layout(creation.id())) {
      case H5D_COMPACT: read_compact(out, id, type.id()); break;
      case H5D_CONTIGUOUS: read_contiguous(out, id, creation.id()); break;
      case H5D_CHUNKED: read_chunked(out, id, creation.id()); break;
      case H5D_VIRTUAL: out.note = "it is virtual: made of datasets of other files, which is not read yet"; break;
      default: fail_in_library(file_.name(), path, "its layout cannot be read");
    }
    if ((out.type.needs_library || out.fill_varies) && out.note.empty()) out.layout = Dataset::kByLibrary;
    return out;
  }

  void read_shape(Dataset& out, hid_t space) {
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind == H5S_NULL) {
      out.note = "it holds nothing (an empty dataspace)";
      return;
    }
    hsize_t extents[H5S_MAX_RANK] = {}, limits[H5S_MAX_RANK] = {};
    const int rank = H5Sget_simple_extent_dims(space, extents, limits);
    if (rank < 0) fail_in_library(file_.name(), out.path, "its shape cannot be read");
    if (rank + out.type.inner.rank() > kMaxRank) {
      out.note = fmt::format("it has more than {} axes", kMaxRank);
      return;
    }
    Index bytes = std::max<Index>(out.type.bytes, 1);
    for (int k = 0; k < rank; ++k) {
      if (extents[k] > static_cast<hsize_t>(INT64_MAX) ||
          __builtin_mul_overflow(bytes, std::max<Index>(static_cast<Index>(extents[k]), 1), &bytes) || bytes > Index{1} << 60) {
        fail(ErrorKind::kData, "{}: {}: its shape has more elements than anything can hold. The file is damaged.", file_.name(), out.path);
      }
      out.shape.push_back(static_cast<Index>(extents[k]));
      out.is_unlimited.push_back(limits[k] == H5S_UNLIMITED);
    }
  }

  std::vector<std::byte> fill_of(const Dataset& out, hid_t creation, hid_t memory) {
    std::vector<std::byte> fill(H5Tget_size(memory));
    H5D_fill_value_t kind = H5D_FILL_VALUE_UNDEFINED;
    if (H5Pfill_value_defined(creation, &kind) >= 0 && kind == H5D_FILL_VALUE_USER_DEFINED && H5Pget_fill_value(creation, memory, fill.data()) < 0) {
      fail_in_library(file_.name(), out.path, "its fill value cannot be read");
    }
    return fill;
  }

  void read_fill(Dataset& out, hid_t type, hid_t creation) {
    /// One number of an element: with inner axes all are the same, or nobody but the library fills it.
    const auto fill_of_one = [&](const ElementType& element, const std::string& field) {
      const Handle memory = memory_type(type, element, field);
      if (!memory) fail_in_library(file_.name(), out.path, "its type is not known");
      std::vector<std::byte> fill = fill_of(out, creation, memory.id());
      const auto width = static_cast<std::size_t>(size_of(element.transform.dtype));
      if (fill.size() < width) fail(ErrorKind::kInternal, "{}: {}: an element has another size in memory", file_.name(), out.path);
      for (std::size_t at = width; at + width <= fill.size(); at += width) {
        out.fill_varies = out.fill_varies || std::memcmp(fill.data(), fill.data() + at, width) != 0;
      }
      fill.resize(width);
      return fill;
    };
    if (!out.type.is_record()) {
      out.fill = fill_of_one(out.type, "");
      return;
    }
    for (const ElementType::Field& field : out.type.fields) {
      out.field_fills.push_back(field.type.note.empty() ? fill_of_one(field.type, field.name) : std::vector<std::byte>());
    }
  }

  void read_filters(Dataset& out, hid_t creation) {
    const int count = H5Pget_nfilters(creation);
    if (count < 0) fail_in_library(file_.name(), out.path, "its filters cannot be read");
    for (int i = 0; i < count; ++i) {
      unsigned flags = 0, parameters[64] = {};
      std::size_t number = std::size(parameters);
      char name[128] = {};
      const H5Z_filter_t id = H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &number, parameters, sizeof name - 1, name, nullptr);
      if (id < 0) fail_in_library(file_.name(), out.path, fmt::format("filter {} cannot be read", i));
      number = std::min(number, std::size(parameters));
      out.filters.push_back({.id = id, .name = name, .parameters = {parameters, parameters + number}});
    }
  }

  /// Labels are few; what is more than that stays unread.
  void read_dataset_texts(Dataset& out, hid_t id, hid_t type, hid_t creation) {
    const Index count = element_count(out.shape);
    const bool is_variable = H5Tis_variable_str(type) > 0;
    TextReader reader(file_);
    const Index width = is_variable ? static_cast<Index>(reader.element_bytes()) : out.type.bytes;
    hsize_t chunk[H5S_MAX_RANK] = {};
    Index chunk_bytes = width;
    if (H5Pget_layout(creation) == H5D_CHUNKED) {
      const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
      for (int k = 0; k < rank; ++k) {
        if (chunk[k] > UINT32_MAX || __builtin_mul_overflow(chunk_bytes, static_cast<Index>(chunk[k]), &chunk_bytes)) chunk_bytes = INT64_MAX;
      }
    }
    TextRoom room(room_);
    room.take_texts(count);
    if (const Index most = std::max(count * width, chunk_bytes); most > room.bytes()) room.fail_by_bytes(most);
    if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) > 0) return;
    read_filters(out, creation);
    if (std::any_of(out.filters.begin(), out.filters.end(), [](const Filter& filter) { return H5Zfilter_avail(filter.id) <= 0; })) return;
    std::string bytes(static_cast<std::size_t>(count * width), '\0');
    const Handle memory = is_variable ? stored_list_type(file_) : Handle(H5Tcopy(type), H5Tclose);
    // What was never written is a fill that the library would look up in a heap.
    const bool is_there = H5Dget_storage_size(id) > 0;
    if (count > 0 && is_there && H5Dread(id, memory.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
      fail_in_library(file_.name(), out.path, "its texts cannot be read");
    }
    if (is_variable) {
      out.texts = reader.read(out.path, std::as_bytes(std::span(bytes)), room);
    } else {
      room.take_bytes(std::ssize(bytes));
      out.texts = fixed_texts(type, bytes);
    }
    room.keep();
  }

  /// Its elements, at most 64 KB, lie in the object header.
  void read_compact(Dataset& out, hid_t id, hid_t type) {
    out.layout = Dataset::kCompact;
    const Index bytes = element_count(out.shape) * out.type.bytes;
    if (bytes > 65536) {
      fail(ErrorKind::kData, "{}: {}: {} bytes in an object header, which holds 65536. It is damaged.", file_.name(), out.path, bytes);
    }
    // The library copies as many as the shape says, whatever there is.
    if (const hsize_t there = H5Dget_storage_size(id); there < static_cast<hsize_t>(bytes)) {
      fail(ErrorKind::kData, "{}: {}: its shape has {} bytes, its object header {}. It is damaged.", file_.name(), out.path, bytes, there);
    }
    const auto read = [&](hid_t memory) {
      if (H5Tget_size(memory) > 16 * 65536) fail_in_library(file_.name(), out.path, "its type is larger than an object header");
      std::vector<std::byte> values(static_cast<std::size_t>(element_count(out.shape)) * H5Tget_size(memory));
      if (!values.empty() && H5Dread(id, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
        fail_in_library(file_.name(), out.path, "its elements cannot be read");
      }
      return values;
    };
    if (!out.type.is_record()) {
      out.values = read(memory_type(type, out.type).id());
      return;
    }
    for (const ElementType::Field& field : out.type.fields) {
      out.field_values.push_back(field.type.note.empty() ? read(memory_type(type, field.type, field.name).id()) : std::vector<std::byte>());
    }
  }

  void read_contiguous(Dataset& out, hid_t id, hid_t creation) {
    out.layout = Dataset::kContiguous;
    if (H5Pget_external_count(creation) > 0) {
      out.note = "its elements lie in other files (HDF5's external storage), which are not opened";
      return;
    }
    // Asked first: behind a block at the file's start, 1.10 gives an offset for what is nowhere.
    if (H5Dget_storage_size(id) == 0) return;
    const haddr_t offset = H5Dget_offset(id);
    if (offset > static_cast<haddr_t>(INT64_MAX)) {
      fail(ErrorKind::kData, "{}: {}: its elements lie at offset {}. It is damaged.", file_.name(), out.path, offset);
    }
    out.offset = static_cast<Index>(offset);
  }

  void read_chunked(Dataset& out, hid_t id, hid_t creation) {
    out.layout = Dataset::kChunked;
    hsize_t extents[H5S_MAX_RANK] = {};
    if (H5Pget_chunk(creation, H5S_MAX_RANK, extents) != out.shape.rank()) fail_in_library(file_.name(), out.path, "its chunks have another rank");
    Index bytes = out.type.bytes;
    for (int k = 0; k < out.shape.rank(); ++k) {
      // The format has 32 bits for an extent, and for the bytes of a chunk.
      if (extents[k] < 1 || extents[k] > UINT32_MAX || __builtin_mul_overflow(bytes, static_cast<Index>(extents[k]), &bytes) || bytes > UINT32_MAX) {
        fail(ErrorKind::kData, "{}: {}: its chunks have impossible extents. It is damaged.", file_.name(), out.path);
      }
      out.chunk.push_back(static_cast<Index>(extents[k]));
    }
    Index count = 1;
    for (int k = 0; k < out.shape.rank(); ++k) {
      const Index along = (out.shape[k] + out.chunk[k] - 1) / out.chunk[k];
      if (__builtin_mul_overflow(count, along, &count)) count = kMostChunks + 1;
      if (along == 0) count = 0;
      if (count == 0 || count > kMostChunks) break;
    }
    bool needs_library = count > kMostChunks;
    for (Filter& filter : out.filters) {
      if (has_codec(filter)) continue;
      needs_library = true;
      filter.is_available = H5Zfilter_avail(filter.id) > 0;
      if (filter.is_available) continue;
      out.note = fmt::format("its chunks went through filter {}{}, which is not known here", filter.id,
                             filter.name.empty() ? "" : fmt::format(" ({})", filter.name));
      return;
    }
    if (needs_library || out.type.needs_library || out.fill_varies) {
      out.layout = Dataset::kByLibrary;
      return;
    }
    const ChunkGrid grid(out.shape, out.chunk);
    out.chunks = list_chunks(file_, out.path, id, grid);
    skip_filters_of_edges(out, creation, grid);
  }

  /// The library was told not to filter chunks that stick out of the array, and their masks do not say so.
  void skip_filters_of_edges(Dataset& out, hid_t creation, const ChunkGrid& grid) {
    unsigned options = 0;
    if (H5Pget_chunk_opts(creation, &options) < 0 || (options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) == 0) return;
    out.leaves_edges_unfiltered = true;
    for (std::size_t i = 0; i < out.chunks.size(); ++i) {
      if (grid.box(static_cast<Index>(i)).shape != out.chunk) out.chunks[i].skipped_codecs = UINT32_MAX;
    }
  }

  LibraryFile file_;
  Handle link_access_;
  TextRoom room_;
  TextRoom attribute_room_;  ///< for texts that each have a place in the file there is always some
  TextRoom repeated_room_{TextRoom::kMostBytes};
  FileDescription out_;
  std::set<Address> groups_, described_;
  std::size_t objects_ = 0;
};

}  // namespace

FileDescription describe(std::shared_ptr<const File> file) {
  const LibraryLane lane;
  return Describer(std::move(file)).describe();
}

}  // namespace freestone::formats::hdf5
