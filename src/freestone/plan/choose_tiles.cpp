#include "freestone/plan/choose_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace freestone {
namespace {

constexpr int kReadAhead = 1;  // tasks that are read while every lane computes

/// Extents to try on one axis: multiples of its step by powers of two and their halves-and-a-half, chunks of the sources, all of it.
std::vector<Index> extents(Index n, Index step, bool whole, const std::vector<Index>& chunks, bool coarse) {
  std::vector<Index> out;
  if (whole || n <= 1) return {std::max<Index>(n, 1)};
  const auto add = [&](Index e) {
    if (e > 0 && e < n && e % step == 0 && std::find(out.begin(), out.end(), e) == out.end()) out.push_back(e);
  };
  for (Index e = step; e < n; e *= coarse ? 4 : 2) add(e);
  if (!coarse)
    for (Index e = 3 * step; e < n && e < 64 * step; e *= 2) add(e);
  for (const Index chunk : chunks)
    for (Index e = chunk; e < n; e *= 2) add(e);
  out.push_back(n);
  return out;
}

/// The tile in the middle: its halo is whole on both sides.
Box middle_tile(const Stage& stage) {
  Box box = stage.domain;
  for (int k = 0; k < box.rank(); ++k) {
    const Index n = (stage.domain.shape[k] + stage.tile[k] - 1) / stage.tile[k];
    const Index at = std::max<Index>(0, (n - 1) / 2) * stage.tile[k];
    box.start[k] += at;
    box.shape[k] = std::min(stage.tile[k], stage.domain.shape[k] - at);
  }
  return box;
}

/// Memory of the largest task: corners and the middle, where halos differ.
Index largest_task(const StageProgram& program, const Stage& stage) {
  Index most = program.lay_out(middle_tile(stage)).task_bytes;
  Stage in_order = stage;
  in_order.order.clear();
  for (int k = 0; k < stage.domain.rank(); ++k) in_order.order.push_back(k);
  const Index count = tile_count(stage);
  for (const Index index : {Index{0}, count - 1, count / 2}) most = std::max(most, program.lay_out(tile_box(in_order, index)).task_bytes);
  // A result may come from a part of the anchor that none of these meets.
  for (const auto& [value, owned] : stage.owned) {
    if (stage.domain.empty()) break;
    Box box = tile_box(in_order, 0);
    for (const OwnAxis& own : owned) {
      if (own.anchor_axis < 0) continue;
      const int k = own.anchor_axis;
      const Index start = stage.domain.start[k], at = std::clamp(own.offset, start, stage.domain.end(k) - 1);
      box.start[k] = start + (at - start) / stage.tile[k] * stage.tile[k];
      box.shape[k] = std::min(stage.tile[k], stage.domain.end(k) - box.start[k]);
    }
    most = std::max(most, program.lay_out(box).task_bytes);
  }
  return most;
}

/// States of the folds that live across tasks.
Index state_bytes(const StageProgram& program, const Stage& stage, const Box& tile, const std::vector<int>& order, int lanes) {
  Index bytes = 0;
  for (std::size_t b = 0; b < stage.body.size(); ++b) {
    if (!program.is_accumulated(static_cast<int>(b))) continue;
    const Op& op = program.op(static_cast<int>(b));
    const Fold& fold = *op.fold();
    const OwnMap& owned = stage.owned.at({stage.body[b], -1});
    // A tile that has nothing of the reduction tells nothing of it.
    const Box some = owned_box(owned, tile, op.domain()), part = some.empty() ? Box(op.domain()) : some;
    Index leaves = 1, leaves_in_tile = 1;
    bool split = false;
    std::vector<int> reduced_axes;
    for (const int k : fold.axes()) {
      const Index leaf = fold.leaf()[k];
      leaves *= (op.domain()[k] + leaf - 1) / leaf;
      leaves_in_tile *= (part.shape[k] + leaf - 1) / leaf;
      const int axis = owned[static_cast<std::size_t>(k)].anchor_axis;
      if (axis >= 0 && stage.tile[axis] < stage.domain.shape[axis]) split = true, reduced_axes.push_back(axis);
    }
    const Index state = fold.state_words() * 8;
    const Index kept_tile = kept_count(fold, part), kept_all = kept_count(fold, Box(op.domain()));
    if (!split) {
      bytes += state * std::min(kept_tile, StageProgram::most_kept(fold)) * std::min<Index>(leaves_in_tile, 32) * lanes;
      continue;
    }
    // Pieces stay open until their last tile: all of them, unless the reduced axes run fastest.
    const auto runs_fastest = [&](int axis) {
      return std::find(order.end() - static_cast<std::ptrdiff_t>(reduced_axes.size()), order.end(), axis) != order.end();
    };
    const bool one_by_one = std::all_of(reduced_axes.begin(), reduced_axes.end(), runs_fastest);
    const Index open = one_by_one ? std::min(kept_all, 2 * kept_tile) : kept_all;
    const Index waiting = std::min<Index>(leaves, (lanes + kReadAhead) * leaves_in_tile + 32);
    bytes += state * (open + (one_by_one ? open : kept_tile) * waiting);
  }
  return bytes;
}

/// What a tile reads when chunks that the next tiles want again are kept.
struct CachedRead {
  double decoded = 0;     ///< bytes a tile, on average
  Index cache_bytes = 0;  ///< 0: nothing worth keeping, or no room
};

/// Walks from the fastest axis to the slowest: as long as there is room for the chunks that lie across the border between one run of tiles
/// and the next, each chunk is decoded once a run.
CachedRead cached_read(const StageProgram& program, const Stage& stage, const std::vector<int>& order, const Box& middle,
                       const ReadCost& tile, int slots, Index room) {
  CachedRead best{static_cast<double>(tile.decoded), 0};
  // Tiles in flight hold their chunks, encoded until they are decoded.
  Index needed = slots * (tile.decoded + tile.bytes);
  Box run = middle;
  Index run_decoded = tile.decoded;
  double tiles = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const int axis = order[i];
    const Index extent = stage.domain.shape[axis];
    if (stage.tile[axis] >= extent) continue;
    // Neighbours in the middle, and the first two: a border between chunks may happen to lie between some.
    Index shared = 0;
    for (const Index start : {run.start[axis], stage.domain.start[axis]}) {
      Box both = run, one = run;
      both.shape[axis] = std::min(2 * stage.tile[axis], extent);
      both.start[axis] = one.start[axis] = std::min(start, stage.domain.end(axis) - both.shape[axis]);
      shared = std::max(shared, 2 * program.lay_out(one).read.decoded - program.lay_out(both).read.decoded);
    }
    needed += shared;
    if (needed > room) break;
    run.start[axis] = stage.domain.start[axis], run.shape[axis] = extent;
    tiles *= static_cast<double>(extent) / static_cast<double>(stage.tile[axis]);
    run_decoded = program.lay_out(run).read.decoded;
    const double each = static_cast<double>(run_decoded) / tiles;
    if (each < 0.99 * best.decoded) best = {each, needed};
  }
  return best;
}

}  // namespace

TileChoice choose_tiles(const Plan& plan, Stage& stage, const TileRules& rules, const std::vector<SinkFacts>& sinks, Index memory,
                        int threads, const Rates& rates, bool price) {
  const StageProgram program(plan, stage, sinks, {});
  const int rank = stage.domain.rank();

  // Chunks of the sources, on the anchor's axes, where an input lies on them one to one.
  std::vector<std::vector<Index>> chunks(static_cast<std::size_t>(rank));
  for (const StageInput& input : program.inputs()) {
    const Shape* chunk = nullptr;
    if (input.store >= 0 && plan.stores[static_cast<std::size_t>(input.store)].on_disk)
      chunk = &plan.stores[static_cast<std::size_t>(input.store)].block;
    if (input.source && !input.source->chunks().is_contiguous()) chunk = &input.source->chunks().chunk();
    if (chunk == nullptr) continue;
    for (std::size_t k = 0; k < input.motion.size(); ++k)
      if (const AxisMotion& motion = input.motion[k]; motion.anchor_axis >= 0 && motion.slope == 1)
        chunks[static_cast<std::size_t>(motion.anchor_axis)].push_back((*chunk)[static_cast<int>(k)]);
  }

  std::vector<std::vector<Index>> tries(static_cast<std::size_t>(rank));
  for (const bool coarse : {false, true}) {
    double combinations = 1;
    for (int k = 0; k < rank; ++k) {
      const auto axis = static_cast<std::size_t>(k);
      tries[axis] = extents(stage.domain.shape[k], rules.step[axis], rules.whole[axis], chunks[axis], coarse);
      combinations *= static_cast<double>(tries[axis].size());
    }
    if (combinations <= 4000) break;
  }

  std::vector<int> plain_order;
  for (int k = 0; k < rank; ++k) plain_order.push_back(k);
  std::vector<std::vector<int>> orders{plain_order};
  // Reduced axes fastest: each output is finished before the next one starts.
  std::vector<int> reduced_last, reduced;
  for (const int k : plain_order) {
    bool is_reduced = false;
    for (std::size_t b = 0; b < stage.body.size(); ++b) {
      if (!program.is_accumulated(static_cast<int>(b))) continue;
      const OwnMap& owned = stage.owned.at({stage.body[b], -1});
      for (const int axis : program.op(static_cast<int>(b)).fold()->axes())
        is_reduced = is_reduced || owned[static_cast<std::size_t>(axis)].anchor_axis == k;
    }
    (is_reduced ? reduced : reduced_last).push_back(k);
  }
  reduced_last.insert(reduced_last.end(), reduced.begin(), reduced.end());
  if (reduced_last != plain_order) orders.push_back(reduced_last);

  const ReadCost whole = program.lay_out(stage.domain).read;
  const double read_once = static_cast<double>(whole.bytes), decoded_once = static_cast<double>(whole.decoded);
  TileChoice best;
  best.seconds = std::numeric_limits<double>::infinity();
  best.smallest_budget = std::numeric_limits<Index>::max();
  Stage chosen = stage;
  std::vector<std::size_t> at(static_cast<std::size_t>(rank), 0);
  while (true) {
    stage.tile = Shape(rank);
    for (int k = 0; k < rank; ++k) stage.tile[k] = tries[static_cast<std::size_t>(k)][at[static_cast<std::size_t>(k)]];
    const Box middle = middle_tile(stage);
    const TaskLayout layout = program.lay_out(middle);
    double tiles = 1;  // fractional: edge tiles cost less
    for (int k = 0; k < rank; ++k) tiles *= static_cast<double>(stage.domain.shape[k]) / static_cast<double>(stage.tile[k]);
    const double whole_tiles = static_cast<double>(tile_count(stage));

    for (const auto& order : orders) {
      const Index pinned = state_bytes(program, stage, middle, order, threads);
      if (layout.task_bytes + pinned < best.smallest_budget)
        best.smallest_budget = std::min(best.smallest_budget, largest_task(program, stage) + pinned);
      const Index room = memory - pinned;
      if (layout.task_bytes > room) continue;
      const auto most_slots = static_cast<int>(std::clamp<Index>(room / std::max<Index>(layout.task_bytes, 1), 1, threads + kReadAhead));
      // One task for all lanes touches less memory than one each, where they can share its work.
      for (const int slots : {most_slots, 1}) {
        if (slots < most_slots && layout.streamed == 0) continue;
        const double lanes = std::min(static_cast<double>(std::min(slots, threads)), std::max(1.0, whole_tiles));
        const double rounds = std::ceil(whole_tiles / lanes) * lanes / std::max(1.0, whole_tiles);

        const auto decode_seconds = [&](double bytes) { return bytes / rates.decode_bytes_per_second; };
        // Chunks that lie across tiles: kept, if that could make this the cheapest.
        CachedRead read{static_cast<double>(layout.read.decoded), 0};
        if (read.decoded * tiles > 1.05 * decoded_once &&
            tiles * (layout.nanoseconds * 1e-9 / rates.core_speed) / lanes + decode_seconds(decoded_once) / lanes < best.seconds)
          read = cached_read(program, stage, order, middle, layout.read, slots, room - slots * layout.task_bytes);
        const double read_share = layout.read.decoded > 0 ? read.decoded / static_cast<double>(layout.read.decoded) : 1;
        const double bytes_read = static_cast<double>(layout.read.bytes) * read_share;

        // What is streamed is read and decoded by all lanes, whoever has the task.
        const double stream_lanes = std::min<double>(threads, static_cast<double>(slots * layout.stream_lanes));
        const double streamed =
            layout.read.decoded > 0 ? static_cast<double>(layout.streamed) / static_cast<double>(layout.read.decoded) : 0;
        const double reading = decode_seconds(read.decoded) + bytes_read / rates.read_bytes_per_second +
                               static_cast<double>(layout.read.requests) * read_share * rates.request_seconds;
        const double shared = layout.streamed > 0 ? layout.shared_nanoseconds : 0;
        double cpu = (layout.nanoseconds - shared) * 1e-9 / rates.core_speed + (1 - streamed) * reading +
                     static_cast<double>(layout.writes) * rates.request_seconds;
        if (layout.task_bytes > rates.cache_bytes)
          cpu += static_cast<double>(layout.touched_bytes) /
                 (slots * layout.task_bytes > rates.shared_cache_bytes ? rates.memory_bytes_per_second : rates.shared_bytes_per_second);
        // Out of the cache elements are copied, through memory.
        if (read.cache_bytes > 0) cpu += static_cast<double>(layout.read_bytes) * 2 / rates.memory_bytes_per_second;
        const double write = static_cast<double>(layout.bytes_written - layout.shared_written) / rates.write_bytes_per_second;
        const double shared_write = static_cast<double>(layout.shared_written) / rates.write_bytes_per_second;
        double seconds = tiles * (cpu + write) / lanes * rounds + whole_tiles * rates.tile_seconds / lanes;
        seconds += tiles * (streamed * reading + shared * 1e-9 / rates.core_speed + shared_write) / stream_lanes;
        seconds += (std::min<double>(slots, whole_tiles) * static_cast<double>(layout.task_bytes) + static_cast<double>(read.cache_bytes)) /
                   rates.fresh_bytes_per_second / (streamed > 0 ? stream_lanes : lanes);
        seconds += std::max(0.0, bytes_read * tiles - read_once) / rates.again_bytes_per_second;
        // What all lanes share: the disk.
        const auto at_least = [&](double bytes, double rate) {
          if (rate > 0) seconds = std::max(seconds, bytes / rate);
        };
        at_least(bytes_read * tiles, rates.all_read_bytes_per_second);
        at_least(static_cast<double>(layout.bytes_written) * tiles, rates.all_write_bytes_per_second);
        // Without a task to read ahead, reading and computing take turns when the data is not in memory yet.
        if (slots <= static_cast<int>(lanes) && whole_tiles > lanes) seconds *= 1.02;

        const bool better =
            !price ? !best.fits : seconds < best.seconds * 0.999 || (seconds < best.seconds * 1.001 && layout.task_bytes < chosen.task_bytes);
        if (!better) continue;
        const Index most = largest_task(program, stage);
        if (most > room) continue;
        best.fits = true;
        best.seconds = seconds;
        chosen = stage;
        chosen.order = order;
        chosen.slots = static_cast<int>(std::min<double>(slots, std::max(1.0, whole_tiles)));
        chosen.task_bytes = most;
        chosen.pinned_bytes = pinned;
        chosen.cache_bytes = read.cache_bytes;
        Estimate& e = chosen.estimate;
        e.tiles = tile_count(stage);
        e.bytes_read = static_cast<Index>(std::llround(bytes_read * tiles));
        e.bytes_written = static_cast<Index>(std::llround(static_cast<double>(layout.bytes_written) * tiles));
        e.requests = static_cast<Index>(std::llround(static_cast<double>(layout.read.requests + layout.writes) * tiles));
        e.seconds = seconds;
        if (most_slots == 1) break;
      }
    }
    int k = rank - 1;
    for (; k >= 0; --k) {
      if (++at[static_cast<std::size_t>(k)] < tries[static_cast<std::size_t>(k)].size()) break;
      at[static_cast<std::size_t>(k)] = 0;
    }
    if (k < 0) break;
  }
  stage = chosen;
  if (!best.fits) return best;

  const auto held = [&] { return stage.slots * stage.task_bytes + stage.pinned_bytes + stage.cache_bytes; };
  // A cache with a little less room still keeps nearly all that it should.
  if (const Index over = held() - memory; over > 0 && over < stage.cache_bytes / 8) stage.cache_bytes -= over;
  while (stage.slots > 1 && held() > memory) --stage.slots;
  stage.cache_bytes = std::clamp<Index>(memory - (held() - stage.cache_bytes), 0, stage.cache_bytes);
  stage.estimate.peak_bytes = held();

  std::string why;
  for (int k = 0; k < rank; ++k) {
    const auto axis = static_cast<std::size_t>(k);
    if (rules.whole[axis] && stage.domain.shape[k] > 1)
      why += fmt::format("{}axis {} whole for {}", why.empty() ? "" : ", ", k, rules.why[axis]);
    else if (rules.step[axis] > 1 && stage.tile[k] < stage.domain.shape[k])
      why += fmt::format("{}axis {} in steps of {}", why.empty() ? "" : ", ", k, rules.step[axis]);
  }
  stage.reason = fmt::format("{}{}cheapest of the tiles that fit {}", why, why.empty() ? "" : "; ", format_bytes(memory));
  return best;
}

}  // namespace freestone
