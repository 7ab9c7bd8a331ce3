#include "freestone/plan/stage_program.h"

#include <algorithm>

#include "freestone/core/grid_parts.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/select.h"
#include "freestone/plan/copies.h"
#include "freestone/plan/fold_boxes.h"
#include "freestone/storage/chunked_source.h"

namespace freestone {
namespace {

/// Hands out places in a task's memory: first fit among what is free, and the highest end ever used.
class Places {
 public:
  Index take(Index bytes) {
    bytes = Scratch::rounded(std::max<Index>(bytes, 1));
    for (auto gap = free_.begin(); gap != free_.end(); ++gap) {
      if (gap->size < bytes) continue;
      const Index at = gap->start;
      gap->start += bytes, gap->size -= bytes;
      if (gap->size == 0) free_.erase(gap);
      return at;
    }
    const Index at = end_;
    end_ += bytes;
    peak_ = std::max(peak_, end_);
    return at;
  }
  void give_back(Index start, Index bytes) {
    bytes = Scratch::rounded(std::max<Index>(bytes, 1));
    auto at = std::lower_bound(free_.begin(), free_.end(), start, [](const Gap& g, Index s) { return g.start < s; });
    at = free_.insert(at, {start, bytes});
    if (at + 1 != free_.end() && at->start + at->size == (at + 1)->start) at->size += (at + 1)->size, free_.erase(at + 1);
    if (at != free_.begin() && (at - 1)->start + (at - 1)->size == at->start) (at - 1)->size += at->size, at = free_.erase(at) - 1;
    if (at->start + at->size == end_) end_ = at->start, free_.erase(at);
  }
  Index peak() const { return peak_; }

 private:
  struct Gap {
    Index start, size;
  };
  std::vector<Gap> free_;
  Index end_ = 0, peak_ = 0;
};

bool is_reduced(const Fold& fold, int axis) { return std::find(fold.axes().begin(), fold.axes().end(), axis) != fold.axes().end(); }

// Inputs of a task that take more than this part of the budget while they are encoded are streamed: reading further ahead gains nothing,
// and the memory does more as larger tiles.
constexpr Index kStreamShare = 16;
// Streaming takes at most one part in so many of what fetching all takes.
constexpr Index kLeastSaved = 4;
// Chunks are read together up to this many decoded bytes, or this part of the budget.
constexpr Index kPieceBytes = Index{4} << 20, kPieceShare = 64;
// Chunks behind URLs by more of them: a piece's are asked for together.
constexpr Index kRemotePieceBytes = Index{32} << 20, kRemotePieceShare = 16;

/// What is read and decoded as one: a chunk, or some small ones that follow each other.
Shape piece_of(const Source& source, Index most) {
  const ChunkGrid& grid = source.chunks();
  Shape piece = grid.chunk();
  Index bytes = element_count(piece) * size_of(source.spec().dtype);
  for (int k = piece.rank() - 1; k >= 0 && bytes > 0 && 2 * bytes <= most; --k) {
    const Index chunks = std::min(grid.count(k), most / bytes);
    piece[k] *= chunks;
    bytes *= chunks;
    if (chunks < grid.count(k)) break;
  }
  return piece;
}

/// Memory in which any part of a piece is read and decoded.
Index piece_room(const Source& source, const Shape& piece) {
  Box whole(source.spec().shape), chunk = whole;
  for (int k = 0; k < piece.rank(); ++k) {
    whole.shape[k] = std::min(whole.shape[k], piece[k]);
    chunk.shape[k] = std::min(chunk.shape[k], source.chunks().chunk()[k]);
  }
  // A chunk beside, for a place that is not one piece of memory.
  return Scratch::rounded(source.encoded_bytes(whole)) + Scratch::rounded(source.cost(chunk).decoded);
}

/// Memory in which a piece of `box` is read, decoded beside the units that it is then taken apart into: what is decoded is one piece of memory,
/// so that only pieces that hold parts of chunks need a chunk beside.
Index unit_piece_room(const Source& source, const Shape& piece, const Box& box) {
  const GridParts pieces(box, piece);
  const Index width = size_of(source.spec().dtype);
  // Along each axis the first, the second and the last differ; the others are as the second.
  Index most = 0, ways = 1;
  for (int k = 0; k < box.rank(); ++k) ways *= 3;
  for (Index way = 0; way < ways; ++way) {
    Index number = 0, digits = way;
    for (int k = 0; k < box.rank(); ++k, digits /= 3) {
      const Index count = (box.end(k) - 1) / piece[k] - box.start[k] / piece[k] + 1;
      number = number * count + (digits % 3 == 0 ? 0 : digits % 3 == 1 ? std::min<Index>(1, count - 1) : count - 1);
    }
    const Box part = pieces[number];
    most = std::max(most, Scratch::rounded(source.encoded_bytes(part)) + Scratch::rounded(part.count() * width));
  }
  return most;
}

/// Pieces of a file in which a sink takes a box: its units, or runs of a C-order file, in which whole inner axes lie together.
Index written_pieces(const SinkCaps& caps, const Box& box, const Shape& shape) {
  if (!caps.unit.empty() && element_count(caps.unit) > 1) return GridParts(box, caps.unit).count();
  Index runs = 1;
  int k = box.rank() - 1;
  while (k > 0 && box.shape[k] == shape[k]) --k;
  for (int j = 0; j < k; ++j) runs *= box.shape[j];
  return runs;
}

// So much work is worth the handing over to other lanes, in so many parts for each of them.
constexpr Index kSharedElements = Index{1} << 20;
constexpr Index kPartsPerLane = 4;

// Smaller units of a sink are gathered in caches: laying them out apart gains nothing.
constexpr Index kLeastUnit = Index{256} << 10;

// What a reduction makes for itself at once is at most so large: it stays in the cache of a core.
constexpr Index kLargestBatch = Index{512} << 10;

Index ceil_div(Index a, Index b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

}  // namespace

Index kept_count(const Fold& fold, const Box& box) {
  Index count = 1;
  for (int k = 0; k < box.rank(); ++k)
    if (!is_reduced(fold, k)) count *= box.shape[k];
  return count;
}

View unit_view(const TaskLayout::Value& value, std::byte* memory, DType dtype, const Box& part) {
  const GridParts units(value.box, value.unit);
  const Index number = units.number_of(part.start);
  const Box unit = units[number];
  return View::contiguous(memory + value.offset + number * value.unit_bytes, dtype, unit.shape).part(relative_to(part, unit));
}

Box owned_box(const OwnMap& owned, const Box& anchor_box, const Shape& array) {
  Box box(array);
  for (int k = 0; k < array.rank(); ++k) {
    const OwnAxis& own = owned[static_cast<std::size_t>(k)];
    if (own.anchor_axis < 0) continue;
    const Index a = anchor_box.start[own.anchor_axis] - own.offset, b = anchor_box.end(own.anchor_axis) - own.offset;
    // Positions j with a <= j*mul < b.
    Index first, end;
    if (own.mul > 0)
      first = ceil_div(a, own.mul), end = ceil_div(b, own.mul);
    else
      first = ceil_div(1 - b, -own.mul), end = ceil_div(1 - a, -own.mul);
    first = std::clamp<Index>(first, 0, array[k]);
    end = std::clamp<Index>(end, first, array[k]);
    if (own.unit > 1) first = std::min(array[k], ceil_div(first, own.unit) * own.unit), end = std::min(array[k], ceil_div(end, own.unit) * own.unit);
    box.start[k] = first, box.shape[k] = end - first;
  }
  return box;
}

Box StageProgram::first_fold_piece(const Fold& fold, Box box) {
  for (int k = 0; k < box.rank(); ++k) {
    const Index kept = kept_count(fold, box);
    if (is_reduced(fold, k) || kept <= most_kept(fold)) continue;
    box.shape[k] = std::min(box.shape[k], std::max<Index>(1, most_kept(fold) / (kept / box.shape[k])));
  }
  return box;
}

std::vector<Box> StageProgram::fold_pieces(const Fold& fold, const Box& box) {
  std::vector<Box> pieces{box};
  if (box.empty()) return pieces;
  const Index most = most_kept(fold);
  // Cut the kept axes from the first on, so that a piece's outputs lie together.
  for (int k = 0; k < box.rank(); ++k) {
    if (is_reduced(fold, k) || kept_count(fold, pieces.front()) <= most) continue;
    const Index others = kept_count(fold, pieces.front()) / pieces.front().shape[k];
    const Index step = std::max<Index>(1, most / others);
    std::vector<Box> cut;
    for (const Box& piece : pieces) {
      for (Index at = 0; at < piece.shape[k]; at += step) {
        Box part = piece;
        part.start[k] += at;
        part.shape[k] = std::min(step, piece.shape[k] - at);
        cut.push_back(part);
      }
    }
    pieces = std::move(cut);
  }
  return pieces;
}

StageProgram::StageProgram(const Plan& plan, const Stage& stage, const std::vector<SinkFacts>& sinks,
                           const std::vector<std::shared_ptr<const Source>>& stores)
    : plan_(plan), stage_(stage), sinks_(sinks) {
  std::map<ValueRef, int> computed;            // numbers of what the body makes
  std::map<std::pair<int, int>, int> read_by;  // numbers of what is read, by who uses it
  delivered_.assign(stage.deliveries.size(), -1);
  const auto add_value = [&](ValueRef ref, int input) {
    const int number = static_cast<int>(values_.size());
    values_.push_back({ref, plan.spec(ref), input, -1, false, number});
    return number;
  };
  std::map<ValueRef, int> store_of;
  for (const int store : stage.store_inputs) store_of[plan.stores[static_cast<std::size_t>(store)].value] = store;
  std::vector<ValueRef> read = stage.inputs;
  for (const int store : stage.store_inputs) read.push_back(plan.stores[static_cast<std::size_t>(store)].value);
  for (const ReadingWay& way : reading_ways(plan, stage, read)) {
    const int number = add_value(way.value, static_cast<int>(inputs_.size()));
    const auto store = store_of.find(way.value);
    StageInput input{way.value, -1, nullptr, way.motion, number};
    if (store == store_of.end())
      input.source = plan.nodes[static_cast<std::size_t>(way.value.node)].op->source();
    else
      input.store = store->second, input.source = stores.empty() ? nullptr : stores[static_cast<std::size_t>(store->second)];
    inputs_.push_back(std::move(input));
    for (const auto& consumer : way.consumers) read_by[consumer] = number;
    for (const int d : way.deliveries) delivered_[static_cast<std::size_t>(d)] = number;
  }
  std::vector<bool> decoded(inputs_.size());
  const auto use = [&](int value) {
    const int input = values_[static_cast<std::size_t>(value)].input;
    if (input >= 0 && !decoded[static_cast<std::size_t>(input)]) {
      decoded[static_cast<std::size_t>(input)] = true;
      steps_.push_back({StepKind::kDecode, input});
    }
  };
  std::vector<bool> delivered(stage.deliveries.size());
  const auto deliver_ready = [&] {
    for (std::size_t d = 0; d < stage.deliveries.size(); ++d) {
      const ValueRef ref = stage.deliveries[d].value;
      // The outputs of an accumulated fold are delivered when its states are whole, not by a task.
      if (delivered[d] || std::find(stage.folds.begin(), stage.folds.end(), ref.node) != stage.folds.end()) continue;
      if (const auto made = computed.find(ref); made != computed.end()) delivered_[d] = made->second;
      if (delivered_[d] < 0) continue;
      use(delivered_[d]);
      delivered[d] = true;
      steps_.push_back({StepKind::kDeliver, static_cast<int>(d)});
    }
  };
  deliver_ready();
  for (std::size_t b = 0; b < stage.body.size(); ++b) {
    const int node = stage.body[b];
    const PlanNode& plan_node = plan.nodes[static_cast<std::size_t>(node)];
    node_inputs_.emplace_back();
    node_outputs_.emplace_back();
    for (std::size_t i = 0; i < plan_node.inputs.size(); ++i) {
      const auto made = computed.find(plan_node.inputs[i]);
      const int number = made != computed.end() ? made->second : read_by.at({static_cast<int>(b), static_cast<int>(i)});
      use(number);
      node_inputs_.back().push_back(number);
    }
    accumulated_.push_back(std::find(stage.folds.begin(), stage.folds.end(), node) != stage.folds.end());
    if (!accumulated_.back()) {
      for (int o = 0; o < static_cast<int>(plan_node.op->outputs().size()); ++o) {
        computed[{node, o}] = add_value({node, o}, -1);
        node_outputs_.back().push_back(computed[{node, o}]);
        if (plan_node.op->is_view()) {
          StageValue& value = values_.back();
          value.is_view = true;
          value.view_of = values_[static_cast<std::size_t>(node_inputs_.back()[0])].view_of;
        }
      }
    }
    steps_.push_back({accumulated_.back()               ? StepKind::kFoldOut
                      : plan_node.op->fold() != nullptr ? StepKind::kFoldIn
                                                        : StepKind::kRun,
                      static_cast<int>(b)});
    deliver_ready();
  }
  find_leaf_makers();
  // The owner of memory lives as long as any view on it is read.
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const auto read = [&](int value) {
      auto& v = values_[static_cast<std::size_t>(value)];
      v.last_use = static_cast<int>(s);
      values_[static_cast<std::size_t>(v.view_of)].last_use = static_cast<int>(s);
    };
    if (steps_[s].kind == StepKind::kDeliver) {
      read(delivered_[static_cast<std::size_t>(steps_[s].which)]);
    } else if (steps_[s].kind != StepKind::kDecode) {
      const int node = steps_[s].which;
      for (const int value : node_inputs_[static_cast<std::size_t>(node)]) read(value);
      if (const int maker = leaf_makers_[static_cast<std::size_t>(node)]; maker >= 0)
        for (const int value : node_inputs_[static_cast<std::size_t>(maker)]) read(value);
    }
  }
}

Index StageProgram::most_at_once(const Fold& fold, const Box& domain, const Shape& extents) {
  Index elements = std::min(kept_count(fold, domain), most_kept(fold));
  for (const int k : fold.axes()) elements *= std::min(domain.shape[k], extents[k]);
  return elements;
}

void StageProgram::find_leaf_makers() {
  std::vector<int> uses(values_.size());
  for (const auto& read : node_inputs_)
    for (const int value : read) ++uses[static_cast<std::size_t>(value)];
  for (const int value : delivered_)
    if (value >= 0) ++uses[static_cast<std::size_t>(value)];
  leaf_makers_.assign(stage_.body.size(), -1);
  leaf_batches_.resize(stage_.body.size());
  for (std::size_t b = 0; b < stage_.body.size(); ++b) {
    const Op& reduction = op(static_cast<int>(b));
    if (reduction.fold() == nullptr) continue;
    leaf_batches_[b] = reduction.domain();
    for (Index& extent : leaf_batches_[b]) extent = std::max<Index>(1, extent);
    for (const int k : reduction.fold()->axes()) leaf_batches_[b][k] = reduction.fold()->leaf()[k];
    if (reduction.input_count() != 1 || !is_one_to_one(reduction.input(0), reduction.domain())) continue;
    const int value = node_inputs_[b][0];
    const auto maker = std::find_if(node_outputs_.begin(), node_outputs_.end(),
                                    [&](const auto& made) { return made.size() == 1 && made[0] == value; });
    if (maker == node_outputs_.end() || uses[static_cast<std::size_t>(value)] != 1) continue;
    const int node = static_cast<int>(maker - node_outputs_.begin());
    if (dynamic_cast<const ElementwiseOp*>(&op(node)) == nullptr) continue;
    const Fold& fold = *reduction.fold();
    const Index leaf_bytes = most_at_once(fold, Box(reduction.domain()), fold.leaf()) * size_of(op(node).outputs()[0].dtype);
    if (leaf_bytes > kLargestBatch) continue;
    leaf_makers_[b] = node;
    // Neighbours along the last axes, whose rows go on from one to the next.
    Shape& batch = leaf_batches_[b];
    Index leaves = kLargestBatch / std::max<Index>(1, leaf_bytes);
    for (std::size_t i = fold.axes().size(); i-- > 0 && leaves > 1;) {
      const int k = fold.axes()[i];
      const Index along = std::clamp<Index>((reduction.domain()[k] + batch[k] - 1) / batch[k], 1, leaves);
      batch[k] *= along;
      leaves = batch[k] >= reduction.domain()[k] ? leaves / along : 0;
    }
    const auto step = std::find_if(steps_.begin(), steps_.end(), [&](const Step& s) { return s.kind == StepKind::kRun && s.which == node; });
    step->kind = StepKind::kLeave;
  }
}

Index StageProgram::batch_memory(int fold_index, const Box& domain) const {
  const int maker = leaf_maker(fold_index);
  if (maker < 0) return 0;
  const Op& operation = op(maker);
  return Scratch::rounded(most_at_once(*op(fold_index).fold(), domain, leaf_batch(fold_index)) * size_of(operation.outputs()[0].dtype)) +
         Scratch::rounded(operation.need(domain).scratch_bytes);
}

Index StageProgram::largest_chunk_bytes() const {
  Index largest = 0;
  for (const StageInput& input : inputs_)
    if (input.source && !input.source->chunks().is_contiguous())
      largest = std::max(largest, Spec{input.source->chunks().chunk(), input.source->spec().dtype}.bytes());
  return largest;
}

void StageProgram::read_through(const std::shared_ptr<ChunkCache>& cache) {
  for (StageInput& input : inputs_)
    if (input.source)
      if (auto cached = input.source->through(cache)) input.source = std::move(cached), input.cached = true;
}

void StageProgram::read_onward(const std::shared_ptr<PartDecoders>& decoders) {
  for (StageInput& input : inputs_)
    if (const auto* chunked = dynamic_cast<const ChunkedSource*>(input.source.get()))
      if (auto onward = chunked->onward(decoders)) input.source = std::move(onward), input.goes_onward = true;
}

const Sink* StageProgram::unit_sink(int value) const {
  for (const auto& read : node_inputs_)
    if (std::find(read.begin(), read.end(), value) != read.end()) return nullptr;
  if (std::count(delivered_.begin(), delivered_.end(), value) != 1) return nullptr;
  const auto delivery = std::find(delivered_.begin(), delivered_.end(), value);
  const Delivery& to = stage_.deliveries[static_cast<std::size_t>(delivery - delivered_.begin())];
  const Sink* sink = to.to_store ? nullptr : sinks_[static_cast<std::size_t>(to.target)].sink.get();
  const Spec& spec = values_[static_cast<std::size_t>(value)].spec;
  return sink != nullptr && element_count(sink->caps().unit) * size_of(spec.dtype) >= kLeastUnit ? sink : nullptr;
}

void StageProgram::lay_in_units(int value, TaskLayout& layout) const {
  auto& place = layout.values[static_cast<std::size_t>(value)];
  const Sink* sink = unit_sink(value);
  if (sink == nullptr) return;
  const Box first = GridParts(place.box, sink->caps().unit)[0];
  if (first.shape == place.box.shape) return;
  place.unit = sink->caps().unit;
  // What was written leaves its memory to the next lane as scratch.
  const Index bytes = first.count() * size_of(values_[static_cast<std::size_t>(value)].spec.dtype);
  place.unit_bytes = std::max(Scratch::rounded(bytes), Scratch::rounded(sink->contiguous_scratch_bytes(first)));
}

bool StageProgram::is_shared(int body_index, const Box& domain) const {
  const Op& operation = op(body_index);
  if (operation.fold() != nullptr || dynamic_cast<const ElementwiseOp*>(&operation) != nullptr) return domain.count() >= kSharedElements;
  if (dynamic_cast<const SelectOp*>(&operation) == nullptr || domain.rank() == 0) return false;
  // Of several axes it brings together what belongs to one output: outputs that lie apart it could not write.
  const Access& seen = operation.input(0);
  const auto whole_axes = std::count_if(seen.begin(), seen.end(), [](const AxisMap& map) { return map.kind == AxisKind::kWhole; });
  const auto input = static_cast<std::size_t>(node_inputs_[static_cast<std::size_t>(body_index)][0]);
  return whole_axes == 1 && operation.input_box(0, domain, values_[input].spec.shape).count() >= kSharedElements;
}

std::vector<Box> StageProgram::shared_parts(const Box& domain) const {
  // Along the first axis that is long enough.
  const Index parts = kPartsPerLane * plan_.threads;
  int axis = 0;
  while (axis + 1 < domain.rank() && domain.shape[axis] < parts) ++axis;
  const Index step = (domain.shape[axis] + parts - 1) / parts;
  std::vector<Box> out;
  for (Index at = 0; at < domain.shape[axis]; at += step) {
    out.push_back(domain);
    out.back().start[axis] += at;
    out.back().shape[axis] = std::min(step, domain.shape[axis] - at);
  }
  return out;
}

Box StageProgram::fold_box(int body_index, const Box& anchor_box) const {
  return owned_box(stage_.owned.at({stage_.body[static_cast<std::size_t>(body_index)], -1}), anchor_box, op(body_index).domain());
}

Box StageProgram::delivery_box(int delivery, const Box& anchor_box) const {
  const ValueRef ref = stage_.deliveries[static_cast<std::size_t>(delivery)].value;
  return owned_box(stage_.owned.at(ref), anchor_box, plan_.spec(ref).shape);
}

Index StageProgram::fold_memory(const Step& step, const Box& domain) const {
  const Op& operation = op(step.which);
  const Fold& fold = *operation.fold();
  const Index kept = std::min(kept_count(fold, domain), most_kept(fold));
  Box leaf = first_fold_piece(fold, domain);
  Index leaves = 1;
  for (const int k : fold.axes()) {
    leaves *= (leaf.shape[k] + fold.leaf()[k] - 1) / fold.leaf()[k];
    leaf.shape[k] = std::min(leaf.shape[k], fold.leaf()[k]);
  }
  // The leaf's state; inside a task also those that wait in the tree, one on each of its levels.
  const Index states = step.kind == StepKind::kFoldIn ? 2 + fold_levels(leaves) : 1;
  return states * Scratch::rounded(fold.state_words() * 8 * kept) + Scratch::rounded(operation.need(leaf).scratch_bytes);
}

Index StageProgram::finish_memory(int body_index, const Box& domain) const {
  const Op& operation = op(body_index);
  const Box piece = first_fold_piece(*operation.fold(), domain);
  Index bytes = 0, sink_bytes = 0;
  std::vector<Box> boxes;
  for (std::size_t o = 0; o < operation.outputs().size(); ++o) {
    const Spec& spec = operation.outputs()[o];
    boxes.push_back(fold_output_box(operation, static_cast<int>(o), piece));
    bytes += Scratch::rounded(std::max<Index>(1, boxes.back().count() * size_of(spec.dtype)));
  }
  for (const Delivery& delivery : stage_.deliveries) {
    if (delivery.value.node != stage_.body[static_cast<std::size_t>(body_index)]) continue;
    const Box& box = boxes[static_cast<std::size_t>(delivery.value.output)];
    const Sink* sink = delivery.to_store ? nullptr : sinks_[static_cast<std::size_t>(delivery.target)].sink.get();
    const Index most = box.count() * size_of(plan_.spec(delivery.value).dtype);
    sink_bytes = std::max(sink_bytes, Scratch::rounded(sink != nullptr ? sink->scratch_bytes(box) : std::min(Index{1} << 20, most)));
  }
  return bytes + sink_bytes;
}

StageProgram::Needs StageProgram::needs(const Box& anchor_box) const {
  Needs out;
  out.domains.resize(stage_.body.size());
  out.active.resize(stage_.body.size());
  // From the end to the start.
  std::vector<Box>& need = out.values;
  need.resize(values_.size());
  for (std::size_t v = 0; v < values_.size(); ++v)
    need[v] = Box(Dims(values_[v].spec.shape.rank(), 0), Shape(values_[v].spec.shape.rank(), 0));
  std::vector<bool> wanted(values_.size());
  const auto want = [&](int value, const Box& box) {
    auto& slot = need[static_cast<std::size_t>(value)];
    if (box.empty()) return;
    slot = wanted[static_cast<std::size_t>(value)] ? hull(slot, box) : box;
    wanted[static_cast<std::size_t>(value)] = true;
  };
  for (std::size_t s = steps_.size(); s-- > 0;) {
    const Step& step = steps_[s];
    const auto which = static_cast<std::size_t>(step.which);
    if (step.kind == StepKind::kDeliver) {
      want(delivered_[which], delivery_box(step.which, anchor_box));
    } else if (step.kind != StepKind::kDecode) {
      const Op& operation = op(step.which);
      Box domain(Dims(operation.domain().rank(), 0), Shape(operation.domain().rank(), 0));
      bool any = false;
      if (step.kind == StepKind::kFoldOut) {
        domain = fold_box(step.which, anchor_box);
        any = !domain.empty();
      } else {
        for (std::size_t o = 0; o < node_outputs_[which].size(); ++o) {
          const int value = node_outputs_[which][o];
          if (!wanted[static_cast<std::size_t>(value)]) continue;
          const Box part = inverse_box(operation.output(static_cast<int>(o)), need[static_cast<std::size_t>(value)], operation.domain());
          domain = any ? hull(domain, part) : part;
          any = true;
        }
        if (any)
          for (std::size_t o = 0; o < node_outputs_[which].size(); ++o) {
            const int value = node_outputs_[which][o];
            need[static_cast<std::size_t>(value)] = operation.fold() != nullptr
                                                        ? fold_output_box(operation, static_cast<int>(o), domain)
                                                        : map_box(operation.output(static_cast<int>(o)), domain, operation.outputs()[o].shape);
            wanted[static_cast<std::size_t>(value)] = true;
          }
      }
      out.domains[which] = domain;
      out.active[which] = any;
      if (any)
        for (std::size_t i = 0; i < node_inputs_[which].size(); ++i) {
          const int value = node_inputs_[which][i];
          want(value, operation.input_box(static_cast<int>(i), domain, values_[static_cast<std::size_t>(value)].spec.shape));
        }
    }
  }
  return out;
}

bool StageProgram::is_in_memory(const StageInput& input) const {
  return input.source ? input.source->memory().has_value() : !plan_.stores[static_cast<std::size_t>(input.store)].on_disk;
}

Index StageProgram::decoded_bytes(const Box& anchor_box) const {
  const Needs all = needs(anchor_box);
  Index bytes = 0;
  for (const StageInput& input : inputs_)
    if (const Box& box = all.values[static_cast<std::size_t>(input.value)]; input.source && !box.empty() && !is_in_memory(input))
      bytes += input.source->cost(box).decoded;
  return bytes;
}

TaskLayout StageProgram::lay_out(const Box& anchor_box) const {
  TaskLayout layout;
  layout.values.resize(values_.size());
  layout.inputs.resize(inputs_.size());
  layout.scratch_offset.assign(steps_.size(), -1);
  layout.scratch_bytes.assign(steps_.size(), 0);
  Needs all = needs(anchor_box);
  const std::vector<Box>& need = all.values;
  layout.domains = std::move(all.domains);
  layout.active = std::move(all.active);
  for (std::size_t v = 0; v < values_.size(); ++v) layout.values[v].box = need[v];

  // Places in memory, from the start to the end: fetched bytes first, for they wait for their task.
  Places places;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const std::size_t v = static_cast<std::size_t>(inputs_[i].value);
    const Box& box = need[v];
    auto& input = layout.inputs[i];
    const StageInput& described = inputs_[i];
    input.in_memory = is_in_memory(described);
    if (input.in_memory || box.empty()) continue;
    if (described.source) {
      const ReadCost cost = described.source->cost(box);
      layout.read.bytes += cost.bytes;
      layout.read.requests += cost.requests;
      if (reads_remotely(*described.source)) layout.remote_requests += cost.requests;
      layout.read.decoded += cost.decoded;
      input.encoded_bytes = described.source->encoded_bytes(box);
      const bool is_large = input.encoded_bytes > plan_.budget / kStreamShare && !described.source->decodes_in_place() &&
                            !described.source->chunks().is_contiguous();
      if (is_large || described.goes_onward) {
        const Shape piece = piece_of(*described.source, reads_remotely(*described.source) ? std::min(kRemotePieceBytes, plan_.budget / kRemotePieceShare)
                                                                                          : std::min(kPieceBytes, plan_.budget / kPieceShare));
        lay_in_units(static_cast<int>(v), layout);
        const bool by_parts = described.goes_onward || !layout.values[v].unit.empty();
        const Index room = by_parts ? unit_piece_room(*described.source, piece, box) : piece_room(*described.source, piece);
        const Index most = described.goes_onward ? GridParts(box, piece).count() : input.encoded_bytes / (kLeastSaved * room);
        const Index lanes = std::min<Index>(plan_.threads, most);
        if (lanes >= 1) {
          input.piece = piece, input.piece_bytes = room;
          input.encoded_bytes = room * lanes;
          layout.streamed += cost.decoded;
          layout.stream_lanes = layout.stream_lanes == 1 ? lanes : std::min(layout.stream_lanes, lanes);
          continue;
        }
        layout.values[v].unit = {};
      }
    } else {
      // A store on disk that is planned, not made: every block that the box touches is read, whole, for gaps in it are short.
      const Store& store = plan_.stores[static_cast<std::size_t>(described.store)];
      Index blocks = 1;
      for (int k = 0; k < box.rank(); ++k) blocks *= (box.end(k) - 1) / store.block[k] - box.start[k] / store.block[k] + 1;
      input.encoded_bytes = box.count() * size_of(store.spec.dtype);
      const Index bytes = std::max(input.encoded_bytes, blocks * element_count(store.block) * size_of(store.spec.dtype));
      layout.read.bytes += bytes;
      layout.store_bytes += bytes;
      layout.seeks += blocks;
      layout.read.requests += blocks;
    }
    input.encoded_offset = places.take(input.encoded_bytes);
    if (described.cached) layout.spare_bytes += input.encoded_bytes;
  }
  std::vector<bool> owns(values_.size());
  const auto bytes_of = [&](std::size_t v) { return need[v].count() * size_of(values_[v].spec.dtype); };
  const auto place = [&](std::size_t v) {
    layout.values[v].bytes = bytes_of(v);
    if (const Shape& unit = layout.values[v].unit; !unit.empty())
      layout.values[v].bytes = layout.values[v].unit_bytes * GridParts(need[v], unit).count();
    layout.values[v].offset = places.take(layout.values[v].bytes);
    owns[v] = true;
  };
  const auto release_after = [&](std::size_t s) {
    for (std::size_t v = 0; v < values_.size(); ++v) {
      if (!owns[v] || values_[v].last_use != static_cast<int>(s)) continue;
      places.give_back(layout.values[v].offset, layout.values[v].bytes);
      owns[v] = false;
    }
  };
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    const auto which = static_cast<std::size_t>(step.which);
    const auto scratch = [&](Index bytes) {
      if (bytes <= 0) return;
      layout.scratch_bytes[s] = bytes;
      layout.scratch_offset[s] = places.take(bytes);
      places.give_back(layout.scratch_offset[s], bytes);
    };
    switch (step.kind) {
      case StepKind::kDecode: {
        const auto v = static_cast<std::size_t>(inputs_[which].value);
        auto& input = layout.inputs[which];
        if (input.in_memory || need[v].empty()) break;
        const bool in_place = inputs_[which].source ? inputs_[which].source->decodes_in_place() : true;
        const Index bytes = bytes_of(v);
        layout.read_bytes += bytes;
        const double nanoseconds = static_cast<double>(need[v].count()) * 0.15;
        layout.nanoseconds += nanoseconds;
        if (in_place) {
          layout.values[v].offset = input.encoded_offset;
          layout.values[v].bytes = std::max(bytes, input.encoded_bytes);
          owns[v] = true;
        } else {
          place(v);
          if (input.piece_bytes > 0) input.encoded_offset = places.take(input.encoded_bytes);
          places.give_back(input.encoded_offset, input.encoded_bytes);
        }
        const Index touched = layout.values[v].unit.empty() ? bytes : 2 * bytes;
        layout.touched_bytes += touched;
        if (input.piece_bytes > 0) layout.shared_nanoseconds += nanoseconds, layout.shared_touched_bytes += touched;
        layout.largest_step = std::max(layout.largest_step, bytes);
        break;
      }
      case StepKind::kRun: {
        const Op& operation = op(step.which);
        const Box& domain = layout.domains[which];
        if (!layout.active[which] || domain.empty() || operation.is_view()) break;
        const Need cost = operation.need(domain);
        layout.nanoseconds += cost.nanoseconds;
        Index scratch_bytes = cost.scratch_bytes, step_bytes = 0;
        for (const int v : node_inputs_[which]) step_bytes += bytes_of(static_cast<std::size_t>(v));
        for (const int v : node_outputs_[which]) step_bytes += bytes_of(static_cast<std::size_t>(v));
        layout.largest_step = std::max(layout.largest_step, step_bytes);
        const bool shared = is_shared(step.which, domain);
        if (shared) {
          layout.shared_nanoseconds += cost.nanoseconds;
          // Lanes come to help where something is streamed: each has its own.
          if (layout.streamed > 0)
            scratch_bytes = std::max(scratch_bytes, plan_.threads * Scratch::rounded(operation.need(shared_parts(domain).front()).scratch_bytes));
        }
        for (std::size_t o = 0; o < node_outputs_[which].size(); ++o) {
          const auto v = static_cast<std::size_t>(node_outputs_[which][o]);
          // A value read for the last time may give its memory to the output.
          bool reused = false;
          if (node_outputs_[which].size() == 1) {
            for (std::size_t i = 0; i < node_inputs_[which].size() && !reused; ++i) {
              const auto in = static_cast<std::size_t>(node_inputs_[which][i]);
              reused = operation.may_overwrite(static_cast<int>(i)) && owns[in] && values_[in].last_use == static_cast<int>(s) &&
                       need[in] == need[v] &&
                       std::count(node_inputs_[which].begin(), node_inputs_[which].end(), node_inputs_[which][i]) == 1;
              if (!reused) continue;
              // Another input may be a view on the same memory.
              for (const int other : node_inputs_[which])
                if (other != node_inputs_[which][i] && values_[static_cast<std::size_t>(other)].view_of == static_cast<int>(in))
                  reused = false;
              if (!reused) continue;
              layout.values[v] = {need[v], layout.values[in].offset, layout.values[in].bytes};
              owns[v] = true, owns[in] = false;
            }
          }
          if (!reused) place(v);
          layout.touched_bytes += layout.values[v].bytes;
          if (shared) layout.shared_touched_bytes += layout.values[v].bytes;
        }
        scratch(scratch_bytes);
        break;
      }
      case StepKind::kLeave: break;
      case StepKind::kFoldIn:
      case StepKind::kFoldOut: {
        const Op& operation = op(step.which);
        const Box& domain = layout.domains[which];
        // An empty reduced axis still gives outputs; what nobody asks for is not made.
        if (step.kind == StepKind::kFoldIn ? !layout.active[which] : domain.empty()) break;
        double nanoseconds = operation.need(domain).nanoseconds;
        if (const int maker = leaf_maker(step.which); maker >= 0) {
          nanoseconds += op(maker).need(domain).nanoseconds;
          Index read = 0;
          for (const int v : node_inputs_[static_cast<std::size_t>(maker)]) read += bytes_of(static_cast<std::size_t>(v));
          layout.largest_step = std::max(layout.largest_step, read);
        }
        const bool shared = is_shared(step.which, domain);
        layout.nanoseconds += nanoseconds;
        if (shared) layout.shared_nanoseconds += nanoseconds;
        if (step.kind == StepKind::kFoldIn)
          for (const int v : node_outputs_[which]) place(static_cast<std::size_t>(v));
        scratch((shared && layout.streamed > 0 ? plan_.threads : 1) * (fold_memory(step, domain) + batch_memory(step.which, domain)) +
                (step.kind == StepKind::kFoldOut ? finish_memory(step.which, domain) : 0));
        break;
      }
      case StepKind::kDeliver: {
        const Delivery& delivery = stage_.deliveries[which];
        const auto v = static_cast<std::size_t>(delivered_[which]);
        const Box box = delivery_box(step.which, anchor_box);
        if (box.empty()) break;
        const Index bytes = box.count() * size_of(values_[v].spec.dtype);
        const double nanoseconds = static_cast<double>(box.count()) * 0.2;
        layout.touched_bytes += bytes;
        layout.nanoseconds += nanoseconds;
        // Lanes write the units of a sink side by side.
        if (!layout.values[v].unit.empty()) layout.shared_touched_bytes += bytes, layout.shared_nanoseconds += nanoseconds;
        bool on_disk;
        Index runs = 1;
        if (delivery.to_store) {
          const Store& store = plan_.stores[static_cast<std::size_t>(delivery.target)];
          on_disk = store.on_disk;
          for (int k = 0; k < box.rank() && on_disk; ++k) runs *= (box.end(k) - 1) / store.block[k] - box.start[k] / store.block[k] + 1;
          scratch(on_disk ? std::min(Index{1} << 20, bytes) : 0);
        } else {
          const SinkFacts& sink = sinks_[static_cast<std::size_t>(delivery.target)];
          on_disk = sink.caps.on_disk;
          runs = written_pieces(sink.caps, box, values_[v].spec.shape);
          if (auto& value = layout.values[v]; !value.unit.empty()) {
            // Units at the array's edge may take more than whole ones.
            const GridParts units(box, value.unit);
            const Index each = std::max({Index{1}, sink.sink->contiguous_scratch_bytes(units[0]), sink.sink->contiguous_scratch_bytes(units[units.count() - 1])});
            // Of many units the first that are written soon leave memory for all lanes.
            constexpr Index kFewUnits = 8;
            value.unit_scratches = units.count() < kFewUnits ? std::min<Index>(plan_.threads, units.count()) : 1;
            scratch(value.unit_scratches * Scratch::rounded(each));
          } else {
            scratch(sink.sink ? sink.sink->scratch_bytes(box) : Index{1} << 20);
          }
        }
        if (on_disk) layout.bytes_written += bytes, layout.writes += runs;
        if (on_disk && delivery.to_store) layout.seeks += runs;
        if (on_disk && !layout.values[v].unit.empty()) layout.shared_written += bytes;
        break;
      }
    }
    release_after(s);
  }
  layout.task_bytes = places.peak();
  layout.spare_bytes = std::min(layout.spare_bytes, layout.task_bytes);
  return layout;
}

}  // namespace freestone
