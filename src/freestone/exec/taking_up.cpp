#include "freestone/exec/taking_up.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/base/quantity.h"
#include "freestone/plan/plan_json.h"

namespace freestone {
namespace {

/// Stands for an output that has its name already: whatever is made again for it is let go.
class DoneSink final : public PassingSink {
 public:
  using PassingSink::PassingSink;
  std::string journal_path() const override { return to_->journal_path(); }
  void resume() override { to_->clean_up(); }
  void write(const Box&, const View&, Scratch&, const Cancel&) override {}
};

}  // namespace

std::string journal_path_of(const std::vector<std::shared_ptr<Sink>>& sinks) {
  for (const auto& sink : sinks)
    if (!sink->journal_path().empty()) return sink->journal_path();
  return {};
}

TakenUp taken_up(const std::string& journal_path, const std::string& job, const OpenSource& open, Index budget) {
  if (journal_path.empty() || job.empty())
    fail(ErrorKind::kUser,
         "This run cannot be taken up: --resume needs an output on disk of a format that can be (FITS, npy, Zarr, CASA), and inputs that are "
         "files.");
  if (!open) fail(ErrorKind::kUser, "This run cannot be taken up: nothing was given that opens its sources.");
  TakenUp taken{Journal::read(journal_path, job), {}};
  taken.plan = plan_from_json(nlohmann::json::parse(taken.left.plan), open);
  if (taken.plan.total.peak_bytes > budget)
    fail(ErrorKind::kMemory,
         "The run that was killed was planned to hold {}, more than the budget of {} now. Give it as much, or begin anew without --resume.",
         format_bytes(taken.plan.total.peak_bytes), format_bytes(budget));
  return taken;
}

bool is_resumable(const Stage& stage, const std::vector<std::shared_ptr<Sink>>& sinks) {
  return stage.folds.empty() && !stage.deliveries.empty() &&
         std::all_of(stage.deliveries.begin(), stage.deliveries.end(),
                     [&](const Delivery& d) { return !d.to_store && !sinks[static_cast<std::size_t>(d.target)]->journal_path().empty(); });
}

std::vector<bool> needed_stages(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& sinks, const Journal::Left* left) {
  std::vector<bool> needed(plan.stages.size(), true), store_read(plan.stores.size(), false);
  if (left == nullptr) return needed;
  for (std::size_t g = plan.stages.size(); g-- > 0;) {
    const Stage& stage = plan.stages[g];
    const auto& finished = left->finished[g];
    needed[g] = std::any_of(stage.deliveries.begin(), stage.deliveries.end(), [&](const Delivery& d) {
      if (d.to_store) return static_cast<bool>(store_read[static_cast<std::size_t>(d.target)]);
      return !is_resumable(stage, sinks) || std::count(finished.begin(), finished.end(), false) > 0;
    });
    if (needed[g])
      for (const int s : stage.store_inputs) store_read[static_cast<std::size_t>(s)] = true;
  }
  return needed;
}

std::vector<std::shared_ptr<Sink>> without_done(std::vector<std::shared_ptr<Sink>> sinks, const Journal::Left* left) {
  if (left == nullptr) return sinks;
  ensure(left->tokens.size() == sinks.size(), "a journal of other outputs");
  for (std::size_t s = 0; s < sinks.size(); ++s) {
    if (sinks[s]->journal_path().empty()) continue;
    const auto where = sinks[s]->find(left->tokens[s]);
    if (where == Sink::Whereabouts::kNowhere)
      fail(ErrorKind::kUser, "{}: what the killed run had written of it is not there any more. Run without --resume.", sinks[s]->name());
    if (where == Sink::Whereabouts::kFinal) sinks[s] = std::make_shared<DoneSink>(sinks[s]);
  }
  return sinks;
}

}  // namespace freestone
