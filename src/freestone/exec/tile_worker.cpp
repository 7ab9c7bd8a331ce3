#include "freestone/exec/tile_worker.h"

#include <nlohmann/json.hpp>

#include "freestone/exec/fold_states.h"
#include "freestone/exec/run_stage.h"
#include "freestone/plan/plan_json.h"
#include "freestone/runtime/admission.h"
#include "freestone/storage/shared_writing.h"

namespace freestone {
namespace {

using Json = nlohmann::json;

}  // namespace

PartsSink::PartsSink(Spec spec) : spec_(std::move(spec)), caps_{Shape(spec_.shape.rank(), 1), 0, 0, false} {}

void PartsSink::write(const Box& box, const View& data, Scratch&, const Cancel&) {
  Part part{box, Buffer(std::max<Index>(1, data.bytes()))};
  copy(data, View::contiguous(part.memory.data(), data.dtype, data.shape));
  const std::lock_guard lock(mutex_);
  parts_.push_back(std::move(part));
}

std::vector<PartsSink::Part> PartsSink::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(parts_, {});
}

OpenSource with_stores(OpenSource open) {
  return [open = std::move(open)](const std::string& reference) {
    auto store = TempStore::open_reference(reference);
    return store ? store : open(reference);
  };
}

TileWorker::TileWorker(const std::string& payload, const OpenSource& open, const OpenSink& open_sink) {
  const Json json = Json::parse(payload, nullptr, false);
  if (!json.is_object()) fail(ErrorKind::kData, "A plan came damaged from another process.");
  try {
    plan_ = plan_from_json(json.at("plan"), with_stores(open));
    const Json &outputs = json.at("outputs"), &stores = json.at("stores");
    if (outputs.size() != plan_.roots.size() || stores.size() != plan_.stores.size())
      fail(ErrorKind::kData, "A plan came damaged from another process: it has other outputs or stores.");
    for (std::size_t r = 0; r < outputs.size(); ++r) {
      const Json& output = outputs[r];
      if (output.contains("recipe")) {
        sinks_.push_back(open_sink(output.at("recipe").get<std::string>()));
        Sink& sink = *sinks_.back();
        auto* shared = dynamic_cast<SharedWriting*>(&sink);
        if (shared == nullptr || sink.spec() != plan_.spec(plan_.roots[r]))
          fail(ErrorKind::kData, "{}: this version does not write it as the one that made the plan.", sink.name());
        shared->join();
        const auto token = output.at("token").get<std::string>();
        if (!token.empty() && sink.find(token) != Sink::Whereabouts::kTemporary)
          fail(ErrorKind::kIo, "{}: what the run writes is not here; another run, or another file system, has the name.", sink.name());
      } else if (output.contains("store")) {
        const TempStore store = TempStore::named(output.at("store").get<std::string>(), plan_.spec(plan_.roots[r]),
                                                 Shape(output.at("block").get<std::vector<Index>>()));
        sinks_.push_back(store.sink());
        sinks_.back()->create();
      } else {
        sinks_.push_back(nullptr);
      }
    }
    for (std::size_t s = 0; s < stores.size(); ++s) {
      const TempStore store = TempStore::named(stores[s].get<std::string>(), plan_.stores[s].spec, plan_.stores[s].block);
      store_sources_.push_back(store.source());
      store_sinks_.push_back(store.sink());
      store_sinks_.back()->create();
    }
  } catch (const Json::exception& error) {
    fail(ErrorKind::kData, "A plan came damaged from another process: {}", error.what());
  }
}

TilesDone TileWorker::tiles(int stage_number, Index first, Index last, const std::vector<std::string_view>& given, Index memory,
                            const Cancel& cancel) {
  if (stage_number < 0 || stage_number >= static_cast<int>(plan_.stages.size())) fail(ErrorKind::kData, "The plan has no stage {}.", stage_number);
  const Stage& stage = plan_.stages[static_cast<std::size_t>(stage_number)];
  std::vector<std::shared_ptr<Sink>> sinks = sinks_;
  std::vector<std::shared_ptr<PartsSink>> results(sinks.size());
  std::vector<SinkFacts> facts;
  for (std::size_t r = 0; r < sinks.size(); ++r) {
    if (!sinks[r]) sinks[r] = results[r] = std::make_shared<PartsSink>(plan_.spec(plan_.roots[r]));
    facts.push_back({sinks[r]->name(), sinks[r]->caps(), sinks[r]});
  }
  FoldStates states;
  for (const std::string_view bytes : given) states.add(bytes);
  EventStream silent;
  {
    const Index needed = stage.slots * stage.task_bytes + stage.pinned_bytes + stage.cache_bytes;
    const Admission::Ticket admitted = Admission::of_process().enter(needed, std::max(memory, needed), cancel);
    Budget budget(std::max(plan_.budget, needed));
    run_stage({plan_, stage_number, facts, store_sources_, store_sinks_, budget, silent, cancel, nullptr, nullptr, first, last, &states});
  }
  TilesDone done;
  done.states = states.bytes();
  for (std::size_t r = 0; r < results.size(); ++r) {
    if (!results[r]) continue;
    for (PartsSink::Part& part : results[r]->take())
      done.parts.push_back({static_cast<int>(r), part.box, results[r]->spec().dtype, std::move(part.memory)});
  }
  return done;
}

}  // namespace freestone
