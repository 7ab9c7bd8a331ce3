#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "freestone/runtime/budget.h"
#include "freestone/runtime/events.h"
#include "freestone/runtime/lanes.h"
#include "freestone/runtime/task_memory.h"

namespace freestone {
namespace {

constexpr Index kMiB = Index{1} << 20;

TEST(Budget, LeasesAreWholeAndComeBack) {
  Budget budget(100);
  {
    auto a = budget.try_lease(60);
    ASSERT_TRUE(a);
    EXPECT_FALSE(budget.try_lease(50)) << "a lease is had whole or not at all";
    EXPECT_EQ(budget.free(), 40);
    const Lease moved = std::move(*a);
    EXPECT_EQ(moved.bytes(), 60);
    EXPECT_THROW(budget.lease(41, "a test"), Error);
  }
  EXPECT_EQ(budget.leased(), 0);
}

TEST(Budget, NeverOverleasedByManyThreads) {
  Budget budget(1000);
  std::atomic<bool> over{false};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20000; ++i) {
          const auto lease = budget.try_lease(100 + (i * 7 + t) % 300);
          if (budget.leased() > 1000) over = true;
        }
      });
  }
  EXPECT_FALSE(over);
  EXPECT_EQ(budget.leased(), 0);
}

TEST(Lanes, FirstErrorWinsAndStopsTheRest) {
  Cancel stop;
  try {
    run_lanes(4, stop, [&](int lane) {
      if (lane == 2) fail(ErrorKind::kData, "lane 2");
      while (!stop.requested()) std::this_thread::yield();
      stop.check();
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "lane 2");
  }
}

TEST(Lanes, OneAloneRunsHere) {
  Cancel stop;
  std::thread::id id;
  run_lanes(1, stop, [&](int) { id = std::this_thread::get_id(); });
  EXPECT_EQ(id, std::this_thread::get_id());
  EXPECT_FALSE(stop.requested());
  EXPECT_THROW(run_lanes(1, stop, [](int) { fail(ErrorKind::kData, "alone"); }), Error);
  EXPECT_TRUE(stop.requested());
}

TEST(TaskMemory, IsTakenAgain) {
  TaskMemory memory;
  Buffer first = memory.take(kMiB);
  const std::byte* const place = first.data();
  memory.give(std::move(first));
  EXPECT_EQ(memory.kept(), kMiB);
  const Buffer again = memory.take(kMiB - kMiB / 10);
  EXPECT_EQ(again.data(), place);
  EXPECT_EQ(memory.kept(), 0);
}

TEST(TaskMemory, FreshMemoryComesInPlaceOfWhatIsKept) {
  TaskMemory memory;
  for (int k = 1; k <= 4; ++k) memory.give(Buffer(k * kMiB));
  EXPECT_EQ(memory.kept(), 10 * kMiB);
  const Buffer other = memory.take(5 * kMiB);  // none is near: 1 + 2 + 3 MiB go
  EXPECT_EQ(memory.kept(), 4 * kMiB);
  const Buffer much_smaller = memory.take(4096);
  EXPECT_EQ(memory.kept(), 0) << "4 MiB are not handed out for a page";
}

TEST(TaskMemory, KeepsLittle) {
  TaskMemory memory;
  memory.give(Buffer(TaskMemory::kMostBytes + 1));
  EXPECT_EQ(memory.kept(), 0);
  for (int k = 0; k < 200; ++k) {
    memory.give(Buffer(3 * kMiB));
    ASSERT_LE(memory.kept(), TaskMemory::kMostBytes);
  }
  EXPECT_GE(memory.kept(), TaskMemory::kMostBytes - 3 * kMiB);
}

TEST(TaskMemory, OldMemoryGoes) {
  TaskMemory memory;
  memory.give(Buffer(kMiB));
  std::this_thread::sleep_for(TaskMemory::kMostTime + std::chrono::milliseconds(50));
  memory.give(Buffer(4096));
  EXPECT_EQ(memory.kept(), 4096);
}

TEST(Cancel, FollowsItsParent) {
  Cancel parent;
  const Cancel child(&parent);
  EXPECT_FALSE(child.requested());
  parent.request();
  EXPECT_THROW(child.check(), Error);
}

TEST(Events, ReachEveryObserverOneAtATime) {
  struct Counter : Observer {
    int count = 0;
    void on_event(const Event&) override { ++count; }
  };
  EventStream stream;
  EXPECT_FALSE(stream.active());
  auto a = std::make_shared<Counter>(), b = std::make_shared<Counter>();
  stream.subscribe(a);
  stream.subscribe(b);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) stream.emit({EventKind::kTaskDone});
      });
  }
  EXPECT_EQ(a->count, 4000);
  EXPECT_EQ(b->count, 4000);
}

}  // namespace
}  // namespace freestone
