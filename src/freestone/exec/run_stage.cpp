#include "freestone/exec/run_stage.h"

#include <algorithm>

#include "freestone/exec/stage_runner.h"
#include "freestone/plan/copies.h"
#include "freestone/plan/explain.h"
#include "freestone/runtime/admission.h"
#include "freestone/runtime/lanes.h"
#include "freestone/runtime/task_memory.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/part_decoders.h"

namespace freestone {
namespace {

constexpr int kIoLane = 1000;
// Reading that takes less than this part of computing needs no lanes of its own; of tasks that read more nobody waits to see.
constexpr Index kQuickShare = 8, kSmallRead = Index{4} << 20;

std::optional<View> memory_of(const Sink& sink) {
  const auto store = memory_store_of(sink);
  return store ? std::optional(store->view()) : std::nullopt;
}

}  // namespace

StageRunner::StageRunner(const StageRun& run)
    : run_(run),
      stage_(run.plan.stages[static_cast<std::size_t>(run.stage)]),
      program_(run.plan, stage_, run.sinks, run.store_sources),
      stop_(&run.cancel) {
  if (stage_.goes_onward) {
    program_.read_onward(std::make_shared<PartDecoders>(stage_.cache_bytes));
  } else if (stage_.cache_bytes > 0) {
    const Index ahead = run.plan.threads > 1 ? std::min(stage_.cache_bytes / 4, run.plan.threads * program_.largest_chunk_bytes()) : 0;
    cache_ = std::make_shared<ChunkCache>(stage_.cache_bytes, ahead);
    cache_->do_in_the_meantime([this](Bytes scratch) { return decode_ahead(scratch); });
    program_.read_through(cache_);
  }
  for (std::size_t b = 0; b < stage_.body.size(); ++b) {
    const Op& op = program_.op(static_cast<int>(b));
    folds_.push_back(program_.is_accumulated(static_cast<int>(b)) ? std::make_unique<SharedFold>(*op.fold(), op.domain()) : nullptr);
  }
  goes_to_.assign(program_.values().size(), -1);
  for (std::size_t d = 0; d < stage_.deliveries.size(); ++d) {
    memory_.push_back(memory_of(sink_of(stage_.deliveries[d])));
    const int value = program_.delivered_value(static_cast<int>(d));
    if (memory_.back() && value >= 0 && goes_to_[static_cast<std::size_t>(value)] < 0) goes_to_[static_cast<std::size_t>(value)] = static_cast<int>(d);
  }
  // What a view is all of goes where the view goes.
  for (std::size_t b = stage_.body.size(); b-- > 0;) {
    const Op& op = program_.op(static_cast<int>(b));
    if (!op.is_view()) continue;
    const auto from = static_cast<std::size_t>(program_.input_values(static_cast<int>(b))[0]), to = static_cast<std::size_t>(program_.output_values(static_cast<int>(b))[0]);
    if (goes_to_[from] < 0 && is_all_of(op, program_.values()[from].spec.shape)) goes_to_[from] = goes_to_[to];
  }
}

StageRunner::~StageRunner() {
  for (const auto& slot : slots_) TaskMemory::of_process().give(std::move(slot->memory));
}

void StageRunner::run() {
  count_ = stage_.domain.empty() ? 0 : tile_count(stage_);
  if (run_.last >= 0) count_ = std::min(count_, run_.last);
  next_ = done_ = std::min(run_.first, count_);
  const Index tiles = count_ - next_;
  if (run_.states != nullptr) take_states(*run_.states);
  if (run_.events.active()) {
    run_.events.emit({EventKind::kStageStart, run_.stage, -1, -1, describe(run_.plan, stage_), stage_.estimate.bytes_read, tiles,
                      run_.budget.leased(), now_ns(), now_ns()});
  }
  const int slots = static_cast<int>(std::clamp<Index>(tiles, 1, stage_.slots));
  const Lease lease = run_.budget.lease(slots * stage_.task_bytes + stage_.pinned_bytes + stage_.cache_bytes, "A stage");
  for (int s = 0; s < slots && tiles > 0; ++s) {
    slots_.push_back(std::make_unique<Slot>());
    slots_.back()->memory = TaskMemory::of_process().take(stage_.task_bytes);
    free_.push_back(slots_.back().get());
  }
  bool fetches = false, streams = false;
  if (tiles > 0) {
    const TaskLayout first = program_.lay_out(tile_box(stage_, next_));
    for (std::size_t i = 0; i < first.inputs.size(); ++i)
      (first.inputs[i].piece_bytes > 0 ? streams : fetches) |= !program_.inputs()[i].source->memory();
    waits_to_read_ahead_ = first.remote_requests == 0 && first.read.bytes <= kSmallRead;
  }
  // Lanes without a slot of their own help where an input is streamed.
  lanes_ = streams ? run_.plan.threads : static_cast<int>(std::min<Index>(run_.plan.threads, slots));
  const int readers = fetches && slots > lanes_ ? slots - lanes_ : 0;
  if (tiles > 0)
    run_lanes(lanes_ + readers, stop_, [&](int lane) {
      const InsideRun inside;
      lane < lanes_ ? compute_lane(lane) : io_lane(kIoLane + lane - lanes_);
    });
  stop_.check();
  finish_empty_folds();
  if (run_.states != nullptr) leave_states(*run_.states);
  emit(EventKind::kStageEnd, -1, -1, "", 0, now_ns());
}

Slot* StageRunner::begin_task() {
  while (next_ < count_ && run_.finished != nullptr && (*run_.finished)[static_cast<std::size_t>(next_)]) ++next_, ++done_;
  if (free_.empty() || next_ >= count_) return nullptr;
  if (std::any_of(folds_.begin(), folds_.end(), [](const auto& fold) { return fold != nullptr; }))
    for (const auto& slot : slots_)
      if (slot->tile >= 0 && next_ - slot->tile >= fold_window(static_cast<Index>(slots_.size()))) return nullptr;
  Slot* slot = free_.back();
  free_.pop_back();
  slot->tile = next_++;
  if (next_ >= count_) slow_.notify_all();
  return slot;
}

bool StageRunner::reads_slowly() const { return !waits_to_read_ahead_ || fetching_ns_ * kQuickShare > computing_ns_; }

void StageRunner::io_lane(int lane) {
  std::unique_lock lock(mutex_);
  while (next_ < count_) {
    stop_.check();
    if (!reads_slowly()) {
      slow_.wait_for(lock, kLook);
      continue;
    }
    Slot* slot = begin_task();
    if (slot == nullptr) {
      changed_.wait_for(lock, kLook);
      continue;
    }
    lock.unlock();
    const auto start = now_ns();
    fetch(*slot, lane);
    lock.lock();
    fetching_ns_ += now_ns() - start;
    ready_.insert(std::lower_bound(ready_.begin(), ready_.end(), slot, [](const Slot* a, const Slot* b) { return a->tile < b->tile; }),
                  slot);
    changed_.notify_all();
  }
}

void StageRunner::compute_lane(int lane) {
  std::unique_lock lock(mutex_);
  while (done_ < count_) {
    stop_.check();
    Slot* slot = nullptr;
    bool fetched = false;
    if (!ready_.empty()) {
      slot = ready_.front();
      ready_.pop_front();
      fetched = true;
    } else {
      slot = begin_task();
    }
    if (slot == nullptr) {
      if (const auto found = std::find_if(shared_.begin(), shared_.end(), std::mem_fn(&SharedWork::wants_help)); found != shared_.end())
        help(**found, lock, lane);
      else
        changed_.wait_for(lock, kLook);
      continue;
    }
    lock.unlock();
    const auto start = now_ns();
    if (!fetched) fetch(*slot, lane);
    const auto begun = now_ns();
    compute(*slot, lane);
    const auto ended = now_ns();
    if (run_.journal != nullptr) run_.journal->finished(run_.stage, slot->tile);
    emit(EventKind::kTaskDone, lane, slot->tile, "", 0, now_ns());
    lock.lock();
    fetching_ns_ += begun - start, computing_ns_ += ended - begun;
    if (reads_slowly()) slow_.notify_all();
    slot->tile = -1;
    free_.push_back(slot);
    ++done_;
    changed_.notify_all();
  }
}

void StageRunner::share(SharedWork& shared, int lane) {
  if (shared.most_workers == 1) {
    for (std::size_t part = 0; part < shared.parts; ++part) {
      stop_.check();
      shared.work(part, 0, lane);
    }
    return;
  }
  std::unique_lock lock(mutex_);
  shared_.push_back(&shared);
  changed_.notify_all();
  help(shared, lock, lane);
  changed_.wait(lock, [&] { return shared.working == 0; });
  std::erase(shared_, &shared);
  if (shared.error) std::rethrow_exception(shared.error);
}

void StageRunner::help(SharedWork& shared, std::unique_lock<std::mutex>& lock, int lane) {
  const Index worker = shared.begun++;
  ++shared.working;
  while (shared.next < shared.parts && !shared.error) {
    const std::size_t part = shared.next++;
    lock.unlock();
    std::exception_ptr error;
    try {
      stop_.check();
      shared.work(part, worker, lane);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && !shared.error) shared.error = error;
  }
  --shared.working;
  changed_.notify_all();
}

void run_stage(const StageRun& run) { StageRunner(run).run(); }

}  // namespace freestone
