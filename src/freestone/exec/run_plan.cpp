#include "freestone/exec/run_plan.h"

#include <algorithm>

#include "freestone/base/settings.h"
#include "freestone/exec/run_stage.h"
#include "freestone/exec/taking_up.h"
#include "freestone/ops/elementwise.h"
#include "freestone/runtime/admission.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"

namespace freestone {
namespace {

/// The result that may lie where an intermediate one does: it is made in the last pass over it by arithmetic, whose elements come of those in
/// their own places and of no others. Its number among the roots; -1: none.
int result_in_place_of(const Plan& plan, int store_number) {
  const Store& store = plan.stores[static_cast<std::size_t>(store_number)];
  const Stage& stage = plan.stages[static_cast<std::size_t>(store.last_stage)];
  if (store.last_stage == store.first_stage) return -1;
  for (const Delivery& delivery : stage.deliveries)
    if (delivery.value == store.value) return -1;
  const auto reads = [&](int node, ValueRef value) {
    const auto& inputs = plan.nodes[static_cast<std::size_t>(node)].inputs;
    return std::count(inputs.begin(), inputs.end(), value);
  };
  const auto readers = [&](ValueRef value) {
    return std::count_if(stage.body.begin(), stage.body.end(), [&](int node) { return reads(node, value) > 0; });
  };
  for (const Delivery& delivery : stage.deliveries) {
    if (delivery.to_store || plan.spec(delivery.value) != store.spec || reads(delivery.value.node, store.value) != 1) continue;
    const PlanNode& node = plan.nodes[static_cast<std::size_t>(delivery.value.node)];
    const auto input = std::find(node.inputs.begin(), node.inputs.end(), store.value) - node.inputs.begin();
    // Whoever reads on from there, be it store or result, may want elements of other tiles.
    if (dynamic_cast<const ElementwiseOp*>(node.op.get()) == nullptr || !node.op->may_overwrite(static_cast<int>(input)) ||
        readers(store.value) != 1 || readers(delivery.value) != 0)
      return -1;
    return delivery.target;
  }
  return -1;
}

}  // namespace

void run_plan(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& given_sinks, const RunOptions& options) {
  const std::vector<std::shared_ptr<Sink>> sinks = without_done(given_sinks, options.left);
  ensure(sinks.size() == plan.roots.size(), "run_plan: a plan needs one sink for each root");
  EventStream silent;
  const Cancel never;
  EventStream& events = options.events != nullptr ? *options.events : silent;
  const Cancel& cancel = options.cancel != nullptr ? *options.cancel : never;

  std::vector<SinkFacts> facts;
  for (const auto& sink : sinks) facts.push_back({sink->name(), sink->caps(), sink});
  const std::vector<bool> needed = needed_stages(plan, sinks, options.left);
  const Admission::Ticket admitted = Admission::of_process().enter(plan.total.peak_bytes, plan.budget, cancel);
  Budget budget(plan.budget);
  const auto started = now_ns();
  if (events.active())
    events.emit({EventKind::kRunStart, -1, -1, -1, "", plan.total.bytes_read, plan.total.tiles, plan.budget, started, started});
  std::vector<std::shared_ptr<const Source>> store_sources(plan.stores.size());
  std::vector<std::shared_ptr<Sink>> store_sinks(plan.stores.size());
  std::unique_ptr<Journal> journal;
  bool begun = options.left == nullptr;  // what a killed run left is changed from now on
  try {
    const Lease reserve = budget.lease(plan.reserve_bytes, "What the outputs hold while they are open");
    for (const auto& sink : sinks) {
      cancel.check();
      if (options.left != nullptr && !sink->journal_path().empty())
        sink->resume();
      else
        sink->create();
    }
    if (options.left != nullptr)
      journal = Journal::take_up(options.journal_path, sinks);
    else if (!options.journal_path.empty())
      journal = std::make_unique<Journal>(options.journal_path, options.job, plan, sinks);
    std::vector<bool> has_a_store(sinks.size());  // in its memory
    std::vector<Lease> store_leases(plan.stores.size()), behind_leases(plan.stores.size());
    for (int g = 0; g < static_cast<int>(plan.stages.size()); ++g) {
      if (!needed[static_cast<std::size_t>(g)]) continue;
      for (std::size_t s = 0; s < plan.stores.size(); ++s) {
        const Store& store = plan.stores[s];
        if (store.first_stage != g) continue;
        if (store.on_disk) {
          const Index behind = write_behind_bytes(store, plan.budget);
          if (behind > 0) behind_leases[s] = budget.lease(behind, "Writing an intermediate result");
          const TempStore made(options.temp_dir, store.spec, store.block, behind > 0);
          store_sources[s] = made.source(), store_sinks[s] = made.sink();
        } else {
          const int result = result_in_place_of(plan, static_cast<int>(s));
          std::optional<MemoryStore> made;
          if (result >= 0 && !has_a_store[static_cast<std::size_t>(result)]) made = memory_store_of(*sinks[static_cast<std::size_t>(result)]);
          if (made) {
            has_a_store[static_cast<std::size_t>(result)] = true;  // a quotient of two is made in the place of one of them
          } else {
            store_leases[s] = budget.lease(store.spec.bytes(), "An intermediate result");
            made.emplace(store.spec);
          }
          store_sources[s] = made->source(), store_sinks[s] = made->sink();
        }
        store_sinks[s]->create();
      }
      const bool noted = journal != nullptr && is_resumable(plan.stages[static_cast<std::size_t>(g)], sinks);
      begun = true;
      run_stage({plan, g, facts, store_sources, store_sinks, budget, events, cancel, noted ? journal.get() : nullptr,
                 noted && options.left != nullptr ? &options.left->finished[static_cast<std::size_t>(g)] : nullptr});
      for (std::size_t s = 0; s < plan.stores.size(); ++s) {
        if (plan.stores[s].first_stage != g) continue;
        store_sinks[s]->finish();
        behind_leases[s] = Lease();
      }
      for (std::size_t s = 0; s < plan.stores.size(); ++s) {
        if (plan.stores[s].last_stage != g) continue;
        store_sources[s].reset(), store_sinks[s].reset();
        store_leases[s] = Lease();
      }
    }
    begun = true;
    for (const auto& sink : sinks) sink->finish();
    if (journal) journal->remove();
  } catch (const std::exception& error) {
    // Outputs that were only taken up stay, one of them refused or not: the run can still be taken up as it was left.
    for (const auto& sink : sinks) sink->abort();
    if (journal && begun) journal->remove();
    if (events.active()) {
      const std::string reason = cancel.requested() ? "Interrupted." : error.what();
      events.emit({EventKind::kError, -1, -1, -1, reason, 0, 0, 0, now_ns(), now_ns()});
      events.emit({EventKind::kRunEnd, -1, -1, -1, "", 0, 0, peak_resident_bytes(), started, now_ns()});
    }
    // Whatever a lane met on the way down, the reason was the request.
    if (cancel.requested()) throw Error(ErrorKind::kCancelled, "Interrupted.");
    throw;
  }
  if (events.active()) events.emit({EventKind::kRunEnd, -1, -1, -1, "", 0, 0, peak_resident_bytes(), started, now_ns()});
}

}  // namespace freestone
