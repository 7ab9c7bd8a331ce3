#include "freestone/core/dtype.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace freestone {
namespace {

struct DTypeName {
  std::string_view name, code;
};
constexpr DTypeName kNames[] = {{"bool", "b1"},    {"int8", "i1"},      {"int16", "i2"},      {"int32", "i4"},  {"int64", "i8"},
                                {"uint8", "u1"},   {"uint16", "u2"},    {"uint32", "u4"},     {"uint64", "u8"}, {"float32", "f4"},
                                {"float64", "f8"}, {"complex64", "c8"}, {"complex128", "c16"}};

}  // namespace

std::string_view name_of(DType t) { return kNames[static_cast<int>(t)].name; }

DType parse_dtype(std::string_view name) {
  std::string_view code = name;
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) code.remove_prefix(1);
  for (int i = 0; i < static_cast<int>(std::size(kNames)); ++i)
    if (kNames[i].name == name || kNames[i].code == code) return static_cast<DType>(i);
  std::vector<std::string> names;
  for (const auto& known : kNames) names.emplace_back(known.name);
  fail(ErrorKind::kUser, "'{}' is not a dtype.{}", name, suggestion(name, names));
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);  // bool < ints < uints < floats < complex
  if (is_bool(a)) return b;
  if (is_complex(b)) {
    const bool wide = b == DType::kComplex128 || a == DType::kFloat64 || a == DType::kComplex128 || (is_integer(a) && size_of(a) > 2);
    return wide ? DType::kComplex128 : DType::kComplex64;
  }
  if (is_floating(b)) {
    if (is_floating(a)) return DType::kFloat64;
    return b == DType::kFloat64 || size_of(a) > 2 ? DType::kFloat64 : DType::kFloat32;
  }
  if (is_signed_integer(a) == is_signed_integer(b)) return size_of(a) > size_of(b) ? a : b;
  // a signed, b unsigned: the signed type that holds both, float64 where none does.
  const Index needed = std::max(size_of(a), 2 * size_of(b));
  if (needed > 8) return DType::kFloat64;
  return needed == 2 ? DType::kInt16 : needed == 4 ? DType::kInt32 : DType::kInt64;
}

DType result_type(std::span<const DType> types) {
  if (types.empty()) fail(ErrorKind::kUser, "result_type needs at least one type.");
  DType result = types.front();
  for (const DType t : types.subspan(1)) result = promote(result, t);
  return result;
}

bool can_cast(DType from, DType to) { return promote(from, to) == to; }

bool isdtype(DType t, std::string_view kind) {
  if (kind == "bool") return is_bool(t);
  if (kind == "signed integer") return is_signed_integer(t);
  if (kind == "unsigned integer") return is_unsigned_integer(t);
  if (kind == "integral") return is_integer(t);
  if (kind == "real floating") return is_floating(t);
  if (kind == "complex floating") return is_complex(t);
  if (kind == "numeric") return !is_bool(t);
  fail(ErrorKind::kUser, "'{}' is not a kind of dtypes.{}", kind,
       suggestion(kind, {"bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"}));
}

FloatInfo finfo(DType t) {
  if (!is_floating(t) && !is_complex(t)) fail(ErrorKind::kUser, "finfo is for floating types, not {}; iinfo is for integers.", name_of(t));
  return with_float_type(real_type(t), [&]<class T>(TypeTag<T>) {
    using Limits = std::numeric_limits<T>;
    return FloatInfo{real_type(t), 8 * static_cast<int>(sizeof(T)), Limits::epsilon(), Limits::max(), Limits::lowest(), Limits::min()};
  });
}

IntInfo iinfo(DType t) {
  if (!is_integer(t)) fail(ErrorKind::kUser, "iinfo is for integer types, not {}; finfo is for floating ones.", name_of(t));
  const int bits = 8 * static_cast<int>(size_of(t));
  if (is_unsigned_integer(t)) return {t, bits, 0, ~std::uint64_t{0} >> (64 - bits)};
  const std::uint64_t max = ~std::uint64_t{0} >> (65 - bits);
  return {t, bits, -static_cast<std::int64_t>(max) - 1, max};
}

}  // namespace freestone
