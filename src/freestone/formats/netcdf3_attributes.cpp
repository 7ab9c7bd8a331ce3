#include "freestone/formats/netcdf3_attributes.h"

#include <algorithm>
#include <cstring>

#include "freestone/formats/attribute_numbers.h"
#include "freestone/storage/byte_order.h"

namespace freestone::formats::netcdf3 {
namespace {

template <class T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  if (kNativeOrder == ByteOrder::kLittle) std::reverse(bytes, bytes + sizeof(T));
  out.append(bytes, sizeof(T));
}

void pad(std::string& out) { out.resize(static_cast<std::size_t>(padded(static_cast<Index>(out.size()))), '\0'); }

/// Calls `f` with a value of the C++ type of `type`.
template <class F>
auto with_type(Type type, F&& f) {
  return with_real_type(dtype_of(type), [&](auto tag) { return f(typename decltype(tag)::type{}); });
}

Type type_for(const Attribute& attribute, const AttributeNumbers& numbers, std::optional<Type> variable, int version) {
  std::optional<DType> elements;
  if (variable && *variable != Type::kChar) elements = dtype_of(*variable);
  return *type_of(stored_dtype(attribute, numbers, elements, version == 5, DType::kInt32));
}

}  // namespace

void put_word(std::string& out, std::uint32_t value) { put(out, value); }

void put_count(std::string& out, Index value, int version) {
  version == 5 ? put(out, value) : put(out, static_cast<std::uint32_t>(value));
}

void put_name(std::string& out, const std::string& name, int version) {
  put_count(out, static_cast<Index>(name.size()), version);
  out += name;
  pad(out);
}

bool wants_cdf5(const Attribute& attribute) {
  const AttributeNumbers numbers = numbers_of(attribute.value);
  return !can_hold(DType::kInt32, numbers) && !can_hold(DType::kFloat64, numbers);
}

std::string format_attribute(const Attribute& attribute, std::optional<Type> variable, int version) {
  std::string out;
  put_name(out, attribute.key, version);
  if (const auto text = lines_of(attribute.value)) {
    put_word(out, static_cast<std::uint32_t>(Type::kChar));
    put_count(out, static_cast<Index>(text->size()), version);
    out += *text;
  } else {
    const AttributeNumbers numbers = numbers_of(attribute.value);
    const Type type = type_for(attribute, numbers, variable, version);
    put_word(out, static_cast<std::uint32_t>(type));
    put_count(out, static_cast<Index>(numbers.size()), version);
    with_type(type, [&](auto t) {
      using T = decltype(t);
      for (const T value : numbers.as<T>()) put(out, value);
    });
  }
  pad(out);
  return out;
}

std::string format_header(const Header& header) {
  const int version = header.version;
  std::string out = "CDF";
  out += static_cast<char>(version);
  put_count(out, header.records(), version);
  const auto list = [&](std::uint32_t tag, std::size_t entries) {
    put_word(out, entries == 0 ? 0 : tag);
    put_count(out, static_cast<Index>(entries), version);
  };
  const auto attributes = [&](const std::vector<Attribute>& all, std::optional<Type> variable) {
    list(0x0c, all.size());
    for (const Attribute& attribute : all) out += format_attribute(attribute, variable, version);
  };
  list(0x0a, header.dims.size());
  for (std::size_t k = 0; k < header.dims.size(); ++k) {
    put_name(out, header.dims[k].name, version);
    put_count(out, static_cast<int>(k) == header.record_dim ? 0 : header.dims[k].length, version);
  }
  attributes(header.attributes, std::nullopt);
  list(0x0b, header.variables.size());
  for (const StoredVariable& variable : header.variables) {
    put_name(out, variable.name, version);
    put_count(out, static_cast<Index>(variable.dims.size()), version);
    for (const int dim : variable.dims) put_count(out, dim, version);
    attributes(variable.attributes, variable.type);
    put_word(out, static_cast<std::uint32_t>(variable.type));
    // What 32 bits do not hold is all ones; readers go by the dimensions.
    const Index bytes = padded(variable.bytes);
    put_count(out, version != 5 && bytes > 0xffff'fffc ? 0xffff'ffff : bytes, version);
    version == 1 ? put(out, static_cast<std::uint32_t>(variable.begin)) : put(out, variable.begin);
  }
  return out;
}

}  // namespace freestone::formats::netcdf3
