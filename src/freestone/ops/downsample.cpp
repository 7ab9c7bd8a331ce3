#include "freestone/ops/downsample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

Access group_access(const Shape& factors) {
  Access access;
  for (int k = 0; k < factors.rank(); ++k) access.push_back(AxisMap::group(k, factors[k]));
  return access;
}

template <class T>
T fold_group(std::vector<double>& values, const std::string& function) {
  if (values.empty()) return std::numeric_limits<T>::quiet_NaN();
  if (function == "min") return static_cast<T>(*std::min_element(values.begin(), values.end()));
  if (function == "max") return static_cast<T>(*std::max_element(values.begin(), values.end()));
  if (function == "median") {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    return static_cast<T>(values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2);
  }
  double total = 0;
  for (const double v : values) total += v;
  return static_cast<T>(function == "sum" ? total : total / static_cast<double>(values.size()));
}

}  // namespace

DownsampleOp::DownsampleOp(const Spec& input, Shape factors, Shape out, std::string function)
    : Op(out, {{out, input.dtype}}, {group_access(factors)}, {identity_access(out.rank())}),
      factors_(factors),
      function_(std::move(function)),
      in_(input) {}

nlohmann::json DownsampleOp::params() const {
  return {{"factors", factors_.to_vector()}, {"shape", domain().to_vector()}, {"function", function_}};
}

Need DownsampleOp::need(const Box& box) const {
  return {0, static_cast<double>(map_box(input(0), box, in_.shape).count()) * (function_ == "median" ? 20 : 2)};
}

void DownsampleOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const Tile from = in[0].part(map_box(input(0), box, in_.shape));
  const View& to = out[0].view;
  with_float_type(in_.dtype, [&]<class T>(TypeTag<T>) {
    std::vector<double> values;
    Dims at(box.rank());
    for (Index i = 0, n = box.count(); i < n; ++i) {
      if (i % 4096 == 0) cancel.check();
      Box group(box.rank() ? Dims(box.rank(), 0) : Dims(), Shape(box.rank(), 1));
      std::byte* target = to.data;
      for (int k = 0; k < box.rank(); ++k) {
        group.start[k] = at[k] * factors_[k];
        group.shape[k] = std::min(factors_[k], from.view.shape[k] - group.start[k]);
        target += at[k] * to.strides[k];
      }
      values.clear();
      const View cell = from.view.part(group);
      const Index count = cell.rank() ? cell.shape.back() : 1, stride = cell.rank() ? cell.strides.back() : 0;
      for_each_row(cell.shape, {&cell}, [&](std::byte** row) {
        for (Index j = 0; j < count; ++j)
          if (const T v = *reinterpret_cast<const T*>(row[0] + j * stride); !std::isnan(v)) values.push_back(static_cast<double>(v));
      });
      *reinterpret_cast<T*>(target) = fold_group<T>(values, function_);
      for (int k = box.rank() - 1; k >= 0; --k) {
        if (++at[k] < box.shape[k]) break;
        at[k] = 0;
      }
    }
  });
}

Array downsample(const Array& a, Index factor, const std::vector<int>& axes, const std::string& function, bool keep_rest) {
  const std::vector<std::string> functions = {"mean", "sum", "min", "max", "median"};
  if (std::find(functions.begin(), functions.end(), function) == functions.end())
    fail(ErrorKind::kUser, "downsample by '{}' is not available.{}", function, suggestion(function, functions));
  if (factor < 1) fail(ErrorKind::kUser, "downsample: factor {} is below 1.", factor);
  const Array x = is_floating(a.dtype()) ? a : astype(a, DType::kFloat64);
  Shape factors(a.rank(), 1), out = a.shape();
  for (const int k : normal_axes(axes, a.rank())) {
    if (factor > a.shape()[k])
      fail(ErrorKind::kUser, "downsample: factor {} is more than axis {} has elements ({}).", factor, k, a.shape()[k]);
    factors[k] = factor;
    out[k] = keep_rest ? (a.shape()[k] + factor - 1) / factor : a.shape()[k] / factor;
  }
  return apply_op(std::make_shared<DownsampleOp>(x.spec(), factors, out, function), {x});
}

}  // namespace freestone
