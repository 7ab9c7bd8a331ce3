#include "freestone/plan/graph.h"

#include <unordered_map>

namespace freestone {

Graph::Graph(const std::vector<Array>& arrays) {
  std::unordered_map<const Node*, int> number;
  for (const auto& node : topological_order(arrays)) {
    PlanNode plan_node{node->op, {}};
    for (const Array& input : node->inputs) plan_node.inputs.push_back({number.at(input.node().get()), input.output()});
    number[node.get()] = static_cast<int>(nodes.size());
    nodes.push_back(std::move(plan_node));
  }
  for (const Array& array : arrays) roots.push_back({number.at(array.node().get()), array.output()});
}

std::vector<int> Graph::use_counts() const {
  std::vector<int> counts(nodes.size());
  for (const PlanNode& node : nodes)
    for (const ValueRef& input : node.inputs) ++counts[static_cast<std::size_t>(input.node)];
  for (const ValueRef& root : roots) ++counts[static_cast<std::size_t>(root.node)];
  return counts;
}

void Graph::replace(ValueRef from, ValueRef to) {
  for (PlanNode& node : nodes)
    for (ValueRef& input : node.inputs)
      if (input == from) input = to;
  for (ValueRef& root : roots)
    if (root == from) root = to;
}

Index Graph::drop_dead() {
  std::vector<bool> alive(nodes.size());
  for (const ValueRef& root : roots) alive[static_cast<std::size_t>(root.node)] = true;
  for (std::size_t n = nodes.size(); n-- > 0;)
    if (alive[n])
      for (const ValueRef& input : nodes[n].inputs) alive[static_cast<std::size_t>(input.node)] = true;
  std::vector<int> number(nodes.size(), -1);
  std::vector<PlanNode> kept;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (!alive[n]) continue;
    number[n] = static_cast<int>(kept.size());
    kept.push_back(std::move(nodes[n]));
    for (ValueRef& input : kept.back().inputs) input.node = number[static_cast<std::size_t>(input.node)];
  }
  for (ValueRef& root : roots) root.node = number[static_cast<std::size_t>(root.node)];
  const auto dropped = static_cast<Index>(nodes.size() - kept.size());
  nodes = std::move(kept);
  return dropped;
}

}  // namespace freestone
