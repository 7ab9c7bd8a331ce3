/// What is left to do of a run that was killed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "freestone/exec/journal.h"
#include "freestone/plan/plan.h"

namespace freestone {

/// Finds the source for a reference (Source::reference) again.
using OpenSource = std::function<std::shared_ptr<const Source>(const std::string& reference)>;

/// Where the journal of a run stands: beside the first output that can be taken up; empty: none can be.
std::string journal_path_of(const std::vector<std::shared_ptr<Sink>>& sinks);

struct TakenUp {
  Journal::Left left;
  Plan plan;
};
/// What a killed run of the same job has left.
/// @throws Error kind user: nothing can be taken up, or it is another job; kind memory: its plan holds more than `budget`
TakenUp taken_up(const std::string& journal_path, const std::string& job, const OpenSource& open, Index budget);

/// Passes on what is written to an output that somebody else creates, finishes and aborts.
class PassingSink : public Sink {
 public:
  explicit PassingSink(std::shared_ptr<Sink> to) : to_(std::move(to)) {}
  const Spec& spec() const override { return to_->spec(); }
  const SinkCaps& caps() const override { return to_->caps(); }
  std::string name() const override { return to_->name(); }
  void create() override {}
  Index scratch_bytes(const Box& box) const override { return to_->scratch_bytes(box); }
  Index contiguous_scratch_bytes(const Box& box) const override { return to_->contiguous_scratch_bytes(box); }
  void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override { to_->write(box, data, scratch, cancel); }
  void finish() override {}
  void abort() noexcept override {}

 protected:
  const std::shared_ptr<Sink> to_;
};

/// True when every tile of the stage only writes to outputs that keep what they have: such tiles need not be made again.
bool is_resumable(const Stage& stage, const std::vector<std::shared_ptr<Sink>>& sinks);

/// The stages whose results are still wanted: temporary stores went with the run that was killed, so what feeds an unfinished stage is
/// made again. All of them without `left`.
std::vector<bool> needed_stages(const Plan& plan, const std::vector<std::shared_ptr<Sink>>& sinks, const Journal::Left* left);

/// A run that was killed while its outputs got their names has renamed some of them: others stand for those, and let go of what is written.
/// @throws Error kind user: what was written of an output is gone
std::vector<std::shared_ptr<Sink>> without_done(std::vector<std::shared_ptr<Sink>> sinks, const Journal::Left* left);

}  // namespace freestone
