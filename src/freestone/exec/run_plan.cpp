#include "freestone/exec/run_plan.h"

#include "freestone/base/settings.h"
#include "freestone/exec/run_stage.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"

namespace freestone {

void run_plan(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& sinks, const RunOptions& options) {
  ensure(sinks.size() == plan.roots.size(), "run_plan: a plan needs one sink for each root");
  EventStream silent;
  const Cancel never;
  EventStream& events = options.events != nullptr ? *options.events : silent;
  const Cancel& cancel = options.cancel != nullptr ? *options.cancel : never;

  std::vector<SinkFacts> facts;
  for (const auto& sink : sinks) facts.push_back({sink->name(), sink->caps(), sink});
  Budget budget(plan.budget);
  const auto started = now_ns();
  if (events.active())
    events.emit({EventKind::kRunStart, -1, -1, -1, "", plan.total.bytes_read, plan.total.tiles, plan.budget, started, started});
  std::vector<std::shared_ptr<const Source>> store_sources(plan.stores.size());
  std::vector<std::shared_ptr<Sink>> store_sinks(plan.stores.size());
  try {
    const Lease reserve = budget.lease(plan.reserve_bytes, "What the outputs hold while they are open");
    for (const auto& sink : sinks) {
      cancel.check();
      sink->create();
    }
    std::vector<Lease> store_leases(plan.stores.size());
    for (int g = 0; g < static_cast<int>(plan.stages.size()); ++g) {
      for (std::size_t s = 0; s < plan.stores.size(); ++s) {
        const Store& store = plan.stores[s];
        if (store.first_stage != g) continue;
        if (store.on_disk) {
          const TempStore made(options.temp_dir, store.spec, store.block);
          store_sources[s] = made.source(), store_sinks[s] = made.sink();
        } else {
          store_leases[s] = budget.lease(store.spec.bytes(), "An intermediate result");
          const MemoryStore made(store.spec);
          store_sources[s] = made.source(), store_sinks[s] = made.sink();
        }
        store_sinks[s]->create();
      }
      run_stage({plan, g, facts, store_sources, store_sinks, budget, events, cancel});
      for (std::size_t s = 0; s < plan.stores.size(); ++s) {
        if (plan.stores[s].last_stage != g) continue;
        store_sources[s].reset(), store_sinks[s].reset();
        store_leases[s] = Lease();
      }
    }
    for (const auto& sink : sinks) sink->finish();
  } catch (const std::exception& error) {
    for (const auto& sink : sinks) sink->abort();
    if (events.active()) {
      events.emit({EventKind::kError, -1, -1, -1, error.what(), 0, 0, 0, now_ns(), now_ns()});
      events.emit({EventKind::kRunEnd, -1, -1, -1, "", 0, 0, peak_resident_bytes(), started, now_ns()});
    }
    // Whatever a lane met on the way down, the reason was the request.
    if (cancel.requested()) throw Error(ErrorKind::kCancelled, "Interrupted.");
    throw;
  }
  if (events.active()) events.emit({EventKind::kRunEnd, -1, -1, -1, "", 0, 0, peak_resident_bytes(), started, now_ns()});
}

}  // namespace freestone
