#include "freestone/base/fork.h"

#include <pthread.h>

#include <vector>

namespace freestone {
namespace {

struct Forks {
  std::mutex own;
  std::vector<std::mutex*> held;
  std::vector<std::function<void()>> renewals;
};

Forks& forks() {
  static auto* all = [] {
    auto* made = new Forks;  // never destroyed: forks may come until the end
    pthread_atfork(
        [] {
          forks().own.lock();
          for (std::mutex* mutex : forks().held) mutex->lock();
        },
        [] {
          for (std::mutex* mutex : forks().held) mutex->unlock();
          forks().own.unlock();
        },
        [] {
          for (std::mutex* mutex : forks().held) mutex->unlock();
          forks().own.unlock();
          for (const auto& renew : forks().renewals) renew();
        });
    return made;
  }();
  return *all;
}

}  // namespace

void hold_across_forks(std::mutex& mutex) {
  Forks& all = forks();
  const std::lock_guard lock(all.own);
  all.held.push_back(&mutex);
}

void after_fork_in_child(std::function<void()> renew) {
  Forks& all = forks();
  const std::lock_guard lock(all.own);
  all.renewals.push_back(std::move(renew));
}

}  // namespace freestone
