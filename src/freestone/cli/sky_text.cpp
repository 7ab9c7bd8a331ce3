#include "freestone/cli/sky_text.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <optional>

#include "freestone/cli/arguments.h"
#include "freestone/label/units.h"

namespace freestone::cli {
namespace {

constexpr std::size_t kMostLines = 1000000;
constexpr std::size_t kMostDigits = 64;  // of a part of an angle

/// "5h34m31.9s", "-5d24m10s", "05:34:31.9": whole parts, then the rest.
std::optional<double> sexagesimal(const std::string& text, bool& says_hours) {
  std::string rest = trimmed(text);
  double sign = 1;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) sign = rest[0] == '-' ? -1 : 1, rest = rest.substr(1);
  if (rest.find_first_of(":hd") == std::string::npos || rest.ends_with("deg") || rest.ends_with("rad")) return std::nullopt;
  says_hours = rest.find('h') != std::string::npos;
  double parts[3] = {0, 0, 0};
  int count = 0;
  std::string number;
  for (const char c : rest + ":") {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.') {
      number += c;
    } else if (c == ':' || c == 'h' || c == 'd' || c == 'm' || c == 's' || c == '\'' || c == '"') {
      if (number.empty()) continue;
      if (count == 3 || std::count(number.begin(), number.end(), '.') > 1 || number == "." || number.size() > kMostDigits) return std::nullopt;
      parts[count++] = std::stod(number);
      number.clear();
    } else {
      return std::nullopt;
    }
  }
  if (count == 0 || parts[1] >= 60 || parts[2] >= 60) return std::nullopt;
  return sign * (parts[0] + parts[1] / 60 + parts[2] / 3600);
}

std::vector<std::string> words_of(std::string line) {
  std::replace(line.begin(), line.end(), ',', ' ');
  std::replace(line.begin(), line.end(), '\t', ' ');
  std::vector<std::string> words;
  for (const std::string& word : split(line, ' '))
    if (!trimmed(word).empty()) words.push_back(trimmed(word));
  return words;
}

bool begins_like_a_number(const std::string& word) {
  return !word.empty() && (std::isdigit(static_cast<unsigned char>(word[0])) != 0 || word[0] == '-' || word[0] == '+' || word[0] == '.');
}

}  // namespace

double parse_angle(const std::string& text, bool in_hours, const std::string& where) {
  bool says_hours = false;
  if (const auto value = sexagesimal(text, says_hours)) return *value * (says_hours || (in_hours && text.find('d') == std::string::npos) ? 15 : 1);
  try {
    const Quantity value = parse_quantity(text);
    return value.unit.is_dimensionless() ? value.value : value.in(Unit::parse("deg"));
  } catch (const Error&) {
    refuse("{} '{}' is no angle: degrees, a number with a unit (83.6deg), or 5h34m31.9s and -5d24m10s.", where, text);
  }
}

PlaceTable read_places(const std::string& path) {
  std::ifstream file(path);
  if (!file) fail(ErrorKind::kIo, "{}: it cannot be read.", path);
  PlaceTable table;
  std::size_t first = 0, second = 1, number = 0;
  bool is_begun = false;
  for (std::string line; std::getline(file, line);) {
    if (++number > kMostLines) fail(ErrorKind::kData, "{}: more than {} lines.", path, kMostLines);
    const std::vector<std::string> words = words_of(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    if (!is_begun && !begins_like_a_number(words[0])) {
      is_begun = true;
      bool is_known = false;
      for (const auto& [a, b] : {std::pair{"ra", "dec"}, {"lon", "lat"}, {"longitude", "latitude"}, {"l", "b"}, {"x", "y"}}) {
        const auto at = [&](const char* name) {
          return std::find_if(words.begin(), words.end(), [&](std::string word) {
            std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
            return word == name;
          });
        };
        if (is_known || at(a) == words.end() || at(b) == words.end()) continue;
        first = static_cast<std::size_t>(at(a) - words.begin()), second = static_cast<std::size_t>(at(b) - words.begin());
        table.first_name = a, table.second_name = b;
        is_known = true;
      }
      if (!is_known) fail(ErrorKind::kData, "{}: line {}: its names are none of ra and dec, lon and lat, l and b, x and y.", path, number);
      continue;
    }
    is_begun = true;
    if (words.size() <= std::max(first, second)) fail(ErrorKind::kData, "{}: line {} has {} columns; the places are in columns {} and {}.", path, number, words.size(), first + 1, second + 1);
    table.first.push_back(words[first]), table.second.push_back(words[second]);
  }
  if (table.first.empty()) fail(ErrorKind::kData, "{}: there is no place in it.", path);
  return table;
}

}  // namespace freestone::cli
