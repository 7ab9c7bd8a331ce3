#include "freestone/plan/stage_builder.h"

#include <algorithm>
#include <deque>
#include <numeric>

namespace freestone {
namespace {

/// Positions on no line: which tile owns what cannot be told through such an access, in either direction.
bool gathers(const Access& access) {
  return std::any_of(access.begin(), access.end(), [](const AxisMap& map) { return map.kind == AxisKind::kGather; });
}

}  // namespace

void StageBuilder::closure(const Target& target, int level, std::set<ValueRef>& inputs, std::set<int>& stores, std::set<int>& body) const {
  std::deque<ValueRef> todo{target.value};
  while (!todo.empty()) {
    const ValueRef value = todo.front();
    todo.pop_front();
    const int node = value.node;
    if (op(node).source() != nullptr) {
      inputs.insert({node, 0});
      continue;
    }
    if (level_[static_cast<std::size_t>(node)] < level ||
        (accumulated_[static_cast<std::size_t>(node)] && value.output >= 0 && value != target.value)) {
      if (const auto store = store_of_.find(value); store != store_of_.end()) {
        stores.insert(store->second);
        continue;
      }
    }
    if (!body.insert(node).second) continue;
    for (const ValueRef& input : plan_.nodes[static_cast<std::size_t>(node)].inputs) todo.push_back(input);
  }
}

/// How much of each value all targets together need.
std::map<ValueRef, Box> StageBuilder::demand(const Stage& stage) const {
  std::map<ValueRef, Box> need;
  const auto want = [&](ValueRef value, const Box& box) {
    const auto found = need.find(value);
    if (found == need.end())
      need[value] = box;
    else
      found->second = hull(found->second, box);
  };
  for (const Delivery& d : stage.deliveries)
    if (!accumulated_[static_cast<std::size_t>(d.value.node)]) want(d.value, Box(plan_.spec(d.value).shape));
  for (auto node = stage.body.rbegin(); node != stage.body.rend(); ++node) {
    const Op& operation = op(*node);
    Box domain(operation.domain());
    const bool folds = std::find(stage.folds.begin(), stage.folds.end(), *node) != stage.folds.end();
    if (!folds) {
      bool any = false;
      for (int o = 0; o < static_cast<int>(operation.outputs().size()); ++o) {
        const auto found = need.find({*node, o});
        if (found == need.end()) continue;
        const Box part = inverse_box(operation.output(o), found->second, operation.domain());
        domain = any ? hull(domain, part) : part;
        any = true;
      }
      for (int o = 0; o < static_cast<int>(operation.outputs().size()); ++o)
        need[{*node, o}] = map_box(operation.output(o), domain, operation.outputs()[static_cast<std::size_t>(o)].shape);
    }
    const auto& inputs = plan_.nodes[static_cast<std::size_t>(*node)].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      want(inputs[i], operation.input_box(static_cast<int>(i), domain, plan_.spec(inputs[i]).shape));
  }
  return need;
}

/// Spreads "which tile does this position belong to" from the anchor over all values that are connected with it.
void StageBuilder::spread_ownership(Stage& stage, std::map<ValueRef, OwnMap>& known) const {
  const auto through_input = [&](int node, std::size_t i) -> bool {  // array -> domain
    const auto& inputs = plan_.nodes[static_cast<std::size_t>(node)].inputs;
    const auto array = known.find(inputs[i]);
    if (array == known.end() || known.count({node, -1})) return false;
    OwnMap domain(static_cast<std::size_t>(op(node).domain().rank()));
    const Access& access = op(node).input(static_cast<int>(i));
    if (gathers(access)) return false;
    for (std::size_t k = 0; k < access.size(); ++k) {
      const OwnAxis& own = array->second[k];
      if (access[k].kind != AxisKind::kPoint || own.anchor_axis < 0) continue;
      domain[static_cast<std::size_t>(access[k].domain_axis)] = {own.anchor_axis, own.offset + access[k].offset * own.mul,
                                                                 access[k].mul * own.mul};
    }
    known[{node, -1}] = domain;
    return true;
  };
  const auto to_array = [](const Access& access, const OwnMap& domain, OwnMap& out) -> bool {  // domain -> array
    if (gathers(access)) return false;
    out.assign(access.size(), OwnAxis{});
    for (std::size_t k = 0; k < access.size(); ++k) {
      if (access[k].kind != AxisKind::kPoint) continue;
      const OwnAxis& own = domain[static_cast<std::size_t>(access[k].domain_axis)];
      if (own.anchor_axis < 0) continue;
      const Index m = access[k].mul, o = access[k].offset;
      if (m != 1 && m != -1) return false;
      out[k] = {own.anchor_axis, own.offset - o * own.mul * m, own.mul * m};
    }
    return true;
  };
  known[stage.anchor] = OwnMap();
  for (int k = 0; k < plan_.spec(stage.anchor).shape.rank(); ++k) known[stage.anchor].push_back({k, 0, 1});
  for (bool changed = true; changed;) {
    changed = false;
    // The anchor's own maker, and everything upstream of a known value, by the output's map.
    for (const int node : stage.body) {
      const auto& inputs = plan_.nodes[static_cast<std::size_t>(node)].inputs;
      for (int o = 0; o < static_cast<int>(op(node).outputs().size()) && !known.count({node, -1}); ++o) {
        const auto array = known.find({node, o});
        if (array == known.end()) continue;
        OwnMap domain(static_cast<std::size_t>(op(node).domain().rank()));
        const Access& access = op(node).output(o);
        for (std::size_t k = 0; k < access.size(); ++k)
          if (access[k].kind == AxisKind::kPoint) domain[static_cast<std::size_t>(access[k].domain_axis)] = array->second[k];
        known[{node, -1}] = domain;
        changed = true;
      }
      for (std::size_t i = 0; i < inputs.size(); ++i) changed = through_input(node, i) || changed;
      const auto domain = known.find({node, -1});
      if (domain == known.end()) continue;
      for (int o = 0; o < static_cast<int>(op(node).outputs().size()); ++o) {
        OwnMap out;
        if (!known.count({node, o}) && to_array(op(node).output(o), domain->second, out)) known[{node, o}] = out, changed = true;
      }
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        OwnMap out;
        if (known.count(inputs[i]) || !to_array(op(node).input(static_cast<int>(i)), domain->second, out)) continue;
        known[inputs[i]] = out;
        changed = true;
      }
    }
  }
}

/// What the operations and sinks of the stage ask of its tiles; false when a target cannot follow the anchor.
bool StageBuilder::add_rules(const Stage& stage, std::map<ValueRef, OwnMap>& known, TileRules& rules) const {
  const int rank = stage.domain.rank();
  rules.whole.assign(static_cast<std::size_t>(rank), false);
  rules.step.assign(static_cast<std::size_t>(rank), 1);
  rules.why.assign(static_cast<std::size_t>(rank), "");
  rules.across.assign(static_cast<std::size_t>(rank), false);
  const auto span = [&](int axis, std::string_view why) {
    if (axis < 0 || rules.whole[static_cast<std::size_t>(axis)]) return;
    rules.whole[static_cast<std::size_t>(axis)] = true;
    rules.why[static_cast<std::size_t>(axis)] = why;
  };
  // Edges of `own` at multiples of `unit` elements of its array; false: no edges of tiles are such.
  const auto step = [&](const OwnAxis& own, Index unit, std::string_view why) {
    if (own.anchor_axis < 0 || unit <= 1) return true;
    const auto axis = static_cast<std::size_t>(own.anchor_axis);
    const Index s = unit * std::abs(own.mul);
    const bool in_phase = own.mul > 0 && (own.offset - stage.domain.start[own.anchor_axis]) % s == 0;
    if (!in_phase || s > (Index{1} << 40)) return false;
    rules.step[axis] = std::lcm(rules.step[axis], s);
    if (rules.step[axis] >= stage.domain.shape[own.anchor_axis]) span(own.anchor_axis, why);
    return true;
  };
  // A target that does not run along an anchor axis would be made once for each tile along it.
  const auto cover = [&](const OwnMap& owned, std::string_view why) {
    std::vector<bool> seen(static_cast<std::size_t>(rank));
    for (const OwnAxis& own : owned)
      if (own.anchor_axis >= 0) seen[static_cast<std::size_t>(own.anchor_axis)] = true;
    for (int k = 0; k < rank; ++k)
      if (!seen[static_cast<std::size_t>(k)] && stage.domain.shape[k] > 1) span(k, why);
  };
  // Where a position stands for a group of the anchor's, a tile smaller than the group would mostly own nothing, and look cheap.
  const auto whole_groups = [&](const OwnMap& owned) {
    for (const OwnAxis& own : owned) {
      if (own.anchor_axis < 0 || std::abs(own.mul) <= 1) continue;
      const Index group = std::abs(own.mul), extent = stage.domain.shape[own.anchor_axis];
      auto& edge = rules.step[static_cast<std::size_t>(own.anchor_axis)];
      const Index both = group >= extent ? extent : std::lcm(edge, group);
      if (both < extent)
        edge = both;
      else if (group >= extent)
        span(own.anchor_axis, "the groups of its output");
    }
  };
  // A part of a concatenation may lie beside the anchor: no tile would make it.
  const auto owns_all = [&](const OwnMap& owned, const Shape& array) {
    return element_count(array) == 0 || owned_box(owned, stage.domain, array) == Box(array);
  };

  for (const Delivery& d : stage.deliveries) {
    if (accumulated_[static_cast<std::size_t>(d.value.node)]) continue;
    const auto owned = known.find(d.value);
    if (owned == known.end() || !owns_all(owned->second, plan_.spec(d.value).shape)) return false;
    cover(owned->second, op(d.value.node).name());
    whole_groups(owned->second);
    if (d.to_store) continue;
    const SinkCaps& caps = sinks_[static_cast<std::size_t>(d.target)].caps;
    for (std::size_t k = 0; k < owned->second.size() && static_cast<int>(k) < caps.unit.rank(); ++k)
      if (!step(owned->second[k], caps.unit[static_cast<int>(k)], "the chunks of its output"))
        span(owned->second[k].anchor_axis, "the chunks of its output");
  }
  for (const int node : stage.body) {
    const auto domain = known.find({node, -1});
    const Fold* fold = op(node).fold();
    const bool accumulates = std::find(stage.folds.begin(), stage.folds.end(), node) != stage.folds.end();
    if (accumulates) {
      if (domain == known.end() || !owns_all(domain->second, op(node).domain())) return false;
      cover(domain->second, op(node).name());
      whole_groups(domain->second);
      for (const int k : fold->axes()) {
        OwnAxis& own = domain->second[static_cast<std::size_t>(k)];
        if (step(own, fold->leaf()[k], "the leaves of a reduction")) continue;
        own.unit = fold->leaf()[k];
        rules.across[static_cast<std::size_t>(own.anchor_axis)] = true;
      }
    } else if (fold != nullptr && domain != known.end()) {
      for (const int k : fold->axes())
        span(domain->second[static_cast<std::size_t>(k)].anchor_axis, "a reduction that feeds the same pass");
    }
    // Where the operation's own domain is cut along that axis, too (a matrix times itself), tiles of its outputs are still made once.
    const auto cut_along = [&](int axis) {
      return domain != known.end() &&
             std::any_of(domain->second.begin(), domain->second.end(), [&](const OwnAxis& own) { return own.anchor_axis == axis; });
    };
    const auto spans_whole_axes = [&](ValueRef value, const Access& access) {
      const auto owned = known.find(value);
      if (owned == known.end()) return;
      for (std::size_t k = 0; k < access.size(); ++k)
        if (const int axis = owned->second[k].anchor_axis; access[k].kind == AxisKind::kWhole && !cut_along(axis))
          span(axis, op(node).name());
    };
    const auto& inputs = plan_.nodes[static_cast<std::size_t>(node)].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) spans_whole_axes(inputs[i], op(node).input(static_cast<int>(i)));
    if (!accumulates)
      for (int o = 0; o < static_cast<int>(op(node).outputs().size()); ++o) spans_whole_axes({node, o}, op(node).output(o));
  }
  return true;
}

/// Domain axes of the body that do not run along the anchor.
Index StageBuilder::axes_never_cut(const Stage& stage, const std::map<ValueRef, OwnMap>& known) const {
  Index loose = 0;
  for (const int node : stage.body) {
    const auto domain = known.find({node, -1});
    for (int k = 0; k < op(node).domain().rank(); ++k)
      loose += op(node).domain()[k] > 1 && (domain == known.end() || domain->second[static_cast<std::size_t>(k)].anchor_axis < 0);
  }
  return loose;
}

namespace {

/// Elements of the smallest tile that the rules allow and that reads nothing beyond its own.
Index smallest_tile(const TileRules& rules, const Box& domain) {
  Index elements = 1;
  for (int k = 0; k < domain.rank(); ++k)
    elements *= std::max<Index>(1, rules.whole[static_cast<std::size_t>(k)] || rules.across[static_cast<std::size_t>(k)]
                                       ? domain.shape[k]
                                       : rules.step[static_cast<std::size_t>(k)]);
  return elements;
}

}  // namespace

bool StageBuilder::build(const std::vector<Target>& targets, int level, Stage& stage, TileRules& rules) const {
  std::set<ValueRef> inputs;
  std::set<int> stores, body;
  for (const Target& target : targets) closure(target, level, inputs, stores, body);
  stage = Stage();
  stage.inputs.assign(inputs.begin(), inputs.end());
  stage.store_inputs.assign(stores.begin(), stores.end());
  stage.body.assign(body.begin(), body.end());
  for (const Target& target : targets) {
    if (accumulated_[static_cast<std::size_t>(target.value.node)] && level_[static_cast<std::size_t>(target.value.node)] == level)
      stage.folds.push_back(target.value.node);
    stage.deliveries.insert(stage.deliveries.end(), target.deliveries.begin(), target.deliveries.end());
  }

  // The anchor is the value of which most is needed, the first in order when several are equal; but
  // - one from which ownership reaches all targets (a reshape or a gather may stand between),
  // - with the fewest domain axes that no tile cuts (a product's columns, were one of its factors the anchor),
  // - and of those that are nearly as large the one with the freest tiles (x[1:] - x[:-1] puts the leaves of its sum out of step with x).
  const auto needed = demand(stage);
  std::vector<std::pair<ValueRef, Box>> candidates(needed.begin(), needed.end());
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return a.second.count() > b.second.count(); });
  ensure(!candidates.empty(), "a stage without values");
  std::map<ValueRef, OwnMap> known;
  Index fewest = -1, freest = 0;
  double nearly_as_large = 0;
  for (const auto& [value, box] : candidates) {
    const bool is_large = fewest < 0 || static_cast<double>(box.count()) >= nearly_as_large;
    if (fewest >= 0 && (box.empty() || (fewest == 0 && !is_large))) break;  // an empty anchor has no tiles: nothing would be delivered
    Stage trial = stage;
    trial.anchor = value;
    trial.domain = box;
    std::map<ValueRef, OwnMap> owned;
    TileRules trial_rules;
    spread_ownership(trial, owned);
    if (!add_rules(trial, owned, trial_rules)) continue;
    const Index loose = axes_never_cut(trial, owned), smallest = smallest_tile(trial_rules, box);
    if (fewest >= 0 && (loose > fewest || (loose == fewest && (!is_large || smallest >= freest)))) continue;
    if (loose != fewest) nearly_as_large = 0.9 * static_cast<double>(box.count());
    fewest = loose;
    freest = smallest;
    stage = std::move(trial);
    rules = std::move(trial_rules);
    known = std::move(owned);
  }
  if (fewest < 0) return false;
  for (const Delivery& d : stage.deliveries)
    if (const auto owned = known.find(d.value); owned != known.end()) stage.owned[d.value] = owned->second;
  for (const int node : stage.folds) stage.owned[{node, -1}] = known.at({node, -1});
  for (const ValueRef& input : stage.inputs)
    if (const auto owned = known.find(input); owned != known.end()) stage.owned.insert({input, owned->second});
  for (const int store : stage.store_inputs)
    if (const auto owned = known.find(plan_.stores[static_cast<std::size_t>(store)].value); owned != known.end())
      stage.owned.insert(*owned);
  return true;
}

}  // namespace freestone
