#include "freestone/formats/netcdf3_attributes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

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

/// The numbers of a value, either kind empty.
struct Numbers {
  std::vector<std::int64_t> whole;
  std::vector<double> real;
  std::size_t size() const { return whole.size() + real.size(); }
};

Numbers numbers_of(const AttributeValue& value) {
  Numbers out;
  if (const auto* one = std::get_if<bool>(&value)) out.whole = {*one ? 1 : 0};
  if (const auto* one = std::get_if<std::int64_t>(&value)) out.whole = {*one};
  if (const auto* one = std::get_if<double>(&value)) out.real = {*one};
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) out.whole = *list;
  if (const auto* list = std::get_if<std::vector<double>>(&value)) out.real = *list;
  return out;
}

/// Calls `f` with a value of the C++ type of `type`.
template <class F>
auto with_type(Type type, F&& f) {
  switch (type) {
    case Type::kByte: return f(std::int8_t{});
    case Type::kShort: return f(std::int16_t{});
    case Type::kInt: return f(std::int32_t{});
    case Type::kFloat: return f(float{});
    case Type::kDouble: return f(double{});
    case Type::kUshort: return f(std::uint16_t{});
    case Type::kUint: return f(std::uint32_t{});
    case Type::kInt64: return f(std::int64_t{});
    case Type::kUint64: return f(std::uint64_t{});
    case Type::kChar: case Type::kUbyte: break;
  }
  return f(std::uint8_t{});
}

template <class T>
bool holds(std::int64_t value) {
  if constexpr (std::is_integral_v<T>) {
    return std::in_range<T>(value);
  } else {
    constexpr std::int64_t kExact = std::int64_t{1} << std::numeric_limits<T>::digits;
    return value >= -kExact && value <= kExact;
  }
}
template <class T>
bool holds(double value) {
  if constexpr (std::is_integral_v<T>) {
    // Behind the largest one, which float64 may not have.
    const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
    return value == std::floor(value) && value < limit && value >= static_cast<double>(std::numeric_limits<T>::min());
  } else {
    return !std::isfinite(value) || std::fabs(value) <= static_cast<double>(std::numeric_limits<T>::max());  // rounded at most
  }
}

bool can_hold(Type type, const Numbers& numbers) {
  return with_type(type, [&](auto t) {
    using T = decltype(t);
    return std::all_of(numbers.whole.begin(), numbers.whole.end(), [](std::int64_t v) { return holds<T>(v); }) &&
           std::all_of(numbers.real.begin(), numbers.real.end(), [](double v) { return holds<T>(v); });
  });
}

bool is_of_elements(const std::string& key) {
  static constexpr std::string_view kKeys[] = {"_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "flag_values", "flag_masks"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys);
}

std::optional<Type> type_named(const std::string& name, int version) {
  for (const Type type : {Type::kByte, Type::kShort, Type::kFloat, Type::kUbyte, Type::kUshort, Type::kUint, Type::kInt64, Type::kUint64}) {
    if (name_of(dtype_of(type)) == name && (version == 5 || !is_extended(type))) return type;
  }
  return std::nullopt;
}

Type type_for(const Attribute& attribute, const Numbers& numbers, std::optional<Type> variable, int version) {
  if (variable && *variable != Type::kChar && is_of_elements(attribute.key) && can_hold(*variable, numbers)) return *variable;
  if (const auto named = type_named(attribute.comment, version); named && can_hold(*named, numbers)) return *named;
  if (std::holds_alternative<bool>(attribute.value)) return Type::kByte;
  if (numbers.whole.empty() && !numbers.real.empty()) return Type::kDouble;
  return can_hold(Type::kInt, numbers) ? Type::kInt : can_hold(Type::kDouble, numbers) ? Type::kDouble : Type::kInt64;
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
  const Numbers numbers = numbers_of(attribute.value);
  return !can_hold(Type::kInt, numbers) && !can_hold(Type::kDouble, numbers);
}

std::string format_attribute(const Attribute& attribute, std::optional<Type> variable, int version) {
  std::string out;
  put_name(out, attribute.key, version);
  std::optional<std::string> text;
  if (const auto* one = std::get_if<std::string>(&attribute.value)) text = *one;
  if (const auto* list = std::get_if<std::vector<std::string>>(&attribute.value)) {
    text.emplace();
    for (std::size_t i = 0; i < list->size(); ++i) *text += (i == 0 ? "" : "\n") + (*list)[i];
  }
  if (text) {
    put_word(out, static_cast<std::uint32_t>(Type::kChar));
    put_count(out, static_cast<Index>(text->size()), version);
    out += *text;
  } else {
    const Numbers numbers = numbers_of(attribute.value);
    const Type type = type_for(attribute, numbers, variable, version);
    put_word(out, static_cast<std::uint32_t>(type));
    put_count(out, static_cast<Index>(numbers.size()), version);
    with_type(type, [&](auto t) {
      using T = decltype(t);
      for (const std::int64_t value : numbers.whole) put(out, static_cast<T>(value));
      for (const double value : numbers.real) put(out, static_cast<T>(value));
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
