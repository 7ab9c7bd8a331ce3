/// Graph: the nodes that some roots need, as the passes rewrite them.
#pragma once

#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/plan/plan.h"

namespace freestone {

struct Graph {
  std::vector<PlanNode> nodes;  ///< in topological order
  std::vector<ValueRef> roots;

  explicit Graph(const std::vector<Array>& arrays);

  const Spec& spec(ValueRef value) const {
    return nodes[static_cast<std::size_t>(value.node)].op->outputs()[static_cast<std::size_t>(value.output)];
  }
  /// How often each node's outputs are used: by inputs of nodes, and by roots.
  std::vector<int> use_counts() const;
  /// Replaces uses of `from` by `to`.
  void replace(ValueRef from, ValueRef to);
  /// Drops nodes that no root needs. Returns how many.
  Index drop_dead();
};

/// A rewriting of the graph that leaves its values as they are.
struct Pass {
  const char* name;
  const char* why;
  Index (*run)(Graph&);  ///< returns how many changes it made
};

/// The rewritings in the order they run in.
std::vector<Pass> passes();

/// What the planner does, for people: every one of these can be left out by its name (PlanOptions::switched_off), and results stay the same.
struct PassInfo {
  std::string name, why;
};
/// The rewritings, then the choices of make_plan.
std::vector<PassInfo> all_passes();

}  // namespace freestone
