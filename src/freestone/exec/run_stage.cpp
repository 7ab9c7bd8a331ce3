#include "freestone/exec/run_stage.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>

#include "freestone/core/grid_parts.h"
#include "freestone/exec/fold_tree.h"
#include "freestone/ops/elementwise.h"
#include "freestone/plan/explain.h"
#include "freestone/runtime/admission.h"
#include "freestone/runtime/lanes.h"
#include "freestone/storage/chunk_cache.h"

namespace freestone {
namespace {

constexpr int kIoLane = 1000;
constexpr Index kPartsPerLane = 4;
constexpr auto kLook = std::chrono::milliseconds(20);  // how long a waiting lane goes without looking at the cancel flag

/// States of the folds that live across tasks: a tree for each piece of the kept axes.
class SharedFold {
 public:
  SharedFold(const Fold& fold, const Shape& domain) : fold_(fold), grid_(fold, domain) {}

  struct Piece {
    std::mutex mutex;
    std::unique_ptr<FoldTree> tree;
  };
  const LeafGrid& grid() const { return grid_; }
  /// The piece whose kept axes are those of `box`.
  Piece& piece(const Box& box) {
    const Dims key = kept_start(box);
    const std::lock_guard lock(mutex_);
    auto& slot = pieces_[key];
    if (!slot) {
      slot = std::make_unique<Piece>();
      slot->tree = std::make_unique<FoldTree>(fold_, grid_.count, kept_count(fold_, box));
    }
    return *slot;
  }
  void drop(const Box& box) {
    const std::lock_guard lock(mutex_);
    pieces_.erase(kept_start(box));
  }

 private:
  Dims kept_start(const Box& box) const {
    Dims start = box.start;
    for (const int k : fold_.axes()) start[k] = 0;
    return start;
  }
  const Fold& fold_;
  LeafGrid grid_;
  std::mutex mutex_;
  std::map<Dims, std::unique_ptr<Piece>> pieces_;
};

struct Slot {
  Buffer memory;
  Index tile = -1;
  TaskLayout layout;
};

/// `box` in about `parts` pieces along its first axis that is long enough.
std::vector<Box> cut_evenly(const Box& box, Index parts) {
  int axis = 0;
  while (axis + 1 < box.rank() && box.shape[axis] < parts) ++axis;
  const Index step = (box.shape[axis] + parts - 1) / parts;
  std::vector<Box> out;
  for (Index at = 0; at < box.shape[axis]; at += step) {
    out.push_back(box);
    out.back().start[axis] += at;
    out.back().shape[axis] = std::min(step, box.shape[axis] - at);
  }
  return out;
}

/// Scratch for lanes that share a delivery: one to begin with, and the memory of what was written.
class ScratchPool {
 public:
  explicit ScratchPool(Bytes first) : bytes_(first.size()), free_{first.data()} {}
  /// Waits until there is some: whoever holds some gives it back.
  Bytes take(const Cancel& cancel) {
    std::unique_lock lock(mutex_);
    while (free_.empty()) {
      cancel.check();
      changed_.wait_for(lock, kLook);
    }
    const Bytes out(free_.back(), bytes_);
    free_.pop_back();
    return out;
  }
  void give(std::byte* memory) {
    const std::lock_guard lock(mutex_);
    free_.push_back(memory);
    changed_.notify_one();
  }

 private:
  const std::size_t bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::byte*> free_;
};

/// Work on one task, cut into parts: by the task's lane and by any other that has nothing else to do.
struct SharedWork {
  std::size_t parts = 0;
  Index most_workers = 1;
  std::function<void(std::size_t part, Index worker, int lane)> work;
  // With the lock held:
  std::size_t next = 0;
  Index begun = 0;  // lanes that have come: each is a worker
  int working = 0;
  std::exception_ptr error;
  bool wants_help() const { return next < parts && begun < most_workers && !error; }
};

class StageRunner {
 public:
  explicit StageRunner(const StageRun& run)
      : run_(run),
        stage_(run.plan.stages[static_cast<std::size_t>(run.stage)]),
        program_(run.plan, stage_, run.sinks, run.store_sources),
        stop_(&run.cancel) {
    if (stage_.cache_bytes > 0) program_.read_through(std::make_shared<ChunkCache>(stage_.cache_bytes));
    for (std::size_t b = 0; b < stage_.body.size(); ++b) {
      const Op& op = program_.op(static_cast<int>(b));
      folds_.push_back(program_.is_accumulated(static_cast<int>(b)) ? std::make_unique<SharedFold>(*op.fold(), op.domain()) : nullptr);
    }
  }

  void run();

 private:
  void compute_lane(int lane);
  void io_lane(int lane);
  /// Takes the next tile into a free slot; null when there is none of either. Called with the lock held.
  Slot* begin_task();
  void fetch(Slot& slot, int lane);
  void compute(Slot& slot, int lane);
  void decode(Slot& slot, int input, std::vector<Tile>& tiles, int lane);
  /// Reads and decodes all pieces of a stream, with the help of lanes that are free.
  void stream(Slot& slot, std::size_t input, const Tile& tile, int lane);
  /// Does all parts, with the help of lanes that are free, and throws the first error.
  void share(SharedWork& shared, int lane);
  /// Does parts until there are no more; called with the lock held.
  void help(SharedWork& shared, std::unique_lock<std::mutex>& lock, int lane);
  /// Some lanes have no slot of their own.
  bool lanes_to_spare() const { return lanes_ > static_cast<int>(slots_.size()); }
  void run_node(Slot& slot, std::size_t step, std::vector<Tile>& tiles, int lane);
  void fold_inside(Slot& slot, std::size_t step, std::vector<Tile>& tiles, int lane);
  void fold_across(Slot& slot, std::size_t step, const std::vector<Tile>& tiles, int lane);
  void deliver(Slot& slot, std::size_t step, const std::vector<Tile>& tiles, int lane);
  /// As `deliver`, of a value that lies in the units of its sink: by this lane and those that are free.
  void deliver_units(Slot& slot, std::size_t step, const Box& box, int lane);
  void write(const Delivery& delivery, const Box& box, const View& view, Scratch& scratch, int lane);
  /// Finishes one piece of an accumulated fold and hands its outputs to where they go.
  void finish_piece(int body, const Box& piece, const FoldTree::State& state, Scratch& scratch, int lane);
  void finish_empty_folds();
  Sink& sink_of(const Delivery& delivery) const {
    const auto target = static_cast<std::size_t>(delivery.target);
    return delivery.to_store ? *run_.store_sinks[target] : *run_.sinks[target].sink;
  }
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

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Slot*> free_;
  std::deque<Slot*> ready_;  // by tile number
  std::vector<SharedWork*> shared_;
  int lanes_ = 1;
  Index next_ = 0, done_ = 0, count_ = 0;
};

void StageRunner::run() {
  count_ = stage_.domain.empty() ? 0 : tile_count(stage_);
  if (run_.events.active()) {
    run_.events.emit({EventKind::kStageStart, run_.stage, -1, -1, describe(run_.plan, stage_), stage_.estimate.bytes_read, count_,
                      run_.budget.leased(), now_ns(), now_ns()});
  }
  const int slots = static_cast<int>(std::clamp<Index>(count_, 1, stage_.slots));
  const Lease lease = run_.budget.lease(slots * stage_.task_bytes + stage_.pinned_bytes + stage_.cache_bytes, "A stage");
  for (int s = 0; s < slots && count_ > 0; ++s) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->memory = Buffer(stage_.task_bytes);
    free_.push_back(slots_.back().get());
  }
  bool fetches = false, streams = false;
  if (count_ > 0) {
    const TaskLayout first = program_.lay_out(tile_box(stage_, 0));
    for (std::size_t i = 0; i < first.inputs.size(); ++i)
      (first.inputs[i].piece_bytes > 0 ? streams : fetches) |= !program_.inputs()[i].source->memory();
  }
  // Lanes without a slot of their own help where an input is streamed.
  lanes_ = streams ? run_.plan.threads : static_cast<int>(std::min<Index>(run_.plan.threads, slots));
  const int readers = fetches && slots > lanes_ ? slots - lanes_ : 0;
  if (count_ > 0)
    run_lanes(lanes_ + readers, stop_, [&](int lane) {
      const InsideRun inside;
      lane < lanes_ ? compute_lane(lane) : io_lane(kIoLane + lane - lanes_);
    });
  stop_.check();
  finish_empty_folds();
  emit(EventKind::kStageEnd, -1, -1, "", 0, now_ns());
}

Slot* StageRunner::begin_task() {
  while (next_ < count_ && run_.finished != nullptr && (*run_.finished)[static_cast<std::size_t>(next_)]) ++next_, ++done_;
  if (free_.empty() || next_ >= count_) return nullptr;
  Slot* slot = free_.back();
  free_.pop_back();
  slot->tile = next_++;
  return slot;
}

void StageRunner::io_lane(int lane) {
  std::unique_lock lock(mutex_);
  while (next_ < count_) {
    stop_.check();
    Slot* slot = begin_task();
    if (slot == nullptr) {
      changed_.wait_for(lock, kLook);
      continue;
    }
    lock.unlock();
    fetch(*slot, lane);
    lock.lock();
    ready_.insert(std::lower_bound(ready_.begin(), ready_.end(), slot, [](const Slot* a, const Slot* b) { return a->tile < b->tile; }),
                  slot);
    changed_.notify_all();
  }
}

void StageRunner::compute_lane(int lane) {
  std::unique_lock lock(mutex_);
  while (done_ < count_) {
    stop_.check();
    Slot* slot = nullptr;
    bool fetched = false;
    if (!ready_.empty()) {
      slot = ready_.front();
      ready_.pop_front();
      fetched = true;
    } else {
      slot = begin_task();
    }
    if (slot == nullptr) {
      if (const auto found = std::find_if(shared_.begin(), shared_.end(), std::mem_fn(&SharedWork::wants_help)); found != shared_.end())
        help(**found, lock, lane);
      else
        changed_.wait_for(lock, kLook);
      continue;
    }
    lock.unlock();
    if (!fetched) fetch(*slot, lane);
    compute(*slot, lane);
    if (run_.journal != nullptr) run_.journal->finished(run_.stage, slot->tile);
    emit(EventKind::kTaskDone, lane, slot->tile, "", 0, now_ns());
    lock.lock();
    free_.push_back(slot);
    ++done_;
    changed_.notify_all();
  }
}

void StageRunner::fetch(Slot& slot, int lane) {
  slot.layout = program_.lay_out(tile_box(stage_, slot.tile));
  // The planner looked at corners and the middle; a tile may yet need a little more.
  if (slot.layout.task_bytes > slot.memory.size()) slot.memory = Buffer(slot.layout.task_bytes);
  for (std::size_t i = 0; i < slot.layout.inputs.size(); ++i) {
    const auto& place = slot.layout.inputs[i];
    if (place.encoded_offset < 0 || place.piece_bytes > 0) continue;
    const StageInput& input = program_.inputs()[i];
    const auto start = now_ns();
    const Box& box = slot.layout.values[static_cast<std::size_t>(input.value)].box;
    try {
      input.source->fetch(box, {slot.memory.data() + place.encoded_offset, static_cast<std::size_t>(place.encoded_bytes)}, stop_);
    } catch (Error& error) {
      if (error.kind() != ErrorKind::kCancelled) error.within(fmt::format("reading region {}", to_string(box)));
      throw;
    }
    if (run_.events.active()) emit(EventKind::kRead, lane, slot.tile, input.source->identity().path, input.source->cost(box).bytes, start);
  }
}

void StageRunner::compute(Slot& slot, int lane) {
  std::vector<Tile> tiles(program_.values().size());
  for (std::size_t s = 0; s < program_.steps().size(); ++s) {
    stop_.check();
    const Step& step = program_.steps()[s];
    const auto start = now_ns();
    try {
      switch (step.kind) {
        case StepKind::kDecode: {
          decode(slot, step.which, tiles, lane);
          const auto& input = slot.layout.inputs[static_cast<std::size_t>(step.which)];
          if (input.encoded_offset >= 0 && input.piece_bytes == 0)
            emit(EventKind::kDecode, lane, slot.tile, "decode", input.encoded_bytes, start);
          break;
        }
        case StepKind::kRun: run_node(slot, s, tiles, lane); break;
        case StepKind::kFoldIn: fold_inside(slot, s, tiles, lane); break;
        case StepKind::kFoldOut: fold_across(slot, s, tiles, lane); break;
        case StepKind::kDeliver: deliver(slot, s, tiles, lane); break;
      }
    } catch (Error& error) {
      if (error.kind() != ErrorKind::kCancelled && step.kind != StepKind::kDecode && step.kind != StepKind::kDeliver)
        error.within(fmt::format("{}, region {}", describe(program_.op(step.which)),
                                 to_string(slot.layout.domains[static_cast<std::size_t>(step.which)])));
      throw;
    }
    if (step.kind != StepKind::kDecode && step.kind != StepKind::kDeliver && run_.events.active() && !program_.op(step.which).is_view())
      emit(EventKind::kCompute, lane, slot.tile, describe(program_.op(step.which)), output_bytes(slot, step.which), start);
  }
}

void StageRunner::decode(Slot& slot, int input, std::vector<Tile>& tiles, int lane) {
  const StageInput& described = program_.inputs()[static_cast<std::size_t>(input)];
  const int v = described.value;
  const auto& place = slot.layout.values[static_cast<std::size_t>(v)];
  auto& tile = tiles[static_cast<std::size_t>(v)];
  if (const auto memory = described.source->memory()) {
    tile = {memory->part(place.box), place.box};
    return;
  }
  if (place.box.empty()) return;
  tile = placed(slot, v);
  const auto& fetched = slot.layout.inputs[static_cast<std::size_t>(input)];
  if (fetched.piece_bytes > 0) return stream(slot, static_cast<std::size_t>(input), tile, lane);
  described.source->decode(place.box, {slot.memory.data() + fetched.encoded_offset, static_cast<std::size_t>(fetched.encoded_bytes)},
                           tile.view, stop_);
}

void StageRunner::share(SharedWork& shared, int lane) {
  if (shared.most_workers == 1) {
    for (std::size_t part = 0; part < shared.parts; ++part) {
      stop_.check();
      shared.work(part, 0, lane);
    }
    return;
  }
  std::unique_lock lock(mutex_);
  shared_.push_back(&shared);
  changed_.notify_all();
  help(shared, lock, lane);
  changed_.wait(lock, [&] { return shared.working == 0; });
  std::erase(shared_, &shared);
  if (shared.error) std::rethrow_exception(shared.error);
}

void StageRunner::help(SharedWork& shared, std::unique_lock<std::mutex>& lock, int lane) {
  const Index worker = shared.begun++;
  ++shared.working;
  while (shared.next < shared.parts && !shared.error) {
    const std::size_t part = shared.next++;
    lock.unlock();
    std::exception_ptr error;
    try {
      stop_.check();
      shared.work(part, worker, lane);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !shared.error) shared.error = error;
  }
  --shared.working;
  changed_.notify_all();
}

void StageRunner::stream(Slot& slot, std::size_t input, const Tile& tile, int lane) {
  const auto& place = slot.layout.inputs[input];
  const Source& source = *program_.inputs()[input].source;
  const TaskLayout::Value& value = slot.layout.values[static_cast<std::size_t>(program_.inputs()[input].value)];
  const GridParts pieces(tile.box, place.piece);
  // Tiles side by side may want the same chunks of a cache: each begins elsewhere.
  const Index first = slot.tile % lanes_ * pieces.count() / lanes_;
  SharedWork shared{static_cast<std::size_t>(pieces.count()), place.encoded_bytes / place.piece_bytes, [&](std::size_t part, Index worker, int by) {
                      const Box piece = pieces[(first + static_cast<Index>(part)) % pieces.count()];
                      const Bytes memory(slot.memory.data() + place.encoded_offset + worker * place.piece_bytes,
                                         static_cast<std::size_t>(place.piece_bytes));
                      try {
                        const auto start = now_ns();
                        source.fetch(piece, memory, stop_);
                        if (run_.events.active())
                          emit(EventKind::kRead, by, slot.tile, source.identity().path, source.cost(piece).bytes, start);
                        const auto fetched = now_ns();
                        if (value.unit.empty()) {
                          source.decode(piece, memory, tile.part(piece).view, stop_);
                        } else {
                          const Index bytes = Scratch::rounded(piece.count() * size_of(tile.view.dtype));
                          const auto beside = memory.size() - static_cast<std::size_t>(bytes);
                          const View whole = View::contiguous(memory.data() + beside, tile.view.dtype, piece.shape);
                          source.decode(piece, memory.first(beside), whole, stop_);
                          const GridParts parts(piece, value.unit);
                          for (Index n = 0; n < parts.count(); ++n)
                            copy(whole.part(relative_to(parts[n], piece)), unit_view(value, slot.memory.data(), whole.dtype, parts[n]));
                        }
                        emit(EventKind::kDecode, by, slot.tile, "decode", piece.count() * size_of(tile.view.dtype), fetched);
                      } catch (Error& error) {
                        if (error.kind() != ErrorKind::kCancelled) error.within(fmt::format("reading region {}", to_string(piece)));
                        throw;
                      }
                    }};
  share(shared, lane);
}

void StageRunner::run_node(Slot& slot, std::size_t s, std::vector<Tile>& tiles, int lane) {
  const int body = program_.steps()[s].which;
  const Op& op = program_.op(body);
  const Box& domain = slot.layout.domains[static_cast<std::size_t>(body)];
  if (domain.empty()) return;
  if (!slot.layout.active[static_cast<std::size_t>(body)]) return nothing_of(body, tiles);
  const std::vector<Tile> in = inputs_of(body, tiles);
  std::vector<Tile> out;
  for (const int v : program_.output_values(body)) {
    auto& tile = tiles[static_cast<std::size_t>(v)];
    tile = op.is_view() ? op.view(in[0], slot.layout.values[static_cast<std::size_t>(v)].box) : placed(slot, v);
    out.push_back(tile);
  }
  if (op.is_view()) return;
  if (lanes_to_spare() && dynamic_cast<const ElementwiseOp*>(&op) != nullptr && domain.count() >= kSharedElements) {
    const std::vector<Box> parts = cut_evenly(domain, kPartsPerLane * lanes_);
    SharedWork shared{parts.size(), lanes_, [&](std::size_t part, Index, int) {
                        const Buffer memory(op.need(parts[part]).scratch_bytes);
                        Scratch own(memory.bytes());
                        const Tile target = out[0].part(parts[part]);
                        op.run(parts[part], in, {&target, 1}, own, stop_);
                      }};
    return share(shared, lane);
  }
  Scratch scratch = scratch_of(slot, s);
  op.run(domain, in, out, scratch, stop_);
}

void StageRunner::fold_inside(Slot& slot, std::size_t s, std::vector<Tile>& tiles, int lane) {
  const int body = program_.steps()[s].which;
  const Op& op = program_.op(body);
  const Fold& fold = *op.fold();
  const Box& domain = slot.layout.domains[static_cast<std::size_t>(body)];
  if (!slot.layout.active[static_cast<std::size_t>(body)]) return nothing_of(body, tiles);
  std::vector<Tile> out;
  for (const int v : program_.output_values(body)) out.push_back(tiles[static_cast<std::size_t>(v)] = placed(slot, v));
  if (kept_count(fold, domain) == 0) return;
  const std::vector<Tile> in = inputs_of(body, tiles);
  const LeafGrid grid(fold, op.domain());
  const auto fold_piece = [&](const Box& piece) {
    const Index outputs = kept_count(fold, piece);
    FoldTree tree(fold, grid.count, outputs);
    FoldTree::State empty;
    bool complete = false;
    grid.for_each(piece, [&](Index leaf, const Box& box) {
      FoldTree::State state = tree.fresh();
      fold.scan(box, in, state.data(), outputs);
      complete = tree.add(leaf, std::move(state));
    });
    if (!complete) empty = tree.fresh();  // a reduced axis without elements
    // A piece's part of an output lies together, unless whole axes (bins, groups) stand before kept ones.
    std::vector<View> parts;
    std::vector<Buffer> apart;
    std::vector<std::byte*> places;
    for (std::size_t o = 0; o < out.size(); ++o) {
      parts.push_back(out[o].part(map_box(op.output(static_cast<int>(o)), piece, op.outputs()[o].shape)).view);
      if (!parts.back().is_contiguous()) apart.emplace_back(std::max<Index>(1, parts.back().bytes()));
      places.push_back(parts.back().is_contiguous() ? parts.back().data : apart.back().data());
    }
    fold.finish((complete ? tree.root() : empty).data(), outputs, places);
    for (std::size_t o = 0; o < out.size(); ++o)
      if (places[o] != parts[o].data) copy(View::contiguous(places[o], parts[o].dtype, parts[o].shape), parts[o]);
  };
  const std::vector<Box> pieces = StageProgram::fold_pieces(fold, domain);
  const bool together = lanes_to_spare() && domain.count() >= kSharedElements;
  SharedWork shared{pieces.size(), together ? lanes_ : 1, [&](std::size_t part, Index, int) { fold_piece(pieces[part]); }};
  share(shared, lane);
}

void StageRunner::fold_across(Slot& slot, std::size_t s, const std::vector<Tile>& tiles, int lane) {
  const int body = program_.steps()[s].which;
  const Fold& fold = *program_.op(body).fold();
  const Box& domain = slot.layout.domains[static_cast<std::size_t>(body)];
  if (domain.empty()) return;
  const std::vector<Tile> in = inputs_of(body, tiles);
  SharedFold& shared = *folds_[static_cast<std::size_t>(body)];
  for (const Box& piece : StageProgram::fold_pieces(fold, domain)) {
    stop_.check();
    auto& target = shared.piece(piece);
    const Index outputs = kept_count(fold, piece);
    bool complete = false;
    const auto fold_leaf = [&](Index leaf, const Box& box) {
      FoldTree::State state = target.tree->fresh();
      fold.scan(box, in, state.data(), outputs);
      const std::lock_guard lock(target.mutex);
      complete = target.tree->add(leaf, std::move(state)) || complete;
    };
    if (lanes_to_spare() && domain.count() >= kSharedElements) {
      std::vector<std::pair<Index, Box>> leaves;
      shared.grid().for_each(piece, [&](Index leaf, const Box& box) { leaves.emplace_back(leaf, box); });
      SharedWork work{leaves.size(), lanes_, [&](std::size_t part, Index, int) { fold_leaf(leaves[part].first, leaves[part].second); }};
      share(work, lane);
    } else {
      shared.grid().for_each(piece, fold_leaf);
    }
    if (!complete) continue;
    Scratch scratch = scratch_of(slot, s);
    finish_piece(body, piece, target.tree->root(), scratch, lane);
    shared.drop(piece);
  }
}

void StageRunner::finish_piece(int body, const Box& piece, const FoldTree::State& state, Scratch& scratch, int lane) {
  const Op& op = program_.op(body);
  const Fold& fold = *op.fold();
  const Index outputs = kept_count(fold, piece);
  // Outputs lie on kept axes only: a reduced axis without elements takes nothing from them.
  Box kept = piece;
  for (const int k : fold.axes()) kept.shape[k] = std::max<Index>(1, kept.shape[k]);
  std::vector<Box> boxes;
  std::vector<Buffer> buffers;
  std::vector<std::byte*> out;
  for (std::size_t o = 0; o < op.outputs().size(); ++o) {
    const Spec& spec = op.outputs()[o];
    boxes.push_back(map_box(op.output(static_cast<int>(o)), kept, spec.shape));
    const Index bytes = std::max<Index>(1, boxes.back().count() * size_of(spec.dtype));
    if (scratch.left() >= Scratch::rounded(bytes)) {
      out.push_back(scratch.take(bytes));
    } else {
      buffers.emplace_back(bytes);
      out.push_back(buffers.back().data());
    }
  }
  fold.finish(state.data(), outputs, out);
  for (const Delivery& delivery : stage_.deliveries) {
    if (delivery.value.node != stage_.body[static_cast<std::size_t>(body)]) continue;
    const auto o = static_cast<std::size_t>(delivery.value.output);
    const View view = View::contiguous(out[o], op.outputs()[o].dtype, boxes[o].shape);
    const Buffer memory(Scratch::rounded(sink_of(delivery).scratch_bytes(boxes[o])));
    Scratch own(memory.bytes());
    write(delivery, boxes[o], view, own, lane);
  }
}

void StageRunner::finish_empty_folds() {
  for (std::size_t b = 0; b < folds_.size(); ++b) {
    if (!folds_[b]) continue;
    const Op& op = program_.op(static_cast<int>(b));
    if (element_count(op.domain()) > 0 || kept_count(*op.fold(), Box(op.domain())) == 0) continue;
    const Box whole(op.domain());
    const FoldTree tree(*op.fold(), 1, kept_count(*op.fold(), whole));
    Scratch none;
    finish_piece(static_cast<int>(b), whole, tree.fresh(), none, 0);
  }
}

void StageRunner::deliver(Slot& slot, std::size_t s, const std::vector<Tile>& tiles, int lane) {
  const int number = program_.steps()[s].which;
  const Delivery& delivery = stage_.deliveries[static_cast<std::size_t>(number)];
  const Box box = program_.delivery_box(number, tile_box(stage_, slot.tile));
  if (box.empty()) return;
  const auto v = static_cast<std::size_t>(program_.delivered_value(number));
  if (!slot.layout.values[v].unit.empty()) return deliver_units(slot, s, box, lane);
  Scratch scratch = scratch_of(slot, s);
  write(delivery, box, tiles[v].part(box).view, scratch, lane);
}

void StageRunner::deliver_units(Slot& slot, std::size_t s, const Box& box, int lane) {
  const auto number = static_cast<std::size_t>(program_.steps()[s].which);
  const auto v = static_cast<std::size_t>(program_.delivered_value(static_cast<int>(number)));
  const TaskLayout::Value& value = slot.layout.values[v];
  const GridParts units(box, value.unit);
  const Index scratch_bytes = slot.layout.scratch_bytes[s];
  ScratchPool pool({slot.memory.data() + slot.layout.scratch_offset[s], static_cast<std::size_t>(scratch_bytes)});
  SharedWork shared{static_cast<std::size_t>(units.count()), lanes_, [&](std::size_t part, Index, int by) {
                      const Bytes memory = pool.take(stop_);
                      const Box unit = units[static_cast<Index>(part)];
                      const View view = unit_view(value, slot.memory.data(), program_.values()[v].spec.dtype, unit);
                      try {
                        Scratch scratch(memory);
                        write(stage_.deliveries[number], unit, view, scratch, by);
                      } catch (...) {
                        pool.give(memory.data());
                        throw;
                      }
                      pool.give(memory.data());
                      if (value.unit_bytes >= scratch_bytes) pool.give(view.data);
                    }};
  share(shared, lane);
}

void StageRunner::write(const Delivery& delivery, const Box& box, const View& view, Scratch& scratch, int lane) {
  Sink& sink = sink_of(delivery);
  const auto start = now_ns();
  sink.write(box, view, scratch, stop_);
  if (!sink.caps().on_disk || !run_.events.active()) return;
  emit(delivery.to_store ? EventKind::kSpill : EventKind::kWrite, lane, -1, sink.name(), view.bytes(), start);
}

}  // namespace

void run_stage(const StageRun& run) { StageRunner(run).run(); }

}  // namespace freestone
