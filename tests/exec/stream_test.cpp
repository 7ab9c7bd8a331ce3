// Streamed inputs: chunks that are read and decoded one by one, by several lanes, into a tile.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/make_plan.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::key;
using testing_chunks::with;

struct Counter final : Observer {
  std::atomic<Index> reads{0}, writes{0}, tasks{0};
  void on_event(const Event& event) override {
    if (event.kind == EventKind::kRead) ++reads;
    if (event.kind == EventKind::kWrite) ++writes;
    if (event.kind == EventKind::kTaskDone) ++tasks;
  }
};

std::vector<std::byte> bytes_of(const Tensor& t) { return {t.view().data, t.view().data + t.view().bytes()}; }

TEST(Streamed, EveryBudgetAndNumberOfLanesGivesTheSameBits) {
  int streamed = 0;
  const std::pair<Shape, Shape> cases[] = {
      {{96, 40, 33}, {5, 16, 11}}, {{61, 34, 27}, {7, 34, 9}}, {{64, 32, 32}, {8, 32, 32}}, {{64, 160, 128}, {8, 160, 128}}};
  for (const auto& [shape, chunk] : cases) {
    const Chunked data(shape, chunk, 3);
    const Index small = std::max(Index{900} << 10, element_count(shape) * 7);  // the largest: one tile at a time, many lanes for it
    const Array x = data.array(), anomaly = x - mean(x, {0});
    const std::vector<Array> results = {median(x, {0}), mean(anomaly * anomaly), sum(x + flip(x, {1}), {2}), x * 2.0};
    for (std::size_t r = 0; r < results.size(); ++r) {
      const auto expected = bytes_of(compute(results[r], with(Index{1} << 30, 1)));
      for (const Index budget : {small, small * 4 / 3, small * 4})
        for (const int threads : {1, 2, 4})
          EXPECT_EQ(bytes_of(compute(results[r], with(budget, threads))), expected) << r << ", " << budget << " bytes, " << threads;
    }
    // Whole columns in a task, where nothing better is found: more reads than tasks.
    const auto counter = std::make_shared<Counter>();
    EventStream events;
    events.subscribe(counter);
    ComputeOptions options = with(small, 3);
    options.events = &events;
    const Tensor result = compute(median(x, {0}), options);
    if (counter->reads > counter->tasks) ++streamed;
    const Index plane = shape[1] * shape[2];
    for (const Index at : {Index{0}, plane / 2, plane - 1}) {
      std::vector<float> column;
      for (Index i = 0; i < shape[0]; ++i) column.push_back(data.values[static_cast<std::size_t>(i * plane + at)]);
      std::sort(column.begin(), column.end());
      const std::size_t half = column.size() / 2;
      EXPECT_FLOAT_EQ(result.data<float>()[at], column.size() % 2 ? column[half] : (column[half - 1] + column[half]) / 2);
    }
  }
  EXPECT_GE(streamed, 2);
}

TEST(Streamed, ADamagedChunkIsNamedWithItsRegion) {
  const Chunked data({96, 40, 33}, {5, 16, 11}, 4);
  testing_files::put(data.folder / "a/c/7/1/2", "this is no frame");
  for (const int threads : {1, 4}) {
    try {
      compute(median(data.array(), {0}), with(Index{900} << 10, threads));
      FAIL() << "it read the chunk";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      EXPECT_NE(std::string(error.what()).find("chunk (7, 1, 2)"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("reading region"), std::string::npos) << error.what();
    }
  }
}

/// Large chunks, so that tiles lie in memory as they are encoded.
std::shared_ptr<Sink> large_chunks(const std::string& path, const Shape& shape, const Shape& chunk, CodecChain codecs = Chunked::codecs()) {
  ChunkedOutput output{.spec = {shape, DType::kFloat32}, .chunk = chunk, .codecs = std::move(codecs), .transform = Chunked::transform(), .key = key};
  output.files.push_back({"meta", "an array"});
  return std::make_shared<ChunkedSink>(path, true, std::move(output));
}

TEST(Streamed, GoesIntoTheChunksOfItsOutputByAllLanes) {
  const std::pair<Shape, Shape> cases[] = {{{96, 120, 128}, {96, 30, 32}}, {{97, 125, 130}, {40, 60, 50}}, {{20, 300, 200}, {20, 70, 200}}};
  int shared = 0;
  for (const auto& [shape, chunk] : cases) {
    const Chunked data(shape, {5, 60, 64}, 5);
    const Index bytes = element_count(shape) * 4;
    for (const Index budget : {bytes / 2 + (Index{2} << 20), bytes + (Index{6} << 20), 4 * bytes}) {
      for (const int threads : {1, 2, 4}) {
        const auto counter = std::make_shared<Counter>();
        EventStream events;
        events.subscribe(counter);
        ComputeOptions options = with(budget, threads);
        options.events = &events;
        options.disk_bytes_per_second = 1e12;  // the lanes are the limit, not the disk
        const std::string out = data.folder / fmt::format("{}-{}", budget, threads);
        const CodecChain codecs = threads == 2 ? CodecChain() : Chunked::codecs();  // uncompressed takes no scratch at all
        write_outputs({{data.array(), large_chunks(out, shape, chunk, codecs)}}, options);
        if (counter->tasks == 1 && counter->writes > 1) ++shared;
        const Array back = Chunked::array_at(out, shape, chunk, codecs);
        const Tensor result = compute(back, with(Index{1} << 30, 1));
        EXPECT_TRUE(std::equal(data.values.begin(), data.values.end(), result.data<float>())) << to_string(shape) << budget << " " << threads;
      }
    }
  }
  EXPECT_GE(shared, 4) << "one tile whose chunks are written by whoever is free";
}

TEST(Rechunk, OneMoreHopBetweenRowsAndColumnsGivesTheSameElements) {
  const Shape shape{4000, 3999};
  const Chunked data(shape, {4, 3999}, 8);
  const auto sink = large_chunks(data.folder / "columns", shape, {4000, 5});
  PlanOptions options;
  options.budget = Index{1} << 20;
  options.threads = 2;
  const Plan plan = make_plan({data.array()}, {{sink->name(), sink->caps(), sink}}, options);
  EXPECT_EQ(plan.stages.size(), 3U) << explain(plan, 0);
  EXPECT_EQ(plan.stores.size(), 2U);
  run_plan(plan, {sink}, {.temp_dir = "/var/tmp"});
  const Tensor result = compute(Chunked::array_at(data.folder / "columns", shape, {4000, 5}), with(Index{1} << 30, 1));
  EXPECT_TRUE(std::equal(data.values.begin(), data.values.end(), result.data<float>()));
}

TEST(Streamed, AWriteThatFailsEndsTheRunForAllLanes) {
  class Failing final : public Sink {
   public:
    explicit Failing(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
    const Spec& spec() const override { return sink_->spec(); }
    const SinkCaps& caps() const override { return sink_->caps(); }
    std::string name() const override { return sink_->name(); }
    void create() override { sink_->create(); }
    Index scratch_bytes(const Box& box) const override { return sink_->scratch_bytes(box); }
    Index contiguous_scratch_bytes(const Box& box) const override { return sink_->contiguous_scratch_bytes(box); }
    void write(const Box& box, const View& data, Scratch& scratch, const Cancel& cancel) override {
      if (++written_ == 5) fail(ErrorKind::kIo, "the disk is full");
      sink_->write(box, data, scratch, cancel);
    }
    void finish() override { sink_->finish(); }
    void abort() noexcept override { sink_->abort(); }

   private:
    std::shared_ptr<Sink> sink_;
    std::atomic<int> written_{0};
  };
  const Shape shape{96, 120, 128};
  const Chunked data(shape, {5, 60, 64}, 6);
  for (const int threads : {1, 2, 4}) {
    try {
      write_outputs({{data.array(), std::make_shared<Failing>(large_chunks(data.folder / "b", shape, {96, 30, 32}))}},
                    with(element_count(shape) * 4 + (Index{3} << 20), threads));
      FAIL() << "it wrote everything";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo) << error.what();
    }
    EXPECT_FALSE(exists(data.folder / "b"));
  }
}

}  // namespace
}  // namespace freestone
