// Runs on clusters: the side of who asks, and the side of a worker. What carries tasks between them is Python (freestone.cluster).

#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "freestone/exec/cluster_run.h"
#include "freestone/exec/tile_worker.h"
#include "freestone/formats/sink_recipe.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/label/open.h"
#include "freestone/ops/lent_functions.h"
#include "freestone/runtime/events.h"
#include "freestone/storage/location.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"
#include "module.h"
#include "numpy_bridge.h"
#include "python_failure.h"
#include "run.h"

namespace freestone::python {
namespace {

using GilReleased = nb::call_guard<nb::gil_scoped_release>;

/// A result in memory, and the output that fills it.
struct MemoryResult {
  explicit MemoryResult(const Array& array) : store(array.spec()), output{array, store.sink()} {}
  MemoryStore store;
  Output output;
};

/// A result on disk that workers write and read by its name: it is removed with the last array over it.
struct KeptStore {
  KeptStore(const Array& array, const std::string& folder, const RunSetup& setup) {
    static std::atomic<int> number = 0;
    const std::string path =
        absolute_location(fmt::format("{}/freestone-kept-{}-{}-{}", folder.empty() ? setup.settings.temp_dir : folder, ::getpid(), now_ns(), number++));
    const TempStore store = TempStore::named(path, array.spec(), kept_block(array));
    source = std::shared_ptr<const Source>(store.source().get(), [kept = store.source(), path](const Source*) { ::unlink(path.c_str()); });
    output = {array, store.sink(), [reference = source->reference()] { return reference; }};
  }
  std::shared_ptr<const Source> source;
  Output output;
};

/// A run with what watches it.
struct Run {
  Run(const std::vector<Output>& outputs, const RunSetup& setup_, Index task_memory, int task_threads, const std::string& work_folder, bool resume)
      : setup(setup_) {
    for (const auto& observer : setup.observers) events.subscribe(observer);
    ClusterOptions options;
    options.compute.settings = setup.settings;
    options.compute.settings.memory_bytes = task_memory;
    options.compute.settings.threads = task_threads;
    options.compute.events = &events;
    options.compute.open = open_reference;
    options.compute.resume = resume;
    options.here = setup.settings;
    options.work_folder = work_folder;
    options.sends_functions = true;
    const nb::gil_scoped_release release;
    run = std::make_unique<ClusterRun>(outputs, options);
  }
  RunSetup setup;
  EventStream events;
  std::unique_ptr<ClusterRun> run;
};

nb::list stages_of(const Run& run) {
  nb::list out;
  for (const ClusterRun::StageFacts& stage : run.run->stages()) {
    nb::dict facts;
    facts["number"] = stage.number;
    facts["what"] = stage.what;
    out.append(facts);
  }
  return out;
}

nb::list ranges_of(const Run& run, int stage, Index lanes) {
  nb::list out;
  for (const ClusterRun::Range& range : run.run->ranges(stage, lanes)) out.append(nb::make_tuple(range.first, range.last, range.group, range.leaves_states));
  return out;
}

/// A function that is found by its identity while this lives.
struct LentFunction {
  std::shared_ptr<const void> lent;
};

nb::list functions_of(const Run& run) {
  nb::list out;
  for (const auto& op : run.run->functions()) {
    const UserFunction& function = op->function();
    out.append(nb::make_tuple(function.identity, nb::borrow(static_cast<PyObject*>(const_cast<void*>(function.origin.get())))));
  }
  return out;
}

void take_part(Run& run, int root, const std::vector<Index>& start, const NumpyArray& values) {
  const Array array = array_from_numpy(values);
  const View view = *array.node()->op->source()->memory();
  const nb::gil_scoped_release release;
  run.run->take_part(root, Box(Dims(start), view.shape), view);
}

nb::tuple tiles_of(TileWorker& worker, int stage, Index first, Index last, const std::vector<nb::bytes>& given, Index memory, const Cancel& cancel) {
  std::vector<std::string_view> states;
  for (const nb::bytes& one : given) states.emplace_back(one.c_str(), one.size());
  TilesDone done;
  try {
    const nb::gil_scoped_release release;
    done = worker.tiles(stage, first, last, states, memory, cancel);
  } catch (const PythonFailure& failure) {
    // Not raised here as itself: who asked for the tiles raises it, in another process.
    const nb::object type = nb::module_::import_("freestone.cluster._functions").attr("FunctionFailed");
    const nb::object raised = type(failure.value(), failure.message(), failure.context());
    PyErr_SetObject(type.ptr(), raised.ptr());
    throw nb::python_error();
  }
  nb::list parts;
  for (TilesDone::Part& part : done.parts) {
    auto owner = std::make_shared<Buffer>(std::move(part.memory));
    const Tensor tensor(View::contiguous(owner->data(), part.dtype, part.box.shape), owner);
    parts.append(nb::make_tuple(part.root, tuple_of(part.box.start), numpy_from_tensor(tensor)));
  }
  return nb::make_tuple(parts, nb::bytes(done.states.data(), done.states.size()));
}

}  // namespace

void bind_cluster(nb::module_& module) {
  nb::class_<MemoryResult>(module, "MemoryResult")
      .def(nb::init<const Array&>())
      .def_ro("output", &MemoryResult::output)
      .def("value", [](const MemoryResult& result) { return numpy_from_tensor(Tensor(result.store.view(), result.store.source())); });

  nb::class_<KeptStore>(module, "KeptStore")
      .def(nb::init<const Array&, const std::string&, const RunSetup&>())
      .def_ro("output", &KeptStore::output)
      .def("array", [](const KeptStore& kept) { return from_source(kept.source); });
  module.def("setup_memory", [](const RunSetup& setup) { return setup.settings.memory_bytes; });
  module.def("array_bytes", [](const Array& array) { return array.bytes(); });

  nb::class_<Run>(module, "ClusterRun")
      .def(nb::init<const std::vector<Output>&, const RunSetup&, Index, int, const std::string&, bool>(), nb::arg("outputs"), nb::arg("setup"),
           nb::arg("task_memory"), nb::arg("task_threads"), nb::arg("work_folder"), nb::arg("resume"))
      .def("stages", &stages_of)
      .def("ranges", &ranges_of)
      .def("sources", [](const Run& run) { return run.run->sources(); })
      .def("functions", &functions_of)
      .def("uses_math_library", [](const Run& run) { return run.run->uses_math_library(); })
      .def("folders", [](const Run& run) { return run.run->folders(); })
      .def("begin", [](Run& run) { run.run->begin(); }, GilReleased())
      .def("payload",
           [](const Run& run) {
             const std::string text = run.run->payload();
             return nb::bytes(text.data(), text.size());
           })
      .def("stage_begins", [](Run& run, int stage) { run.run->stage_begins(stage); }, GilReleased())
      .def("tiles_done", [](Run& run, int stage, Index first, Index last) { run.run->tiles_done(stage, first, last); }, GilReleased())
      .def("stage_ends", [](Run& run, int stage) { run.run->stage_ends(stage); }, GilReleased())
      .def("take_part", &take_part)
      .def("finish", [](Run& run) { run_interruptibly(run.setup, [&](const ComputeOptions& options) { run.run->finish(options.cancel); }); })
      .def("abort", [](Run& run, const std::string& reason) { run.run->abort(reason); }, GilReleased())
      .def("leave", [](Run& run, const std::string& reason) { return run.run->leave(reason); }, GilReleased());

  nb::class_<Cancel>(module, "CancelFlag").def(nb::init<>()).def("request", [](Cancel& cancel) { cancel.request(); });

  nb::class_<LentFunction>(module, "LentFunction").def("__init__", [](LentFunction* lent, const std::string& identity, const UserCallFunction& call) {
    new (lent) LentFunction{lend_function(identity, call)};
  });

  nb::class_<TileWorker>(module, "TileWorker")
      .def("__init__",
           [](TileWorker* worker, const nb::bytes& payload) {
             const std::string text(payload.c_str(), payload.size());
             const nb::gil_scoped_release release;
             new (worker) TileWorker(text, open_reference, formats::sink_from_recipe);
           })
      .def("tiles", &tiles_of);

  module.def("cpu_level", [] {
    switch (kernels::best_target()) {
      case kernels::Target::kAvx512: return "x86-64-v4";
      case kernels::Target::kAvx2: return "x86-64-v3";
      case kernels::Target::kBaseline: break;
    }
    return "baseline";
  });
  module.def("plan_version", [] { return Plan::kVersion; });
}

}  // namespace freestone::python
