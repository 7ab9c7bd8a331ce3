#include "freestone/exec/compute.h"

#include <sys/statvfs.h>

#include <nlohmann/json.hpp>

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
  if (statvfs(settings.temp_dir.c_str(), &disk) == 0)
    plan_options.temp_free_bytes = static_cast<Index>(disk.f_bavail) * static_cast<Index>(disk.f_frsize);
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
    fail(ErrorKind::kMemory, "The result takes {}, more than the budget of {}. Write it to a file instead (write), or raise the budget.",
         format_bytes(result_bytes), format_bytes(budget));
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
  const std::string reference = view.bytes() <= kInlineBytes ? inline_reference(view) : "{}";
  return from_source(std::make_shared<MemorySource>(view, std::move(owner), reference));
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
    return std::make_shared<MemorySource>(View::contiguous(memory->data(), spec.dtype, spec.shape), memory, reference);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::kData, "The plan is damaged: {}", error.what());
  }
}

}  // namespace freestone
