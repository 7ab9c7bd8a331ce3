#include "freestone/plan/make_plan.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <numeric>
#include <set>

#include "freestone/ops/shape.h"
#include "freestone/plan/stage_builder.h"

namespace freestone {
namespace {

/// What happens between a node and its users.
enum class Cut {
  kNone,   ///< one stage: users get the tile (a reduction runs inside the task); other stages compute it again
  kShare,  ///< users in the same pass get the tile, later passes read a store
  kStore   ///< all users read a store
};

struct Draft {
  Plan plan;
  double seconds = 0;
  bool fits = true;
  Index smallest_budget = 0;    ///< of the stages that do not fit, the largest need
  bool computes_twice = false;  ///< some node that costs is in the body of two stages
};

class Planner {
 public:
  Planner(const Graph& graph, const std::vector<SinkFacts>& sinks, const PlanOptions& options)
      : graph_(graph), sinks_(sinks), options_(options) {
    users_.resize(graph.nodes.size());
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (const ValueRef& input : graph.nodes[n].inputs) users_[static_cast<std::size_t>(input.node)].push_back(static_cast<int>(n));
  }

  Draft search();

 private:
  const Op& op(int node) const { return *graph_.nodes[static_cast<std::size_t>(node)].op; }
  bool is_source(int node) const { return op(node).source() != nullptr; }
  bool is_fold(int node) const { return op(node).fold() != nullptr; }

  Draft draft(const std::vector<Cut>& cuts, double memory_share) const;
  bool better(const Draft& a, const Draft& b) const {
    if (a.fits != b.fits) return a.fits;
    return a.fits ? a.seconds < b.seconds * 0.999 : a.smallest_budget < b.smallest_budget;
  }

  const Graph& graph_;
  const std::vector<SinkFacts>& sinks_;
  const PlanOptions& options_;
  std::vector<std::vector<int>> users_;
};

/// The shape of a temporary store's blocks before tiles are known: cubes of about 1 MiB.
Shape first_block(const Spec& spec) {
  Shape block = spec.shape;
  for (Index& b : block) b = std::max<Index>(b, 1);
  while (element_count(block) * size_of(spec.dtype) > (Index{1} << 20)) {
    Index& longest = *std::max_element(block.begin(), block.end());
    longest = (longest + 1) / 2;
  }
  return block;
}

Draft Planner::draft(const std::vector<Cut>& cuts, double memory_share) const {
  Draft out;
  Plan& plan = out.plan;
  plan.budget = options_.budget;
  plan.threads = options_.threads;
  plan.nodes = graph_.nodes;
  plan.roots = graph_.roots;
  for (const SinkFacts& sink : sinks_) {
    plan.sink_names.push_back(sink.name);
    plan.reserve_bytes += sink.caps.reserve_bytes;
  }
  const std::size_t n = graph_.nodes.size();

  // Levels: how many finished passes a node has to wait for.
  std::vector<int> level(n, 0);
  std::vector<bool> accumulated(n, false);
  for (std::size_t i = 0; i < n; ++i) {
    accumulated[i] = is_fold(static_cast<int>(i)) && (cuts[i] != Cut::kNone || users_[i].empty());
    for (const ValueRef& input : graph_.nodes[i].inputs) {
      const auto from = static_cast<std::size_t>(input.node);
      level[i] = std::max(level[i], level[from] + (accumulated[from] || cuts[from] == Cut::kStore ? 1 : 0));
    }
  }
  // Stores: values that a later pass reads.
  std::map<ValueRef, int> store_of;
  std::vector<bool> needed_at_all(n, false);
  for (std::size_t i = 0; i < n; ++i) {
    if (is_source(static_cast<int>(i)) || (!accumulated[i] && cuts[i] == Cut::kNone)) continue;
    for (const int user : users_[i]) {
      if (level[static_cast<std::size_t>(user)] <= level[i]) continue;
      for (const ValueRef& input : graph_.nodes[static_cast<std::size_t>(user)].inputs) {
        if (input.node != static_cast<int>(i) || store_of.count(input)) continue;
        store_of[input] = static_cast<int>(plan.stores.size());
        plan.stores.push_back({input, graph_.spec(input), false, first_block(graph_.spec(input)), level[i], 0});
      }
    }
  }
  // In memory, the smallest first, while they take no more than their share.
  std::vector<std::size_t> by_size(plan.stores.size());
  std::iota(by_size.begin(), by_size.end(), std::size_t{0});
  std::sort(by_size.begin(), by_size.end(), [&](auto a, auto b) { return plan.stores[a].spec.bytes() < plan.stores[b].spec.bytes(); });
  Index in_memory = 0;
  for (const std::size_t s : by_size) {
    Store& store = plan.stores[s];
    const double share = memory_share * static_cast<double>(plan.budget - plan.reserve_bytes);
    store.on_disk = static_cast<double>(in_memory + store.spec.bytes()) > share;
    if (!store.on_disk) in_memory += store.spec.bytes();
  }

  // Targets, level by level.
  const int levels = *std::max_element(level.begin(), level.end()) + 1;
  const StageBuilder builder(plan, sinks_, level, accumulated, store_of);
  std::vector<TileRules> rules;
  std::vector<int> stage_level;
  for (int l = 0; l < levels; ++l) {
    std::map<ValueRef, Target> targets;
    const auto deliver = [&](ValueRef value, Delivery delivery) {
      const ValueRef key = accumulated[static_cast<std::size_t>(value.node)] ? ValueRef{value.node, -1} : value;
      auto& target = targets[key];
      target.value = key;
      target.deliveries.push_back(delivery);
    };
    for (std::size_t r = 0; r < plan.roots.size(); ++r)
      if (level[static_cast<std::size_t>(plan.roots[r].node)] == l) deliver(plan.roots[r], {plan.roots[r], false, static_cast<int>(r)});
    for (std::size_t s = 0; s < plan.stores.size(); ++s)
      if (plan.stores[s].first_stage == l) deliver(plan.stores[s].value, {plan.stores[s].value, true, static_cast<int>(s)});

    // Targets that share data worth sharing go into one stage.
    std::vector<std::vector<Target>> groups;
    std::vector<std::set<ValueRef>> group_values;
    for (const auto& [key, target] : targets) {
      std::set<ValueRef> inputs;
      std::set<int> stores, body;
      builder.closure(target, l, inputs, stores, body);
      std::set<ValueRef> values = inputs;
      for (const int s : stores) values.insert(plan.stores[static_cast<std::size_t>(s)].value);
      for (const int node : body) values.insert({node, 0});
      Index largest = 0;
      for (const ValueRef& v : values) largest = std::max(largest, element_count(plan.spec(v).shape));
      std::vector<Target> group{target};
      for (std::size_t g = 0; g < groups.size();) {
        bool shares = false;
        for (const ValueRef& v : values) shares = shares || (group_values[g].count(v) && 4 * element_count(plan.spec(v).shape) >= largest);
        if (!shares) {
          ++g;
          continue;
        }
        group.insert(group.end(), groups[g].begin(), groups[g].end());
        values.insert(group_values[g].begin(), group_values[g].end());
        groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(g));
        group_values.erase(group_values.begin() + static_cast<std::ptrdiff_t>(g));
      }
      groups.push_back(std::move(group));
      group_values.push_back(std::move(values));
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
      Stage stage;
      TileRules stage_rules;
      bool built = builder.build(groups[g], l, stage, stage_rules);
      if (built && groups[g].size() > 1) {
        // Siblings that together fit nothing go alone.
        Stage trial = stage;
        built =
            choose_tiles(plan, trial, stage_rules, sinks_, plan.budget - plan.reserve_bytes - in_memory, plan.threads, options_.rates).fits;
      }
      if (!built && groups[g].size() > 1) {
        for (const Target& target : groups[g]) groups.push_back({target});
        continue;
      }
      if (!built) {
        out.fits = false;
        out.smallest_budget = std::numeric_limits<Index>::max() / 2;
        return out;
      }
      plan.stages.push_back(std::move(stage));
      rules.push_back(std::move(stage_rules));
      stage_level.push_back(l);
    }
  }

  // A store lives from its stage to the last one that reads it.
  for (std::size_t s = 0; s < plan.stores.size(); ++s) {
    Store& store = plan.stores[s];
    for (std::size_t g = 0; g < plan.stages.size(); ++g) {
      for (const Delivery& d : plan.stages[g].deliveries)
        if (d.to_store && d.target == static_cast<int>(s)) store.first_stage = store.last_stage = static_cast<int>(g);
    }
    for (std::size_t g = 0; g < plan.stages.size(); ++g)
      if (std::count(plan.stages[g].store_inputs.begin(), plan.stages[g].store_inputs.end(), static_cast<int>(s)))
        store.last_stage = static_cast<int>(g);
  }
  const auto memory_beside = [&](std::size_t g) {
    Index bytes = plan.reserve_bytes;
    for (const Store& store : plan.stores)
      if (!store.on_disk && store.first_stage <= static_cast<int>(g) && static_cast<int>(g) <= store.last_stage)
        bytes += store.spec.bytes();
    return bytes;
  };
  const bool spills = std::any_of(plan.stores.begin(), plan.stores.end(), [](const Store& s) { return s.on_disk; });
  // Blocks of a store on disk are the elementwise minimum of the tiles on both sides: the second round knows them.
  for (int round = 0; round < (spills ? 2 : 1); ++round) {
    out.seconds = 0;
    out.fits = true;
    out.smallest_budget = 0;
    for (std::size_t g = 0; g < plan.stages.size(); ++g) {
      const Index beside = memory_beside(g);
      const TileChoice choice = choose_tiles(plan, plan.stages[g], rules[g], sinks_, plan.budget - beside, plan.threads, options_.rates);
      if (!choice.fits) {
        out.fits = false;
        out.smallest_budget = std::max(out.smallest_budget, choice.smallest_budget + beside);
      }
      out.seconds += choice.seconds;
    }
    if (!out.fits || !spills || round == 1) break;
    for (Store& store : plan.stores) {
      if (!store.on_disk) continue;
      const std::size_t maker = static_cast<std::size_t>(store.first_stage);
      Shape block = store.spec.shape;
      const auto shrink = [&](const Stage& stage) {
        const auto owned = stage.owned.find(store.value);
        if (owned == stage.owned.end()) return;
        const Box part = owned_box(owned->second, tile_box(stage, 0), store.spec.shape);
        for (int k = 0; k < block.rank(); ++k) block[k] = std::max<Index>(1, std::min(block[k], part.shape[k]));
      };
      shrink(plan.stages[maker]);
      for (const Stage& stage : plan.stages)
        for (const int s : stage.store_inputs)
          if (&plan.stores[static_cast<std::size_t>(s)] == &store) shrink(stage);
      store.block = block;
    }
  }
  if (!out.fits) return out;

  std::set<int> computed;
  for (std::size_t g = 0; g < plan.stages.size(); ++g) {
    Stage& stage = plan.stages[g];
    stage.estimate.peak_bytes += memory_beside(g);
    plan.total.tiles += stage.estimate.tiles;
    plan.total.bytes_read += stage.estimate.bytes_read;
    plan.total.bytes_written += stage.estimate.bytes_written;
    plan.total.requests += stage.estimate.requests;
    plan.total.seconds += stage.estimate.seconds;
    plan.total.peak_bytes = std::max(plan.total.peak_bytes, stage.estimate.peak_bytes);
    for (const int node : stage.body)
      if (!op(node).is_view() && !computed.insert(node).second) out.computes_twice = true;
  }
  // Results go through the temporary folder: what is not there cannot be spilled.
  Index spilled = 0;
  for (const Store& store : plan.stores) spilled += store.on_disk ? store.spec.bytes() : 0;
  if (options_.temp_free_bytes >= 0 && spilled > options_.temp_free_bytes) {
    out.fits = false;
    out.smallest_budget = plan.budget + spilled;
  }
  return out;
}

Draft Planner::search() {
  const std::size_t n = graph_.nodes.size();
  std::vector<int> folds, others;
  for (std::size_t i = 0; i < n; ++i) {
    if (users_[i].empty() || is_source(static_cast<int>(i)) || op(static_cast<int>(i)).is_view()) continue;
    if (is_fold(static_cast<int>(i))) {
      folds.push_back(static_cast<int>(i));
      continue;
    }
    // A store pays where work is dear, or where the next operation wants other tiles.
    bool feeds_heavy = false;
    for (const int user : users_[i]) feeds_heavy = feeds_heavy || (op(user).name() != "elementwise" && !op(user).is_view());
    if (op(static_cast<int>(i)).name() != "elementwise" || feeds_heavy) others.push_back(static_cast<int>(i));
  }
  constexpr std::size_t kMost = 12;
  if (others.size() > kMost) others.resize(kMost);

  std::vector<Cut> cuts(n, Cut::kNone);
  for (const int fold : folds) cuts[static_cast<std::size_t>(fold)] = Cut::kStore;
  double share = 0.5;
  Draft best = draft(cuts, share);
  const auto attempt = [&](const std::vector<Cut>& trial_cuts, double trial_share) {
    Draft trial = draft(trial_cuts, trial_share);
    if (!better(trial, best)) return false;
    best = std::move(trial);
    cuts = trial_cuts;
    share = trial_share;
    return true;
  };
  if (!folds.empty()) {
    auto inline_all = cuts;
    for (const int fold : folds) inline_all[static_cast<std::size_t>(fold)] = Cut::kNone;
    attempt(inline_all, share);
  }
  for (int round = 0; round < 3; ++round) {
    bool improved = false;
    if (folds.size() > 1 && folds.size() <= kMost) {
      for (const int fold : folds) {
        auto trial = cuts;
        auto& cut = trial[static_cast<std::size_t>(fold)];
        cut = cut == Cut::kNone ? Cut::kStore : Cut::kNone;
        improved = attempt(trial, share) || improved;
      }
    }
    // Stores of other values only where the plan as it is does not fit or computes something twice.
    if (!best.fits || best.computes_twice) {
      for (const int node : others) {
        for (const Cut cut : {Cut::kStore, Cut::kShare, Cut::kNone}) {
          if (cuts[static_cast<std::size_t>(node)] == cut) continue;
          auto trial = cuts;
          trial[static_cast<std::size_t>(node)] = cut;
          improved = attempt(trial, share) || improved;
        }
      }
    }
    if (!best.fits) improved = attempt(cuts, 0.1) || improved;
    if (!improved) break;
  }
  return best;
}

}  // namespace

namespace {

/// A reduction hands its outputs over in small pieces as they are finished; a sink of chunks takes whole chunks. Where they meet, the
/// result is stored and copied in a pass of its own.
void gather_for_chunks(Graph& graph, const std::vector<SinkFacts>& sinks) {
  for (std::size_t r = 0; r < graph.roots.size(); ++r) {
    const ValueRef value = graph.roots[r];
    const Shape& unit = sinks[r].caps.unit;
    if (graph.nodes[static_cast<std::size_t>(value.node)].op->fold() == nullptr ||
        std::all_of(unit.begin(), unit.end(), [](Index n) { return n <= 1; }))
      continue;
    const Spec& spec = graph.spec(value);
    graph.roots[r] = {static_cast<int>(graph.nodes.size()), 0};
    graph.nodes.push_back({std::make_shared<ViewOp>(spec, spec.shape, identity_access(spec.shape.rank())), {value}});
  }
}

}  // namespace

Plan make_plan(const std::vector<Array>& roots, const std::vector<SinkFacts>& sinks, const PlanOptions& options) {
  ensure(!roots.empty() && roots.size() == sinks.size() && options.budget > 0, "make_plan: nothing to plan");
  Graph graph(roots);
  std::vector<PassRecord> records;
  const auto clock = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  for (const Pass& pass : passes()) {
    if (std::count(options.switched_off.begin(), options.switched_off.end(), pass.name)) continue;
    const double start = clock();
    const Index changes = pass.run(graph);
    records.push_back({pass.name, changes, clock() - start});
  }
  gather_for_chunks(graph, sinks);
  const double start = clock();
  Draft best = Planner(graph, sinks, options).search();
  records.push_back({"cut-stages-and-choose-tiles", static_cast<Index>(best.plan.stages.size()), clock() - start});
  if (!best.fits) {
    // Round up, so that the advice works.
    const Index mebibytes = (best.smallest_budget + (best.smallest_budget >> 5) + (Index{1} << 20)) >> 20;
    fail(ErrorKind::kMemory, "The smallest piece of this work needs {} at a time, more than the budget of {}. --memory {}MiB would do.",
         format_bytes(best.smallest_budget), format_bytes(options.budget), mebibytes);
  }
  best.plan.passes = std::move(records);
  return std::move(best.plan);
}

}  // namespace freestone
