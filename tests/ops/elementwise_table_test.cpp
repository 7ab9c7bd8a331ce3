// Every row of the elementwise table: all types that it accepts, random shapes, strides and broadcasts, against definitions in long double,
// complex long double and 128-bit integers. What NumPy does at extremes is in tests/python/test_elementwise.py.

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <set>

#include "freestone/core/buffer.h"
#include "freestone/core/paper_source.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

using L = long double;
using C = std::complex<long double>;
using I = __int128;

/// A row by its definition; null where it is not defined.
struct Definition {
  L (*real)(const L*) = nullptr;
  C (*complex)(const C*) = nullptr;
  I (*integer)(const I*) = nullptr;
};

template <class F, class T, class R>
R call(const T* x) {
  if constexpr (requires(F f) { f(x[0]); })
    return static_cast<R>(F{}(x[0]));
  else if constexpr (requires(F f) { f(x[0], x[1]); })
    return static_cast<R>(F{}(x[0], x[1]));
  else if constexpr (requires(F f) { f(x[0], x[1], x[2]); })
    return static_cast<R>(F{}(x[0], x[1], x[2]));
  else
    return static_cast<R>(F{}(x[0], x[1], x[2], x[3]));
}
template <class R>
Definition real_of(R) {
  return {call<R, L, L>, nullptr, nullptr};
}
template <class R, class Z>
Definition inexact(R, Z) {
  return {call<R, L, L>, call<Z, C, C>, nullptr};
}
template <class R>
Definition inexact(R) {
  return {call<R, L, L>, call<R, C, C>, nullptr};
}
template <class R, class N>
Definition ordered(R, N) {
  return {call<R, L, L>, nullptr, call<N, I, I>};
}
template <class R>
Definition ordered(R) {
  return {call<R, L, L>, nullptr, call<R, I, I>};
}
template <class R>
Definition every(R) {
  return {call<R, L, L>, call<R, C, C>, call<R, I, I>};
}
template <class R, class Z, class N>
Definition every(R, Z, N) {
  return {call<R, L, L>, call<Z, C, C>, call<N, I, I>};
}
template <class N>
Definition whole(N) {
  return {nullptr, nullptr, call<N, I, I>};
}

/// As NumPy orders them: C by its parts.
template <class T>
bool is_less(T a, T b) {
  if constexpr (std::is_same_v<T, C>)
    return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag();
  else
    return a < b;
}

const L kNan = std::numeric_limits<L>::quiet_NaN();
const L kHalfTurn = std::acos(L(-1));
I floor_of(I a, I b) { return b == 0 ? 0 : a / b - (a % b != 0 && ((a < 0) != (b < 0))); }
I power(I a, I b) {
  if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 ? -1 : 1) : 0;
  I r = 1;
  for (; b > 0; --b) r = static_cast<I>(static_cast<std::uint64_t>(r) * static_cast<std::uint64_t>(a));  // modulo 2^64
  return r;
}
I absolute(I a) { return a < 0 ? -a : a; }
I divisor(I a, I b) { return b == 0 ? absolute(a) : divisor(b, a % b); }

const std::map<std::string, Definition, std::less<>>& definitions() {
  const auto same = [](auto a) { return a; };
  const auto no = [](auto) { return 0; };
  const auto yes = [](auto) { return 1; };
  static const std::map<std::string, Definition, std::less<>> kAll = {
      {"add", every([](auto a, auto b) { return a + b; })},
      {"subtract", every([](auto a, auto b) { return a - b; })},
      {"multiply", every([](auto a, auto b) { return a * b; })},
      {"divide", inexact([](auto a, auto b) { return a / b; })},
      {"floor_divide", ordered([](L a, L b) { return b == 0 ? a / b : std::floor(a / b); }, [](I a, I b) { return floor_of(a, b); })},
      {"remainder", ordered([](L a, L b) { return b == 0 ? kNan : a - std::floor(a / b) * b; },
                            [](I a, I b) { return b == 0 ? 0 : a - floor_of(a, b) * b; })},
      {"fmod", ordered([](L a, L b) { return b == 0 ? kNan : a - std::trunc(a / b) * b; }, [](I a, I b) { return b == 0 ? 0 : a % b; })},
      {"power", every([](L a, L b) { return std::pow(a, b); },
                      [](C a, C b) { return a == C(0) ? (b == C(0) ? C(1) : C(kNan, kNan)) : std::exp(b * std::log(a)); },
                      [](I a, I b) { return power(a, b); })},
      {"float_power", inexact([](L a, L b) { return std::pow(a, b); },
                              [](C a, C b) { return a == C(0) ? (b == C(0) ? C(1) : C(kNan, kNan)) : std::exp(b * std::log(a)); })},
      {"minimum", every([](auto a, auto b) { return is_less(b, a) ? b : a; })},
      {"maximum", every([](auto a, auto b) { return is_less(a, b) ? b : a; })},
      {"fmin", every([](auto a, auto b) { return is_less(b, a) ? b : a; })},
      {"fmax", every([](auto a, auto b) { return is_less(a, b) ? b : a; })},
      {"arctan2", real_of([](L a, L b) { return std::atan2(a, b); })},
      {"hypot", real_of([](L a, L b) { return std::sqrt(a * a + b * b); })},
      {"logaddexp", real_of([](L a, L b) { return std::log(std::exp(a) + std::exp(b)); })},
      {"logaddexp2", real_of([](L a, L b) { return std::log2(std::exp2(a) + std::exp2(b)); })},
      {"copysign", real_of([](L a, L b) { return std::signbit(b) ? -std::fabs(a) : std::fabs(a); })},
      {"nextafter", real_of([](L a, L) { return a; })},  // to rounding; the neighbour itself is in NextAfter
      {"heaviside", real_of([](L a, L b) { return a < 0   ? 0
                                                  : a > 0 ? 1
                                                          : b; })},
      {"ldexp", real_of([](L a, L b) { return a * std::exp2(b); })},
      {"negative", every([](auto a) { return -a; })},
      {"positive", every(same)},
      {"absolute", every([](L a) { return a < 0 ? -a : a; }, [](C a) { return std::sqrt(std::norm(a)); }, [](I a) { return absolute(a); })},
      {"fabs", real_of([](L a) { return a < 0 ? -a : a; })},
      {"conjugate", every(
                        same, [](C a) { return std::conj(a); }, same)},
      {"real", every(
                   same, [](C a) { return a.real(); }, same)},
      {"imag", every(
                   no, [](C a) { return a.imag(); }, no)},
      {"angle", inexact([](L a) { return std::signbit(a) ? kHalfTurn : 0; }, [](C a) { return std::arg(a); })},
      {"sign", every([](L a) { return (a > 0) - (a < 0); }, [](C a) { return a == C(0) ? a : a / std::abs(a); },
                     [](I a) { return (a > 0) - (a < 0); })},
      {"square", every([](auto a) { return a * a; })},
      {"reciprocal", inexact([](L a) { return 1 / a; }, [](C a) { return a == C(0) ? C(kNan, kNan) : C(1) / a; })},
      {"sqrt", inexact([](auto a) { return std::sqrt(a); })},
      {"cbrt", real_of([](L a) { return std::cbrt(a); })},
      {"exp", inexact([](auto a) { return std::exp(a); })},
      {"exp2", inexact([](auto a) { return std::exp(a * std::log(L(2))); })},
      {"expm1", inexact([](auto a) { return std::exp(a) - L(1); })},
      {"log", inexact([](auto a) { return std::log(a); })},
      {"log2", inexact([](auto a) { return std::log(a) / std::log(L(2)); })},
      {"log10", inexact([](auto a) { return std::log(a) / std::log(L(10)); })},
      {"log1p", inexact([](auto a) { return std::log(a + L(1)); })},
      {"sin", inexact([](auto a) { return std::sin(a); })},
      {"cos", inexact([](auto a) { return std::cos(a); })},
      {"tan", inexact([](auto a) { return std::sin(a) / std::cos(a); })},
      {"arcsin", inexact([](auto a) { return std::asin(a); })},
      {"arccos", inexact([](auto a) { return std::acos(a); })},
      {"arctan", inexact([](auto a) { return std::atan(a); })},
      {"sinh", inexact([](auto a) { return std::sinh(a); })},
      {"cosh", inexact([](auto a) { return std::cosh(a); })},
      {"tanh", inexact([](auto a) { return std::tanh(a); })},
      {"arcsinh", inexact([](auto a) { return std::asinh(a); })},
      {"arccosh", inexact([](auto a) { return std::acosh(a); })},
      {"arctanh", inexact([](auto a) { return std::atanh(a); })},
      {"sinc", inexact([](auto a) { return a == decltype(a)(0) ? decltype(a)(1) : std::sin(kHalfTurn * a) / (kHalfTurn * a); })},
      {"deg2rad", real_of([](L a) { return a * kHalfTurn / 180; })},
      {"rad2deg", real_of([](L a) { return a * 180 / kHalfTurn; })},
      {"floor", ordered([](L a) { return std::floor(a); }, same)},
      {"ceil", ordered([](L a) { return std::ceil(a); }, same)},
      {"trunc", ordered([](L a) { return std::trunc(a); }, same)},
      {"round", every([](L a) { return std::rint(a); }, [](C a) { return C(std::rint(a.real()), std::rint(a.imag())); }, same)},
      {"rint", inexact([](L a) { return std::rint(a); }, [](C a) { return C(std::rint(a.real()), std::rint(a.imag())); })},
      {"frexp_mantissa", real_of([](L a) { return a == 0 ? 0 : a / std::exp2(std::floor(std::log2(std::fabs(a))) + 1); })},
      {"frexp_exponent", real_of([](L a) { return a == 0 ? 0 : std::floor(std::log2(std::fabs(a))) + 1; })},
      {"modf_fraction", real_of([](L a) { return a - std::trunc(a); })},
      {"modf_whole", real_of([](L a) { return std::trunc(a); })},
      {"isnan", every(no)},
      {"isinf", every(no)},
      {"isposinf", ordered(no)},
      {"isneginf", ordered(no)},
      {"isfinite", every(yes)},
      {"signbit", ordered([](L a) { return std::signbit(a); }, [](I a) { return a < 0; })},
      {"equal", every([](auto a, auto b) { return a == b; })},
      {"not_equal", every([](auto a, auto b) { return a != b; })},
      {"less", every([](auto a, auto b) { return is_less(a, b); })},
      {"less_equal", every([](auto a, auto b) { return !is_less(b, a); })},
      {"greater", every([](auto a, auto b) { return is_less(b, a); })},
      {"greater_equal", every([](auto a, auto b) { return !is_less(a, b); })},
      {"logical_and", whole([](I a, I b) { return a && b; })},
      {"logical_or", whole([](I a, I b) { return a || b; })},
      {"logical_xor", whole([](I a, I b) { return !a != !b; })},
      {"logical_not", whole([](I a) { return !a; })},
      {"bitwise_and", whole([](I a, I b) { return a & b; })},
      {"bitwise_or", whole([](I a, I b) { return a | b; })},
      {"bitwise_xor", whole([](I a, I b) { return a ^ b; })},
      {"invert", whole([](I a) { return -1 - a; })},
      {"left_shift", whole([](I a, I b) { return b < 0 || b > 63 ? 0 : a * (I(1) << b); })},
      {"right_shift", whole([](I a, I b) { return b < 0 || b > 63 ? (a < 0 ? -1 : 0) : floor_of(a, I(1) << b); })},
      {"bitwise_count", whole([](I a) { return std::popcount(static_cast<std::uint64_t>(absolute(a))); })},
      {"gcd", whole([](I a, I b) { return divisor(absolute(a), absolute(b)); })},
      {"lcm", whole([](I a, I b) { return a == 0 || b == 0 ? 0 : absolute(a * b) / divisor(absolute(a), absolute(b)); })},
      {"clip", every([](auto x, auto low, auto high) { return is_less(x, low)    ? (is_less(low, high) ? low : high)
                                                       : is_less(high, x) ? high
                                                                          : x; })},
      {"isclose", inexact([](auto a, auto b, auto r, auto t) { return std::abs(a - b) <= std::real(t) + std::real(r) * std::abs(b); })},
      {"nan_to_num", every([](auto a, auto, auto, auto) { return a; })},
      {"where", every([](auto c, auto a, auto b) { return c != decltype(c)(0) ? a : b; })},
  };
  return kAll;
}

/// An operand: any strides, some axes of length 1.
struct Values {
  Array array;
  std::vector<std::byte> memory;
  Tile tile;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  Index integer(Index low, Index high) { return std::uniform_int_distribution<Index>(low, high)(engine_); }
  Shape shape() {
    static constexpr Index kLengths[] = {0, 1, 1, 2, 3, 5, 7, 11, 13};
    Shape out;
    for (Index k = integer(0, 3); k > 0; --k) out.push_back(kLengths[integer(out.empty() ? 0 : 1, 8)]);
    if (out.rank() > 0 && element_count(out) < 8 && integer(0, 2) == 0) out[out.rank() - 1] = integer(1020, 2060);  // several blocks
    return out;
  }
  /// For a result of `shape`: leading axes may lack, others may be 1.
  Values values(DType dtype, const Shape& shape) {
    Shape own;
    const int lead = static_cast<int>(integer(0, 3) == 0 ? integer(0, shape.rank()) : 0);
    for (int k = lead; k < shape.rank(); ++k) own.push_back(integer(0, 4) == 0 ? 1 : shape[k]);
    Values out;
    out.array = from_source(std::make_shared<PaperSource>(own, dtype));
    std::vector<int> order(static_cast<std::size_t>(own.rank()));
    std::iota(order.begin(), order.end(), 0);
    if (integer(0, 1) == 0) std::shuffle(order.begin(), order.end(), engine_);
    View view{nullptr, dtype, own, Dims(own.rank())};
    Index step = size_of(dtype), start = 0;
    for (const int k : order) {
      if (integer(0, 4) == 0) step *= 2;
      view.strides[k] = integer(0, 3) == 0 ? -step : step;
      if (view.strides[k] < 0) start += step * std::max<Index>(0, own[k] - 1);
      step *= std::max<Index>(1, own[k]);
    }
    out.memory.resize(static_cast<std::size_t>(step) + 64);
    view.data = out.memory.data() + start;
    for_each(view, [&](std::byte* at) { write_value(at, dtype); });
    out.tile = {view, Box(own)};
    return out;
  }

  /// Quarters from -10 to 10, as far as the type has them.
  void write_value(std::byte* at, DType dtype) {
    with_type(dtype, [&]<class T>(TypeTag<T>) {
      const double re = static_cast<double>(integer(-40, 40)) / 4, im = static_cast<double>(integer(-40, 40)) / 4;
      T value;
      if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>)
        value = T(static_cast<typename T::value_type>(re), static_cast<typename T::value_type>(im));
      else if constexpr (std::is_unsigned_v<T>)
        value = static_cast<T>(std::fabs(re));
      else
        value = static_cast<T>(re);
      std::memcpy(at, &value, sizeof value);
    });
  }

  template <class F>
  static void for_each(const View& view, F&& f) {
    for_each_row(view.shape, {&view}, [&](std::byte** row) {
      const Index n = view.rank() == 0 ? 1 : view.shape.back();
      for (Index i = 0; i < n; ++i) f(row[0] + (view.rank() == 0 ? 0 : i * view.strides.back()));
    });
  }

 private:
  std::mt19937_64 engine_;
};

template <class To>
To read(const std::byte* at, DType dtype) {
  return with_type(dtype, [&]<class T>(TypeTag<T>) -> To {
    T value;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
      if constexpr (std::is_same_v<To, C>) return C(value.real(), value.imag());
      return To(value != T(0));
    } else {
      return To(value);
    }
  });
}

std::vector<std::byte> run(const Array& result, std::vector<Values>& operands) {
  const auto& op = *result.node()->op;
  const Index width = size_of(result.dtype());
  std::vector<std::byte> out(static_cast<std::size_t>(result.size() * width));
  std::vector<Tile> in;
  for (Values& operand : operands) in.push_back(operand.tile);
  const Box whole(result.shape());
  const Tile to{View::contiguous(out.data(), result.dtype(), result.shape()), whole};
  Buffer memory(op.need(whole).scratch_bytes + 64);
  Scratch scratch(memory.bytes());
  op.run(whole, in, {&to, 1}, scratch, Cancel());
  return out;
}

/// The element of operand k that stands at `at` of the result.
const std::byte* element(const Tile& tile, const Shape& shape, const Dims& at) {
  const std::byte* data = tile.view.data;
  const int lead = shape.rank() - tile.view.rank();
  for (int k = 0; k < tile.view.rank(); ++k)
    if (tile.view.shape[k] != 1) data += at[lead + k] * tile.view.strides[k];
  return data;
}

template <class T>
bool near(T got, T expected, double eps, double ulps) {
  if constexpr (std::is_same_v<T, C>) {
    const bool finite = std::isfinite(expected.real()) && std::isfinite(expected.imag());
    return !finite || std::abs(got - expected) <= eps * ulps * std::max<L>(1, std::abs(expected));
  } else {
    if (std::isnan(expected)) return std::isnan(got);
    return got == expected || std::fabs(got - expected) <= eps * ulps * std::max<L>(1, std::fabs(expected));
  }
}

/// What the definition says of one element of the result, compared with what stands at `got`.
::testing::AssertionResult agrees(const kernels::ElementwiseRow& row, DType compute, DType result, const std::vector<Values>& operands,
                                  const Shape& shape, const Dims& at, const std::byte* got) {
  const Definition& definition = definitions().find(row.name)->second;
  const auto arguments = [&]<class T>(T* x) {
    for (std::size_t k = 0; k < operands.size(); ++k) x[k] = read<T>(element(operands[k].tile, shape, at), operands[k].array.dtype());
    for (std::size_t k = operands.size(); k < static_cast<std::size_t>(row.arity); ++k)
      x[k] = T(static_cast<L>(row.defaults[row.defaults.size() - static_cast<std::size_t>(row.arity) + k]));
  };
  const auto failed = [&](const auto& expected, const auto& actual) {
    return ::testing::AssertionFailure() << "at " << to_string(at) << ": got " << actual << ", not " << expected;
  };
  if (is_complex(compute)    ? definition.complex == nullptr
      : is_floating(compute) ? definition.real == nullptr
                             : definition.integer == nullptr)
    return ::testing::AssertionFailure() << "no definition for " << name_of(compute);
  if (is_complex(compute)) {
    C x[4];
    arguments(x);
    const double eps = finfo(compute).eps;
    const C expected = definition.complex(x), actual = read<C>(got, result);
    return near(actual, expected, eps, 200) ? ::testing::AssertionSuccess() : failed(expected, actual);
  }
  if (is_floating(compute)) {
    L x[4];
    arguments(x);
    const L expected = definition.real(x), actual = read<L>(got, result);
    const bool rounded = is_floating(result);
    return near(actual, expected, rounded ? finfo(result).eps : 0, 8) ? ::testing::AssertionSuccess()
                                                                      : failed(double(expected), double(actual));
  }
  I x[4];
  arguments(x);
  if (row.domain == kernels::Domain::kBool)
    for (std::size_t k = 0; k < operands.size(); ++k) x[k] = read<bool>(element(operands[k].tile, shape, at), operands[k].array.dtype());
  I expected = definition.integer(x);
  if (is_bool(compute) && row.name == "invert") expected = !x[0];
  const I wrapped = with_real_type(result, [&]<class T>(TypeTag<T>) { return static_cast<I>(static_cast<T>(expected)); });
  const I actual = read<I>(got, result);
  return actual == wrapped ? ::testing::AssertionSuccess() : failed(static_cast<long long>(wrapped), static_cast<long long>(actual));
}

/// Calls f(row, operands' types) for every row and all types of its first two operands that differ freely; further ones have the second's.
template <class F>
void for_each_signature(F&& f) {
  for (const kernels::ElementwiseRow& row : kernels::elementwise_table()) {
    const int given = row.arity - static_cast<int>(row.defaults.size());
    for (int a = 0; a < kDTypeCount; ++a)
      for (int b = 0; b < (given > 1 ? kDTypeCount : 1); ++b) {
        std::vector<DType> types{static_cast<DType>(a)};
        while (static_cast<int>(types.size()) < given) types.push_back(static_cast<DType>(b));
        if (row.name == "where" && a != 0) continue;  // the condition
        f(row, types);
      }
  }
}

TEST(Table, EveryRowHasADefinitionHere) {
  for (const auto& row : kernels::elementwise_table()) EXPECT_TRUE(definitions().contains(row.name)) << row.name;
  EXPECT_EQ(definitions().size(), kernels::elementwise_table().size());
  for (const auto& [alias, name] : kernels::elementwise_aliases()) {
    ASSERT_NE(kernels::find_elementwise(alias), nullptr) << alias;
    EXPECT_EQ(kernels::find_elementwise(alias)->name, name);
  }
}

TEST(Table, EveryRowIsItsDefinitionForAllTypesShapesAndStrides) {
  constexpr std::uint64_t kSeed = 20264;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  Random random(kSeed);
  std::set<std::string_view> seen;
  for_each_signature([&](const kernels::ElementwiseRow& row, const std::vector<DType>& types) {
    if (::testing::Test::HasFailure()) return;
    for (int round = 0; round < 2; ++round) {
      const Shape shape = random.shape();
      std::vector<Values> operands;
      std::vector<Operand> arguments;
      std::string label(row.name);
      for (const DType t : types) {
        operands.push_back(random.values(t, shape));
        arguments.emplace_back(operands.back().array);
        label += " " + std::string(name_of(t)) + to_string(operands.back().array.shape());
      }
      Array result;
      try {
        result = elementwise(row.name, arguments);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kUser) << label;
        continue;
      }
      seen.insert(row.name);
      // int64 and uint64 compare exactly: by the definition of integers.
      DType promoted = kernels::promoted_as(row, types[row.name == "where" ? 1 : 0]);
      for (std::size_t k = row.name == "where" ? 2 : 1; k < types.size(); ++k)
        if (row.name != "ldexp") promoted = promote(promoted, kernels::promoted_as(row, types[k]));
      DType compute = kernels::compute_type(row, promoted);
      const bool mixed = is_floating(compute) && !is_floating(types[0]) && !is_floating(types.back()) && is_bool(result.dtype()) &&
                         row.domain == kernels::Domain::kAny && row.arity == 2;
      if (mixed) compute = DType::kInt64;
      ASSERT_EQ(result.dtype(), kernels::result_type(row, compute)) << label;
      const std::vector<std::byte> got = run(result, operands);
      Index i = 0;
      const View all = View::contiguous(const_cast<std::byte*>(got.data()), result.dtype(), result.shape());
      Dims at(result.rank());
      Random::for_each(all, [&](std::byte* element) {
        if (::testing::Test::HasFailure()) return;
        Index left = i++;
        for (int k = result.rank() - 1; k >= 0; --k) at[k] = left % result.shape()[k], left /= result.shape()[k];
        EXPECT_TRUE(agrees(row, compute, result.dtype(), operands, result.shape(), at, element)) << label;
      });
    }
  });
  EXPECT_EQ(seen.size(), kernels::elementwise_table().size());
}

TEST(Table, BitsDoNotDependOnTheVectorWidthNorOnBlocks) {
  Random random(7);
  for_each_signature([&](const kernels::ElementwiseRow& row, const std::vector<DType>& types) {
    if (types.size() > 1 && types[0] != types[1] && row.name != "where") return;
    std::vector<Values> operands;
    std::vector<Operand> arguments;
    for (const DType t : types) {
      operands.emplace_back();
      const Index n = 1024 + 61;
      operands.back().array = from_source(std::make_shared<PaperSource>(Shape{n}, t));
      operands.back().memory.resize(static_cast<std::size_t>(n * size_of(t)));
      for (Index i = 0; i < n; ++i) random.write_value(operands.back().memory.data() + i * size_of(t), t);
      // Full mantissas: what a fused multiply-add would round otherwise.
      if (is_floating(t) || is_complex(t))
        with_float_type(real_type(t), [&]<class T>(TypeTag<T>) {
          T* x = reinterpret_cast<T*>(operands.back().memory.data());
          for (Index i = 0; i < n * size_of(t) / static_cast<Index>(sizeof(T)); ++i) x[i] *= T(1) / T(3);
        });
      operands.back().tile = {View::contiguous(operands.back().memory.data(), t, {n}), Box(Shape{n})};
      arguments.emplace_back(operands.back().array);
    }
    std::optional<std::vector<std::byte>> first;
    for (const kernels::Target target : {kernels::Target::kBaseline, kernels::Target::kAvx2}) {
      kernels::set_target(target);
      Array result;
      try {
        result = elementwise(row.name, arguments);
      } catch (const Error&) {
        break;
      }
      // The graph keeps one node for equal operations; its program holds the row of the target that made it.
      Program program = dynamic_cast<const ElementwiseOp&>(*result.node()->op).program();
      program = Program::from_json(program.to_json());
      const Index n = result.size(), width = size_of(result.dtype());
      std::vector<std::byte> out(static_cast<std::size_t>(n * width));
      Buffer memory(program.scratch_bytes() + 64);
      const auto part = [&](Index begin, Index end) {
        std::vector<View> in;
        for (const Values& operand : operands) in.push_back(operand.tile.view.part(Box({begin}, {end - begin})));
        Scratch scratch(memory.bytes());
        program.run(in, View::contiguous(out.data() + begin * width, result.dtype(), {end - begin}), scratch, Cancel());
      };
      part(0, n);
      if (!first) first = out;
      EXPECT_EQ(out, *first) << row.name << " of " << name_of(types[0]) << ", target " << static_cast<int>(target);
      for (Index begin = 0, step = 1; begin < n; begin += step, step = step % 97 + 3) part(begin, std::min(n, begin + step));
      EXPECT_EQ(out, *first) << row.name << " of " << name_of(types[0]) << " in small blocks";
    }
    kernels::set_target(kernels::best_target());
  });
}

TEST(Table, NextAfterIsTheNeighbour) {
  Random random(3);
  std::vector<Values> operands;
  for (int k = 0; k < 2; ++k) operands.push_back(random.values(DType::kFloat32, {}));
  const Array result = elementwise("nextafter", {operands[0].array, operands[1].array});
  for (const auto& [from, to] : std::vector<std::pair<float, float>>{{1, 2}, {1, -2}, {0, 1}, {-1, -1}}) {
    std::memcpy(operands[0].tile.view.data, &from, sizeof from);
    std::memcpy(operands[1].tile.view.data, &to, sizeof to);
    float got;
    std::memcpy(&got, run(result, operands).data(), sizeof got);
    EXPECT_EQ(got, std::nextafter(from, to));
  }
}

TEST(Table, RefusesWhatIsNotDefinedAndSaysWhatIs) {
  const auto array = [](DType t) { return from_source(std::make_shared<PaperSource>(Shape{3}, t)); };
  const auto message = [&](std::string_view name, const std::vector<Operand>& operands) {
    try {
      elementwise(name, operands);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(message("floor", {array(DType::kComplex64)}).find("bool, integers, floating numbers. Take real"), std::string::npos);
  EXPECT_NE(message("bitwise_and", {array(DType::kFloat32), 1}).find("it takes bool, integers"), std::string::npos);
  EXPECT_NE(message("subtract", {array(DType::kBool), array(DType::kBool)}).find("logical_xor"), std::string::npos);
  EXPECT_NE(message("nan_to_num", {}).find("1 to 4 operands"), std::string::npos);
  EXPECT_NE(message("ldexp", {array(DType::kFloat32), array(DType::kFloat32)}).find("integers"), std::string::npos);
  EXPECT_THROW(astype(array(DType::kComplex64), DType::kFloat32), Error);
  EXPECT_EQ(astype(array(DType::kComplex64), DType::kBool).dtype(), DType::kBool);
  EXPECT_EQ(elementwise("multiply", {array(DType::kFloat32), std::complex<double>(0, 1)}).dtype(), DType::kComplex64);
  EXPECT_EQ(elementwise("multiply", {array(DType::kInt8), std::complex<double>(0, 1)}).dtype(), DType::kComplex128);
}

TEST(Types, CastsKindsAndLimits) {
  EXPECT_TRUE(can_cast(DType::kInt64, DType::kFloat64));
  EXPECT_FALSE(can_cast(DType::kInt32, DType::kFloat32));
  EXPECT_FALSE(can_cast(DType::kFloat64, DType::kComplex64));
  EXPECT_TRUE(isdtype(DType::kUint8, "integral") && isdtype(DType::kComplex64, "numeric") && !isdtype(DType::kBool, "numeric"));
  EXPECT_THROW(isdtype(DType::kBool, "integer"), Error);
  EXPECT_EQ(result_type(std::vector<DType>{DType::kInt8, DType::kUint8, DType::kFloat32}), DType::kFloat32);
  EXPECT_EQ(iinfo(DType::kInt64).min, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(iinfo(DType::kUint64).max, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(iinfo(DType::kInt8).max, 127u);
  EXPECT_EQ(finfo(DType::kComplex64).eps, std::numeric_limits<float>::epsilon());
  EXPECT_THROW(finfo(DType::kInt8), Error);
  EXPECT_THROW(iinfo(DType::kFloat32), Error);
}

}  // namespace
}  // namespace freestone
