#include "freestone/runtime/lanes.h"

#include <pthread.h>

#include <csignal>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace freestone {

void run_lanes(int count, Cancel& stop, const std::function<void(int lane)>& work) {
  // To begin a thread takes as long as many a small run.
  if (count == 1) {
    try {
      return work(0);
    } catch (...) {
      stop.request();
      throw;
    }
  }
  std::mutex mutex;
  std::exception_ptr first;
  const auto guarded = [&](int lane) {
    try {
      work(lane);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!first) first = std::current_exception();
      stop.request();
    }
  };
  // Signals go to the threads that the host made, never to a lane.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  {
    std::vector<std::jthread> threads;
    try {
      for (int lane = 0; lane < count; ++lane) threads.emplace_back(guarded, lane);
    } catch (...) {
      const std::lock_guard lock(mutex);
      first = std::current_exception();
      stop.request();
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace freestone
