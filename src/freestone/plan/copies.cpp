#include "freestone/plan/copies.h"

#include <algorithm>

#include "freestone/ops/shape.h"

namespace freestone {

namespace {

/// Whether what a node makes is little beside what it needs: a reduction, be it by parts (a mean) or of whole axes (a median).
bool reduces(const Graph& graph, const ValueRef& value) {
  const PlanNode& node = graph.nodes[static_cast<std::size_t>(value.node)];
  if (node.op->fold() != nullptr) return true;
  if (node.op->is_view()) return false;  // of which nothing is stored
  constexpr Index kTimesSmaller = 4;
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const ValueRef& input) {
    return kTimesSmaller * element_count(graph.spec(value).shape) <= element_count(graph.spec(input).shape);
  });
}

}  // namespace

bool is_one_to_one(const Access& access, const Shape& domain) {
  if (static_cast<int>(access.size()) != domain.rank()) return false;
  for (std::size_t k = 0; k < access.size(); ++k) {
    const AxisMap& map = access[k];
    if (map.kind != AxisKind::kPoint || map.domain_axis != static_cast<int>(k) || map.mul != 1) return false;
    if (map.offset != 0 || map.before != 0 || map.after != 0) return false;
  }
  return true;
}

bool is_all_of(const Op& view, const Shape& array) { return view.domain() == array && is_one_to_one(view.input(0), array); }

void gather_for_chunks(Graph& graph, const std::vector<SinkFacts>& sinks) {
  for (std::size_t r = 0; r < graph.roots.size(); ++r) {
    const ValueRef value = graph.roots[r];
    const Shape& unit = sinks[r].caps.unit;
    if (!reduces(graph, value) || std::all_of(unit.begin(), unit.end(), [](Index n) { return n <= 1; })) continue;
    const Spec& spec = graph.spec(value);
    graph.roots[r] = {static_cast<int>(graph.nodes.size()), 0};
    graph.nodes.push_back({std::make_shared<ViewOp>(spec, spec.shape, identity_access(spec.shape.rank())), {value}});
  }
}

Graph with_copies(const Graph& graph, const std::vector<int>& originals, std::vector<int>* copies) {
  Graph out = graph;
  out.nodes.clear();
  std::vector<int> number, copy;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    PlanNode node = graph.nodes[n];
    for (ValueRef& input : node.inputs) {
      const auto from = static_cast<std::size_t>(input.node);
      input.node = copy[from] >= 0 ? copy[from] : number[from];
    }
    number.push_back(static_cast<int>(out.nodes.size()));
    copy.push_back(-1);
    out.nodes.push_back(std::move(node));
    if (std::find(originals.begin(), originals.end(), static_cast<int>(n)) == originals.end()) continue;
    const Spec& spec = graph.spec({static_cast<int>(n), 0});
    copy.back() = static_cast<int>(out.nodes.size());
    if (copies != nullptr) copies->push_back(copy.back());
    out.nodes.push_back({std::make_shared<ViewOp>(spec, spec.shape, identity_access(spec.shape.rank())), {{number.back(), 0}}});
  }
  for (ValueRef& root : out.roots) {
    const auto from = static_cast<std::size_t>(root.node);
    root.node = number[from];
    if (copy[from] < 0) continue;
    // The stored copy goes to its sink in a pass of its own.
    const Spec spec = out.spec({copy[from], 0});
    root = {static_cast<int>(out.nodes.size()), 0};
    out.nodes.push_back({std::make_shared<ViewOp>(spec, spec.shape, identity_access(spec.shape.rank())), {{copy[from], 0}}});
  }
  return out;
}

}  // namespace freestone
