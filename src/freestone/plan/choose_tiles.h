/// The cheapest tile shape and order of a stage that fit the memory.
#pragma once

#include <string>
#include <vector>

#include "freestone/plan/stage_program.h"

namespace freestone {

/// Rates of the machine, for pricing. The defaults suit a core of the 2020s and a local SSD with a warm page cache.
struct Rates {
  double read_bytes_per_second = 4e9;   ///< one lane, into memory
  double again_bytes_per_second = 4e8;  ///< what is read twice, or read over: the disk may have to give it again
  double write_bytes_per_second = 1.5e9;
  double request_seconds = 2e-6;
  double tile_seconds = 10e-6;
  double shared_bytes_per_second = 12e9;  ///< one lane, beyond its own cache
  double memory_bytes_per_second = 6e9;   ///< one lane, beyond the cache that lanes share
  double fresh_bytes_per_second = 3e9;    ///< memory that is touched for the first time
  Index cache_bytes = Index{3} << 19;     ///< of one lane
  Index shared_cache_bytes = Index{24} << 20;
};

/// What a stage asks of its tiles, on each axis of the anchor.
struct TileRules {
  std::vector<bool> whole;       ///< the tile must span the axis
  std::vector<Index> step;       ///< edges lie at multiples of this, from the start of the domain
  std::vector<std::string> why;  ///< what asked for `whole`, for people
};

struct TileChoice {
  bool fits = false;
  Index smallest_budget = 0;  ///< when nothing fits: the memory that would do for this stage
  double seconds = 0;
};

/// Fills tile, order, slots, task_bytes, pinned_bytes, reason and estimate of `stage`.
/// @param memory   what the stage may hold, bytes
/// @param threads  compute lanes
TileChoice choose_tiles(const Plan& plan, Stage& stage, const TileRules& rules, const std::vector<SinkFacts>& sinks, Index memory,
                        int threads, const Rates& rates = {});

}  // namespace freestone
