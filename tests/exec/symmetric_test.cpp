// Arrays beside their transposes: tiles in mirrored pairs, over chunks that are kept until their mirror image has had them.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/explain.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::CountingCodec;
using testing_chunks::with;

Plan plan_of(const Array& array, const ComputeOptions& options) {
  const MemoryStore store(array.spec());
  return plan_outputs({{array, store.sink()}}, options);
}

struct Case {
  Shape shape, chunk;
  std::vector<int> order;
  int axis;  // that is summed
  Index memory;
};

TEST(Symmetric, EachChunkIsDecodedOnceForATileAndItsMirrorImage) {
  const Case cases[] = {{{240, 40, 240}, {8, 40, 120}, {2, 1, 0}, 1, Index{7} << 20},
                        {{300, 300, 24}, {60, 10, 24}, {1, 0, 2}, 2, Index{3} << 20},
                        {{257, 31, 257}, {8, 31, 128}, {2, 1, 0}, 1, Index{5} << 20}};
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.shape));
    const Chunked data(c.shape, c.chunk, 5);
    const auto counting = std::make_shared<CountingCodec>(zstd_codec(1));
    const Array x = data.array(CodecChain({counting})), both = x + transpose(x, c.order), columns = sum(both, {c.axis}), total = sum(both, {});
    const Index chunks = ChunkGrid(c.shape, c.chunk).count();
    const Plan plan = plan_of(columns, with(c.memory + columns.bytes(), 2));
    ASSERT_EQ(plan.stages.size(), 1U) << explain(plan, 0);
    EXPECT_TRUE(plan.stages[0].mirror.any()) << explain(plan, 0);
    // A sum of everything, by another way.
    double expected = 0;
    for (const float v : data.values) expected += 2.0 * static_cast<double>(v);
    const Tensor reference = compute(columns, with(Index{1} << 30, 1)), everything = compute(total, with(Index{1} << 30, 1));
    double columns_in_all = 0;
    for (Index i = 0; i < columns.size(); ++i) columns_in_all += static_cast<double>(reference.data<float>()[i]);
    EXPECT_NEAR(columns_in_all, expected, 1e-6 * expected);
    EXPECT_NEAR(everything.number(), expected, 1e-6 * expected);
    for (const int threads : {1, 2, 4}) {
      counting->decoded = 0;
      const Tensor got = compute(columns, with(c.memory + columns.bytes(), threads));
      // Without pairs it would be twice as many. With more threads luck has a part in it: which of them is where when a chunk goes.
      if (threads == 1) {
        EXPECT_LE(counting->decoded, chunks + chunks / 2) << "of " << chunks << " with " << threads << " threads";
      }
      EXPECT_EQ(std::memcmp(got.view().data, reference.view().data, static_cast<std::size_t>(reference.view().bytes())), 0) << threads;
    }
    for (const Index memory : {c.memory / 2, c.memory, c.memory * 2})
      EXPECT_EQ(compute(total, with(memory, 3)).number(), everything.number()) << memory;
  }
}

TEST(Symmetric, TilesOfARunLieInTheSameChunks) {
  const Shape shape{48, 4000, 48}, chunk{4, 2000, 24};
  const Chunked data(shape, chunk, 7);
  const auto counting = std::make_shared<CountingCodec>(zstd_codec(1));
  const Array x = data.array(CodecChain({counting})), both = x + transpose(x, {2, 1, 0});
  const Index chunks = ChunkGrid(shape, chunk).count(), memory = both.bytes() + (Index{20} << 20);
  const Plan plan = plan_of(both, with(memory, 1));
  ASSERT_EQ(plan.stages.size(), 1U) << explain(plan, 0);
  const Stage& stage = plan.stages[0];
  EXPECT_TRUE(stage.mirror.any() && stage.mirror.run > 1) << explain(plan, 0);
  EXPECT_EQ(stage.mirror.run, 2000 / stage.tile[1]);
  EXPECT_NE(explain(plan, 0).find(fmt::format("of {} tiles along axis 1", stage.mirror.run)), std::string::npos);
  const Tensor got = compute(both, with(memory, 1));
  EXPECT_LE(counting->decoded, chunks + chunks / 10);
  const Tensor reference = compute(both, with(Index{1} << 30, 3));
  EXPECT_EQ(std::memcmp(got.view().data, reference.view().data, static_cast<std::size_t>(both.bytes())), 0);
}

TEST(Symmetric, EveryElementOfAnArrayBesideItsTranspose) {
  const Chunked data({150, 7, 150}, {10, 7, 50}, 6);
  const Array x = data.array(), y = x - 0.5 * transpose(x, {2, 1, 0});
  const auto at = [&](Index i, Index j, Index k) { return data.values[static_cast<std::size_t>((i * 7 + j) * 150 + k)]; };
  for (const Index memory : {y.bytes() + (Index{600} << 10), y.bytes() + (Index{2} << 20), Index{64} << 20}) {
    const Tensor got = compute(y, with(memory, 2));
    for (Index i = 0; i < 150; ++i)
      for (Index j = 0; j < 7; ++j)
        for (Index k = 0; k < 150; ++k) ASSERT_EQ(got.data<float>()[(i * 7 + j) * 150 + k], at(i, j, k) - 0.5f * at(k, j, i)) << i << ' ' << j << ' ' << k;
  }
}

}  // namespace
}  // namespace freestone
