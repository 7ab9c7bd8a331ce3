#include "freestone/plan/task_layout.h"

#include <algorithm>

#include "freestone/core/grid_parts.h"
#include "freestone/plan/fold_boxes.h"
#include "freestone/plan/stage_program.h"
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

// Smaller units of a sink are gathered in caches: laying them out apart gains nothing.
constexpr Index kLeastUnit = Index{256} << 10;

/// Blocks of a temporary store that a box has elements of.
Index touched_blocks(const Box& box, const Shape& block) {
  Index blocks = 1;
  for (int k = 0; k < box.rank(); ++k) blocks *= (box.end(k) - 1) / block[k] - box.start[k] / block[k] + 1;
  return blocks;
}

}  // namespace

View unit_view(const TaskLayout::Value& value, std::byte* memory, DType dtype, const Box& part) {
  const GridParts units(value.box, value.unit);
  const Index number = units.number_of(part.start);
  const Box unit = units[number];
  return View::contiguous(memory + value.offset + number * value.unit_bytes, dtype, unit.shape).part(relative_to(part, unit));
}

/// One pass over the steps of a task: what a step makes takes a place, what it is the last to read gives its own back.
class StageProgram::Placing {
 public:
  Placing(const StageProgram& program, const Box& anchor_box) : of_(program), anchor_box_(anchor_box), owns_(program.values_.size()) {
    layout_.values.resize(of_.values_.size());
    layout_.inputs.resize(of_.inputs_.size());
    layout_.scratch_offset.assign(of_.steps_.size(), -1);
    layout_.scratch_bytes.assign(of_.steps_.size(), 0);
    Needs needs = of_.needs(anchor_box);
    layout_.domains = std::move(needs.domains);
    layout_.active = std::move(needs.active);
    for (std::size_t v = 0; v < of_.values_.size(); ++v) layout_.values[v].box = needs.values[v];
  }

  TaskLayout layout() && {
    // From the start of the memory to its end: fetched bytes first, for they wait for their task.
    for (std::size_t i = 0; i < of_.inputs_.size(); ++i) fetch(i);
    for (std::size_t s = 0; s < of_.steps_.size(); ++s) {
      switch (of_.steps_[s].kind) {
        case StepKind::kDecode: decode(s); break;
        case StepKind::kRun: run(s); break;
        case StepKind::kLeave: break;
        case StepKind::kFoldIn:
        case StepKind::kFoldOut: fold(s); break;
        case StepKind::kDeliver: deliver(s); break;
      }
      release_after(s);
    }
    layout_.task_bytes = places_.peak();
    layout_.spare_bytes = std::min(layout_.spare_bytes, layout_.task_bytes);
    return std::move(layout_);
  }

 private:
  const Box& box(std::size_t value) const { return layout_.values[value].box; }
  Index bytes_of(std::size_t value) const { return box(value).count() * size_of(of_.values_[value].spec.dtype); }

  void fetch(std::size_t number);
  bool stream(std::size_t number, const ReadCost& cost);
  void decode(std::size_t s);
  void run(std::size_t s);
  void fold(std::size_t s);
  void deliver(std::size_t s);

  void place(std::size_t value);
  bool place_over_an_input(std::size_t s, std::size_t output);
  void scratch(std::size_t s, Index bytes);
  void release_after(std::size_t s);

  /// The sink in whose units the memory of an input may lie: large ones, and nothing but its delivery reads the value. Null: none.
  const Sink* unit_sink(int value) const;
  /// Lays the memory of such a value out in units, when there are several.
  void lay_in_units(int value);
  /// What one lane holds while it folds `domain`, and what finishing one of its pieces takes.
  Index fold_memory(const Step& step, const Box& domain) const;
  Index finish_memory(int body_index, const Box& domain) const;

  const StageProgram& of_;
  const Box& anchor_box_;
  TaskLayout layout_;
  Places places_;
  std::vector<bool> owns_;  ///< one a value: it has a place that is its own
};

void StageProgram::Placing::fetch(std::size_t number) {
  const StageInput& described = of_.inputs_[number];
  const Box& wanted = box(static_cast<std::size_t>(described.value));
  auto& input = layout_.inputs[number];
  input.in_memory = of_.is_in_memory(described);
  if (input.in_memory || wanted.empty()) return;
  if (described.source) {
    const ReadCost cost = described.source->cost(wanted);
    layout_.read.bytes += cost.bytes;
    layout_.read.requests += cost.requests;
    if (reads_remotely(*described.source)) layout_.remote_requests += cost.requests;
    layout_.read.decoded += cost.decoded;
    input.encoded_bytes = described.source->encoded_bytes(wanted);
    if (stream(number, cost)) return;
  } else {
    // A store on disk that is planned, not made: every block that the box touches is read, whole, for gaps in it are short.
    const Store& store = of_.plan_.stores[static_cast<std::size_t>(described.store)];
    const Index blocks = touched_blocks(wanted, store.block);
    input.encoded_bytes = wanted.count() * size_of(store.spec.dtype);
    const Index bytes = std::max(input.encoded_bytes, blocks * element_count(store.block) * size_of(store.spec.dtype));
    layout_.read.bytes += bytes;
    layout_.store_bytes += bytes;
    layout_.seeks += blocks;
    layout_.read.requests += blocks;
  }
  input.encoded_offset = places_.take(input.encoded_bytes);
  if (described.cached) layout_.spare_bytes += input.encoded_bytes;
}

/// False: it is fetched as a whole.
bool StageProgram::Placing::stream(std::size_t number, const ReadCost& cost) {
  const StageInput& described = of_.inputs_[number];
  const auto v = static_cast<std::size_t>(described.value);
  const Index budget = of_.plan_.budget;
  auto& input = layout_.inputs[number];
  const bool is_large = input.encoded_bytes > budget / kStreamShare && !described.source->decodes_in_place() && !described.source->chunks().is_contiguous();
  if (!is_large && !described.goes_onward) return false;
  const Index most_piece = reads_remotely(*described.source) ? std::min(kRemotePieceBytes, budget / kRemotePieceShare) : std::min(kPieceBytes, budget / kPieceShare);
  const Shape piece = piece_of(*described.source, most_piece);
  lay_in_units(described.value);
  const bool by_parts = described.goes_onward || !layout_.values[v].unit.empty();
  const Index room = by_parts ? unit_piece_room(*described.source, piece, box(v)) : piece_room(*described.source, piece);
  const Index most = described.goes_onward ? GridParts(box(v), piece).count() : input.encoded_bytes / (kLeastSaved * room);
  const Index lanes = std::min<Index>(of_.plan_.threads, most);
  if (lanes < 1) {
    layout_.values[v].unit = {};
    return false;
  }
  input.piece = piece, input.piece_bytes = room;
  input.encoded_bytes = room * lanes;
  layout_.streamed += cost.decoded;
  layout_.stream_lanes = layout_.stream_lanes == 1 ? lanes : std::min(layout_.stream_lanes, lanes);
  return true;
}

void StageProgram::Placing::decode(std::size_t s) {
  const StageInput& described = of_.inputs_[static_cast<std::size_t>(of_.steps_[s].which)];
  const auto v = static_cast<std::size_t>(described.value);
  auto& input = layout_.inputs[static_cast<std::size_t>(of_.steps_[s].which)];
  if (input.in_memory || box(v).empty()) return;
  const bool in_place = described.source ? described.source->decodes_in_place() : true;
  const Index bytes = bytes_of(v);
  layout_.read_bytes += bytes;
  const double nanoseconds = static_cast<double>(box(v).count()) * 0.15;
  layout_.nanoseconds += nanoseconds;
  if (in_place) {
    layout_.values[v].offset = input.encoded_offset;
    layout_.values[v].bytes = std::max(bytes, input.encoded_bytes);
    owns_[v] = true;
  } else {
    place(v);
    if (input.piece_bytes > 0) input.encoded_offset = places_.take(input.encoded_bytes);
    places_.give_back(input.encoded_offset, input.encoded_bytes);
  }
  const Index touched = layout_.values[v].unit.empty() ? bytes : 2 * bytes;
  layout_.touched_bytes += touched;
  if (input.piece_bytes > 0) layout_.shared_nanoseconds += nanoseconds, layout_.shared_touched_bytes += touched;
  layout_.largest_step = std::max(layout_.largest_step, bytes);
}

void StageProgram::Placing::run(std::size_t s) {
  const int node = of_.steps_[s].which;
  const auto which = static_cast<std::size_t>(node);
  const Op& operation = of_.op(node);
  const Box& domain = layout_.domains[which];
  if (!layout_.active[which] || domain.empty() || operation.is_view()) return;
  const Need cost = operation.need(domain);
  layout_.nanoseconds += cost.nanoseconds;
  Index scratch_bytes = cost.scratch_bytes, step_bytes = 0;
  for (const int v : of_.node_inputs_[which]) step_bytes += bytes_of(static_cast<std::size_t>(v));
  for (const int v : of_.node_outputs_[which]) step_bytes += bytes_of(static_cast<std::size_t>(v));
  layout_.largest_step = std::max(layout_.largest_step, step_bytes);
  const bool shared = of_.is_shared(node, domain);
  if (shared) {
    layout_.shared_nanoseconds += cost.nanoseconds;
    // Lanes come to help where something is streamed: each has its own.
    if (layout_.streamed > 0)
      scratch_bytes = std::max(scratch_bytes, of_.plan_.threads * Scratch::rounded(operation.need(of_.shared_parts(domain).front()).scratch_bytes));
  }
  for (const int output : of_.node_outputs_[which]) {
    const auto v = static_cast<std::size_t>(output);
    if (of_.node_outputs_[which].size() > 1 || !place_over_an_input(s, v)) place(v);
    layout_.touched_bytes += layout_.values[v].bytes;
    if (shared) layout_.shared_touched_bytes += layout_.values[v].bytes;
  }
  scratch(s, scratch_bytes);
}

void StageProgram::Placing::fold(std::size_t s) {
  const Step& step = of_.steps_[s];
  const auto which = static_cast<std::size_t>(step.which);
  const Box& domain = layout_.domains[which];
  // An empty reduced axis still gives outputs; what nobody asks for is not made.
  if (step.kind == StepKind::kFoldIn ? !layout_.active[which] : domain.empty()) return;
  double nanoseconds = of_.op(step.which).need(domain).nanoseconds;
  if (const int maker = of_.leaf_maker(step.which); maker >= 0) {
    nanoseconds += of_.op(maker).need(domain).nanoseconds;
    Index read = 0;
    for (const int v : of_.node_inputs_[static_cast<std::size_t>(maker)]) read += bytes_of(static_cast<std::size_t>(v));
    layout_.largest_step = std::max(layout_.largest_step, read);
  }
  const bool shared = of_.is_shared(step.which, domain);
  layout_.nanoseconds += nanoseconds;
  if (shared) layout_.shared_nanoseconds += nanoseconds;
  if (step.kind == StepKind::kFoldIn)
    for (const int v : of_.node_outputs_[which]) place(static_cast<std::size_t>(v));
  scratch(s, (shared && layout_.streamed > 0 ? of_.plan_.threads : 1) * (fold_memory(step, domain) + of_.batch_memory(step.which, domain)) +
                 (step.kind == StepKind::kFoldOut ? finish_memory(step.which, domain) : 0));
}

void StageProgram::Placing::deliver(std::size_t s) {
  const int number = of_.steps_[s].which;
  const Delivery& delivery = of_.stage_.deliveries[static_cast<std::size_t>(number)];
  const auto v = static_cast<std::size_t>(of_.delivered_value(number));
  const Box written = of_.delivery_box(number, anchor_box_);
  if (written.empty()) return;
  const Index bytes = written.count() * size_of(of_.values_[v].spec.dtype);
  const double nanoseconds = static_cast<double>(written.count()) * 0.2;
  layout_.touched_bytes += bytes;
  layout_.nanoseconds += nanoseconds;
  // Lanes write the units of a sink side by side.
  const bool in_units = !layout_.values[v].unit.empty();
  if (in_units) layout_.shared_touched_bytes += bytes, layout_.shared_nanoseconds += nanoseconds;
  bool on_disk;
  Index runs = 1;
  if (delivery.to_store) {
    const Store& store = of_.plan_.stores[static_cast<std::size_t>(delivery.target)];
    on_disk = store.on_disk;
    if (on_disk) runs = touched_blocks(written, store.block);
    scratch(s, on_disk ? std::min(Index{1} << 20, bytes) : 0);
  } else {
    const SinkFacts& sink = of_.sinks_[static_cast<std::size_t>(delivery.target)];
    on_disk = sink.caps.on_disk;
    runs = written_pieces(sink.caps, written, of_.values_[v].spec.shape);
    if (in_units) {
      auto& value = layout_.values[v];
      // Units at the array's edge may take more than whole ones.
      const GridParts units(written, value.unit);
      const Index each = std::max({Index{1}, sink.sink->contiguous_scratch_bytes(units[0]), sink.sink->contiguous_scratch_bytes(units[units.count() - 1])});
      // Of many units the first that are written soon leave memory for all lanes.
      constexpr Index kFewUnits = 8;
      value.unit_scratches = units.count() < kFewUnits ? std::min<Index>(of_.plan_.threads, units.count()) : 1;
      scratch(s, value.unit_scratches * Scratch::rounded(each));
    } else {
      scratch(s, sink.sink ? sink.sink->scratch_bytes(written) : Index{1} << 20);
    }
  }
  if (!on_disk) return;
  layout_.bytes_written += bytes, layout_.writes += runs;
  if (delivery.to_store) layout_.seeks += runs;
  if (in_units) layout_.shared_written += bytes;
}

void StageProgram::Placing::place(std::size_t value) {
  auto& placed = layout_.values[value];
  placed.bytes = placed.unit.empty() ? bytes_of(value) : placed.unit_bytes * GridParts(placed.box, placed.unit).count();
  placed.offset = places_.take(placed.bytes);
  owns_[value] = true;
}

/// A value that is read for the last time may give its memory to the output.
bool StageProgram::Placing::place_over_an_input(std::size_t s, std::size_t output) {
  const int node = of_.steps_[s].which;
  const Op& operation = of_.op(node);
  const std::vector<int>& read = of_.input_values(node);
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto in = static_cast<std::size_t>(read[i]);
    if (!operation.may_overwrite(static_cast<int>(i)) || !owns_[in] || of_.values_[in].last_use != static_cast<int>(s) || box(in) != box(output) ||
        std::count(read.begin(), read.end(), read[i]) != 1)
      continue;
    // Another input may be a view on the same memory.
    if (std::any_of(read.begin(), read.end(), [&](int other) { return other != read[i] && of_.values_[static_cast<std::size_t>(other)].view_of == read[i]; })) continue;
    layout_.values[output] = {box(output), layout_.values[in].offset, layout_.values[in].bytes};
    owns_[output] = true, owns_[in] = false;
    return true;
  }
  return false;
}

void StageProgram::Placing::scratch(std::size_t s, Index bytes) {
  if (bytes <= 0) return;
  layout_.scratch_bytes[s] = bytes;
  layout_.scratch_offset[s] = places_.take(bytes);
  places_.give_back(layout_.scratch_offset[s], bytes);
}

void StageProgram::Placing::release_after(std::size_t s) {
  for (std::size_t v = 0; v < of_.values_.size(); ++v) {
    if (!owns_[v] || of_.values_[v].last_use != static_cast<int>(s)) continue;
    places_.give_back(layout_.values[v].offset, layout_.values[v].bytes);
    owns_[v] = false;
  }
}

const Sink* StageProgram::Placing::unit_sink(int value) const {
  for (const auto& read : of_.node_inputs_)
    if (std::find(read.begin(), read.end(), value) != read.end()) return nullptr;
  if (std::count(of_.delivered_.begin(), of_.delivered_.end(), value) != 1) return nullptr;
  const auto delivery = std::find(of_.delivered_.begin(), of_.delivered_.end(), value);
  const Delivery& to = of_.stage_.deliveries[static_cast<std::size_t>(delivery - of_.delivered_.begin())];
  const Sink* sink = to.to_store ? nullptr : of_.sinks_[static_cast<std::size_t>(to.target)].sink.get();
  const Spec& spec = of_.values_[static_cast<std::size_t>(value)].spec;
  return sink != nullptr && element_count(sink->caps().unit) * size_of(spec.dtype) >= kLeastUnit ? sink : nullptr;
}

void StageProgram::Placing::lay_in_units(int value) {
  auto& place = layout_.values[static_cast<std::size_t>(value)];
  const Sink* sink = unit_sink(value);
  if (sink == nullptr) return;
  const Box first = GridParts(place.box, sink->caps().unit)[0];
  if (first.shape == place.box.shape) return;
  place.unit = sink->caps().unit;
  // What was written leaves its memory to the next lane as scratch.
  const Index bytes = first.count() * size_of(of_.values_[static_cast<std::size_t>(value)].spec.dtype);
  place.unit_bytes = std::max(Scratch::rounded(bytes), Scratch::rounded(sink->contiguous_scratch_bytes(first)));
}

Index StageProgram::Placing::fold_memory(const Step& step, const Box& domain) const {
  const Op& operation = of_.op(step.which);
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

Index StageProgram::Placing::finish_memory(int body_index, const Box& domain) const {
  const Op& operation = of_.op(body_index);
  const Box piece = first_fold_piece(*operation.fold(), domain);
  Index bytes = 0, sink_bytes = 0;
  std::vector<Box> boxes;
  for (std::size_t o = 0; o < operation.outputs().size(); ++o) {
    const Spec& spec = operation.outputs()[o];
    boxes.push_back(fold_output_box(operation, static_cast<int>(o), piece));
    bytes += Scratch::rounded(std::max<Index>(1, boxes.back().count() * size_of(spec.dtype)));
  }
  for (const Delivery& delivery : of_.stage_.deliveries) {
    if (delivery.value.node != of_.stage_.body[static_cast<std::size_t>(body_index)]) continue;
    const Box& box = boxes[static_cast<std::size_t>(delivery.value.output)];
    const Sink* sink = delivery.to_store ? nullptr : of_.sinks_[static_cast<std::size_t>(delivery.target)].sink.get();
    const Index most = box.count() * size_of(of_.plan_.spec(delivery.value).dtype);
    sink_bytes = std::max(sink_bytes, Scratch::rounded(sink != nullptr ? sink->scratch_bytes(box) : std::min(Index{1} << 20, most)));
  }
  return bytes + sink_bytes;
}

TaskLayout StageProgram::lay_out(const Box& anchor_box) const { return Placing(*this, anchor_box).layout(); }

}  // namespace freestone
