#include "freestone/formats/hdf5_type.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace freestone::formats::hdf5 {
namespace {

constexpr int kDeepestType = 8;
constexpr int kMostFields = 1024;

ElementType unreadable(std::string note) {
  ElementType out;
  out.note = std::move(note);
  return out;
}

ElementType numbers(DType dtype, ByteOrder order) {
  ElementType out;
  out.transform = {.stored = dtype, .order = order, .dtype = dtype};
  out.bytes = size_of(dtype);
  return out;
}

std::optional<ByteOrder> order_of(hid_t type) {
  switch (H5Tget_order(type)) {
    case H5T_ORDER_LE: return ByteOrder::kLittle;
    case H5T_ORDER_BE: return ByteOrder::kBig;
    case H5T_ORDER_NONE: return kNativeOrder;
    default: return std::nullopt;
  }
}

DType integer_of(Index bytes, bool is_signed) {
  switch (bytes) {
    case 1: return is_signed ? DType::kInt8 : DType::kUint8;
    case 2: return is_signed ? DType::kInt16 : DType::kUint16;
    case 4: return is_signed ? DType::kInt32 : DType::kUint32;
    default: return is_signed ? DType::kInt64 : DType::kUint64;
  }
}

hid_t native_number(DType dtype) {
  switch (dtype) {
    case DType::kInt8: return H5T_NATIVE_INT8;
    case DType::kInt16: return H5T_NATIVE_INT16;
    case DType::kInt32: return H5T_NATIVE_INT32;
    case DType::kInt64: return H5T_NATIVE_INT64;
    case DType::kUint8: return H5T_NATIVE_UINT8;
    case DType::kUint16: return H5T_NATIVE_UINT16;
    case DType::kUint32: return H5T_NATIVE_UINT32;
    case DType::kUint64: return H5T_NATIVE_UINT64;
    case DType::kFloat32: return H5T_NATIVE_FLOAT;
    case DType::kFloat64: return H5T_NATIVE_DOUBLE;
    default: fail(ErrorKind::kInternal, "HDF5 converts to {} by another way", name_of(dtype));
  }
}

ElementType by_library(DType dtype, Index bytes) {
  ElementType out = numbers(dtype, kNativeOrder);
  out.bytes = bytes;
  out.needs_library = true;
  return out;
}

/// Integers and bit fields; those of odd sizes or with unused bits as the next larger type.
ElementType read_integer(hid_t type, Index bytes) {
  const bool is_signed = H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
  const auto order = order_of(type);
  if (bytes > 8) return unreadable(fmt::format("its elements are integers of {} bytes, which Freestone has no type for", bytes));
  Index usual = 1;
  while (usual < bytes) usual *= 2;
  const bool is_plain = usual == bytes && order && H5Tget_offset(type) == 0 && H5Tget_precision(type) == static_cast<std::size_t>(8 * bytes);
  if (is_plain) return numbers(integer_of(bytes, is_signed), *order);
  if (H5Tget_class(type) == H5T_BITFIELD) return unreadable("its elements are bit fields with unused bits, which Freestone has no type for");
  return by_library(integer_of(usual, is_signed), bytes);
}

bool is_ieee(hid_t type, std::size_t bytes, std::size_t exponent, std::size_t mantissa, std::size_t bias) {
  std::size_t sign_at = 0, exponent_at = 0, exponent_size = 0, mantissa_at = 0, mantissa_size = 0;
  return H5Tget_size(type) == bytes && H5Tget_precision(type) == 8 * bytes && H5Tget_offset(type) == 0 &&
         H5Tget_fields(type, &sign_at, &exponent_at, &exponent_size, &mantissa_at, &mantissa_size) >= 0 && sign_at == 8 * bytes - 1 &&
         exponent_at == mantissa && exponent_size == exponent && mantissa_at == 0 && mantissa_size == mantissa && H5Tget_ebias(type) == bias &&
         H5Tget_norm(type) == H5T_NORM_IMPLIED;
}

ElementType read_float(hid_t type, Index bytes) {
  const auto order = order_of(type);
  if (order && is_ieee(type, 4, 8, 23, 127)) return numbers(DType::kFloat32, *order);
  if (order && is_ieee(type, 8, 11, 52, 1023)) return numbers(DType::kFloat64, *order);
  if (order && is_ieee(type, 2, 5, 10, 15)) {
    ElementType out = numbers(DType::kFloat32, *order);
    out.transform.stored = DType::kUint16;
    out.transform.halves = true;
    out.bytes = 2;
    return out;
  }
  if (bytes > 8) return unreadable(fmt::format("its elements are floats of {} bytes, which Freestone has no type for", bytes));
  return by_library(bytes <= 4 ? DType::kFloat32 : DType::kFloat64, bytes);
}

std::string taken(char* text) {
  const std::unique_ptr<char, herr_t (*)(void*)> owner(text, H5free_memory);
  return text == nullptr ? "" : text;
}

/// FALSE and TRUE over int8 are h5py's bool; other enumerations are their integers.
ElementType read_enum(const std::string& file, const std::string& where, hid_t type) {
  const Handle base(H5Tget_super(type), H5Tclose);
  const int members = H5Tget_nmembers(type);
  // The library copies values of the size of the whole, whatever the integers in it are.
  if (!base || members < 0 || H5Tget_size(base.id()) != H5Tget_size(type)) fail_in_library(file, where, "its type is no enumeration that could be");
  ElementType out = read_integer(base.id(), static_cast<Index>(H5Tget_size(base.id())));
  if (!out.note.empty()) return out;
  std::vector<std::pair<std::int64_t, std::string>> meanings;
  bool is_bool = members == 2 && out.bytes == 1 && !out.needs_library;
  for (int i = 0; i < std::min(members, kMostFields); ++i) {
    alignas(8) std::byte value[8] = {};
    const std::string name = taken(H5Tget_member_name(type, static_cast<unsigned>(i)));
    if (H5Tget_member_value(type, static_cast<unsigned>(i), value) < 0 ||
        H5Tconvert(base.id(), H5T_NATIVE_INT64, 1, value, nullptr, H5P_DEFAULT) < 0) {
      fail_in_library(file, where, "a value of its enumeration cannot be read");
    }
    std::int64_t number = 0;
    std::memcpy(&number, value, sizeof number);
    is_bool = is_bool && (name == "FALSE" ? number == 0 : name == "TRUE" && number == 1);
    meanings.emplace_back(number, name);
  }
  if (is_bool) return numbers(DType::kBool, kNativeOrder);
  std::sort(meanings.begin(), meanings.end());
  std::vector<std::int64_t> values;
  std::string names;
  for (const auto& [value, name] : meanings) {
    values.push_back(value);
    names += (names.empty() ? "" : " ") + name;
  }
  out.meanings = {{"flag_values", values, ""}, {"flag_meanings", names, ""}};
  return out;
}

/// Single characters are bytes, as in netCDF-3.
ElementType read_text(hid_t type, Index bytes) {
  if (bytes == 1 && H5Tis_variable_str(type) == 0) {
    ElementType out = numbers(DType::kUint8, kNativeOrder);
    out.meanings = {{"numpy_dtype", std::string("S1"), ""}};
    return out;
  }
  ElementType out = unreadable("its elements are texts: labels, and no numbers of an array");
  out.is_text = true;
  out.bytes = bytes;
  return out;
}

ElementType read_compound(const std::string& file, const std::string& where, hid_t type, Index bytes, int depth);

ElementType read_any(const std::string& file, const std::string& where, hid_t type, int depth) {
  const auto bytes = static_cast<Index>(H5Tget_size(type));
  if (bytes <= 0) fail_in_library(file, where, "its type has no size");
  if (depth > kDeepestType) return unreadable("its type is nested more deeply than Freestone looks");
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_BITFIELD: return read_integer(type, bytes);
    case H5T_FLOAT: return read_float(type, bytes);
    case H5T_ENUM: return read_enum(file, where, type);
    case H5T_COMPOUND: return read_compound(file, where, type, bytes, depth);
    case H5T_ARRAY: {
      const Handle base(H5Tget_super(type), H5Tclose);
      const int rank = H5Tget_array_ndims(type);
      if (!base || rank < 0 || rank > H5S_MAX_RANK) fail_in_library(file, where, "its array type cannot be read");
      hsize_t extents[H5S_MAX_RANK] = {};
      H5Tget_array_dims2(type, extents);
      ElementType out = read_any(file, where, base.id(), depth + 1);
      if (!out.note.empty()) return out;
      if (out.is_record()) return unreadable("its elements are arrays of compounds");
      if (rank + out.inner.rank() > kMaxRank) return unreadable(fmt::format("its elements are arrays of more than {} axes", kMaxRank));
      Shape inner;
      for (int k = 0; k < rank; ++k) inner.push_back(static_cast<Index>(extents[k]));
      for (const Index extent : out.inner) inner.push_back(extent);
      out.inner = inner;
      out.bytes = bytes;
      return out;
    }
    case H5T_STRING: return read_text(type, bytes);
    case H5T_VLEN: return unreadable("its elements are lists of different lengths, which are not read");
    case H5T_REFERENCE: return unreadable("its elements are references to other objects");
    case H5T_OPAQUE: return unreadable("its elements are opaque bytes");
    case H5T_TIME: return unreadable("its elements are HDF5's time type, which nobody defined");
    default: return unreadable("its elements are of a class that Freestone does not know");
  }
}

ElementType read_compound(const std::string& file, const std::string& where, hid_t type, Index bytes, int depth) {
  const int members = H5Tget_nmembers(type);
  if (members < 0) fail_in_library(file, where, "its compound type cannot be read");
  if (members > kMostFields) return unreadable(fmt::format("its elements are compounds of {} fields, more than Freestone lists", members));
  ElementType out;
  out.bytes = bytes;
  for (int i = 0; i < members; ++i) {
    const Handle member(H5Tget_member_type(type, static_cast<unsigned>(i)), H5Tclose);
    ElementType::Field field;
    field.name = taken(H5Tget_member_name(type, static_cast<unsigned>(i)));
    field.offset = static_cast<Index>(H5Tget_member_offset(type, static_cast<unsigned>(i)));
    if (!member) fail_in_library(file, where, fmt::format("field '{}' of its type cannot be read", field.name));
    field.type = read_any(file, where, member.id(), depth + 1);
    if (field.type.is_record()) field.type = unreadable("the field is a compound in a compound, which is not read");
    const Index field_bytes = static_cast<Index>(H5Tget_size(member.id()));
    if (field.offset < 0 || field_bytes > bytes || field.offset > bytes - field_bytes) {
      fail(ErrorKind::kData, "{}: {}: field '{}' lies outside its compound. The file is damaged.", file, where, field.name);
    }
    out.fields.push_back(std::move(field));
  }
  if (out.fields.empty()) return unreadable("its elements are compounds without fields");
  if (members == 2) {
    const ElementType::Field &real = out.fields[0], &imaginary = out.fields[1];
    const ElementTransform& part = real.type.transform;
    const bool are_parts = (real.name == "r" && imaginary.name == "i") || (real.name == "real" && imaginary.name == "imag");
    const bool are_floats = real.type.note.empty() && imaginary.type.note.empty() && real.type.inner.empty() && imaginary.type.inner.empty() &&
                            !real.type.needs_library && !imaginary.type.needs_library && is_floating(part.stored) &&
                            part.stored == imaginary.type.transform.stored && part.order == imaginary.type.transform.order;
    if (are_parts && are_floats && real.offset == 0 && imaginary.offset == real.type.bytes && bytes == 2 * real.type.bytes) {
      return numbers(part.stored == DType::kFloat32 ? DType::kComplex64 : DType::kComplex128, part.order);
    }
  }
  return out;
}

}  // namespace

ElementType read_type(const std::string& file, const std::string& where, hid_t type) { return read_any(file, where, type, 0); }

Handle memory_type(hid_t type, const ElementType& element, const std::string& field) {
  if (!field.empty()) {
    const int number = H5Tget_member_index(type, field.c_str());
    const Handle member(number < 0 ? -1 : H5Tget_member_type(type, static_cast<unsigned>(number)), H5Tclose);
    if (!member) return {};
    const Handle inside = memory_type(member.id(), element);
    Handle out(H5Tcreate(H5T_COMPOUND, H5Tget_size(inside.id())), H5Tclose);
    H5Tinsert(out.id(), field.c_str(), 0, inside.id());
    return out;
  }
  if (!element.needs_library && !element.transform.halves) return Handle(H5Tget_native_type(type, H5T_DIR_ASCEND), H5Tclose);
  const hid_t number = native_number(element.transform.dtype);
  if (element.inner.empty()) return Handle(H5Tcopy(number), H5Tclose);
  std::vector<hsize_t> extents(element.inner.begin(), element.inner.end());
  return Handle(H5Tarray_create2(number, static_cast<unsigned>(extents.size()), extents.data()), H5Tclose);
}

}  // namespace freestone::formats::hdf5
