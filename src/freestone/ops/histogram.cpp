#include "freestone/ops/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/kernels/histogram.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

using Range = std::pair<double, double>;

constexpr double kNanoseconds = 4;  // an element, one core

Index product(const Shape& bins) { return element_count(bins); }

Spec histogram_output(const std::vector<Spec>& inputs, const HistogramOp::Parts& parts) {
  Shape shape = without_axes(inputs[0].shape, parts.axes);
  for (const Index n : parts.bins) shape.push_back(n);
  const DType weights = inputs.back().dtype;
  return {shape, !parts.weighted ? DType::kInt64 : is_floating(weights) ? weights : DType::kFloat64};
}

std::vector<Access> histogram_inputs(const std::vector<Spec>& inputs, const HistogramOp::Parts& parts) {
  const Access data = identity_access(inputs[0].shape.rank()), list{AxisMap::whole()};
  std::vector<Access> access(static_cast<std::size_t>(parts.bins.rank()), data);
  if (!parts.own_bins) access.insert(access.end(), static_cast<std::size_t>(parts.bins.rank()), list);
  if (parts.weighted) access.push_back(data);
  return access;
}

Access histogram_access(int rank, const HistogramOp::Parts& parts) {
  Access access = access_without_axes(rank, parts.axes);
  access.insert(access.end(), static_cast<std::size_t>(parts.bins.rank()), AxisMap::whole());
  return access;
}

double number_of(const Tile& tile) {
  return with_real_type(tile.view.dtype, [&]<class T>(TypeTag<T>) {
    T value;
    std::memcpy(&value, tile.view.data, sizeof value);
    return static_cast<double>(value);
  });
}

}  // namespace

HistogramOp::HistogramOp(const std::vector<Spec>& inputs, Parts parts)
    : Op(inputs[0].shape, {histogram_output(inputs, parts)}, histogram_inputs(inputs, parts),
         {histogram_access(inputs[0].shape.rank(), parts)}),
      parts_(std::move(parts)),
      bins_(product(parts_.bins)) {}

nlohmann::json HistogramOp::params() const {
  return {{"bins", parts_.bins.to_vector()}, {"axes", parts_.axes}, {"leaf", parts_.leaf.to_vector()},
          {"own_bins", parts_.own_bins},     {"even", parts_.even}, {"weighted", parts_.weighted}};
}

Need HistogramOp::need(const Box& box) const {
  return {0, static_cast<double>(box.count()) * kNanoseconds * static_cast<double>(parts_.bins.rank())};
}

void HistogramOp::init(std::byte* state, Index outputs) const {
  std::memset(state, 0, static_cast<std::size_t>(state_words() * outputs) * sizeof(kernels::Word));
}

void HistogramOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  Dims kept_strides(leaf_box.rank());
  Index step = 1;
  for (int k = leaf_box.rank() - 1; k >= 0; --k) {
    if (std::find(parts_.axes.begin(), parts_.axes.end(), k) != parts_.axes.end()) continue;
    kept_strides[k] = step;
    step *= leaf_box.shape[k];
  }
  const auto coordinates = static_cast<std::size_t>(parts_.bins.rank());
  std::vector<View> data;
  for (std::size_t v = 0; v < coordinates; ++v) data.push_back(in[v].part(leaf_box).view);
  View weights;
  if (parts_.weighted) weights = in.back().part(leaf_box).view;
  const View* const weighted = parts_.weighted ? &weights : nullptr;
  auto* words = reinterpret_cast<kernels::Word*>(state);
  if (parts_.own_bins) return kernels::count_values(data[0], bins_, weighted, kept_strides, outputs, words);
  std::vector<kernels::Bins> bins;
  for (std::size_t v = 0; v < coordinates; ++v) {
    const Shape shape{parts_.bins[static_cast<int>(v)] + 1};
    std::vector<double> edges(static_cast<std::size_t>(shape[0]));
    copy(in[coordinates + v].part(Box(shape)).view, View::contiguous(edges.data(), DType::kFloat64, shape));
    if (!std::is_sorted(edges.begin(), edges.end())) fail(ErrorKind::kData, "histogram: the edges fall. Give them in rising order.");
    bins.emplace_back(std::move(edges), parts_.even);
  }
  kernels::count_into_bins(data, bins, weighted, kept_strides, outputs, words);
}

void HistogramOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  auto* a = reinterpret_cast<kernels::Word*>(into);
  const auto* b = reinterpret_cast<const kernels::Word*>(from);
  const Index n = bins_ * outputs;
  if (!parts_.weighted) {
    for (Index i = 0; i < n; ++i) a[i].i += b[i].i;
    return;
  }
  for (Index i = 0; i < n; ++i) {
    // Neumaier's sum: what rounding lost is kept beside.
    const double sum = a[i].f, x = b[i].f, total = sum + x;
    a[n + i].f += b[n + i].f + (std::fabs(sum) >= std::fabs(x) ? (sum - total) + x : (x - total) + sum);
    a[i].f = total;
  }
}

void HistogramOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  const auto* words = reinterpret_cast<const kernels::Word*>(state);
  const Index n = bins_ * outputs;
  const DType dtype = this->outputs()[0].dtype;
  with_real_type(dtype, [&]<class T>(TypeTag<T>) {
    for (Index k = 0; k < outputs; ++k)
      for (Index b = 0; b < bins_; ++b) {
        const Index i = b * outputs + k;
        T value;
        if (parts_.weighted)
          value = static_cast<T>(std::isfinite(words[n + i].f) ? words[i].f + words[n + i].f : words[i].f);
        else
          value = static_cast<T>(words[i].i);
        std::memcpy(out[0] + (k * bins_ + b) * static_cast<Index>(sizeof value), &value, sizeof value);
      }
  });
}

EdgesOp::EdgesOp(Index bins, DType dtype, std::optional<Range> range)
    : Op({bins + 1}, {{{bins + 1}, dtype}}, range ? std::vector<Access>{} : std::vector<Access>{{}, {}}, {identity_access(1)}),
      bins_(bins),
      range_(range) {}

nlohmann::json EdgesOp::params() const {
  nlohmann::json json{{"bins", bins_}, {"dtype", name_of(outputs()[0].dtype)}};
  json["range"] = range_ ? nlohmann::json{json_of(range_->first), json_of(range_->second)} : nlohmann::json();
  return json;
}

Need EdgesOp::need(const Box& box) const { return {0, static_cast<double>(box.count())}; }

void EdgesOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel&) const {
  double first = range_ ? range_->first : number_of(in[0]), last = range_ ? range_->second : number_of(in[1]);
  if (!std::isfinite(first) || !std::isfinite(last))
    fail(ErrorKind::kData, "histogram: the data go from {} to {}, which is no range of bins. Give a range.", format_number(first),
         format_number(last));
  if (first == last) first -= 0.5, last += 0.5;
  // numpy.linspace: found bounds have the dtype of the data and are computed with in it, given ones are float64.
  const auto write = [&]<class T, class R>(R start, R stop) {
    const R step = (stop - start) / static_cast<R>(bins_);
    for (Index i = 0; i < box.shape[0]; ++i) {
      const Index at = box.start[0] + i;
      const T edge = static_cast<T>(at == bins_ ? stop : static_cast<R>(at) * step + start);
      std::memcpy(out[0].view.data + i * out[0].view.strides[0], &edge, sizeof edge);
    }
  };
  if (outputs()[0].dtype == DType::kFloat64) return write.operator()<double>(first, last);
  if (range_) return write.operator()<float>(first, last);
  write.operator()<float>(static_cast<float>(first), static_cast<float>(last));
}

ListOp::ListOp(std::vector<double> values)
    : Op({static_cast<Index>(values.size())}, {{{static_cast<Index>(values.size())}, DType::kFloat64}}, {}, {identity_access(1)}),
      values_(std::move(values)) {}

nlohmann::json ListOp::params() const {
  auto values = nlohmann::json::array();
  for (const double x : values_) values.push_back(json_of(x));
  return {{"values", values}};
}

void ListOp::run(const Box& box, std::span<const Tile>, std::span<const Tile> out, Scratch&, const Cancel&) const {
  for (Index i = 0; i < box.shape[0]; ++i)
    std::memcpy(out[0].view.data + i * out[0].view.strides[0], &values_[static_cast<std::size_t>(box.start[0] + i)], sizeof(double));
}

namespace {

Array even_edges(const Array& a, Index bins, const std::optional<Range>& range, DType dtype) {
  if (bins < 1) fail(ErrorKind::kUser, "histogram: {} bins. Give 1 or more.", bins);
  if (range && !(std::isfinite(range->first) && std::isfinite(range->second) && range->first <= range->second))
    fail(ErrorKind::kUser, "histogram: the range goes from {} to {}. Give finite numbers that rise.", format_number(range->first),
         format_number(range->second));
  if (range || a.size() == 0) return apply_op(std::make_shared<EdgesOp>(bins, dtype, range.value_or(Range{0, 1})), {});
  return apply_op(std::make_shared<EdgesOp>(bins, dtype, std::nullopt), {min(a), max(a)});
}

Histogram counted(const std::vector<Array>& coordinates, std::vector<Array> edges, const HistogramOptions& options, bool even) {
  const Array& first = coordinates[0];
  for (const Array& a : coordinates) {
    if (is_complex(a.dtype())) fail(ErrorKind::kUser, "histogram: the array is {}; give real numbers.", name_of(a.dtype()));
    if (a.shape() != first.shape())
      fail(ErrorKind::kUser, "histogram: coordinates of shapes {} and {}. Give them of one shape.", to_string(first.shape()),
           to_string(a.shape()));
  }
  HistogramOp::Parts parts;
  parts.even = even;
  parts.axes = normal_axes(options.axes, first.rank());
  parts.leaf = leaf_extents(first.chunks(), parts.axes);
  std::vector<Array> inputs = coordinates;
  for (const Array& list : edges) {
    if (list.rank() != 1 || list.size() < 2)
      fail(ErrorKind::kUser, "histogram: edges of shape {}. Give a list of two or more.", to_string(list.shape()));
    parts.bins.push_back(list.size() - 1);
    inputs.push_back(list.dtype() == DType::kFloat64 ? list : astype(list, DType::kFloat64));
  }
  if (options.weights) {
    if (options.weights.shape() != first.shape() || is_complex(options.weights.dtype()))
      fail(ErrorKind::kUser, "histogram: weights of shape {} for data of shape {}. Give one real weight for each element.",
           to_string(options.weights.shape()), to_string(first.shape()));
    parts.weighted = true;
    inputs.push_back(options.weights);
  }
  std::vector<Spec> specs;
  for (const Array& input : inputs) specs.push_back(input.spec());
  Array counts = apply_op(std::make_shared<HistogramOp>(specs, parts), inputs);
  if (options.density) {
    const int lead = counts.rank() - static_cast<int>(edges.size());
    std::vector<int> bin_axes;
    for (int k = lead; k < counts.rank(); ++k) bin_axes.push_back(k);
    const Array whole = astype(counts, DType::kFloat64), total = sum(whole, bin_axes, {.keep_dims = true});
    counts = whole;
    for (std::size_t v = 0; v < edges.size(); ++v) {
      Array widths = astype(slice(edges[v], {{1, std::nullopt, 1}}) - slice(edges[v], {{std::nullopt, -1, 1}}), DType::kFloat64);
      for (std::size_t later = v + 1; later < edges.size(); ++later) widths = expand_dims(widths, widths.rank());
      counts = counts / widths;
    }
    counts = counts / total;
  }
  return {counts, std::move(edges)};
}

}  // namespace

Histogram histogram(const Array& a, Index bins, HistogramOptions options) {
  const DType dtype = is_floating(a.dtype()) ? a.dtype() : DType::kFloat64;
  if (is_complex(a.dtype())) fail(ErrorKind::kUser, "histogram: the array is {}; give real numbers.", name_of(a.dtype()));
  return counted({a}, {even_edges(a, bins, options.range, dtype)}, options, true);
}

Histogram histogram(const Array& a, const Array& edges, HistogramOptions options) { return counted({a}, {edges}, options, false); }

Histogram histogram(const Array& a, const std::vector<double>& edges, HistogramOptions options) {
  if (!std::is_sorted(edges.begin(), edges.end())) fail(ErrorKind::kUser, "histogram: the edges fall. Give them in rising order.");
  return counted({a}, {apply_op(std::make_shared<ListOp>(edges), {})}, options, false);
}

Histogram histogramdd(const std::vector<Array>& coordinates, const std::vector<Index>& bins, const std::vector<Range>& ranges,
                      HistogramOptions options) {
  if (coordinates.empty() || bins.size() != coordinates.size() || (!ranges.empty() && ranges.size() != bins.size()))
    fail(ErrorKind::kUser, "histogramdd: {} coordinates, {} numbers of bins, {} ranges. Give one of each a coordinate.", coordinates.size(),
         bins.size(), ranges.size());
  std::vector<Array> edges;
  for (std::size_t v = 0; v < bins.size(); ++v)
    edges.push_back(even_edges(coordinates[v], bins[v], ranges.empty() ? std::optional<Range>{} : ranges[v], DType::kFloat64));
  options.axes = {};
  return counted(coordinates, std::move(edges), options, true);
}

Array bincount(const Array& a, Index length, const Array& weights) {
  if (!is_integer(a.dtype()) && !is_bool(a.dtype()))
    fail(ErrorKind::kUser, "bincount: the array is {}; give integers.", name_of(a.dtype()));
  if (length < 0) fail(ErrorKind::kUser, "bincount: a length of {}.", length);
  if (weights && (weights.shape() != a.shape() || is_complex(weights.dtype())))
    fail(ErrorKind::kUser, "bincount: weights of shape {} for integers of shape {}. Give one real weight for each.",
         to_string(weights.shape()), to_string(a.shape()));
  HistogramOp::Parts parts;
  parts.axes = normal_axes({}, a.rank());
  parts.leaf = leaf_extents(a.chunks(), parts.axes);
  parts.bins = {length};
  parts.own_bins = true;
  parts.weighted = static_cast<bool>(weights);
  std::vector<Array> inputs{a};
  std::vector<Spec> specs{a.spec()};
  if (weights) inputs.push_back(weights), specs.push_back(weights.spec());
  return apply_op(std::make_shared<HistogramOp>(specs, parts), inputs);
}

}  // namespace freestone
