/// Filters and rolling reductions: every element from a window around it. Array edges go on as `boundary` says (scipy.ndimage's modes).
/// Of complex numbers what is linear (stencils, kernels, means, sums) goes part by part; what orders is an error.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/window.h"

namespace freestone {

using kernels::Boundary;

struct FilterOptions {
  Boundary boundary = Boundary::kReflect;
  double constant = 0;    ///< beyond the edge, with Boundary::kConstant
  std::vector<int> axes;  ///< of sizes, sigmas and kernels; none: all
};

/// One element of a stencil: its offset from the output on every axis, and its weight.
struct StencilPoint {
  std::vector<Index> offset;
  double weight = 1;
};

/// Sum of weight times element at each offset, added in the order given, in float64.
/// @returns shape of `a`; float32 and complex dtypes stay, others give float64
/// @throws Error kind user: no points, an offset of another rank
Array stencil(const Array& a, const std::vector<StencilPoint>& points, FilterOptions options = {});

/// scipy.ndimage.correlate and (convolve_nd) convolve: `kernel` in C order, of `shape` over `options.axes`; its centre is element shape
/// / 2.
/// @throws Error kind user: as stencil; a kernel that does not fill its shape
Array correlate(const Array& a, const std::vector<double>& kernel, const Shape& shape, FilterOptions options = {});
Array convolve_nd(const Array& a, const std::vector<double>& kernel, const Shape& shape, FilterOptions options = {});

/// The mean of boxes, axis by axis; one size for all axes, or one each. @throws Error kind user: a size < 1
Array uniform_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options = {});
/// Weights of a normal curve, axis by axis, cut at `truncate` sigmas; one sigma (in elements) for all axes, or one each.
Array gaussian_filter(const Array& a, const std::vector<double>& sigmas, double truncate = 4, FilterOptions options = {});
/// The least (greatest) element of boxes; the dtype stays, NaN wins.
Array minimum_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options = {});
Array maximum_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options = {});
/// The element of rank n / 2 of the n in a box, or of rank n * percentile / 100; the dtype stays, NaN counts as greatest.
Array median_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options = {});
Array percentile_filter(const Array& a, double percentile, const std::vector<Index>& sizes, FilterOptions options = {});

struct RollingOptions {
  bool center = false;               ///< the window stands around its element instead of ending there
  std::optional<Index> min_periods;  ///< values that are not NaN which a result takes; default: the window
  double ddof = 0;                   ///< of variance and std (pandas: 1)
};
/// sum, mean, min, max, variance, std, median or count of the last `window` positions along `axis`; NaN, and what lies beyond the array, is
/// left out, and a result of fewer values than min_periods is NaN (of count: 0), as in pandas and xarray.
/// @returns shape of `a`; float32 stays, other real dtypes give float64
/// @throws Error kind user: unknown name, window < 1, min_periods beyond it, axis out of range, complex dtype but for sum and mean
Array rolling(std::string_view name, const Array& a, Index window, int axis = 0, RollingOptions options = {});

class WindowOp : public Op {
 public:
  WindowOp(const Spec& input, kernels::WindowRule rule, Boundary boundary, double constant);
  std::string_view name() const override { return "window"; }
  nlohmann::json params() const override;
  Box input_box(int i, const Box& box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;

 private:
  Box wanted(const Box& box) const;
  Spec in_;
  kernels::WindowRule rule_;
  Boundary boundary_;
  double constant_;
  Dims before_, after_;
};

/// How an array with a halo is read: points with a halo, or positions on no line where edges wrap.
Access window_access(const Dims& before, const Dims& after, Boundary boundary);

}  // namespace freestone
