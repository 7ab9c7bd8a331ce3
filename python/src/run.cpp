#include "run.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cstdlib>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <optional>
#include <thread>

#include "freestone/base/log.h"
#include "freestone/formats/format.h"
#include "freestone/formats/hdf5.h"
#include "freestone/formats/zarr_json.h"
#include "freestone/label/open.h"
#include "freestone/label/write.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/plan_json.h"
#include "freestone/watch/plan_picture.h"
#include "module.h"
#include "numpy_bridge.h"

namespace freestone::python {
namespace {

/// Takes nothing: stands for a result, in memory or in a file, while a plan is only looked at.
class PlannedResult final : public Sink {
 public:
  PlannedResult(Spec spec, bool in_file) : spec_(spec), caps_{Shape(spec.shape.rank(), 1), 0, in_file ? 0 : spec.bytes(), in_file} {}
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return caps_.on_disk ? "a file" : "memory"; }
  void create() override {}
  Index scratch_bytes(const Box&) const override { return 0; }
  void write(const Box&, const View&, Scratch&, const Cancel&) override { ensure(false, "a plan that was only looked at was run"); }
  void finish() override {}
  void abort() noexcept override {}

 private:
  Spec spec_;
  SinkCaps caps_;
};

Index bytes_of(const nb::object& memory) {
  if (memory.is_none()) return 0;
  return nb::isinstance<nb::str>(memory) ? parse_bytes(nb::cast<std::string>(memory)) : nb::cast<Index>(memory);
}

/// The defaults, looked up again after a second or when the environment says something else: a loop of small computations need not read
/// the config file and the limits of the system every time. Called with the GIL held.
Settings recent_defaults() {
  static Settings known;
  static std::string known_for;
  static std::chrono::steady_clock::time_point looked_at;
  std::string asked;
  for (const char* name : {"FREESTONE_MEMORY", "FREESTONE_THREADS", "FREESTONE_TEMP_DIR", "FREESTONE_LOG_LEVEL", "TMPDIR", "XDG_CONFIG_HOME", "HOME"}) {
    const char* value = std::getenv(name);
    asked += value == nullptr ? "|" : std::string(value) + "|";
  }
  const auto now = std::chrono::steady_clock::now();
  if (asked != known_for || now - looked_at > std::chrono::seconds(1)) {
    known = default_settings();
    known_for = asked;
    looked_at = now;
  }
  return known;
}

RunSetup make_setup(const nb::object& memory, int threads, const std::string& temp_dir, std::vector<std::shared_ptr<Observer>> observers) {
  const Index bytes = bytes_of(memory);
  if (bytes < 0 || (!memory.is_none() && bytes == 0)) fail(ErrorKind::kUser, "memory is more than 0 bytes, such as \"2GiB\".");
  if (threads < 0) fail(ErrorKind::kUser, "threads is 1 or more.");
  Settings settings = recent_defaults();
  if (bytes != 0) settings.memory_bytes = bytes;
  if (threads != 0) settings.threads = threads;
  if (!temp_dir.empty()) settings.temp_dir = temp_dir;
  return {settings, std::move(observers)};
}

nb::list compute_numpy(const std::vector<Array>& arrays, const RunSetup& setup) {
  if (setup.cluster.is_valid()) return nb::cast<nb::list>(setup.cluster.attr("compute")(arrays, setup));
  std::vector<Tensor> tensors;
  run_interruptibly(setup, [&](const ComputeOptions& options) { tensors = compute_all(arrays, options); });
  nb::list results;
  for (const Tensor& tensor : tensors) results.append(numpy_from_tensor(tensor));
  return results;
}

Shape lengths_from(const nb::dict& storage, const char* key) {
  if (!storage.contains(key)) return {};
  return Shape(nb::cast<std::vector<Index>>(storage[key]));
}

std::string word_from(const nb::dict& storage, const char* key, const char* words) {
  std::string word;
  if (storage.contains(key) && !nb::try_cast(storage[key], word)) fail(ErrorKind::kUser, "{} = {}: it is {}.", key, nb::repr(storage[key]).c_str(), words);
  return word;
}

/// What GeoTIFF takes alone.
formats::RasterPacking raster_packing_from(const nb::dict& storage) {
  formats::RasterPacking raster;
  if (int predictor = 0; storage.contains("predictor")) {
    if (!nb::try_cast(storage["predictor"], predictor)) fail(ErrorKind::kUser, "predictor = {}: it is 1, 2 or 3.", nb::repr(storage["predictor"]).c_str());
    raster.predictor = predictor;
  }
  raster.interleave = word_from(storage, "interleave", "'band' or 'pixel'");
  if (std::vector<Index> factors; storage.contains("overviews") && nb::try_cast(storage["overviews"], factors)) {
    raster.overviews = factors.empty() ? "none" : fmt::format("{}", fmt::join(factors, ","));
  } else {
    raster.overviews = word_from(storage, "overviews", "'auto', 'none' or factors such as (2, 4, 8)");
  }
  raster.overview_resampling = word_from(storage, "overview_resampling", "'nearest', 'average', 'rms', 'mode', 'min' or 'max'");
  if (bool yes = false; storage.contains("bigtiff") && nb::try_cast(storage["bigtiff"], yes)) {
    raster.bigtiff = yes ? "yes" : "no";
  } else {
    raster.bigtiff = word_from(storage, "bigtiff", "'yes', 'no' or 'if-needed'");
  }
  return raster;
}

/// JSON keeps Python's kinds of numbers apart.
std::vector<formats::Attribute> attributes_from_json(const std::string& text) {
  return formats::zarr::attributes_from(formats::zarr::parse_json("attributes", text));
}

Plan plan_of(std::vector<Output> outputs, const RunSetup& setup) {
  // Results that no memory would hold are planned as written.
  Index bytes = 0;
  const auto planned = [](const Output& output) { return dynamic_cast<const PlannedResult*>(output.sink.get()) != nullptr; };
  for (const Output& output : outputs)
    if (planned(output)) bytes += output.array.bytes();
  for (Output& output : outputs)
    if (planned(output) && bytes > resolved(setup.settings).memory_bytes) output.sink = std::make_shared<PlannedResult>(output.array.spec(), true);
  return plan_outputs(outputs, {setup.settings, nullptr, nullptr});
}

/// Whether signals are handled on this thread; elsewhere nobody interrupts a run.
bool is_main_thread() {
  const nb::object main = nb::module_::import_("threading").attr("main_thread")();
  return nb::cast<unsigned long>(main.attr("ident")) == PyThread_get_thread_ident();
}

/// Python code of the run cannot look at a flag: the package tells it to stop.
void interrupt_user_functions() {
  const nb::object modules = nb::module_::import_("sys").attr("modules");
  const nb::object interrupts = modules.attr("get")("freestone._interrupts");
  if (!interrupts.is_none()) interrupts.attr("interrupt")();
}

}  // namespace

formats::Packing packing_from(const nb::dict& storage) {
  formats::Packing packing;
  packing.chunks = lengths_from(storage, "chunks");
  packing.shards = lengths_from(storage, "shards");
  if (storage.contains("compress")) packing.compressor = nb::cast<std::string>(storage["compress"]);
  if (storage.contains("level")) packing.level = nb::cast<int>(storage["level"]);
  if (storage.contains("shuffle")) packing.shuffle = nb::cast<bool>(storage["shuffle"]);
  if (storage.contains("fletcher32")) packing.fletcher32 = nb::cast<bool>(storage["fletcher32"]);
  if (storage.contains("zarr_version")) packing.version = nb::cast<int>(storage["zarr_version"]);
  packing.raster = raster_packing_from(storage);
  return packing;
}

formats::AttributeValue whole_from(nb::handle number, const std::string& name) {
  int overflow = 0;
  const std::int64_t whole = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow == 0) return whole;
  const std::uint64_t large = overflow > 0 ? PyLong_AsUnsignedLongLong(number.ptr()) : 0;
  if (overflow > 0 && PyErr_Occurred() == nullptr) return large;
  PyErr_Clear();
  fail(ErrorKind::kUser, "{} = {}: whole numbers from {} to {} are taken.", name, nb::str(number).c_str(), std::numeric_limits<std::int64_t>::min(),
       std::numeric_limits<std::uint64_t>::max());
}

std::optional<formats::AttributeValue> nodata_from(const nb::dict& storage) {
  if (!storage.contains("nodata")) return std::nullopt;
  const nb::object given = storage["nodata"];
  if (const nb::object whole = nb::steal(PyNumber_Index(given.ptr()))) return whole_from(whole, "nodata");
  PyErr_Clear();
  const double number = PyFloat_AsDouble(given.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail(ErrorKind::kUser, "nodata = {}: it is one real number.", nb::repr(given).c_str());
  }
  return number;
}

void run_interruptibly(const RunSetup& setup, const std::function<void(const ComputeOptions&)>& work) {
  EventStream events;
  for (const auto& observer : setup.observers) events.subscribe(observer);
  Cancel cancel;
  const ComputeOptions options{setup.settings, &events, &cancel};
  if (!is_main_thread()) {
    const nb::gil_scoped_release release;
    return work(options);
  }

  std::mutex mutex;
  std::condition_variable ended;
  bool done = false;
  std::exception_ptr error;
  std::optional<nb::python_error> raised;
  {
    const nb::gil_scoped_release release;
    std::thread worker([&] {
      try {
        work(options);
      } catch (...) {
        error = std::current_exception();
      }
      const std::lock_guard lock(mutex);
      done = true;
      ended.notify_one();
    });
    for (std::unique_lock lock(mutex); !ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return done; });) {
      lock.unlock();
      {
        const nb::gil_scoped_acquire hold;
        if (!raised && PyErr_CheckSignals() != 0) {
          raised.emplace();
          cancel.request();
        }
        // Again and again: a function may begin while it is told, or not listen at once.
        if (raised) interrupt_user_functions();
      }
      lock.lock();
    }
    worker.join();
  }
  if (raised) throw std::move(*raised);
  if (error) std::rethrow_exception(error);
}

void bind_run(nb::module_& module) {
  nb::class_<RunSetup>(module, "RunSetup")
      .def_rw("resume", &RunSetup::resume)
      .def("use_cluster", [](RunSetup& setup, nb::object cluster) { setup.cluster = std::move(cluster); });
  module.def("run_setup", &make_setup, nb::arg("memory").none(), nb::arg("threads"), nb::arg("temp_dir"), nb::arg("observers"));
  module.def("parse_bytes", &bytes_of);
  module.def("compute", &compute_numpy);

  module.def("persist", [](const std::vector<Array>& arrays, const RunSetup& setup) {
    if (setup.cluster.is_valid()) return nb::cast<std::vector<Array>>(setup.cluster.attr("persist")(arrays, setup));
    std::vector<Array> kept;
    run_interruptibly(setup, [&](const ComputeOptions& options) { kept = persist_all(arrays, options); });
    return kept;
  });

  nb::class_<Output>(module, "Output", "An array and where it goes.");
  module.def("file_output", [](const Array& array, const std::string& path, const std::string& format, bool overwrite, const nb::dict& storage,
                              const std::string& attributes) {
    ArrayWriteOptions options;
    options.overwrite = overwrite;
    options.format = format;
    options.packing = packing_from(storage);
    if (storage.contains("unlimited_dims")) options.unlimited_dims = nb::cast<std::vector<std::string>>(storage["unlimited_dims"]);
    if (storage.contains("append")) options.append = nb::cast<std::string>(storage["append"]);
    if (storage.contains("dims")) options.dims = nb::cast<std::vector<std::string>>(storage["dims"]);
    if (!options.dims.empty() && static_cast<int>(options.dims.size()) != array.rank())
      fail(ErrorKind::kUser, "dims has {} names, the array {} axes.", options.dims.size(), array.rank());
    options.attributes = attributes_from_json(attributes);
    options.nodata = nodata_from(storage);
    return output_for(array, path, options);
  });
  module.def("planned_output", [](const Array& array) { return Output{array, std::make_shared<PlannedResult>(array.spec(), false)}; });
  module.def("write", [](const std::vector<Output>& outputs, const RunSetup& setup) {
    if (setup.cluster.is_valid()) {
      setup.cluster.attr("write")(outputs, setup);
      return;
    }
    run_interruptibly(setup, [&](ComputeOptions options) {
      options.resume = setup.resume;
      options.open = open_reference;
      write_outputs(outputs, options);
    });
  });
  module.def(
      "explain",
      [](const std::vector<Output>& outputs, const RunSetup& setup) { return explain(plan_of(outputs, setup), resident_bytes()); },
      nb::call_guard<nb::gil_scoped_release>());
  module.def(
      "plan_json", [](const std::vector<Output>& outputs, const RunSetup& setup) { return to_json(plan_of(outputs, setup)).dump(); },
      nb::call_guard<nb::gil_scoped_release>());

  module.def(
      "save_plan_picture",
      [](const std::vector<Output>& outputs, const RunSetup& setup, const std::string& path) {
        watch::save_plan_picture(plan_of(outputs, setup), path);
      },
      nb::call_guard<nb::gil_scoped_release>());

  module.def("settings", [] {
    const Settings settings = default_settings();
    return nb::make_tuple(settings.memory_bytes, settings.threads, settings.temp_dir);
  });
  module.def("describe_hdf5_by", &formats::hdf5::describe_in_process, nb::arg("command"));
  module.def("set_log_level", [](const std::string& level) { set_log_level(parse_log_level(level)); });
  module.def("format_bytes", &format_bytes);
}

}  // namespace freestone::python
