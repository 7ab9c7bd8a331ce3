#include "freestone/watch/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace freestone::watch {

std::vector<double> nice_ticks(double lo, double hi, int wanted) {
  if (!std::isfinite(lo) || !std::isfinite(hi) || hi < lo) return {};
  if (lo == hi) return {lo};
  const double raw = (hi - lo) / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double part = raw / power;
  const double step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
  if (!(step > 0) || !std::isfinite(step)) return {lo, hi};
  // Counted in whole steps, so that rounding errors do not add up.
  const double first = std::ceil(lo / step - 1e-9), last = std::floor(hi / step + 1e-9);
  std::vector<double> ticks;
  for (double k = first; k <= last && ticks.size() < 1000; ++k) ticks.push_back(k == 0 ? 0 : k * step);
  return ticks;
}

TickLabels tick_labels(const std::vector<double>& ticks) {
  TickLabels result;
  double largest = 0, step = 0;
  for (const double tick : ticks) largest = std::max(largest, std::abs(tick));
  for (std::size_t i = 1; i < ticks.size(); ++i) step = step == 0 ? ticks[i] - ticks[i - 1] : std::min(step, ticks[i] - ticks[i - 1]);
  if (step <= 0) step = largest;
  if (largest >= 1e5 || (largest > 0 && largest < 1e-2)) result.exponent = static_cast<int>(std::floor(std::log10(largest)));
  const double scale = std::pow(10.0, result.exponent);
  int decimals = 0;
  if (step > 0) {
    for (double scaled = step / scale; decimals < 12 && std::abs(scaled - std::round(scaled)) > 1e-6 * std::abs(scaled); scaled *= 10)
      ++decimals;
  }
  for (const double tick : ticks) {
    const double value = tick / scale;
    std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
    const bool zero = text.find_first_not_of("0.") == std::string::npos;
    result.labels.push_back(value < 0 && !zero ? "\u2212" + text : text);
  }
  return result;
}

}  // namespace freestone::watch
