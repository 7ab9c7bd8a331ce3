// What the engine itself costs: empty tiles through the executor on one thread, and callables through the pool. Prints JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/runtime/pool.h"
#include "freestone/storage/memory_store.h"

using namespace freestone;

namespace {

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Takes everything and keeps nothing.
class NullSink final : public Sink {
 public:
  explicit NullSink(Spec spec) : spec_(spec) { caps_.unit = Shape(spec.shape.rank(), 1); }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return "nothing"; }
  void create() override {}
  Index scratch_bytes(const Box&) const override { return 0; }
  void write(const Box&, const View&, Scratch&, const Cancel&) override {}
  void finish() override {}
  void abort() noexcept override {}

 private:
  Spec spec_;
  SinkCaps caps_;
};

/// Seconds for `tiles` tiles of one element each.
double run_tiles(Index tiles) {
  // One number in memory looked at as long as wanted: the data costs nothing, what is left is the engine.
  static float number = 1;
  const View view{reinterpret_cast<std::byte*>(&number), DType::kFloat32, {tiles, 1, 1}, {0, 0, 0}};
  const Array x = from_source(std::make_shared<MemorySource>(view, nullptr, fmt::format("{{\"tiles\": {}}}", tiles)));
  ComputeOptions options;
  options.settings = {Index{1} << 30, 1, "/var/tmp"};
  const auto sink = std::make_shared<NullSink>(x.spec());
  Plan plan = plan_outputs({{x + 1.0, sink}}, options);
  plan.stages.front().tile = {1, 1, 1};
  const double start = seconds();
  run_plan(plan, {sink});
  return seconds() - start;
}

/// Seconds for `count` callables through the pool, each result asked for.
double run_callables(Index count) {
  Pool pool(2);
  std::vector<Future<Index>> futures;
  futures.reserve(static_cast<std::size_t>(count));
  const double start = seconds();
  for (Index i = 0; i < count; ++i) futures.push_back(pool.submit([i] { return i; }));
  Index total = 0;
  for (const auto& future : futures) total += future.get();
  if (total != count * (count - 1) / 2) std::abort();
  return seconds() - start;
}

void print(const char* what, Index count, double taken) {
  std::printf("{\"what\": \"%s\", \"count\": %lld, \"microseconds_each\": %.3f}\n", what, static_cast<long long>(count),
              taken * 1e6 / static_cast<double>(count));
}

}  // namespace

int main() {
  run_tiles(10000);
  for (const Index tiles : {Index{10000}, Index{100000}, Index{1000000}}) print("empty tiles", tiles, run_tiles(tiles));
  print("submitted callables", 20000, run_callables(20000));
}
