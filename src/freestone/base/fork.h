/// Forks: what a process must know of itself to be forked while its threads work.
///
/// A child of fork() has one thread, that which forked. A mutex that another thread held at that moment would stay locked in it for ever, and
/// what other threads were doing is never finished. So the few mutexes of the whole process are held by the forking thread meanwhile.
#pragma once

#include <functional>
#include <mutex>

namespace freestone {

/// From now on `mutex`, which lives as long as the process, is held during forks, in the order in which such mutexes were named, and free on
/// both sides afterwards. Thread-safe.
void hold_across_forks(std::mutex& mutex);

/// Calls `renew` in every child, after the mutexes are free. Thread-safe.
void after_fork_in_child(std::function<void()> renew);

}  // namespace freestone
