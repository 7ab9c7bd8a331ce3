#include "freestone/exec/cluster_forecast.h"

#include <algorithm>
#include <cmath>

namespace freestone {
namespace {

// A process of the package with Dask holds this before it does anything.
constexpr Index kProcessBytes = Index{200} << 20;
constexpr double kShareOfLimit = 0.6;
// From the last task of a stage to the first of the next: two ways over the network and the client's loop.
constexpr double kBetweenStages = 0.05;
// Checks of all workers, the plan on its way, the journal.
constexpr double kStart = 0.5;

double positive(const std::string& word, const std::string& value) {
  char* end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || !(number > 0) || !std::isfinite(number))
    fail(ErrorKind::kUser, "--cluster {}={}: a number above 0 is wanted.", word, value);
  return number;
}

}  // namespace

ClusterShape parse_cluster(const std::string& text) {
  ClusterShape shape;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string pair = text.substr(at, end - at);
    at = end + 1;
    const auto equals = pair.find('=');
    const std::string word = pair.substr(0, equals), value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    if (word == "workers" || word == "threads") {
      const double number = positive(word, value);
      if (number != std::floor(number) || number > 1e6) fail(ErrorKind::kUser, "--cluster {}={}: a whole number up to a million is wanted.", word, value);
      (word == "workers" ? shape.workers : shape.threads) = static_cast<Index>(number);
    } else if (word == "memory") {
      shape.memory_bytes = parse_bytes(value);
    } else if (word == "disk") {
      shape.disk_bytes_per_second = static_cast<double>(parse_bytes(value));
    } else if (word == "network") {
      shape.network_bytes_per_second = static_cast<double>(parse_bytes(value));
    } else if (word == "tasks") {
      shape.tasks_per_second = positive(word, value);
    } else {
      fail(ErrorKind::kUser, "--cluster: '{}' is none of workers=N, threads=N, memory=SIZE, disk=RATE, network=RATE, tasks=RATE.", pair);
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

ClusterForecast forecast(const ClusterRun& run, const ClusterShape& shape) {
  ClusterForecast out;
  const Index lanes = shape.workers * shape.threads;
  for (const ClusterRun::StageFacts& facts : run.stages()) {
    StageForecast stage{.what = facts.what, .tiles = facts.tiles};
    Index longest = 0, states = 0, merges = 0, last_group = -1;
    for (const ClusterRun::Range& range : run.ranges(facts.number, lanes)) {
      ++stage.tasks;
      longest = std::max(longest, range.last - range.first);
      if (!range.leaves_states) continue;
      states += facts.state_bytes;
      merges += range.group != last_group;
      last_group = range.group;
    }
    const double tile = facts.tiles == 0 ? 0 : facts.seconds / static_cast<double>(facts.tiles);
    const Index rounds = (stage.tasks + lanes - 1) / lanes;
    stage.bytes_moved = facts.bytes_read + facts.bytes_written + 2 * states;
    stage.compute_seconds = std::max(facts.seconds / static_cast<double>(std::min(lanes, stage.tasks)), static_cast<double>(rounds * longest) * tile);
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
  const ClusterForecast now = forecast(run, shape);
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
    const ClusterForecast then = forecast(run, other);
    std::string limits;
    for (const StageForecast& stage : then.stages) limits += (limits.empty() ? "" : ", ") + stage.limit;
    text += fmt::format("  {:>7}  {:.3g} s  ({})\n", other.workers, then.seconds, limits);
  }
  return text;
}

}  // namespace freestone
