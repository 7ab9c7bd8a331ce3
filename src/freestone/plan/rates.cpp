#include "freestone/plan/rates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "freestone/base/error.h"

namespace freestone {
namespace {

struct RateRow {
  const char* name;
  double Rates::*value;
};

const RateRow kRows[] = {
    {"read_bytes_per_second", &Rates::read_bytes_per_second},
    {"again_bytes_per_second", &Rates::again_bytes_per_second},
    {"write_bytes_per_second", &Rates::write_bytes_per_second},
    {"all_read_bytes_per_second", &Rates::all_read_bytes_per_second},
    {"all_write_bytes_per_second", &Rates::all_write_bytes_per_second},
    {"decode_bytes_per_second", &Rates::decode_bytes_per_second},
    {"request_seconds", &Rates::request_seconds},
    {"seek_seconds", &Rates::seek_seconds},
    {"tile_seconds", &Rates::tile_seconds},
    {"core_speed", &Rates::core_speed},
    {"shared_bytes_per_second", &Rates::shared_bytes_per_second},
    {"memory_bytes_per_second", &Rates::memory_bytes_per_second},
    {"fresh_bytes_per_second", &Rates::fresh_bytes_per_second},
};

}  // namespace

std::string rates_path() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = config != nullptr && *config != '\0' ? config : std::string(home != nullptr ? home : "") + "/.config";
  return folder + "/freestone/rates.json";
}

Rates known_rates() {
  Rates rates;
  std::ifstream file(rates_path());
  if (!file) return rates;
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) fail(ErrorKind::kUser, "{}: is no JSON object. Remove it, or run 'freestone doctor --calibrate'.", rates_path());
  for (const RateRow& row : kRows) {
    if (!json.contains(row.name)) continue;
    const auto& value = json.at(row.name);
    if (!value.is_number() || !(value.get<double>() >= 0))
      fail(ErrorKind::kUser, "{}: {} is no number. Remove the file, or run 'freestone doctor --calibrate'.", rates_path(), row.name);
    rates.*row.value = value.get<double>();
  }
  return rates;
}

std::string to_json_text(const Rates& rates) {
  nlohmann::ordered_json json;
  for (const RateRow& row : kRows) json[row.name] = rates.*row.value;
  return json.dump(1) + "\n";
}

void save_rates(const Rates& rates) {
  const std::string path = rates_path();
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  std::ofstream file(path);
  file << to_json_text(rates);
  file.close();
  if (!file) fail(ErrorKind::kIo, "{}: cannot be written.", path);
}

}  // namespace freestone
