/// StageProgram: a stage made ready to run: its values, the steps of one task, and where each value lies in the task's memory.
///
/// Both the planner, which prices tiles, and the executor, which runs them, ask `lay_out` for the same layout of a tile, so what was
/// priced is what is leased.
#pragma once

#include <vector>

#include "freestone/plan/plan.h"
#include "freestone/plan/reading_ways.h"
#include "freestone/plan/task_layout.h"

namespace freestone {

class PartDecoders;

enum class StepKind {
  kDecode,   ///< input `which` from its fetched bytes
  kRun,      ///< node `which`: run or view
  kLeave,    ///< node `which`: not made here but leaf by leaf by the reduction that reads it (`leaf_maker`)
  kFoldIn,   ///< node `which`: a whole reduction inside the task
  kFoldOut,  ///< node `which`: leaves of the tile into the states shared by all tasks
  kDeliver   ///< delivery `which`
};

struct Step {
  StepKind kind;
  int which;
};

/// A value of a stage: an input or an output of a node of the body.
struct StageValue {
  ValueRef ref;
  Spec spec;
  int input = -1;     ///< number of the stage's input, -1 for computed values
  int last_use = -1;  ///< the last step that reads it
  bool is_view = false;
  int view_of = -1;  ///< the value that owns the memory
};

/// One reading of an input of a stage: of a source node, or of a store of an earlier stage.
struct StageInput {
  ValueRef ref;
  int store = -1;
  std::shared_ptr<const Source> source;  ///< null while a store does not exist yet
  std::vector<AxisMotion> motion;        ///< how what is read moves with the tile
  int value = -1;                        ///< number of its value
  bool cached = false;                   ///< read through a cache of decoded chunks
  bool goes_onward = false;              ///< read in its chunks from where the tile before has stopped
};

/// What the planner knows of a sink.
struct SinkFacts {
  std::string name;
  SinkCaps caps;
  /// Scratch that writing a box takes; by what the sink says.
  std::shared_ptr<Sink> sink;
};

class StageProgram {
 public:
  /// `sinks`: one a root of the plan; `stores` may be null for planning (their cost is estimated from the plan alone).
  StageProgram(const Plan& plan, const Stage& stage, const std::vector<SinkFacts>& sinks,
               const std::vector<std::shared_ptr<const Source>>& stores);

  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<StageValue>& values() const { return values_; }
  const std::vector<StageInput>& inputs() const { return inputs_; }
  /// Number of the value that delivery `number` hands over.
  int delivered_value(int number) const { return delivered_[static_cast<std::size_t>(number)]; }
  /// Numbers of the values that node `body_index` reads, and that it makes.
  const std::vector<int>& input_values(int body_index) const { return node_inputs_[static_cast<std::size_t>(body_index)]; }
  const std::vector<int>& output_values(int body_index) const { return node_outputs_[static_cast<std::size_t>(body_index)]; }
  const Op& op(int body_index) const {
    return *plan_.nodes[static_cast<std::size_t>(stage_.body[static_cast<std::size_t>(body_index)])].op;
  }
  bool is_accumulated(int body_index) const { return accumulated_[static_cast<std::size_t>(body_index)]; }
  /// The node whose result a reduction makes for itself: elementwise work that nothing else reads. Some leaves of it stay in the cache of a
  /// core between the two, where a tile would go to memory and come back. -1: none.
  int leaf_maker(int fold_index) const { return leaf_makers_[static_cast<std::size_t>(fold_index)]; }
  /// The grid of leaves that are scanned one after the other: those that are made at once, else each alone.
  const Shape& leaf_batch(int fold_index) const { return leaf_batches_[static_cast<std::size_t>(fold_index)]; }
  /// Memory in which one lane makes a batch of a task's part of the reduction's domain: its elements, then the scratch of the node.
  Index batch_memory(int fold_index, const Box& domain) const;

  /// From now on inputs that have chunks to keep are read through `cache`.
  void read_through(const std::shared_ptr<ChunkCache>& cache);
  /// From now on inputs whose codecs can stop within a chunk are read onward (ChunkedSource::onward).
  void read_onward(const std::shared_ptr<PartDecoders>& decoders);
  /// Of the inputs: the decoded bytes of a whole chunk; 0 when none has chunks.
  Index largest_chunk_bytes() const;
  /// The layout of the task for a box of the anchor.
  TaskLayout lay_out(const Box& anchor_box) const;
  /// Of that layout only `read.decoded`.
  Index decoded_bytes(const Box& anchor_box) const;
  /// Whether lanes without a task of their own may help with a node's part of a task: long elementwise work, reductions and
  /// order statistics.
  bool is_shared(int body_index, const Box& domain) const;
  /// The parts of such work that is no reduction; none is larger than the first.
  std::vector<Box> shared_parts(const Box& domain) const;
  /// The part of a fold's domain (as `is_accumulated`) that belongs to a box of the anchor.
  Box fold_box(int body_index, const Box& anchor_box) const;
  Box delivery_box(int delivery, const Box& anchor_box) const;

  /// Kept elements of a fold that one call of `scan` works on at the most: their states stay in a near cache.
  static Index most_kept(const Fold& fold) { return std::clamp<Index>((Index{1} << 17) / std::max<Index>(1, fold.state_words()), 1, 2048); }
  static Box first_fold_piece(const Fold& fold, Box domain_box);
  /// Pieces of a box of the domain with at most `most_kept` kept elements (whole on the reduced axes), in C order.
  static std::vector<Box> fold_pieces(const Fold& fold, const Box& domain_box);

 private:
  /// What a task needs.
  struct Needs {
    std::vector<Box> values;   ///< of each value
    std::vector<Box> domains;  ///< one a body node
    std::vector<bool> active;  ///< one a body node: something of it is wanted
  };
  Needs needs(const Box& anchor_box) const;
  class Placing;  ///< of a task's values in its memory, step by step (task_layout.cpp)
  bool is_in_memory(const StageInput& input) const;
  const Plan& plan_;
  const Stage& stage_;
  const std::vector<SinkFacts>& sinks_;
  std::vector<StageInput> inputs_;
  std::vector<StageValue> values_;
  std::vector<int> delivered_;  ///< -1: outputs of an accumulated fold
  /// Elements of a piece of `domain` (`fold_pieces`) that is `extents` long on the reduced axes, at the most.
  static Index most_at_once(const Fold& fold, const Box& domain, const Shape& extents);
  /// Finds the nodes that reductions make for themselves, and the batches of leaves.
  void find_leaf_makers();
  std::vector<std::vector<int>> node_inputs_, node_outputs_;
  std::vector<bool> accumulated_;
  std::vector<int> leaf_makers_;     ///< one a body node
  std::vector<Shape> leaf_batches_;  ///< likewise, of reductions
  std::vector<Step> steps_;
};

/// Neighbours that are merged into one state in the tree of a fold.
inline constexpr Index kFoldArity = 16;
/// Levels of that tree above its leaves; 0: there is one leaf.
constexpr Index fold_levels(Index leaves) {
  Index levels = 0;
  for (; leaves > 1; leaves = (leaves + kFoldArity - 1) / kFoldArity) ++levels;
  return levels;
}
/// Tiles from the oldest that is not done to the last that has begun, in a stage whose states are merged across tiles: a lane that is held up
/// must not have the others pile up states that wait for its own.
constexpr Index fold_window(Index slots) { return slots + 4; }

/// Elements of `box` that a fold keeps: the product over axes that are not reduced.
Index kept_count(const Fold& fold, const Box& box);

}  // namespace freestone
