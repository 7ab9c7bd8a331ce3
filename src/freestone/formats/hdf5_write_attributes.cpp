#include "freestone/formats/hdf5_write_attributes.h"

#include <algorithm>
#include <cstddef>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/formats/hdf5_write_file.h"

namespace freestone::formats::hdf5 {
namespace {

Handle scalar() { return Handle(H5Screate(H5S_SCALAR), H5Sclose); }

Handle list_of(std::size_t count) {
  const hsize_t length = count;
  return Handle(H5Screate_simple(1, &length, nullptr), H5Sclose);
}

Handle fixed_text(std::size_t bytes, H5T_cset_t characters) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), std::max<std::size_t>(bytes, 1));
  H5Tset_strpad(type.id(), H5T_STR_NULLTERM);
  H5Tset_cset(type.id(), characters);
  return type;
}

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; });
}

hid_t little_endian_type(DType dtype) {
  switch (dtype) {
    case DType::kInt8: return H5T_STD_I8LE;
    case DType::kInt16: return H5T_STD_I16LE;
    case DType::kInt32: return H5T_STD_I32LE;
    case DType::kInt64: return H5T_STD_I64LE;
    case DType::kUint8: return H5T_STD_U8LE;
    case DType::kUint16: return H5T_STD_U16LE;
    case DType::kUint32: return H5T_STD_U32LE;
    case DType::kUint64: return H5T_STD_U64LE;
    case DType::kFloat32: return H5T_IEEE_F32LE;
    default: return H5T_IEEE_F64LE;
  }
}

/// FALSE and TRUE over int8, as h5py has them.
Handle boolean() {
  Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
  for (const std::int8_t value : {0, 1}) H5Tenum_insert(type.id(), value == 0 ? "FALSE" : "TRUE", &value);
  return type;
}

}  // namespace

Handle stored_type(DType dtype, bool is_char) {
  if (is_char) return fixed_text(1, H5T_CSET_ASCII);
  if (is_bool(dtype)) return boolean();
  if (is_real(dtype)) return Handle(H5Tcopy(little_endian_type(dtype)), H5Tclose);
  const auto part = static_cast<std::size_t>(size_of(real_type(dtype)));
  Handle type(H5Tcreate(H5T_COMPOUND, 2 * part), H5Tclose);
  H5Tinsert(type.id(), "r", 0, little_endian_type(real_type(dtype)));
  H5Tinsert(type.id(), "i", part, little_endian_type(real_type(dtype)));
  return type;
}

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), H5T_VARIABLE);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

void AttributeWriter::write(hid_t object, const std::string& where, const std::string& key, hid_t stored, hid_t space, hid_t memory,
                            const void* value) const {
  const Handle attribute(H5Acreate2(object, key.c_str(), stored, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute || (value != nullptr && H5Awrite(attribute.id(), memory, value) < 0)) {
    fail_to_write(file_, where, fmt::format("attribute '{}' cannot be written", key));
  }
}

void AttributeWriter::write_characters(hid_t object, const std::string& where, const std::string& key, const std::string& text) const {
  const Handle type = fixed_text(text.size(), is_ascii(text) ? H5T_CSET_ASCII : H5T_CSET_UTF8);
  // No characters at all are, in netCDF-4, no elements.
  const Handle space = text.empty() ? Handle(H5Screate(H5S_NULL), H5Sclose) : scalar();
  write(object, where, key, type.id(), space.id(), type.id(), text.empty() ? nullptr : text.data());
}

void AttributeWriter::write_int(hid_t object, const std::string& where, const std::string& key, int value) const {
  write(object, where, key, H5T_STD_I32LE, scalar().id(), H5T_NATIVE_INT, &value);
}

void AttributeWriter::write_ints(hid_t object, const std::string& where, const std::string& key, const std::vector<int>& values) const {
  write(object, where, key, H5T_STD_I32LE, list_of(values.size()).id(), H5T_NATIVE_INT, values.data());
}

void AttributeWriter::write_texts(hid_t object, const std::string& where, const std::string& key, const std::vector<std::string>& texts,
                                  bool is_one) const {
  const Handle type = text_type();
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  const Handle space = is_one ? scalar() : list_of(texts.size());
  write(object, where, key, type.id(), space.id(), type.id(), pointers.data());
}

void AttributeWriter::write_dimension_list(hid_t object, const std::string& where, const std::vector<std::optional<hobj_ref_t>>& scales) const {
  const Handle type(H5Tvlen_create(H5T_STD_REF_OBJ), H5Tclose);
  std::vector<hobj_ref_t> references;
  for (const auto& scale : scales) references.push_back(scale.value_or(0));
  std::vector<hvl_t> lists;
  for (std::size_t i = 0; i < scales.size(); ++i) lists.push_back({scales[i] ? std::size_t{1} : 0, scales[i] ? &references[i] : nullptr});
  write(object, where, "DIMENSION_LIST", type.id(), list_of(lists.size()).id(), type.id(), lists.data());
}

void AttributeWriter::write_reference_list(hid_t object, const std::string& where, const std::vector<Entry>& entries) const {
  const Handle type(H5Tcreate(H5T_COMPOUND, sizeof(Entry)), H5Tclose);
  H5Tinsert(type.id(), "dataset", offsetof(Entry, dataset), H5T_STD_REF_OBJ);
  H5Tinsert(type.id(), "dimension", offsetof(Entry, axis), H5T_NATIVE_INT);
  write(object, where, "REFERENCE_LIST", type.id(), list_of(entries.size()).id(), type.id(), entries.data());
}

void AttributeWriter::write(hid_t object, const std::string& where, const Attribute& attribute, std::optional<DType> elements) const {
  if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    // h5py gives texts of a fixed length back as bytes, netCDF ones of any length as lists.
    is_netcdf_ ? write_characters(object, where, attribute.key, *text) : write_texts(object, where, attribute.key, {*text}, true);
    return;
  }
  if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute.value)) {
    write_texts(object, where, attribute.key, *texts, false);
    return;
  }
  const AttributeNumbers numbers = numbers_of(attribute.value);
  const bool is_one = !is_netcdf_ && !is_list(attribute.value);
  const Handle space = is_one ? scalar() : list_of(numbers.size());
  if (!is_netcdf_ && std::holds_alternative<bool>(attribute.value)) {
    const auto value = static_cast<std::int8_t>(numbers.whole.front());
    const Handle type = boolean();
    write(object, where, attribute.key, type.id(), space.id(), type.id(), &value);
    return;
  }
  // A bool is stored as int8 in netCDF, and what is compared with it as well.
  if (elements && is_bool(*elements)) elements = DType::kInt8;
  const DType dtype = stored_dtype(attribute, numbers, elements, true, is_netcdf_ ? DType::kInt32 : DType::kInt64);
  with_real_type(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (!std::is_same_v<T, bool>) {
      const std::vector<T> values = numbers.as<T>();
      write(object, where, attribute.key, little_endian_type(dtype), space.id(), little_endian_type(dtype), values.empty() ? nullptr : values.data());
    }
  });
}

}  // namespace freestone::formats::hdf5
