/// explain: a plan in words that a scientist understands.
#pragma once

#include <string>

#include "freestone/plan/plan.h"

namespace freestone {

/// Several lines: stages, tiles, orders, bytes, tasks, peak memory, and why.
/// @param baseline_bytes  what the process holds before the run; part of the forecast peak
std::string explain(const Plan& plan, Index baseline_bytes);

/// "sigma_clip", "elementwise (add, sqrt)", "reduce std over axis 0": what a node does.
std::string describe(const Op& op);

/// What a stage does, in a few words: its operations and where the results go.
std::string describe(const Plan& plan, const Stage& stage);

}  // namespace freestone
