/// The cheapest tile shape and order of a stage that fit the memory.
#pragma once

#include <string>
#include <vector>

#include "freestone/plan/rates.h"
#include "freestone/plan/stage_program.h"

namespace freestone {

/// What a stage asks of its tiles, on each axis of the anchor.
struct TileRules {
  std::vector<bool> whole;       ///< the tile must span the axis
  std::vector<Index> step;       ///< edges lie at multiples of this, from the start of the domain
  std::vector<std::string> why;  ///< what asked for `whole`, for people
  Shape exactly;                 ///< not empty: this tile and no other
  std::vector<bool> across;      ///< leaves of a reduction lie across the edges of its tiles: a tile reads beyond its own
};

struct TileChoice {
  bool fits = false;
  Index smallest_budget = 0;  ///< when nothing fits: the memory that would do for this stage
  double seconds = 0;
};

/// Fills tile, order, slots, task_bytes, pinned_bytes, reason and estimate of `stage`.
/// @param memory   what the stage may hold, bytes
/// @param threads  compute lanes
/// @param price    false: the first tile that fits, whatever it costs
TileChoice choose_tiles(const Plan& plan, Stage& stage, const TileRules& rules, const std::vector<SinkFacts>& sinks, Index memory,
                        int threads, const Rates& rates, bool price = true);

}  // namespace freestone
