#include "freestone/ops/reduce.h"

#include <algorithm>
#include <complex>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/ops/along_axis.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/program.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr Index kLeafElements = 65536;
constexpr Index kMostParts = 7;  // into which an axis of a chunk is cut at once

std::vector<Spec> output_specs(const kernels::FoldRequest& request, const Shape& input, const std::vector<int>& axes) {
  const Shape kept = without_axes(input, axes);
  std::vector<Spec> specs;
  for (const DType dtype : kernels::make_fold(request)->outputs()) specs.push_back({kept, dtype});
  return specs;
}

std::vector<Access> output_access(std::size_t outputs, int rank, const std::vector<int>& axes) {
  return std::vector<Access>(outputs, access_without_axes(rank, axes));
}

Index power_of_two_at_least(Index n) {
  Index p = 1;
  while (p < n) p *= 2;
  return p;
}

}  // namespace

std::vector<int> normal_axes(const std::vector<int>& axes, int rank) {
  std::vector<int> out;
  for (const int axis : axes) out.push_back(normal_axis(axis, rank));
  if (axes.empty())
    for (int k = 0; k < rank; ++k) out.push_back(k);
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) fail(ErrorKind::kUser, "An axis is named twice.");
  return out;
}

Shape leaf_extents(const ChunkGrid& chunks, const std::vector<int>& axes) {
  Shape leaf(chunks.shape().rank(), 1);
  if (!chunks.is_contiguous()) {
    // A leaf never crosses a chunk edge: a chunk too large is cut into equal parts, one axis after the other, by small divisors first. An
    // axis whose extent has none (a large prime) is cut in halves when nothing else is left; only then a leaf may cross an edge.
    Index elements = 1;
    for (const int k : axes) leaf[k] = chunks.chunk()[k], elements *= leaf[k];
    std::size_t at = 0, refused = 0;
    while (elements > kLeafElements) {
      Index& extent = leaf[axes[at]];
      at = (at + 1) % axes.size();
      Index parts = 2;
      while (parts * parts <= extent && extent % parts != 0) ++parts;
      const bool divides = extent % parts == 0 && parts <= kMostParts;
      if (extent == 1 || (!divides && refused < axes.size())) {
        ++refused;
        continue;
      }
      if (divides) refused = 0;
      elements /= extent;
      extent = divides ? extent / parts : (extent + 1) / 2;
      elements *= extent;
    }
    return leaf;
  }
  // Balanced powers of two: each axis takes an equal share of what is left, short axes first take what they need.
  std::vector<int> open(axes.begin(), axes.end());
  Index budget = kLeafElements;
  while (!open.empty()) {
    Index share = 1;
    while (true) {
      Index product = 1;
      for (std::size_t i = 0; i < open.size(); ++i) product *= share * 2;
      if (product > budget) break;
      share *= 2;
    }
    const auto fits = [&](int k) { return power_of_two_at_least(std::max<Index>(1, chunks.shape()[k])) <= share; };
    const auto short_axis = std::find_if(open.begin(), open.end(), fits);
    if (short_axis != open.end()) {
      leaf[*short_axis] = power_of_two_at_least(std::max<Index>(1, chunks.shape()[*short_axis]));
      budget /= leaf[*short_axis];
      open.erase(short_axis);
      continue;
    }
    // All are long: equal shares, what is left over goes to the first axes.
    Index left = budget;
    for (const int k : open) leaf[k] = share, left /= share;
    for (const int k : open)
      if (left >= 2 && leaf[k] < power_of_two_at_least(chunks.shape()[k])) leaf[k] *= 2, left /= 2;
    open.clear();
  }
  return leaf;
}

ReduceOp::ReduceOp(std::string name, const Spec& input, std::vector<int> axes, Shape leaf, bool skip_nan, std::vector<double> parameters)
    : Op(input.shape, output_specs({name, input.dtype, skip_nan, parameters}, input.shape, axes), {identity_access(input.shape.rank())},
         output_access(kernels::make_fold({name, input.dtype, skip_nan, parameters})->outputs().size(), input.shape.rank(), axes)),
      function_(std::move(name)),
      axes_(std::move(axes)),
      leaf_(leaf),
      skip_nan_(skip_nan),
      parameters_(std::move(parameters)),
      kernel_(kernels::make_fold({function_, input.dtype, skip_nan_, parameters_})) {
  for (const int k : axes_) reduced_ |= 1u << k;
}

nlohmann::json ReduceOp::params() const {
  auto parameters = nlohmann::json::array();
  for (const double p : parameters_) parameters.push_back(json_of(p));
  return {{"function", function_}, {"axes", axes_}, {"leaf", leaf_.to_vector()}, {"skip_nan", skip_nan_}, {"parameters", parameters}};
}

Need ReduceOp::need(const Box& box) const {
  return {0, static_cast<double>(box.count()) * (0.2 + 0.05 * static_cast<double>(kernel_->words()))};
}

void ReduceOp::init(std::byte* state, Index outputs) const { kernel_->init(reinterpret_cast<kernels::Word*>(state), outputs); }

void ReduceOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  const Tile part = in[0].part(leaf_box);
  kernel_->scan(part.view, reduced_, {leaf_box.start, domain()}, reinterpret_cast<kernels::Word*>(state), outputs);
}

void ReduceOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  kernel_->merge(reinterpret_cast<kernels::Word*>(into), reinterpret_cast<const kernels::Word*>(from), outputs);
}

void ReduceOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  kernel_->finish(reinterpret_cast<const kernels::Word*>(state), outputs, out);
}

namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// What is folded in place of `a`: converted, or with NaN in both parts where one is NaN.
Array prepared(std::string_view& name, const Array& a, const ReduceOptions& options) {
  if (options.dtype && !is_one_of(name, {"sum", "prod", "mean", "variance", "std"})) fail(ErrorKind::kUser, "{} takes no dtype.", name);
  if (name == "count_nonzero") {
    name = "sum";
    return astype(a, DType::kBool);
  }
  if (options.dtype && is_bool(*options.dtype)) name = name == "sum" ? "any" : name == "prod" ? "all" : name;
  const Array converted = options.dtype ? astype(a, *options.dtype) : a;
  if (!is_complex(converted.dtype())) return converted;
  if (is_one_of(name, {"any", "all"})) return astype(converted, DType::kBool);
  if (name == "count" && !options.skip_nan) return elementwise("real", {converted});
  if (!options.skip_nan || is_one_of(name, {"min", "max", "argmin", "argmax"})) return converted;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const Array spread = elementwise("where", {elementwise("isnan", {converted}), std::complex<double>(kNaN, kNaN), converted});
  return name == "count" ? elementwise("real", {spread}) : spread;
}

Array reduced_with_nan_skipped(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  options.skip_nan = true;
  return reduce(name, a, axes, std::move(options));
}

}  // namespace

std::vector<Array> reduce_all(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  if (name == "var") name = "variance";
  const std::vector<int> reduced = normal_axes(axes, a.rank());
  if (is_one_of(name, {"min", "max", "argmin", "argmax"})) {
    for (const int k : reduced)
      if (a.shape()[k] == 0) fail(ErrorKind::kUser, "{} over axis {}, which has no elements.", name, k);
  }
  if (options.correction != 0) {
    if (!is_one_of(name, {"variance", "std"})) fail(ErrorKind::kUser, "{} takes no correction.", name);
    options.parameters = {options.correction};
  }
  const Array input = prepared(name, a, options);
  auto op = std::make_shared<ReduceOp>(std::string(name), input.spec(), reduced, leaf_extents(input.chunks(), reduced), options.skip_nan,
                                       options.parameters);
  std::vector<Array> out = apply_op_all(std::move(op), {input});
  // Sums of integers come out as 64 bits, and a variance of complex numbers is real.
  if (options.dtype && (is_integer(*options.dtype) || is_bool(*options.dtype))) out.front() = astype(out.front(), *options.dtype);
  if (options.keep_dims)
    for (Array& array : out)
      for (const int k : reduced) array = expand_dims(array, k);
  return out;
}

Array reduce(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduce_all(name, a, axes, std::move(options)).front();
}

Array sum(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("sum", a, axes, std::move(options)); }
Array prod(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("prod", a, axes, std::move(options)); }
Array mean(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("mean", a, axes, std::move(options)); }
Array var(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("variance", a, axes, std::move(options)); }
Array stddev(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("std", a, axes, std::move(options)); }
Array min(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("min", a, axes, std::move(options)); }
Array max(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("max", a, axes, std::move(options)); }
Array argmin(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("argmin", a, axes, std::move(options)); }
Array argmax(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("argmax", a, axes, std::move(options)); }
Array any(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("any", a, axes, std::move(options)); }
Array all(const Array& a, const std::vector<int>& axes, ReduceOptions options) { return reduce("all", a, axes, std::move(options)); }
Array count_nonzero(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduce("count_nonzero", a, axes, std::move(options));
}
Array nansum(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("sum", a, axes, std::move(options));
}
Array nanprod(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("prod", a, axes, std::move(options));
}
Array nanmean(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("mean", a, axes, std::move(options));
}
Array nanvar(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("variance", a, axes, std::move(options));
}
Array nanstd(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("std", a, axes, std::move(options));
}
Array nanmin(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("min", a, axes, std::move(options));
}
Array nanmax(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("max", a, axes, std::move(options));
}
Array nanargmin(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("argmin", a, axes, std::move(options));
}
Array nanargmax(const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduced_with_nan_skipped("argmax", a, axes, std::move(options));
}

Array ptp(const Array& a, const std::vector<int>& axes, bool keep_dims) {
  return max(a, axes, {.keep_dims = keep_dims}) - min(a, axes, {.keep_dims = keep_dims});
}

Array average(const Array& a, const Array& weights, const std::vector<int>& axes, bool keep_dims) {
  Array w = weights;
  if (w.rank() == 1 && a.rank() > 1 && axes.size() == 1)
    for (int k = normal_axis(axes[0], a.rank()) + 1; k < a.rank(); ++k) w = expand_dims(w, w.rank());
  DType type = promote(a.dtype(), w.dtype());
  if (is_bool(a.dtype()) || is_integer(a.dtype())) type = promote(type, DType::kFloat64);
  w = astype(broadcast_to(w, a.shape()), type);
  const ReduceOptions options{.keep_dims = keep_dims};
  return sum(elementwise("multiply", {astype(a, type), w}), axes, options) / sum(w, axes, options);
}

Array logsumexp(const Array& a, const std::vector<int>& axes, bool keep_dims) {
  const Array x = is_floating(a.dtype()) || is_complex(a.dtype()) ? a : astype(a, DType::kFloat64);
  const Array largest = max(x, axes, {.keep_dims = true});
  // An infinity taken out of itself would be NaN.
  const Array taken = where(elementwise("isfinite", {largest}), largest, 0.0);
  Array result = elementwise("log", {sum(elementwise("exp", {x - taken}), axes, {.keep_dims = true})}) + taken;
  if (keep_dims) return result;
  const std::vector<int> reduced = normal_axes(axes, a.rank());
  for (auto k = reduced.rbegin(); k != reduced.rend(); ++k) result = squeeze(result, *k);
  return result;
}

}  // namespace freestone
