#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "freestone/base/base64.h"
#include "freestone/formats/zarr_texts.h"

namespace freestone::formats::zarr {
namespace {

std::string text_of(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 120) text = text.substr(0, 117) + "...";
  return text;
}

ElementType plain(DType dtype, ByteOrder order) { return {{.stored = dtype, .order = order, .dtype = dtype}, ""}; }
ElementType half(ByteOrder order) { return {{.stored = DType::kUint16, .order = order, .dtype = DType::kFloat32, .halves = true}, ""}; }

// Of bytes; NumPy has 31 bits for it.
constexpr Index kLongestText = Index{1} << 31;

/// Single letters are bytes, as in netCDF and HDF5.
ElementType texts(TextForm form, ByteOrder order, Index bytes) {
  const DType unit = form == TextForm::kUtf32 ? DType::kUint32 : DType::kUint8;
  ElementType out = plain(unit, order);
  if (form == TextForm::kBytes && bytes == 1) {
    out.label = "S1";
  } else {
    out.text = form;
    out.text_bytes = bytes;
  }
  return out;
}

[[noreturn]] void fail_type(const std::string& name, const std::string& what) {
  fail(ErrorKind::kUser,
       "{}: its elements are {}, which Freestone does not read (it reads bool, integers, floats, complex numbers, times and texts).", name, what);
}

/// The names in a list of fields: [["a", "<i4"], ...].
std::string field_names(const Json& fields) {
  std::string out;
  if (!fields.is_array()) return out;
  for (const Json& field : fields) {
    const Json& key = field.is_array() && !field.empty() ? field.front() : field;
    if (key.is_string() && out.size() < 200) out += fmt::format("{}'{}'", out.empty() ? "" : ", ", key.get_ref<const std::string&>());
  }
  return out;
}

struct TypeString {
  ByteOrder order = kNativeOrder;
  std::string code;  ///< "f4"
  std::string unit;  ///< of times: "ns", "10s"
};

TypeString split_type(const std::string& text) {
  TypeString out;
  std::string_view rest = text;
  if (!rest.empty() && std::string_view("<>=|").find(rest.front()) != std::string_view::npos) {
    if (rest.front() == '<') out.order = ByteOrder::kLittle;
    if (rest.front() == '>') out.order = ByteOrder::kBig;
    rest.remove_prefix(1);
  }
  if (const auto open = rest.find('['); open != std::string_view::npos && rest.ends_with(']')) {
    out.unit = rest.substr(open + 1, rest.size() - open - 2);
    rest = rest.substr(0, open);
  }
  out.code = rest;
  return out;
}

std::optional<DType> dtype_of_code(const std::string& code) {
  static constexpr std::pair<std::string_view, DType> kCodes[] = {
      {"b1", DType::kBool},    {"i1", DType::kInt8},      {"i2", DType::kInt16},      {"i4", DType::kInt32},  {"i8", DType::kInt64},
      {"u1", DType::kUint8},   {"u2", DType::kUint16},    {"u4", DType::kUint32},     {"u8", DType::kUint64}, {"f4", DType::kFloat32},
      {"f8", DType::kFloat64}, {"c8", DType::kComplex64}, {"c16", DType::kComplex128}};
  for (const auto& [name, dtype] : kCodes) {
    if (name == code) return dtype;
  }
  return std::nullopt;
}

std::optional<DType> dtype_of_name(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(DType::kComplex128); ++i) {
    if (name_of(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

/// Rounded to the nearest binary16, ties to even: 11 bits of significand, the smallest normal number 2^-14.
double rounded_to_half(double value) {
  const double size = std::fabs(value);
  if (!std::isfinite(value) || size == 0) return value;
  if (size >= 65520) return std::copysign(std::numeric_limits<double>::infinity(), value);
  const double step = std::ldexp(1.0, std::max(std::ilogb(size), -14) - 10);
  return std::copysign(std::nearbyint(size / step) * step, value);
}

std::optional<std::uint64_t> hex_bits(const Json& value, Index bytes) {
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  if (!text.starts_with("0x") || text.size() != 2 + 2 * static_cast<std::size_t>(bytes)) return std::nullopt;
  std::uint64_t bits = 0;
  for (const char c : text.substr(2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return std::nullopt;
    bits = bits * 16 + static_cast<std::uint64_t>(digit);
  }
  return bits;
}

/// Nothing for text that is not so many bytes.
std::optional<std::vector<std::byte>> base64_bytes(const Json& value, Index bytes) {
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.get_ref<const std::string&>();
  if (text.size() != static_cast<std::size_t>((bytes + 2) / 3 * 4)) return std::nullopt;
  auto out = base64_decoded(text);
  if (out && static_cast<Index>(out->size()) != bytes) return std::nullopt;
  return out;
}

template <class T>
std::vector<std::byte> bytes_of(T value) {
  std::vector<std::byte> out(sizeof(T));
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

[[noreturn]] void fail_fill(const std::string& name, const Json& value, DType dtype) {
  fail(ErrorKind::kData, "{}: fill_value {} is no {}.", name, text_of(value), name_of(dtype));
}

template <class T>
std::vector<std::byte> integer_fill(const std::string& name, const Json& value, DType dtype) {
  if (value.is_boolean()) return bytes_of(static_cast<T>(value.get<bool>()));
  if (value.is_number_unsigned()) {
    const auto whole = value.get<std::uint64_t>();
    if (whole <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return bytes_of(static_cast<T>(whole));
  } else if (value.is_number_integer()) {
    const auto whole = value.get<std::int64_t>();
    if (std::in_range<T>(whole)) return bytes_of(static_cast<T>(whole));
  } else if (value.is_number()) {
    const double real = value.get<double>();
    if (real == std::floor(real) && std::fabs(real) < 0x1p53 && real >= static_cast<double>(std::numeric_limits<T>::min()) &&
        real <= static_cast<double>(std::numeric_limits<T>::max())) {
      return bytes_of(static_cast<T>(real));
    }
  } else if (dtype == DType::kInt64 && value.is_string() && value.get_ref<const std::string&>() == "NaT") {
    return bytes_of(std::numeric_limits<std::int64_t>::min());
  }
  fail_fill(name, value, dtype);
}

template <class T>
std::vector<std::byte> float_fill(const std::string& name, const Json& value, DType dtype) {
  if (const auto real = number(value)) return bytes_of(static_cast<T>(*real));
  if (const auto bits = hex_bits(value, sizeof(T))) {
    std::vector<std::byte> out(sizeof(T));
    std::memcpy(out.data(), &*bits, sizeof(T));
    return out;
  }
  fail_fill(name, value, dtype);
}

template <class T>
std::vector<std::byte> complex_fill(const std::string& name, const Json& value, DType dtype) {
  if (value.is_number()) return bytes_of(std::complex<T>(static_cast<T>(value.get<double>()), 0));
  if (!value.is_array() || value.size() != 2) fail_fill(name, value, dtype);
  std::vector<std::byte> out = float_fill<T>(name, value[0], dtype), imaginary = float_fill<T>(name, value[1], dtype);
  out.insert(out.end(), imaginary.begin(), imaginary.end());
  return out;
}

}  // namespace

const Json& member(const std::string& name, const Json& object, const std::string& field) {
  const auto found = object.is_object() ? object.find(field) : object.end();
  if (found == object.end()) fail(ErrorKind::kData, "{}: {} is missing.", name, field);
  return *found;
}

Shape shape_from(const std::string& name, const std::string& field, const Json& value, Index least) {
  if (!value.is_array()) fail(ErrorKind::kData, "{}: {} is {}, not a list of whole numbers.", name, field, text_of(value));
  if (value.size() > kMaxRank) fail(ErrorKind::kUser, "{}: it has {} axes; Freestone handles up to {}.", name, value.size(), kMaxRank);
  Shape shape;
  for (const Json& extent : value) {
    const bool fits = extent.is_number_unsigned() ? extent.get<std::uint64_t>() <= std::uint64_t{1} << 62 : extent.is_number_integer();
    if (!fits || extent.get<Index>() < least) {
      fail(ErrorKind::kData, "{}: {} is {}: its lengths are whole numbers from {} on.", name, field, text_of(value), least);
    }
    shape.push_back(extent.get<Index>());
  }
  return shape;
}

ElementType element_type_v2(const std::string& name, const Json& value) {
  if (value.is_array()) fail_type(name, fmt::format("records (fields {})", field_names(value)));
  if (!value.is_string()) fail(ErrorKind::kData, "{}: dtype is {}, not the name of a type.", name, text_of(value));
  const std::string& text = value.get_ref<const std::string&>();
  const TypeString type = split_type(text);
  if (type.unit.empty()) {
    if (const auto dtype = dtype_of_code(type.code)) return plain(*dtype, type.order);
    if (type.code == "f2") return half(type.order);
  } else if (type.code == "M8" || type.code == "m8") {
    ElementType out = plain(DType::kInt64, type.order);
    out.label = fmt::format("{}64[{}]", type.code == "M8" ? "datetime" : "timedelta", type.unit);
    return out;
  }
  const char kind = type.code.empty() ? '?' : type.code.front();
  if ((kind == 'S' || kind == 'U') && type.unit.empty()) {
    Index length = -1;
    const char* const end = type.code.data() + type.code.size();
    const auto [stop, error] = std::from_chars(type.code.data() + 1, end, length);
    const Index width = kind == 'U' ? 4 : 1;
    if (error != std::errc() || stop != end || length < 0 || length > kLongestText / width) {
      fail(ErrorKind::kData, "{}: dtype is '{}': texts have a length from 0 on.", name, text);
    }
    return texts(kind == 'U' ? TextForm::kUtf32 : TextForm::kBytes, type.order, length * width);
  }
  fail_type(name, fmt::format("{} (dtype '{}')",
                              kind == 'O'   ? "Python objects"
                              : kind == 'V' ? "raw bytes"
                                            : "of a type",
                              text));
}

ElementType element_type_v3(const std::string& name, const Json& value) {
  const bool is_object = value.is_object();
  const Json& type = is_object ? member(name, value, "name") : value;
  if (!type.is_string()) fail(ErrorKind::kData, "{}: data_type is {}, not the name of a type.", name, text_of(value));
  const std::string& text = type.get_ref<const std::string&>();
  if (const auto dtype = dtype_of_name(text)) return plain(*dtype, ByteOrder::kLittle);
  if (text == "float16") return half(ByteOrder::kLittle);
  const Json configuration = is_object ? value.value("configuration", Json::object()) : Json::object();
  if (text == "string") return {.transform = {.stored = DType::kUint8, .dtype = DType::kUint8}, .label = "", .text = TextForm::kVarying};
  if (text == "fixed_length_utf32" || text == "null_terminated_bytes") {
    const bool is_utf32 = text == "fixed_length_utf32";
    const Json& length = member(name, configuration, "length_bytes");
    if (!length.is_number_integer() || length < 0 || length > kLongestText || (is_utf32 && length.get<Index>() % 4 != 0)) {
      fail(ErrorKind::kData, "{}: data_type is {}: its length_bytes is damaged.", name, text_of(value));
    }
    return texts(is_utf32 ? TextForm::kUtf32 : TextForm::kBytes, ByteOrder::kLittle, length.get<Index>());
  }
  if (text == "numpy.datetime64" || text == "numpy.timedelta64") {
    const Json& unit = member(name, configuration, "unit");
    const Json scale = configuration.value("scale_factor", Json(1));
    if (!unit.is_string() || !scale.is_number_integer())
      fail(ErrorKind::kData, "{}: data_type is {}: its unit is damaged.", name, text_of(value));
    ElementType out = plain(DType::kInt64, ByteOrder::kLittle);
    const auto factor = scale.get<Index>();
    out.label = fmt::format("{}[{}{}]", text.substr(6), factor == 1 ? "" : std::to_string(factor), unit.get_ref<const std::string&>());
    return out;
  }
  if (text == "structured" || text == "struct") {
    fail_type(name, fmt::format("records (fields {})",
                                field_names(configuration.is_object() ? configuration.value("fields", Json::array()) : Json())));
  }
  fail_type(name, fmt::format("of the type '{}'", text));
}

StoredType number_type(const std::string& name, const Json& value) {
  const ElementType type = element_type_v2(name, value);
  if (type.transform.halves || type.text != TextForm::kNone) fail(ErrorKind::kUser, "{}: a filter on {}, which Freestone does not read.", name, type.transform.halves ? "float16 numbers" : "texts");
  return {type.transform.stored, type.transform.order};
}

std::vector<std::byte> fill_from(const std::string& name, const Json& value, const ElementType& type) {
  if (type.text != TextForm::kNone) return text_fill(name, value, type);
  const ElementTransform& transform = type.transform;
  const DType dtype = transform.dtype;
  const auto width = size_of(dtype);
  // Of letters the empty one is "".
  if (value.is_null() || (type.label == "S1" && value == "")) return std::vector<std::byte>(static_cast<std::size_t>(width));
  if (transform.halves) {
    if (const auto bits = hex_bits(value, 2)) {
      const auto stored = static_cast<std::uint16_t>(*bits);
      std::vector<std::byte> out(4);
      ElementTransform native = transform;
      native.order = kNativeOrder;
      native.decode(bytes_of(stored).data(), out.data(), 1);
      return out;
    }
    if (const auto real = number(value)) return bytes_of(static_cast<float>(rounded_to_half(*real)));
  }
  if (const auto stored = base64_bytes(value, size_of(transform.stored)); stored && !number(value) && !hex_bits(value, width)) {
    std::vector<std::byte> out(static_cast<std::size_t>(width));
    transform.decode(stored->data(), out.data(), 1);
    return out;
  }
  switch (dtype) {
    case DType::kBool:
      if (value.is_boolean()) return bytes_of(static_cast<std::uint8_t>(value.get<bool>()));
      if (value.is_number() && (value == 0 || value == 1)) return bytes_of(static_cast<std::uint8_t>(value == 1));
      fail_fill(name, value, dtype);
    case DType::kInt8: return integer_fill<std::int8_t>(name, value, dtype);
    case DType::kInt16: return integer_fill<std::int16_t>(name, value, dtype);
    case DType::kInt32: return integer_fill<std::int32_t>(name, value, dtype);
    case DType::kInt64: return integer_fill<std::int64_t>(name, value, dtype);
    case DType::kUint8: return integer_fill<std::uint8_t>(name, value, dtype);
    case DType::kUint16: return integer_fill<std::uint16_t>(name, value, dtype);
    case DType::kUint32: return integer_fill<std::uint32_t>(name, value, dtype);
    case DType::kUint64: return integer_fill<std::uint64_t>(name, value, dtype);
    case DType::kFloat32: return float_fill<float>(name, value, dtype);
    case DType::kFloat64: return float_fill<double>(name, value, dtype);
    case DType::kComplex64: return complex_fill<float>(name, value, dtype);
    case DType::kComplex128: return complex_fill<double>(name, value, dtype);
  }
  fail_fill(name, value, dtype);
}

}  // namespace freestone::formats::zarr
