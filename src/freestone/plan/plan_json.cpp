#include "freestone/plan/plan_json.h"

#include <nlohmann/json.hpp>

#include "freestone/array/source_op.h"
#include "freestone/ops/op_list.h"
#include "freestone/plan/explain.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

Json json_of(const Spec& spec) { return {{"shape", spec.shape.to_vector()}, {"dtype", name_of(spec.dtype)}}; }
Spec spec_of(const Json& j) { return {Shape(j.at("shape").get<std::vector<Index>>()), parse_dtype(j.at("dtype").get<std::string>())}; }
Json json_of(ValueRef v) { return {v.node, v.output}; }
ValueRef value_of(const Json& j) { return {j.at(0).get<int>(), j.at(1).get<int>()}; }
Json json_of(const Box& box) { return {{"start", box.start.to_vector()}, {"shape", box.shape.to_vector()}}; }
Box box_of(const Json& j) { return {Dims(j.at("start").get<std::vector<Index>>()), Shape(j.at("shape").get<std::vector<Index>>())}; }
Json json_of(const Estimate& e) {
  return {{"tiles", e.tiles},       {"bytes_read", e.bytes_read}, {"bytes_written", e.bytes_written},
          {"requests", e.requests}, {"peak_bytes", e.peak_bytes}, {"seconds", e.seconds}};
}
Estimate estimate_of(const Json& j) {
  return {j.at("tiles").get<Index>(),    j.at("bytes_read").get<Index>(), j.at("bytes_written").get<Index>(),
          j.at("requests").get<Index>(), j.at("peak_bytes").get<Index>(), j.at("seconds").get<double>()};
}

Json json_of(const Plan& plan, const Stage& stage) {
  Json owned = Json::array(), inputs = Json::array(), deliveries = Json::array();
  for (const auto& [value, map] : stage.owned) {
    Json axes = Json::array();
    for (const OwnAxis& own : map) axes.push_back({own.anchor_axis, own.offset, own.mul, own.unit});
    owned.push_back({{"value", json_of(value)}, {"axes", axes}});
  }
  for (const ValueRef& input : stage.inputs) inputs.push_back(json_of(input));
  for (const Delivery& d : stage.deliveries)
    deliveries.push_back({{"value", json_of(d.value)}, {"to", d.to_store ? "store" : "sink"}, {"number", d.target}});
  return {{"what", describe(plan, stage)},
          {"anchor", json_of(stage.anchor)},
          {"domain", json_of(stage.domain)},
          {"tile", stage.tile.to_vector()},
          {"order", stage.order},
          {"mirror", {stage.mirror.first, stage.mirror.second, stage.mirror.square, stage.mirror.run}},
          {"inputs", inputs},
          {"store_inputs", stage.store_inputs},
          {"body", stage.body},
          {"folds", stage.folds},
          {"deliveries", deliveries},
          {"owned", owned},
          {"slots", stage.slots},
          {"task_bytes", stage.task_bytes},
          {"pinned_bytes", stage.pinned_bytes},
          {"cache_bytes", stage.cache_bytes},
          {"goes_onward", stage.goes_onward},
          {"reason", stage.reason},
          {"estimate", json_of(stage.estimate)}};
}

Stage stage_of(const Json& j) {
  Stage stage;
  stage.anchor = value_of(j.at("anchor"));
  stage.domain = box_of(j.at("domain"));
  stage.tile = Shape(j.at("tile").get<std::vector<Index>>());
  stage.order = j.at("order").get<std::vector<int>>();
  const auto& mirror = j.at("mirror");
  stage.mirror = {mirror.at(0).get<int>(), mirror.at(1).get<int>(), mirror.at(2).get<Index>(), mirror.at(3).get<Index>()};
  for (const auto& v : j.at("inputs")) stage.inputs.push_back(value_of(v));
  stage.store_inputs = j.at("store_inputs").get<std::vector<int>>();
  stage.body = j.at("body").get<std::vector<int>>();
  stage.folds = j.at("folds").get<std::vector<int>>();
  for (const auto& d : j.at("deliveries"))
    stage.deliveries.push_back({value_of(d.at("value")), d.at("to") == "store", d.at("number").get<int>()});
  for (const auto& o : j.at("owned")) {
    OwnMap map;
    for (const auto& axis : o.at("axes"))
      map.push_back({axis.at(0).get<int>(), axis.at(1).get<Index>(), axis.at(2).get<Index>(), axis.at(3).get<Index>()});
    stage.owned[value_of(o.at("value"))] = map;
  }
  stage.slots = j.at("slots").get<int>();
  stage.task_bytes = j.at("task_bytes").get<Index>();
  stage.pinned_bytes = j.at("pinned_bytes").get<Index>();
  stage.cache_bytes = j.at("cache_bytes").get<Index>();
  stage.goes_onward = j.at("goes_onward").get<bool>();
  stage.reason = j.at("reason").get<std::string>();
  stage.estimate = estimate_of(j.at("estimate"));
  return stage;
}

void check(bool holds, const char* what) {
  if (!holds) fail(ErrorKind::kData, "The plan is damaged: {}.", what);
}

/// A plan read from a file is not trusted: numbers that index must be in range.
void validate(const Plan& plan) {
  const auto nodes = static_cast<int>(plan.nodes.size());
  const auto value_exists = [&](ValueRef v) {
    return v.node >= 0 && v.node < nodes && v.output >= 0 &&
           v.output < static_cast<int>(plan.nodes[static_cast<std::size_t>(v.node)].op->outputs().size());
  };
  check(plan.threads >= 1 && plan.threads <= 4096 && plan.budget > 0, "threads or budget are out of range");
  for (const ValueRef& root : plan.roots) check(value_exists(root), "a root names a node that is not there");
  check(plan.sink_names.size() == plan.roots.size(), "roots and outputs differ in number");
  for (const Store& store : plan.stores) {
    check(value_exists(store.value) && plan.spec(store.value) == store.spec && store.block.rank() == store.spec.shape.rank(),
          "a store does not fit its value");
    for (const Index b : store.block) check(b >= 1, "a store has an empty block");
  }
  for (const Stage& stage : plan.stages) {
    check(value_exists(stage.anchor) && stage.domain.rank() == plan.spec(stage.anchor).shape.rank() &&
              stage.tile.rank() == stage.domain.rank(),
          "a stage does not fit its anchor");
    check(contains(Box(plan.spec(stage.anchor).shape), stage.domain), "a stage reaches over its anchor");
    std::vector<int> order = stage.order;
    std::sort(order.begin(), order.end());
    for (int k = 0; k < stage.domain.rank(); ++k)
      check(stage.tile[k] >= 1 && k < static_cast<int>(order.size()) && order[static_cast<std::size_t>(k)] == k,
            "a tile or an order is not one");
    check(static_cast<int>(order.size()) == stage.domain.rank() && stage.slots >= 1, "an order is not one");
    if (const MirroredAxes& mirror = stage.mirror; mirror.any()) {
      const std::size_t n = stage.order.size();
      check(n >= 2 && stage.order[n - 2] == mirror.first && stage.order[n - 1] == mirror.second && mirror.square >= 1 && mirror.run >= 1 &&
                (n < 3 ? mirror.run == 1 : mirror.run <= std::max<Index>(1, stage.domain.shape[stage.order[n - 3]])) &&
                stage.tile[mirror.first] == stage.tile[mirror.second] && stage.domain.shape[mirror.first] == stage.domain.shape[mirror.second],
            "its mirrored axes are not alike");
    }
    for (const ValueRef& v : stage.inputs)
      check(value_exists(v) && plan.nodes[static_cast<std::size_t>(v.node)].op->source() != nullptr, "an input is not a source");
    for (const int s : stage.store_inputs) check(s >= 0 && s < static_cast<int>(plan.stores.size()), "a store is not there");
    for (const int b : stage.body)
      check(b >= 0 && b < nodes && plan.nodes[static_cast<std::size_t>(b)].op->source() == nullptr,
            "a body names a node that is not there");
    for (const auto& [value, map] : stage.owned) {
      check(value.node >= 0 && value.node < nodes, "an owner names a node that is not there");
      const int rank = value.output < 0
                           ? plan.nodes[static_cast<std::size_t>(value.node)].op->domain().rank()
                           : (check(value_exists(value), "an owner names an output that is not there"), plan.spec(value).shape.rank());
      check(static_cast<int>(map.size()) == rank, "an owner has the wrong number of axes");
      for (const OwnAxis& own : map)
        check(own.anchor_axis < stage.domain.rank() && own.mul != 0 && own.unit >= 1, "an owner names an axis that is not there");
    }
    for (const Delivery& d : stage.deliveries) {
      check(value_exists(d.value) && d.target >= 0 && d.target < static_cast<int>(d.to_store ? plan.stores.size() : plan.roots.size()),
            "a delivery goes nowhere");
      const bool folded = std::count(stage.folds.begin(), stage.folds.end(), d.value.node) > 0;
      check(folded || stage.owned.count(d.value), "a delivery has no owner");
    }
    for (const int f : stage.folds)
      check(std::count(stage.body.begin(), stage.body.end(), f) && plan.nodes[static_cast<std::size_t>(f)].op->fold() != nullptr &&
                stage.owned.count({f, -1}),
            "a reduction is not one");
  }
}

}  // namespace

Json to_json(const Plan& plan) {
  Json nodes = Json::array(), roots = Json::array(), stores = Json::array(), stages = Json::array(), passes = Json::array();
  for (const PlanNode& node : plan.nodes) {
    Json inputs = Json::array(), outputs = Json::array();
    for (const ValueRef& input : node.inputs) inputs.push_back(json_of(input));
    for (const Spec& spec : node.op->outputs()) outputs.push_back(json_of(spec));
    if (node.op->source() != nullptr && node.op->source()->reference() == "{}")
      fail(ErrorKind::kUser, "The plan reads data in this process's memory; only plans over files can be saved.");
    nodes.push_back({{"op", node.op->name()},
                     {"version", node.op->version()},
                     {"params", node.op->params()},
                     {"inputs", inputs},
                     {"outputs", outputs}});
  }
  for (std::size_t r = 0; r < plan.roots.size(); ++r) roots.push_back({{"value", json_of(plan.roots[r])}, {"to", plan.sink_names[r]}});
  for (const Store& s : plan.stores)
    stores.push_back({{"value", json_of(s.value)},
                      {"spec", json_of(s.spec)},
                      {"on_disk", s.on_disk},
                      {"block", s.block.to_vector()},
                      {"first_stage", s.first_stage},
                      {"last_stage", s.last_stage}});
  for (const Stage& stage : plan.stages) stages.push_back(json_of(plan, stage));
  for (const PassRecord& pass : plan.passes) passes.push_back({{"name", pass.name}, {"changes", pass.changes}, {"seconds", pass.seconds}});
  return {{"freestone_plan", Plan::kVersion},
          {"budget", plan.budget},
          {"threads", plan.threads},
          {"nodes", nodes},
          {"roots", roots},
          {"stores", stores},
          {"stages", stages},
          {"reserve_bytes", plan.reserve_bytes},
          {"total", json_of(plan.total)},
          {"passes", passes}};
}

Plan plan_from_json(const Json& json, const std::function<std::shared_ptr<const Source>(const std::string&)>& open) {
  try {
    if (!json.is_object() || !json.contains("freestone_plan"))
      fail(ErrorKind::kData, "This is not a Freestone plan (no key \"freestone_plan\").");
    if (json.at("freestone_plan") != Plan::kVersion)
      fail(ErrorKind::kData, "The plan is of version {}, this program reads version {}. Make it again.", json.at("freestone_plan").dump(),
           Plan::kVersion);
    Plan plan;
    plan.budget = json.at("budget").get<Index>();
    plan.threads = json.at("threads").get<int>();
    for (const auto& j : json.at("nodes")) {
      PlanNode node;
      std::vector<Spec> specs;
      for (const auto& v : j.at("inputs")) {
        const ValueRef input = value_of(v);
        check(input.node >= 0 && input.node < static_cast<int>(plan.nodes.size()) && input.output >= 0 &&
                  input.output < static_cast<int>(plan.nodes[static_cast<std::size_t>(input.node)].op->outputs().size()),
              "an operation's input comes after it");
        node.inputs.push_back(input);
        specs.push_back(plan.spec(input));
      }
      const auto name = j.at("op").get<std::string>();
      if (name == "source") {
        const auto& params = j.at("params");
        auto source = open(params.at("reference").get<std::string>());
        const Identity now = source->identity();
        if (now.bytes != params.at("bytes").get<Index>() || now.modified_ns != params.at("modified_ns").get<Index>())
          fail(ErrorKind::kData, "{} has changed since the plan was made. Make the plan again.", now.path);
        node.op = std::make_shared<SourceOp>(std::move(source));
      } else {
        node.op = make_op(name, j.at("version").get<int>(), j.at("params"), specs);
      }
      const auto& outputs = j.at("outputs");
      check(outputs.size() == node.op->outputs().size(), "an operation has another number of outputs");
      for (std::size_t o = 0; o < outputs.size(); ++o)
        check(spec_of(outputs[o]) == node.op->outputs()[o], "an operation gives another shape or dtype");
      plan.nodes.push_back(std::move(node));
    }
    for (const auto& r : json.at("roots")) {
      plan.roots.push_back(value_of(r.at("value")));
      plan.sink_names.push_back(r.at("to").get<std::string>());
    }
    for (const auto& s : json.at("stores"))
      plan.stores.push_back({value_of(s.at("value")), spec_of(s.at("spec")), s.at("on_disk").get<bool>(),
                             Shape(s.at("block").get<std::vector<Index>>()), s.at("first_stage").get<int>(),
                             s.at("last_stage").get<int>()});
    for (const auto& s : json.at("stages")) plan.stages.push_back(stage_of(s));
    plan.reserve_bytes = json.at("reserve_bytes").get<Index>();
    plan.total = estimate_of(json.at("total"));
    for (const auto& p : json.at("passes"))
      plan.passes.push_back({p.at("name").get<std::string>(), p.at("changes").get<Index>(), p.at("seconds").get<double>()});
    validate(plan);
    return plan;
  } catch (const Json::exception& error) {
    fail(ErrorKind::kData, "The plan is damaged: {}", error.what());
  }
}

}  // namespace freestone
