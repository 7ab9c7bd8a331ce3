// A lane that is held up must not have the others pile up states that wait for its own.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/reduce.h"
#include "freestone/plan/explain.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::PassingCodec;

/// Decodes the first chunk only when the others have made no progress for a while.
class HeldUp final : public PassingCodec {
 public:
  using PassingCodec::PassingCodec;
  Index decode(ConstBytes from, Bytes to) const override {
    if (begun_++ == 0) {
      constexpr int kMostLooks = 200;
      for (int before = -1, looks = 0; before != decoded_ && looks < kMostLooks; ++looks) {
        before = decoded_;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
      meanwhile = decoded_.load();
    }
    const Index bytes = PassingCodec::decode(from, to);
    ++decoded_;
    return bytes;
  }
  mutable std::atomic<int> meanwhile{-1};

 private:
  mutable std::atomic<int> begun_{0}, decoded_{0};
};

TEST(FoldWindow, StatesThatWaitForAnOlderTileAreFew) {
  const Shape shape{200, 16, 64}, chunk{1, 16, 64};
  const Chunked data(shape, chunk, 3);
  const auto held_up = std::make_shared<HeldUp>(zstd_codec(1));
  ComputeOptions options;
  options.settings = {Index{400} << 10, 2, "/var/tmp"};
  const Array planes = sum(data.array(CodecChain({held_up})), {0});
  const MemoryStore store(planes.spec());
  const Plan plan = plan_outputs({{planes, store.sink()}}, options);
  ASSERT_EQ(plan.stages.size(), 1U) << explain(plan, 0);
  const Stage& stage = plan.stages[0];
  const auto chunks_in_tile = stage.tile[0], window = fold_window(stage.slots);
  ASSERT_GT(tile_count(stage), 2 * window) << explain(plan, 0);
  ASSERT_GT(stage.slots, 1) << explain(plan, 0);

  const Tensor got = compute(planes, options);
  // Some went on while the first was held up, within the window.
  EXPECT_GT(held_up->meanwhile, 0);
  EXPECT_LE(held_up->meanwhile, window * chunks_in_tile);
  options.settings = {Index{1} << 30, 1, "/var/tmp"};
  const Tensor want = compute(sum(data.array(), {0}), options);
  EXPECT_EQ(std::memcmp(got.view().data, want.view().data, static_cast<std::size_t>(want.view().bytes())), 0);
}

}  // namespace
}  // namespace freestone
