#include <algorithm>
#include <optional>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/graph.h"

namespace freestone {
namespace {

const ReduceOp* as_power_sums(const PlanNode& node) {
  const auto* op = dynamic_cast<const ReduceOp*>(node.op.get());
  return op != nullptr && op->function() == "power_sums" ? op : nullptr;
}

/// power_sums of orders 0 ... N over the same spectrum: the highest order has all of them.
Index widen_power_sums(Graph& graph) {
  if (std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const PlanNode& node) { return as_power_sums(node) != nullptr; }) < 2) return 0;
  for (std::size_t a = 0; a < graph.nodes.size(); ++a) {
    for (std::size_t b = 0; b < graph.nodes.size(); ++b) {
      const auto *low = as_power_sums(graph.nodes[a]), *high = as_power_sums(graph.nodes[b]);
      if (a == b || low == nullptr || high == nullptr || graph.nodes[a].inputs != graph.nodes[b].inputs || low->axes() != high->axes())
        continue;
      const auto &p = low->parameters(), &q = high->parameters();
      if (!(p[0] < q[0]) || !std::equal(p.begin() + 1, p.end(), q.begin() + 1, q.end())) continue;
      const int orders = static_cast<int>(p[0]), high_orders = static_cast<int>(q[0]);
      // The wide node must stand before the users of the narrow one: both have the same inputs, so they may change places.
      if (b > a) {
        std::swap(graph.nodes[a].op, graph.nodes[b].op);
        const int na = static_cast<int>(a), nb = static_cast<int>(b);
        // Now `a` is wide: sums keep their numbers, the count comes after the highest.
        std::vector<std::pair<ValueRef, ValueRef>> moves;
        moves.push_back({{na, orders + 1}, {na, high_orders + 1}});
        for (int k = 0; k <= high_orders + 1; ++k) moves.push_back({{nb, k}, {na, k}});
        const auto move = [&](ValueRef& value) {
          for (const auto& [from, to] : moves)
            if (value == from) {
              value = to;
              return;
            }
        };
        for (PlanNode& node : graph.nodes) std::for_each(node.inputs.begin(), node.inputs.end(), move);
        std::for_each(graph.roots.begin(), graph.roots.end(), move);
      } else {
        for (int k = 0; k <= orders; ++k) graph.replace({static_cast<int>(a), k}, {static_cast<int>(b), k});
        graph.replace({static_cast<int>(a), orders + 1}, {static_cast<int>(b), high_orders + 1});
      }
      // Nobody uses the other node now; drop_dead takes it.
      graph.drop_dead();
      return 1 + widen_power_sums(graph);
    }
  }
  return 0;
}

/// A view of a view is one view.
Index compose_views(Graph& graph) {
  Index changes = 0;
  for (PlanNode& node : graph.nodes) {
    const auto* outer = dynamic_cast<const ViewOp*>(node.op.get());
    if (outer == nullptr) continue;
    while (const auto* inner = dynamic_cast<const ViewOp*>(graph.nodes[static_cast<std::size_t>(node.inputs[0].node)].op.get())) {
      Access access = inner->input(0);
      for (AxisMap& map : access) {
        if (map.kind != AxisKind::kPoint) continue;
        const AxisMap& next = outer->input(0)[static_cast<std::size_t>(map.domain_axis)];
        map = next.kind == AxisKind::kFixed ? AxisMap::fixed(map.offset + next.offset * map.mul)
                                            : AxisMap::point(next.domain_axis, map.offset + next.offset * map.mul, map.mul * next.mul);
      }
      const ValueRef below = graph.nodes[static_cast<std::size_t>(node.inputs[0].node)].inputs[0];
      node.op = std::make_shared<ViewOp>(graph.spec(below), outer->domain(), std::move(access));
      node.inputs = {below};
      outer = static_cast<const ViewOp*>(node.op.get());
      ++changes;
    }
  }
  graph.drop_dead();
  return changes;
}

/// Whether a view takes elements of `array` in their order, runs of the last axis as runs, and none twice: arithmetic on such a view is as quick as
/// on what it looks at.
bool keeps_runs(const ViewOp& view, const Shape& array) {
  const Access& access = view.input(0);
  int last = -1, points = 0;
  for (const AxisMap& map : access) {
    if (map.kind != AxisKind::kPoint) continue;
    if (map.domain_axis <= last || map.mul < 1) return false;
    last = map.domain_axis, ++points;
  }
  return array.rank() > 0 && access.back().kind == AxisKind::kPoint && access.back().mul == 1 && points == view.domain().rank();
}

/// The view `of` of an operation's result, taken of an input instead, whose axes of one element are repeated; null: no longer in runs.
std::shared_ptr<ViewOp> view_of_input(const ViewOp& of, const Shape& result, const Spec& input) {
  const int lead = result.rank() - input.shape.rank();
  Access access;
  for (int k = 0; k < input.shape.rank(); ++k)
    access.push_back(input.shape[k] == result[lead + k] ? of.input(0)[static_cast<std::size_t>(lead + k)] : AxisMap::fixed(0));
  if (access.back().kind != AxisKind::kPoint) return nullptr;
  return std::make_shared<ViewOp>(input, of.domain(), std::move(access));
}

/// The arithmetic of `node` on what `view` looks at, its inputs' views put behind the nodes of `graph`; nothing: some would not lie in runs.
std::optional<PlanNode> on_slices(const PlanNode& node, const ViewOp& view, Graph& graph) {
  const auto* arithmetic = dynamic_cast<const ElementwiseOp*>(node.op.get());
  if (arithmetic == nullptr || !keeps_runs(view, arithmetic->domain())) return std::nullopt;
  std::vector<std::shared_ptr<ViewOp>> views;  // null: of a number without axes
  for (const ValueRef& input : node.inputs) {
    const Spec& spec = graph.spec(input);
    views.push_back(spec.shape.rank() == 0 ? nullptr : view_of_input(view, arithmetic->domain(), spec));
    if (spec.shape.rank() > 0 && views.back() == nullptr) return std::nullopt;
  }
  PlanNode out{nullptr, node.inputs};
  std::vector<Spec> specs;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (views[i] != nullptr) {
      graph.nodes.push_back({std::move(views[i]), {node.inputs[i]}});
      out.inputs[i] = {static_cast<int>(graph.nodes.size()) - 1, 0};
    }
    specs.push_back(graph.spec(out.inputs[i]));
  }
  out.op = std::make_shared<ElementwiseOp>(Program(arithmetic->program()), specs);
  return out;
}

/// A slice of arithmetic is arithmetic on slices, which then is one with what comes before and after.
Index slice_before_arithmetic(Graph& graph) {
  const auto counts = graph.use_counts();
  Graph out = graph;
  out.nodes.clear();
  std::vector<int> number;
  Index changes = 0;
  for (const PlanNode& given : graph.nodes) {
    PlanNode node = given;
    for (ValueRef& input : node.inputs) input.node = number[static_cast<std::size_t>(input.node)];
    const auto* view = dynamic_cast<const ViewOp*>(node.op.get());
    if (view != nullptr && counts[static_cast<std::size_t>(given.inputs[0].node)] == 1) {
      const PlanNode below = out.nodes[static_cast<std::size_t>(node.inputs[0].node)];
      if (auto sliced = on_slices(below, *view, out)) node = std::move(*sliced), ++changes;
    }
    number.push_back(static_cast<int>(out.nodes.size()));
    out.nodes.push_back(std::move(node));
  }
  if (changes == 0) return 0;
  for (ValueRef& root : out.roots) root.node = number[static_cast<std::size_t>(root.node)];
  graph = std::move(out);
  compose_views(graph);
  return changes + slice_before_arithmetic(graph);
}

/// Inputs that are the same value become one input of the program.
void join_equal_inputs(PlanNode& node, const Graph& graph, const Program& program) {
  std::vector<ValueRef> distinct;
  std::vector<int> to;
  for (const ValueRef& input : node.inputs) {
    auto found = std::find(distinct.begin(), distinct.end(), input);
    if (found == distinct.end()) found = distinct.insert(distinct.end(), input);
    to.push_back(static_cast<int>(found - distinct.begin()));
  }
  std::vector<Spec> specs;
  for (const ValueRef& value : distinct) specs.push_back(graph.spec(value));
  node.op = std::make_shared<ElementwiseOp>(program.with_inputs_renamed(to, static_cast<int>(distinct.size())), specs);
  node.inputs = std::move(distinct);
}

/// An elementwise operation that feeds only another one of the same shape becomes part of it: nothing between them is stored.
Index fuse_elementwise(Graph& graph) {
  constexpr std::size_t kMostInstructions = 64;
  Index changes = 0;
  // x * x uses x once.
  for (PlanNode& node : graph.nodes)
    if (const auto* op = dynamic_cast<const ElementwiseOp*>(node.op.get()); op != nullptr && node.inputs.size() > 1)
      join_equal_inputs(node, graph, Program(op->program()));
  auto counts = graph.use_counts();
  for (PlanNode& node : graph.nodes) {
    for (std::size_t i = 0; i < node.inputs.size();) {
      const auto* consumer = dynamic_cast<const ElementwiseOp*>(node.op.get());
      if (consumer == nullptr) break;
      const ValueRef value = node.inputs[i];
      PlanNode& source = graph.nodes[static_cast<std::size_t>(value.node)];
      const auto* producer = dynamic_cast<const ElementwiseOp*>(source.op.get());
      if (producer == nullptr || counts[static_cast<std::size_t>(value.node)] != 1 || producer->domain() != consumer->domain() ||
          producer->program().code().size() + consumer->program().code().size() > kMostInstructions) {
        ++i;
        continue;
      }
      const Program joined = consumer->program().with_input_computed(static_cast<int>(i), producer->program());
      node.inputs.erase(node.inputs.begin() + static_cast<std::ptrdiff_t>(i));
      node.inputs.insert(node.inputs.end(), source.inputs.begin(), source.inputs.end());
      join_equal_inputs(node, graph, joined);
      ++changes;
      counts[static_cast<std::size_t>(value.node)] = 0;
      i = 0;
    }
  }
  graph.drop_dead();
  return changes;
}

}  // namespace

std::vector<Pass> passes() {
  return {
      {"compose-views", "a slice of a transpose of a slice is one look at memory", compose_views},
      {"widen-power-sums", "moments asked together share their sums", widen_power_sums},
      {"slice-before-arithmetic", "only what is looked at is computed, and arithmetic on both sides of a slice is one pass over memory", slice_before_arithmetic},
      {"fuse-elementwise", "a chain of arithmetic is one pass over memory", fuse_elementwise},
  };
}

}  // namespace freestone
