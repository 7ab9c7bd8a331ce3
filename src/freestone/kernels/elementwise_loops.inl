// The loops and the table of elementwise math; included by elementwise_loops.cpp, once for each instruction set.

namespace {

template <class T, class R, class F>
void loop1(const std::byte* const* in, std::byte* out, Index n) {
  const T* a = reinterpret_cast<const T*>(in[0]);
  R* r = reinterpret_cast<R*>(out);
  for (Index i = 0; i < n; ++i) r[i] = static_cast<R>(F{}(a[i]));
}
template <class T, class R, class F>
void loop2(const std::byte* const* in, std::byte* out, Index n) {
  const T* a = reinterpret_cast<const T*>(in[0]);
  const T* b = reinterpret_cast<const T*>(in[1]);
  R* r = reinterpret_cast<R*>(out);
  for (Index i = 0; i < n; ++i) r[i] = static_cast<R>(F{}(a[i], b[i]));
}
template <class T, class R, class F>
void loop3(const std::byte* const* in, std::byte* out, Index n) {
  const T* a = reinterpret_cast<const T*>(in[0]);
  const T* b = reinterpret_cast<const T*>(in[1]);
  const T* c = reinterpret_cast<const T*>(in[2]);
  R* r = reinterpret_cast<R*>(out);
  for (Index i = 0; i < n; ++i) r[i] = static_cast<R>(F{}(a[i], b[i], c[i]));
}
/// where(condition, a, b): the condition is bool whatever the compute type.
template <class T>
void loop_where(const std::byte* const* in, std::byte* out, Index n) {
  const std::uint8_t* c = reinterpret_cast<const std::uint8_t*>(in[0]);
  const T* a = reinterpret_cast<const T*>(in[1]);
  const T* b = reinterpret_cast<const T*>(in[2]);
  T* r = reinterpret_cast<T*>(out);
  for (Index i = 0; i < n; ++i) r[i] = c[i] ? a[i] : b[i];
}

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

struct Add { template <class T> T operator()(T a, T b) const { if constexpr (kIsBool<T>) return a || b; else return static_cast<T>(Wrap<T>(a) + Wrap<T>(b)); } };
struct Subtract { template <class T> T operator()(T a, T b) const { return static_cast<T>(Wrap<T>(a) - Wrap<T>(b)); } };
struct Multiply { template <class T> T operator()(T a, T b) const { if constexpr (kIsBool<T>) return a && b; else return static_cast<T>(Wrap<T>(a) * Wrap<T>(b)); } };
struct Divide { template <class T> T operator()(T a, T b) const { return a / b; } };
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
    else {
      if constexpr (std::is_signed_v<T>) { if (b < 0) return a == 1 ? T(1) : a == T(-1) ? (b % 2 ? T(-1) : T(1)) : T(0); }
      Wrap<T> base = Wrap<T>(a), result = 1;
      for (auto e = static_cast<std::make_unsigned_t<T>>(b); e != 0; e = static_cast<std::make_unsigned_t<T>>(e >> 1), base = Wrap<T>(base * base))
        if (e & 1) result = Wrap<T>(result * base);
      return static_cast<T>(result);
    }
  }
};
struct Minimum { template <class T> T operator()(T a, T b) const { if constexpr (kIsFloat<T>) return a < b || a != a ? a : b; else return a < b ? a : b; } };
struct Maximum { template <class T> T operator()(T a, T b) const { if constexpr (kIsFloat<T>) return a > b || a != a ? a : b; else return a > b ? a : b; } };
struct Fmin { template <class T> T operator()(T a, T b) const { if constexpr (kIsFloat<T>) return a <= b || b != b ? a : b; else return a < b ? a : b; } };
struct Fmax { template <class T> T operator()(T a, T b) const { if constexpr (kIsFloat<T>) return a >= b || b != b ? a : b; else return a > b ? a : b; } };
struct Clip { template <class T> T operator()(T x, T lo, T hi) const { return Minimum{}(Maximum{}(x, lo), hi); } };
struct Negative { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return -a; else return static_cast<T>(Wrap<T>(0) - Wrap<T>(a)); } };
struct Positive { template <class T> T operator()(T a) const { return a; } };
struct Absolute { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::fabs(a); else return a < 0 ? static_cast<T>(Wrap<T>(0) - Wrap<T>(a)) : a; } };
struct Sign { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return a != a ? a : T(a > 0) - T(a < 0); else return static_cast<T>((a > 0) - (a < 0)); } };
struct Square { template <class T> T operator()(T a) const { return Multiply{}(a, a); } };
struct Reciprocal { template <class T> T operator()(T a) const { return T(1) / a; } };
struct Sqrt { template <class T> T operator()(T a) const { return std::sqrt(a); } };
struct Cbrt { template <class T> T operator()(T a) const { return std::cbrt(a); } };
struct Exp { template <class T> T operator()(T a) const { return std::exp(a); } };
struct Exp2 { template <class T> T operator()(T a) const { return std::exp2(a); } };
struct Expm1 { template <class T> T operator()(T a) const { return std::expm1(a); } };
struct Log { template <class T> T operator()(T a) const { return std::log(a); } };
struct Log2 { template <class T> T operator()(T a) const { return std::log2(a); } };
struct Log10 { template <class T> T operator()(T a) const { return std::log10(a); } };
struct Log1p { template <class T> T operator()(T a) const { return std::log1p(a); } };
struct Logaddexp {
  template <class T> T operator()(T a, T b) const {
    if (a == b) return a + T(0.693147180559945309417232121458176568L);
    const T d = a - b;
    if (d > 0) return a + std::log1p(std::exp(-d));
    return d <= 0 ? b + std::log1p(std::exp(d)) : d;
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
struct Tanh { template <class T> T operator()(T a) const { return std::tanh(a); } };
struct Arcsinh { template <class T> T operator()(T a) const { return std::asinh(a); } };
struct Arccosh { template <class T> T operator()(T a) const { return std::acosh(a); } };
struct Arctanh { template <class T> T operator()(T a) const { return std::atanh(a); } };
struct Copysign { template <class T> T operator()(T a, T b) const { return std::copysign(a, b); } };
// Integers are whole already.
struct Floor { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::floor(a); else return a; } };
struct Ceil { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::ceil(a); else return a; } };
struct Trunc { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::trunc(a); else return a; } };
struct Round { template <class T> T operator()(T a) const { if constexpr (kIsFloat<T>) return std::nearbyint(a); else return a; } };
struct Isnan { template <class T> bool operator()(T a) const { return a != a; } };
struct Isinf { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return std::fabs(a) == std::numeric_limits<T>::infinity(); else return false; } };
struct Isfinite { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return std::fabs(a) <= std::numeric_limits<T>::max(); else return true; } };
struct Signbit { template <class T> bool operator()(T a) const { if constexpr (kIsFloat<T>) return std::signbit(a); else return a < 0; } };
struct Equal { template <class T> bool operator()(T a, T b) const { return a == b; } };
struct NotEqual { template <class T> bool operator()(T a, T b) const { return a != b; } };
struct Less { template <class T> bool operator()(T a, T b) const { return a < b; } };
struct LessEqual { template <class T> bool operator()(T a, T b) const { return a <= b; } };
struct Greater { template <class T> bool operator()(T a, T b) const { return a > b; } };
struct GreaterEqual { template <class T> bool operator()(T a, T b) const { return a >= b; } };
struct LogicalAnd { bool operator()(bool a, bool b) const { return a && b; } };
struct LogicalOr { bool operator()(bool a, bool b) const { return a || b; } };
struct LogicalXor { bool operator()(bool a, bool b) const { return a != b; } };
struct LogicalNot { bool operator()(bool a) const { return !a; } };
struct BitwiseAnd { template <class T> T operator()(T a, T b) const { return static_cast<T>(a & b); } };
struct BitwiseOr { template <class T> T operator()(T a, T b) const { return static_cast<T>(a | b); } };
struct BitwiseXor { template <class T> T operator()(T a, T b) const { return static_cast<T>(a ^ b); } };
struct Invert { template <class T> T operator()(T a) const { if constexpr (kIsBool<T>) return !a; else return static_cast<T>(~a); } };

template <class F, class T, bool kToBool, int kArity>
constexpr BlockLoop loop() {
  using R = std::conditional_t<kToBool, bool, T>;
  if constexpr (kArity == 1) return loop1<T, R, F>;
  else if constexpr (kArity == 2) return loop2<T, R, F>;
  else return loop3<T, R, F>;
}
using Loops = std::array<BlockLoop, kRealTypes>;

template <class F, int kArity, bool kToBool = false>
constexpr Loops float_loops() {
  Loops loops{};
  loops[9] = loop<F, float, kToBool, kArity>();
  loops[10] = loop<F, double, kToBool, kArity>();
  return loops;
}
template <class F, int kArity, bool kToBool = false>
constexpr Loops integer_loops() {
  Loops loops{};
  loops[1] = loop<F, std::int8_t, kToBool, kArity>();
  loops[2] = loop<F, std::int16_t, kToBool, kArity>();
  loops[3] = loop<F, std::int32_t, kToBool, kArity>();
  loops[4] = loop<F, std::int64_t, kToBool, kArity>();
  loops[5] = loop<F, std::uint8_t, kToBool, kArity>();
  loops[6] = loop<F, std::uint16_t, kToBool, kArity>();
  loops[7] = loop<F, std::uint32_t, kToBool, kArity>();
  loops[8] = loop<F, std::uint64_t, kToBool, kArity>();
  return loops;
}
template <class F, int kArity, bool kToBool = false>
constexpr Loops numeric_loops() {
  Loops loops = integer_loops<F, kArity, kToBool>();
  loops[9] = loop<F, float, kToBool, kArity>();
  loops[10] = loop<F, double, kToBool, kArity>();
  return loops;
}
template <class F, int kArity, bool kToBool = false>
constexpr Loops any_loops() {
  Loops loops = numeric_loops<F, kArity, kToBool>();
  loops[0] = loop<F, bool, kToBool, kArity>();
  return loops;
}
template <class F, int kArity>
constexpr Loops bit_loops() {
  Loops loops = integer_loops<F, kArity>();
  loops[0] = loop<F, bool, false, kArity>();
  return loops;
}
template <class F, int kArity>
constexpr Loops bool_loops() {
  Loops loops{};
  if constexpr (kArity == 1) loops[0] = loop1<bool, bool, F>;
  else loops[0] = loop2<bool, bool, F>;
  return loops;
}
constexpr Loops where_loops() {
  return {loop_where<bool>, loop_where<std::int8_t>, loop_where<std::int16_t>, loop_where<std::int32_t>, loop_where<std::int64_t>,
          loop_where<std::uint8_t>, loop_where<std::uint16_t>, loop_where<std::uint32_t>, loop_where<std::uint64_t>,
          loop_where<float>, loop_where<double>};
}

using enum Domain;
constexpr auto kSame = Result::kSame;
constexpr auto kToBool = Result::kBool;

// clang-format off
// name            symbol  arity domain    result   ns    loops
const ElementwiseRow kRows[] = {
    {"add",           "+",  2, kAny,     kSame,   0.3,  any_loops<Add, 2>()},
    {"subtract",      "-",  2, kNumeric, kSame,   0.3,  numeric_loops<Subtract, 2>()},
    {"multiply",      "*",  2, kAny,     kSame,   0.3,  any_loops<Multiply, 2>()},
    {"divide",        "/",  2, kDivide,  kSame,   0.5,  float_loops<Divide, 2>()},
    {"floor_divide",  "//", 2, kNumeric, kSame,   4.0,  numeric_loops<FloorDivide, 2>()},
    {"remainder",     "%",  2, kNumeric, kSame,   4.0,  numeric_loops<Remainder, 2>()},
    {"power",         "**", 2, kNumeric, kSame,   10.0, numeric_loops<Power, 2>()},
    {"minimum",       "",   2, kAny,     kSame,   0.4,  any_loops<Minimum, 2>()},
    {"maximum",       "",   2, kAny,     kSame,   0.4,  any_loops<Maximum, 2>()},
    {"fmin",          "",   2, kAny,     kSame,   0.4,  any_loops<Fmin, 2>()},
    {"fmax",          "",   2, kAny,     kSame,   0.4,  any_loops<Fmax, 2>()},
    {"arctan2",       "",   2, kFloat,   kSame,   15.0, float_loops<Arctan2, 2>()},
    {"hypot",         "",   2, kFloat,   kSame,   6.0,  float_loops<Hypot, 2>()},
    {"logaddexp",     "",   2, kFloat,   kSame,   20.0, float_loops<Logaddexp, 2>()},
    {"copysign",      "",   2, kFloat,   kSame,   0.4,  float_loops<Copysign, 2>()},
    {"negative",      "-",  1, kNumeric, kSame,   0.2,  numeric_loops<Negative, 1>()},
    {"positive",      "+",  1, kNumeric, kSame,   0.2,  numeric_loops<Positive, 1>()},
    {"absolute",      "",   1, kNumeric, kSame,   0.2,  numeric_loops<Absolute, 1>()},
    {"sign",          "",   1, kNumeric, kSame,   0.4,  numeric_loops<Sign, 1>()},
    {"square",        "",   1, kNumeric, kSame,   0.3,  numeric_loops<Square, 1>()},
    {"reciprocal",    "",   1, kFloat,   kSame,   0.5,  float_loops<Reciprocal, 1>()},
    {"sqrt",          "",   1, kFloat,   kSame,   0.8,  float_loops<Sqrt, 1>()},
    {"cbrt",          "",   1, kFloat,   kSame,   10.0, float_loops<Cbrt, 1>()},
    {"exp",           "",   1, kFloat,   kSame,   5.0,  float_loops<Exp, 1>()},
    {"exp2",          "",   1, kFloat,   kSame,   5.0,  float_loops<Exp2, 1>()},
    {"expm1",         "",   1, kFloat,   kSame,   10.0, float_loops<Expm1, 1>()},
    {"log",           "",   1, kFloat,   kSame,   5.0,  float_loops<Log, 1>()},
    {"log2",          "",   1, kFloat,   kSame,   5.0,  float_loops<Log2, 1>()},
    {"log10",         "",   1, kFloat,   kSame,   8.0,  float_loops<Log10, 1>()},
    {"log1p",         "",   1, kFloat,   kSame,   10.0, float_loops<Log1p, 1>()},
    {"sin",           "",   1, kFloat,   kSame,   8.0,  float_loops<Sin, 1>()},
    {"cos",           "",   1, kFloat,   kSame,   8.0,  float_loops<Cos, 1>()},
    {"tan",           "",   1, kFloat,   kSame,   12.0, float_loops<Tan, 1>()},
    {"arcsin",        "",   1, kFloat,   kSame,   10.0, float_loops<Arcsin, 1>()},
    {"arccos",        "",   1, kFloat,   kSame,   10.0, float_loops<Arccos, 1>()},
    {"arctan",        "",   1, kFloat,   kSame,   10.0, float_loops<Arctan, 1>()},
    {"sinh",          "",   1, kFloat,   kSame,   12.0, float_loops<Sinh, 1>()},
    {"cosh",          "",   1, kFloat,   kSame,   12.0, float_loops<Cosh, 1>()},
    {"tanh",          "",   1, kFloat,   kSame,   12.0, float_loops<Tanh, 1>()},
    {"arcsinh",       "",   1, kFloat,   kSame,   15.0, float_loops<Arcsinh, 1>()},
    {"arccosh",       "",   1, kFloat,   kSame,   15.0, float_loops<Arccosh, 1>()},
    {"arctanh",       "",   1, kFloat,   kSame,   15.0, float_loops<Arctanh, 1>()},
    {"floor",         "",   1, kNumeric, kSame,   0.3,  numeric_loops<Floor, 1>()},
    {"ceil",          "",   1, kNumeric, kSame,   0.3,  numeric_loops<Ceil, 1>()},
    {"trunc",         "",   1, kNumeric, kSame,   0.3,  numeric_loops<Trunc, 1>()},
    {"round",         "",   1, kNumeric, kSame,   0.3,  numeric_loops<Round, 1>()},
    {"isnan",         "",   1, kAny,     kToBool, 0.2,  any_loops<Isnan, 1, true>()},
    {"isinf",         "",   1, kAny,     kToBool, 0.2,  any_loops<Isinf, 1, true>()},
    {"isfinite",      "",   1, kAny,     kToBool, 0.2,  any_loops<Isfinite, 1, true>()},
    {"signbit",       "",   1, kNumeric, kToBool, 0.2,  numeric_loops<Signbit, 1, true>()},
    {"equal",         "==", 2, kAny,     kToBool, 0.3,  any_loops<Equal, 2, true>()},
    {"not_equal",     "!=", 2, kAny,     kToBool, 0.3,  any_loops<NotEqual, 2, true>()},
    {"less",          "<",  2, kAny,     kToBool, 0.3,  any_loops<Less, 2, true>()},
    {"less_equal",    "<=", 2, kAny,     kToBool, 0.3,  any_loops<LessEqual, 2, true>()},
    {"greater",       ">",  2, kAny,     kToBool, 0.3,  any_loops<Greater, 2, true>()},
    {"greater_equal", ">=", 2, kAny,     kToBool, 0.3,  any_loops<GreaterEqual, 2, true>()},
    {"logical_and",   "and",2, kBool,    kSame,   0.1,  bool_loops<LogicalAnd, 2>()},
    {"logical_or",    "or", 2, kBool,    kSame,   0.1,  bool_loops<LogicalOr, 2>()},
    {"logical_xor",   "",   2, kBool,    kSame,   0.1,  bool_loops<LogicalXor, 2>()},
    {"logical_not",   "not",1, kBool,    kSame,   0.1,  bool_loops<LogicalNot, 1>()},
    {"bitwise_and",   "&",  2, kInteger, kSame,   0.2,  bit_loops<BitwiseAnd, 2>()},
    {"bitwise_or",    "|",  2, kInteger, kSame,   0.2,  bit_loops<BitwiseOr, 2>()},
    {"bitwise_xor",   "^",  2, kInteger, kSame,   0.2,  bit_loops<BitwiseXor, 2>()},
    {"invert",        "~",  1, kInteger, kSame,   0.2,  bit_loops<Invert, 1>()},
    {"clip",          "",   3, kAny,     kSame,   0.5,  any_loops<Clip, 3>()},
    {"where",         "",   3, kAny,     kSame,   0.4,  where_loops()},
};
// clang-format on

template <class From, class To>
void cast(const std::byte* const* in, std::byte* out, Index n) {
  const From* a = reinterpret_cast<const From*>(in[0]);
  To* r = reinterpret_cast<To*>(out);
  for (Index i = 0; i < n; ++i) {
    if constexpr (kIsBool<To>) {
      r[i] = a[i] != From(0);
    } else if constexpr (kIsFloat<From> && std::is_integral_v<To>) {
      // C++ leaves what does not fit undefined; both bounds are exact in either floating type.
      constexpr From kLow = static_cast<From>(std::numeric_limits<To>::lowest());
      constexpr From kEnd = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
      const From whole = std::trunc(a[i]);
      r[i] = whole >= kLow && whole < kEnd ? static_cast<To>(whole) : std::numeric_limits<To>::lowest();
    } else {
      r[i] = static_cast<To>(a[i]);
    }
  }
}

template <class From>
constexpr std::array<BlockLoop, kRealTypes> casts_from() {
  return {cast<From, bool>, cast<From, std::int8_t>, cast<From, std::int16_t>, cast<From, std::int32_t>, cast<From, std::int64_t>,
          cast<From, std::uint8_t>, cast<From, std::uint16_t>, cast<From, std::uint32_t>, cast<From, std::uint64_t>,
          cast<From, float>, cast<From, double>};
}

const LoopSet kLoopSet = {kRows,
                          {casts_from<bool>(), casts_from<std::int8_t>(), casts_from<std::int16_t>(), casts_from<std::int32_t>(),
                           casts_from<std::int64_t>(), casts_from<std::uint8_t>(), casts_from<std::uint16_t>(), casts_from<std::uint32_t>(),
                           casts_from<std::uint64_t>(), casts_from<float>(), casts_from<double>()}};

}  // namespace

const LoopSet& loop_set() { return kLoopSet; }
