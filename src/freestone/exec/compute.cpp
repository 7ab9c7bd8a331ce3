#include "freestone/exec/compute.h"

#include <sys/statvfs.h>

#include "freestone/storage/memory_store.h"

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
  plan_options.budget = settings.memory_bytes;
  plan_options.threads = settings.threads;
  struct statvfs disk {};
  if (statvfs(settings.temp_dir.c_str(), &disk) == 0) plan_options.temp_free_bytes = static_cast<Index>(disk.f_bavail) * static_cast<Index>(disk.f_frsize);
  return make_plan(roots, facts, plan_options);
}

void write_outputs(const std::vector<Output>& outputs, const ComputeOptions& options) {
  const Plan plan = plan_outputs(outputs, options);
  std::vector<std::shared_ptr<Sink>> sinks;
  for (const Output& output : outputs) sinks.push_back(output.sink);
  run_plan(plan, sinks, {resolved(options.settings).temp_dir, options.events, options.cancel});
}

std::vector<Tensor> compute_all(const std::vector<Array>& arrays, const ComputeOptions& options) {
  const Index budget = resolved(options.settings).memory_bytes;
  Index result_bytes = 0;
  for (const Array& array : arrays) result_bytes += array.bytes();
  if (result_bytes > budget)
    fail(ErrorKind::kMemory, "The result takes {}, more than the budget of {}. Write it to a file instead (write), or raise the budget.", format_bytes(result_bytes),
         format_bytes(budget));
  std::vector<Output> outputs;
  std::vector<MemoryStore> stores;
  for (const Array& array : arrays) {
    stores.emplace_back(array.spec());
    outputs.push_back({array, stores.back().sink()});
  }
  write_outputs(outputs, options);
  std::vector<Tensor> results;
  for (const MemoryStore& store : stores) results.emplace_back(store.view(), store.source());
  return results;
}

Tensor compute(const Array& array, const ComputeOptions& options) { return compute_all({array}, options).front(); }

Array from_memory(View view, std::shared_ptr<const void> owner) { return from_source(std::make_shared<MemorySource>(view, std::move(owner))); }

}  // namespace freestone
