#include "freestone/base/settings.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include "freestone/base/error.h"
#include "freestone/base/log.h"

namespace freestone {
namespace {

std::string trim(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\"");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r\"") - first + 1);
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

constexpr std::string_view kKeys[] = {"memory",        "threads",          "temp_dir",      "log_level",
                                      "remote_connections", "remote_retries", "remote_timeout", "remote_whole"};

/// Keys and values of the config file; empty when there is none.
std::map<std::string, std::string> config_file() {
  std::string folder = environment("XDG_CONFIG_HOME");
  if (folder.empty()) folder = environment("HOME") + "/.config";
  std::map<std::string, std::string> values;
  std::ifstream file(folder + "/freestone/config");
  for (std::string line; std::getline(file, line);) {
    line = trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const auto equals = line.find('=');
    const std::string key = trim(line.substr(0, equals));
    if (equals == std::string::npos || std::ranges::find(kKeys, key) == std::end(kKeys))
      fail(ErrorKind::kUser, "{}/freestone/config: '{}' is not a setting. Lines are KEY = value, with the keys {}.", folder, line,
           fmt::join(kKeys, ", "));
    values[key] = trim(line.substr(equals + 1));
  }
  return values;
}

Index read_number(const std::string& path) {
  std::ifstream file(path);
  Index value = -1;
  return file >> value ? value : -1;
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max<int>(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

Index memory_limit_bytes() {
  Index limit = static_cast<Index>(sysconf(_SC_PHYS_PAGES)) * static_cast<Index>(sysconf(_SC_PAGESIZE));
  // cgroup v2 in a container sees its own limit at the root; v1 keeps it under memory/.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    if (const Index value = read_number(path); value > 0) limit = std::min(limit, value);
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);)
    if (line.rfind("0::/", 0) == 0)
      if (const Index value = read_number("/sys/fs/cgroup" + line.substr(3) + "/memory.max"); value > 0) limit = std::min(limit, value);
  rlimit space{};
  if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    limit = std::min<Index>(limit, static_cast<Index>(space.rlim_cur));
  return limit;
}

std::string setting_variable(const std::string& key) {
  std::string name = "FREESTONE_" + key;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

std::string setting(const std::string& key) {
  ensure(std::ranges::find(kKeys, key) != std::end(kKeys), "a setting that no config file may have");
  if (const std::string value = environment(setting_variable(key).c_str()); !value.empty()) return value;
  const auto values = config_file();
  const auto found = values.find(key);
  return found == values.end() ? "" : found->second;
}

Settings default_settings() {
  auto values = config_file();
  for (const auto& [key, variable] : {std::pair{"memory", "FREESTONE_MEMORY"},
                                      {"threads", "FREESTONE_THREADS"},
                                      {"temp_dir", "FREESTONE_TEMP_DIR"},
                                      {"log_level", "FREESTONE_LOG_LEVEL"}})
    if (const std::string value = environment(variable); !value.empty()) values[key] = value;

  Settings settings;
  if (values.count("memory")) settings.memory_bytes = parse_bytes(values["memory"]);
  if (settings.memory_bytes == 0) settings.memory_bytes = memory_limit_bytes() / 2;
  if (values.count("threads")) {
    settings.threads = std::atoi(values["threads"].c_str());
    if (settings.threads < 1 || settings.threads > 4096)
      fail(ErrorKind::kUser, "threads = '{}' (FREESTONE_THREADS or the config file) is not a number from 1 to 4096.", values["threads"]);
  }
  if (settings.threads == 0) settings.threads = available_cores();
  if (values.count("temp_dir")) settings.temp_dir = values["temp_dir"];
  // /var/tmp lies on a real disk where /tmp is often memory.
  if (settings.temp_dir.empty()) settings.temp_dir = environment("TMPDIR");
  if (settings.temp_dir.empty()) settings.temp_dir = "/var/tmp";
  if (values.count("log_level")) set_log_level(parse_log_level(values["log_level"]));
  return settings;
}

Settings resolved(Settings settings) {
  // What is complete needs no look at files.
  if (settings.memory_bytes != 0 && settings.threads != 0 && !settings.temp_dir.empty()) return settings;
  const Settings base = default_settings();
  if (settings.memory_bytes == 0) settings.memory_bytes = base.memory_bytes;
  if (settings.threads == 0) settings.threads = base.threads;
  if (settings.temp_dir.empty()) settings.temp_dir = base.temp_dir;
  return settings;
}

Index resident_bytes() {
  std::ifstream file("/proc/self/statm");
  Index total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<Index>(sysconf(_SC_PAGESIZE));
}

Index peak_resident_bytes() {
  // VmHWM, not getrusage: ru_maxrss of a fresh program still counts the process that started it.
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6) * 1024;
  return resident_bytes();
}

}  // namespace freestone
