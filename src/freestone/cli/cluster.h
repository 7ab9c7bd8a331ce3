/// Runs on a Dask cluster: what --scheduler and --scheduler-file ask for.
#pragma once

#include <optional>

#include "freestone/cli/arguments.h"
#include "freestone/exec/cluster_process.h"

namespace freestone::cli {

/// Nothing when a run stays on this machine.
/// @throws UsageError  both options, or an address that is none
std::optional<ClusterAddress> cluster_of(const Arguments& arguments);

}  // namespace freestone::cli
