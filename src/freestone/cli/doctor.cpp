#include <cairo/cairo.h>
#include <fmt/ranges.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <wcslib/wcs.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "freestone/base/settings.h"
#include "freestone/cli/commands.h"
#include "freestone/cli/print.h"
#include "freestone/exec/calibrate.h"
#include "freestone/formats/format.h"
#include "freestone/formats/gdal.h"
#include "freestone/formats/opendap.h"
#include "freestone/geo/projection.h"

namespace freestone::cli {
namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return trimmed(line.substr(line.find(':') + 1));
  return "unknown";
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("sse4.2")) features.emplace_back("sse4.2");
  if (__builtin_cpu_supports("avx")) features.emplace_back("avx");
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512dq")) features.emplace_back("avx512dq");
#endif
  return features;
}

/// The type of the file system that holds `folder`, from /proc/mounts: the longest mount point that it begins with.
std::string file_system(const std::string& folder) {
  char* real = realpath(folder.c_str(), nullptr);
  if (real == nullptr) return "";
  const std::string path = std::string(real) + "/";
  std::free(real);
  std::ifstream mounts("/proc/mounts");
  std::string device, point, type, rest, best_point, best_type;
  while (mounts >> device >> point >> type && std::getline(mounts, rest)) {
    const std::string prefix = point == "/" ? point : point + "/";
    if (path.rfind(prefix, 0) == 0 && prefix.size() >= best_point.size()) best_point = prefix, best_type = type;
  }
  return best_type;
}

}  // namespace

int run_doctor(std::span<const std::string> words, const CommandRow& row, const Process&) {
  const Arguments arguments(words, row.options, "doctor: ");
  if (!arguments.words().empty()) refuse("doctor takes no names, not '{}'.", arguments.words().front());
  const Settings settings = default_settings();
  if (arguments.has("calibrate")) {
    const Rates rates = calibrate(settings.temp_dir, settings.threads);
    save_rates(rates);
    if (!arguments.has("json")) write_stdout("rates kept in " + rates_path() + ":\n");
    write_stdout(to_json_text(rates));
    return 0;
  }
  int wcs[3] = {};
  wcslib_version(wcs);
  utsname system{};
  uname(&system);
  const std::vector<std::string> features = cpu_features();

  nlohmann::ordered_json json;
  json["freestone"] = FREESTONE_VERSION;
  json["compiler"] = __VERSION__;
  json["system"] = fmt::format("{} {} {}", system.sysname, system.release, system.machine);
  json["libraries"] = {
      {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)},
      {"wcslib", fmt::format("{}.{}", wcs[0], wcs[1])},
      {"cairo", cairo_version_string()},
      {"gdal plug-in", formats::gdal::status()},
      {"opendap plug-in", formats::opendap::plugin_state()},
      {"proj plug-in", geo::projection_status()}};
  for (const auto& format : formats::formats())
    json["formats"][format.name] = format.can_read && format.can_write ? "read, write"
                                   : format.can_read                   ? "read"
                                   : format.can_write                  ? "write"
                                                                       : "recognised only";
  json["cpu"] = cpu_name();
  json["cpu_features"] = features;
  json["cores"] = sysconf(_SC_NPROCESSORS_ONLN);
  json["threads"] = settings.threads;
  json["memory_limit_bytes"] = memory_limit_bytes();
  json["budget_bytes"] = settings.memory_bytes;
  std::vector<std::string> problems;
  for (const std::string& folder : {settings.temp_dir, std::string(".")}) {
    struct statvfs disk {};
    const bool there = statvfs(folder.c_str(), &disk) == 0;
    const bool writable = access(folder.c_str(), W_OK) == 0;
    const std::string type = file_system(folder);
    json["disks"].push_back({{"folder", folder},
                             {"file_system", type},
                             {"free_bytes", there ? static_cast<Index>(disk.f_bavail) * static_cast<Index>(disk.f_frsize) : 0},
                             {"writable", writable}});
    const bool is_temp = folder == settings.temp_dir;
    if (is_temp && !writable)
      problems.push_back(fmt::format("the temporary folder {} is not writable: set --temp-dir or FREESTONE_TEMP_DIR", folder));
    if (is_temp && type == "tmpfs")
      problems.push_back(fmt::format("the temporary folder {} lies in memory: set --temp-dir or FREESTONE_TEMP_DIR to a disk", folder));
  }
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("avx2")) problems.emplace_back("this CPU has no AVX2: all works, but slower than elsewhere");
#endif
  json["problems"] = problems;
  if (arguments.has("json")) {
    write_stdout(json.dump(1) + "\n");
    return 0;
  }
  std::string text = fmt::format("freestone   {}, built by compiler {}\n", FREESTONE_VERSION, __VERSION__);
  text += fmt::format("system      {}\n", json["system"].get<std::string>());
  for (const auto& [name, version] : json["libraries"].items()) text += fmt::format("{:<11} {}\n", name, version.get<std::string>());
  for (const auto& format : formats::formats())
    text += fmt::format("format      {}: {}; {}\n", format.name, json["formats"][format.name].get<std::string>(), format.description);
  text += fmt::format("cpu         {} ({})\n", json["cpu"].get<std::string>(), fmt::join(features, " "));
  text += fmt::format("cores       {}; a run uses {} threads\n", json["cores"].get<Index>(), settings.threads);
  text += fmt::format("memory      {} may be used; a run's budget is {}\n", format_bytes(memory_limit_bytes()),
                      format_bytes(settings.memory_bytes));
  for (const auto& disk : json["disks"])
    text += fmt::format("disk        {}: {} free, {}{}\n", disk["folder"].get<std::string>(), format_bytes(disk["free_bytes"].get<Index>()),
                        disk["file_system"].get<std::string>(), disk["writable"].get<bool>() ? "" : ", not writable");
  for (const std::string& problem : problems) text += "problem     " + problem + "\n";
  if (problems.empty()) text += "no problems found\n";
  write_stdout(text);
  return 0;
}

}  // namespace freestone::cli
