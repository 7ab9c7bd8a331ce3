#include "freestone/watch/profile.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "freestone/base/error.h"

namespace freestone::watch {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kStart = 5'000'000'000;

Event event(EventKind kind, int lane, std::int64_t start_ms, std::int64_t end_ms, Index bytes = 0, std::string label = "",
            Index memory = 0) {
  Event out{kind};
  out.stage = 0;
  out.lane = lane;
  out.start_ns = kStart + start_ms * kMillisecond;
  out.end_ns = kStart + end_ms * kMillisecond;
  out.bytes = bytes;
  out.label = std::move(label);
  out.memory = memory;
  return out;
}

/// `tasks` tiles of one stage: read 1000 B, clip, write 500 B.
Profile watched_run(int tasks) {
  Profile profile;
  Event start = event(EventKind::kRunStart, -1, 0, 0, tasks * 1000, "", 1 << 30);
  start.total = tasks;
  profile.on_event(start);
  profile.on_event(event(EventKind::kStageStart, -1, 0, 0, 0, "read <cube> & clip"));
  for (int task = 0; task < tasks; ++task) {
    const std::int64_t at = task * 10;
    profile.on_event(event(EventKind::kRead, 1000, at, at + 2, 1000, "cube.fits", 4000 + task));
    profile.on_event(event(EventKind::kDecode, 0, at + 2, at + 3, 1000, "cube.fits", 4000));
    profile.on_event(event(EventKind::kCompute, 0, at + 3, at + 8, 1000, "sigma_clip", 4000));
    profile.on_event(event(EventKind::kWrite, 0, at + 8, at + 9, 500, "out.fits", 4000));
    profile.on_event(event(EventKind::kTaskDone, 0, at + 9, at + 9));
  }
  profile.on_event(event(EventKind::kStageEnd, -1, tasks * 10, tasks * 10));
  profile.on_event(event(EventKind::kRunEnd, -1, tasks * 10, tasks * 10, 0, "", 123456789));
  return profile;
}

TEST(Profile, AddsUpBytesTasksAndTime) {
  const Profile profile = watched_run(50);
  EXPECT_EQ(profile.bytes_read(), 50'000);
  EXPECT_EQ(profile.bytes_written(), 25'000);
  EXPECT_EQ(profile.tasks(), 50);
  EXPECT_EQ(profile.peak_leased_bytes(), 4049);
  EXPECT_EQ(profile.peak_resident_bytes(), 123456789);
  EXPECT_EQ(profile.budget_bytes(), 1 << 30);
  EXPECT_NEAR(profile.wall_seconds(), 0.5, 1e-9);
  ASSERT_EQ(profile.stages().size(), 1u);
  const Profile::Operation& clip = profile.stages()[0].operations.at({EventKind::kCompute, "sigma_clip"});
  EXPECT_EQ(clip.count, 50);
  EXPECT_NEAR(clip.seconds, 0.25, 1e-9);
}

TEST(Profile, SaysWhatEveryStageHeldAndSpilled) {
  Profile profile;
  profile.on_event(event(EventKind::kRunStart, -1, 0, 0, 0, "", 1 << 20));
  const auto of_stage = [](int stage, Event out) {
    out.stage = stage;
    return out;
  };
  profile.on_event(of_stage(0, event(EventKind::kSpill, 0, 1, 3, 2048, "store", 7000)));
  profile.on_event(of_stage(0, event(EventKind::kCompute, 0, 3, 4, 1024, "sqrt", 5000)));
  profile.on_event(of_stage(1, event(EventKind::kRead, 1000, 5, 6, 2048, "store", 3000)));
  profile.on_event(event(EventKind::kRunEnd, -1, 7, 7, 0, "", 99'999'999));
  ASSERT_EQ(profile.stages().size(), 2u);
  EXPECT_EQ(profile.stages()[0].peak_leased, 7000);
  EXPECT_EQ(profile.stages()[1].peak_leased, 3000);
  const auto root = nlohmann::json::parse(profile.json());
  EXPECT_EQ(root["stages"][0]["bytes_spilled"], 2048);
  EXPECT_EQ(root["stages"][0]["peak_leased_bytes"], 7000);
  EXPECT_NEAR(root["stages"][0]["lane_seconds"].get<double>(), 0.003, 1e-9);
  EXPECT_EQ(root["stages"][1]["bytes_spilled"], 0);
  EXPECT_NE(profile.text().find("spilled 2 KiB, 6.84 KiB leased at most"), std::string::npos) << profile.text();
  const std::string page = profile.html();
  EXPECT_NE(page.find("<td class=\"n\">2 KiB</td><td class=\"n\">6.84 KiB</td>"), std::string::npos);
  EXPECT_NE(page.find("<td>sqrt</td>"), std::string::npos);
}

TEST(Profile, JsonHasTheDocumentedKeys) {
  const auto root = nlohmann::json::parse(watched_run(3).json());
  for (const char* key : {"version", "wall_seconds", "bytes_read", "bytes_written", "bytes_spilled", "planned_bytes_read", "tasks",
                          "budget_bytes", "peak_leased_bytes", "peak_resident_bytes", "error", "stages", "timeline", "memory"}) {
    EXPECT_TRUE(root.contains(key)) << key;
  }
  EXPECT_EQ(root["bytes_read"], 3000);
  EXPECT_EQ(root["planned_bytes_read"], 3000);
  EXPECT_TRUE(root["error"].is_null());
  EXPECT_EQ(root["stages"][0]["label"], "read <cube> & clip");
  EXPECT_EQ(root["stages"][0]["operations"].size(), 4u);
  EXPECT_EQ(root["stages"][0]["operations"][0]["kind"], "read");
  EXPECT_EQ(root["stages"][0]["operations"][0]["name"], "cube.fits");
}

TEST(Profile, TimelineStaysSmallAndLosesNoTime) {
  const Profile profile = watched_run(40'000);
  EXPECT_LE(profile.timeline().size(), 6000u);
  EXPECT_LE(profile.memory().size(), 2001u);
  EXPECT_EQ(profile.peak_leased_bytes(), 4000 + 39'999);
  std::int64_t last = 0;
  for (const Profile::Span& span : profile.timeline()) {
    EXPECT_LE(span.start_ns, span.end_ns);
    last = std::max(last, span.end_ns);
  }
  EXPECT_EQ(last, kStart + (39'999 * 10 + 9) * kMillisecond);
  EXPECT_LT(profile.html().size(), 2'000'000u);
}

TEST(Profile, StagesOfASecondRunFollowThoseOfTheFirst) {
  Profile profile = watched_run(2);
  profile.on_event(event(EventKind::kRunStart, -1, 100, 100));
  profile.on_event(event(EventKind::kStageStart, -1, 100, 100, 0, "again"));
  profile.on_event(event(EventKind::kRead, 1000, 100, 110, 7, "b.fits"));
  profile.on_event(event(EventKind::kRunEnd, -1, 120, 120));
  ASSERT_EQ(profile.stages().size(), 2u);
  EXPECT_EQ(profile.stages()[1].label, "again");
  EXPECT_EQ(profile.stages()[1].bytes_read, 7);
  EXPECT_EQ(profile.bytes_read(), 2007);
}

TEST(Profile, KeepsTheFirstError) {
  Profile profile;
  profile.on_event(event(EventKind::kRunStart, -1, 0, 0));
  profile.on_event(event(EventKind::kError, 0, 1, 1, 0, "disk full"));
  profile.on_event(event(EventKind::kError, 1, 2, 2, 0, "cancelled"));
  EXPECT_EQ(nlohmann::json::parse(profile.json())["error"], "disk full");
  EXPECT_NE(profile.text().find("failed: disk full"), std::string::npos);
}

TEST(Profile, TextNamesStagesAndOperations) {
  const std::string text = watched_run(3).text();
  for (const char* part : {"3 tasks", "2.93 KiB", "read <cube> & clip", "sigma_clip", "cube.fits", "out.fits"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(Profile, PageIsSelfContainedAndEscaped) {
  const std::string page = watched_run(3).html();
  EXPECT_NE(page.find("read &lt;cube&gt; &amp; clip"), std::string::npos);
  EXPECT_NE(page.find("<svg"), std::string::npos);
  for (const char* outside : {"http://", "https://", "<script", "src="}) EXPECT_EQ(page.find(outside), std::string::npos) << outside;
}

TEST(Profile, AnEmptyProfileStillPrints) {
  const Profile profile;
  EXPECT_FALSE(profile.text().empty());
  EXPECT_EQ(nlohmann::json::parse(profile.json())["bytes_read"], 0);
  EXPECT_NE(profile.html().find("</html>"), std::string::npos);
}

TEST(Profile, SavesByItsSuffix) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "freestone_profile_test";
  std::filesystem::create_directories(folder);
  const Profile profile = watched_run(3);
  for (const char* name : {"p.json", "p.html", "p.txt", "p.json"}) {  // the second p.json replaces the first
    profile.save(folder / name);
    std::ifstream file(folder / name);
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(text, std::string(name) == "p.json" ? profile.json() : std::string(name) == "p.html" ? profile.html() : profile.text());
  }
  try {
    profile.save(folder / "p.md");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace freestone::watch
