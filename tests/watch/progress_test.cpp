#include "freestone/watch/progress.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "freestone/base/error.h"

namespace freestone::watch {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

/// A progress whose clock and terminal the test holds.
struct Watched {
  std::int64_t time_ns = 1'000'000'000;
  std::vector<std::string> written;
  Progress progress;
  explicit Watched(ProgressMode mode, int columns = 100)
      : progress(mode, {.write = [this](std::string_view text) { written.emplace_back(text); },
                        .columns = [columns] { return columns; },
                        .clock = [this] { return time_ns; },
                        .unicode = false}) {}

  void emit(EventKind kind, Index bytes = 0, Index total = 0, std::string label = "", Index memory = 1 << 20) {
    Event event{kind};
    event.stage = 0;
    event.bytes = bytes;
    event.total = total;
    event.label = std::move(label);
    event.memory = memory;
    progress.on_event(event);
  }
  /// A run of `tasks` tasks of 10 ms that read 1 MB each.
  void run(int tasks) {
    emit(EventKind::kRunStart, tasks * 1'000'000, tasks);
    emit(EventKind::kStageStart, 0, tasks, "sigma-clip, write");
    for (int task = 0; task < tasks; ++task) {
      time_ns += 10 * kMillisecond;
      emit(EventKind::kRead, 1'000'000);
      emit(EventKind::kTaskDone);
    }
    emit(EventKind::kRunEnd);
  }
};

TEST(Progress, BarShowsPartBytesRateMemoryAndTimeLeft) {
  Watched watched(ProgressMode::kBar);
  watched.emit(EventKind::kRunStart, 8'000'000, 4);
  watched.emit(EventKind::kStageStart, 0, 4, "sigma-clip");
  for (int task = 0; task < 2; ++task) {
    watched.time_ns += 1000 * kMillisecond;
    watched.emit(EventKind::kRead, 2 << 20);
    watched.emit(EventKind::kTaskDone, 0, 0, "", 300 << 20);
  }
  const std::string line = watched.progress.bar_line(120);
  EXPECT_NE(line.find(" 50 %"), std::string::npos) << line;
  EXPECT_NE(line.find("############............"), std::string::npos) << line;
  EXPECT_NE(line.find("4 MiB read, 2 MiB/s"), std::string::npos) << line;
  EXPECT_NE(line.find("300 MiB held"), std::string::npos) << line;
  EXPECT_NE(line.find("2 s left"), std::string::npos) << line;
  EXPECT_NE(line.find("sigma-clip"), std::string::npos) << line;
}

TEST(Progress, BarNeverFillsTheTerminalsLine) {
  Watched watched(ProgressMode::kBar);
  watched.emit(EventKind::kRunStart, 0, 4);
  watched.emit(EventKind::kStageStart, 0, 4, std::string(300, 'x'));
  for (const int columns : {2, 10, 20, 40, 60, 80, 120, 200})
    EXPECT_LT(watched.progress.bar_line(columns).size(), static_cast<std::size_t>(columns));
}

TEST(Progress, DrawsAtMostTenTimesASecondAndRemovesTheBar) {
  Watched watched(ProgressMode::kBar);
  watched.run(200);  // two seconds
  ASSERT_GE(watched.written.size(), 15u);
  EXPECT_LE(watched.written.size(), 22u);
  EXPECT_EQ(watched.written.back(), "\r\x1b[2K");
}

TEST(Progress, AnErrorRemovesTheBarAtOnce) {
  Watched watched(ProgressMode::kBar);
  watched.emit(EventKind::kRunStart, 0, 4);
  watched.time_ns += 200 * kMillisecond;
  watched.emit(EventKind::kTaskDone);
  watched.emit(EventKind::kError, 0, 0, "disk full");
  EXPECT_EQ(watched.written.back(), "\r\x1b[2K");
  const std::size_t lines = watched.written.size();
  watched.time_ns += 500 * kMillisecond;
  watched.emit(EventKind::kTaskDone);
  EXPECT_EQ(watched.written.size(), lines);
}

TEST(Progress, ShortRunsShowNothingInAutoMode) {
  Watched quick(ProgressMode::kAuto);
  quick.run(20);  // 0.2 s
  EXPECT_TRUE(quick.written.empty());
  Watched slow(ProgressMode::kAuto);
  slow.run(100);
  EXPECT_FALSE(slow.written.empty());
}

TEST(Progress, JsonIsOneObjectALine) {
  Watched watched(ProgressMode::kJson);
  watched.run(100);
  ASSERT_GE(watched.written.size(), 2u);
  for (const std::string& line : watched.written) {
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto object = nlohmann::json::parse(line);
    for (const char* key : {"event", "fraction", "tasks_done", "tasks", "bytes_read", "bytes_per_second", "memory_bytes", "elapsed_seconds",
                            "seconds_left", "stage", "label"}) {
      EXPECT_TRUE(object.contains(key)) << key;
    }
  }
  const auto last = nlohmann::json::parse(watched.written.back());
  EXPECT_EQ(last["event"], "done");
  EXPECT_EQ(last["fraction"], 1.0);
  EXPECT_EQ(last["bytes_read"], 100'000'000);
  EXPECT_NEAR(last["bytes_per_second"].get<double>(), 1e8, 1e7);
}

TEST(Progress, JsonTellsTheErrorLast) {
  Watched watched(ProgressMode::kJson);
  watched.emit(EventKind::kRunStart, 0, 4);
  watched.emit(EventKind::kError, 0, 0, "disk full \xff");
  watched.emit(EventKind::kRunEnd);
  ASSERT_EQ(watched.written.size(), 1u);
  const auto object = nlohmann::json::parse(watched.written[0]);
  EXPECT_EQ(object["event"], "error");
  EXPECT_EQ(object["message"].get<std::string>().substr(0, 9), "disk full");
  EXPECT_TRUE(object["seconds_left"].is_null());
}

TEST(Progress, ASecondRunStartsAnew) {
  Watched watched(ProgressMode::kJson);
  watched.run(100);
  watched.run(100);
  EXPECT_EQ(nlohmann::json::parse(watched.written.back())["bytes_read"], 100'000'000);
}

TEST(Progress, ModesByName) {
  EXPECT_EQ(parse_progress_mode("json"), ProgressMode::kJson);
  try {
    parse_progress_mode("jsn");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
    EXPECT_NE(std::string(error.what()).find("Did you mean 'json'?"), std::string::npos);
  }
  EXPECT_EQ(make_progress(ProgressMode::kNone), nullptr);
}

}  // namespace
}  // namespace freestone::watch
