#include "freestone/plan/choose_tiles.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "freestone/plan/kept_chunks.h"

namespace freestone {
namespace {

// Some 30 ms there and back, and many on their way at a time.
constexpr double kRemoteRequestSeconds = 2e-3;

// Read while every lane computes: so many bytes, in one task or in several small ones.
constexpr Index kReadAheadBytes = Index{16} << 20;
constexpr Index kMostAhead = 4;

// Tiles that share all their chunks wait for those that other lanes decode: measured, means of months over NetCDF-4 (docs/decisions/0042).
constexpr double kWaitForChunks = 0.25;

/// Tasks that are read ahead.
Index tasks_ahead(const TaskLayout& layout) {
  return layout.read.bytes > 0 ? std::clamp<Index>(kReadAheadBytes / layout.read.bytes, 1, kMostAhead) : 1;
}

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
  // As few tiles as there can be of a size that fits: powers of two leave much of the last one empty.
  for (Index parts = 2; parts <= 3 && !coarse; ++parts) add(((n + parts - 1) / parts + step - 1) / step * step);
  out.push_back(n);
  return out;
}

/// How many tiles along an axis count for what is read: the last one reads whole chunks, too, of which it may want little.
double reading_tiles(Index n, Index tile, const std::vector<Index>& chunks) {
  const Index whole = n / tile, rest = n % tile;
  double last = static_cast<double>(rest) / static_cast<double>(tile);
  for (const Index chunk : chunks) {
    const auto read = [&](Index extent) { return static_cast<double>((extent + chunk - 1) / chunk); };
    if (rest > 0) last = std::max(last, std::min(1.0, read(rest) / read(tile)));
  }
  return static_cast<double>(whole) + last;
}

/// Bytes beside the elements that come along when rows are copied out of a cache of chunks: of each about a cache line.
double bytes_beside_rows(const StageProgram& program, const TaskLayout& layout) {
  constexpr double kLine = 64;
  double rows = 0;
  for (const StageInput& input : program.inputs()) {
    const Box& box = layout.values[static_cast<std::size_t>(input.value)].box;
    if (input.cached && !box.empty()) rows += static_cast<double>(box.count()) / static_cast<double>(box.rank() == 0 ? 1 : box.shape.back());
  }
  return rows * kLine;
}

/// Seconds until a task has what it reads of intermediate results in memory, out of the cache that lanes share or from beyond.
double seconds_of_stores(const Plan& plan, const StageProgram& program, const TaskLayout& layout, const Rates& rates) {
  double seconds = 0;
  for (const StageInput& input : program.inputs()) {
    const Spec& spec = plan.spec(input.ref);
    if (input.store < 0 || plan.stores[static_cast<std::size_t>(input.store)].on_disk || spec.bytes() <= rates.cache_bytes) continue;
    const Index bytes = layout.values[static_cast<std::size_t>(input.value)].box.count() * size_of(spec.dtype);
    const bool is_shared = spec.bytes() <= rates.shared_cache_bytes;
    seconds += static_cast<double>(bytes) / (is_shared ? rates.shared_bytes_per_second : rates.memory_bytes_per_second);
  }
  return seconds;
}

/// How many tiles of the axis before mirrored ones may come at each place: one, or as many as fill a chunk.
std::vector<Index> runs_in_chunks(const Stage& stage, const std::vector<int>& order, const std::vector<std::vector<Index>>& chunks) {
  std::vector<Index> runs{1};
  if (order.size() < 3) return runs;
  const int axis = order[order.size() - 3];
  for (const Index chunk : chunks[static_cast<std::size_t>(axis)]) {
    const Index extent = std::min(chunk, stage.domain.shape[axis]), run = (extent + stage.tile[axis] - 1) / stage.tile[axis];
    if ((extent == stage.domain.shape[axis] || extent % stage.tile[axis] == 0) && std::find(runs.begin(), runs.end(), run) == runs.end())
      runs.push_back(run);
  }
  return runs;
}

/// Memory of the largest task: corners and the middle, where halos differ.
Index largest_task(const StageProgram& program, const Stage& stage) {
  Index most = program.lay_out(middle_tile(stage)).task_bytes;
  if (tile_count(stage) == 1) return most;
  Stage in_order = stage;
  in_order.order.clear();
  in_order.mirror = {};
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
Index state_bytes(const StageProgram& program, const Stage& stage, const Box& tile, const std::vector<int>& order, bool in_pairs,
                  int lanes, Index ahead) {
  Index bytes = 0;
  for (std::size_t b = 0; b < stage.body.size(); ++b) {
    if (!program.is_accumulated(static_cast<int>(b))) continue;
    const Op& op = program.op(static_cast<int>(b));
    const Fold& fold = *op.fold();
    const OwnMap& owned = stage.owned.at({stage.body[b], -1});
    // A tile that has nothing of the reduction tells nothing of it.
    const Box some = owned_box(owned, tile, op.domain()), part = some.empty() ? Box(op.domain()) : some;
    Index leaves = 1, leaves_in_tile = 1, unordered = 0;
    std::vector<int> split_axes;
    // Leaves are numbered with the last reduced axis fastest: while that is split, what a tile has of the next rows has to wait.
    for (std::size_t i = fold.axes().size(); i-- > 0;) {
      const int k = fold.axes()[i];
      const Index leaf = fold.leaf()[k], in_tile = (part.shape[k] + leaf - 1) / leaf;
      if (!split_axes.empty()) unordered += (in_tile - 1) * leaves;
      leaves *= (op.domain()[k] + leaf - 1) / leaf;
      leaves_in_tile *= in_tile;
      const int axis = owned[static_cast<std::size_t>(k)].anchor_axis;
      if (axis >= 0 && stage.tile[axis] < stage.domain.shape[axis]) split_axes.push_back(axis);
    }
    const Index state = fold.state_words() * 8;
    const Index kept_tile = kept_count(fold, part), kept_all = kept_count(fold, Box(op.domain()));
    if (split_axes.empty()) {
      bytes += state * std::min(kept_tile, StageProgram::most_kept(fold)) * std::min<Index>(leaves_in_tile, 32) * lanes;
      continue;
    }
    // Pieces stay open until their last tile: all of them, unless the reduced axes run fastest.
    const auto runs_fastest = [&](int axis) {
      return std::find(order.end() - static_cast<std::ptrdiff_t>(split_axes.size()), order.end(), axis) != order.end();
    };
    const bool one_by_one = !in_pairs && std::all_of(split_axes.begin(), split_axes.end(), runs_fastest);
    const Index open = one_by_one ? std::min(kept_all, 2 * kept_tile) : kept_all;
    const Index levels = std::max<Index>(1, fold_levels(leaves));
    // An open piece has a state on each level of its tree, and what came before its turn. In mirrored pairs leaves come in an order that is
    // not their own: all of them may have to wait.
    const Index waiting = in_pairs ? leaves : std::min(leaves, unordered);
    bytes += state * (open * (levels + waiting) + kept_tile * std::min(leaves, fold_window(lanes + ahead) * leaves_in_tile));
  }
  return bytes;
}

/// Whether what a tile needs depends on where it lies in ways that corners and the middle do not tell: a warp over a pole.
bool is_gathered(const Plan& plan, const Stage& stage) {
  return std::any_of(stage.body.begin(), stage.body.end(), [&](int node) {
    const Op& op = *plan.nodes[static_cast<std::size_t>(node)].op;
    for (int i = 0; i < op.input_count(); ++i)
      for (const AxisMap& map : op.input(i))
        if (map.kind == AxisKind::kGather) return true;
    return false;
  });
}

/// Memory of the largest task of all, as far as they can be looked at: of more than that some, evenly.
Index largest_of_all(const Plan& plan, const Stage& stage, const std::vector<SinkFacts>& sinks) {
  constexpr Index kMostLooks = 8192;
  StageProgram program(plan, stage, sinks, {});
  if (stage.goes_onward)
    program.read_onward(nullptr);
  else if (stage.cache_bytes > 0)
    program.read_through(nullptr);
  const Index tiles = tile_count(stage), step = (tiles + kMostLooks - 1) / kMostLooks;
  Index most = stage.task_bytes;
  for (Index tile = 0; tile < tiles; tile += step) most = std::max(most, program.lay_out(tile_box(stage, tile)).task_bytes);
  return most;
}

/// @param memory  by the tasks at corners and in the middle
TileChoice choose_by_some(const Plan& plan, Stage& stage, const TileRules& rules, const std::vector<SinkFacts>& sinks, Index memory,
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

  // Mirrored axes have the same tiles: what both can have is tried on both.
  const std::vector<MirroredAxes> mirrors = mirrored_axes(program, stage);
  for (const MirroredAxes& mirror : mirrors) {
    const Index both = std::lcm(rules.step[static_cast<std::size_t>(mirror.first)], rules.step[static_cast<std::size_t>(mirror.second)]);
    for (const int axis : {mirror.first, mirror.second}) chunks[static_cast<std::size_t>(axis)].push_back(both);
  }

  // Of a small stage any tile takes milliseconds: pricing hundreds would take longer than running the worst of them.
  constexpr Index kSmallElements = 1 << 20;
  const double most_combinations = element_count(stage.domain.shape) <= kSmallElements ? 100 : 4000;
  std::vector<std::vector<Index>> tries(static_cast<std::size_t>(rank));
  for (const bool coarse : {false, true}) {
    double combinations = 1;
    for (int k = 0; k < rank; ++k) {
      const auto axis = static_cast<std::size_t>(k);
      tries[axis] = rules.exactly.empty() ? extents(stage.domain.shape[k], rules.step[axis], rules.whole[axis], chunks[axis], coarse)
                                          : std::vector<Index>{std::min(rules.exactly[k], stage.domain.shape[k])};
      combinations *= static_cast<double>(tries[axis].size());
    }
    if (combinations <= most_combinations) break;
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

  // The same with chunks kept in a cache: a task then holds one encoded chunk, not all of its own.
  StageProgram cached_program(plan, stage, sinks, {});
  cached_program.read_through(nullptr);
  // And with decoders that stop within chunks.
  StageProgram onward_program(plan, stage, sinks, {});
  onward_program.read_onward(nullptr);
  const bool may_go_onward = std::any_of(onward_program.inputs().begin(), onward_program.inputs().end(), std::mem_fn(&StageInput::goes_onward));

  const Index largest_chunk = program.largest_chunk_bytes();
  const ReadCost whole = program.lay_out(stage.domain).read;
  const double read_once = static_cast<double>(whole.bytes), decoded_once = static_cast<double>(whole.decoded);
  TileChoice best;
  best.seconds = std::numeric_limits<double>::infinity();
  best.smallest_budget = std::numeric_limits<Index>::max();
  Stage chosen = stage;

  /// Tiles of `stage.tile`, fractional: those at the edge cost less.
  const auto tiles_of_stage = [&] {
    double tiles = 1;
    for (int k = 0; k < rank; ++k) tiles *= static_cast<double>(stage.domain.shape[k]) / static_cast<double>(stage.tile[k]);
    return tiles;
  };
  /// What tiles of `stage.tile` cost in all, and what they read.
  struct Price {
    double seconds, bytes_read, reading_tiles;
  };
  const auto price_of = [&](const TaskLayout& layout, int slots, const CachedRead& read) -> Price {
    const double tiles = tiles_of_stage();
    double reads = 1;
    for (int k = 0; k < rank; ++k) reads *= reading_tiles(stage.domain.shape[k], stage.tile[k], chunks[static_cast<std::size_t>(k)]);
    if (read.cache_bytes > 0) reads = tiles;  // its bytes are those of all tiles together
    const double whole_tiles = static_cast<double>(tile_count(stage));
    const double lanes = std::min(static_cast<double>(std::min(slots, threads)), std::max(1.0, whole_tiles));
    // What the lane that is done last has of `count` tiles: its share, or the full ones that are left to it when there are few.
    double full_tiles = 1;
    for (int k = 0; k < rank; ++k) full_tiles *= static_cast<double>(stage.domain.shape[k] / std::max<Index>(1, stage.tile[k]));
    const auto of_last_lane = [&](double count) {
      return std::max(count / std::max(1.0, whole_tiles) * std::ceil(whole_tiles / lanes), std::ceil(full_tiles / lanes));
    };
    const double read_share = layout.read.decoded > 0 ? read.decoded / static_cast<double>(layout.read.decoded) : 1;
    const double bytes_read = static_cast<double>(layout.read.bytes) * read_share;

    // What is streamed is read and decoded by all lanes, whoever has the task.
    const double stream_lanes = std::min<double>(threads, static_cast<double>(slots * layout.stream_lanes));
    const double streamed = layout.read.decoded > 0 ? static_cast<double>(layout.streamed) / static_cast<double>(layout.read.decoded) : 0;
    const double waiting = read.keeps_chunks() ? 1 + kWaitForChunks * read.waits : 1;
    const double reading = (waiting * read.decoded + read.resumed) / rates.decode_bytes_per_second +
                           bytes_read / rates.read_bytes_per_second +
                           static_cast<double>(layout.read.requests) * read_share * rates.request_seconds +
                           static_cast<double>(layout.remote_requests) * read_share * kRemoteRequestSeconds;
    const double shared_nanoseconds = layout.streamed > 0 ? layout.shared_nanoseconds : 0;
    double cpu = (layout.nanoseconds - shared_nanoseconds) * 1e-9 / rates.core_speed;
    cpu += static_cast<double>(layout.writes) * rates.request_seconds;
    double shared_cpu = shared_nanoseconds * 1e-9 / rates.core_speed;
    const Index held = layout.task_bytes - layout.spare_bytes;
    if (held > rates.cache_bytes) {
      // Tasks that are read ahead wait; a lane comes back to what its last step has left, not to all that its task holds.
      const bool is_shared = static_cast<double>(std::min(held, layout.largest_step)) * lanes <= static_cast<double>(rates.shared_cache_bytes);
      const double rate = is_shared ? rates.shared_bytes_per_second : rates.memory_bytes_per_second;
      const Index by_all = layout.streamed > 0 ? layout.shared_touched_bytes : 0;
      cpu += static_cast<double>(layout.touched_bytes - by_all) / rate;
      shared_cpu += static_cast<double>(by_all) / rate;
    }
    cpu += seconds_of_stores(plan, program, layout, rates);
    // Out of the cache elements are copied, through memory.
    if (read.keeps_chunks())
      cpu += (2 * static_cast<double>(layout.read_bytes) + bytes_beside_rows(cached_program, layout)) / rates.memory_bytes_per_second;
    const double write = static_cast<double>(layout.bytes_written - layout.shared_written) / rates.write_bytes_per_second;
    const double shared_write = static_cast<double>(layout.shared_written) / rates.write_bytes_per_second;
    double seconds = of_last_lane(tiles) * (cpu + write) + of_last_lane(reads) * (1 - streamed) * reading + whole_tiles * rates.tile_seconds / lanes;
    seconds += (tiles * (shared_cpu + shared_write) + reads * streamed * reading) / stream_lanes;
    seconds += (std::min<double>(slots, whole_tiles) * static_cast<double>(held) + static_cast<double>(read.cache_bytes)) /
               rates.fresh_bytes_per_second / (streamed > 0 ? stream_lanes : lanes);
    seconds += std::max(0.0, bytes_read * reads - read_once) / rates.again_bytes_per_second;
    // What was spilled comes from the disk: nobody knows how much of it the system has kept in memory.
    seconds += static_cast<double>(layout.store_bytes) * tiles / rates.again_bytes_per_second;
    seconds += static_cast<double>(layout.seeks) * tiles * rates.seek_seconds / lanes;
    // What all lanes share: the disk. While it is waited for the lanes' work costs little, but not nothing.
    const auto at_least = [&](double bytes, double rate) {
      if (rate > 0) seconds = std::max(seconds, bytes / rate) + 0.05 * std::min(seconds, bytes / rate);
    };
    at_least(bytes_read * reads, rates.all_read_bytes_per_second);
    at_least(static_cast<double>(layout.bytes_written) * tiles, rates.all_write_bytes_per_second);
    // Without a task to read ahead, reading and computing take turns when the data is not in memory yet.
    if (slots <= static_cast<int>(lanes) && whole_tiles > lanes) seconds *= 1.02;
    return {seconds, bytes_read * reads, reads};
  };

  /// One way to run the tiles of `stage.tile`: taken when it is the best so far.
  const auto consider = [&](const TaskLayout& layout, const std::vector<int>& order, const MirroredAxes& mirror, Index pinned, int slots,
                            const CachedRead& read) {
    const auto [seconds, bytes_read, reads] = price_of(layout, slots, read);
    const double tiles = tiles_of_stage(), whole_tiles = static_cast<double>(tile_count(stage));
    const bool better =
        !price ? !best.fits : seconds < best.seconds * 0.999 || (seconds < best.seconds * 1.001 && layout.task_bytes < chosen.task_bytes);
    if (!better) return;
    const Index most = largest_task(read.goes_onward ? onward_program : read.keeps_chunks() ? cached_program : program, stage);
    if (most + pinned > memory) return;
    slots = static_cast<int>(std::min<double>(slots, std::max(1.0, whole_tiles)));
    // A cache with a little less room still keeps nearly all that it should.
    while (slots > 1 && slots * most + pinned + read.cache_bytes - read.cache_bytes / 8 > memory) --slots;
    const Index cache_room = memory - pinned - slots * most;
    if (cache_room < read.cache_bytes - read.cache_bytes / 8) return;
    // What lanes decode ahead instead of waiting for each other.
    const Index ahead = read.keeps_chunks() && threads > 1 ? threads * largest_chunk : 0;
    const Index cache_bytes = std::min(read.cache_bytes + ahead, cache_room);
    best.fits = true;
    best.seconds = seconds;
    chosen = stage;
    chosen.order = order;
    chosen.mirror = mirror;
    chosen.slots = slots;
    chosen.task_bytes = most;
    chosen.pinned_bytes = pinned;
    chosen.cache_bytes = cache_bytes;
    chosen.goes_onward = read.goes_onward;
    Estimate& e = chosen.estimate;
    e.tiles = tile_count(stage);
    e.bytes_read = static_cast<Index>(std::llround(bytes_read));
    e.bytes_written = static_cast<Index>(std::llround(static_cast<double>(layout.bytes_written) * tiles));
    e.requests =
        static_cast<Index>(std::llround(static_cast<double>(layout.read.requests) * reads + static_cast<double>(layout.writes) * tiles));
    e.peak_bytes = slots * most + pinned + cache_bytes;
    e.seconds = seconds;
  };
  const auto most_slots = [&](const TaskLayout& layout, Index room) {
    return static_cast<int>(std::clamp<Index>(room / std::max<Index>(layout.task_bytes, 1), 1, threads + tasks_ahead(layout)));
  };

  struct AcrossChunks {
    Shape tile;
    Index ahead;
  };
  std::vector<AcrossChunks> across;
  const double once = decoded_once / (mirrors.empty() ? 1 : 2);
  std::vector<std::size_t> at(static_cast<std::size_t>(rank), 0);
  while (true) {
    stage.tile = Shape(rank);
    for (int k = 0; k < rank; ++k) stage.tile[k] = tries[static_cast<std::size_t>(k)][at[static_cast<std::size_t>(k)]];
    const Box middle = middle_tile(stage);
    const TaskLayout layout = program.lay_out(middle);
    const Index ahead = tasks_ahead(layout);
    for (const auto& order : orders) {
      const Index pinned = state_bytes(program, stage, middle, order, false, threads, ahead), room = memory - pinned;
      if (layout.task_bytes + pinned < best.smallest_budget)
        best.smallest_budget = std::min(best.smallest_budget, largest_task(program, stage) + pinned);
      if (layout.task_bytes > room) continue;
      const int most = most_slots(layout, room);
      consider(layout, order, {}, pinned, most, {static_cast<double>(layout.read.decoded), 0});
      // Tasks that are read ahead touch memory, too.
      if (most > threads) consider(layout, order, {}, pinned, threads, {static_cast<double>(layout.read.decoded), 0});
      // One task for all lanes touches less memory than one each, where they can share its work.
      if (most > 1 && layout.streamed > 0) consider(layout, order, {}, pinned, 1, {static_cast<double>(layout.read.decoded), 0});
    }

    if (price && static_cast<double>(layout.read.decoded) * tiles_of_stage() > 1.05 * once) across.push_back({stage.tile, ahead});
    int k = rank - 1;
    for (; k >= 0; --k) {
      if (++at[static_cast<std::size_t>(k)] < tries[static_cast<std::size_t>(k)].size()) break;
      at[static_cast<std::size_t>(k)] = 0;
    }
    if (k < 0) break;
  }
  for (const AcrossChunks& one : across) {
    if (!may_go_onward) break;
    stage.tile = one.tile;
    std::vector<int> order = plain_order;
    const CachedRead read = read_onward(onward_program, stage, order, threads, decoded_once / tiles_of_stage());
    if (read.cache_bytes == 0) continue;
    const Box middle = middle_tile(stage);
    const TaskLayout onward = onward_program.lay_out(middle);
    const Index pinned = state_bytes(program, stage, middle, order, false, threads, one.ahead);
    if (onward.task_bytes + pinned + read.cache_bytes <= memory) consider(onward, order, {}, pinned, 1, read);
  }
  // Chunks that lie across tiles are kept, where that could be the cheapest. After all others: those who decode everything once anyway rule
  // most of these out, and what they read is long to work out.
  const double least_decoding = (1 + kWaitForChunks * (threads > 1 ? kOutOfStep : 0)) * once / rates.decode_bytes_per_second / threads;
  for (const AcrossChunks& one : across) {
    if (least_decoding >= best.seconds) break;
    stage.tile = one.tile;
    const Box middle = middle_tile(stage);
    const TaskLayout cached = cached_program.lay_out(middle);
    // At best everything is decoded once, and the cache costs nothing.
    const int most = most_slots(cached, memory);
    const CachedRead at_best{.decoded = once / tiles_of_stage(), .cache_bytes = 1, .waits = threads > 1 ? kOutOfStep : 0};
    double least = std::numeric_limits<double>::infinity();
    for (int slots = most; slots >= 1; --slots) least = std::min(least, price_of(cached, slots, at_best).seconds);
    if (least >= best.seconds) continue;
    for (const auto& order : orders) {
      const Index pinned = state_bytes(program, stage, middle, order, false, threads, one.ahead), room = memory - pinned;
      if (cached.task_bytes > room) continue;
      const KeptRows rows(cached_program, stage, order, middle);
      for (int slots = most_slots(cached, room), least_slots = std::max(1, slots - 1); slots >= least_slots; --slots) {
        const CachedRead read = rows.read(cached.read, slots, threads, room - slots * cached.task_bytes);
        if (read.cache_bytes > 0) consider(cached, order, {}, pinned, slots, read);
      }
    }
    for (MirroredAxes mirror : mirrors) {
      std::vector<int> order;
      for (const int k : plain_order)
        if (k != mirror.first && k != mirror.second) order.push_back(k);
      order.push_back(mirror.first), order.push_back(mirror.second);
      const Index pinned = state_bytes(program, stage, middle, order, true, threads, one.ahead), room = memory - pinned;
      if (cached.task_bytes > room) continue;
      for (const Index run : runs_in_chunks(stage, order, chunks)) {
        mirror.run = run;
        for (int slots = most_slots(cached, room), least_slots = std::max(1, slots - 1); slots >= least_slots; --slots) {
          const CachedRead read = read_in_mirrored_pairs(cached_program, stage, order, mirror, room - slots * cached.task_bytes);
          if (read.cache_bytes > 0) consider(cached, order, mirror, pinned, slots, read);
        }
      }
    }
  }
  stage = chosen;
  if (!best.fits) return best;

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

}  // namespace

TileChoice choose_tiles(const Plan& plan, Stage& stage, const TileRules& rules, const std::vector<SinkFacts>& sinks, Index memory,
                        int threads, const Rates& rates, bool price) {
  if (!is_gathered(plan, stage)) return choose_by_some(plan, stage, rules, sinks, memory, threads, rates, price);
  const Stage given = stage;
  TileChoice choice;
  // Smaller tiles need less at their worst, too.
  constexpr int kTries = 6;
  Index room = memory, most = 0;
  for (int k = 0; k < kTries; ++k, room /= 3) {
    stage = given;
    choice = choose_by_some(plan, stage, rules, sinks, room, threads, rates, price);
    if (!choice.fits) break;
    most = largest_of_all(plan, stage, sinks);
    const Index left = memory - stage.pinned_bytes - stage.cache_bytes;
    if (most > left) continue;
    stage.task_bytes = most;
    stage.slots = static_cast<int>(std::min<Index>(stage.slots, left / std::max<Index>(1, most)));
    stage.estimate.peak_bytes = stage.slots * most + stage.pinned_bytes + stage.cache_bytes;
    return choice;
  }
  if (most > 0) choice.smallest_budget = std::max(choice.smallest_budget, most + stage.pinned_bytes);
  choice.fits = false;
  return choice;
}

}  // namespace freestone
