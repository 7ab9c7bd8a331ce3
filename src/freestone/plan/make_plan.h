/// make_plan: from arrays and sinks to a Plan.
#pragma once

#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/plan/choose_tiles.h"
#include "freestone/plan/graph.h"

namespace freestone {

struct PlanOptions {
  Index budget = 0;  ///< bytes; must be given
  int threads = 1;
  Index temp_free_bytes = -1;             ///< free space for temporary stores; -1: not known, no limit
  std::vector<std::string> switched_off;  ///< names of passes (all_passes) that are left out
  Rates rates;
};

/// The cheapest plan that was found for writing `roots[i]` to `sinks[i]`, all of them together.
/// @throws Error kind user: a name in `switched_off` that is no pass
/// @throws Error kind memory: nothing fits the budget; names the smallest that would do
/// @throws Error kind user: more temporary space is needed than there is
Plan make_plan(const std::vector<Array>& roots, const std::vector<SinkFacts>& sinks, const PlanOptions& options);

}  // namespace freestone
