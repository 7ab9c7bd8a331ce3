/// run_stage: runs the tiles of one stage on lanes.
///
/// A task holds one slot: memory for everything that its tile needs, leased whole before the stage begins and used again
/// by the next task. I/O lanes fetch ahead into free slots, where fetching takes long beside computing; a compute lane takes the oldest fetched
/// task, or, when none is ready, fetches one itself, so no lane is idle while there is work. Lanes never wait for memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/core/cancel.h"
#include "freestone/exec/journal.h"
#include "freestone/plan/stage_program.h"
#include "freestone/runtime/budget.h"
#include "freestone/runtime/events.h"

namespace freestone {

class FoldStates;

struct StageRun {
  const Plan& plan;
  int stage = 0;
  const std::vector<SinkFacts>& sinks;
  const std::vector<std::shared_ptr<const Source>>& store_sources;
  const std::vector<std::shared_ptr<Sink>>& store_sinks;
  Budget& budget;
  EventStream& events;
  const Cancel& cancel;
  Journal* journal = nullptr;                   ///< where finished tiles are noted
  const std::vector<bool>* finished = nullptr;  ///< tiles that an earlier run has written
  Index first = 0, last = -1;                   ///< tiles to run, without `last`; -1: to the end
  FoldStates* states = nullptr;                 ///< states of earlier tiles, and in their place those that are left (exec/fold_states.h)
};

/// @throws Error  the first error of any lane, with the operation and the region; kind cancelled
void run_stage(const StageRun& run);

}  // namespace freestone
