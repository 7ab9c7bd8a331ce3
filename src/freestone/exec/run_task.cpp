#include <algorithm>

#include "freestone/core/grid_parts.h"
#include "freestone/exec/stage_runner.h"
#include "freestone/ops/elementwise.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/fold_boxes.h"
#include "freestone/storage/chunked_source.h"

namespace freestone {

namespace {

/// Whether `parts` of a piece come one after another along the axis on which the chunks of `source` go on.
bool lie_onward(const Source& source, const GridParts& parts) {
  const auto* chunked = dynamic_cast<const ChunkedSource*>(&source);
  if (chunked == nullptr) return false;
  const Box first = parts[0], last = parts[parts.count() - 1];
  for (int k = 0; k < first.rank(); ++k)
    if (k != chunked->onward_axis() && first.start[k] != last.start[k]) return false;
  return true;
}

}  // namespace

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

bool StageRunner::decode_ahead(Bytes scratch) {
  constexpr Index kFarthest = 256;  // tiles: to look at one takes some ten microseconds
  while (cache_->has_room_ahead()) {
    Index tile;
    {
      const std::lock_guard lock(mutex_);
      tile = ahead_ = std::max(ahead_, next_);
      if (tile >= std::min(count_, next_ + kFarthest)) return false;
    }
    stop_.check();
    if (run_.finished == nullptr || !(*run_.finished)[static_cast<std::size_t>(tile)]) {
      const TaskLayout layout = program_.lay_out(tile_box(stage_, tile));
      for (const StageInput& input : program_.inputs()) {
        const Box& box = layout.values[static_cast<std::size_t>(input.value)].box;
        const auto* source = input.cached && !box.empty() ? dynamic_cast<const ChunkedSource*>(input.source.get()) : nullptr;
        try {
          if (source != nullptr && source->decode_ahead(box, scratch, stop_)) return true;
        } catch (const Error& error) {
          if (error.kind() == ErrorKind::kCancelled) throw;
          return false;  // the tile that wants the chunk will say so
        }
      }
      if (!cache_->has_room_ahead()) return false;
    }
    const std::lock_guard lock(mutex_);
    ahead_ = std::max(ahead_, tile + 1);
  }
  return false;
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
        case StepKind::kLeave: continue;
        case StepKind::kFoldIn: fold_inside(slot, s, tiles, lane); break;
        case StepKind::kFoldOut: fold_across(slot, s, tiles, lane); break;
        case StepKind::kDeliver: deliver(slot, s, tiles, lane); break;
      }
    } catch (Error& error) {
      if (error.kind() != ErrorKind::kCancelled && step.kind != StepKind::kDecode && step.kind != StepKind::kDeliver)
        error.within(fmt::format("{}, region {}", label(step.which),
                                 to_string(slot.layout.domains[static_cast<std::size_t>(step.which)])));
      throw;
    }
    if (step.kind != StepKind::kDecode && step.kind != StepKind::kDeliver && run_.events.active() && !program_.op(step.which).is_view())
      emit(EventKind::kCompute, lane, slot.tile, label(step.which), output_bytes(slot, step.which), start);
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
  if (place.box.empty()) {
    // An operation that sees an axis whole looks at it even when it has no elements.
    const Spec& spec = program_.values()[static_cast<std::size_t>(v)].spec;
    tile = {View{nullptr, spec.dtype, place.box.shape, Dims(spec.shape.rank())}, place.box};
    return;
  }
  tile = placed(slot, v);
  if (const auto part = part_of_result(slot, v); part && part->is_contiguous()) tile.view = *part;
  const auto& fetched = slot.layout.inputs[static_cast<std::size_t>(input)];
  if (fetched.piece_bytes > 0) return stream(slot, static_cast<std::size_t>(input), tile, lane);
  described.source->decode(place.box, {slot.memory.data() + fetched.encoded_offset, static_cast<std::size_t>(fetched.encoded_bytes)},
                           tile.view, stop_);
}

std::optional<View> StageRunner::part_of_result(const Slot& slot, int value) const {
  const int number = goes_to_[static_cast<std::size_t>(value)];
  if (number < 0) return std::nullopt;
  const auto& place = slot.layout.values[static_cast<std::size_t>(value)];
  if (!place.unit.empty() || program_.delivery_box(number, tile_box(stage_, slot.tile)) != place.box) return std::nullopt;
  return memory_[static_cast<std::size_t>(number)]->part(place.box);
}

void StageRunner::stream(Slot& slot, std::size_t input, const Tile& tile, int lane) {
  const auto& place = slot.layout.inputs[input];
  const Source& source = *program_.inputs()[input].source;
  const TaskLayout::Value& value = slot.layout.values[static_cast<std::size_t>(program_.inputs()[input].value)];
  const GridParts pieces(tile.box, place.piece);
  // Tiles side by side may want the same chunks of a cache: each begins elsewhere.
  const Index first = stage_.goes_onward ? 0 : slot.tile % lanes_ * pieces.count() / lanes_;
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
                          const GridParts parts(piece, value.unit);
                          const auto decode_beside = [&](const Box& box) {
                            const Index bytes = Scratch::rounded(box.count() * size_of(tile.view.dtype));
                            const auto beside = memory.size() - static_cast<std::size_t>(bytes);
                            const View decoded = View::contiguous(memory.data() + beside, tile.view.dtype, box.shape);
                            source.decode(box, memory.first(beside), decoded, stop_);
                            return decoded;
                          };
                          // A decoder that goes on gives one part after the other, which is still in a cache when it is copied.
                          const bool part_by_part = stage_.goes_onward && lie_onward(source, parts);
                          const View whole = part_by_part ? View{} : decode_beside(piece);
                          for (Index n = 0; n < parts.count(); ++n) {
                            const View from = part_by_part ? decode_beside(parts[n]) : whole.part(relative_to(parts[n], piece));
                            copy(from, unit_view(value, slot.memory.data(), from.dtype, parts[n]));
                          }
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
  if (domain.empty() || !slot.layout.active[static_cast<std::size_t>(body)]) return nothing_of(body, tiles);
  const std::vector<Tile> in = inputs_of(body, tiles);
  const bool is_arithmetic = dynamic_cast<const ElementwiseOp*>(&op) != nullptr;
  std::vector<Tile> out;
  for (const int v : program_.output_values(body)) {
    auto& tile = tiles[static_cast<std::size_t>(v)];
    tile = op.is_view() ? op.view(in[0], slot.layout.values[static_cast<std::size_t>(v)].box) : placed(slot, v);
    // Arithmetic touches each element once, so it may as well be in the result's memory.
    if (const auto part = is_arithmetic ? part_of_result(slot, v) : std::nullopt) tile.view = *part;
    out.push_back(tile);
  }
  if (op.is_view()) return;
  if (lanes_to_spare() && program_.is_shared(body, domain)) {
    const std::vector<Box> parts = program_.shared_parts(domain);
    const Index each = Scratch::rounded(op.need(parts.front()).scratch_bytes);
    const Index workers = each == 0 ? lanes_ : std::min<Index>(lanes_, slot.layout.scratch_bytes[s] / each);
    SharedWork shared{parts.size(), std::max<Index>(1, workers), [&](std::size_t part, Index worker, int) {
                        Scratch own = each == 0 ? Scratch()
                                                : Scratch({slot.memory.data() + slot.layout.scratch_offset[s] + worker * each,
                                                           static_cast<std::size_t>(each)});
                        const Tile target = out[0].part(parts[part]);
                        op.run(parts[part], in, {&target, 1}, own, stop_);
                      }};
    return share(shared, lane);
  }
  Scratch scratch = scratch_of(slot, s);
  op.run(domain, in, out, scratch, stop_);
}

std::string StageRunner::label(int body) const {
  const int maker = program_.leaf_maker(body);
  return maker < 0 ? describe(program_.op(body)) : fmt::format("{}, {}", describe(program_.op(maker)), describe(program_.op(body)));
}

StageRunner::Leaves StageRunner::leaves_of(Slot& slot, std::size_t s, const std::vector<Tile>& tiles) const {
  const int body = program_.steps()[s].which, maker = program_.leaf_maker(body);
  const Box& domain = slot.layout.domains[static_cast<std::size_t>(body)];
  Leaves leaves{program_.op(body).fold(), inputs_of(body, tiles), program_.leaf_batch(body), nullptr, {}, nullptr, 0, 1};
  // Where nothing is streamed the task has room for one lane's leaves.
  if (lanes_to_spare() && program_.is_shared(body, domain) && (maker < 0 || slot.layout.streamed > 0)) leaves.lanes = lanes_;
  if (maker < 0) return leaves;
  leaves.maker = &program_.op(maker);
  leaves.made_of = inputs_of(maker, tiles);
  leaves.memory = slot.memory.data() + slot.layout.scratch_offset[s];
  leaves.bytes = program_.batch_memory(body, domain);
  return leaves;
}

bool StageRunner::fold_piece(const Leaves& leaves, const LeafGrid& grid, const Box& piece, SharedFold::Piece& into, Index lanes, Index worker, int lane) {
  const Index outputs = kept_count(*leaves.fold, piece);
  bool complete = false;
  const GridParts batches(piece, leaves.batch);
  const auto fold_batch = [&](std::size_t part, Index one_of_lanes, int) {
    const Box batch = batches[static_cast<Index>(part)];
    std::span<const Tile> in = leaves.in;
    Tile made;
    if (leaves.maker != nullptr) {
      Scratch scratch({leaves.memory + (worker + one_of_lanes) * leaves.bytes, static_cast<std::size_t>(leaves.bytes)});
      const DType dtype = leaves.maker->outputs()[0].dtype;
      made = {View::contiguous(scratch.take(batch.count() * size_of(dtype)), dtype, batch.shape), batch};
      leaves.maker->run(batch, leaves.made_of, {&made, 1}, scratch, stop_);
      in = {&made, 1};
    }
    grid.for_each(batch, [&](Index leaf, const Box& box) {
      FoldTree::State state = into.tree->fresh();
      leaves.fold->scan(box, in, state.data(), outputs);
      const std::lock_guard lock(into.mutex);
      complete = into.tree->add(leaf, std::move(state)) || complete;
    });
  };
  SharedWork work{static_cast<std::size_t>(batches.count()), lanes, fold_batch};
  share(work, lane);
  return complete;
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
  const Leaves leaves = leaves_of(slot, s, tiles);
  const LeafGrid grid(fold, op.domain());
  const auto finish_one = [&](const Box& piece, Index lanes, Index worker, int by) {
    const Index outputs = kept_count(fold, piece);
    SharedFold::Piece states;
    states.tree = std::make_unique<FoldTree>(fold, grid.count, outputs);
    FoldTree::State empty;
    const bool complete = fold_piece(leaves, grid, piece, states, lanes, worker, by);
    if (!complete) empty = states.tree->fresh();  // a reduced axis without elements
    // A piece's part of an output lies together, unless whole axes (bins, groups) stand before kept ones.
    std::vector<View> parts;
    std::vector<Buffer> apart;
    std::vector<std::byte*> places;
    for (std::size_t o = 0; o < out.size(); ++o) {
      parts.push_back(out[o].part(fold_output_box(op, static_cast<int>(o), piece)).view);
      if (!parts.back().is_contiguous()) apart.emplace_back(std::max<Index>(1, parts.back().bytes()));
      places.push_back(parts.back().is_contiguous() ? parts.back().data : apart.back().data());
    }
    fold.finish((complete ? states.tree->root() : empty).data(), outputs, places);
    for (std::size_t o = 0; o < out.size(); ++o)
      if (places[o] != parts[o].data) copy(View::contiguous(places[o], parts[o].dtype, parts[o].shape), parts[o]);
  };
  const std::vector<Box> pieces = StageProgram::fold_pieces(fold, domain);
  // Few pieces are shared one after the other, by their leaves.
  if (static_cast<Index>(pieces.size()) < 2 * leaves.lanes) {
    for (const Box& piece : pieces) finish_one(piece, leaves.lanes, 0, lane);
    return;
  }
  SharedWork shared{pieces.size(), leaves.lanes, [&](std::size_t part, Index worker, int by) { finish_one(pieces[part], 1, worker, by); }};
  share(shared, lane);
}

void StageRunner::fold_across(Slot& slot, std::size_t s, const std::vector<Tile>& tiles, int lane) {
  const int body = program_.steps()[s].which;
  const Fold& fold = *program_.op(body).fold();
  const Box& domain = slot.layout.domains[static_cast<std::size_t>(body)];
  if (domain.empty()) return;
  const Leaves leaves = leaves_of(slot, s, tiles);
  SharedFold& shared = *folds_[static_cast<std::size_t>(body)];
  for (const Box& piece : StageProgram::fold_pieces(fold, domain)) {
    stop_.check();
    auto& target = shared.piece(piece);
    const bool complete = fold_piece(leaves, shared.grid(), piece, target, leaves.lanes, 0, lane);
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
  std::vector<Box> boxes;
  std::vector<Buffer> buffers;
  std::vector<std::byte*> out;
  for (std::size_t o = 0; o < op.outputs().size(); ++o) {
    const Spec& spec = op.outputs()[o];
    boxes.push_back(fold_output_box(op, static_cast<int>(o), piece));
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
    const Index bytes = sink_of(delivery).scratch_bytes(boxes[o]), mark = scratch.used();
    if (scratch.left() >= Scratch::rounded(bytes)) {
      write(delivery, boxes[o], view, scratch, lane);
      scratch.release_to(mark);
    } else {
      const Buffer memory(Scratch::rounded(bytes));
      Scratch own(memory.bytes());
      write(delivery, boxes[o], view, own, lane);
    }
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
  const View view = tiles[v].part(box).view;
  if (const auto& memory = memory_[static_cast<std::size_t>(number)]; memory && memory->part(box).data == view.data) return;  // made there
  Scratch scratch = scratch_of(slot, s);
  write(delivery, box, view, scratch, lane);
}

void StageRunner::deliver_units(Slot& slot, std::size_t s, const Box& box, int lane) {
  const auto number = static_cast<std::size_t>(program_.steps()[s].which);
  const auto v = static_cast<std::size_t>(program_.delivered_value(static_cast<int>(number)));
  const TaskLayout::Value& value = slot.layout.values[v];
  const GridParts units(box, value.unit);
  const Index all = slot.layout.scratch_bytes[s], scratch_bytes = all / value.unit_scratches;
  ScratchPool pool({slot.memory.data() + slot.layout.scratch_offset[s], static_cast<std::size_t>(all)}, value.unit_scratches);
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

}  // namespace freestone
