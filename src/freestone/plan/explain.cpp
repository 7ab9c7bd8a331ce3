#include "freestone/plan/explain.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {

std::string describe(const Op& op) {
  if (const auto* e = dynamic_cast<const ElementwiseOp*>(&op)) {
    std::string names;
    for (const Instruction& i : e->program().code())
      names += (names.empty() ? "" : ", ") + std::string(i.row == nullptr ? "cast" : i.row->name);
    return "elementwise (" + names + ")";
  }
  if (const auto* r = dynamic_cast<const ReduceOp*>(&op)) return fmt::format("{} over axes {}", r->function(), fmt::join(r->axes(), ","));
  const auto params = op.params();
  if (op.name() == "user_function") return params.at("name").get<std::string>() + " (function)";
  if (op.name() == "select") return params.at("function").get<std::string>();
  return std::string(op.name());
}

std::string describe(const Plan& plan, const Stage& stage) {
  std::string text;
  for (const int node : stage.body) {
    const Op& op = *plan.nodes[static_cast<std::size_t>(node)].op;
    if (op.is_view()) continue;
    text += (text.empty() ? "" : ", ") + describe(op);
  }
  return text.empty() ? "copy" : text;
}

std::string explain(const Plan& plan, Index baseline_bytes) {
  std::string text = fmt::format("{} stage{}, {} threads, budget {}\n", plan.stages.size(), plan.stages.size() == 1 ? "" : "s",
                                 plan.threads, format_bytes(plan.budget));
  for (std::size_t g = 0; g < plan.stages.size(); ++g) {
    const Stage& stage = plan.stages[g];
    text += fmt::format("stage {}: {}\n", g + 1, describe(plan, stage));
    for (const ValueRef& input : stage.inputs) {
      const auto& source = *plan.nodes[static_cast<std::size_t>(input.node)].op->source();
      const std::string path = source.identity().path;
      text += fmt::format("  from     {} {} {}\n", path.empty() ? "memory" : path, to_string(source.spec().shape),
                          name_of(source.spec().dtype));
    }
    for (const int s : stage.store_inputs) {
      const Store& store = plan.stores[static_cast<std::size_t>(s)];
      text += fmt::format("  from     result of stage {} {} {}\n", store.first_stage + 1, to_string(store.spec.shape),
                          name_of(store.spec.dtype));
    }
    text += fmt::format("  tiles    {} of {}, {} in all, axes in order {}{}\n", to_string(stage.tile), to_string(stage.domain.shape),
                        format_count(stage.estimate.tiles), fmt::join(stage.order, ","),
                        stage.mirror.any() ? ", the last two in mirrored pairs: what one tile reads its mirror image reads, too" : "");
    if (stage.mirror.run > 1)
      text += fmt::format("  in runs  of {} tiles along axis {} at each place, which lie in the same chunks\n", stage.mirror.run,
                          stage.order[stage.order.size() - 3]);
    text += fmt::format("  because  {}\n", stage.reason);
    text += fmt::format("  memory   {} a task, {} at a time{}\n", format_bytes(stage.task_bytes), stage.slots,
                        stage.pinned_bytes > 0 ? fmt::format(", {} of partial results", format_bytes(stage.pinned_bytes)) : "");
    if (stage.cache_bytes > 0)
      text += fmt::format("  cache    {} of {}\n", format_bytes(stage.cache_bytes),
                          stage.goes_onward ? "decoders that stop within chunks and go on with the next tile"
                                            : "decoded chunks, which the next tiles want again");
    text += fmt::format("  reads    {}\n", format_bytes(stage.estimate.bytes_read));
    std::vector<std::pair<std::string, int>> results;  // equal lines once, with their number
    for (const Delivery& d : stage.deliveries) {
      const Spec& spec = plan.spec(d.value);
      std::string line;
      if (d.to_store) {
        const Store& store = plan.stores[static_cast<std::size_t>(d.target)];
        line = fmt::format("  keeps    {} {} {} {}", to_string(spec.shape), name_of(spec.dtype), format_bytes(spec.bytes()),
                           store.on_disk ? fmt::format("on disk, in blocks {}", to_string(store.block)) : "in memory");
      } else {
        line = fmt::format("  writes   {} {} {} {}", plan.sink_names[static_cast<std::size_t>(d.target)], to_string(spec.shape),
                           name_of(spec.dtype), format_bytes(spec.bytes()));
      }
      if (!results.empty() && results.back().first == line)
        ++results.back().second;
      else
        results.emplace_back(line, 1);
    }
    for (const auto& [line, count] : results) text += line + (count > 1 ? fmt::format(", {} of them\n", count) : "\n");
    text += fmt::format("  time     about {}\n", format_seconds(stage.estimate.seconds));
  }
  text += fmt::format("total: {} tasks, reads {}, writes {}, peak memory {} (the process included), about {}\n",
                      format_count(plan.total.tiles), format_bytes(plan.total.bytes_read), format_bytes(plan.total.bytes_written),
                      format_bytes(plan.total.peak_bytes + baseline_bytes), format_seconds(plan.total.seconds));
  if (!plan.alternatives.empty()) {
    text += "other ways that were priced:\n";
    for (const Alternative& other : plan.alternatives)
      text += fmt::format("  {:<10} {}\n", other.fits ? format_seconds(other.seconds) : "no room", other.what);
  }
  return text;
}

}  // namespace freestone
