/// ClusterForecast: how long a run would take on a cluster that is not here, and what would hold it back.
///
/// Stage by stage: its tasks on the lanes, each on the one that is free first; its bytes over the shared disk and over the workers' networks,
/// the states that reductions send, and the scheduler, which does so many tasks a second. They overlap, so the slowest of them is the time.
/// How quickly chunks decode depends on what is in them, so a chunk of each file on this machine is decoded here, and timed.
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/cluster_run.h"

namespace freestone {

struct ClusterShape {
  Index workers = 1;
  Index threads = 1;                      ///< of a worker
  Index cores = 0;                        ///< of all workers together, where they have fewer than threads: local clusters; 0: one a thread
  Index memory_bytes = Index{4} << 30;    ///< of a worker: its limit
  double disk_bytes_per_second = 0;       ///< of the storage that all share, in all; 0: no limit
  double network_bytes_per_second = 0;    ///< of one worker; 0: no limit
  double tasks_per_second = 400;          ///< of Dask's scheduler: 2.1 to 3.4 ms a task were measured
};

/// "workers=1000,threads=8,cores=8000,memory=32GiB,disk=20GB,network=1.25GB,tasks=400"; what is left out is as above.
/// @throws Error kind user: an unknown word or a value that does not parse
ClusterShape parse_cluster(const std::string& text);

/// Memory of one task and its threads by what a worker is allowed: 0.6 of its limit less what a process of the package holds.
Index task_memory(const ClusterShape& shape);

struct StageForecast {
  std::string what;
  Index tiles = 0, tasks = 0;
  Index bytes_moved = 0;  ///< read, written and sent
  double compute_seconds = 0, disk_seconds = 0, network_seconds = 0, scheduler_seconds = 0;
  double seconds = 0;
  std::string limit;  ///< "processors", "disk", "network", "scheduler", "too few tiles"
};

struct ClusterForecast {
  std::vector<StageForecast> stages;
  double end_seconds = 0;  ///< what the process that asked writes itself at the end
  double seconds = 0;
  Index tasks = 0, bytes_moved = 0;
};

/// Bytes a second that come out of the codecs of a source, by one thread: of a chunk, the best of three. 0: it has no codecs, is not in a file on
/// this machine, or stands for data that is not here.
/// @throws Error kind io or data: the chunk cannot be read
double measured_decode_rate(const Source& source);

/// Seconds of one lane for all tiles of each of `run.stages()`, as planned, but with the decoding of files here as `measured_decode_rate` has it.
/// @throws Error as measured_decode_rate
std::vector<double> lane_seconds(const ClusterRun& run);

/// @param run           planned with `task_memory` and one thread, for a disk without limit: its seconds are those of processors
/// @param lane_seconds  one a stage, of one lane
ClusterForecast forecast(const ClusterRun& run, const ClusterShape& shape, const std::vector<double>& lane_seconds);

/// In words, with the same run on half, twice and four times as many workers.
std::string explain(const ClusterRun& run, const ClusterShape& shape);

}  // namespace freestone
