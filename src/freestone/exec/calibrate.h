/// Measures this machine for the prices of plans: disk, memory, cores.
#pragma once

#include <string>

#include "freestone/plan/rates.h"

namespace freestone {

/// A few seconds of work: a file in `temp_dir` written, read again from the page cache and from the disk (the system is asked to forget it;
/// where it does not, the two are the same), memory copied in and beyond the caches, and arithmetic of the kind that operations were timed
/// with.
/// @throws Error kind io: the folder cannot be written, or has less than `bytes` free
Rates calibrate(const std::string& temp_dir, int threads, Index bytes = Index{512} << 20);

}  // namespace freestone
