#include "freestone/plan/kept_chunks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "freestone/storage/chunked_source.h"

namespace freestone {
namespace {

// Places that are further apart are not the same place mirrored.
constexpr double kNear = 64;

// A decoder that goes on finds what it looks back over, and where it writes, out of the caches: that takes as long as decoding a quarter as much, and
// at most as decoding what is wanted of it once more (docs/decisions/0046).
constexpr double kResumedShare = 0.25;

AxisMotion exchanged(AxisMotion motion, int a, int b) {
  motion.anchor_axis = motion.anchor_axis == a ? b : motion.anchor_axis == b ? a : motion.anchor_axis;
  return motion;
}

bool are_mirrored(const StageInput& x, const StageInput& y, int a, int b) {
  bool moves = false;
  for (std::size_t k = 0; k < x.motion.size(); ++k) {
    const AxisMotion image = exchanged(x.motion[k], a, b);
    if (image.anchor_axis != y.motion[k].anchor_axis) return false;
    if (image.anchor_axis < 0) continue;
    if (image.slope != y.motion[k].slope || std::abs(image.start - y.motion[k].start) > kNear) return false;
    moves = moves || image.anchor_axis != x.motion[k].anchor_axis;
  }
  return moves;
}

/// Inputs that are looked at in two ways, mirrored along `mirror`.
std::vector<bool> mirrored_inputs(const StageProgram& program, const MirroredAxes& mirror) {
  const auto& inputs = program.inputs();
  std::vector<bool> out(inputs.size());
  for (std::size_t x = 0; x < inputs.size(); ++x)
    for (std::size_t y = 0; y < inputs.size(); ++y)
      if (x != y && inputs[x].ref == inputs[y].ref && inputs[x].source)
        out[x] = out[x] || are_mirrored(inputs[x], inputs[y], mirror.first, mirror.second);
  return out;
}

/// Decoded bytes of the inputs for a box of the anchor: of those in `mirrored`, and of the others.
struct Decoded {
  double mirrored = 0, others = 0;
};
Decoded decoded_for(const StageProgram& program, const std::vector<bool>& mirrored, const Box& anchor_box) {
  const TaskLayout layout = program.lay_out(anchor_box);
  Decoded out;
  for (std::size_t i = 0; i < mirrored.size(); ++i) {
    const StageInput& input = program.inputs()[i];
    const Box& box = layout.values[static_cast<std::size_t>(input.value)].box;
    if (!input.source || layout.inputs[i].in_memory || box.empty()) continue;
    (mirrored[i] ? out.mirrored : out.others) += static_cast<double>(input.source->cost(box).decoded);
  }
  return out;
}

}  // namespace

KeptRows::KeptRows(const StageProgram& program, const Stage& stage, const std::vector<int>& order, const Box& middle)
    : program_(program), middle_(middle), domain_(stage.domain) {
  Box run = middle;
  Index one_run = program.decoded_bytes(run);
  double tiles = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    const int axis = order[i];
    const Index extent = stage.domain.shape[axis];
    if (stage.tile[axis] >= extent) continue;
    axes_.push_back(axis);
    // Neighbours in the middle, and the first two: a border between chunks may happen to lie between some.
    Index shared = 0;
    for (const Index start : {run.start[axis], stage.domain.start[axis]}) {
      Box both = run, one = run;
      both.shape[axis] = std::min(2 * stage.tile[axis], extent);
      both.start[axis] = one.start[axis] = std::min(start, stage.domain.end(axis) - both.shape[axis]);
      shared = std::max(shared, 2 * program.decoded_bytes(one) - program.decoded_bytes(both));
    }
    run.start[axis] = stage.domain.start[axis], run.shape[axis] = extent;
    tiles *= static_cast<double>(extent) / static_cast<double>(stage.tile[axis]);
    const Index all_runs = program.decoded_bytes(run);
    rows_.push_back({shared, one_run, static_cast<double>(all_runs) / tiles});
    one_run = all_runs;
  }
}

Index KeptRows::decoded_of(const ReadCost& tile, int tiles, const Dims& first) const {
  Box run = middle_;
  run.start = first;
  double left = tiles;
  for (const int axis : axes_) {
    const Index extent = domain_.shape[axis], step = middle_.shape[axis];
    if (left * static_cast<double>(step) <= static_cast<double>(extent)) {
      run.shape[axis] = std::min(static_cast<Index>(std::ceil(left)) * step, extent);
      run.start[axis] = std::min(run.start[axis], domain_.end(axis) - run.shape[axis]);
      break;
    }
    run.start[axis] = domain_.start[axis], run.shape[axis] = extent;
    left *= static_cast<double>(step) / static_cast<double>(extent);
  }
  return std::min(tiles * tile.decoded, program_.decoded_bytes(run));
}

CachedRead KeptRows::read(const ReadCost& tile, int slots, int lanes, Index room) const {
  CachedRead best{static_cast<double>(tile.decoded), 0};
  // Tiles in flight hold their chunks, encoded until they are decoded. In the middle a border between chunks may happen to lie between them.
  const Index held = decoded_of(tile, slots, middle_.start) + slots * tile.bytes;
  Index kept = 0;
  for (const Row& row : rows_) {
    kept = std::min(kept + row.shared, row.run);
    const Index needed = held + kept;
    if (needed > room) break;
    if (row.decoded < 0.99 * best.decoded) best = {.decoded = row.decoded, .cache_bytes = needed};
  }
  if (best.cache_bytes == 0) return best;
  const int busy = std::min(lanes, slots);
  const double all = static_cast<double>(busy) * static_cast<double>(tile.decoded), most_shared = all - static_cast<double>(tile.decoded);
  const Index together = std::min(decoded_of(tile, busy, middle_.start), decoded_of(tile, busy, domain_.start));
  best.waits = most_shared > 0 ? std::clamp((all - static_cast<double>(together)) / most_shared, kOutOfStep, 1.0) : 0;
  return best;
}

std::vector<MirroredAxes> mirrored_axes(const StageProgram& program, const Stage& stage) {
  std::vector<MirroredAxes> out;
  for (int a = 0; a < stage.domain.rank(); ++a)
    for (int b = a + 1; b < stage.domain.rank(); ++b) {
      const MirroredAxes axes{a, b};
      const auto mirrored = mirrored_inputs(program, axes);
      if (stage.domain.shape[a] == stage.domain.shape[b] && std::find(mirrored.begin(), mirrored.end(), true) != mirrored.end()) out.push_back(axes);
    }
  return out;
}

CachedRead read_in_mirrored_pairs(const StageProgram& program, Stage stage, const std::vector<int>& order, MirroredAxes& mirror, Index room) {
  // Tiles that come at one place are one.
  if (mirror.run > 1) {
    const int axis = order[order.size() - 3];
    stage.tile[axis] = std::min(stage.tile[axis] * mirror.run, stage.domain.shape[axis]);
  }
  const Box middle = middle_tile(stage);
  const ReadCost tile = program.lay_out(middle).read;
  const CachedRead none{static_cast<double>(tile.decoded), 0};
  const int axes[] = {mirror.first, mirror.second};
  const Index step = stage.tile[mirror.first], extent = stage.domain.shape[mirror.first];
  if (stage.tile[mirror.second] != step || step >= extent) return none;
  const std::vector<bool> mirrored = mirrored_inputs(program, mirror);
  // Edges of squares are edges of tiles and of chunks, along both axes.
  Index side = step;
  for (std::size_t i = 0; i < mirrored.size(); ++i) {
    const StageInput& input = program.inputs()[i];
    if (!input.source || input.source->chunks().is_contiguous()) continue;
    for (std::size_t k = 0; k < input.motion.size(); ++k)
      if (std::abs(input.motion[k].slope) == 1 && std::find(std::begin(axes), std::end(axes), input.motion[k].anchor_axis) != std::end(axes))
        side = std::min(extent, std::lcm(side, std::max<Index>(1, input.source->chunks().chunk()[static_cast<int>(k)])));
  }
  const Index tiles = (extent + step - 1) / step;
  mirror.square = std::min(tiles, (side + step - 1) / step);
  side = std::min(extent, mirror.square * step);

  Box square = middle, row = middle;
  for (const int axis : axes) square.start[axis] = row.start[axis] = stage.domain.start[axis], square.shape[axis] = side;
  // A square beside the diagonal, when there is one: on the diagonal both ways read the same.
  square.start[mirror.second] = row.start[mirror.second] = stage.domain.start[mirror.second] + (2 * side <= extent ? side : 0);
  row.shape[mirror.first] = step, row.shape[mirror.second] = side;
  const Decoded all = decoded_for(program, mirrored, square), in_row = decoded_for(program, mirrored, row);
  // Between two uses of a chunk lies a row of tiles and their images, with what else those read; the next row brings its own side of a tile,
  // encoded at first.
  const double next = static_cast<double>(tile.decoded + tile.bytes) / 2, needed = in_row.mirrored + 2 * in_row.others + next;
  const double each = (all.mirrored / 2 + all.others) / static_cast<double>(mirror.square * mirror.square);
  if (needed > static_cast<double>(room) || each > 0.99 * none.decoded) return none;
  return {each / static_cast<double>(mirror.run), static_cast<Index>(needed)};
}

CachedRead read_onward(const StageProgram& program, const Stage& stage, std::vector<int>& order, int threads, double decoded) {
  int axis = -1;
  Index decoders = 0;
  double resumed = 0;
  const Box middle = middle_tile(stage);
  std::optional<TaskLayout> layouts[2];
  for (std::size_t i = 0; i < program.inputs().size(); ++i) {
    const StageInput& input = program.inputs()[i];
    if (input.source && input.source->memory()) continue;
    const auto* source = input.goes_onward ? dynamic_cast<const ChunkedSource*>(input.source.get()) : nullptr;
    if (source == nullptr) return {};
    const int slowest = source->onward_axis();
    const AxisMotion& motion = input.motion[static_cast<std::size_t>(slowest)];
    if (motion.anchor_axis < 0 || motion.slope != 1 || (axis >= 0 && axis != motion.anchor_axis)) return {};
    axis = motion.anchor_axis;
    const Shape &chunk = source->chunks().chunk(), &whole = source->spec().shape;
    for (std::size_t k = 0; k < input.motion.size(); ++k) {
      const int a = input.motion[k].anchor_axis;
      if (a < 0 || a == axis || stage.tile[a] >= stage.domain.shape[a]) continue;
      if (input.motion[k].slope != 1 || stage.tile[a] % chunk[static_cast<int>(k)] != 0) return {};
    }
    // What the next tile wants begins where this one ends, in the same chunks, whole along the other axes.
    Box next = middle;
    next.start[axis] += stage.tile[axis];
    next.shape[axis] = std::min(stage.tile[axis], stage.domain.end(axis) - next.start[axis]);
    if (next.shape[axis] <= 0) return {};
    if (!layouts[0]) layouts[0] = program.lay_out(middle), layouts[1] = program.lay_out(next);
    const Box &box = layouts[0]->values[static_cast<std::size_t>(input.value)].box, &after = layouts[1]->values[static_cast<std::size_t>(input.value)].box;
    if (box.empty() || after.empty() || after.start[slowest] < box.end(slowest)) return {};
    for (int k = 0; k < box.rank(); ++k) {
      if (k == slowest) continue;
      if (box.start[k] != after.start[k] || box.shape[k] != after.shape[k]) return {};
      if (box.start[k] % chunk[k] != 0 || (box.end(k) % chunk[k] != 0 && box.end(k) != whole[k])) return {};
    }
    const Index each = source->part_decoder_bytes();
    if (each < 0) return {};
    // Where a tile ends some chunks and begins others, the first of these wait beside the last of those.
    const Index chunks = source->cost(box).requests;
    decoders += (chunks + threads) * each;
    const double wanted = static_cast<double>(box.count() * size_of(source->spec().dtype));
    resumed += std::min(kResumedShare * static_cast<double>(chunks * each), wanted);
  }
  if (axis < 0) return {};
  order.erase(std::find(order.begin(), order.end(), axis));
  order.push_back(axis);
  return {decoded, decoders, true, resumed};
}

}  // namespace freestone
