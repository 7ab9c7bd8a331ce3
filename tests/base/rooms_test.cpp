// The floor rule: a room includes only itself and the rooms that this table allows it, all of them on lower floors.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Room {
  int floor;
  std::set<std::string> may_include;
};

const std::map<std::string, Room>& rooms() {
  static const std::set<std::string> kBelowLabel = {"base",    "core",  "runtime", "storage", "kernels",
                                                    "formats", "array", "ops",     "plan",    "exec"};
  static const auto with = [](std::set<std::string> rooms, const std::set<std::string>& more) {
    rooms.insert(more.begin(), more.end());
    return rooms;
  };
  static const std::map<std::string, Room> kRooms = {
      {"base", {0, {}}},
      {"core", {1, {"base"}}},
      {"runtime", {1, {"base", "core"}}},  // core's cancel flag; core includes nothing of runtime
      {"storage", {2, {"base", "core", "runtime"}}},
      {"kernels", {2, {"base", "core"}}},
      {"formats", {3, {"base", "core", "runtime", "storage"}}},
      {"array", {3, {"base", "core"}}},
      {"ops", {4, {"base", "core", "kernels", "array"}}},
      {"plan", {5, {"base", "core", "array", "ops", "storage"}}},
      {"exec", {6, {"base", "core", "runtime", "storage", "kernels", "array", "ops", "plan"}}},
      {"label", {7, kBelowLabel}},
      {"astro", {8, with(kBelowLabel, {"label"})}},
      {"geo", {8, with(kBelowLabel, {"label"})}},
      {"watch", {8, {"base", "core", "runtime", "storage", "plan"}}},
      {"cli", {9, with(kBelowLabel, {"label", "astro", "geo", "watch"})}},
  };
  return kRooms;
}

std::vector<fs::path> sources() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(FREESTONE_SOURCE_DIR "/src/freestone")) {
    const std::string suffix = entry.path().extension();
    if (entry.is_regular_file() && (suffix == ".h" || suffix == ".cpp" || suffix == ".inl")) files.push_back(entry.path());
  }
  return files;
}

/// "plan" for .../src/freestone/plan/cost.cpp; "" for a file that lies beside the rooms.
std::string room_of(const fs::path& file) {
  const fs::path inside = file.lexically_relative(FREESTONE_SOURCE_DIR "/src/freestone");
  return inside.has_parent_path() ? inside.begin()->string() : "";
}

TEST(Rooms, TableLeadsOnlyDownward) {
  for (const auto& [name, room] : rooms()) {
    for (const std::string& other : room.may_include) {
      ASSERT_TRUE(rooms().contains(other)) << name << " may include " << other << ", which is no room";
      EXPECT_LE(rooms().at(other).floor, room.floor) << name << " may include " << other << ", which is on a higher floor";
      EXPECT_FALSE(rooms().at(other).may_include.contains(name)) << name << " and " << other << " may include each other";
    }
  }
}

TEST(Rooms, IncludeOnlyWhatTheTableAllows) {
  const std::regex include(R"re(^\s*#\s*include\s*["<]freestone/([a-z0-9_]+)/)re");
  int seen = 0;
  for (const fs::path& file : sources()) {
    const std::string room = room_of(file);
    if (room.empty()) continue;  // freestone.h gathers all public headers
    ASSERT_TRUE(rooms().contains(room)) << file << ": the folder is no room of the table";
    std::ifstream text(file);
    std::string line;
    for (int number = 1; std::getline(text, line); ++number) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      ++seen;
      const std::string other = match[1];
      EXPECT_TRUE(other == room || rooms().at(room).may_include.contains(other))
          << file.string() << ":" << number << ": room " << room << " (floor " << rooms().at(room).floor << ") must not include room "
          << other;
    }
  }
  EXPECT_GT(seen, 20) << "the scan found hardly any include: it looks in the wrong place";
}

TEST(Rooms, LinkOnlyWhatTheTableAllows) {
  const std::regex linked(R"re(ROOMS\s+([a-z\s]*[a-z]))re");
  for (const auto& [name, room] : rooms()) {
    std::ifstream file(std::string(FREESTONE_SOURCE_DIR "/src/freestone/") + name + "/CMakeLists.txt");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    std::smatch match;
    if (!std::regex_search(text, match, linked)) continue;
    std::istringstream words(match[1].str());
    for (std::string other; words >> other;) {
      EXPECT_TRUE(room.may_include.contains(other)) << name << "/CMakeLists.txt links room " << other;
    }
  }
}

TEST(Rooms, FilesAreNamedForWhatTheyHold) {
  // "common_beam" is a term of the field; "common.h" says nothing.
  const std::regex vague("(^|[_-])(utils?|helpers?|managers?|misc)([_.-]|$)|(^|[_-])common([.]|$)", std::regex::icase);
  for (const char* folder : {"src", "tests", "bench", "python", "examples", "scripts"}) {
    const fs::path root = fs::path(FREESTONE_SOURCE_DIR) / folder;
    if (!fs::exists(root)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      EXPECT_FALSE(std::regex_search(entry.path().filename().string(), vague)) << entry.path() << ": a name that says nothing";
    }
  }
}

}  // namespace
