// I/O lanes read tiles ahead where that takes long, and leave it to the compute lanes where it does not.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "exec/chunked_array.h"
#include "freestone/exec/compute.h"
#include "freestone/ops/reduce.h"
#include "freestone/storage/memory_store.h"

namespace freestone {
namespace {

using testing_chunks::Chunked;
using testing_chunks::PassingCodec;
using testing_chunks::with;

void wait_milliseconds(int n) { std::this_thread::sleep_for(std::chrono::milliseconds(n)); }

class SlowCodec final : public PassingCodec {
 public:
  using PassingCodec::PassingCodec;
  Index decode(ConstBytes from, Bytes to) const override {
    wait_milliseconds(3);
    return PassingCodec::decode(from, to);
  }
};

/// A disk that takes its time.
class SlowMap final : public ChunkMap {
 public:
  SlowMap(std::shared_ptr<const ChunkMap> map, int milliseconds) : map_(std::move(map)), milliseconds_(milliseconds) {}
  StoredChunk find(const Dims& position) const override {
    wait_milliseconds(milliseconds_);
    return map_->find(position);
  }
  std::string name_of(const Dims& position) const override { return map_->name_of(position); }
  Identity identity() const override { return map_->identity(); }
  void check_unchanged() const override { map_->check_unchanged(); }

 private:
  std::shared_ptr<const ChunkMap> map_;
  int milliseconds_;
};

/// Counts what I/O lanes read, and compute lanes.
class Readers final : public Observer {
 public:
  void on_event(const Event& event) override {
    if (event.kind == EventKind::kRead) ++(event.lane < 1000 ? by_compute_lanes : by_io_lanes);
  }
  int by_compute_lanes = 0, by_io_lanes = 0;
};

Readers readers_of(const Chunked& data, int milliseconds) {
  ChunkedLayout layout{.grid = ChunkGrid(data.shape, data.chunk), .codecs = CodecChain({std::make_shared<SlowCodec>(zstd_codec(1))}),
                       .transform = Chunked::transform()};
  Identity identity = File::open(data.folder / "a/meta")->identity();
  identity.path = data.folder / "a";
  const auto map = std::make_shared<ChunkFiles>(identity.path, identity.path + "/meta", identity, testing_chunks::key);
  const Array x = from_source(std::make_shared<ChunkedSource>(std::move(layout), std::make_shared<SlowMap>(map, milliseconds)));
  EventStream events;
  const auto readers = std::make_shared<Readers>();
  events.subscribe(readers);
  ComputeOptions options = with(Index{64} << 20, 2);
  options.events = &events;
  const Plan plan = plan_outputs({{mean(x, {0}), MemoryStore(mean(x, {0}).spec()).sink()}}, options);
  EXPECT_GT(plan.stages[0].slots, 2);
  const Tensor got = compute(mean(x, {0}), options);
  const Tensor expected = compute(mean(data.array(), {0}), with(Index{64} << 20, 1));
  EXPECT_EQ(std::memcmp(got.view().data, expected.view().data, static_cast<std::size_t>(expected.view().bytes())), 0);
  EXPECT_EQ(readers->by_io_lanes + readers->by_compute_lanes, plan.total.tiles);
  return *readers;
}

TEST(ReadAhead, IsDoneByLanesOfItsOwnWhereReadingTakesLong) {
  const Chunked data({640, 64, 250}, {4, 64, 250}, 31);
  const Readers slow = readers_of(data, 3), quick = readers_of(data, 0);
  EXPECT_GT(slow.by_io_lanes, slow.by_compute_lanes / 2);
  EXPECT_LT(quick.by_io_lanes, quick.by_compute_lanes / 4) << "a moment may always be slow";
}

}  // namespace
}  // namespace freestone
