#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "freestone/runtime/admission.h"
#include "freestone/runtime/pool.h"

namespace freestone {
namespace {

using namespace std::chrono_literals;

TEST(Pool, RunsEverythingAndGivesResultsAndErrors) {
  Pool pool(4);
  std::vector<Future<int>> squares;
  for (int i = 0; i < 1000; ++i)
    squares.push_back(pool.submit([i] {
      if (i == 500) fail(ErrorKind::kUser, "number {} is not liked", i);
      return i * i;
    }));
  for (int i = 0; i < 1000; ++i) {
    if (i == 500)
      EXPECT_THROW(squares[500].get(), Error);
    else
      EXPECT_EQ(squares[static_cast<std::size_t>(i)].get(), i * i);
  }
}

TEST(Pool, WhatWasNotBegunIsCancelledWhenItCloses) {
  std::atomic<bool> go{false};
  Future<int> late;
  {
    Pool pool(1);
    auto first = pool.submit([&] {
      while (!go) std::this_thread::sleep_for(1ms);
    });
    late = pool.submit([] { return 1; });
    std::thread opener([&] { std::this_thread::sleep_for(20ms), go = true; });
    opener.detach();
  }
  try {
    late.get();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
}

TEST(Future, ThenChainsResultsAndPassesErrorsOn) {
  Pool pool(2);
  EXPECT_EQ(pool.submit([] { return 20; }).then([](int x) { return x + 1; }).then([](int x) { return 2 * x; }).get(), 42);
  const auto failed = pool.submit([]() -> int { fail(ErrorKind::kData, "broken"); }).then([](int) { return 1; });
  EXPECT_THROW(failed.get(), Error);
  std::atomic<int> calls{0};
  pool.submit([] {}).then([&] { ++calls; }).get();
  EXPECT_EQ(calls, 1);
}

TEST(Future, CancelledBeforeItBeginsIsNeverRun) {
  Pool pool(1);
  std::atomic<bool> go{false}, ran{false};
  auto first = pool.submit([&] {
    while (!go) std::this_thread::sleep_for(1ms);
  });
  auto second = pool.submit([&] { ran = true; });
  EXPECT_FALSE(second.wait_for(5ms));
  second.cancel();
  go = true;
  EXPECT_THROW(second.get(), Error);
  EXPECT_FALSE(ran);
}

TEST(Admission, RunsTogetherNeverHoldMoreThanTheBudget) {
  Admission admission;
  std::atomic<Index> holding{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const Index bytes = 10 + (t * 7 + i * 13) % 60;
        const auto ticket = admission.enter(bytes, 100, Cancel());
        const Index now = holding += bytes;
        Index seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::sleep_for(100us);
        holding -= bytes;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 100);
  EXPECT_GT(most, 60) << "several were admitted together";
}

TEST(Admission, TheOnlyRunIsAlwaysAdmittedAndANestedOneNeverWaits) {
  Admission admission;
  const auto held = admission.hold(90);
  EXPECT_EQ(admission.held(), 90);
  const auto alone = admission.enter(200, 100, Cancel());
  const InsideRun inside;
  const auto nested = admission.enter(200, 100, Cancel());
}

TEST(Admission, WaitingEndsWithCancel) {
  Admission admission;
  const auto first = admission.enter(80, 100, Cancel());
  Cancel cancel;
  std::thread canceller([&] { std::this_thread::sleep_for(10ms), cancel.request(); });
  EXPECT_THROW(admission.enter(80, 100, cancel), Error);
  canceller.join();
  const auto fits = admission.enter(20, 100, Cancel());
}

}  // namespace
}  // namespace freestone
