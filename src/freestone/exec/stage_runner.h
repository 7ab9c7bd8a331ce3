/// StageRunner: the tiles of one stage on lanes. Its members stand in two files: run_stage.cpp hands out tiles and free lanes, run_task.cpp
/// does the steps of one task.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "freestone/exec/fold_states.h"
#include "freestone/exec/run_stage.h"
#include "freestone/exec/shared_fold.h"
#include "freestone/exec/shared_work.h"
#include "freestone/storage/chunk_cache.h"

namespace freestone {

struct Slot {
  Buffer memory;
  Index tile = -1;  ///< -1: none
  TaskLayout layout;
};

class StageRunner {
 public:
  explicit StageRunner(const StageRun& run);
  ~StageRunner();
  void run();

 private:
  void compute_lane(int lane);
  void io_lane(int lane);
  /// Takes the next tile into a free slot; null when there is none of either, or its states would have to wait for too many others. Called
  /// with the lock held.
  Slot* begin_task();
  /// Whether I/O lanes are of use: what lies in the system's memory compute lanes read themselves as quickly, and it stays in their caches.
  /// Called with the lock held.
  bool reads_slowly() const;
  void fetch(Slot& slot, int lane);
  void compute(Slot& slot, int lane);
  void decode(Slot& slot, int input, std::vector<Tile>& tiles, int lane);
  /// Instead of waiting for a chunk: decodes one into the cache that a later tile wants. False: none is near, or the cache has no room.
  bool decode_ahead(Bytes scratch);
  /// Reads and decodes all pieces of a stream, with the help of lanes that are free.
  void stream(Slot& slot, std::size_t input, const Tile& tile, int lane);
  /// Does all parts, with the help of lanes that are free, and throws the first error.
  void share(SharedWork& shared, int lane);
  /// Does parts until there are no more; called with the lock held.
  void help(SharedWork& shared, std::unique_lock<std::mutex>& lock, int lane);
  /// Some lanes have no slot of their own.
  bool lanes_to_spare() const { return lanes_ > static_cast<int>(slots_.size()); }
  void run_node(Slot& slot, std::size_t step, std::vector<Tile>& tiles, int lane);
  /// What the leaves of a reduction are scanned from: tiles, or what is made of tiles some leaves at a time.
  struct Leaves {
    const Fold* fold;
    std::vector<Tile> in;
    Shape batch;                ///< grid of the leaves that one lane takes at once
    const Op* maker;            ///< null: the leaves are parts of `in`
    std::vector<Tile> made_of;  ///< inputs of `maker`
    std::byte* memory;          ///< `bytes` for each lane
    Index bytes;
    Index lanes;  ///< that may share them
  };
  Leaves leaves_of(Slot& slot, std::size_t step, const std::vector<Tile>& tiles) const;
  /// Folds the leaves of a piece by so many lanes, the first of which is `worker` among those that share the reduction. True: the tree is whole.
  bool fold_piece(const Leaves& leaves, const LeafGrid& grid, const Box& piece, SharedFold::Piece& into, Index lanes, Index worker, int lane);
  void fold_inside(Slot& slot, std::size_t step, std::vector<Tile>& tiles, int lane);
  void fold_across(Slot& slot, std::size_t step, const std::vector<Tile>& tiles, int lane);
  void deliver(Slot& slot, std::size_t step, const std::vector<Tile>& tiles, int lane);
  /// As `deliver`, of a value that lies in the units of its sink: by this lane and those that are free.
  void deliver_units(Slot& slot, std::size_t step, const Box& box, int lane);
  void write(const Delivery& delivery, const Box& box, const View& view, Scratch& scratch, int lane);
  /// Finishes one piece of an accumulated fold and hands its outputs to where they go.
  void finish_piece(int body, const Box& piece, const FoldTree::State& state, Scratch& scratch, int lane);
  void finish_empty_folds();
  /// Folds go on from the states of other tiles, and leave theirs (fold_states.cpp).
  void take_states(FoldStates& states);
  void leave_states(FoldStates& states) const;
  Sink& sink_of(const Delivery& delivery) const {
    const auto target = static_cast<std::size_t>(delivery.target);
    return delivery.to_store ? *run_.store_sinks[target] : *run_.sinks[target].sink;
  }
  /// A task's part of the result, or the intermediate one, in memory that a value goes to as it is.
  std::optional<View> part_of_result(const Slot& slot, int value) const;
  Scratch scratch_of(Slot& slot, std::size_t step) {
    const Index bytes = slot.layout.scratch_bytes[step];
    return bytes == 0 ? Scratch()
                      : Scratch({slot.memory.data() + slot.layout.scratch_offset[step], static_cast<std::size_t>(Scratch::rounded(bytes))});
  }
  std::vector<Tile> inputs_of(int body, const std::vector<Tile>& tiles) const {
    std::vector<Tile> in;
    for (const int v : program_.input_values(body)) in.push_back(tiles[static_cast<std::size_t>(v)]);
    return in;
  }
  /// Of a node that nothing wants: its outputs as tiles without elements.
  void nothing_of(int body, std::vector<Tile>& tiles) const {
    for (const int v : program_.output_values(body)) {
      const Spec& spec = program_.values()[static_cast<std::size_t>(v)].spec;
      const int rank = spec.shape.rank();
      tiles[static_cast<std::size_t>(v)] = {View{nullptr, spec.dtype, Shape(rank), Dims(rank)}, Box(Dims(rank), Shape(rank))};
    }
  }
  Tile placed(Slot& slot, int value) const {
    const auto& place = slot.layout.values[static_cast<std::size_t>(value)];
    return {
        View::contiguous(slot.memory.data() + place.offset, program_.values()[static_cast<std::size_t>(value)].spec.dtype, place.box.shape),
        place.box};
  }
  /// A node as people know it; a reduction with what it makes for itself.
  std::string label(int body) const;
  /// Of a node's part in a task; of the states of a fold across tasks, none.
  Index output_bytes(const Slot& slot, int body_index) const {
    Index bytes = 0;
    for (const int v : program_.output_values(body_index)) {
      const auto& value = program_.values()[static_cast<std::size_t>(v)];
      bytes += Spec{slot.layout.values[static_cast<std::size_t>(v)].box.shape, value.spec.dtype}.bytes();
    }
    return bytes;
  }
  void emit(EventKind kind, int lane, Index task, std::string label, Index bytes, std::int64_t start) {
    if (!run_.events.active()) return;
    run_.events.emit({kind, run_.stage, task, lane, std::move(label), bytes, 0, run_.budget.leased(), start, now_ns()});
  }

  const StageRun& run_;
  const Stage& stage_;
  StageProgram program_;
  Cancel stop_;
  std::vector<std::unique_ptr<SharedFold>> folds_;
  std::vector<std::optional<View>> memory_;  // of each delivery: the result in memory that it goes to
  std::vector<int> goes_to_;  // of each value: the delivery that puts it as it is into such a result; -1: none

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::deque<Slot*> ready_;  // by tile number
  std::vector<SharedWork*> shared_;
  int lanes_ = 1;
  bool waits_to_read_ahead_ = false;  // until reading has taken long
  std::int64_t fetching_ns_ = 0, computing_ns_ = 0;
  std::condition_variable slow_;  // I/O lanes wait: reading takes long, or all tasks have begun
  Index next_ = 0, done_ = 0, count_ = 0;
  std::shared_ptr<ChunkCache> cache_;
  Index ahead_ = 0;  // tiles before this one have their chunks, or somebody decodes them
};

}  // namespace freestone
