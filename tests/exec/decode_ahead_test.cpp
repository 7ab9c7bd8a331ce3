// Lanes that want the same chunk: one decodes it, the others decode what later tiles want instead of waiting.
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

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
using testing_chunks::PassingCodec;
using testing_chunks::with;

/// A decode waits for another to run beside it, but not for long.
class Meeting final : public PassingCodec {
 public:
  using PassingCodec::PassingCodec;
  Index decode(ConstBytes from, Bytes to) const override {
    {
      std::unique_lock lock(mutex_);
      ++decoded, ++running_;
      changed_.notify_all();
      if (changed_.wait_for(lock, std::chrono::milliseconds(300), [&] { return running_ > 1 || met_; })) {
        ++together, met_ = !met_;
        changed_.notify_all();
      }
      --running_;
    }
    return PassingCodec::decode(from, to);
  }
  mutable int decoded = 0, together = 0;

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int running_ = 0;
  mutable bool met_ = false;  // one of two has gone on, the other may
};

TEST(DecodeAhead, LanesDoNotWaitForOneChunk) {
  // All tiles that run at a time lie in the same chunks: one a layer.
  const Shape shape{24, 100, 3000}, chunk{2, 100, 3000};
  const Chunked data(shape, chunk, 8);
  const auto meeting = std::make_shared<Meeting>(zstd_codec(1));
  const Array x = data.array(CodecChain({meeting}));
  const Array steps = slice(x, {{1, std::nullopt, 1}}) - slice(x, {{std::nullopt, -1, 1}});
  const Index memory = steps.bytes() + (Index{16} << 20);
  const MemoryStore store(steps.spec());
  const Plan plan = plan_outputs({{steps, store.sink()}}, with(memory, 2));
  ASSERT_EQ(plan.stages.size(), 1U);
  ASSERT_GT(plan.stages[0].cache_bytes, 0) << explain(plan, 0);
  ASSERT_GT(plan.stages[0].estimate.tiles, 4 * 12) << explain(plan, 0);
  meeting->decoded = meeting->together = 0;
  const Tensor got = compute(steps, with(memory, 2));
  EXPECT_LE(meeting->decoded, 12 + 6) << "each once, but for what finds no room";
  EXPECT_GE(meeting->together, 8) << "of " << meeting->decoded << "\n" << explain(plan, 0);
  const auto layer = static_cast<std::size_t>(shape[1] * shape[2]);
  for (std::size_t i = 0; i + layer < data.values.size(); ++i) ASSERT_EQ(got.data<float>()[i], data.values[i + layer] - data.values[i]) << i;
}

}  // namespace
}  // namespace freestone
