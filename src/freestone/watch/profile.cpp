#include "freestone/watch/profile.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "freestone/base/error.h"
#include "freestone/storage/output_file.h"

namespace freestone::watch {
namespace {

constexpr std::size_t kMostSpans = 6000;
constexpr std::size_t kMostMemorySamples = 2000;

double seconds_between(std::int64_t from_ns, std::int64_t to_ns) { return static_cast<double>(to_ns - from_ns) * 1e-9; }

}  // namespace

Profile::Stage& Profile::stage_of(int number) {
  for (std::size_t i = first_stage_of_run_; i < stages_.size(); ++i) {
    if (stages_[i].number == number) return stages_[i];
  }
  Stage stage;
  stage.number = number;
  return stages_.emplace_back(std::move(stage));
}

void Profile::on_event(const Event& event) {
  const std::int64_t time = event.end_ns != 0 ? event.end_ns : event.start_ns != 0 ? event.start_ns : now_ns();
  if (start_ns_ == 0) start_ns_ = event.start_ns != 0 ? event.start_ns : time;
  end_ns_ = std::max(end_ns_, time);
  if (event.kind != EventKind::kRunStart && event.kind != EventKind::kRunEnd && event.kind != EventKind::kError) {
    add_memory(time, event.memory);
    Stage& stage = stage_of(event.stage);
    stage.peak_leased = std::max(stage.peak_leased, event.memory);
  }
  switch (event.kind) {
    case EventKind::kRunStart:
      first_stage_of_run_ = stages_.size();
      planned_bytes_ += event.bytes;
      budget_ = event.memory;
      break;
    case EventKind::kStageStart: {
      Stage& stage = stage_of(event.stage);
      stage.label = event.label;
      stage.start_ns = stage.end_ns = time;
      break;
    }
    case EventKind::kStageEnd: stage_of(event.stage).end_ns = time; break;
    case EventKind::kTaskDone: ++stage_of(event.stage).tasks; break;
    case EventKind::kError:
      if (error_.empty()) error_ = event.label;
      break;
    case EventKind::kRunEnd:
      peak_resident_ = std::max(peak_resident_, event.memory);
      add_memory(time, 0);
      break;
    default: add_work(event);
  }
}

void Profile::add_work(const Event& event) {
  Stage& stage = stage_of(event.stage);
  if (stage.start_ns == 0) stage.start_ns = event.start_ns;
  stage.end_ns = std::max(stage.end_ns, event.end_ns);
  if (event.kind == EventKind::kRead) stage.bytes_read += event.bytes;
  if (event.kind == EventKind::kWrite) stage.bytes_written += event.bytes;
  if (event.kind == EventKind::kSpill) stage.bytes_spilled += event.bytes;
  Operation& operation = stage.operations[{event.kind, event.label}];
  ++operation.count;
  operation.bytes += event.bytes;
  operation.seconds += seconds_between(event.start_ns, event.end_ns);
  add_span(event, static_cast<int>(&stage - stages_.data()));
}

void Profile::add_span(const Event& event, int stage) {
  const auto joins = [this](const Span& span, std::int64_t start_ns, int with_stage) {
    return span.stage == with_stage && start_ns - span.end_ns <= join_gap_ns_;
  };
  const auto key = std::pair{event.lane, event.kind};
  if (const auto last = open_spans_.find(key); last != open_spans_.end() && joins(timeline_[last->second], event.start_ns, stage)) {
    Span& span = timeline_[last->second];
    span.start_ns = std::min(span.start_ns, event.start_ns);
    span.end_ns = std::max(span.end_ns, event.end_ns);
    return;
  }
  open_spans_[key] = timeline_.size();
  timeline_.push_back({event.lane, event.kind, stage, event.start_ns, event.end_ns});
  while (timeline_.size() > kMostSpans) {
    join_gap_ns_ *= 2;
    std::vector<Span> joined;
    open_spans_.clear();
    for (const Span& span : timeline_) {
      const auto last = open_spans_.find({span.lane, span.kind});
      if (last != open_spans_.end() && joins(joined[last->second], span.start_ns, span.stage)) {
        joined[last->second].end_ns = std::max(joined[last->second].end_ns, span.end_ns);
      } else {
        open_spans_[{span.lane, span.kind}] = joined.size();
        joined.push_back(span);
      }
    }
    timeline_ = std::move(joined);
  }
}

void Profile::add_memory(std::int64_t time_ns, Index leased) {
  peak_leased_ = std::max(peak_leased_, leased);
  // A sample stands for a step of time and keeps its highest value, so that peaks survive thinning.
  if (!memory_.empty() && time_ns - memory_.back().time_ns < memory_step_ns_) {
    memory_.back().leased = std::max(memory_.back().leased, leased);
    return;
  }
  memory_.push_back({time_ns, leased});
  if (memory_.size() <= kMostMemorySamples) return;
  memory_step_ns_ *= 2;
  std::vector<MemorySample> thinned;
  for (const MemorySample& sample : memory_) {
    if (!thinned.empty() && sample.time_ns - thinned.back().time_ns < memory_step_ns_) {
      thinned.back().leased = std::max(thinned.back().leased, sample.leased);
    } else {
      thinned.push_back(sample);
    }
  }
  memory_ = std::move(thinned);
}

namespace {

Index sum_over(const std::vector<Profile::Stage>& stages, Index Profile::Stage::*member) {
  Index sum = 0;
  for (const Profile::Stage& stage : stages) sum += stage.*member;
  return sum;
}

}  // namespace

double Profile::Stage::lane_seconds() const {
  double sum = 0;
  for (const auto& [key, operation] : operations) sum += operation.seconds;
  return sum;
}

Index Profile::bytes_read() const { return sum_over(stages_, &Stage::bytes_read); }
Index Profile::bytes_written() const { return sum_over(stages_, &Stage::bytes_written); }
Index Profile::bytes_spilled() const { return sum_over(stages_, &Stage::bytes_spilled); }
Index Profile::tasks() const { return sum_over(stages_, &Stage::tasks); }
double Profile::wall_seconds() const { return seconds_between(start_ns_, end_ns_); }

std::string Profile::text() const {
  std::string out = fmt::format(
      "{} wall, {} tasks, read {} ({}/s), wrote {}", format_seconds(wall_seconds()), format_count(tasks()), format_bytes(bytes_read()),
      format_bytes(wall_seconds() > 0 ? static_cast<Index>(static_cast<double>(bytes_read()) / wall_seconds()) : 0),
      format_bytes(bytes_written()));
  if (bytes_spilled() > 0) out += fmt::format(", spilled {}", format_bytes(bytes_spilled()));
  out += fmt::format("\nmemory: {} leased at most of a budget of {}; process {} at most\n", format_bytes(peak_leased_),
                     format_bytes(budget_), format_bytes(peak_resident_));
  for (const Stage& stage : stages_) {
    out += fmt::format(
        "\nstage {}  {}\n  {} wall, {} tasks, read {}, wrote {}{}, {} leased at most\n", stage.number + 1, stage.label,
        format_seconds(stage.wall_seconds()), format_count(stage.tasks), format_bytes(stage.bytes_read), format_bytes(stage.bytes_written),
        stage.bytes_spilled > 0 ? fmt::format(", spilled {}", format_bytes(stage.bytes_spilled)) : "", format_bytes(stage.peak_leased));
    out += fmt::format("  {:<8} {:<36} {:>10} {:>12} {:>10}\n", "work", "of", "times", "bytes", "seconds");
    for (const auto& [key, operation] : stage.operations) {
      // The end of a path says more than its beginning.
      const std::string& name = key.second;
      const std::string shown = name.size() > 36 ? "..." + name.substr(name.size() - 33) : name;
      out += fmt::format("  {:<8} {:<36} {:>10} {:>12} {:>10.3f}\n", name_of(key.first), shown, format_count(operation.count),
                         format_bytes(operation.bytes), operation.seconds);
    }
  }
  if (!error_.empty()) out += fmt::format("\nfailed: {}\n", error_);
  return out;
}

std::string Profile::json() const {
  using Json = nlohmann::ordered_json;
  Json root;
  root["version"] = 1;
  root["wall_seconds"] = wall_seconds();
  root["bytes_read"] = bytes_read();
  root["bytes_written"] = bytes_written();
  root["bytes_spilled"] = bytes_spilled();
  root["planned_bytes_read"] = planned_bytes_;
  root["tasks"] = tasks();
  root["budget_bytes"] = budget_;
  root["peak_leased_bytes"] = peak_leased_;
  root["peak_resident_bytes"] = peak_resident_;
  root["error"] = error_.empty() ? Json(nullptr) : Json(error_);
  root["stages"] = Json::array();
  for (const Stage& stage : stages_) {
    Json entry;
    entry["stage"] = stage.number;
    entry["label"] = stage.label;
    entry["start_seconds"] = seconds_between(start_ns_, stage.start_ns);
    entry["wall_seconds"] = stage.wall_seconds();
    entry["tasks"] = stage.tasks;
    entry["bytes_read"] = stage.bytes_read;
    entry["bytes_written"] = stage.bytes_written;
    entry["bytes_spilled"] = stage.bytes_spilled;
    entry["peak_leased_bytes"] = stage.peak_leased;
    entry["lane_seconds"] = stage.lane_seconds();
    entry["operations"] = Json::array();
    for (const auto& [key, operation] : stage.operations) {
      entry["operations"].push_back({{"kind", name_of(key.first)},
                                     {"name", key.second},
                                     {"count", operation.count},
                                     {"bytes", operation.bytes},
                                     {"seconds", operation.seconds}});
    }
    root["stages"].push_back(std::move(entry));
  }
  root["timeline"] = Json::array();
  for (const Span& span : timeline_) {
    root["timeline"].push_back({{"lane", span.lane},
                                {"kind", name_of(span.kind)},
                                {"stage", stages_[static_cast<std::size_t>(span.stage)].number},
                                {"start_seconds", seconds_between(start_ns_, span.start_ns)},
                                {"end_seconds", seconds_between(start_ns_, span.end_ns)}});
  }
  root["memory"] = Json::array();
  for (const MemorySample& sample : memory_) {
    root["memory"].push_back({{"seconds", seconds_between(start_ns_, sample.time_ns)}, {"leased_bytes", sample.leased}});
  }
  // Paths need not be UTF-8.
  return root.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void Profile::save(const std::string& path) const {
  std::string page;
  if (path.ends_with(".json"))
    page = json();
  else if (path.ends_with(".html"))
    page = html();
  else if (path.ends_with(".txt"))
    page = text();
  else
    fail(ErrorKind::kUser, "--profile {}: the name must end in .json, .html or .txt.", path);
  OutputFile file(path, true);
  file.create(static_cast<Index>(page.size()));
  file.write_at(0, std::as_bytes(std::span(page)));
  file.finish();
}

}  // namespace freestone::watch
