#include "freestone/kernels/quantile.h"

#include <cmath>
#include <limits>

#include "freestone/kernels/columns.h"
#include "freestone/kernels/sort_keys.h"

namespace freestone::kernels {
namespace {

constexpr std::string_view kMethods[] = {"inverted_cdf",
                                         "averaged_inverted_cdf",
                                         "closest_observation",
                                         "interpolated_inverted_cdf",
                                         "hazen",
                                         "weibull",
                                         "linear",
                                         "median_unbiased",
                                         "normal_unbiased",
                                         "lower",
                                         "higher",
                                         "midpoint",
                                         "nearest"};

/// The virtual place by Hyndman and Fan's two parameters.
double by_parameters(double n, double q, double alpha, double beta) { return n * q + (alpha + q * (1 - alpha - beta)) - 1; }

/// One of two neighbouring elements.
QuantilePlace either(double place, bool lower, Index n) {
  const Index at = std::clamp<Index>(static_cast<Index>(std::floor(place)) + !lower, 0, n - 1);
  return {at, at, 0};
}

}  // namespace

std::span<const std::string_view> quantile_methods() { return kMethods; }

QuantileMethod quantile_method(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kMethods); ++i)
    if (kMethods[i] == name) return static_cast<QuantileMethod>(i);
  std::string all;
  for (const std::string_view method : kMethods) all += fmt::format("{}{}", all.empty() ? "" : ", ", method);
  fail(ErrorKind::kUser, "'{}' is not a method of quantiles. There are {}.", name, all);
}

bool is_discrete(QuantileMethod method) {
  using enum QuantileMethod;
  return method == kInvertedCdf || method == kClosestObservation || method == kLower || method == kHigher || method == kNearest;
}

QuantilePlace quantile_place(QuantileMethod method, Index count, double q) {
  using enum QuantileMethod;
  const double n = static_cast<double>(count), linear = (n - 1) * q;
  const auto exact = [&](double place) { return QuantilePlace{static_cast<Index>(place), static_cast<Index>(place), 0}; };
  double place = linear;
  switch (method) {
    case kInvertedCdf: place = n * q - 1; return either(place, place == std::floor(place), count);
    case kClosestObservation: {
      place = n * q - 1 - 0.5;
      const double floor = std::floor(place);
      return either(place, place == floor && std::fabs(std::fmod(floor, 2.0)) == 1, count);
    }
    case kLower: return exact(std::floor(linear));
    case kHigher: return exact(std::ceil(linear));
    case kNearest: return exact(std::nearbyint(linear));
    case kAveragedInvertedCdf: place = n * q - 1; break;
    case kInterpolatedInvertedCdf: place = by_parameters(n, q, 0, 1); break;
    case kHazen: place = by_parameters(n, q, 0.5, 0.5); break;
    case kWeibull: place = by_parameters(n, q, 0, 0); break;
    case kLinear: break;
    case kMedianUnbiased: place = by_parameters(n, q, 1 / 3.0, 1 / 3.0); break;
    case kNormalUnbiased: place = by_parameters(n, q, 3 / 8.0, 3 / 8.0); break;
    case kMidpoint: place = 0.5 * (std::floor(linear) + std::ceil(linear)); break;
  }
  if (place >= n - 1) return {count - 1, count - 1, 0};
  if (place < 0) return {0, 0, 0};
  double part = place - std::floor(place);
  if (method == kAveragedInvertedCdf) part = part == 0 ? 0.5 : 1;
  return {static_cast<Index>(std::floor(place)), static_cast<Index>(std::floor(place)) + 1, part};
}

Index quantile_scratch_bytes(Index length, DType dtype) { return BlockLayout(length, size_of(dtype)).bytes(size_of(dtype)); }

void quantiles_along(const View& in, int axis, QuantileMethod method, std::span<const double> q, bool skip_nan, const View& out,
                     Scratch& scratch, const Cancel& cancel) {
  const Index n = in.shape[axis];
  if (out.count() == 0) return;
  with_real_type(in.dtype, [&]<class T>(TypeTag<T>) {
    with_real_type(out.dtype, [&]<class R>(TypeTag<R>) {
      if constexpr (std::is_same_v<T, R> || std::is_same_v<R, double>) {
        using K = SortKey<T>;
        const BlockLayout layout(n, sizeof(K));
        const Index mark = scratch.used();
        K* keys = reinterpret_cast<K*>(scratch.take(layout.bytes(sizeof(K))));
        K* other = keys + layout.columns * layout.pitch;
        const View* const views[] = {&in, &out};
        const Columns<2> columns(views, axis);
        columns.for_each_outer([&](std::byte* const* data, Index) {
          for (Index c = 0; c < columns.columns(); c += layout.columns) {
            cancel.check();
            const Index some = std::min(layout.columns, columns.columns() - c);
            gather_columns<T>(data[0] + c * columns.column_stride(0), columns.column_stride(0), columns.axis_stride(0), n, some,
                              layout.pitch, keys, [](T x, Index) { return sort_key(x, false); });
            for (Index i = 0; i < some; ++i) {
              K* column = keys + i * layout.pitch;
              sort_items(column, other, n);
              Index valid = n;
              if constexpr (std::is_floating_point_v<T>) valid = std::lower_bound(column, column + n, kLastKey<T>) - column;
              std::byte* to = data[1] + (c + i) * columns.column_stride(1);
              for (std::size_t k = 0; k < q.size(); ++k, to += columns.axis_stride(1)) {
                R result;
                if (valid == 0 || (!skip_nan && valid < n)) {
                  result = std::numeric_limits<R>::quiet_NaN();
                } else {
                  const QuantilePlace place = quantile_place(method, valid, q[k]);
                  const T lower = value_of_key<T>(column[place.lower], false), upper = value_of_key<T>(column[place.upper], false);
                  result = place.lower == place.upper ? static_cast<R>(lower) : interpolated<T, R>(lower, upper, place.part);
                }
                std::memcpy(to, &result, sizeof result);
              }
            }
          }
        });
        scratch.release_to(mark);
      } else {
        ensure(false, "quantiles: an output of another dtype");
      }
    });
  });
}

}  // namespace freestone::kernels
