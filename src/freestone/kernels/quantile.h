/// Quantiles along an axis by any of NumPy's methods, several at once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

/// Hyndman and Fan (1996), Sample quantiles in statistical packages, and NumPy's four others; in NumPy's names and order.
enum class QuantileMethod {
  kInvertedCdf,
  kAveragedInvertedCdf,
  kClosestObservation,
  kInterpolatedInvertedCdf,
  kHazen,
  kWeibull,
  kLinear,
  kMedianUnbiased,
  kNormalUnbiased,
  kLower,
  kHigher,
  kMidpoint,
  kNearest
};
/// "inverted_cdf" ... "nearest".
std::span<const std::string_view> quantile_methods();
/// @throws Error kind user: not a method, with the nearest name
QuantileMethod quantile_method(std::string_view name);
/// The method takes an element as it is.
bool is_discrete(QuantileMethod method);

/// Where a quantile lies among n sorted values: between `lower` and `upper`, `part` of the way.
struct QuantilePlace {
  Index lower, upper;
  double part;
};
QuantilePlace quantile_place(QuantileMethod method, Index n, double q);

/// NumPy's interpolation, from the nearer side, in R.
template <class T, class R>
R interpolated(T lower, T upper, double part) {
  const R a = static_cast<R>(lower), b = static_cast<R>(upper), apart = b - a;
  return part >= 0.5 ? b - apart * static_cast<R>(1 - part) : a + apart * static_cast<R>(part);
}

Index quantile_scratch_bytes(Index length, DType dtype);

/// `q` in [0, 1]. `out`: the shape of `in` with `axis` of length q.size(), in order of q; float32 for float32, otherwise float64, or for
/// discrete methods the dtype of `in`. Nothing valid: NaN. `in` of integers and bool has at least one element along `axis`.
void quantiles_along(const View& in, int axis, QuantileMethod method, std::span<const double> q, bool skip_nan, const View& out,
                     Scratch& scratch, const Cancel& cancel);

}  // namespace freestone::kernels
