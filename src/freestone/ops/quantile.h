/// Quantiles over axes by any of NumPy's methods, several at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/quantile.h"

namespace freestone {

struct QuantileOptions {
  std::string_view method = "linear";  ///< kernels::quantile_methods
  bool skip_nan = false;               ///< true: numpy.nanquantile
};

/// The quantiles `q` (each in [0, 1]) over `axes`; no axes: over all of them.
/// @returns q.size() along a leading axis, then the other axes. Floating dtypes stay, others give float64, but keep their dtype where the
/// method
///          takes elements as they are (inverted_cdf, closest_observation, lower, higher, nearest)
/// @throws Error kind user: q out of range, unknown method, axis out of range or named twice, complex dtype, quantiles of no integers
Array quantile(const Array& a, const std::vector<double>& q, const std::vector<int>& axes, QuantileOptions options = {});
/// One quantile, without the leading axis.
Array quantile(const Array& a, double q, const std::vector<int>& axes, QuantileOptions options = {});
/// `q` in [0, 100].
Array percentile(const Array& a, const std::vector<double>& q, const std::vector<int>& axes, QuantileOptions options = {});

class QuantileOp : public Op {
 public:
  QuantileOp(const Spec& input, std::vector<double> q, std::vector<int> axes, kernels::QuantileMethod method, bool skip_nan);
  std::string_view name() const override { return "quantile"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Spec in_;
  std::vector<double> q_;
  std::vector<int> axes_;
  kernels::QuantileMethod method_;
  bool skip_nan_;
};

}  // namespace freestone
