/// run_plan: runs a Plan on this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/core/cancel.h"
#include "freestone/exec/journal.h"
#include "freestone/plan/stage_program.h"
#include "freestone/runtime/events.h"

namespace freestone {

struct RunOptions {
  std::string temp_dir = "/var/tmp";
  EventStream* events = nullptr;
  const Cancel* cancel = nullptr;
  std::string journal_path;             ///< where finished tiles are noted; empty: nowhere
  std::string job;                      ///< what the journal says of the job
  const Journal::Left* left = nullptr;  ///< what a killed run of the same plan has finished already
};

/// Runs all stages; `sinks[i]` takes root i. Every sink is created before anything is read, and finished after everything is
/// written; on any error all are aborted, and what had their names before is untouched.
/// @throws Error  the first error; kind cancelled when `cancel` was requested
void run_plan(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& sinks, const RunOptions& options = {});

}  // namespace freestone
