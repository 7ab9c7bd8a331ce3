#include "freestone/plan/reading_ways.h"

#include <algorithm>
#include <cmath>

namespace freestone {
namespace {

using Motion = std::vector<AxisMotion>;

/// Parts that start this many elements from each other are read together: halos and differences, not far shifts.
constexpr double kNear = 64;

Motion motion_of(const OwnMap& owned, const Box& domain) {
  Motion motion(owned.size());
  for (std::size_t k = 0; k < owned.size(); ++k) {
    const OwnAxis& own = owned[k];
    if (own.anchor_axis < 0) continue;
    const auto mul = static_cast<double>(own.mul);
    motion[k] = {own.anchor_axis, 1 / mul, static_cast<double>(domain.start[own.anchor_axis] - own.offset) / mul};
  }
  return motion;
}

/// From the domain of an operation to one of its arrays.
Motion through(const Access& access, const Motion& domain) {
  Motion motion(access.size());
  for (std::size_t k = 0; k < access.size(); ++k) {
    if (access[k].kind != AxisKind::kPoint) continue;
    const AxisMotion& from = domain[static_cast<std::size_t>(access[k].domain_axis)];
    const auto mul = static_cast<double>(access[k].mul);
    if (from.anchor_axis >= 0) motion[k] = {from.anchor_axis, from.slope * mul, static_cast<double>(access[k].offset) + from.start * mul};
  }
  return motion;
}

/// From an output back to the domain of its operation.
Motion back_through(const Access& access, const Motion& array, int rank) {
  Motion motion(static_cast<std::size_t>(rank));
  for (std::size_t k = 0; k < access.size(); ++k) {
    if (access[k].kind != AxisKind::kPoint || array[k].anchor_axis < 0) continue;
    const auto mul = static_cast<double>(access[k].mul);
    motion[static_cast<std::size_t>(access[k].domain_axis)] = {array[k].anchor_axis, array[k].slope / mul,
                                                               (array[k].start - static_cast<double>(access[k].offset)) / mul};
  }
  return motion;
}

bool alike(const Motion& a, const Motion& b) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].anchor_axis < 0 || b[k].anchor_axis < 0) continue;  // what does not move takes the other along
    if (a[k].anchor_axis != b[k].anchor_axis || a[k].slope != b[k].slope || std::abs(a[k].start - b[k].start) > kNear) return false;
  }
  return true;
}

}  // namespace

std::vector<ReadingWay> reading_ways(const Plan& plan, const Stage& stage, const std::vector<ValueRef>& inputs) {
  const auto op = [&](int node) -> const Op& { return *plan.nodes[static_cast<std::size_t>(node)].op; };
  std::vector<ReadingWay> ways;
  const auto use = [&](ValueRef value, const Motion& motion) -> ReadingWay& {
    for (ReadingWay& way : ways)
      if (way.value == value && alike(way.motion, motion)) return way;
    return ways.emplace_back(ReadingWay{value, motion, {}, {}});
  };
  const auto is_input = [&](ValueRef value) { return std::find(inputs.begin(), inputs.end(), value) != inputs.end(); };
  const auto owned_motion = [&](ValueRef value) {
    const auto owned = stage.owned.find(value);
    return owned == stage.owned.end() ? Motion(static_cast<std::size_t>(plan.spec(value).shape.rank()))
                                      : motion_of(owned->second, stage.domain);
  };

  std::map<ValueRef, Motion> known;
  for (std::size_t d = 0; d < stage.deliveries.size(); ++d) {
    const ValueRef value = stage.deliveries[d].value;
    if (std::find(stage.folds.begin(), stage.folds.end(), value.node) != stage.folds.end()) continue;
    const Motion motion = owned_motion(value);
    if (is_input(value))
      use(value, motion).deliveries.push_back(static_cast<int>(d));
    else
      known.insert({value, motion});
  }
  for (std::size_t b = stage.body.size(); b-- > 0;) {
    const int node = stage.body[b];
    const int rank = op(node).domain().rank();
    Motion domain(static_cast<std::size_t>(rank));
    if (const auto owned = stage.owned.find({node, -1}); owned != stage.owned.end()) {
      domain = motion_of(owned->second, stage.domain);
    } else {
      for (int o = static_cast<int>(op(node).outputs().size()); o-- > 0;)
        if (const auto found = known.find({node, o}); found != known.end()) domain = back_through(op(node).output(o), found->second, rank);
    }
    const auto& node_inputs = plan.nodes[static_cast<std::size_t>(node)].inputs;
    for (std::size_t i = 0; i < node_inputs.size(); ++i) {
      const Motion motion = through(op(node).input(static_cast<int>(i)), domain);
      if (is_input(node_inputs[i]))
        use(node_inputs[i], motion).consumers.push_back({static_cast<int>(b), static_cast<int>(i)});
      else
        known.insert({node_inputs[i], motion});
    }
  }
  for (const ValueRef input : inputs)
    if (std::none_of(ways.begin(), ways.end(), [&](const ReadingWay& way) { return way.value == input; }))
      ways.push_back({input, Motion(static_cast<std::size_t>(plan.spec(input).shape.rank())), {}, {}});
  std::stable_sort(ways.begin(), ways.end(), [&](const ReadingWay& a, const ReadingWay& b) {
    return std::find(inputs.begin(), inputs.end(), a.value) < std::find(inputs.begin(), inputs.end(), b.value);
  });
  return ways;
}

}  // namespace freestone
