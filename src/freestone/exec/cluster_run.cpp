#include "freestone/exec/cluster_run.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "freestone/array/source_op.h"
#include "freestone/exec/fold_tree.h"
#include "freestone/exec/run_plan.h"
#include "freestone/exec/taking_up.h"
#include "freestone/exec/tile_worker.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/lent_functions.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/plan_json.h"
#include "freestone/storage/file.h"
#include "freestone/storage/location.h"
#include "freestone/storage/shared_writing.h"
#include "freestone/storage/temporary_output.h"

namespace freestone {
namespace {

using Json = nlohmann::json;
namespace stdfs = std::filesystem;

// States of one block of kept axes on their way to where they are merged, all ranges together.
constexpr Index kMostStateBytes = Index{256} << 20;

// Of one run. Dask's scheduler does some hundreds a second, and keeps about a kilobyte for each.
constexpr Index kMostTasks = 20'000;
// A task that is lost is done again, and one at the end keeps the others waiting: neither may take long.
constexpr double kTaskSeconds = 4, kLeastSeconds = 0.5;
constexpr Index kTasksALane = 4;

/// The axes of the anchor along which a stage's reductions go.
std::vector<int> reduced_anchor_axes(const Plan& plan, const Stage& stage) {
  std::vector<int> axes;
  for (const int node : stage.folds) {
    const OwnMap& owned = stage.owned.at({node, -1});
    for (const int k : plan.nodes[static_cast<std::size_t>(node)].op->fold()->axes()) {
      const int axis = owned[static_cast<std::size_t>(k)].anchor_axis;
      if (axis >= 0 && std::find(axes.begin(), axes.end(), axis) == axes.end()) axes.push_back(axis);
    }
  }
  return axes;
}

const Stage* stage_of(const Plan& plan, std::size_t root, const Delivery** delivery) {
  for (const Stage& stage : plan.stages)
    for (const Delivery& one : stage.deliveries)
      if (!one.to_store && one.target == static_cast<int>(root)) {
        *delivery = &one;
        return &stage;
      }
  return nullptr;
}

/// Before anything is made.
void refuse_functions_that_stay(const Plan& plan, bool sends_functions) {
  for (const PlanNode& node : plan.nodes) {
    if (!node.op->name().starts_with("user_")) continue;
    const auto* const function = dynamic_cast<const UserFunctionOp*>(node.op.get());
    if (sends_functions && function != nullptr && function->function().origin != nullptr) continue;
    fail(ErrorKind::kUser,
         "The function {} cannot run on a cluster: it is code of this program, which workers do not have; functions of Python are sent. On this "
         "machine it runs (scheduler=\"threads\").",
         function != nullptr ? function->function().name : node.op->params().at("function").get<std::string>());
  }
}

bool uses_math_library(const Op& op) {
  static constexpr std::string_view kFunctions[] = {
      "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "cbrt", "cos", "cosh", "exp", "exp2", "expm1", "float_power",
      "hypot", "log", "log10", "log1p", "log2", "logaddexp", "logaddexp2", "power", "sin", "sinc", "sinh", "tan", "tanh"};
  if (const auto* const elementwise = dynamic_cast<const ElementwiseOp*>(&op)) {
    const auto& code = elementwise->program().code();
    return std::any_of(code.begin(), code.end(), [](const Instruction& i) {
      return i.row != nullptr && std::find(std::begin(kFunctions), std::end(kFunctions), i.row->name) != std::end(kFunctions);
    });
  }
  return op.name() == "fft" || op.name() == "small_matrix" || op.name() == "warp";
}

/// For a plan that is read again in the process that has its functions.
std::vector<std::shared_ptr<const void>> lent_from(const std::vector<Array>& roots) {
  std::vector<std::shared_ptr<const void>> lent;
  for (const auto& node : topological_order(roots))
    if (const auto* const user = dynamic_cast<const UserFunctionOp*>(node->op.get()))
      lent.push_back(lend_function(user->function().identity, user->function().call, user->function().origin));
  return lent;
}

}  // namespace

ClusterRun::ClusterRun(const std::vector<Output>& outputs, const ClusterOptions& options)
    : options_(options), events_(options.compute.events != nullptr ? *options.compute.events : silent_) {
  std::vector<Output> planned;
  std::vector<Array> roots;
  for (const Output& output : outputs) {
    Target target;
    target.sink = output.sink;
    if (output.sink->caps().on_disk) {
      if (output.recipe && dynamic_cast<SharedWriting*>(output.sink.get()) != nullptr) {
        target.how = How::kDirect;
        target.recipe = output.recipe();
      } else {
        target.how = How::kStore;
        const Json kept = output.recipe ? Json::parse(output.recipe(), nullptr, false) : Json();
        if (kept.is_object() && kept.contains("store")) {
          target.how = How::kKept;
          target.store = kept.at("store").get<std::string>(), target.block = Shape(kept.at("block").get<std::vector<Index>>());
        }
      }
      planned.push_back(output);
    } else {
      planned.push_back({output.array, std::make_shared<PartsSink>(output.sink->spec())});
    }
    sinks_.push_back(output.sink);
    roots.push_back(output.array);
    targets_.push_back(std::move(target));
  }
  work_folder_ = folder_of_work(outputs);
  journal_path_ = journal_path_of(sinks_);
  if (!journal_path_.empty()) job_ = describe_job(roots, sinks_);
  if (job_.empty()) journal_path_.clear();
  if (options.compute.resume) {
    const OpenSource open = options.compute.open ? with_stores(options.compute.open) : OpenSource();
    const auto lent = lent_from(roots);
    TakenUp taken = taken_up(journal_path_, job_, open, resolved(options.compute.settings).memory_bytes);
    left_ = std::make_unique<Journal::Left>(std::move(taken.left));
    plan_ = std::move(taken.plan);
    sinks_ = without_done(sinks_, left_.get());
    for (std::size_t r = 0; r < targets_.size(); ++r)
      if (sinks_[r] != targets_[r].sink) targets_[r].how = How::kDone;
  } else {
    plan_ = plan_outputs(planned, options.compute);
    put_reduced_axes_last();
    // Workers share them by files, whose writes take scratch memory of their tasks.
    for (Store& store : plan_.stores) {
      if (!store.on_disk && std::any_of(store.block.begin(), store.block.end(), [](Index extent) { return extent < 1; })) store.block = store.spec.shape;
      for (Index& extent : store.block) extent = std::max<Index>(1, extent);
      store.on_disk = true;
    }
  }
  refuse_functions_that_stay(plan_, options.sends_functions);
  for (const Stage& stage : plan_.stages) {
    Index together = stage.folds.empty() ? 0 : 1;
    if (stage.mirror.any() && together > 0)
      together = tile_count(stage);
    else
      for (const int axis : reduced_anchor_axes(plan_, stage)) together *= tiles_along(stage, axis);
    together_.push_back(together);
  }
  choose_ways();
  // What goes by way of a store is not in its output before the end: those tiles are made again.
  if (left_ != nullptr)
    for (std::size_t g = 0; g < plan_.stages.size(); ++g)
      if (!is_noted(static_cast<int>(g))) left_->finished[g].assign(left_->finished[g].size(), false);
  needed_ = needed_stages(plan_, sinks_, left_.get());
}

ClusterRun::~ClusterRun() {
  if (has_begun_ && !has_ended_) abort("The run was given up.");
}

std::string ClusterRun::folder_of_work(const std::vector<Output>& outputs) const {
  if (options_.work_folder.empty())
    for (const Output& output : outputs)
      if (output.sink->caps().on_disk) return work_folder_name(absolute_location(output.sink->name()));
  const std::string& folder = options_.work_folder.empty() ? options_.here.temp_dir : options_.work_folder;
  return absolute_location(folder) + fmt::format("/freestone-work-{}-{}", ::getpid(), now_ns());
}

void ClusterRun::put_reduced_axes_last() {
  for (Stage& stage : plan_.stages) {
    if (stage.folds.empty() || stage.mirror.any()) continue;
    const std::vector<int> reduced = reduced_anchor_axes(plan_, stage);
    std::stable_partition(stage.order.begin(), stage.order.end(),
                          [&](int axis) { return std::find(reduced.begin(), reduced.end(), axis) == reduced.end(); });
  }
}

bool ClusterRun::covers_units(std::size_t root, const Shape& unit) const {
  const Delivery* delivery = nullptr;
  const Stage* const stage = stage_of(plan_, root, &delivery);
  if (stage == nullptr || std::find(stage->folds.begin(), stage->folds.end(), delivery->value.node) != stage->folds.end()) return false;
  const OwnMap& owned = stage->owned.at(delivery->value);
  const Shape& shape = plan_.spec(delivery->value).shape;
  // Axes do not depend on each other: tiles along one at a time.
  for (int axis = 0; axis < stage->domain.rank(); ++axis) {
    for (Index n = 0; n < tiles_along(*stage, axis); ++n) {
      Box tile = stage->domain;
      for (int k = 0; k < tile.rank(); ++k) tile.shape[k] = std::min(stage->tile[k], stage->domain.shape[k]);
      tile.start[axis] += n * stage->tile[axis];
      tile.shape[axis] = std::min(stage->tile[axis], stage->domain.end(axis) - tile.start[axis]);
      const Box box = owned_box(owned, tile, shape);
      if (box.empty()) continue;
      for (int k = 0; k < box.rank(); ++k)
        if (box.start[k] % unit[k] != 0 || (box.end(k) % unit[k] != 0 && box.end(k) != shape[k])) return false;
    }
  }
  return true;
}

void ClusterRun::choose_ways() {
  for (std::size_t r = 0; r < targets_.size(); ++r) {
    Target& target = targets_[r];
    if (target.how != How::kDirect) continue;
    const auto& shared = dynamic_cast<const SharedWriting&>(*target.sink);
    if (!shared.takes_any_box() && !covers_units(r, target.sink->caps().unit)) target.how = How::kStore;
  }
  for (std::size_t r = 0; r < targets_.size(); ++r) {
    Target& target = targets_[r];
    if (target.how != How::kStore) continue;
    target.store = fmt::format("{}/output-{}", work_folder_, r);
    target.block = target.sink->caps().unit;
    const bool has_units = std::any_of(target.block.begin(), target.block.end(), [](Index extent) { return extent > 1; });
    if (!has_units) target.block = target.sink->spec().shape;
  }
  for (std::size_t s = 0; s < plan_.stores.size(); ++s) stores_.push_back(fmt::format("{}/store-{}", work_folder_, s));
}

bool ClusterRun::is_noted(int stage) const {
  const Stage& described = plan_.stages[static_cast<std::size_t>(stage)];
  return is_resumable(described, sinks_) && std::all_of(described.deliveries.begin(), described.deliveries.end(), [&](const Delivery& d) {
           const How how = targets_[static_cast<std::size_t>(d.target)].how;
           return how == How::kDirect || how == How::kDone;
         });
}

std::vector<ClusterRun::StageFacts> ClusterRun::stages() const {
  std::vector<StageFacts> out;
  for (std::size_t g = 0; g < plan_.stages.size(); ++g) {
    if (!needed_[g]) continue;
    const Stage& stage = plan_.stages[g];
    const Index all = stage.domain.empty() ? 0 : tile_count(stage);
    const Index done = left_ == nullptr ? 0 : std::count(left_->finished[g].begin(), left_->finished[g].end(), true);
    out.push_back({static_cast<int>(g), describe(plan_, stage), all - done, stage.estimate.seconds * plan_.threads,
                   together_[g] > 1 ? state_bytes_of(stage) : 0, stage.estimate.bytes_read, stage.estimate.bytes_written});
  }
  return out;
}

Index ClusterRun::state_bytes_of(const Stage& stage) const {
  Index bytes = 1;
  for (const int node : stage.folds) {
    const Op& op = *plan_.nodes[static_cast<std::size_t>(node)].op;
    const Box part = owned_box(stage.owned.at({node, -1}), tile_box(stage, 0), op.domain());
    bytes += op.fold()->state_words() * 8 * std::max<Index>(1, kept_count(*op.fold(), part));
  }
  return bytes;
}

Index ClusterRun::wanted_ranges(int number, Index tiles, Index lanes) const {
  const Stage& stage = plan_.stages[static_cast<std::size_t>(number)];
  const double all = static_cast<double>(std::max<Index>(1, stage.domain.empty() ? 1 : tile_count(stage)));
  const double seconds = stage.estimate.seconds * plan_.threads * static_cast<double>(tiles) / all;
  const double even = std::min(static_cast<double>(lanes * kTasksALane), seconds / kLeastSeconds);
  const double wanted = std::max({seconds / kTaskSeconds, even, static_cast<double>(lanes)});
  const auto stages = static_cast<Index>(std::max<std::size_t>(1, plan_.stages.size()));
  return std::clamp<Index>(static_cast<Index>(std::min(wanted, 1e9)), 1, std::max<Index>(1, kMostTasks / stages));
}

Index ClusterRun::bytes_at_the_end() const {
  Index bytes = 0;
  for (const Target& target : targets_) bytes += target.how == How::kStore ? target.sink->spec().bytes() : 0;
  return bytes;
}

std::vector<ClusterRun::Range> ClusterRun::ranges(int number, Index lanes) const {
  const auto g = static_cast<std::size_t>(number);
  const Stage& stage = plan_.stages[g];
  const Index all = stage.domain.empty() ? 0 : tile_count(stage);
  std::vector<Range> out;
  // `parts` ranges of about the same length, cut at multiples of `unit`.
  const auto cut = [&out](Index first, Index last, Index parts, Index unit, int group, bool leaves_states) {
    const Index units = (last - first + unit - 1) / unit;
    parts = std::clamp<Index>(parts, 1, std::max<Index>(1, units));
    for (Index p = 0; p < parts; ++p)
      out.push_back({first + units * p / parts * unit, std::min(last, first + units * (p + 1) / parts * unit), group, leaves_states});
  };
  const std::vector<bool>* finished = left_ != nullptr ? &left_->finished[g] : nullptr;
  const Index left = finished == nullptr ? all : std::count(finished->begin(), finished->end(), false);
  const Index wanted = wanted_ranges(number, left, lanes);
  const Index together = together_[g];
  if (all == 0) return {Range{}};
  if (together == 0) {
    for (Index first = 0; first < all;) {
      if (finished != nullptr && (*finished)[static_cast<std::size_t>(first)]) {
        ++first;
        continue;
      }
      Index last = finished == nullptr ? all : first;
      while (last < all && !(*finished)[static_cast<std::size_t>(last)]) ++last;
      cut(first, last, (wanted * (last - first) + left - 1) / left, 1, 0, false);
      first = last;
    }
    return out;
  }
  const Index blocks = all / together;
  if (blocks >= wanted || together == 1) {
    cut(0, all, wanted, together, 0, false);
    return out;
  }
  Index unit = 1;
  for (const int node : stage.folds) {
    const Op& op = *plan_.nodes[static_cast<std::size_t>(node)].op;
    // Ranges that end where nodes of the tree do leave fewer states.
    const Index leaves = LeafGrid(*op.fold(), op.domain()).count / together;
    if (leaves >= 1) unit = std::lcm(unit, FoldTree::kArity / std::gcd(FoldTree::kArity, leaves));
  }
  Index parts = std::min((wanted + blocks - 1) / blocks, std::max<Index>(1, kMostStateBytes / (4 * state_bytes_of(stage))));
  if (together / unit < parts) unit = 1;
  parts = std::clamp<Index>(parts, 1, together);
  for (Index b = 0; b < blocks; ++b) cut(b * together, (b + 1) * together, parts, unit, static_cast<int>(b), parts > 1);
  return out;
}

std::vector<std::string> ClusterRun::sources() const {
  std::vector<std::string> out;
  for (const PlanNode& node : plan_.nodes) {
    const auto& source = node.op->source();
    if (source == nullptr || source->memory() || source->reference() == "{}") continue;
    const std::string path = source->identity().path;
    if (path.empty()) continue;
    const std::string whole = absolute_location(path);
    if (std::find(out.begin(), out.end(), whole) == out.end()) out.push_back(whole);
  }
  return out;
}

std::vector<std::string> ClusterRun::folders() const {
  std::vector<std::string> out{folder_of(work_folder_)};
  for (const auto& sink : sinks_) {
    if (!sink->caps().on_disk) continue;
    const std::string folder = folder_of(absolute_location(sink->name()));
    if (std::find(out.begin(), out.end(), folder) == out.end()) out.push_back(folder);
  }
  return out;
}

std::vector<std::shared_ptr<const UserFunctionOp>> ClusterRun::functions() const {
  std::vector<std::shared_ptr<const UserFunctionOp>> out;
  for (const PlanNode& node : plan_.nodes) {
    auto user = std::dynamic_pointer_cast<const UserFunctionOp>(node.op);
    if (user == nullptr) continue;
    const std::string& identity = user->function().identity;
    if (std::none_of(out.begin(), out.end(), [&](const auto& other) { return other->function().identity == identity; })) out.push_back(std::move(user));
  }
  return out;
}

bool ClusterRun::uses_math_library() const {
  return std::any_of(plan_.nodes.begin(), plan_.nodes.end(), [](const PlanNode& node) { return freestone::uses_math_library(*node.op); });
}

void ClusterRun::make_work_folder() {
  std::error_code error;
  stdfs::remove_all(work_folder_, error);  // of a run of the same output that was killed
  Index bytes = bytes_at_the_end();
  for (const Store& store : plan_.stores) bytes += store.spec.bytes();
  check_free_space(folder_of(work_folder_), bytes, work_folder_);
  stdfs::create_directories(work_folder_, error);
  if (error) fail(ErrorKind::kIo, "{}: the folder for intermediate results cannot be made: {}", work_folder_, error.message());
  made_folder_ = true;
  for (std::size_t s = 0; s < plan_.stores.size(); ++s) TempStore::named(stores_[s], plan_.stores[s].spec, plan_.stores[s].block).sink()->create();
  for (const Target& target : targets_)
    if (target.how == How::kStore) TempStore::named(target.store, target.sink->spec(), target.block).sink()->create();
}

/// Data that lies in this process, or in a file without a name, goes into stores that workers can open.
void ClusterRun::name_sources() {
  for (std::size_t n = 0; n < plan_.nodes.size(); ++n) {
    const std::shared_ptr<const Source> source = plan_.nodes[n].op->source();
    if (source == nullptr || source->reference() != "{}") continue;
    Shape block = source->chunks().is_contiguous() ? source->spec().shape : source->chunks().chunk();
    const TempStore store = TempStore::named(fmt::format("{}/source-{}", work_folder_, n), source->spec(), block);
    check_free_space(work_folder_, source->spec().bytes(), work_folder_);
    store.sink()->create();
    ComputeOptions here{options_.here, nullptr, options_.compute.cancel};
    write_outputs({{from_source(source), std::make_shared<PassingSink>(store.sink())}}, here);
    plan_.nodes[n].op = std::make_shared<SourceOp>(store.source());
  }
}

void ClusterRun::begin() {
  ensure(!has_begun_, "a run on a cluster was begun twice");
  started_ = now_ns();
  has_begun_ = true;
  if (events_.active()) {
    Index tiles = 0;
    for (const StageFacts& stage : stages()) tiles += stage.tiles;
    events_.emit({EventKind::kRunStart, -1, -1, -1, "", plan_.total.bytes_read, tiles, plan_.budget, started_, started_});
  }
  bool begun = left_ == nullptr;
  try {
    for (const auto& sink : sinks_) {
      if (left_ != nullptr && !sink->journal_path().empty())
        sink->resume();
      else
        sink->create();
    }
    make_work_folder();
    name_sources();
    begun = true;
    if (left_ != nullptr)
      journal_ = Journal::take_up(journal_path_, sinks_);
    else if (!journal_path_.empty())
      journal_ = std::make_unique<Journal>(journal_path_, job_, plan_, sinks_);
  } catch (const std::exception& error) {
    if (begun) {
      abort(error.what());
    } else {
      leave(error.what());
    }
    throw;
  }
}

std::string ClusterRun::payload() const {
  Json outputs = Json::array();
  for (const Target& target : targets_) {
    switch (target.how) {
      // Parts of what is done already come back, and are let go.
      case How::kMemory:
      case How::kDone: outputs.push_back({{"memory", true}}); break;
      case How::kDirect: outputs.push_back({{"recipe", target.recipe}, {"token", target.sink->token()}}); break;
      case How::kStore:
      case How::kKept: outputs.push_back({{"store", target.store}, {"block", target.block.to_vector()}}); break;
    }
  }
  return Json{{"plan", to_json(plan_)}, {"outputs", outputs}, {"stores", stores_}}.dump();
}

void ClusterRun::stage_begins(int number) {
  if (!events_.active()) return;
  const Stage& stage = plan_.stages[static_cast<std::size_t>(number)];
  Index tiles = 0;
  for (const StageFacts& facts : stages())
    if (facts.number == number) tiles = facts.tiles;
  events_.emit({EventKind::kStageStart, number, -1, -1, describe(plan_, stage), stage.estimate.bytes_read, tiles, 0, now_ns(), now_ns()});
}

void ClusterRun::tiles_done(int stage, Index first, Index last) {
  const bool noted = journal_ != nullptr && is_noted(stage);
  for (Index tile = first; tile < last; ++tile) {
    if (noted) journal_->finished(stage, tile);
    if (events_.active()) events_.emit({EventKind::kTaskDone, stage, tile, 0, "", 0, 0, 0, now_ns(), now_ns()});
  }
}

void ClusterRun::stage_ends(int stage) {
  if (events_.active()) events_.emit({EventKind::kStageEnd, stage, -1, -1, "", 0, 0, 0, now_ns(), now_ns()});
  for (std::size_t s = 0; s < plan_.stores.size(); ++s)
    if (plan_.stores[s].last_stage == stage) ::unlink(stores_[s].c_str());
}

void ClusterRun::take_part(int root, const Box& box, const View& data) {
  if (root < 0 || root >= static_cast<int>(sinks_.size())) fail(ErrorKind::kData, "A worker gave a part of a result that nobody asked for.");
  Sink& sink = *sinks_[static_cast<std::size_t>(root)];
  if (!contains(Box(sink.spec().shape), box) || data.dtype != sink.spec().dtype || data.shape != box.shape)
    fail(ErrorKind::kData, "A worker gave a part of a result that is none: {} of {}.", to_string(box), to_string(sink.spec().shape));
  const Buffer memory(Scratch::rounded(sink.scratch_bytes(box)));
  Scratch scratch(memory.bytes());
  sink.write(box, data, scratch, Cancel());
}

void ClusterRun::write_stores_into_outputs(const Cancel* cancel) {
  std::vector<Output> outputs;
  for (const Target& target : targets_) {
    if (target.how != How::kStore) continue;
    outputs.push_back({from_source(TempStore::named(target.store, target.sink->spec(), target.block).source()), std::make_shared<PassingSink>(target.sink)});
  }
  if (!outputs.empty()) write_outputs(outputs, {options_.here, nullptr, cancel});
}

void ClusterRun::finish(const Cancel* cancel) {
  ensure(has_begun_ && !has_ended_, "a run on a cluster was finished that was not under way");
  write_stores_into_outputs(cancel);
  for (const auto& sink : sinks_) sink->finish();
  if (journal_) journal_->remove();
  end("");
}

void ClusterRun::abort(const std::string& reason) noexcept {
  if (!has_begun_ || has_ended_) return;
  for (const auto& sink : sinks_) sink->abort();
  if (journal_) journal_->remove();
  end(reason);
}

bool ClusterRun::leave(const std::string& reason) noexcept {
  if (!has_begun_ || has_ended_) return false;
  const bool stays = journal_ != nullptr || left_ != nullptr;
  for (const auto& sink : sinks_) {
    if (stays && !sink->journal_path().empty())
      sink->leave();
    else
      sink->abort();
  }
  end(reason);
  return stays;
}

void ClusterRun::end(const std::string& error) noexcept {
  has_ended_ = true;
  journal_.reset();
  std::error_code ignored;
  if (made_folder_) stdfs::remove_all(work_folder_, ignored);
  if (!events_.active()) return;
  if (!error.empty()) events_.emit({EventKind::kError, -1, -1, -1, error, 0, 0, 0, now_ns(), now_ns()});
  events_.emit({EventKind::kRunEnd, -1, -1, -1, "", 0, 0, 0, started_, now_ns()});
}

}  // namespace freestone
