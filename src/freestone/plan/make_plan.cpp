#include "freestone/plan/make_plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include "freestone/plan/copies.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/stage_builder.h"

namespace freestone {
namespace {

constexpr const char* kReduceInside = "reduce-inside-tiles";
constexpr const char* kStoreResults = "store-results";
constexpr const char* kSharePasses = "share-passes";
constexpr const char* kStoresInMemory = "stores-in-memory";
constexpr const char* kPriceTiles = "price-tiles";

// Blocks of a store that are smaller, and so many, ask for one more hop.
constexpr Index kLeastBlock = Index{1} << 20;
constexpr Index kLeastBlocks = 1024;

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

bool better(const Draft& a, const Draft& b) {
  if (a.fits != b.fits) return a.fits;
  return a.fits ? a.seconds < b.seconds * 0.999 : a.smallest_budget < b.smallest_budget;
}

class Planner {
 public:
  /// @param hops copies that are stored once more on their way, and the tiles that make them
  Planner(const Graph& graph, const std::vector<SinkFacts>& sinks, const PlanOptions& options, std::map<int, Shape> hops = {})
      : graph_(graph), sinks_(sinks), options_(options), hops_(std::move(hops)) {
    users_.resize(graph.nodes.size());
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      for (const ValueRef& input : graph.nodes[n].inputs) users_[static_cast<std::size_t>(input.node)].push_back(static_cast<int>(n));
  }

  Draft search();
  /// Stored results whose blocks are small, because those who make and read them want opposite tiles: with the tiles of a copy between both,
  /// whose blocks on either side are larger.
  std::vector<std::pair<int, Shape>> hops_for(const Plan& plan) const;
  /// What the steps of the search took.
  const std::vector<PassRecord>& records() const { return records_; }

 private:
  const Op& op(int node) const { return *graph_.nodes[static_cast<std::size_t>(node)].op; }
  bool is_source(int node) const { return op(node).source() != nullptr; }
  bool is_fold(int node) const { return op(node).fold() != nullptr; }
  /// A source's copy, or a hop, which stands in the graph only to be stored.
  bool is_copy(int node) const {
    if (hops_.count(node)) return true;
    if (!op(node).is_view()) return false;
    const ValueRef from = graph_.nodes[static_cast<std::size_t>(node)].inputs[0];
    return is_source(from.node) && is_all_of(op(node), graph_.spec(from).shape);
  }

  /// What a tile of the stage that makes a store has of it, and what one of each stage that reads it wants, in each way.
  std::vector<Shape> parts_of(const Plan& plan, const Store& store) const;
  bool is_on(std::string_view pass) const {
    return std::find(options_.switched_off.begin(), options_.switched_off.end(), pass) == options_.switched_off.end();
  }
  TileChoice tiles_of(const Plan& plan, Stage& stage, const TileRules& rules, Index memory) const;
  Draft draft(const std::vector<Cut>& cuts, double memory_share) const;
  const Graph& graph_;
  const std::vector<SinkFacts>& sinks_;
  const PlanOptions& options_;
  std::map<int, Shape> hops_;
  std::vector<std::vector<int>> users_;
  mutable double tile_seconds_ = 0;
  mutable std::map<std::string, std::pair<TileChoice, Stage>> chosen_;  ///< by stage_key
  std::vector<PassRecord> records_;
};

double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Everything of a stage that its tiles depend on, beside the graph: stores by what is in them, for their numbers differ from draft to draft.
std::string stage_key(const Plan& plan, const Stage& stage, const TileRules& rules, Index memory) {
  std::string key;
  const auto put = [&key](const auto&... numbers) { (fmt::format_to(std::back_inserter(key), "{},", numbers), ...); };
  const auto put_all = [&](const auto& numbers) {
    put(std::size(numbers));
    for (const auto n : numbers) put(n);
  };
  const auto put_store = [&](int number) {
    const Store& store = plan.stores[static_cast<std::size_t>(number)];
    put(store.value.node, store.value.output, store.on_disk);
    if (store.on_disk) put_all(store.block);
  };
  put(memory, stage.anchor.node, stage.anchor.output);
  put_all(stage.domain.start), put_all(stage.domain.shape);
  put_all(stage.body), put_all(stage.folds);
  put(stage.inputs.size(), stage.store_inputs.size(), stage.deliveries.size());
  for (const ValueRef& input : stage.inputs) put(input.node, input.output);
  for (const int store : stage.store_inputs) put_store(store);
  for (const Delivery& delivery : stage.deliveries) {
    put(delivery.value.node, delivery.value.output, delivery.to_store);
    delivery.to_store ? put_store(delivery.target) : put(delivery.target);
  }
  for (const auto& [value, owned] : stage.owned) {
    put(value.node, value.output);
    for (const OwnAxis& own : owned) put(own.anchor_axis, own.offset, own.mul, own.unit);
  }
  put_all(rules.whole), put_all(rules.step), put_all(rules.exactly), put_all(rules.across);
  return key;
}

TileChoice Planner::tiles_of(const Plan& plan, Stage& stage, const TileRules& rules, Index memory) const {
  const double start = seconds_now();
  // Most drafts differ in one cut, and share their other stages.
  const auto [at, is_new] = chosen_.try_emplace(stage_key(plan, stage, rules, memory));
  auto& [choice, chosen] = at->second;
  if (is_new) {
    choice = choose_tiles(plan, stage, rules, sinks_, memory, plan.threads, options_.rates, is_on(kPriceTiles));
    chosen = stage;
  } else {
    Stage again = chosen;
    again.store_inputs = std::move(stage.store_inputs);
    again.deliveries = std::move(stage.deliveries);
    stage = std::move(again);
  }
  tile_seconds_ += seconds_now() - start;
  return choice;
}

}  // namespace

Index write_behind_bytes(const Store& store, Index budget) {
  // What is smaller may stay in the page cache until it is read.
  constexpr Index kLargeStore = Index{1} << 30, kLargeBudget = Index{256} << 20, kBytes = (Index{8} << 20) + 4096;
  return store.on_disk && store.spec.bytes() >= kLargeStore && budget >= kLargeBudget ? kBytes : 0;
}

namespace {

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

std::vector<Shape> Planner::parts_of(const Plan& plan, const Store& store) const {
  std::vector<Shape> parts;
  const Stage& maker = plan.stages[static_cast<std::size_t>(store.first_stage)];
  if (const auto owned = maker.owned.find(store.value); owned != maker.owned.end())
    parts.push_back(owned_box(owned->second, tile_box(maker, 0), store.spec.shape).shape);
  // Every way in which a later stage looks at it: a transpose wants other blocks than what stands beside it.
  const auto number = static_cast<int>(&store - plan.stores.data());
  for (const Stage& stage : plan.stages) {
    if (std::count(stage.store_inputs.begin(), stage.store_inputs.end(), number) == 0) continue;
    const StageProgram program(plan, stage, sinks_, {});
    for (const StageInput& input : program.inputs()) {
      if (input.store != number) continue;
      Shape part = store.spec.shape;
      for (int k = 0; k < part.rank(); ++k) {
        const AxisMotion& motion = input.motion[static_cast<std::size_t>(k)];
        if (motion.anchor_axis < 0) continue;
        const double extent = std::abs(motion.slope) * static_cast<double>(stage.tile[motion.anchor_axis]);
        part[k] = std::clamp<Index>(static_cast<Index>(std::ceil(extent)), 1, part[k]);
      }
      parts.push_back(part);
    }
  }
  return parts;
}

std::vector<std::pair<int, Shape>> Planner::hops_for(const Plan& plan) const {
  std::vector<std::pair<int, Shape>> out;
  for (const Store& store : plan.stores) {
    const Index bytes = element_count(store.block) * size_of(store.spec.dtype);
    if (!store.on_disk || bytes >= kLeastBlock || store.spec.bytes() < kLeastBlocks * bytes || op(store.value.node).outputs().size() != 1) continue;
    const std::vector<Shape> parts = parts_of(plan, store);
    if (parts.size() != 2) continue;
    // Between both in ratio on each axis, and whole pieces of the smaller one.
    Shape tile = store.spec.shape;
    for (int k = 0; k < tile.rank(); ++k) {
      const Index small = std::max<Index>(1, std::min(parts[0][k], parts[1][k])), large = std::max(small, std::max(parts[0][k], parts[1][k]));
      const auto times = static_cast<Index>(std::llround(std::sqrt(static_cast<double>(large) / static_cast<double>(small))));
      tile[k] = std::min(tile[k], small * std::max<Index>(1, times));
    }
    out.emplace_back(store.value.node, tile);
  }
  return out;
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
    // What has no elements has no blocks either.
    store.on_disk = store.spec.bytes() > 0 && (!is_on(kStoresInMemory) || static_cast<double>(in_memory + store.spec.bytes()) > share);
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
        for (const ValueRef& v : values)
          shares = shares || (is_on(kSharePasses) && group_values[g].count(v) && 4 * element_count(plan.spec(v).shape) >= largest);
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
        const Index memory = plan.budget - plan.reserve_bytes - in_memory;
        const TileChoice together = tiles_of(plan, trial, stage_rules, memory);
        built = together.fits;
        // Reading beyond every tile may cost more than a pass for each.
        if (built && std::count(stage_rules.across.begin(), stage_rules.across.end(), true) > 0) {
          double alone = 0;
          for (const Target& target : groups[g]) {
            TileRules own_rules;
            if (!builder.build({target}, l, trial, own_rules)) continue;
            const TileChoice choice = tiles_of(plan, trial, own_rules, memory);
            alone += choice.fits ? choice.seconds : together.seconds;
          }
          built = together.seconds <= alone;
        }
      }
      if (!built && groups[g].size() > 1) {
        for (const Target& target : groups[g]) groups.push_back({target});
        continue;
      }
      if (built && stage.body.size() == 1)
        if (const auto hop = hops_.find(stage.body[0]); hop != hops_.end()) stage_rules.exactly = hop->second;
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
    for (const Store& store : plan.stores)
      if (store.first_stage == static_cast<int>(g)) bytes += write_behind_bytes(store, plan.budget);
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
      const TileChoice choice = tiles_of(plan, plan.stages[g], rules[g], plan.budget - beside);
      if (!choice.fits) {
        out.fits = false;
        out.smallest_budget = std::max(out.smallest_budget, choice.smallest_budget + beside);
      }
      out.seconds += choice.seconds;
    }
    if (!out.fits || !spills || round == 1) break;
    for (Store& store : plan.stores) {
      if (!store.on_disk) continue;
      Shape block = store.spec.shape;
      for (const Shape& part : parts_of(plan, store))
        for (int k = 0; k < block.rank(); ++k) block[k] = std::clamp<Index>(part[k], 1, block[k]);
      // Blocks that the tiles of their maker hold whole are written whole.
      const Stage& maker = plan.stages[static_cast<std::size_t>(store.first_stage)];
      if (const auto owned = maker.owned.find(store.value); owned != maker.owned.end()) {
        const Shape made = owned_box(owned->second, tile_box(maker, 0), store.spec.shape).shape;
        for (int k = 0; k < block.rank() && !Box(made).empty(); ++k)  // the first tile may have nothing of it
          for (Index n = (made[k] + block[k] - 1) / block[k], most = n + n / 4; n <= most; ++n)
            if (made[k] % n == 0) {
              block[k] = std::min(block[k], made[k] / n);
              break;
            }
      }
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
    if (is_copy(static_cast<int>(i))) others.push_back(static_cast<int>(i));
    if (users_[i].empty() || is_source(static_cast<int>(i)) || op(static_cast<int>(i)).is_view()) continue;
    if (is_fold(static_cast<int>(i))) {
      folds.push_back(static_cast<int>(i));
      continue;
    }
    // A store pays where work is dear, where the next operation wants other tiles, or where users look at the result in different ways.
    bool feeds_heavy =
        users_[i].size() > 1 && std::any_of(users_[i].begin(), users_[i].end(), [&](int user) { return op(user).is_view(); });
    for (const int user : users_[i]) feeds_heavy = feeds_heavy || (op(user).name() != "elementwise" && !op(user).is_view());
    if (op(static_cast<int>(i)).name() != "elementwise" || feeds_heavy) others.push_back(static_cast<int>(i));
  }
  constexpr std::size_t kMost = 12;
  if (others.size() > kMost) others.resize(kMost);

  const double start = seconds_now();
  std::vector<Cut> cuts(n, Cut::kNone);
  for (const int fold : folds) cuts[static_cast<std::size_t>(fold)] = Cut::kStore;
  for (const int node : others)
    if (is_copy(node)) cuts[static_cast<std::size_t>(node)] = Cut::kStore;
  for (const auto& [hop, tile] : hops_) {
    const int from = graph_.nodes[static_cast<std::size_t>(hop)].inputs[0].node;
    if (!is_source(from)) cuts[static_cast<std::size_t>(from)] = Cut::kStore;
  }
  double share = 0.5;
  Draft best = draft(cuts, share);
  std::string best_is = folds.empty() ? "everything in one pass" : "each reduction finished before it is used";
  std::vector<Alternative> others_tried;
  const auto attempt = [&](const std::vector<Cut>& trial_cuts, double trial_share, std::string what) {
    Draft trial = draft(trial_cuts, trial_share);
    const bool taken = better(trial, best);
    others_tried.push_back({taken ? std::exchange(best_is, std::move(what)) : std::move(what), taken ? best.seconds : trial.seconds,
                            taken ? best.fits : trial.fits});
    if (!taken) return false;
    best = std::move(trial);
    cuts = trial_cuts;
    share = trial_share;
    return true;
  };
  auto on_the_way = cuts;
  for (const int node : others)
    if (is_copy(node) && !hops_.count(node)) on_the_way[static_cast<std::size_t>(node)] = Cut::kShare;
  auto inline_all = cuts;
  for (const int fold : folds) inline_all[static_cast<std::size_t>(fold)] = Cut::kNone;
  if (!folds.empty() && on_the_way != cuts && is_on(kSharePasses)) attempt(on_the_way, share, "reductions of the input on its way into the store");
  if (!folds.empty() && is_on(kReduceInside)) attempt(inline_all, share, "reductions inside the tiles of what uses them, in one pass");
  for (int round = 0; round < 3; ++round) {
    bool improved = false;
    if (folds.size() > 1 && folds.size() <= kMost && is_on(kReduceInside)) {
      for (const int fold : folds) {
        auto trial = cuts;
        auto& cut = trial[static_cast<std::size_t>(fold)];
        cut = cut == Cut::kNone ? Cut::kStore : Cut::kNone;
        improved =
            attempt(trial, share,
                    fmt::format("{} {}", describe(op(fold)), cut == Cut::kNone ? "inside the tiles of what uses it" : "finished first")) ||
            improved;
      }
    }
    // Stores of other values only where the plan as it is does not fit or computes something twice.
    if ((!best.fits || best.computes_twice) && is_on(kStoreResults)) {
      for (const int node : others) {
        for (const Cut cut : {Cut::kStore, Cut::kShare, Cut::kNone}) {
          if (cuts[static_cast<std::size_t>(node)] == cut) continue;
          auto trial = cuts;
          trial[static_cast<std::size_t>(node)] = cut;
          const char* how = cut == Cut::kStore   ? "stored"
                            : cut == Cut::kShare ? "stored for later passes"
                                                 : "made again where it is needed";
          improved = attempt(trial, share, fmt::format("the result of {} {}", describe(op(node)), how)) || improved;
        }
      }
    }
    if (!best.fits) improved = attempt(cuts, 0.1, "more intermediate results on disk") || improved;
    if (!improved) break;
  }
  if (!best.fits && others.size() > 1 && is_on(kStoreResults)) {
    // One store alone helps nothing where every other stage still wants all of an axis: all of them, less those that are not needed.
    auto stored = cuts;
    for (const int node : others) stored[static_cast<std::size_t>(node)] = Cut::kStore;
    const bool helps = attempt(stored, share, "the results of all operations stored");
    if (attempt(stored, 0.1, "the results of all operations stored, on disk") || helps)
      for (const int node : others) {
        auto trial = cuts;
        trial[static_cast<std::size_t>(node)] = Cut::kNone;
        attempt(trial, share, fmt::format("the result of {} made again where it is needed", describe(op(node))));
      }
  }
  std::stable_sort(others_tried.begin(), others_tried.end(),
                   [](const Alternative& a, const Alternative& b) { return a.fits != b.fits ? a.fits : a.fits && a.seconds < b.seconds; });
  constexpr std::size_t kTold = 8;
  if (others_tried.size() > kTold) others_tried.resize(kTold);
  best.plan.alternatives = std::move(others_tried);
  records_ = {{"cut-stages", static_cast<Index>(best.plan.stages.size()), seconds_now() - start - tile_seconds_},
              {kPriceTiles, static_cast<Index>(chosen_.size()), tile_seconds_}};
  return best;
}

}  // namespace

namespace {

/// Sources that may be worth a copy: of which `plan` reads much more than there is of them, for tiles and chunks lie across each other, or which a
/// cache of chunks would hold whole: in one piece of memory tiles look at them where they are.
std::vector<int> worth_a_copy(const Plan& plan) {
  const auto once = [&](int node) {
    const auto& source = plan.nodes[static_cast<std::size_t>(node)].op->source();
    return source == nullptr || source->memory() ? 0 : static_cast<double>(source->cost(Box(source->spec().shape)).bytes);
  };
  std::set<int> kept;
  std::map<int, double> read;  // a stage tells what it reads of all its sources together
  for (const Stage& stage : plan.stages) {
    double all = 0;
    for (const ValueRef& input : stage.inputs) all += once(input.node);
    for (const ValueRef& input : stage.inputs)
      if (const double its = once(input.node); its > 0) {
        read[input.node] += static_cast<double>(stage.estimate.bytes_read) * its / all;
        if (!stage.goes_onward && stage.cache_bytes >= plan.spec(input).bytes()) kept.insert(input.node);
      }
  }
  std::vector<int> sources;
  for (const auto& [node, bytes] : read)
    if (bytes > 1.3 * once(node) || kept.count(node) > 0) sources.push_back(node);
  return sources;
}

}  // namespace

std::vector<PassInfo> all_passes() {
  std::vector<PassInfo> all;
  for (const Pass& pass : passes()) all.push_back({pass.name, pass.why});
  all.push_back({kReduceInside, "a tile that spans the reduced axes needs no pass of its own for a mean that it uses"});
  all.push_back({kStoreResults, "between operations that want opposite tiles, or instead of making the same twice"});
  all.push_back({kSharePasses, "results that are wanted from the same data come out of one pass over it"});
  all.push_back({kStoresInMemory, "an intermediate result that leaves room enough need not go to the disk"});
  all.push_back({kPriceTiles, "the cheapest tile and order that fit, not the first"});
  return all;
}

Plan make_plan(const std::vector<Array>& roots, const std::vector<SinkFacts>& sinks, const PlanOptions& options) {
  ensure(!roots.empty() && roots.size() == sinks.size() && options.budget > 0, "make_plan: nothing to plan");
  std::vector<std::string> names;
  for (const PassInfo& pass : all_passes()) names.push_back(pass.name);
  for (const std::string& name : options.switched_off)
    if (!std::count(names.begin(), names.end(), name))
      fail(ErrorKind::kUser, "The planner has no pass '{}'.{}", name, suggestion(name, names));
  Graph graph(roots);
  std::vector<PassRecord> records;
  for (const Pass& pass : passes()) {
    if (std::count(options.switched_off.begin(), options.switched_off.end(), pass.name)) continue;
    const double start = seconds_now();
    const Index changes = pass.run(graph);
    records.push_back({pass.name, changes, seconds_now() - start});
  }
  gather_for_chunks(graph, sinks);
  Planner planner(graph, sinks, options);
  Draft best = planner.search();
  records.insert(records.end(), planner.records().begin(), planner.records().end());
  const bool may_store = !std::count(options.switched_off.begin(), options.switched_off.end(), kStoreResults);
  std::vector<int> sources;
  if (may_store && best.fits) sources = worth_a_copy(best.plan);
  if (may_store && !best.fits)
    for (std::size_t n = 0; n < graph.nodes.size(); ++n)
      if (graph.nodes[n].op->source() != nullptr) sources.push_back(static_cast<int>(n));
  const auto try_instead = [&](Draft draft, const char* pass, const char* taken_from, const char* what, double begun) {
    const bool taken = better(draft, best);
    const Alternative other{taken ? taken_from : what, taken ? best.seconds : draft.seconds, taken ? best.fits : draft.fits};
    if (taken) best = std::move(draft);
    best.plan.alternatives.insert(best.plan.alternatives.begin(), other);
    records.push_back({pass, taken ? 1 : 0, seconds_now() - begun});
  };
  std::optional<Draft> through_store;  // where stores may want one more hop, taken or not
  if (!sources.empty()) {
    const double begun = seconds_now();
    Graph copied = with_copies(graph, sources);
    through_store = Planner(copied, sinks, options).search();
    graph = std::move(copied);
    try_instead(*through_store, "store-inputs", "reading the input where it lies, in pieces across its chunks",
                "the input copied into a temporary store first", begun);
  }
  if (const Draft& stored = through_store ? *through_store : best; may_store && stored.fits) {
    const double begun = seconds_now();
    if (const auto hops = Planner(graph, sinks, options).hops_for(stored.plan); !hops.empty()) {
      std::vector<int> originals, copies;
      std::map<int, Shape> tiles;
      for (const auto& [node, tile] : hops) originals.push_back(node);
      std::sort(originals.begin(), originals.end());
      const Graph hopped = with_copies(graph, originals, &copies);
      for (const auto& [node, tile] : hops) {
        const auto at = std::lower_bound(originals.begin(), originals.end(), node) - originals.begin();
        tiles[copies[static_cast<std::size_t>(at)]] = tile;
      }
      try_instead(Planner(hopped, sinks, options, tiles).search(), "hop", "without one more temporary store between opposite tiles",
                  "one more temporary store, whose blocks are larger", begun);
    }
  }
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
