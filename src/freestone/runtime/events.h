/// Events: everything watchable about a run, on one stream.
///
/// The executor emits; progress bars, profiles and logs observe. The engine knows no observer. Events of one run come
/// from many threads; `EventStream` hands them to each observer one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone {

enum class EventKind {
  kRunStart,    ///< `total`: tasks of all stages; `bytes`: bytes the plan will read; `memory`: the budget
  kStageStart,  ///< `stage`; `total`: its tasks; `bytes`: bytes it will read; `label`: what it does, in words
  kRead,        ///< a fetch ended: `bytes` from files, `label` the source's path
  kDecode,      ///< a decode ended: `bytes` of elements
  kCompute,     ///< an operation on one tile ended: `label` its name, `bytes` of its output
  kWrite,       ///< a write ended: `bytes` of elements handed to the sink `label`
  kSpill,       ///< like kWrite, to a temporary store on disk
  kTaskDone,    ///< a tile is finished
  kStageEnd,
  kError,  ///< `label`: the message
  kRunEnd  ///< `memory`: peak resident bytes of the process
};

/// "run-start", "stage-start", "read" ...
const char* name_of(EventKind kind);

struct Event {
  EventKind kind;
  int stage = -1;
  Index task = -1;
  int lane = -1;  ///< compute lanes from 0, I/O lanes from 1000
  std::string label;
  Index bytes = 0;
  Index total = 0;
  Index memory = 0;                       ///< bytes leased from the budget at this moment, where not said otherwise
  std::int64_t start_ns = 0, end_ns = 0;  ///< on now_ns()'s clock
};

/// Nanoseconds on a steady clock.
std::int64_t now_ns();

class Observer {
 public:
  virtual ~Observer() = default;
  /// Called one event at a time; must return soon, must not throw.
  virtual void on_event(const Event& event) = 0;
};

class EventStream {
 public:
  void subscribe(std::shared_ptr<Observer> observer);
  /// False when nobody listens, so that nothing need be measured.
  bool active() const { return !observers_.empty(); }
  void emit(const Event& event);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Observer>> observers_;
};

}  // namespace freestone
