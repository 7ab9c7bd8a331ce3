#include "freestone/plan/stage_program.h"

#include <algorithm>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/select.h"
#include "freestone/plan/copies.h"
#include "freestone/plan/fold_boxes.h"
#include "freestone/storage/chunked_source.h"

namespace freestone {
namespace {

bool is_reduced(const Fold& fold, int axis) { return std::find(fold.axes().begin(), fold.axes().end(), axis) != fold.axes().end(); }

// So much work is worth the handing over to other lanes, in so many parts for each of them.
constexpr Index kSharedElements = Index{1} << 20;
constexpr Index kPartsPerLane = 4;

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

}  // namespace freestone
