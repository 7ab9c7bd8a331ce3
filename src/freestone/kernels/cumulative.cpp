#include "freestone/kernels/cumulative.h"

#include <complex>

#include "freestone/kernels/columns.h"
#include "freestone/kernels/complex_order.h"
#include "freestone/kernels/complex_product.h"
#include "freestone/kernels/fold_rules.h"

namespace freestone::kernels {
namespace {

constexpr Index kMostColumns = 256;
constexpr Index kStreams = 8;  // columns that are contiguous: so many chains of additions overlap

using Complex = std::complex<double>;

/// `A` is double, int64, uint64 or Complex; integers are folded as uint64, which wraps.
template <CumulativeFunction kFunction, class A>
constexpr A nothing() {
  switch (kFunction) {
    case CumulativeFunction::kSum: return A{0};
    case CumulativeFunction::kProduct: return A{1};
    case CumulativeFunction::kMax:
      if constexpr (std::is_same_v<A, Complex>)
        return {-kInfinity, -kInfinity};
      else
        return worst<A, false>();
    default:
      if constexpr (std::is_same_v<A, Complex>)
        return {kInfinity, kInfinity};
      else
        return worst<A, true>();
  }
}

/// The first NaN wins, and of equal numbers the first.
Complex extreme_of(Complex a, Complex b, bool least) {
  if (has_nan(a) || has_nan(b)) return has_nan(a) ? a : b;
  return (least ? is_less(b, a) : is_less(a, b)) ? b : a;
}

template <CumulativeFunction kFunction>
Complex joined_complex(Complex a, Complex b) {
  if constexpr (kFunction == CumulativeFunction::kSum) return {a.real() + b.real(), a.imag() + b.imag()};
  if constexpr (kFunction == CumulativeFunction::kMax || kFunction == CumulativeFunction::kMin)
    return extreme_of(a, b, kFunction == CumulativeFunction::kMin);
  return times(a, b);
}

template <CumulativeFunction kFunction, class A>
A joined(A a, A b) {
  using Wrapping = std::conditional_t<std::is_same_v<A, double>, double, std::uint64_t>;
  switch (kFunction) {
    case CumulativeFunction::kSum: return static_cast<A>(static_cast<Wrapping>(a) + static_cast<Wrapping>(b));
    case CumulativeFunction::kProduct: return static_cast<A>(static_cast<Wrapping>(a) * static_cast<Wrapping>(b));
    case CumulativeFunction::kMax: return b > a || b != b ? (a != a ? a : b) : a;
    default: return b < a || b != b ? (a != a ? a : b) : a;
  }
}
template <CumulativeFunction kFunction>
Complex joined(Complex a, Complex b) {
  return joined_complex<kFunction>(a, b);
}

template <class T>
inline constexpr bool kIsComplex = !std::is_arithmetic_v<T>;
template <class T>
using AccumulatorOf = std::conditional_t<
    kIsComplex<T>, Complex,
    std::conditional_t<std::is_floating_point_v<T>, double,
                       std::conditional_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>, std::uint64_t, std::int64_t>>>;

template <CumulativeFunction kFunction, bool kSkip, class T, class R>
void block_loop(const View& in, int axis, Index skip, const View* carry, const View& out, const Cancel& cancel) {
  using A = AccumulatorOf<T>;
  const Index n = in.shape[axis];
  const View& before = carry ? *carry : out;  // not read without a carry
  const View* const views[] = {&in, &out, &before};
  const Columns<3> columns(views, axis);
  const Index x_step = columns.axis_stride(0), x_next = columns.column_stride(0), y_step = columns.axis_stride(1),
              y_next = columns.column_stride(1);
  const Index strip = std::abs(x_step) < std::abs(x_next) ? kStreams : kMostColumns;
  const bool adjoin = x_next == static_cast<Index>(sizeof(T)) && y_next == static_cast<Index>(sizeof(R));
  columns.for_each_outer([&](std::byte* const* data, Index) {
    for (Index c0 = 0; c0 < columns.columns(); c0 += strip) {
      cancel.check();
      const Index some = std::min(strip, columns.columns() - c0);
      A total[kMostColumns], carried[kMostColumns];
      for (Index c = 0; c < some; ++c) {
        total[c] = carried[c] = nothing<kFunction, A>();
        if (carry) std::memcpy(&carried[c], data[2] + (c0 + c) * columns.column_stride(2), sizeof(A));
      }
      const auto row = [&](const std::byte* x, std::byte* y, Index next_x, Index next_y, bool written) __attribute__((always_inline)) {
        for (Index c = 0; c < some; ++c) {
          T value;
          std::memcpy(&value, x + c * next_x, sizeof value);
          if constexpr (kSkip && !std::is_integral_v<T>) {
            if (value != value) value = static_cast<T>(nothing<kFunction, A>());
          }
          total[c] = joined<kFunction>(total[c], static_cast<A>(value));
          if (!written) continue;
          const R result = static_cast<R>(joined<kFunction>(carried[c], total[c]));
          std::memcpy(y + c * next_y, &result, sizeof result);
        }
      };
      const std::byte* x = data[0] + c0 * x_next;
      std::byte* y = data[1] + c0 * y_next - skip * y_step;
      for (Index r = 0; r < n; ++r, x += x_step, y += y_step) {
        if (adjoin)
          row(x, y, sizeof(T), sizeof(R), r >= skip);
        else
          row(x, y, x_next, y_next, r >= skip);
      }
    }
  });
}

/// Sums of totals: floating parts with Neumaier's compensation, integers wrapping.
double with_lost(double total, double lost) { return compensated(total, lost); }
Complex with_lost(Complex total, Complex lost) { return {compensated(total.real(), lost.real()), compensated(total.imag(), lost.imag())}; }
template <class A>
A with_lost(A total, A) {
  return total;
}
void add(double& total, double& lost, double value) { add_compensated(total, lost, value); }
void add(Complex& total, Complex& lost, Complex value) {
  double parts[] = {total.real(), total.imag()}, rest[] = {lost.real(), lost.imag()};
  add_compensated(parts[0], rest[0], value.real());
  add_compensated(parts[1], rest[1], value.imag());
  total = {parts[0], parts[1]};
  lost = {rest[0], rest[1]};
}
template <class A>
void add(A& total, A&, A value) {
  total = joined<CumulativeFunction::kSum>(total, value);
}

template <class F>
void with_function(CumulativeFunction function, F&& f) {
  using enum CumulativeFunction;
  switch (function) {
    case kSum: return f(std::integral_constant<CumulativeFunction, kSum>{});
    case kProduct: return f(std::integral_constant<CumulativeFunction, kProduct>{});
    case kMax: return f(std::integral_constant<CumulativeFunction, kMax>{});
    case kMin: return f(std::integral_constant<CumulativeFunction, kMin>{});
  }
}

}  // namespace

DType accumulator_of(DType dtype) {
  return with_type(dtype, []<class T>(TypeTag<T>) { return dtype_of<AccumulatorOf<T>>(); });
}

DType cumulative_result(CumulativeFunction function, DType dtype) {
  const bool sums = function == CumulativeFunction::kSum || function == CumulativeFunction::kProduct;
  return is_floating(dtype) || is_complex(dtype) || !sums ? dtype : accumulator_of(dtype);
}

void cumulative_block(const CumulativeRule& rule, const View& in, int axis, Index skip, const View* carry, const View& out, bool raw,
                      const Cancel& cancel) {
  if (out.count() == 0) return;
  with_function(rule.function, [&]<CumulativeFunction kFunction>(std::integral_constant<CumulativeFunction, kFunction>) {
    with_type(in.dtype, [&]<class T>(TypeTag<T>) {
      constexpr bool kSums = kFunction == CumulativeFunction::kSum || kFunction == CumulativeFunction::kProduct;
      using A = AccumulatorOf<T>;
      using R = std::conditional_t<!std::is_integral_v<T> || !kSums, T, A>;
      if (raw)
        rule.skip_nan ? block_loop<kFunction, true, T, A>(in, axis, skip, carry, out, cancel)
                      : block_loop<kFunction, false, T, A>(in, axis, skip, carry, out, cancel);
      else
        rule.skip_nan ? block_loop<kFunction, true, T, R>(in, axis, skip, carry, out, cancel)
                      : block_loop<kFunction, false, T, R>(in, axis, skip, carry, out, cancel);
    });
  });
}

void carries_along(const CumulativeRule& rule, const View& totals, int axis, const View& out) {
  const View* const views[] = {&totals, &out};
  const Columns<2> columns(views, axis);
  with_function(rule.function, [&]<CumulativeFunction kFunction>(std::integral_constant<CumulativeFunction, kFunction>) {
    with_type(totals.dtype, [&]<class A>(TypeTag<A>) {
      if constexpr (sizeof(A) >= 8 && std::is_same_v<A, AccumulatorOf<A>>) {
        constexpr bool kSum = kFunction == CumulativeFunction::kSum;
        columns.for_each_outer([&](std::byte* const* data, Index) {
          for (Index c = 0; c < columns.columns(); ++c) {
            A total = nothing<kFunction, A>(), lost{};
            for (Index b = 0; b < totals.shape[axis]; ++b) {
              A value, carry = total;
              if constexpr (kSum) carry = with_lost(total, lost);
              std::memcpy(data[1] + c * columns.column_stride(1) + b * columns.axis_stride(1), &carry, sizeof carry);
              std::memcpy(&value, data[0] + c * columns.column_stride(0) + b * columns.axis_stride(0), sizeof value);
              if constexpr (kSum)
                add(total, lost, value);
              else
                total = joined<kFunction>(total, value);
            }
          }
        });
      } else {
        ensure(false, "carries of another dtype than an accumulator's");
      }
    });
  });
}

void write_nothing(CumulativeFunction function, const View& out) {
  with_type(out.dtype, [&]<class T>(TypeTag<T>) {
    const T value = static_cast<T>(function == CumulativeFunction::kSum ? 0 : 1);
    const Index n = out.rank() == 0 ? 1 : out.shape.back(), step = out.rank() == 0 ? 0 : out.strides.back();
    for_each_row(out.shape, {&out}, [&](std::byte** row) {
      for (Index i = 0; i < n; ++i) std::memcpy(row[0] + i * step, &value, sizeof value);
    });
  });
}

}  // namespace freestone::kernels
