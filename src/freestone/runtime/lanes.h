/// Lanes: the threads of a stage.
#pragma once

#include <functional>

#include "freestone/core/cancel.h"

namespace freestone {

/// Runs `work(0) ... work(count - 1)` at the same time, each on a thread of its own, a single one on the calling thread, and returns when all
/// have ended.
/// The first error that a lane throws is thrown here; `stop` is requested as soon as it is thrown, so that the other
/// lanes, which look at it, end soon.
void run_lanes(int count, Cancel& stop, const std::function<void(int lane)>& work);

}  // namespace freestone
