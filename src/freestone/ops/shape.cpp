#include "freestone/ops/shape.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace freestone {

nlohmann::json json_of(const Access& access) {
  auto json = nlohmann::json::array();
  for (const AxisMap& map : access)
    json.push_back(map.kind == AxisKind::kFixed ? nlohmann::json{{"at", map.offset}}
                                                : nlohmann::json{{"axis", map.domain_axis}, {"offset", map.offset}, {"step", map.mul}});
  return json;
}

Access access_of(const nlohmann::json& json) {
  Access access;
  for (const auto& map : json)
    access.push_back(map.contains("at")
                         ? AxisMap::fixed(map.at("at").get<Index>())
                         : AxisMap::point(map.at("axis").get<int>(), map.at("offset").get<Index>(), map.at("step").get<Index>()));
  return access;
}

ViewOp::ViewOp(const Spec& input, Shape shape, Access access)
    : Op(shape, {{shape, input.dtype}}, {std::move(access)}, {identity_access(shape.rank())}) {}

nlohmann::json ViewOp::params() const { return {{"shape", domain().to_vector()}, {"access", json_of(input(0))}}; }

Tile ViewOp::view(const Tile& in, const Box& out_box) const {
  View out{in.view.data, in.view.dtype, out_box.shape, Dims(out_box.rank(), 0)};
  for (int k = 0; k < in.view.rank(); ++k) {
    const AxisMap& map = input(0)[static_cast<std::size_t>(k)];
    Index position = map.offset - in.box.start[k];
    if (map.kind == AxisKind::kPoint) {
      position += out_box.start[map.domain_axis] * map.mul;
      out.strides[map.domain_axis] += in.view.strides[k] * map.mul;  // a diagonal runs along two axes
    }
    out.data += position * in.view.strides[k];
  }
  return {out, out_box};
}

ChunkGrid ViewOp::chunks(int, std::span<const ChunkGrid> inputs) const {
  if (inputs[0].is_contiguous()) return ChunkGrid::contiguous(domain());
  // Axes keep their chunks wherever they go. A cut axis keeps the step, too: its edges may then lie a little beside those of the file,
  // but x[1:] and x[:-1] are worked on in the same pieces.
  Shape chunk = domain();
  for (Index& step : chunk) step = std::max<Index>(step, 1);
  for (int k = 0; k < inputs[0].shape().rank(); ++k) {
    const AxisMap& map = input(0)[static_cast<std::size_t>(k)];
    const Index step = inputs[0].chunk()[k];
    if (map.kind == AxisKind::kPoint && step % map.mul == 0)
      chunk[map.domain_axis] = std::clamp<Index>(step / std::abs(map.mul), 1, chunk[map.domain_axis]);
  }
  return ChunkGrid(domain(), chunk);
}

Array slice(const Array& a, const std::vector<Slice>& slices) {
  if (static_cast<int>(slices.size()) > a.rank()) fail(ErrorKind::kUser, "{} slices for an array of {} axes.", slices.size(), a.rank());
  Shape shape;
  Access access;
  for (int k = 0; k < a.rank(); ++k) {
    const Index n = a.shape()[k];
    const bool mentioned = k < static_cast<int>(slices.size());
    const Slice s = mentioned ? slices[static_cast<std::size_t>(k)] : Slice{};
    if (s.step == 0) {
      ensure(s.start.has_value(), "slice: a single position without one");
      const Index at = *s.start < 0 ? *s.start + n : *s.start;
      if (at < 0 || at >= n) fail(ErrorKind::kUser, "Position {} is outside axis {}, which has {} elements.", *s.start, k, n);
      access.push_back(AxisMap::fixed(at));
      continue;
    }
    // Python's rule: bounds are cut to the axis, an empty range has no elements.
    const Index low = s.step > 0 ? 0 : -1, high = s.step > 0 ? n : n - 1;
    const auto bound = [&](std::optional<Index> value, Index open) {
      if (!value) return open;
      return std::clamp(*value < 0 ? *value + n : *value, low, high);
    };
    const Index start = bound(s.start, s.step > 0 ? low : high), stop = bound(s.stop, s.step > 0 ? high : low);
    const Index count = s.step > 0 ? (stop - start + s.step - 1) / s.step : (start - stop - s.step - 1) / -s.step;
    access.push_back(AxisMap::point(shape.rank(), start, s.step));
    shape.push_back(std::max<Index>(0, count));
  }
  if (shape == a.shape() &&
      std::all_of(access.begin(), access.end(), [](const AxisMap& m) { return m.kind == AxisKind::kPoint && m.offset == 0 && m.mul == 1; }))
    return a;
  return apply_op(std::make_shared<ViewOp>(a.spec(), shape, std::move(access)), {a});
}

Array transpose(const Array& a, std::vector<int> order) {
  if (order.empty())
    for (int k = a.rank() - 1; k >= 0; --k) order.push_back(k);
  if (static_cast<int>(order.size()) != a.rank()) fail(ErrorKind::kUser, "An order of {} axes for an array of {}.", order.size(), a.rank());
  Access access(order.size());
  Shape shape;
  std::vector<bool> used(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    const int axis = normal_axis(order[k], a.rank());
    if (used[static_cast<std::size_t>(axis)]) fail(ErrorKind::kUser, "Axis {} stands twice in the order.", axis);
    used[static_cast<std::size_t>(axis)] = true;
    access[static_cast<std::size_t>(axis)] = AxisMap::point(static_cast<int>(k));
    shape.push_back(a.shape()[axis]);
  }
  if (std::is_sorted(order.begin(), order.end())) return a;
  return apply_op(std::make_shared<ViewOp>(a.spec(), shape, std::move(access)), {a});
}

Array expand_dims(const Array& a, int axis) {
  axis = normal_axis(axis, a.rank() + 1);
  Shape shape = a.shape();
  shape.insert(axis, 1);
  Access access;
  for (int k = 0; k < a.rank(); ++k) access.push_back(AxisMap::point(k < axis ? k : k + 1));
  return apply_op(std::make_shared<ViewOp>(a.spec(), shape, std::move(access)), {a});
}

Array squeeze(const Array& a, int axis) {
  axis = normal_axis(axis, a.rank());
  if (a.shape()[axis] != 1)
    fail(ErrorKind::kUser, "Axis {} has {} elements; only an axis of length 1 can be dropped.", axis, a.shape()[axis]);
  std::vector<Slice> slices(static_cast<std::size_t>(axis));
  slices.push_back(Slice::at(0));
  return slice(a, slices);
}

Array broadcast_to(const Array& a, const Shape& shape) {
  const int lead = shape.rank() - a.rank();
  bool fits = lead >= 0;
  Access access;
  for (int k = 0; k < a.rank() && fits; ++k) {
    fits = a.shape()[k] == shape[lead + k] || a.shape()[k] == 1;
    access.push_back(a.shape()[k] == shape[lead + k] ? AxisMap::point(lead + k) : AxisMap::fixed(0));
  }
  if (!fits) fail(ErrorKind::kUser, "An array of shape {} cannot be broadcast to {}.", to_string(a.shape()), to_string(shape));
  if (shape == a.shape()) return a;
  return apply_op(std::make_shared<ViewOp>(a.spec(), shape, std::move(access)), {a});
}

Array flip(const Array& a, int axis) {
  std::vector<Slice> slices(static_cast<std::size_t>(normal_axis(axis, a.rank())));
  slices.push_back({std::nullopt, std::nullopt, -1});
  return slice(a, slices);
}

}  // namespace freestone
