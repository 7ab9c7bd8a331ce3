/// Plan: how a graph will be computed, as plain immutable data.
///
/// A graph is cut into stages. A stage is a fused pipeline with one iteration space, the box `domain` of its anchor
/// array, run tile by tile from sources and stored results to sinks, stores and reductions. A plan holds a tile shape
/// and an order, never a list of tiles: tiles are arithmetic on a grid. It can be explained before it runs, saved as
/// JSON, and run elsewhere. Nothing here touches a thread or a file's data.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "freestone/array/op.h"

namespace freestone {

/// One output of one node of a plan.
struct ValueRef {
  int node = -1;
  int output = 0;
  friend auto operator<=>(const ValueRef&, const ValueRef&) = default;
};

/// An operation of the rewritten graph; nodes stand in topological order.
struct PlanNode {
  std::shared_ptr<const Op> op;
  std::vector<ValueRef> inputs;
};

/// What a stage costs, or a plan.
struct Estimate {
  Index tiles = 0;
  Index bytes_read = 0;     ///< from files and temporary stores
  Index bytes_written = 0;  ///< to sinks and temporary stores on disk
  Index requests = 0;       ///< reads and writes that the system is asked for
  Index peak_bytes = 0;     ///< memory from the budget: tasks, states, stores
  double seconds = 0;
};

/// An intermediate result between stages.
struct Store {
  ValueRef value;
  Spec spec;
  bool on_disk = false;
  Shape block;  ///< of a store on disk
  int first_stage = 0, last_stage = 0;
};

/// Memory in which the writes of a store wait on their way past the system's page cache; 0: of smaller ones, or where memory is scarce.
Index write_behind_bytes(const Store& store, Index budget);

/// Where a stage's value goes: to a sink (numbered as the roots of the plan) or to a store.
struct Delivery {
  ValueRef value;
  bool to_store = false;
  int target = 0;
};

/// How positions of one axis belong to the anchor's: position j belongs to the tile that holds anchor position offset + j*mul; anchor_axis
/// -1: the whole axis belongs to every tile.
struct OwnAxis {
  int anchor_axis = -1;
  Index offset = 0;
  Index mul = 1;
  Index unit = 1;  ///< positions belong together in groups of this many (leaves of a reduction), each to the tile that holds its first
  friend bool operator==(const OwnAxis&, const OwnAxis&) = default;
};
using OwnMap = std::vector<OwnAxis>;

/// Two axes along which tiles come in mirrored pairs, (i, k) and then (k, i): for `x + x.T`, where one reads what the other reads, too. Both
/// have the same extent and the same tiles. Pairs are visited in squares of `square` tiles, so that what a square reads can be kept.
/// At each place come `run` tiles along the axis before them in the order: tiles may be smaller than the chunks that lie along it.
struct MirroredAxes {
  int first = -1, second = -1;  ///< the last two of the stage's order; -1: none
  Index square = 1, run = 1;
  bool any() const { return first >= 0; }
  friend bool operator==(const MirroredAxes&, const MirroredAxes&) = default;
};

struct Stage {
  ValueRef anchor;
  Box domain;  ///< the part of the anchor that is needed
  Shape tile;
  std::vector<int> order;         ///< axes, slowest first
  MirroredAxes mirror;
  std::vector<ValueRef> inputs;   ///< values of sources
  std::vector<int> store_inputs;  ///< stores that it reads
  std::vector<int> body;          ///< nodes to compute, in order
  std::vector<int> folds;         ///< nodes of the body whose states are merged across tiles
  std::vector<Delivery> deliveries;
  std::map<ValueRef, OwnMap> owned;  ///< of every delivered value; of a fold in `folds` its domain, under {node, -1}
  int slots = 1;                     ///< tasks in memory at the same time
  Index task_bytes = 0;              ///< memory of one task
  Index pinned_bytes = 0;            ///< states of folds, as long as the stage runs
  Index cache_bytes = 0;             ///< decoded chunks that several tiles want
  bool goes_onward = false;          ///< they are decoders instead: each tile goes on in its chunks where the one before has stopped
  std::string reason;                ///< why this tile, in words
  Estimate estimate;
};

struct PassRecord {
  std::string name;
  Index changes = 0;
  double seconds = 0;
};

/// A plan that was priced and not taken.
struct Alternative {
  std::string what;
  double seconds = 0;
  bool fits = true;
};

struct Plan {
  static constexpr int kVersion = 6;
  Index budget = 0;
  int threads = 1;
  std::vector<PlanNode> nodes;
  std::vector<ValueRef> roots;  ///< one a sink
  std::vector<std::string> sink_names;
  std::vector<Store> stores;
  std::vector<Stage> stages;
  Index reserve_bytes = 0;  ///< what the sinks hold while they are open, and results in memory
  Estimate total;
  std::vector<PassRecord> passes;
  std::vector<Alternative> alternatives;  ///< cheapest first, those that do not fit last

  const Spec& spec(ValueRef value) const {
    return nodes[static_cast<std::size_t>(value.node)].op->outputs()[static_cast<std::size_t>(value.output)];
  }
};

/// The tile with number `index` of a stage, in the anchor's coordinates: arithmetic, in the stage's order.
Box tile_box(const Stage& stage, Index index);
/// The tile in the middle: its halo is whole on both sides.
Box middle_tile(const Stage& stage);
Index tile_count(const Stage& stage);
/// Along one axis of the anchor, at least 1.
Index tiles_along(const Stage& stage, int axis);

/// The positions of an array (of shape `array`) that belong to a box of the anchor.
Box owned_box(const OwnMap& owned, const Box& anchor_box, const Shape& array);

}  // namespace freestone
