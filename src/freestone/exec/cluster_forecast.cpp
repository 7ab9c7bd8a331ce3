#include "freestone/exec/cluster_forecast.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <queue>

#include "freestone/core/buffer.h"
#include "freestone/core/paper_source.h"
#include "freestone/plan/rates.h"
#include "freestone/plan/stage_program.h"

namespace freestone {
namespace {

// A process of the package with Dask holds this before it does anything.
constexpr Index kProcessBytes = Index{200} << 20;
constexpr double kShareOfLimit = 0.6;
// From the last task of a stage to the first of the next: two ways over the network and the client's loop. Measured with 1 to 4 local workers.
constexpr double kBetweenStages = 0.02;
// Checks of all workers, the plan on its way, the journal; measured likewise.
constexpr double kStart = 0.1;
// A larger chunk is not decoded to see how long it takes.
constexpr Index kLargestSample = Index{64} << 20;
// Tiles whose reading is looked at, of a stage that has more.
constexpr Index kTilesLookedAt = 64;

double positive(const std::string& word, const std::string& value) {
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || !(number > 0) || !std::isfinite(number))
    fail(ErrorKind::kUser, "--cluster {}={}: a number above 0 is wanted.", word, value);
  return number;
}

/// Bytes that all tiles of a stage decode.
double bytes_decoded(const Plan& plan, const Stage& stage) {
  const std::vector<SinkFacts> sinks(plan.sink_names.size());
  const StageProgram program(plan, stage, sinks, {});
  if (stage.cache_bytes > 0 || stage.goes_onward) return static_cast<double>(program.decoded_bytes(stage.domain));
  const Index tiles = tile_count(stage), looked_at = std::min(tiles, kTilesLookedAt);
  double bytes = 0;
  for (Index i = 0; i < looked_at; ++i) bytes += static_cast<double>(program.decoded_bytes(tile_box(stage, i * tiles / looked_at)));
  return bytes * static_cast<double>(tiles) / static_cast<double>(looked_at);
}

/// Seconds until the last of the tasks has ended: each begins, in their order, on the lane that is free first.
double last_end(const std::vector<double>& tasks, Index lanes) {
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  double end = 0;
  for (const double seconds : tasks) {
    double begin = 0;
    if (static_cast<Index>(free_at.size()) == lanes) begin = free_at.top(), free_at.pop();
    free_at.push(begin + seconds);
    end = std::max(end, begin + seconds);
  }
  return end;
}

}  // namespace

double measured_decode_rate(const Source& source) {
  const std::string path = source.identity().path;
  std::error_code error;
  if (source.memory() || dynamic_cast<const PaperSource*>(&source) != nullptr || !std::filesystem::exists(path, error)) return 0;
  const Shape& shape = source.spec().shape;
  const ChunkGrid& grid = source.chunks();
  if (grid.is_contiguous() || element_count(shape) == 0) return 0;
  Dims middle(shape.rank());  // data at the edges may be missing
  for (int k = 0; k < shape.rank(); ++k) middle[k] = shape[k] / 2 / grid.chunk()[k];
  const Box chunk = grid.box(grid.index_of(middle));
  const Index decoded = source.cost(chunk).decoded;
  if (decoded == 0 || decoded > kLargestSample || chunk.count() * size_of(source.spec().dtype) > kLargestSample) return 0;
  const Index encoded_bytes = source.encoded_bytes(chunk);
  const Buffer encoded(std::max<Index>(64, encoded_bytes)), elements(chunk.count() * size_of(source.spec().dtype) + 64);
  const View out = View::contiguous(elements.data(), source.spec().dtype, chunk.shape);
  const std::span<std::byte> fetched = encoded.bytes().first(static_cast<std::size_t>(encoded_bytes));
  const Cancel cancel;
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 3; ++round) {
    source.fetch(chunk, fetched, cancel);  // each time: decoding may make use of its memory
    const auto begin = std::chrono::steady_clock::now();
    source.decode(chunk, fetched, out, cancel);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return static_cast<double>(decoded) / std::max(best, 1e-6);
}

std::vector<double> lane_seconds(const ClusterRun& run) {
  const Rates rates = known_rates();
  std::map<const Source*, double> measured;
  std::vector<double> out;
  for (const ClusterRun::StageFacts& facts : run.stages()) {
    out.push_back(facts.seconds);
    const Stage& stage = run.plan().stages[static_cast<std::size_t>(facts.number)];
    // Of several sources the slowest stands for all; one that is not known leaves the plan's own rate.
    double slowest = std::numeric_limits<double>::infinity();
    for (const ValueRef input : stage.inputs) {
      const Source* const source = run.plan().nodes[static_cast<std::size_t>(input.node)].op->source().get();
      if (source == nullptr || source->memory()) continue;
      const auto [place, is_new] = measured.try_emplace(source, 0);
      if (is_new) place->second = measured_decode_rate(*source);
      slowest = std::min(slowest, place->second);
    }
    if (slowest == 0 || std::isinf(slowest) || stage.domain.empty()) continue;
    const double decoding = bytes_decoded(run.plan(), stage);
    const double others = std::max(0.0, facts.seconds - decoding / rates.decode_bytes_per_second);
    out.back() = others + decoding / slowest;
  }
  return out;
}

ClusterShape parse_cluster(const std::string& text) {
  ClusterShape shape;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, end - at);
    at = end + 1;
    const auto equals = pair.find('=');
    const std::string word = pair.substr(0, equals), value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    if (word == "workers" || word == "threads" || word == "cores") {
      const double number = positive(word, value);
      if (number != std::floor(number) || number > 1e6) fail(ErrorKind::kUser, "--cluster {}={}: a whole number up to a million is wanted.", word, value);
      (word == "workers" ? shape.workers : word == "threads" ? shape.threads : shape.cores) = static_cast<Index>(number);
    } else if (word == "memory") {
      shape.memory_bytes = parse_bytes(value);
    } else if (word == "disk") {
      shape.disk_bytes_per_second = static_cast<double>(parse_bytes(value));
    } else if (word == "network") {
      shape.network_bytes_per_second = static_cast<double>(parse_bytes(value));
    } else if (word == "tasks") {
      shape.tasks_per_second = positive(word, value);
    } else {
      fail(ErrorKind::kUser, "--cluster: '{}' is none of workers=N, threads=N, cores=N, memory=SIZE, disk=RATE, network=RATE, tasks=RATE.", pair);
    }
  }
  if (task_memory(shape) < (Index{32} << 20))
    fail(ErrorKind::kUser, "--cluster: workers of {} and {} threads leave a task too little: 0.6 of the limit, less {} that a process holds, shared by the threads.",
         format_bytes(shape.memory_bytes), shape.threads, format_bytes(kProcessBytes));
  return shape;
}

Index task_memory(const ClusterShape& shape) {
  return (static_cast<Index>(kShareOfLimit * static_cast<double>(shape.memory_bytes)) - kProcessBytes) / shape.threads;
}

ClusterForecast forecast(const ClusterRun& run, const ClusterShape& shape, const std::vector<double>& lane_seconds) {
  ClusterForecast out;
  const Index lanes = shape.workers * shape.threads;
  for (const ClusterRun::StageFacts& facts : run.stages()) {
    StageForecast stage{.what = facts.what, .tiles = facts.tiles};
    const double tile = facts.tiles == 0 ? 0 : lane_seconds[out.stages.size()] / static_cast<double>(facts.tiles);
    std::vector<double> tasks;
    Index states = 0, merges = 0, last_group = -1;
    for (const ClusterRun::Range& range : run.ranges(facts.number, lanes)) {
      ++stage.tasks;
      tasks.push_back(static_cast<double>(range.last - range.first) * tile);
      if (!range.leaves_states) continue;
      states += facts.state_bytes;
      merges += range.group != last_group;
      last_group = range.group;
    }
    stage.bytes_moved = facts.bytes_read + facts.bytes_written + 2 * states;
    stage.compute_seconds = last_end(tasks, lanes);
    if (shape.cores > 0) stage.compute_seconds = std::max(stage.compute_seconds, tile * static_cast<double>(facts.tiles) / static_cast<double>(shape.cores));
    if (shape.disk_bytes_per_second > 0)
      stage.disk_seconds = static_cast<double>(facts.bytes_read + facts.bytes_written) / shape.disk_bytes_per_second;
    if (shape.network_bytes_per_second > 0)
      stage.network_seconds = static_cast<double>(stage.bytes_moved) / (shape.network_bytes_per_second * static_cast<double>(std::min(shape.workers, stage.tasks)));
    stage.scheduler_seconds = static_cast<double>(stage.tasks + merges) / shape.tasks_per_second;
    stage.tasks += merges;
    stage.seconds = std::max({stage.compute_seconds, stage.disk_seconds, stage.network_seconds, stage.scheduler_seconds});
    stage.limit = stage.seconds == stage.disk_seconds      ? "disk"
                  : stage.seconds == stage.network_seconds ? "network"
                  : stage.seconds == stage.scheduler_seconds ? "scheduler"
                  : stage.tasks < lanes                     ? "too few tiles"
                                                            : "processors";
    out.seconds += stage.seconds + kBetweenStages;
    out.tasks += stage.tasks;
    out.bytes_moved += stage.bytes_moved;
    out.stages.push_back(std::move(stage));
  }
  const double end_rate = shape.disk_bytes_per_second > 0 ? shape.disk_bytes_per_second : 1e9;
  const double network = shape.network_bytes_per_second > 0 ? shape.network_bytes_per_second : 1e9;
  out.end_seconds = 2 * static_cast<double>(run.bytes_at_the_end()) / std::min(end_rate, network);
  out.seconds += out.end_seconds + kStart;
  return out;
}

std::string explain(const ClusterRun& run, const ClusterShape& shape) {
  const std::vector<double> seconds = lane_seconds(run);
  const ClusterForecast now = forecast(run, shape, seconds);
  std::string text = fmt::format("simulated: {} workers of {} threads and {}, a task has {}\n", shape.workers, shape.threads, format_bytes(shape.memory_bytes),
                                 format_bytes(task_memory(shape)));
  int number = 0;
  for (const StageForecast& stage : now.stages) {
    text += fmt::format("stage {}: {}\n", ++number, stage.what);
    text += fmt::format("  tasks      {} of {} tiles; {:.0f} a second, Dask's scheduler does about {:.0f}\n", stage.tasks, stage.tiles,
                        static_cast<double>(stage.tasks) / std::max(stage.seconds, 1e-3), shape.tasks_per_second);
    text += fmt::format("  moves      {}\n", format_bytes(stage.bytes_moved));
    text += fmt::format("  seconds    {:.3g} of processors, {:.3g} of the disk, {:.3g} of the network, {:.3g} of the scheduler\n", stage.compute_seconds,
                        stage.disk_seconds, stage.network_seconds, stage.scheduler_seconds);
    text += fmt::format("  limit      {}\n", stage.limit);
  }
  if (now.end_seconds > 0) text += fmt::format("at the end the process that asked writes {}: {:.3g} s\n", format_bytes(run.bytes_at_the_end()), now.end_seconds);
  text += fmt::format("total: {} tasks, {} moved, about {:.3g} s\n", now.tasks, format_bytes(now.bytes_moved), now.seconds);
  text += "with other numbers of workers:\n";
  for (const double factor : {0.25, 0.5, 2.0, 4.0}) {
    ClusterShape other = shape;
    other.workers = static_cast<Index>(std::llround(static_cast<double>(shape.workers) * factor));
    if (other.workers < 1 || other.workers == shape.workers) continue;
    const ClusterForecast then = forecast(run, other, seconds);
    std::string limits;
    for (const StageForecast& stage : then.stages) limits += (limits.empty() ? "" : ", ") + stage.limit;
    text += fmt::format("  {:>7}  {:.3g} s  ({})\n", other.workers, then.seconds, limits);
  }
  return text;
}

}  // namespace freestone
