#include "freestone/ops/pad.h"

#include <algorithm>

#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/repeat.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"

namespace freestone {
namespace {

struct ModeName {
  std::string_view name;
  PadMode mode;
};
constexpr ModeName kModes[] = {
    {"constant", PadMode::kConstant}, {"edge", PadMode::kEdge},       {"linear_ramp", PadMode::kLinearRamp},
    {"maximum", PadMode::kMaximum},   {"mean", PadMode::kMean},       {"median", PadMode::kMedian},
    {"minimum", PadMode::kMinimum},   {"reflect", PadMode::kReflect}, {"symmetric", PadMode::kSymmetric},
    {"wrap", PadMode::kWrap},         {"empty", PadMode::kEmpty},
};

template <class T>
const T& of_axis(const std::vector<T>& pairs, int axis, int rank, std::string_view what) {
  if (pairs.size() != 1 && static_cast<int>(pairs.size()) != rank)
    fail(ErrorKind::kUser, "pad: {} {} for {} axes. Give one pair each, or one for all.", pairs.size(), what, rank);
  return pairs[pairs.size() == 1 ? 0 : static_cast<std::size_t>(axis)];
}

/// One axis of one array; the sides are made apart and joined.
class AxisPad {
 public:
  AxisPad(Array array, int axis) : a_(std::move(array)), axis_(axis), n_(a_.shape()[axis]) {}

  Array part(const Array& of, std::optional<Index> start, std::optional<Index> stop, Index step = 1) const {
    std::vector<Slice> slices(static_cast<std::size_t>(axis_) + 1);
    slices.back() = {start, stop, step};
    return slice(of, slices);
  }
  Array part(std::optional<Index> start, std::optional<Index> stop, Index step = 1) const { return part(a_, start, stop, step); }
  Shape with_extent(Index extent) const {
    Shape shape = a_.shape();
    shape[axis_] = extent;
    return shape;
  }
  Array spread(const Array& line, Index extent) const { return broadcast_to(line, with_extent(extent)); }
  Array joined(const std::optional<Array>& before, const Array& middle, const std::optional<Array>& after) const {
    std::vector<Array> parts;
    if (before && before->shape()[axis_] > 0) parts.push_back(*before);
    parts.push_back(middle);
    if (after && after->shape()[axis_] > 0) parts.push_back(*after);
    return concat(parts, axis_);
  }

  Array constant(PadWidth width, std::pair<double, double> values) const {
    const auto side = [&](Index extent, double value) { return broadcast_to(scalar(value), with_extent(extent)); };
    return joined(side(width.before, values.first), a_, side(width.after, values.second));
  }

  Array edge(PadWidth width) const { return joined(spread(part(0, 1), width.before), a_, spread(part(n_ - 1, n_), width.after)); }

  Array linear_ramp(PadWidth width, std::pair<double, double> ends) const {
    const auto ramp = [&](Index extent, double end, const Array& edge) {
      std::vector<int> behind;
      for (int k = axis_ + 1; k < a_.rank(); ++k) behind.push_back(k - axis_);
      const Array position = behind.empty() ? arange(extent) : expand_dims(arange(extent), behind);
      const Array step = (astype(edge, DType::kFloat64) - end) / static_cast<double>(std::max<Index>(1, extent));
      Array line = elementwise("multiply", {step, position}) + end;
      if (is_integer(a_.dtype())) line = elementwise("floor", {line});
      return astype(line, a_.dtype());
    };
    return joined(ramp(width.before, ends.first, part(0, 1)), a_, part(ramp(width.after, ends.second, part(n_ - 1, n_)), {}, {}, -1));
  }

  Array statistic(PadWidth width, PadMode mode, std::pair<Index, Index> length) const {
    const auto of = [&](const Array& chunk) {
      Array line;
      if (mode == PadMode::kMaximum || mode == PadMode::kMinimum)
        line = reduce(mode == PadMode::kMaximum ? "max" : "min", chunk, {axis_}, {.keep_dims = true});
      else if (mode == PadMode::kMean)
        line = reduce("mean", chunk, {axis_}, {.keep_dims = true});
      else
        line = expand_dims(median(chunk, {axis_}, false), axis_);
      if (is_integer(a_.dtype()) && is_floating(line.dtype())) line = elementwise("round", {line});
      return astype(line, a_.dtype());
    };
    const Index left = std::min(length.first, n_), right = std::min(length.second, n_);
    if (left <= 0 || right <= 0) fail(ErrorKind::kUser, "pad: a stat_length of 0 gives no value.");
    return joined(spread(of(part(0, left)), width.before), a_, spread(of(part(n_ - right, n_)), width.after));
  }

  /// Mirrors at both ends, again and again: what is there doubles each time, as NumPy has it.
  Array mirror(PadWidth width, bool with_edge, bool odd) const {
    if (n_ == 1) return edge(width);
    Array padded = a_;
    while (width.before > 0 || width.after > 0) {
      const Index extent = padded.shape()[axis_], skip = with_edge ? 0 : 1;
      // Whole periods of the array only, so that the next mirror fits.
      const Index period = with_edge ? extent / n_ * n_ : (extent - 1) / (n_ - 1) * (n_ - 1);
      const auto side = [&](Index wanted, bool before) -> std::optional<Array> {
        const Index size = std::min(period, wanted);
        if (size == 0) return std::nullopt;
        const Array chunk = before ? part(padded, skip, skip + size) : part(padded, extent - skip - size, extent - skip);
        const Array turned = part(chunk, std::nullopt, std::nullopt, -1);
        if (!odd) return turned;
        const Array line = before ? part(padded, 0, 1) : part(padded, extent - 1, extent);
        return elementwise("subtract", {elementwise("multiply", {line, 2}), turned});
      };
      const auto before = side(width.before, true);
      // The left chunk may already be there when NumPy makes the right one: it reaches no further than the period.
      const auto after = side(width.after, false);
      width.before -= before ? before->shape()[axis_] : 0;
      width.after -= after ? after->shape()[axis_] : 0;
      padded = joined(before, padded, after);
    }
    return padded;
  }

  Array wrap(PadWidth width) const {
    if (width.before <= n_ && width.after <= n_) return joined(part(n_ - width.before, n_), a_, part(0, width.after));
    const Index phase = (n_ - width.before % n_) % n_, extent = width.before + n_ + width.after;
    std::vector<Index> reps(static_cast<std::size_t>(a_.rank()), 1);
    reps[static_cast<std::size_t>(axis_)] = (phase + extent + n_ - 1) / n_;
    return part(tile(a_, reps), phase, phase + extent);
  }

 private:
  /// A number as NumPy puts it into an array: cut to integers.
  Array scalar(double value) const {
    if (is_complex(a_.dtype())) return full_complex({}, std::complex<double>(value, 0), a_.dtype());
    return full({}, value, a_.dtype());
  }
  Array a_;
  int axis_;
  Index n_;
};

}  // namespace

PadMode parse_pad_mode(std::string_view name) {
  std::vector<std::string> names;
  for (const ModeName& mode : kModes) {
    if (mode.name == name) return mode.mode;
    names.emplace_back(mode.name);
  }
  fail(ErrorKind::kUser, "There is no way to pad called '{}'.{}", name, suggestion(name, names));
}

Array pad(const Array& a, const std::vector<PadWidth>& widths, PadMode mode, const PadOptions& options) {
  Array out = a;
  for (int axis = 0; axis < a.rank(); ++axis) {
    const PadWidth width = of_axis(widths, axis, a.rank(), "widths");
    if (width.before < 0 || width.after < 0) fail(ErrorKind::kUser, "pad: a width below 0 ({}, {}).", width.before, width.after);
    if (width.before == 0 && width.after == 0) continue;
    if (a.shape()[axis] == 0 && mode != PadMode::kConstant && mode != PadMode::kEmpty)
      fail(ErrorKind::kUser, "pad: axis {} is empty; only constant and empty can extend it.", axis);
    const AxisPad pad(out, axis);
    switch (mode) {
      case PadMode::kConstant: out = pad.constant(width, of_axis(options.values, axis, a.rank(), "values")); break;
      case PadMode::kEmpty: out = pad.constant(width, {0, 0}); break;
      case PadMode::kEdge: out = pad.edge(width); break;
      case PadMode::kLinearRamp: out = pad.linear_ramp(width, of_axis(options.values, axis, a.rank(), "values")); break;
      case PadMode::kMaximum:
      case PadMode::kMean:
      case PadMode::kMedian:
      case PadMode::kMinimum: {
        const Index n = a.shape()[axis];
        out = pad.statistic(width, mode,
                            options.stat_length.empty() ? std::pair{n, n} : of_axis(options.stat_length, axis, a.rank(), "stat lengths"));
        break;
      }
      case PadMode::kReflect: out = pad.mirror(width, false, options.odd); break;
      case PadMode::kSymmetric: out = pad.mirror(width, true, options.odd); break;
      case PadMode::kWrap: out = pad.wrap(width); break;
    }
  }
  return out;
}

}  // namespace freestone
