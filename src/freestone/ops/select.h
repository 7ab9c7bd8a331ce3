/// Order statistics and sigma clipping: operations that see whole axes at once.
#pragma once

#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/select.h"

namespace freestone {

/// Median over `axes` (no axes: all), the mean of the two middle values. Floating and complex dtypes stay, others give
/// float64. Complex numbers are ordered by real part, then imaginary part, as NumPy does; one with a NaN part is NaN.
/// @param skip_nan  true: of what is not NaN (NaN where nothing is left); false: one NaN makes NaN
/// @throws Error kind user: axis out of range or named twice
Array median(const Array& a, const std::vector<int>& axes, bool skip_nan = true);

/// NumPy's "linear" percentile, `q` in [0, 100].
Array percentile(const Array& a, double q, const std::vector<int>& axes, bool skip_nan = true);

/// 1.482602218505602 times the median absolute deviation from the median: the standard deviation of normal noise
/// (astropy.stats.mad_std).
Array mad_std(const Array& a, const std::vector<int>& axes, bool skip_nan = true);

using ClipOptions = kernels::ClipRule;

/// Replaces outliers by NaN, spectrum by spectrum.
///
/// Along `axis`: at most `max_iterations` times drop what lies outside centre +- low/high * deviation of what is left, until nothing drops.
/// Centre is the median, deviation the population standard deviation (ddof 0) about the mean, both of finite values.
/// The rule of astropy.stats.SigmaClip with its defaults, as spectral-cube uses it.
///
/// @returns         shape of `a`, floating dtype; a spectrum without finite values stays NaN
/// @throws Error    kind user: a threshold <= 0, max_iterations < -1, axis out of range, complex dtype
Array sigma_clip(const Array& a, int axis, ClipOptions options = {});
inline Array sigma_clip(const Array& a, double threshold, int axis = 0) {
  return sigma_clip(a, axis, {.low = threshold, .high = threshold});
}

class SelectOp : public Op {
 public:
  /// `function`: median, percentile or mad_std; `q` is percentile's.
  SelectOp(std::string function, const Spec& input, std::vector<int> axes, bool skip_nan, double q);
  std::string_view name() const override { return "select"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Shape input_part(const Box& box) const;
  std::string function_;
  std::vector<int> axes_;
  bool skip_nan_;
  double q_;
  Spec in_;
};

class SigmaClipOp : public Op {
 public:
  SigmaClipOp(const Spec& input, int axis, ClipOptions options);
  std::string_view name() const override { return "sigma_clip"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  bool may_overwrite(int) const override { return in_.dtype == outputs()[0].dtype; }

 private:
  Spec in_;
  int axis_;
  ClipOptions options_;
};

}  // namespace freestone
