#include "freestone/base/quantity.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "freestone/base/error.h"

namespace freestone {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

/// Damerau-Levenshtein distance, restricted: insertions, deletions, substitutions and swaps of neighbours.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

Index parse_bytes(std::string_view text) {
  std::string s = lower(text);
  s.erase(std::remove_if(s.begin(), s.end(), [](unsigned char c) { return std::isspace(c); }), s.end());
  double value = 0;
  const auto [rest, code] = std::from_chars(s.data(), s.data() + s.size(), value);
  const std::string unit = s.substr(static_cast<std::size_t>(rest - s.data()));
  constexpr std::string_view kPrefixes = "kmgtp";
  double scale = 1;
  bool known = unit.empty() || unit == "b";
  if (const auto at = unit.empty() ? std::string_view::npos : kPrefixes.find(unit[0]); at != std::string_view::npos) {
    const std::string tail = unit.substr(1);
    const bool binary = tail == "i" || tail == "ib";
    known = binary || tail.empty() || tail == "b";
    scale = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(at + 1));
  }
  if (code != std::errc() || !known || !(value >= 0) || value * scale > 4.6e18)
    fail(ErrorKind::kUser, "'{}' is not a size in bytes. Write a number and a unit, such as 512MiB, 2GiB or 1.5GB.", text);
  return static_cast<Index>(value * scale);
}

std::string format_bytes(Index bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (std::abs(value) >= 1023.5 && unit < 6) value /= 1024, ++unit;
  if (unit == 0) return fmt::format("{} B", bytes);
  const double rounded = value < 10 ? std::round(value * 100) / 100 : value < 100 ? std::round(value * 10) / 10 : std::round(value);
  return fmt::format("{:g} {}", rounded, kUnits[unit]);
}

std::string format_seconds(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 99.95) return fmt::format("{:.3g} s", seconds);
  const auto whole = static_cast<Index>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_count(Index count) {
  std::string digits = std::to_string(count < 0 ? -count : count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return count < 0 ? "-" + digits : digits;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "nan";
  return fmt::format("{}", value);
}

std::string nearest_name(std::string_view wanted, const std::vector<std::string>& names) {
  const std::string w = lower(wanted);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, w.size() / 3) + 1;
  for (const std::string& name : names) {
    const std::string n = lower(name);
    std::size_t distance = edit_distance(w, n);
    if (w.size() >= 3 && n.rfind(w, 0) == 0) distance = std::min<std::size_t>(distance, 1);
    if (distance < best_distance) best = name, best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view wanted, const std::vector<std::string>& names) {
  const std::string name = nearest_name(wanted, names);
  return name.empty() ? "" : fmt::format(" Did you mean '{}'?", name);
}

}  // namespace freestone
