/// DType: the type of an element, named and promoted as NumPy 2 does.
#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone {

enum class DType : std::uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128
};

inline constexpr int kDTypeCount = 13;

/// Bytes of one element.
constexpr Index size_of(DType t) {
  constexpr Index kSizes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16};
  return kSizes[static_cast<int>(t)];
}
constexpr bool is_bool(DType t) { return t == DType::kBool; }
constexpr bool is_signed_integer(DType t) { return t >= DType::kInt8 && t <= DType::kInt64; }
constexpr bool is_unsigned_integer(DType t) { return t >= DType::kUint8 && t <= DType::kUint64; }
constexpr bool is_integer(DType t) { return t >= DType::kInt8 && t <= DType::kUint64; }
constexpr bool is_floating(DType t) { return t == DType::kFloat32 || t == DType::kFloat64; }
constexpr bool is_complex(DType t) { return t == DType::kComplex64 || t == DType::kComplex128; }
/// bool, integer or floating.
constexpr bool is_real(DType t) { return !is_complex(t); }

/// The type of the parts of a complex type; any other type itself.
constexpr DType real_type(DType t) { return t == DType::kComplex64 ? DType::kFloat32 : t == DType::kComplex128 ? DType::kFloat64 : t; }

/// "bool", "int8" ... "complex128".
std::string_view name_of(DType t);

/// @throws Error kind user: not the name of a dtype (NumPy's names and codes such as "f4" or ">f4" are known)
DType parse_dtype(std::string_view name);

/// The type that both convert to, by NumPy 2's table (int64 with uint64 gives float64; int32 with float32 gives float64).
DType promote(DType a, DType b);

/// The type that all convert to: `promote` of one after the other.
/// @throws Error kind user: no types
DType result_type(std::span<const DType> types);

/// Whether every value of `from` is a value of `to`, as NumPy's "safe" casting has it (int64 to float64 counts as safe).
bool can_cast(DType from, DType to);

/// Whether `t` is of a kind of the array API: "bool", "signed integer", "unsigned integer", "integral", "real floating",
/// "complex floating", "numeric".
/// @throws Error kind user: another kind
bool isdtype(DType t, std::string_view kind);

/// The limits of a floating type; of a complex one those of its parts.
struct FloatInfo {
  DType dtype = DType::kFloat64;  ///< floating
  int bits = 64;
  double eps = 0;  ///< 1 and the next larger number differ by it
  double max = 0, min = 0;
  double smallest_normal = 0;
};
/// @throws Error kind user: neither floating nor complex
FloatInfo finfo(DType t);

/// The limits of an integer type.
struct IntInfo {
  DType dtype = DType::kInt64;
  int bits = 64;
  std::int64_t min = 0;
  std::uint64_t max = 0;
};
/// @throws Error kind user: no integer type
IntInfo iinfo(DType t);

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, bool>)
    return DType::kBool;
  else if constexpr (std::is_same_v<T, std::int8_t>)
    return DType::kInt8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return DType::kInt16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return DType::kInt32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return DType::kInt64;
  else if constexpr (std::is_same_v<T, std::uint8_t>)
    return DType::kUint8;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return DType::kUint16;
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return DType::kUint32;
  else if constexpr (std::is_same_v<T, std::uint64_t>)
    return DType::kUint64;
  else if constexpr (std::is_same_v<T, float>)
    return DType::kFloat32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::kFloat64;
  else if constexpr (std::is_same_v<T, std::complex<float>>)
    return DType::kComplex64;
  else {
    static_assert(std::is_same_v<T, std::complex<double>>);
    return DType::kComplex128;
  }
}

/// Carries a C++ type as a value, for `with_type`.
template <class T>
struct TypeTag {
  using type = T;
};

/// Calls `f(TypeTag<T>{})` with the C++ type of `t`: bool, integers and floats (complex is refused as internal error).
template <class F>
decltype(auto) with_real_type(DType t, F&& f) {
  switch (t) {
    case DType::kBool: return f(TypeTag<bool>{});
    case DType::kInt8: return f(TypeTag<std::int8_t>{});
    case DType::kInt16: return f(TypeTag<std::int16_t>{});
    case DType::kInt32: return f(TypeTag<std::int32_t>{});
    case DType::kInt64: return f(TypeTag<std::int64_t>{});
    case DType::kUint8: return f(TypeTag<std::uint8_t>{});
    case DType::kUint16: return f(TypeTag<std::uint16_t>{});
    case DType::kUint32: return f(TypeTag<std::uint32_t>{});
    case DType::kUint64: return f(TypeTag<std::uint64_t>{});
    case DType::kFloat32: return f(TypeTag<float>{});
    case DType::kFloat64: return f(TypeTag<double>{});
    default: throw Error(ErrorKind::kInternal, "a complex array reached a kernel of real numbers");
  }
}

/// Calls `f(TypeTag<T>{})` with the C++ type of `t`, whichever it is.
template <class F>
decltype(auto) with_type(DType t, F&& f) {
  if (t == DType::kComplex64) return f(TypeTag<std::complex<float>>{});
  if (t == DType::kComplex128) return f(TypeTag<std::complex<double>>{});
  return with_real_type(t, std::forward<F>(f));
}

/// Calls `f(TypeTag<T>{})` for float32 and float64 only.
template <class F>
decltype(auto) with_float_type(DType t, F&& f) {
  if (t == DType::kFloat32) return f(TypeTag<float>{});
  ensure(t == DType::kFloat64, "a kernel of floating numbers got another dtype");
  return f(TypeTag<double>{});
}

}  // namespace freestone
