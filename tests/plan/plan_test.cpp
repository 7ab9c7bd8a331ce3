#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "freestone/array/array.h"
#include "freestone/core/grid_parts.h"
#include "freestone/core/paper_source.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/group.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/smooth.h"
#include "freestone/plan/explain.h"
#include "freestone/plan/make_plan.h"
#include "freestone/plan/plan_json.h"
#include "plan/damaged_plan.h"

namespace freestone {
namespace {

Array paper(Shape shape, DType dtype = DType::kFloat32) { return from_source(std::make_shared<PaperSource>(shape, dtype)); }

/// Compressed chunks on paper: what is touched is read and decoded whole.
class CompressedPaper final : public Source {
 public:
  CompressedPaper(Shape shape, Shape chunk) : spec_{shape, DType::kFloat32}, grid_(shape, chunk) {}
  const Spec& spec() const override { return spec_; }
  const ChunkGrid& chunks() const override { return grid_; }
  Identity identity() const override { return {"paper", 1, 1, 1}; }
  std::string reference() const override { return "paper"; }
  ReadCost cost(const Box& box) const override {
    if (box.empty()) return {};
    const Index chunks = GridParts(box, grid_.chunk()).count(), raw = chunks * element_count(grid_.chunk()) * 4;
    return {raw / 2, chunks, raw};
  }
  Index encoded_bytes(const Box& box) const override { return cost(box).decoded; }
  bool decodes_in_place() const override { return false; }
  void fetch(const Box&, std::span<std::byte>, const Cancel&) const override {}
  void decode(const Box&, std::span<std::byte>, const View&, const Cancel&) const override {}

 private:
  Spec spec_;
  ChunkGrid grid_;
};

/// The same, and decoded chunks can be kept.
class KeptPaper final : public Source {
 public:
  KeptPaper(Shape shape, Shape chunk, bool kept = false) : paper_(shape, chunk), kept_(kept) {}
  const Spec& spec() const override { return paper_.spec(); }
  const ChunkGrid& chunks() const override { return paper_.chunks(); }
  Identity identity() const override { return paper_.identity(); }
  std::string reference() const override { return "paper"; }
  ReadCost cost(const Box& box) const override { return paper_.cost(box); }
  Index encoded_bytes(const Box& box) const override { return kept_ ? Spec{paper_.chunks().chunk(), DType::kFloat32}.bytes() : paper_.encoded_bytes(box); }
  bool decodes_in_place() const override { return false; }
  void fetch(const Box&, std::span<std::byte>, const Cancel&) const override {}
  void decode(const Box&, std::span<std::byte>, const View&, const Cancel&) const override {}
  std::shared_ptr<const Source> through(std::shared_ptr<ChunkCache>) const override {
    return std::make_shared<KeptPaper>(paper_.spec().shape, paper_.chunks().chunk(), true);
  }

 private:
  CompressedPaper paper_;
  bool kept_;
};

SinkFacts file_sink(const std::string& name) {
  SinkFacts facts;
  facts.name = name;
  facts.caps.on_disk = true;
  return facts;
}

Plan plan_of(const std::vector<Array>& roots, Index budget, int threads = 2) {
  std::vector<SinkFacts> sinks;
  for (std::size_t i = 0; i < roots.size(); ++i) sinks.push_back(file_sink("out" + std::to_string(i)));
  PlanOptions options;
  options.budget = budget;
  options.threads = threads;
  return make_plan(roots, sinks, options);
}

constexpr Index kGiB = Index{1} << 30, kMiB = Index{1} << 20;

TEST(Plan, ClipMomentsAndStatisticsAreOnePass) {
  const Array x = sigma_clip(paper({512, 768, 768}), 3.0, 0);
  std::vector<double> weights{2};
  for (int i = 0; i < 512; ++i) weights.push_back(i);
  auto low = weights;
  low[0] = 1;
  const auto sums = reduce_all("power_sums", x, {0}, {.skip_nan = true, .parameters = weights});
  const auto low_sums = reduce_all("power_sums", x, {0}, {.skip_nan = true, .parameters = low});
  std::vector<Array> roots{x, sums[2] / sums[0], low_sums[1] / low_sums[0]};
  for (const Array& s : reduce_all("statistics", x, {}, {.skip_nan = true})) roots.push_back(s);
  const Plan plan = plan_of(roots, 256 * kMiB);
  Index from_file = 0;
  for (const Stage& stage : plan.stages)
    if (!stage.inputs.empty()) from_file += stage.estimate.bytes_read;
  EXPECT_NEAR(static_cast<double>(from_file), 512.0 * 768 * 768 * 4, 1e6);
  EXPECT_LE(plan.total.peak_bytes, 256 * kMiB);
  int power_sums = 0;
  for (const PlanNode& node : plan.nodes)
    power_sums +=
        dynamic_cast<const ReduceOp*>(node.op.get()) != nullptr && static_cast<const ReduceOp&>(*node.op).function() == "power_sums";
  EXPECT_EQ(power_sums, 1) << "moments asked together share their sums";
}

TEST(Plan, ASlabReadsTheSlabOnly) {
  const Array slab = slice(paper({1000, 200, 300}), {{100, 150}});
  const Plan plan = plan_of({reduce("mean", slab, {0})}, kGiB);
  EXPECT_EQ(plan.total.bytes_read, 50 * 200 * 300 * 4);
}

TEST(Plan, AnArrayAndItsTransposeAreTwoReadings) {
  const Array x = paper({1000, 1000, 1000});
  const Plan plan = plan_of({reduce("sum", x + transpose(x), {})}, 64 * kMiB);
  // The box around both would be most of the array for most tiles. A store in between costs less than short runs of the file.
  EXPECT_LT(plan.total.bytes_read, Index{13} * kGiB);
  EXPECT_LE(plan.total.peak_bytes, 64 * kMiB);
}

TEST(TileOrder, InMirroredPairsEveryTileComesOnceAndItsImageNext) {
  std::mt19937 random(11);
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE(trial);
    Stage stage;
    const Index extent = 1 + static_cast<Index>(random() % 60), tile = 1 + static_cast<Index>(random() % 9);
    stage.domain = Box({3, 5, 7}, {extent, 1 + static_cast<Index>(random() % 4), extent});
    stage.tile = {tile, 2, tile};
    stage.order = {1, 0, 2};
    stage.mirror = {0, 2, 1 + static_cast<Index>(random() % 7), 1 + static_cast<Index>(random() % 3)};
    std::set<Dims> seen;
    std::deque<Dims> waits_for;
    Index run = 0;
    for (Index index = 0; index < tile_count(stage); ++index) {
      const Box box = tile_box(stage, index);
      ASSERT_TRUE(contains(stage.domain, box) && !box.empty()) << index;
      ASSERT_TRUE(seen.insert(box.start).second) << index << " comes twice";
      const Dims image{box.start[2] - 4, box.start[1], box.start[0] + 4};
      // At a place all tiles of the run, then at its mirror image.
      const bool is_image = run == 0 && !waits_for.empty();
      if (is_image) {
        ASSERT_EQ(box.start, waits_for.front()) << index;
        waits_for.pop_front();
        continue;
      }
      const Index along = (box.start[1] - 5) / 2, in_all = (stage.domain.shape[1] + 1) / 2;
      if (run == 0) run = std::min(stage.mirror.run, in_all - along);
      --run;
      if (image != box.start) waits_for.push_back(image);
    }
    EXPECT_TRUE(waits_for.empty() && run == 0);
    EXPECT_EQ(static_cast<Index>(seen.size()), tile_count(stage));
  }
}

TEST(Plan, AFoldIntoChunksIsGatheredFirst) {
  SinkFacts chunks = file_sink("chunks");
  chunks.caps.unit = {64, 64};
  PlanOptions options;
  options.budget = kGiB;
  const Plan plan = make_plan({reduce("mean", paper({500, 300, 200}), {0})}, {chunks}, options);
  ASSERT_EQ(plan.stages.size(), 2u);
  for (int k = 0; k < 2; ++k)
    EXPECT_TRUE(plan.stages[1].tile[k] % 64 == 0 || plan.stages[1].tile[k] == plan.stages[1].domain.shape[k]) << k;
}

TEST(Plan, EveryPassCanBeLeftOutAndIsNamed) {
  const Array x = paper({512, 300, 200});
  const std::vector<Array> roots{x - reduce("mean", x, {0}), reduce("max", sigma_clip(x, 3.0, 0), {})};
  std::vector<std::string> all;
  for (const PassInfo& pass : all_passes()) all.push_back(pass.name);
  all.push_back("");
  for (const std::string& off : all) {
    PlanOptions options;
    options.budget = kGiB;
    if (!off.empty()) options.switched_off = {off};
    const Plan plan = make_plan(roots, {file_sink("a"), file_sink("b")}, options);
    EXPECT_LE(plan.total.peak_bytes, kGiB) << off;
    for (const PassRecord& record : plan.passes) EXPECT_TRUE(record.name != off || off == "price-tiles") << off;
    EXPECT_GE(plan.stages.size(), off == "share-passes" ? 2u : 1u);
    for (const Store& store : plan.stores) EXPECT_TRUE(store.on_disk || off != "stores-in-memory");
  }
  PlanOptions wrong;
  wrong.budget = kGiB;
  wrong.switched_off = {"price-tile"};
  EXPECT_THROW(make_plan(roots, {file_sink("a"), file_sink("b")}, wrong), Error);
}

TEST(Plan, ARechunkThatFitsNoSlabGoesThroughAStore) {
  const Array x = from_source(std::make_shared<PaperSource>(Shape{1000, 1000, 1000}, DType::kFloat32, Shape{10, 500, 500}));
  SinkFacts chunks = file_sink("chunks");
  chunks.caps.unit = {1000, 10, 10};
  PlanOptions options;
  options.budget = 64 * kMiB;
  const Plan plan = make_plan({x}, {chunks}, options);
  EXPECT_LE(plan.total.peak_bytes, 64 * kMiB);
  EXPECT_LE(plan.total.bytes_read, Index{10} * kGiB) << explain(plan, 0);
}

TEST(Plan, MoreMemoryIsTakenOnlyWhereItIsWorthItsPrice) {
  const Array x = from_source(std::make_shared<CompressedPaper>(Shape{1000, 1000, 1000}, Shape{10, 500, 500}));
  const Array anomaly = x - mean(x, {0});
  const Array key = paper({1000}, DType::kInt64);
  const std::vector<std::pair<std::string, Array>> rows{
      {"anomaly", mean(anomaly * anomaly)}, {"median", median(x, {0})}, {"groups", group_reduce("mean", x, key, 12, 0)}};
  for (const auto& [name, row] : rows)
    // Memory that the system has at hand, and memory that it must find first.
    for (const double fresh : {0.7e9, 3e9, 2e10})
      for (const double decode : {4e8, 1e9}) {
        SCOPED_TRACE(testing::Message() << name << ", fresh memory at " << fresh << " bytes/s, decoding at " << decode);
        PlanOptions options;
        options.threads = 2;
        options.rates.fresh_bytes_per_second = fresh;
        options.rates.decode_bytes_per_second = decode;
        SinkFacts sink;
        sink.name = "memory";
        options.budget = kGiB;
        const Plan one = make_plan({row}, {sink}, options);
        options.budget = 2 * kGiB;
        const Plan two = make_plan({row}, {sink}, options);
        // What is streamed depends on the budget, which makes tasks of the same tiles a little larger or smaller.
        EXPECT_LE(two.total.seconds, 1.02 * one.total.seconds) << explain(one, 0) << explain(two, 0);
        // All lanes share one task: a second beside it would only take memory.
        if (name != "groups") {
          ASSERT_EQ(two.stages.size(), 1U);
          EXPECT_EQ(two.stages[0].slots, 1) << explain(two, 0);
        }
      }
}

TEST(Plan, LanesHaveTilesInChunksOfTheirOwn) {
  // Differences along two axes want the chunks beside a tile, too: kept, they are decoded once. Two lanes find a chunk each along the last axis.
  const auto differences = [](const Array& x) {
    const Array along = slice(x, {{1, 1000}}) - slice(x, {{0, 999}});
    return sum(slice(along, {{0, 999}, {1, 1000}}) - slice(along, {{0, 999}, {0, 999}}));
  };
  PlanOptions options;
  options.budget = kGiB;
  options.threads = 2;
  options.rates.decode_bytes_per_second = 8e8;
  options.rates.memory_bytes_per_second = 2e10;
  SinkFacts sink;
  sink.name = "memory";
  const Plan plan = make_plan({differences(from_source(std::make_shared<KeptPaper>(Shape{1000, 1000, 1000}, Shape{10, 500, 500})))}, {sink}, options);
  ASSERT_EQ(plan.stages.size(), 1U);
  EXPECT_GT(plan.stages[0].cache_bytes, 0) << explain(plan, 0);
  EXPECT_EQ(plan.stages[0].tile[2], 500) << explain(plan, 0);
  EXPECT_LT(plan.total.peak_bytes, 512 * kMiB) << explain(plan, 0);
}

TEST(Plan, ASinkOfChunksIsAskedOncePerChunk) {
  const Array x = from_source(std::make_shared<CompressedPaper>(Shape{400, 400, 400}, Shape{10, 200, 200}));
  SinkFacts chunks = file_sink("chunks");
  chunks.caps.unit = {400, 40, 40};
  PlanOptions options;
  options.budget = kGiB;
  EXPECT_EQ(make_plan({x}, {chunks}, options).total.requests, 40 * 4 + 10 * 10);
  // Where requests are dear: not in rows, which chunks do not have, so that a store would look cheaper.
  options.rates.request_seconds = 65e-6;
  const Plan plan = make_plan({x}, {chunks}, options);
  EXPECT_TRUE(plan.stores.empty()) << explain(plan, 0);
  EXPECT_LT(plan.total.seconds, 2) << explain(plan, 0);
}

TEST(Plan, OppositeTilesWithSmallBlocksTakeOneMoreHop) {
  // 40 GB in rows, wanted in columns: blocks that both tiles hold whole are of a few kilobytes.
  const Array x = from_source(std::make_shared<CompressedPaper>(Shape{100000, 100000}, Shape{4, 100000}));
  SinkFacts columns = file_sink("columns");
  columns.caps.unit = {100000, 16};
  PlanOptions options;
  options.budget = 64 * kMiB;
  options.rates.seek_seconds = 5e-3;  // a disk that turns
  const Plan plan = make_plan({x}, {columns}, options);
  ASSERT_EQ(plan.stages.size(), 3U) << explain(plan, 0);
  ASSERT_EQ(plan.stores.size(), 2U);
  for (const Store& store : plan.stores)
    EXPECT_GE(element_count(store.block) * 4, Index{256} << 10) << explain(plan, 0);
  EXPECT_LE(plan.total.peak_bytes, 64 * kMiB);
  // With memory for larger tiles one store is enough.
  options.budget = 16 * kGiB;
  EXPECT_LE(make_plan({x}, {columns}, options).stores.size(), 1U);
  // A disk that finds its place at once, too.
  options.budget = 64 * kMiB;
  options.rates.seek_seconds = 0;
  EXPECT_EQ(make_plan({x}, {columns}, options).stores.size(), 1U);
}

TEST(Plan, TellsTheOtherWays) {
  const Array x = paper({512, 768, 768});
  const Plan plan = plan_of({x - reduce("mean", x, {0})}, kGiB);
  ASSERT_FALSE(plan.alternatives.empty());
  EXPECT_NE(explain(plan, 0).find("other ways that were priced"), std::string::npos);
}

TEST(Plan, FusesAChainOfArithmetic) {
  const Array x = paper({100, 100});
  const Plan plan = plan_of({(x + 1.0) * 2.0 - x / 3.0}, kGiB);
  int nodes = 0;
  for (const PlanNode& node : plan.nodes) nodes += node.op->source() == nullptr;
  EXPECT_EQ(nodes, 1);
}

TEST(Plan, ResidualsOfAMeanReadOnceWhenTheTileSpansTheAxis) {
  const Array x = paper({512, 768, 768});
  const Plan plan = plan_of({x - reduce("mean", x, {0})}, kGiB);
  EXPECT_EQ(plan.stages.size(), 1u);
  EXPECT_NEAR(static_cast<double>(plan.total.bytes_read), 512.0 * 768 * 768 * 4, 1e6);
}

TEST(Plan, ResidualsOfAGlobalMeanReadTwiceAndHoldNothing) {
  const Array x = paper({512, 768, 768});
  const Plan plan = plan_of({x - reduce("mean", x, {})}, 64 * kMiB);
  EXPECT_EQ(plan.stages.size(), 2u);
  EXPECT_LE(plan.total.peak_bytes, 64 * kMiB);
  for (const Store& store : plan.stores) EXPECT_LT(store.spec.bytes(), 100);
}

TEST(Plan, WhatCannotFitSaysWhatWould) {
  const Array work = median(paper({4000, 4000}), {0, 1});
  try {
    plan_of({work}, 10 * kMiB);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_NE(std::string(error.what()).find("would do"), std::string::npos) << error.what();
  }
}

TEST(Plan, JsonComesBackTheSame) {
  const auto source = std::make_shared<PaperSource>(Shape{64, 100, 100}, DType::kFloat32);
  const Array x = from_source(source);
  const Array y = convolve(sigma_clip(x, 2.5, 0), gaussian_kernel(2), 0) - reduce("mean", x, {}, {.skip_nan = true});
  const Plan plan = plan_of({y, transpose(median(x, {0})), reduce("std", y, {1, 2})}, 64 * kMiB);
  const std::string text = to_json(plan).dump();
  const Plan back = plan_from_json(nlohmann::json::parse(text), [&](const std::string&) { return source; });
  EXPECT_EQ(to_json(back).dump(), text);
}

TEST(Plan, DamagedJsonIsRefused) {
  const auto source = std::make_shared<PaperSource>(Shape{64, 10, 10}, DType::kFloat32);
  const auto good = to_json(plan_of({median(from_source(source), {0})}, 64 * kMiB));
  const auto refused = [&](const nlohmann::json& json) {
    EXPECT_THROW(plan_from_json(json, [&](const std::string&) { return source; }), Error) << json.dump();
  };
  // Every value of the plan, changed one at a time: an error or a plan, never a crash.
  read_with_damaged_values(good, [&](const std::string&) { return source; });
  refused(nlohmann::json::array());
  auto version = good;
  version["freestone_plan"] = 99;
  refused(version);
}

TEST(Plan, AMillionTilesArePlannedQuicklyAndStaySmall) {
  // 100 TB under 256 MiB. The bound is loose: it is there to catch a plan that grows with its tiles.
  const Array x = paper({20000, 40000, 32000});
  const auto start = std::chrono::steady_clock::now();
  const Plan plan = plan_of({reduce("mean", x, {0}), x + 1.0}, 256 * kMiB);
  EXPECT_GT(plan.total.tiles, 1000000 / 4);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 10);
  EXPECT_LT(to_json(plan).dump().size(), 20000u);
}

TEST(Explain, SaysStagesTilesBytesAndWhy) {
  const std::string text = explain(plan_of({sigma_clip(paper({512, 768, 768}), 3.0, 0)}, 256 * kMiB), 20 * kMiB);
  for (const char* word : {"stage 1: sigma_clip", "axis 0 whole for sigma_clip", "reads    1.13 GiB", "writes   out0", "peak memory"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
}

}  // namespace
}  // namespace freestone
