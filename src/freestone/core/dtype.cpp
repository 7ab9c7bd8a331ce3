#include "freestone/core/dtype.h"

#include <algorithm>
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

}  // namespace freestone
