// The loops and the table of elementwise math; included by elementwise_loops.cpp, once for each instruction set.

namespace {

#include "freestone/kernels/elementwise_complex.inl"
#include "freestone/kernels/elementwise_functions.inl"

template <class F, class R, class... A>
FREESTONE_INLINE void for_elements(R* r, Index n, const A*... a) {
  for (Index i = 0; i < n; ++i) r[i] = static_cast<R>(F{}(a[i]...));
}
/// One block: operands of types A, result of type R.
template <class F, class R, class... A>
void block(const std::byte* const* in, std::byte* out, Index n) {
  [&]<std::size_t... K>(std::index_sequence<K...>) {
    for_elements<F>(reinterpret_cast<R*>(out), n, reinterpret_cast<const A*>(in[K])...);
  }(std::index_sequence_for<A...>{});
}

#include "freestone/kernels/elementwise_quotients.inl"

using enum Domain;
using enum Operands;
constexpr auto kSame = Result::kSame, kToBool = Result::kBool, kReal = Result::kReal, kUint8 = Result::kUint8, kInt32 = Result::kInt32;

template <class T, Result kResult>
using ResultOf = std::conditional_t<kResult == kToBool, bool,
                 std::conditional_t<kResult == kReal, Real<T>,
                 std::conditional_t<kResult == kUint8, std::uint8_t,
                 std::conditional_t<kResult == kInt32, std::int32_t, T>>>>;

template <class F, class T, int kArity, Result kResult>
constexpr BlockLoop loop() {
  using R = ResultOf<T, kResult>;
  if constexpr (std::is_same_v<F, Where>) return block<F, R, std::uint8_t, T, T>;  // a bool's byte: of bool itself the compiler makes branches
  else if constexpr ((std::is_same_v<F, FloorDivide> || std::is_same_v<F, Remainder>) && std::is_integral_v<T>) return quotients<F, T>;
  else if constexpr (std::is_same_v<F, Ldexp>) return block<F, R, T, std::int64_t>;
  else if constexpr (kArity == 1) return block<F, R, T>;
  else if constexpr (kArity == 2) return block<F, R, T, T>;
  else if constexpr (kArity == 3) return block<F, R, T, T, T>;
  else return block<F, R, T, T, T, T>;
}

// The compute types of a row, as sets: bool, integers, floating, complex; float64 and complex128 alone.
constexpr unsigned kB = 1, kI = 2, kF = 4, kC = 8, kDoubles = 16;

using Loops = std::array<BlockLoop, kDTypeCount>;

template <class F, int kArity, unsigned kTypes, Result kResult>
constexpr Loops loops() {
  Loops loops{};
  const auto add = [&]<class... T>(TypeTag<T>...) {
    ((loops[static_cast<std::size_t>(dtype_of<T>())] = loop<F, T, kArity, kResult>()), ...);
  };
  if constexpr (kTypes & kB) add(TypeTag<bool>{});
  if constexpr (kTypes & kI)
    add(TypeTag<std::int8_t>{}, TypeTag<std::int16_t>{}, TypeTag<std::int32_t>{}, TypeTag<std::int64_t>{}, TypeTag<std::uint8_t>{},
        TypeTag<std::uint16_t>{}, TypeTag<std::uint32_t>{}, TypeTag<std::uint64_t>{});
  if constexpr (kTypes & kF) add(TypeTag<float>{}, TypeTag<double>{});
  if constexpr (kTypes & kC) add(TypeTag<std::complex<float>>{}, TypeTag<std::complex<double>>{});
  if constexpr (kTypes & kDoubles) add(TypeTag<double>{}, TypeTag<std::complex<double>>{});
  return loops;
}

constexpr double kCloseDefaults[] = {1e-5, 1e-8};  // relative, absolute
constexpr double kNumDefaults[] = {0, std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};

// clang-format off
//   name               symbol arity domain       result   ns    loops
const ElementwiseRow kRows[] = {
    {"add",             "+",   2, kAny,         kSame,   0.3,  loops<Add, 2, kB | kI | kF | kC, kSame>()},
    {"subtract",        "-",   2, kNumbersOnly, kSame,   0.3,  loops<Subtract, 2, kI | kF | kC, kSame>()},
    {"multiply",        "*",   2, kAny,         kSame,   0.3,  loops<Multiply, 2, kB | kI | kF | kC, kSame>()},
    {"divide",          "/",   2, kDivide,      kSame,   0.5,  loops<Divide, 2, kF | kC, kSame>()},
    {"floor_divide",    "//",  2, kNumeric,     kSame,   4.0,  loops<FloorDivide, 2, kI | kF, kSame>()},
    {"remainder",       "%",   2, kNumeric,     kSame,   4.0,  loops<Remainder, 2, kI | kF, kSame>()},
    {"fmod",            "",    2, kNumeric,     kSame,   4.0,  loops<Fmod, 2, kI | kF, kSame>()},
    {"power",           "**",  2, kNumeric,     kSame,   10.0, loops<Power, 2, kI | kF | kC, kSame>()},
    {"float_power",     "",    2, kWide,        kSame,   10.0, loops<Power, 2, kDoubles, kSame>()},
    {"minimum",         "",    2, kAny,         kSame,   0.4,  loops<Minimum, 2, kB | kI | kF | kC, kSame>()},
    {"maximum",         "",    2, kAny,         kSame,   0.4,  loops<Maximum, 2, kB | kI | kF | kC, kSame>()},
    {"fmin",            "",    2, kAny,         kSame,   0.4,  loops<Fmin, 2, kB | kI | kF | kC, kSame>()},
    {"fmax",            "",    2, kAny,         kSame,   0.4,  loops<Fmax, 2, kB | kI | kF | kC, kSame>()},
    {"arctan2",         "",    2, kFloat,       kSame,   15.0, loops<Arctan2, 2, kF, kSame>()},
    {"hypot",           "",    2, kFloat,       kSame,   6.0,  loops<Hypot, 2, kF, kSame>()},
    {"logaddexp",       "",    2, kFloat,       kSame,   20.0, loops<Logaddexp, 2, kF, kSame>()},
    {"logaddexp2",      "",    2, kFloat,       kSame,   20.0, loops<Logaddexp2, 2, kF, kSame>()},
    {"copysign",        "",    2, kFloat,       kSame,   0.4,  loops<Copysign, 2, kF, kSame>()},
    {"nextafter",       "",    2, kFloat,       kSame,   2.0,  loops<Nextafter, 2, kF, kSame>()},
    {"heaviside",       "",    2, kFloat,       kSame,   0.4,  loops<Heaviside, 2, kF, kSame>()},
    {"ldexp",           "",    2, kFloat,       kSame,   3.0,  loops<Ldexp, 2, kF, kSame>(), kIntegerLast},
    {"negative",        "-",   1, kNumbersOnly, kSame,   0.2,  loops<Negative, 1, kI | kF | kC, kSame>()},
    {"positive",        "+",   1, kNumbersOnly, kSame,   0.2,  loops<Positive, 1, kI | kF | kC, kSame>()},
    {"absolute",        "",    1, kAny,         kReal,   0.2,  loops<Absolute, 1, kB | kI | kF | kC, kReal>()},
    {"fabs",            "",    1, kFloat,       kSame,   0.2,  loops<Absolute, 1, kF, kSame>()},
    {"conjugate",       "",    1, kNumeric,     kSame,   0.2,  loops<Conjugate, 1, kI | kF | kC, kSame>()},
    {"real",            "",    1, kAny,         kReal,   0.2,  loops<RealPart, 1, kB | kI | kF | kC, kReal>()},
    {"imag",            "",    1, kAny,         kReal,   0.2,  loops<ImaginaryPart, 1, kB | kI | kF | kC, kReal>()},
    {"angle",           "",    1, kFloat,       kReal,   15.0, loops<Angle, 1, kF | kC, kReal>()},
    {"sign",            "",    1, kNumbersOnly, kSame,   0.4,  loops<Sign, 1, kI | kF | kC, kSame>()},
    {"square",          "",    1, kNumeric,     kSame,   0.3,  loops<Square, 1, kI | kF | kC, kSame>()},
    {"reciprocal",      "",    1, kFloat,       kSame,   0.5,  loops<Reciprocal, 1, kF | kC, kSame>()},
    {"sqrt",            "",    1, kFloat,       kSame,   0.8,  loops<Sqrt, 1, kF | kC, kSame>()},
    {"cbrt",            "",    1, kFloat,       kSame,   10.0, loops<Cbrt, 1, kF, kSame>()},
    {"exp",             "",    1, kFloat,       kSame,   5.0,  loops<Exp, 1, kF | kC, kSame>()},
    {"exp2",            "",    1, kFloat,       kSame,   5.0,  loops<Exp2, 1, kF | kC, kSame>()},
    {"expm1",           "",    1, kFloat,       kSame,   10.0, loops<Expm1, 1, kF | kC, kSame>()},
    {"log",             "",    1, kFloat,       kSame,   5.0,  loops<Log, 1, kF | kC, kSame>()},
    {"log2",            "",    1, kFloat,       kSame,   5.0,  loops<Log2, 1, kF | kC, kSame>()},
    {"log10",           "",    1, kFloat,       kSame,   8.0,  loops<Log10, 1, kF | kC, kSame>()},
    {"log1p",           "",    1, kFloat,       kSame,   10.0, loops<Log1p, 1, kF | kC, kSame>()},
    {"sin",             "",    1, kFloat,       kSame,   8.0,  loops<Sin, 1, kF | kC, kSame>()},
    {"cos",             "",    1, kFloat,       kSame,   8.0,  loops<Cos, 1, kF | kC, kSame>()},
    {"tan",             "",    1, kFloat,       kSame,   12.0, loops<Tan, 1, kF | kC, kSame>()},
    {"arcsin",          "",    1, kFloat,       kSame,   10.0, loops<Arcsin, 1, kF | kC, kSame>()},
    {"arccos",          "",    1, kFloat,       kSame,   10.0, loops<Arccos, 1, kF | kC, kSame>()},
    {"arctan",          "",    1, kFloat,       kSame,   10.0, loops<Arctan, 1, kF | kC, kSame>()},
    {"sinh",            "",    1, kFloat,       kSame,   12.0, loops<Sinh, 1, kF | kC, kSame>()},
    {"cosh",            "",    1, kFloat,       kSame,   12.0, loops<Cosh, 1, kF | kC, kSame>()},
    {"tanh",            "",    1, kFloat,       kSame,   12.0, loops<Tanh, 1, kF | kC, kSame>()},
    {"arcsinh",         "",    1, kFloat,       kSame,   15.0, loops<Arcsinh, 1, kF | kC, kSame>()},
    {"arccosh",         "",    1, kFloat,       kSame,   15.0, loops<Arccosh, 1, kF | kC, kSame>()},
    {"arctanh",         "",    1, kFloat,       kSame,   15.0, loops<Arctanh, 1, kF | kC, kSame>()},
    {"sinc",            "",    1, kDivide,      kSame,   10.0, loops<Sinc, 1, kF | kC, kSame>()},
    {"deg2rad",         "",    1, kFloat,       kSame,   0.3,  loops<Deg2rad, 1, kF, kSame>()},
    {"rad2deg",         "",    1, kFloat,       kSame,   0.3,  loops<Rad2deg, 1, kF, kSame>()},
    {"floor",           "",    1, kAny,         kSame,   0.3,  loops<Floor, 1, kB | kI | kF, kSame>()},
    {"ceil",            "",    1, kAny,         kSame,   0.3,  loops<Ceil, 1, kB | kI | kF, kSame>()},
    {"trunc",           "",    1, kAny,         kSame,   0.3,  loops<Trunc, 1, kB | kI | kF, kSame>()},
    {"round",           "",    1, kNumeric,     kSame,   0.3,  loops<Round, 1, kI | kF | kC, kSame>()},
    {"rint",            "",    1, kFloat,       kSame,   0.3,  loops<Round, 1, kF | kC, kSame>()},
    {"frexp_mantissa",  "",    1, kFloat,       kSame,   3.0,  loops<FrexpMantissa, 1, kF, kSame>()},
    {"frexp_exponent",  "",    1, kFloat,       kInt32,  3.0,  loops<FrexpExponent, 1, kF, kInt32>()},
    {"modf_fraction",   "",    1, kFloat,       kSame,   0.5,  loops<ModfFraction, 1, kF, kSame>()},
    {"modf_whole",      "",    1, kFloat,       kSame,   0.3,  loops<Trunc, 1, kF, kSame>()},
    {"isnan",           "",    1, kAny,         kToBool, 0.2,  loops<Isnan, 1, kB | kI | kF | kC, kToBool>()},
    {"isinf",           "",    1, kAny,         kToBool, 0.2,  loops<Isinf, 1, kB | kI | kF | kC, kToBool>()},
    {"isposinf",        "",    1, kAny,         kToBool, 0.2,  loops<Isposinf, 1, kB | kI | kF, kToBool>()},
    {"isneginf",        "",    1, kAny,         kToBool, 0.2,  loops<Isneginf, 1, kB | kI | kF, kToBool>()},
    {"isfinite",        "",    1, kAny,         kToBool, 0.2,  loops<Isfinite, 1, kB | kI | kF | kC, kToBool>()},
    {"signbit",         "",    1, kNumeric,     kToBool, 0.2,  loops<Signbit, 1, kI | kF, kToBool>()},
    {"equal",           "==",  2, kAny,         kToBool, 0.3,  loops<Equal, 2, kB | kI | kF | kC, kToBool>()},
    {"not_equal",       "!=",  2, kAny,         kToBool, 0.3,  loops<NotEqual, 2, kB | kI | kF | kC, kToBool>()},
    {"less",            "<",   2, kAny,         kToBool, 0.3,  loops<Less, 2, kB | kI | kF | kC, kToBool>()},
    {"less_equal",      "<=",  2, kAny,         kToBool, 0.3,  loops<LessEqual, 2, kB | kI | kF | kC, kToBool>()},
    {"greater",         ">",   2, kAny,         kToBool, 0.3,  loops<Greater, 2, kB | kI | kF | kC, kToBool>()},
    {"greater_equal",   ">=",  2, kAny,         kToBool, 0.3,  loops<GreaterEqual, 2, kB | kI | kF | kC, kToBool>()},
    {"logical_and",     "and", 2, kBool,        kSame,   0.1,  loops<LogicalAnd, 2, kB, kSame>()},
    {"logical_or",      "or",  2, kBool,        kSame,   0.1,  loops<LogicalOr, 2, kB, kSame>()},
    {"logical_xor",     "",    2, kBool,        kSame,   0.1,  loops<LogicalXor, 2, kB, kSame>()},
    {"logical_not",     "not", 1, kBool,        kSame,   0.1,  loops<LogicalNot, 1, kB, kSame>()},
    {"bitwise_and",     "&",   2, kAny,         kSame,   0.2,  loops<BitwiseAnd, 2, kB | kI, kSame>()},
    {"bitwise_or",      "|",   2, kAny,         kSame,   0.2,  loops<BitwiseOr, 2, kB | kI, kSame>()},
    {"bitwise_xor",     "^",   2, kAny,         kSame,   0.2,  loops<BitwiseXor, 2, kB | kI, kSame>()},
    {"invert",          "~",   1, kAny,         kSame,   0.2,  loops<Invert, 1, kB | kI, kSame>()},
    {"left_shift",      "<<",  2, kNumeric,     kSame,   0.4,  loops<LeftShift, 2, kI, kSame>()},
    {"right_shift",     ">>",  2, kNumeric,     kSame,   0.4,  loops<RightShift, 2, kI, kSame>()},
    {"bitwise_count",   "",    1, kNumeric,     kUint8,  0.5,  loops<BitwiseCount, 1, kI, kUint8>()},
    {"gcd",             "",    2, kNumbersOnly, kSame,   30.0, loops<Gcd, 2, kI, kSame>()},
    {"lcm",             "",    2, kNumbersOnly, kSame,   35.0, loops<Lcm, 2, kI, kSame>()},
    {"clip",            "",    3, kAny,         kSame,   0.5,  loops<Clip, 3, kB | kI | kF | kC, kSame>()},
    {"isclose",         "",    4, kDivide,      kToBool, 1.5,  loops<Isclose, 4, kF | kC, kToBool>(), kAlike, kCloseDefaults},
    {"nan_to_num",      "",    4, kAny,         kSame,   0.5,  loops<NanToNum, 4, kB | kI | kF | kC, kSame>(), kAlike, kNumDefaults},
    {"where",           "",    3, kAny,         kSame,   0.4,  loops<Where, 3, kB | kI | kF | kC, kSame>(), kConditionFirst},
};
// clang-format on

template <class From, class To>
void cast(const std::byte* const* in, std::byte* out, Index n) {
  const From* a = reinterpret_cast<const From*>(in[0]);
  To* r = reinterpret_cast<To*>(out);
  for (Index i = 0; i < n; ++i) {
    if constexpr (kIsBool<To>) {
      r[i] = a[i] != From(0);
    } else if constexpr (kIsComplex<From>) {
      r[i] = {static_cast<Real<To>>(a[i].real()), static_cast<Real<To>>(a[i].imag())};
    } else if constexpr (kIsFloat<From> && std::is_integral_v<To>) {
      // C++ leaves what does not fit undefined; both bounds are exact in either floating type.
      constexpr From kLow = static_cast<From>(std::numeric_limits<To>::lowest());
      constexpr From kEnd = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;
      const From whole = std::trunc(a[i]);
      r[i] = whole >= kLow && whole < kEnd ? static_cast<To>(whole) : std::numeric_limits<To>::lowest();
    } else {
      r[i] = static_cast<To>(static_cast<Real<To>>(a[i]));
    }
  }
}

template <class From, class To>
constexpr BlockLoop cast_of() {
  if constexpr (kIsComplex<From> && !kIsComplex<To> && !kIsBool<To>) return nullptr;
  else return cast<From, To>;
}
template <class From>
constexpr Loops casts_from() {
  return {cast_of<From, bool>(), cast_of<From, std::int8_t>(), cast_of<From, std::int16_t>(), cast_of<From, std::int32_t>(),
          cast_of<From, std::int64_t>(), cast_of<From, std::uint8_t>(), cast_of<From, std::uint16_t>(), cast_of<From, std::uint32_t>(),
          cast_of<From, std::uint64_t>(), cast_of<From, float>(), cast_of<From, double>(), cast_of<From, std::complex<float>>(),
          cast_of<From, std::complex<double>>()};
}

const LoopSet kLoopSet = {kRows,
                          {casts_from<bool>(), casts_from<std::int8_t>(), casts_from<std::int16_t>(), casts_from<std::int32_t>(),
                           casts_from<std::int64_t>(), casts_from<std::uint8_t>(), casts_from<std::uint16_t>(), casts_from<std::uint32_t>(),
                           casts_from<std::uint64_t>(), casts_from<float>(), casts_from<double>(), casts_from<std::complex<float>>(),
                           casts_from<std::complex<double>>()}};

}  // namespace

const LoopSet& loop_set() { return kLoopSet; }
