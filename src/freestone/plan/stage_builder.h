/// StageBuilder: from values that are wanted to a stage: what belongs to it, its anchor, who owns what, and the rules of its tiles.
///
/// The anchor is the value of which most is needed; ownership ("position j belongs to the tile that holds anchor position offset + j*mul")
/// spreads from it through the axis maps. Why: docs/decisions/0004.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "freestone/plan/choose_tiles.h"
#include "freestone/plan/plan.h"

namespace freestone {

/// What one stage must bring about: a value delivered, or the states of a fold.
struct Target {
  ValueRef value;  ///< output -1: the fold `value.node`
  std::vector<Delivery> deliveries;
};

/// Builds the stages of one choice of cuts.
class StageBuilder {
 public:
  StageBuilder(Plan& plan, const std::vector<SinkFacts>& sinks, const std::vector<int>& level, const std::vector<bool>& accumulated,
               const std::map<ValueRef, int>& store_of)
      : plan_(plan), sinks_(sinks), level_(level), accumulated_(accumulated), store_of_(store_of) {}

  /// The stage for `targets` at `level`, with its rules; false when they have no common iteration space.
  bool build(const std::vector<Target>& targets, int level, Stage& stage, TileRules& rules) const;
  /// Values (inputs and computed) that `target` needs at `level`.
  void closure(const Target& target, int level, std::set<ValueRef>& inputs, std::set<int>& stores, std::set<int>& body) const;

 private:
  const Op& op(int node) const { return *plan_.nodes[static_cast<std::size_t>(node)].op; }
  std::map<ValueRef, Box> demand(const Stage& stage) const;
  void spread_ownership(Stage& stage, std::map<ValueRef, OwnMap>& known) const;
  Index axes_never_cut(const Stage& stage, const std::map<ValueRef, OwnMap>& known) const;
  bool add_rules(const Stage& stage, std::map<ValueRef, OwnMap>& known, TileRules& rules) const;

  Plan& plan_;
  const std::vector<SinkFacts>& sinks_;
  const std::vector<int>& level_;
  const std::vector<bool>& accumulated_;
  const std::map<ValueRef, int>& store_of_;
};

}  // namespace freestone
