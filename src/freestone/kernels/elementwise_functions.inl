// The functions of the elementwise table, on one element. Part of elementwise_loops.inl.

template <class T>
constexpr bool kIsFloat = std::is_floating_point_v<T>;
template <class T>
constexpr bool kIsBool = std::is_same_v<T, bool>;
/// Integers wrap around as NumPy's do: computed unsigned, where C++ defines it.
template <class T>
struct WrapOf {
  using type = T;
};
template <class T>
  requires(std::is_integral_v<T> && !kIsBool<T>)
struct WrapOf<T> {
  // At least 32 bits: narrower operands would be promoted to int, whose overflow is undefined.
  using type = std::conditional_t<(sizeof(T) < 4), std::uint32_t, std::make_unsigned_t<T>>;
};
template <class T>
using Wrap = typename WrapOf<T>::type;

constexpr long double kLogOf2 = 0.693147180559945309417232121458176568L, kPi = 3.141592653589793238462643383279502884L;

struct Add { template <class T> T operator()(T a, T b) const { if constexpr (kIsBool<T>) return a || b; else return static_cast<T>(Wrap<T>(a) + Wrap<T>(b)); } };
struct Subtract { template <class T> T operator()(T a, T b) const { return static_cast<T>(Wrap<T>(a) - Wrap<T>(b)); } };
struct Multiply { template <class T> T operator()(T a, T b) const { if constexpr (kIsBool<T>) return a && b; else if constexpr (kIsComplex<T>) return times(a, b); else return static_cast<T>(Wrap<T>(a) * Wrap<T>(b)); } };
struct Divide { template <class T> T operator()(T a, T b) const { if constexpr (kIsComplex<T>) return quotient_of(a, b); else return a / b; } };
struct Remainder {
  // The sign of the divisor, as Python has it; integers modulo zero give zero, as NumPy's do.
  template <class T> T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>) {
      T r = std::fmod(a, b);
      if (r != 0) { if ((b < 0) != (r < 0)) r += b; } else r = std::copysign(T(0), b);
      return r;
    } else {
      if (b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1))) return 0;
      T r = static_cast<T>(a % b);
      if (r != 0 && ((r < 0) != (b < 0))) r = static_cast<T>(r + b);
      return r;
    }
  }
};
struct FloorDivide {
  template <class T> T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>) {
      if (b == 0) return a / b;
      T mod = std::fmod(a, b);
      T div = (a - mod) / b;
      if (mod != 0 && ((b < 0) != (mod < 0))) div -= 1;
      if (div == 0) return std::copysign(T(0), a / b);
      const T floored = std::floor(div);
      return div - floored > T(0.5) ? floored + 1 : floored;
    } else {
      if (b == 0) return 0;
      if constexpr (std::is_signed_v<T>) { if (b == static_cast<T>(-1)) return static_cast<T>(Wrap<T>(0) - Wrap<T>(a)); }
      const T q = static_cast<T>(a / b);
      return a % b != 0 && ((a < 0) != (b < 0)) ? static_cast<T>(q - 1) : q;
    }
  }
};
struct Power {
  template <class T> T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>) return b == T(2) ? a * a : std::pow(a, b);
    else if constexpr (kIsComplex<T>) return power_of(a, b);
    else {
      if constexpr (std::is_signed_v<T>) { if (b < 0) return a == 1 ? T(1) : a == T(-1) ? (b % 2 ? T(-1) : T(1)) : T(0); }
      Wrap<T> base = Wrap<T>(a), result = 1;
      for (auto e = static_cast<std::make_unsigned_t<T>>(b); e != 0; e = static_cast<std::make_unsigned_t<T>>(e >> 1), base = Wrap<T>(base * base))
        if (e & 1) result = Wrap<T>(result * base);
      return static_cast<T>(result);
    }
  }
};
// Complex numbers are ordered by their parts, and one with a NaN part is NaN.
struct Minimum { template <class T> T operator()(T a, T b) const { if constexpr (kIsComplex<T>) return has_nan(a) || !(is_less(b, a) || has_nan(b)) ? a : b; else if constexpr (kIsFloat<T>) return a < b || a != a ? a : b; else return a < b ? a : b; } };
struct Maximum { template <class T> T operator()(T a, T b) const { if constexpr (kIsComplex<T>) return has_nan(a) || !(is_less(a, b) || has_nan(b)) ? a : b; else if constexpr (kIsFloat<T>) return a > b || a != a ? a : b; else return a > b ? a : b; } };
struct Fmin { template <class T> T operator()(T a, T b) const { if constexpr (kIsComplex<T>) return has_nan(b) || !(is_less(b, a) || has_nan(a)) ? a : b; else if constexpr (kIsFloat<T>) return a <= b || b != b ? a : b; else return a < b ? a : b; } };
struct Fmax { template <class T> T operator()(T a, T b) const { if constexpr (kIsComplex<T>) return has_nan(b) || !(is_less(a, b) || has_nan(a)) ? a : b; else if constexpr (kIsFloat<T>) return a >= b || b != b ? a : b; else return a > b ? a : b; } };
struct Clip { template <class T> T operator()(T x, T lo, T hi) const { return Minimum{}(Maximum{}(x, lo), hi); } };
struct Negative { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T> || kIsComplex<T>) return -a; else return static_cast<T>(Wrap<T>(0) - Wrap<T>(a)); } };
struct Positive { template <class T> T operator()(T a) const { return a; } };
struct Absolute { template <class T> Real<T> operator()(T a) const { if constexpr (kIsComplex<T>) return std::hypot(a.real(), a.imag()); else if constexpr (kIsBool<T>) return a; else if constexpr (kIsFloat<T>) return std::fabs(a); else return a < 0 ? static_cast<T>(Wrap<T>(0) - Wrap<T>(a)) : a; } };
struct Sign { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return sign_of(a); else if constexpr (kIsFloat<T>) return a != a ? a : T(a > 0) - T(a < 0); else return static_cast<T>((a > 0) - (a < 0)); } };
struct Square { template <class T> T operator()(T a) const { return Multiply{}(a, a); } };
struct Reciprocal { template <class T> T operator()(T a) const { return Divide{}(T(1), a); } };
struct Sqrt { template <class T> T operator()(T a) const { return std::sqrt(a); } };
struct Cbrt { template <class T> T operator()(T a) const { return std::cbrt(a); } };
struct Exp { template <class T> T operator()(T a) const { return std::exp(a); } };
struct Exp2 { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return std::exp(a * Real<T>(kLogOf2)); else return std::exp2(a); } };
struct Expm1 { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return expm1_of(a); else return std::expm1(a); } };
struct Log { template <class T> T operator()(T a) const { return std::log(a); } };
struct Log2 { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return std::log(a) * Real<T>(1 / kLogOf2); else return std::log2(a); } };
struct Log10 { template <class T> T operator()(T a) const { return std::log10(a); } };
struct Log1p { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return log1p_of(a); else return std::log1p(a); } };
struct Logaddexp {
  template <class T> T operator()(T a, T b) const {
    if (a == b) return a + T(kLogOf2);
    const T d = a - b;
    if (d > 0) return a + std::log1p(std::exp(-d));
    return d <= 0 ? b + std::log1p(std::exp(d)) : d;
  }
};
struct Logaddexp2 {
  template <class T> T operator()(T a, T b) const {
    if (a == b) return a + T(1);
    const T d = a - b;
    if (d > 0) return a + T(1 / kLogOf2) * std::log1p(std::exp2(-d));
    return d <= 0 ? b + T(1 / kLogOf2) * std::log1p(std::exp2(d)) : d;
  }
};
struct Sin { template <class T> T operator()(T a) const { return std::sin(a); } };
struct Cos { template <class T> T operator()(T a) const { return std::cos(a); } };
struct Tan { template <class T> T operator()(T a) const { return std::tan(a); } };
struct Arcsin { template <class T> T operator()(T a) const { return std::asin(a); } };
struct Arccos { template <class T> T operator()(T a) const { return std::acos(a); } };
struct Arctan { template <class T> T operator()(T a) const { return std::atan(a); } };
struct Arctan2 { template <class T> T operator()(T a, T b) const { return std::atan2(a, b); } };
struct Hypot { template <class T> T operator()(T a, T b) const { return std::hypot(a, b); } };
struct Sinh { template <class T> T operator()(T a) const { return std::sinh(a); } };
struct Cosh { template <class T> T operator()(T a) const { return std::cosh(a); } };
struct Tanh { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return tanh_of(a); else return std::tanh(a); } };
struct Arcsinh { template <class T> T operator()(T a) const { return std::asinh(a); } };
struct Arccosh { template <class T> T operator()(T a) const { return std::acosh(a); } };
struct Arctanh { template <class T> T operator()(T a) const { return std::atanh(a); } };
struct Copysign { template <class T> T operator()(T a, T b) const { return std::copysign(a, b); } };
// Integers are whole already.
struct Floor { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::floor(a); else return a; } };
struct Ceil { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::ceil(a); else return a; } };
struct Trunc { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::trunc(a); else return a; } };
struct Round { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::nearbyint(a); else if constexpr (kIsComplex<T>) return parts_of(a, [](Real<T> x) { return std::nearbyint(x); }); else return a; } };
struct Isnan { template <class T> bool operator()(T a) const { if constexpr (kIsComplex<T>) return a.real() != a.real() || a.imag() != a.imag(); else return a != a; } };
struct Isinf { template <class T> bool operator()(T a) const { if constexpr (kIsComplex<T>) return Isinf{}(a.real()) || Isinf{}(a.imag()); else if constexpr (kIsFloat<T>) return std::fabs(a) == std::numeric_limits<T>::infinity(); else return false; } };
struct Isfinite { template <class T> bool operator()(T a) const { if constexpr (kIsComplex<T>) return Isfinite{}(a.real()) && Isfinite{}(a.imag()); else if constexpr (kIsFloat<T>) return std::fabs(a) <= std::numeric_limits<T>::max(); else return true; } };
struct Signbit { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return std::signbit(a); else return a < 0; } };
struct Equal { template <class T> bool operator()(T a, T b) const { return a == b; } };
struct NotEqual { template <class T> bool operator()(T a, T b) const { return a != b; } };
struct Less { template <class T> bool operator()(T a, T b) const { if constexpr (kIsComplex<T>) return is_less(a, b); else return a < b; } };
struct LessEqual { template <class T> bool operator()(T a, T b) const { if constexpr (kIsComplex<T>) return is_less_or_equal(a, b); else return a <= b; } };
struct Greater { template <class T> bool operator()(T a, T b) const { if constexpr (kIsComplex<T>) return is_less(b, a); else return a > b; } };
struct GreaterEqual { template <class T> bool operator()(T a, T b) const { if constexpr (kIsComplex<T>) return is_less_or_equal(b, a); else return a >= b; } };
struct LogicalAnd { bool operator()(bool a, bool b) const { return a && b; } };
struct LogicalOr { bool operator()(bool a, bool b) const { return a || b; } };
struct LogicalXor { bool operator()(bool a, bool b) const { return a != b; } };
struct LogicalNot { bool operator()(bool a) const { return !a; } };
struct BitwiseAnd { template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); } };
struct BitwiseOr { template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); } };
struct BitwiseXor { template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); } };
struct Invert { template <class T> T operator()(T a) const { if constexpr (kIsBool<T>) return !a; else return static_cast<T>(~a); } };
/// By as many bits as there are, or more, or by a negative number: every bit is gone, as NumPy has it.
struct LeftShift { template <class T> T operator()(T a, T b) const { return static_cast<std::make_unsigned_t<T>>(b) < 8 * sizeof(T) ? static_cast<T>(Wrap<T>(a) << b) : T(0); } };
struct RightShift { template <class T> T operator()(T a, T b) const { return static_cast<std::make_unsigned_t<T>>(b) < 8 * sizeof(T) ? static_cast<T>(a >> b) : a < 0 ? static_cast<T>(-1) : T(0); } };
template <class T>
auto magnitude_of(T a) {
  using U = std::make_unsigned_t<T>;
  return a < 0 ? static_cast<U>(Wrap<T>(0) - Wrap<T>(a)) : static_cast<U>(a);
}
struct BitwiseCount { template <class T> std::uint8_t operator()(T a) const { return static_cast<std::uint8_t>(std::popcount(magnitude_of(a))); } };
struct Gcd {
  template <class T> T operator()(T a, T b) const {
    auto x = magnitude_of(a), y = magnitude_of(b);
    while (y != 0) {
      const auto rest = static_cast<decltype(x)>(x % y);
      x = y, y = rest;
    }
    return static_cast<T>(x);
  }
};
struct Lcm {
  template <class T> T operator()(T a, T b) const {
    const auto x = magnitude_of(a), y = magnitude_of(b), divisor = Gcd{}(x, y);
    return divisor == 0 ? T(0) : static_cast<T>(Wrap<T>(x / divisor) * Wrap<T>(y));
  }
};
/// The sign of the dividend, as C has it.
struct Fmod {
  template <class T> T operator()(T a, T b) const {
    if constexpr (kIsFloat<T>) return std::fmod(a, b);
    else return b == 0 || (std::is_signed_v<T> && b == static_cast<T>(-1)) ? T(0) : static_cast<T>(a % b);
  }
};
struct Nextafter { template <class T> T operator()(T a, T b) const { return std::nextafter(a, b); } };
struct Heaviside { template <class T> T operator()(T a, T at_zero) const { return a != a ? a : a == 0 ? at_zero : T(a > 0); } };
struct Ldexp {
  // What does not fit into int has long overflowed, or vanished.
  template <class T> T operator()(T a, std::int64_t e) const { return std::ldexp(a, static_cast<int>(std::clamp<std::int64_t>(e, -100000, 100000))); }
};
struct FrexpMantissa { template <class T> T operator()(T a) const { int e = 0; return std::frexp(a, &e); } };
struct FrexpExponent { template <class T> std::int32_t operator()(T a) const { int e = 0; if (Isfinite{}(a)) std::ignore = std::frexp(a, &e); return e; } };
struct ModfFraction { template <class T> T operator()(T a) const { return Isinf{}(a) ? std::copysign(T(0), a) : std::copysign(a - std::trunc(a), a); } };
struct Conjugate { template <class T> T operator()(T a) const { if constexpr (kIsComplex<T>) return {a.real(), -a.imag()}; else return a; } };
struct RealPart { template <class T> Real<T> operator()(T a) const { if constexpr (kIsComplex<T>) return a.real(); else return a; } };
struct ImaginaryPart { template <class T> Real<T> operator()(T a) const { if constexpr (kIsComplex<T>) return a.imag(); else return T(0); } };
struct Angle { template <class T> Real<T> operator()(T a) const { if constexpr (kIsComplex<T>) return std::atan2(a.imag(), a.real()); else return std::atan2(T(0), a); } };
struct Deg2rad { template <class T> T operator()(T a) const { return a * T(kPi / 180); } };
struct Rad2deg { template <class T> T operator()(T a) const { return a * T(180 / kPi); } };
struct Sinc {
  // sin(y) / y is 1 for a y that small.
  template <class T> T operator()(T a) const {
    const T y = (a == T(0) ? T(Real<T>(1e-20)) : a) * Real<T>(kPi);
    return Divide{}(T(std::sin(y)), y);
  }
};
struct Isposinf { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return a == std::numeric_limits<T>::infinity(); else return false; } };
struct Isneginf { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return a == -std::numeric_limits<T>::infinity(); else return false; } };
/// x, with these numbers for NaN and the infinities; in complex numbers part by part.
struct NanToNum {
  template <class T> T operator()(T x, T nan, T positive, T negative) const {
    if constexpr (kIsComplex<T>) return parts_of(x, [&](Real<T> part) { return NanToNum{}(part, nan.real(), positive.real(), negative.real()); });
    else return Isnan{}(x) ? nan : Isposinf{}(x) ? positive : Isneginf{}(x) ? negative : x;
  }
};
/// |a - b| <= absolute + relative * |b| where b is finite; equal elements are close, and NaN is close to nothing.
struct Isclose {
  template <class T> bool operator()(T a, T b, T relative, T absolute) const {
    const auto tolerance = RealPart{}(absolute) + RealPart{}(relative) * Absolute{}(b);
    return a == b || (Isfinite{}(b) && Absolute{}(a - b) <= tolerance);
  }
};
struct Where { template <class T> T operator()(std::uint8_t condition, T a, T b) const { return condition ? a : b; } };
