#include "freestone/formats/hdf5_attributes.h"

#include <algorithm>
#include <cstddef>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/hdf5_heap.h"
#include "freestone/formats/hdf5_type.h"

namespace freestone::formats::hdf5 {
namespace {

// Dense storage lets an attribute be large; nobody's is.
constexpr Index kLargestAttribute = Index{64} << 20;

herr_t keep_name(hid_t, const char* name, const H5A_info_t*, void* names) {
  try {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  } catch (...) {
    return -1;
  }
}

/// One attribute, open.
struct Open {
  const LibraryFile& file;
  std::string where;  ///< "/group/variable: attribute units"
  Handle id, type, space;
  Index count = 0;
  bool is_null = false, is_scalar = false;

  [[noreturn]] void damaged(std::string_view what) const { fail_in_library(file.name(), where, what); }
  void read(hid_t memory, void* out) const {
    if (H5Aread(id.id(), memory, out) < 0) damaged("it cannot be read");
  }
};

Open open_attribute(const LibraryFile& file, const std::string& where, hid_t object, const std::string& name) {
  Open out{.file = file, .where = fmt::format("{}: attribute '{}'", where, name)};
  out.id = Handle(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!out.id) out.damaged("it cannot be opened");
  out.type = Handle(H5Aget_type(out.id.id()), H5Tclose);
  out.space = Handle(H5Aget_space(out.id.id()), H5Sclose);
  if (!out.type || !out.space) out.damaged("its type or its shape cannot be read");
  out.is_null = H5Sget_simple_extent_type(out.space.id()) == H5S_NULL;
  out.count = out.is_null ? 0 : static_cast<Index>(H5Sget_simple_extent_npoints(out.space.id()));
  const auto bytes = static_cast<Index>(H5Tget_size(out.type.id()));
  if (out.count < 0 || bytes <= 0) out.damaged("its shape cannot be read");
  // A text or a list of another length takes 16 bytes in the file at least.
  if (out.count > kLargestAttribute / bytes || out.count * bytes > std::max<Index>(4096, file.file().size())) {
    fail(ErrorKind::kData, "{}: {}: {} elements of {} bytes do not fit into the file. It is damaged.", file.name(), out.where, out.count, bytes);
  }
  return out;
}

std::vector<std::string> read_texts(const Open& attribute, TextRoom& room) {
  std::vector<std::string> out;
  if (attribute.count == 0) return out;
  const hid_t type = attribute.type.id();
  if (H5Tis_variable_str(type) > 0) {
    TextReader reader(attribute.file);
    const Handle stored = stored_list_type(attribute.file);
    std::vector<std::byte> elements(static_cast<std::size_t>(attribute.count) * reader.element_bytes());
    attribute.read(stored.id(), elements.data());
    try {
      return reader.read(attribute.where, elements, room);
    } catch (Error& error) {
      if (error.kind() != ErrorKind::kUser) throw;
      fail(ErrorKind::kUser, "{}: {}", attribute.where, error.message());
    }
  }
  const Handle memory(H5Tcopy(type), H5Tclose);
  std::string all(H5Tget_size(type) * static_cast<std::size_t>(attribute.count), '\0');
  attribute.read(memory.id(), all.data());
  return fixed_texts(type, all);
}

template <class T>
std::vector<T> read_numbers(const Open& attribute, hid_t memory) {
  std::vector<T> out(static_cast<std::size_t>(attribute.count));
  if (!out.empty()) attribute.read(memory, out.data());
  return out;
}

template <class T>
AttributeValue one_or_list(std::vector<T> values) {
  if (values.size() == 1) return std::move(values.front());
  return values;
}

/// Numbers and texts; nothing for the rest.
std::optional<AttributeValue> read_value(const Open& attribute, TextRoom& room) {
  const hid_t type = attribute.type.id();
  switch (H5Tget_class(type)) {
    case H5T_STRING: {
      auto texts = read_texts(attribute, room);
      if (texts.empty()) return std::string();
      return one_or_list(std::move(texts));
    }
    case H5T_INTEGER: {
      if (H5Tget_sign(type) == H5T_SGN_NONE && H5Tget_size(type) >= 8) {
        auto values = read_numbers<std::uint64_t>(attribute, H5T_NATIVE_UINT64);
        return values.size() == 1 ? whole_value(values.front()) : whole_value(std::move(values));
      }
      return one_or_list(read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64));
    }
    case H5T_FLOAT: return one_or_list(read_numbers<double>(attribute, H5T_NATIVE_DOUBLE));
    case H5T_ENUM: {
      const ElementType element = read_type(attribute.file.name(), attribute.where, type);
      if (!element.note.empty()) return std::nullopt;
      auto values = read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64);
      if (element.transform.dtype == DType::kBool && values.size() == 1) return values[0] != 0;
      return one_or_list(std::move(values));
    }
    default: return std::nullopt;
  }
}

/// The axes that a scale is attached to. DIMENSION_LIST of the datasets says the same, by way of the global heap, where the library
/// trusts what it reads.
std::vector<Attachment> read_attachments(const Open& attribute) {
  std::vector<Attachment> out;
  const hid_t type = attribute.type.id();
  if (H5Tget_class(type) != H5T_COMPOUND || H5Tget_nmembers(type) != 2 || attribute.count == 0) return out;
  if (H5Tget_member_index(type, "dataset") != 0 || H5Tget_member_index(type, "dimension") != 1) return out;
  const Handle reference(H5Tget_member_type(type, 0), H5Tclose);
  if (H5Tequal(reference.id(), H5T_STD_REF_OBJ) <= 0 || H5Tget_member_class(type, 1) != H5T_INTEGER) return out;
  struct Entry {
    hobj_ref_t dataset;
    int axis;
  };
  const Handle memory(H5Tcreate(H5T_COMPOUND, sizeof(Entry)), H5Tclose);
  H5Tinsert(memory.id(), "dataset", offsetof(Entry, dataset), H5T_STD_REF_OBJ);
  H5Tinsert(memory.id(), "dimension", offsetof(Entry, axis), H5T_NATIVE_INT);
  for (const Entry& entry : read_numbers<Entry>(attribute, memory.id())) out.push_back({entry.dataset, entry.axis});
  return out;
}

/// "int16", "float32"; nothing for int64, float64 and what is no number.
std::string number_type(hid_t type) {
  const std::size_t bytes = H5Tget_size(type);
  if (H5Tget_class(type) == H5T_FLOAT) return bytes == sizeof(float) ? "float32" : "";
  if (H5Tget_class(type) != H5T_INTEGER || bytes > 8 || (bytes & (bytes - 1)) != 0) return "";
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  if (is_signed && bytes == 8) return "";
  return fmt::format("{}int{}", is_signed ? "" : "u", 8 * bytes);
}

bool is_integer(const Open& attribute) { return H5Tget_class(attribute.type.id()) == H5T_INTEGER; }

}  // namespace

std::vector<std::string> fixed_texts(hid_t type, std::string_view bytes) {
  const std::size_t width = H5Tget_size(type);
  std::vector<std::string> out;
  for (std::size_t at = 0; at + width <= bytes.size(); at += width) {
    std::string_view text = bytes.substr(at, width);
    text = text.substr(0, text.find('\0'));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text = text.substr(0, text.find_last_not_of(' ') + 1);
    out.emplace_back(text);
  }
  return out;
}

ObjectAttributes read_attributes(const LibraryFile& file, const std::string& where, hid_t object, TextRoom& room) {
  ObjectAttributes out;
  std::vector<std::string> names;
  hsize_t at = 0;
  // In the order in which they were made where the file keeps it (netCDF-4 does), else by name.
  if (H5Aiterate2(object, H5_INDEX_CRT_ORDER, H5_ITER_INC, &at, keep_name, &names) < 0) {
    names.clear();
    at = 0;
    if (H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, keep_name, &names) < 0) {
      const std::string why = take_library_error(), later = later_form(why);
      if (later.empty()) fail(ErrorKind::kData, "{}: {}: its attributes cannot be listed (HDF5 says: {}). The file is damaged, or was cut short.", file.name(), where, why);
      out.note = "its attributes are " + later;
      return out;
    }
  }
  for (const std::string& name : names) {
    if (name == "DIMENSION_LIST" || name == "_nc3_strict" || name == "_NCCOPY") continue;
    const Open attribute = open_attribute(file, where, object, name);
    if (name == "REFERENCE_LIST") {
      out.attached_to = read_attachments(attribute);
    } else if (name == "DIMENSION_LABELS") {
      if (H5Tget_class(attribute.type.id()) == H5T_STRING) out.labels = read_texts(attribute, room);
    } else if (name == "_Netcdf4Dimid") {
      out.is_netcdf = true;
      if (is_integer(attribute) && attribute.count == 1) out.dimension_id = read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64).front();
    } else if (name == "_Netcdf4Coordinates") {
      out.is_netcdf = true;
      if (is_integer(attribute)) out.coordinate_ids = read_numbers<std::int64_t>(attribute, H5T_NATIVE_INT64);
    } else if (name == "_NCProperties") {
      out.is_netcdf = true;
    } else if (auto value = read_value(attribute, room)) {
      const auto* text = std::get_if<std::string>(&*value);
      if (name == "CLASS" && text != nullptr && *text == "DIMENSION_SCALE") {
        out.is_scale = true;
      } else if (name == "NAME" && text != nullptr && text->starts_with("This is a netCDF dimension but not a netCDF variable")) {
        out.is_dimension_only = true;
      } else {
        // Packed numbers are decoded in float32 where their scale is, and what is written again has its type.
        const hid_t type = attribute.type.id();
        out.shown.push_back({name, std::move(*value), number_type(type)});
      }
    }
  }
  if (out.is_scale) std::erase_if(out.shown, [](const Attribute& a) { return a.key == "NAME"; });
  return out;
}

}  // namespace freestone::formats::hdf5
