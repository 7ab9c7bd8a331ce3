#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/runtime/admission.h"

namespace freestone {
namespace {

using namespace std::chrono_literals;

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

Array numbers(Shape shape) {
  auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] = static_cast<float>(i % 1013);
  return from_memory(View::contiguous(values->data(), DType::kFloat32, shape), values);
}

/// Takes what it is given, a millisecond a box.
class SlowSink final : public Sink {
 public:
  explicit SlowSink(Spec spec) : spec_(spec) { caps_.unit = Shape(spec.shape.rank(), 1); }
  const Spec& spec() const override { return spec_; }
  const SinkCaps& caps() const override { return caps_; }
  std::string name() const override { return "slow"; }
  void create() override {}
  Index scratch_bytes(const Box&) const override { return 0; }
  void write(const Box&, const View&, Scratch&, const Cancel&) override { std::this_thread::sleep_for(1ms), ++writes; }
  void finish() override { finished = true; }
  void abort() noexcept override { aborted = true; }
  std::atomic<int> writes{0};
  std::atomic<bool> finished{false}, aborted{false};

 private:
  Spec spec_;
  SinkCaps caps_;
};

TEST(Async, GivesWhatComputeGives) {
  const Array x = numbers({40, 50, 60});
  const Future<Tensor> mean = compute_async(reduce("mean", x, {0}), with(Index{1} << 26, 2));
  const Future<double> total =
      compute_async(reduce("sum", x, {}), with(Index{1} << 26, 2)).then([](const Tensor& t) { return t.number(); });
  const Tensor expected = compute(reduce("mean", x, {0}), with(Index{1} << 26, 1));
  ASSERT_EQ(std::memcmp(mean.get().view().data, expected.view().data, static_cast<std::size_t>(expected.view().bytes())), 0);
  EXPECT_EQ(total.get(), compute(reduce("sum", x, {}), with(Index{1} << 26, 1)).number());
  EXPECT_EQ(mean.progress().done, mean.progress().total);
  EXPECT_GT(mean.progress().total, 0);
}

TEST(Async, CancelEndsItSoonAndNothingIsFinished) {
  const Array x = numbers({1 << 14, 64}) + 1.0;
  const auto sink = std::make_shared<SlowSink>(x.spec());
  const auto begun = std::chrono::steady_clock::now();
  const Future<void> work = write_async({{x, sink}}, with(Index{1} << 17, 2));
  while (sink->writes < 3) std::this_thread::sleep_for(1ms);
  work.cancel();
  try {
    work.get();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_TRUE(sink->aborted && !sink->finished);
}

TEST(Async, LettingGoOfTheLastHandleStopsTheWork) {
  const Array x = numbers({1 << 14, 64}) + 2.0;
  const auto sink = std::make_shared<SlowSink>(x.spec());
  { const Future<void> work = write_async({{x, sink}}, with(Index{1} << 17, 2)); }
  EXPECT_TRUE(!sink->finished);
}

TEST(Async, ManyAtOnceFromManyThreads) {
  const Array x = numbers({64, 40, 50});
  const double expected = compute(reduce("sum", x * 2.0, {}), with(Index{1} << 24, 1)).number();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 6; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) wrong += compute(reduce("sum", x * 2.0, {}), with(Index{1} << 20, 2)).number() != expected;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Persist, KeepsTheResultInMemoryOrOnDiskAndCountsIt) {
  const Array y = numbers({100, 30, 20}) * 3.0;
  const Tensor expected = compute(y, with(Index{1} << 26, 1));
  const Index before = Admission::of_process().held();
  for (const Index memory : {Index{1} << 26, Index{300} << 10}) {
    const Array kept = persist(y, with(memory, 2));
    EXPECT_EQ(Admission::of_process().held() - before, memory > (Index{1} << 20) ? y.bytes() : 0);
    const Tensor got = compute(kept, with(Index{1} << 26, 2));
    EXPECT_EQ(std::memcmp(got.view().data, expected.view().data, static_cast<std::size_t>(expected.view().bytes())), 0);
  }
  EXPECT_EQ(Admission::of_process().held(), before);
}

TEST(Persist, SeveralTogetherInMemoryWhileThereIsRoomTheOthersOnDisk) {
  const Array x = numbers({64, 40, 50});
  const std::vector<Array> wanted = {x * 3.0, reduce("sum", x, {0}), x + 1.0};
  const std::vector<Tensor> expected = compute_all(wanted, with(Index{1} << 26, 2));
  const Index before = Admission::of_process().held();
  for (const Index memory : {Index{1} << 26, Index{3} << 19}) {
    const std::vector<Array> kept = persist_all(wanted, with(memory, 2));
    const Index first = wanted[0].bytes() + wanted[1].bytes();
    EXPECT_EQ(Admission::of_process().held() - before, memory > (Index{1} << 21) ? first + wanted[2].bytes() : first);
    for (std::size_t k = 0; k < wanted.size(); ++k) {
      const Tensor got = compute(kept[k], with(Index{1} << 26, 2));
      EXPECT_EQ(std::memcmp(got.view().data, expected[k].view().data, static_cast<std::size_t>(expected[k].view().bytes())), 0);
    }
  }
  EXPECT_EQ(Admission::of_process().held(), before);
}

}  // namespace
}  // namespace freestone
