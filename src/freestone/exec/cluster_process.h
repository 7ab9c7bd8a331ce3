/// Runs on a Dask cluster from C++: through a process of the Python package that speaks to Dask's scheduler.
///
/// The helper (`python -m freestone.cluster serve`) places ranges of tiles on the cluster; it asks this process, line by line of JSON over
/// two pipes, for the plan, the ranges and the payload, and reports what is done. Outputs, locks and the journal stay here (cluster_run.h).
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/compute.h"

namespace freestone {

struct ClusterAddress {
  std::string scheduler;       ///< "tcp://host:8786" ...
  std::string scheduler_file;  ///< ... or the scheduler.json that Dask's scheduler wrote
  std::string python;          ///< the interpreter that has the package; empty: see helper_python
  std::string work_folder;     ///< as ClusterOptions
};

/// The interpreter: FREESTONE_PYTHON, else that of VIRTUAL_ENV, else python3 of the PATH.
std::string helper_python();

/// As write_outputs, on the workers of a cluster. `options.settings` is what this process itself may take.
/// @throws Error as write_outputs; kind user: there is no helper, the cluster cannot run it, naming the workers; kind io: the scheduler does
///   not answer, or has gone; then the run can be taken up with `resume`, here or on another cluster
void write_on_cluster(const std::vector<Output>& outputs, const ComputeOptions& options, const ClusterAddress& where);

/// As compute_all.
std::vector<Tensor> compute_on_cluster(const std::vector<Array>& arrays, const ComputeOptions& options, const ClusterAddress& where);

}  // namespace freestone
