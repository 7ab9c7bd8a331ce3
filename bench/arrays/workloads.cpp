// One workload of scripts/bench arrays with Freestone: bench_arrays WORKLOAD FOLDER OUTPUT MEMORY THREADS. Prints JSON: seconds from
// opening the data to the last result, the result's checksum, what the plan foretold. bench/arrays/peer.py has the same definitions for
// Dask.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "freestone/formats/format.h"
#include "freestone/freestone.h"
#include "freestone/ops/matmul.h"
#include "freestone/storage/memory_store.h"

using namespace freestone;

namespace {

struct Run {
  std::string folder, output;
  ComputeOptions options;
  nlohmann::json plan;  // of the last computation

  Array open_array(const std::string& name) const { return open(folder + "/" + name + ".zarr").array(); }
};

Slice from(Index start) { return {start, std::nullopt, 1}; }
Slice to(Index stop) { return {std::nullopt, stop, 1}; }
const Slice kAll{};

/// x[1:] - x[:-1] along an axis.
Array difference(const Array& x, int axis) {
  std::vector<Slice> later(static_cast<std::size_t>(axis)), earlier(static_cast<std::size_t>(axis));
  later.push_back(from(1)), earlier.push_back(to(-1));
  return slice(x, later) - slice(x, earlier);
}

std::vector<double> numbers_of(Run& run, const std::vector<Array>& arrays) {
  std::vector<double> numbers;
  std::vector<Output> outputs;
  std::vector<MemoryStore> stores;
  for (const Array& array : arrays) {
    stores.emplace_back(array.spec());
    outputs.push_back({array, stores.back().sink()});
  }
  const Plan plan = plan_outputs(outputs, run.options);
  run.plan = {{"stages", plan.stages.size()}, {"peak_bytes", plan.total.peak_bytes}, {"bytes_read", plan.total.bytes_read}};
  if (std::getenv("BENCH_EXPLAIN") != nullptr) std::fputs(explain(plan, 0).c_str(), stderr);
  write_outputs(outputs, run.options);
  for (const MemoryStore& store : stores) {
    double total = 0;  // results larger than a number are compared by their sum
    const View& view = store.view();
    for (Index i = 0; i < view.count(); ++i)
      total += view.dtype == DType::kFloat32 ? static_cast<double>(view.as<float>()[i]) : view.as<double>()[i];
    numbers.push_back(total);
  }
  return numbers;
}

std::vector<double> write_zarr(Run& run, const Array& array, const Shape& chunks) {
  formats::WriteRequest request{.path = run.output, .format = "zarr", .overwrite = true};
  request.packing.chunks = chunks;
  request.packing.compressor = "blosc-lz4";
  request.packing.level = 5;
  const auto sink = formats::create_sink(array.spec(), request);
  const Plan plan = plan_outputs({{array, sink}}, run.options);
  run.plan = {{"stages", plan.stages.size()}, {"peak_bytes", plan.total.peak_bytes}, {"bytes_read", plan.total.bytes_read}};
  if (std::getenv("BENCH_EXPLAIN") != nullptr) std::fputs(explain(plan, 0).c_str(), stderr);
  write_outputs({{array, sink}}, run.options);
  return {};
}

Array anomaly(const Array& x) { return x - mean(x, {0}); }

std::vector<double> rechunk(Run& run) {
  const Array x = run.open_array("a");
  const Index n = x.shape()[0];
  return write_zarr(run, x, {n, n / 10, n / 10});
}
std::vector<double> tiles_to_rows(Run& run) {
  const Array x = run.open_array("tall");
  const Index n = x.shape()[0];
  return write_zarr(run, x, {std::max<Index>(1, n / 100), n / 2, n});
}
std::vector<double> transpose_sum(Run& run) {
  const Array x = run.open_array("a");
  return numbers_of(run, {sum(x + transpose(x, {2, 1, 0}))});
}
std::vector<double> median_0(Run& run) { return numbers_of(run, {median(run.open_array("a"), {0})}); }
std::vector<double> elementwise_sum(Run& run) { return numbers_of(run, {sum(run.open_array("a") + run.open_array("b"))}); }
std::vector<double> anomaly_square(Run& run) {
  const Array x = anomaly(run.open_array("a"));
  return numbers_of(run, {mean(x * x)});
}
std::vector<double> quadratic_mean(Run& run) {
  const Array a = run.open_array("a"), b = run.open_array("b");
  return numbers_of(run, {mean(a * a + b * b + 2.0 * (a * b))});
}
std::vector<double> double_difference(Run& run) { return numbers_of(run, {sum(difference(difference(run.open_array("a"), 0), 1))}); }
std::vector<double> vorticity(Run& run) {
  const Array u = run.open_array("a"), v = run.open_array("b");
  const Array dv = slice(difference(v, 2), {kAll, from(1)}), du = slice(difference(u, 1), {kAll, kAll, from(1)});
  return numbers_of(run, {mean(elementwise("absolute", {dv - du}))});
}
std::vector<double> filter_mean(Run& run) {
  const Array x = run.open_array("a");
  return numbers_of(run, {reduce("mean", where(elementwise("greater", {x, 0.5}), x, std::nan("")), {}, {.skip_nan = true})});
}
std::vector<double> access_slices(Run& run) {
  const Array x = run.open_array("a");
  const Index n = x.shape()[0];
  return numbers_of(run, {sum(slice(x, {{n / 10, n / 5}})), sum(slice(x, {kAll, Slice::at(n / 2)})),
                          sum(slice(x, {kAll, kAll, {3, n - 3, 7}})), sum(slice(x, {{n / 3, n / 3 + 5}, {0, n / 4}, {n / 2, n}}))});
}
std::vector<double> residual_sum(Run& run) { return numbers_of(run, {sum(anomaly(run.open_array("a")))}); }
std::vector<double> grouped_mean(Run& run) {
  const Array x = run.open_array("a");
  std::vector<Index> keys;
  for (Index i = 0; i < x.shape()[0]; ++i) keys.push_back(i % 12);
  const Array key = from_memory(View::contiguous(keys.data(), DType::kInt64, {x.shape()[0]}), nullptr);
  return numbers_of(run, {group_reduce("mean", x, key, 12, 0)});
}
std::vector<double> matrix_product(Run& run) { return numbers_of(run, {sum(matmul(run.open_array("m"), run.open_array("n")))}); }

const std::map<std::string, std::vector<double> (*)(Run&)> kWorkloads = {
    {"rechunk", rechunk},
    {"transpose_sum", transpose_sum},
    {"median", median_0},
    {"elementwise_sum", elementwise_sum},
    {"anomaly", anomaly_square},
    {"quadratic_mean", quadratic_mean},
    {"tiles_to_rows", tiles_to_rows},
    {"double_difference", double_difference},
    {"vorticity", vorticity},
    {"filter_mean", filter_mean},
    {"access_slices", access_slices},
    {"residual_sum", residual_sum},
    {"grouped_mean", grouped_mean},
    {"matmul", matrix_product},
};

}  // namespace

int main(int count, char** words) {
  if (count != 6 || !kWorkloads.count(words[1])) {
    std::fputs("bench_arrays WORKLOAD FOLDER OUTPUT MEMORY THREADS; workloads:", stderr);
    for (const auto& [name, work] : kWorkloads) std::fprintf(stderr, " %s", name.c_str());
    std::fputs("\n", stderr);
    return 2;
  }
  try {
    Run run{words[2], words[3], {}, {}};
    run.options.settings = {parse_bytes(words[4]), std::atoi(words[5]), ""};
    if (const char* pass = std::getenv("BENCH_WITHOUT_PASS")) run.options.without_passes = {pass};
    const auto begun = std::chrono::steady_clock::now();
    const std::vector<double> numbers = kWorkloads.at(words[1])(run);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    std::puts(nlohmann::json{{"seconds", seconds}, {"numbers", numbers}, {"plan", run.plan}}.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
