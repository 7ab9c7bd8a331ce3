/// What is left to do of a run that was killed.
#pragma once

#include <memory>
#include <vector>

#include "freestone/exec/journal.h"

namespace freestone {

/// True when every tile of the stage only writes to outputs that keep what they have: such tiles need not be made again.
bool is_resumable(const Stage& stage, const std::vector<std::shared_ptr<Sink>>& sinks);

/// The stages whose results are still wanted: temporary stores went with the run that was killed, so what feeds an unfinished stage is
/// made again. All of them without `left`.
std::vector<bool> needed_stages(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& sinks, const Journal::Left* left);

/// A run that was killed while its outputs got their names has renamed some of them: others stand for those, and let go of what is written.
/// @throws Error kind user: what was written of an output is gone
std::vector<std::shared_ptr<Sink>> without_done(std::vector<std::shared_ptr<Sink>> sinks, const Journal::Left* left);

}  // namespace freestone
