#include "freestone/ops/filters.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/kernels/complex_parts.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/program.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

using kernels::WindowFunction;
using kernels::WindowRule;

constexpr double kTapNanoseconds = 0.4;  // an element and tap, one core
constexpr double kRankNanoseconds = 6;

struct RollingName {
  std::string_view name;
  WindowFunction function;
};
constexpr RollingName kRolling[] = {{"sum", WindowFunction::kSum},           {"mean", WindowFunction::kMean},
                                    {"min", WindowFunction::kMin},           {"max", WindowFunction::kMax},
                                    {"variance", WindowFunction::kVariance}, {"std", WindowFunction::kStd},
                                    {"median", WindowFunction::kMedian},     {"count", WindowFunction::kCount}};

/// What goes part by part.
bool is_linear(const WindowRule& rule) {
  return rule.function == WindowFunction::kLinear || rule.function == WindowFunction::kSum || rule.function == WindowFunction::kMean;
}

Dims reach(const WindowRule& rule, int rank, bool before) {
  Dims out(rank);
  for (const Dims& offset : rule.offsets)
    for (int k = 0; k < rank; ++k) out[k] = std::max(out[k], before ? -offset[k] : offset[k]);
  return out;
}

Spec window_spec(const Spec& input, const WindowRule& rule) {
  return {input.shape,
          is_floating(input.dtype) || is_complex(input.dtype) || kernels::keeps_dtype(rule.function) ? input.dtype : DType::kFloat64};
}

}  // namespace

Access window_access(const Dims& before, const Dims& after, Boundary boundary) {
  Access access;
  for (int k = 0; k < before.rank(); ++k) {
    if (before[k] == 0 && after[k] == 0)
      access.push_back(AxisMap::point(k));
    else
      access.push_back(boundary == Boundary::kWrap ? AxisMap::gather() : AxisMap::halo(k, before[k], after[k]));
  }
  return access;
}

WindowOp::WindowOp(const Spec& input, WindowRule rule, Boundary boundary, double constant)
    : Op(input.shape, {window_spec(input, rule)},
         {window_access(reach(rule, input.shape.rank(), true), reach(rule, input.shape.rank(), false), boundary)},
         {identity_access(input.shape.rank())}),
      in_(input),
      rule_(std::move(rule)),
      boundary_(boundary),
      constant_(constant),
      before_(reach(rule_, input.shape.rank(), true)),
      after_(reach(rule_, input.shape.rank(), false)) {}

nlohmann::json WindowOp::params() const {
  auto offsets = nlohmann::json::array(), weights = nlohmann::json::array();
  for (const Dims& offset : rule_.offsets) offsets.push_back(offset.to_vector());
  for (const double w : rule_.weights) weights.push_back(json_of(w));
  return {{"function", static_cast<int>(rule_.function)},
          {"offsets", offsets},
          {"weights", weights},
          {"rank", rule_.rank},
          {"least", rule_.least},
          {"ddof", json_of(rule_.ddof)},
          {"boundary", static_cast<int>(boundary_)},
          {"constant", json_of(constant_)}};
}

Box WindowOp::wanted(const Box& box) const {
  Box out = box;
  for (int k = 0; k < box.rank(); ++k) out.start[k] -= before_[k], out.shape[k] += before_[k] + after_[k];
  return out;
}

Box WindowOp::input_box(int, const Box& box, const Shape& array) const {
  if (box.empty()) return map_box(input(0), box, array);
  return kernels::filled_from(boundary_, wanted(box), array);
}

Need WindowOp::need(const Box& box) const {
  const double each =
      rule_.function == WindowFunction::kRank || rule_.function == WindowFunction::kMedian ? kRankNanoseconds : kTapNanoseconds;
  return {Scratch::rounded(wanted(box).count() * size_of(in_.dtype)),
          static_cast<double>(box.count()) * (2 + each * static_cast<double>(rule_.offsets.size()))};
}

void WindowOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const Box around = wanted(box);
  const View padded = View::contiguous(scratch.take(around.count() * size_of(in_.dtype)), in_.dtype, around.shape);
  kernels::fill_window(boundary_, constant_, in[0], around, in_.shape, padded);
  if (!is_complex(in_.dtype)) return kernels::window_along(rule_, padded, before_, out[0].view, cancel);
  for (const int part : {0, 1})
    kernels::window_along(rule_, kernels::part_of(padded, part), before_, kernels::part_of(out[0].view, part), cancel);
}

namespace {

Array windowed(const Array& a, WindowRule rule, const FilterOptions& options, const char* name) {
  if (is_complex(a.dtype()) && !is_linear(rule))
    fail(ErrorKind::kUser, "{}: the array is {}; complex numbers have no order. Take real, imag or absolute of it.", name,
         name_of(a.dtype()));
  // A constant that the dtype cannot hold has no place beyond the edge.
  if (options.boundary == Boundary::kConstant && !is_floating(a.dtype()) && !is_complex(a.dtype()) &&
      options.constant != std::trunc(options.constant))
    fail(ErrorKind::kUser, "{}: the constant {} beyond the edge of an array of {}.", name, format_number(options.constant),
         name_of(a.dtype()));
  return apply_op(std::make_shared<WindowOp>(a.spec(), std::move(rule), options.boundary, options.constant), {a});
}

std::vector<int> filter_axes(const Array& a, const FilterOptions& options) { return normal_axes(options.axes, a.rank()); }

template <class T>
T one_each(const std::vector<T>& list, std::size_t i, std::size_t axes, const char* name) {
  if (list.size() != 1 && list.size() != axes)
    fail(ErrorKind::kUser, "{}: {} numbers for {} axes. Give one for all, or one each.", name, list.size(), axes);
  return list[list.size() == 1 ? 0 : i];
}

/// Offsets of a box of `sizes` over `axes`, in C order; element `centers[i]` of each stands on the output.
std::vector<Dims> box_offsets(int rank, const std::vector<int>& axes, const Shape& sizes, const Dims& centers) {
  std::vector<Dims> out;
  const Index n = element_count(sizes);
  for (Index i = 0; i < n; ++i) {
    Dims offset(rank);
    Index left = i;
    for (int k = sizes.rank() - 1; k >= 0; --k) {
      offset[axes[static_cast<std::size_t>(k)]] = left % sizes[k] - centers[k];
      left /= sizes[k];
    }
    out.push_back(offset);
  }
  return out;
}

Shape box_sizes(const Array& a, const std::vector<Index>& sizes, const FilterOptions& options, const char* name) {
  const auto axes = filter_axes(a, options);
  Shape out;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    out.push_back(one_each(sizes, i, axes.size(), name));
    if (out.back() < 1) fail(ErrorKind::kUser, "{}: a size of {}. Give 1 or more.", name, out.back());
  }
  return out;
}

Dims halves(const Shape& sizes) {
  Dims out = sizes;
  for (Index& n : out) n /= 2;
  return out;
}

/// A filter that goes axis by axis.
template <class Rule>
Array axis_by_axis(const Array& a, const Shape& sizes, const FilterOptions& options, const char* name, Rule&& rule) {
  const auto axes = filter_axes(a, options);
  Array out = a;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const Index size = sizes[static_cast<int>(i)];
    if (size == 1) continue;
    WindowRule made = rule(i, size);
    made.offsets = box_offsets(a.rank(), {axes[i]}, {size}, {size / 2});
    out = windowed(out, std::move(made), options, name);
  }
  return out;
}

Array ranked(const Array& a, const Shape& sizes, Index rank, const FilterOptions& options, const char* name) {
  WindowRule rule;
  rule.function = WindowFunction::kRank;
  rule.rank = rank;
  rule.offsets = box_offsets(a.rank(), filter_axes(a, options), sizes, halves(sizes));
  return windowed(a, std::move(rule), options, name);
}

Array extreme(const Array& a, const std::vector<Index>& sizes, const FilterOptions& options, WindowFunction function, const char* name) {
  return axis_by_axis(a, box_sizes(a, sizes, options, name), options, name, [&](std::size_t, Index) {
    WindowRule rule;
    rule.function = function;
    return rule;
  });
}

Array as_floating(const Array& a) { return is_floating(a.dtype()) || is_complex(a.dtype()) ? a : astype(a, DType::kFloat64); }

Array weighted_box(const Array& a, const std::vector<double>& kernel, const Shape& shape, const Dims& centers, const FilterOptions& options,
                   const char* name) {
  const auto axes = filter_axes(a, options);
  if (shape.size() != axes.size() || element_count(shape) != static_cast<Index>(kernel.size()) || kernel.empty())
    fail(ErrorKind::kUser, "{}: a kernel of {} numbers and shape {} over {} axes.", name, kernel.size(), to_string(shape), axes.size());
  WindowRule rule;
  rule.weights = kernel;
  rule.offsets = box_offsets(a.rank(), axes, shape, centers);
  return windowed(a, std::move(rule), options, name);
}

}  // namespace

Array stencil(const Array& a, const std::vector<StencilPoint>& points, FilterOptions options) {
  if (points.empty()) fail(ErrorKind::kUser, "stencil: no points.");
  WindowRule rule;
  for (const StencilPoint& point : points) {
    if (static_cast<int>(point.offset.size()) != a.rank())
      fail(ErrorKind::kUser, "stencil: an offset of {} numbers for {} axes.", point.offset.size(), a.rank());
    rule.offsets.emplace_back(point.offset);
    rule.weights.push_back(point.weight);
  }
  return windowed(a, std::move(rule), options, "stencil");
}

Array correlate(const Array& a, const std::vector<double>& kernel, const Shape& shape, FilterOptions options) {
  return weighted_box(a, kernel, shape, halves(shape), options, "correlate");
}

Array convolve_nd(const Array& a, const std::vector<double>& kernel, const Shape& shape, FilterOptions options) {
  Dims centers = shape;
  for (Index& n : centers) n = (n - 1) / 2;
  return weighted_box(a, {kernel.rbegin(), kernel.rend()}, shape, centers, options, "convolve_nd");
}

Array uniform_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options) {
  return axis_by_axis(as_floating(a), box_sizes(a, sizes, options, "uniform_filter"), options, "uniform_filter",
                      [](std::size_t, Index size) {
                        WindowRule rule;
                        rule.weights.assign(static_cast<std::size_t>(size), 1 / static_cast<double>(size));
                        return rule;
                      });
}

Array gaussian_filter(const Array& a, const std::vector<double>& sigmas, double truncate, FilterOptions options) {
  const auto axes = filter_axes(a, options);
  Shape sizes;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const double sigma = one_each(sigmas, i, axes.size(), "gaussian_filter");
    if (!(sigma >= 0 && truncate >= 0 && sigma * truncate < 1e6))
      fail(ErrorKind::kUser, "gaussian_filter: sigma {} cut at {}.", format_number(sigma), format_number(truncate));
    sizes.push_back(2 * static_cast<Index>(truncate * sigma + 0.5) + 1);
  }
  return axis_by_axis(as_floating(a), sizes, options, "gaussian_filter", [&](std::size_t i, Index size) {
    const double sigma = sigmas[sigmas.size() == 1 ? 0 : i];
    WindowRule rule;
    double total = 0;
    for (Index k = 0; k < size; ++k) {
      const double x = static_cast<double>(k - size / 2);
      rule.weights.push_back(std::exp(-0.5 / (sigma * sigma) * x * x));
      total += rule.weights.back();
    }
    for (double& w : rule.weights) w /= total;
    return rule;
  });
}

Array minimum_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options) {
  return extreme(a, sizes, options, WindowFunction::kMinimum, "minimum_filter");
}
Array maximum_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options) {
  return extreme(a, sizes, options, WindowFunction::kMaximum, "maximum_filter");
}

Array median_filter(const Array& a, const std::vector<Index>& sizes, FilterOptions options) {
  const Shape box = box_sizes(a, sizes, options, "median_filter");
  return ranked(a, box, element_count(box) / 2, options, "median_filter");
}

Array percentile_filter(const Array& a, double percentile, const std::vector<Index>& sizes, FilterOptions options) {
  if (!(percentile >= 0 && percentile <= 100))
    fail(ErrorKind::kUser, "percentile_filter: {} is not between 0 and 100.", format_number(percentile));
  const Shape box = box_sizes(a, sizes, options, "percentile_filter");
  const Index n = element_count(box);
  return ranked(a, box, std::min(n - 1, static_cast<Index>(static_cast<double>(n) * percentile / 100)), options, "percentile_filter");
}

namespace {

/// A complex number with one part that is NaN is left out whole.
Array nan_in_both_parts(const Array& a) {
  if (!is_complex(a.dtype())) return a;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  return elementwise("where", {elementwise("isnan", {a}), std::complex<double>(kNaN, kNaN), a});
}

}  // namespace

Array rolling(std::string_view name, const Array& a, Index window, int axis, RollingOptions options) {
  axis = normal_axis(axis, a.rank());
  if (window < 1) fail(ErrorKind::kUser, "rolling: a window of {}. Give 1 or more.", window);
  const Index least = options.min_periods.value_or(window);
  if (least < 0 || least > window) fail(ErrorKind::kUser, "rolling: min_periods {} of a window of {}.", least, window);
  WindowRule rule;
  const auto* found = std::find_if(std::begin(kRolling), std::end(kRolling), [&](const RollingName& row) { return row.name == name; });
  if (found == std::end(kRolling)) {
    std::vector<std::string> names;
    for (const RollingName& row : kRolling) names.emplace_back(row.name);
    fail(ErrorKind::kUser, "'{}' is not a rolling reduction.{}", name, suggestion(std::string(name), names));
  }
  rule.function = found->function;
  rule.least = least;
  rule.ddof = options.ddof;
  rule.offsets = box_offsets(a.rank(), {axis}, {window}, {options.center ? window / 2 : window - 1});
  return windowed(nan_in_both_parts(as_floating(a)), std::move(rule), {Boundary::kConstant, std::numeric_limits<double>::quiet_NaN(), {}},
                  "rolling");
}

}  // namespace freestone
