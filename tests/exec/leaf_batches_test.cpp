// Elementwise work that only a reduction reads is made leaf by leaf, when the reduction is at it: the same bits as from a tile.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "exec/chunked_array.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/stage_program.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::with;

/// Steps of all stages of a plan that leave a node to a reduction.
Index left_to_reductions(const std::vector<Array>& arrays, const ComputeOptions& options) {
  std::vector<Output> outputs;
  std::vector<SinkFacts> facts;
  for (const Array& array : arrays) {
    outputs.push_back({array, MemoryStore(array.spec()).sink()});
    facts.push_back({"memory", outputs.back().sink->caps(), outputs.back().sink});
  }
  const Plan plan = plan_outputs(outputs, options);
  Index left = 0;
  for (const Stage& stage : plan.stages) {
    const StageProgram program(plan, stage, facts, {});
    left += std::count_if(program.steps().begin(), program.steps().end(), [](const Step& step) { return step.kind == StepKind::kLeave; });
  }
  return left;
}

TEST(LeafBatches, GiveTheBitsOfATile) {
  const std::pair<Shape, Shape> cases[] = {
      {{61, 34, 27}, {7, 34, 9}}, {{20, 150, 310}, {10, 75, 155}}, {{3, 300, 301}, {3, 300, 301}}, {{997}, {100}}, {{1, 1, 5}, {1, 1, 2}}};
  for (const auto& [shape, chunk] : cases) {
    const Chunked data(shape, chunk, 7);
    const Array x = data.array();
    const Array y = elementwise("absolute", {x - flip(x, {0})}) * 0.1;
    std::vector<std::vector<int>> axes{{}, {0}};
    if (shape.rank() == 3) axes.insert(axes.end(), {{1, 2}, {2}, {0, 2}});
    for (const auto& reduced : axes)
      for (const char* name : {"mean", "std", "argmax"}) {
        const Array alone = reduce(name, y, reduced);
        const Tensor tile = std::move(compute_all({y, alone}, with(Index{1} << 30, 1))[1]);  // y is delivered: it has a tile
        for (const Index budget : {element_count(shape) * 9 + (Index{1} << 20), Index{1} << 30})
          for (const int threads : {1, 3}) {
            const Tensor got = compute(alone, with(budget, threads));
            EXPECT_EQ(std::memcmp(got.view().data, tile.view().data, static_cast<std::size_t>(tile.view().bytes())), 0)
                << to_string(shape) << " " << name << " " << budget << " " << threads;
          }
      }
  }
}

TEST(LeafBatches, AreMadeOnlyOfWhatNothingElseReads) {
  const Chunked data({40, 300, 310}, {10, 150, 155}, 8);
  const Array x = data.array(), y = x * x + 1.0;
  const ComputeOptions options = with(Index{1} << 30, 2);
  EXPECT_EQ(left_to_reductions({sum(y)}, options), 1);
  EXPECT_EQ(left_to_reductions({sum(y, {0})}, options), 1);
  EXPECT_EQ(left_to_reductions({sum(x)}, options), 0);
  EXPECT_EQ(left_to_reductions({y, sum(y)}, options), 0);
  EXPECT_EQ(left_to_reductions({sum(y), max(y)}, options), 0);
  EXPECT_EQ(left_to_reductions({sum(y, {2})}, options), 0);  // 2,048 rows of 155 at a time would not stay in a cache
}

}  // namespace
}  // namespace freestone
