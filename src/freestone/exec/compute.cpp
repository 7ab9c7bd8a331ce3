#include "freestone/exec/compute.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "freestone/plan/plan_json.h"
#include "freestone/runtime/admission.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"

namespace freestone {

double Tensor::number() const {
  ensure(view_.count() == 1, "number() of a tensor with several elements");
  return with_real_type(view_.dtype, [&]<class T>(TypeTag<T>) { return static_cast<double>(*view_.as<T>()); });
}

Plan plan_outputs(const std::vector<Output>& outputs, const ComputeOptions& options) {
  const Settings settings = resolved(options.settings);
  std::vector<Array> roots;
  std::vector<SinkFacts> facts;
  for (const Output& output : outputs) {
    roots.push_back(output.array);
    facts.push_back({output.sink->name(), output.sink->caps(), output.sink});
  }
  PlanOptions plan_options;
  const Index held = Admission::of_process().held();
  if (held >= settings.memory_bytes)
    fail(ErrorKind::kMemory, "Persisted arrays hold {}, all of the budget of {}. Let go of some, or raise the budget.", format_bytes(held),
         format_bytes(settings.memory_bytes));
  plan_options.budget = settings.memory_bytes - held;
  plan_options.switched_off = options.without_passes;
  plan_options.threads = settings.threads;
  plan_options.rates = known_rates();
  if (options.disk_bytes_per_second > 0)
    plan_options.rates.all_read_bytes_per_second = plan_options.rates.all_write_bytes_per_second = options.disk_bytes_per_second;
  struct statvfs disk {};
  if (!options.simulated && statvfs(settings.temp_dir.c_str(), &disk) == 0)
    plan_options.temp_free_bytes = static_cast<Index>(disk.f_bavail) * static_cast<Index>(disk.f_frsize);
  return make_plan(roots, facts, plan_options);
}

void write_outputs(const std::vector<Output>& outputs, const ComputeOptions& given) {
  ComputeOptions options = given;
  options.settings = resolved(given.settings);
  std::vector<std::shared_ptr<Sink>> sinks;
  std::vector<Array> roots;
  for (const Output& output : outputs) sinks.push_back(output.sink), roots.push_back(output.array);
  RunOptions run{options.settings.temp_dir, options.events, options.cancel};
  run.journal_path = journal_path_of(sinks);
  if (!run.journal_path.empty()) run.job = describe_job(roots, sinks);
  if (options.resume) {
    const TakenUp taken = taken_up(run.journal_path, run.job, options.open, options.settings.memory_bytes);
    run.left = &taken.left;
    return run_plan(taken.plan, sinks, run);
  }
  if (run.job.empty()) run.journal_path.clear();
  run_plan(plan_outputs(outputs, options), sinks, run);
}

std::vector<Tensor> results_of(const std::vector<Array>& arrays, const ComputeOptions& given, const WriteOutputs& write) {
  ComputeOptions options = given;
  options.settings = resolved(given.settings);
  const Index budget = options.settings.memory_bytes;
  Index result_bytes = 0;
  for (const Array& array : arrays) result_bytes += array.bytes();
  if (result_bytes > budget)
    fail(ErrorKind::kMemory, "The result takes {}, more than the budget of {}. Write it to a file instead (write), or raise the budget.",
         format_bytes(result_bytes), format_bytes(budget));
  std::vector<Output> outputs;
  std::vector<MemoryStore> stores;
  for (const Array& array : arrays) {
    stores.emplace_back(array.spec());
    outputs.push_back({array, stores.back().sink()});
  }
  write(outputs, options);
  std::vector<Tensor> results;
  for (const MemoryStore& store : stores) results.emplace_back(store.view(), store.source());
  return results;
}

std::vector<Tensor> compute_all(const std::vector<Array>& arrays, const ComputeOptions& options) { return results_of(arrays, options, write_outputs); }

Tensor compute(const Array& array, const ComputeOptions& options) { return compute_all({array}, options).front(); }

namespace {

constexpr Index kKeptBlockBytes = Index{1} << 22;

/// Hands events on to another stream.
class Forward final : public Observer {
 public:
  explicit Forward(EventStream& to) : to_(to) {}
  void on_event(const Event& event) override { to_.emit(event); }

 private:
  EventStream& to_;
};

/// Counts tasks for a future.
class CountTasks final : public Observer {
 public:
  explicit CountTasks(Work& work) : work_(work) {}
  void on_event(const Event& event) override {
    if (event.kind == EventKind::kRunStart) work_.parts_total = event.total;
    if (event.kind == EventKind::kTaskDone) ++work_.parts_done;
  }

 private:
  Work& work_;
};

/// A thread that ends with its future: whoever lets go of the last handle stops it.
struct OwnThread {
  Work* work = nullptr;
  std::thread thread;
  ~OwnThread() {
    work->cancel.request();
    // The last handle may be let go by what was to be done next, which runs on the thread itself.
    if (thread.get_id() == std::this_thread::get_id())
      thread.detach();
    else if (thread.joinable())
      thread.join();
  }
};

template <class T, class F>
Future<T> run_async(const ComputeOptions& options, F make) {
  // The thread has a handle on the result, the caller's handle has one on the thread.
  auto shared = std::make_shared<typename Future<T>::Shared>();
  auto own = std::make_shared<OwnThread>();
  own->work = shared.get();
  own->thread = std::thread([shared, options, make = std::move(make), nested = InsideRun::now()] {
    std::optional<InsideRun> inside;
    if (nested) inside.emplace();
    Future<T>::fulfil(*shared, [&] {
      EventStream events;
      events.subscribe(std::make_shared<CountTasks>(*shared));
      if (options.events != nullptr) events.subscribe(std::make_shared<Forward>(*options.events));
      ComputeOptions mine = options;
      mine.events = &events;
      mine.cancel = &shared->cancel;
      return make(mine);
    });
  });
  return Future<T>(std::shared_ptr<typename Future<T>::Shared>(shared.get(), [shared, own](auto*) mutable { own.reset(); }));
}

}  // namespace

Future<std::vector<Tensor>> compute_all_async(const std::vector<Array>& arrays, const ComputeOptions& options) {
  return run_async<std::vector<Tensor>>(options, [arrays](const ComputeOptions& o) { return compute_all(arrays, o); });
}

Future<Tensor> compute_async(const Array& array, const ComputeOptions& options) {
  return run_async<Tensor>(options, [array](const ComputeOptions& o) { return compute(array, o); });
}

Future<void> write_async(const std::vector<Output>& outputs, const ComputeOptions& options) {
  return run_async<void>(options, [outputs](const ComputeOptions& o) { write_outputs(outputs, o); });
}

Shape kept_block(const Array& array) {
  Shape block = array.chunks().is_contiguous() ? array.shape() : array.chunks().chunk();
  while (element_count(block) * size_of(array.dtype()) > kKeptBlockBytes) {
    Index& longest = *std::max_element(block.begin(), block.end());
    longest = (longest + 1) / 2;
  }
  return block;
}

namespace {

/// What runs under way will keep in memory and do not hold yet: those that choose meanwhile leave it out.
struct Promise {
  ~Promise() {
    const std::lock_guard lock(mutex);
    promised_bytes -= bytes;
  }
  /// Which arrays, the first ones first, go into half of the memory that is free.
  std::vector<bool> choose(const std::vector<Array>& arrays, Index memory_bytes) {
    const std::lock_guard lock(mutex);
    Index room = std::max<Index>(0, memory_bytes - Admission::of_process().held() - promised_bytes) / 2;
    std::vector<bool> fits;
    for (const Array& array : arrays) {
      fits.push_back(array.bytes() <= room);
      if (!fits.back()) continue;
      room -= array.bytes();
      bytes += array.bytes();
    }
    promised_bytes += bytes;
    return fits;
  }
  Index bytes = 0;
  static inline std::mutex mutex;
  static inline Index promised_bytes = 0;
};

}  // namespace

std::vector<Array> persist_all(const std::vector<Array>& arrays, const ComputeOptions& options) {
  const Settings settings = resolved(options.settings);
  Admission& admission = Admission::of_process();
  Promise promise;
  const std::vector<bool> fits = promise.choose(arrays, settings.memory_bytes);
  struct InMemory {
    MemoryStore store;
    Admission::Ticket ticket;
  };
  std::vector<std::shared_ptr<InMemory>> in_memory;
  std::vector<Output> outputs;
  std::vector<Array> kept;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const Array& array = arrays[i];
    if (fits[i]) {
      in_memory.push_back(std::make_shared<InMemory>(InMemory{MemoryStore(array.spec()), {}}));
      outputs.push_back({array, in_memory.back()->store.sink()});
      kept.push_back(from_memory(in_memory.back()->store.view(), in_memory.back()));
    } else {
      const TempStore store(settings.temp_dir, array.spec(), kept_block(array));
      outputs.push_back({array, store.sink()});
      kept.push_back(from_source(store.source()));
    }
  }
  write_outputs(outputs, options);
  for (const auto& one : in_memory) one->ticket = admission.hold(one->store.view().bytes());
  return kept;
}

Array persist(const Array& array, const ComputeOptions& options) { return persist_all({array}, options).front(); }

namespace {

constexpr Index kInlineBytes = Index{1} << 16;

/// Small arrays go into a saved plan as they are: {"inline": hexadecimal bytes, "dtype": ..., "shape": ...}.
std::string inline_reference(const View& view) {
  constexpr char kDigits[] = "0123456789abcdef";
  const Buffer packed(std::max<Index>(1, view.bytes()));
  copy(view, View::contiguous(packed.data(), view.dtype, view.shape));
  std::string hex;
  for (Index i = 0; i < view.bytes(); ++i) {
    const auto byte = static_cast<unsigned>(packed.data()[i]);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return nlohmann::json{{"inline", hex}, {"dtype", name_of(view.dtype)}, {"shape", view.shape.to_vector()}}.dump();
}

int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

}  // namespace

Array from_memory(View view, std::shared_ptr<const void> owner) {
  return from_source(std::make_shared<MemorySource>(view, std::move(owner), view.bytes() <= kInlineBytes ? std::function<std::string(const View&)>(inline_reference) : nullptr));
}

std::shared_ptr<const Source> inline_source(const std::string& reference) {
  const auto json = nlohmann::json::parse(reference, nullptr, false);
  if (!json.is_object() || !json.contains("inline")) return nullptr;
  try {
    const auto hex = json.at("inline").get<std::string>();
    const Spec spec{Shape(json.at("shape").get<std::vector<Index>>()), parse_dtype(json.at("dtype").get<std::string>())};
    Index elements = 1;
    for (const Index extent : spec.shape) {
      if (extent < 0 || extent > kInlineBytes) fail(ErrorKind::kData, "The plan is damaged: an array of shape {}.", to_string(spec.shape));
      elements = std::min(elements * extent, 2 * kInlineBytes);
    }
    if (static_cast<Index>(hex.size()) != 2 * elements * size_of(spec.dtype))
      fail(ErrorKind::kData, "The plan is damaged: an array has too few or too many bytes.");
    auto memory = std::make_shared<Buffer>(std::max<Index>(1, spec.bytes()));
    for (Index i = 0; i < spec.bytes(); ++i) {
      const int high = digit(hex[static_cast<std::size_t>(2 * i)]), low = digit(hex[static_cast<std::size_t>(2 * i + 1)]);
      if (high < 0 || low < 0) fail(ErrorKind::kData, "The plan is damaged: an array's bytes are not hexadecimal.");
      memory->data()[i] = static_cast<std::byte>(16 * high + low);
    }
    return std::make_shared<MemorySource>(View::contiguous(memory->data(), spec.dtype, spec.shape), memory, std::function<std::string(const View&)>(inline_reference));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kData, "The plan is damaged: {}", error.what());
  }
}

}  // namespace freestone
