#include "freestone/kernels/weighted_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/base/error.h"

namespace freestone::kernels {

double weighted_quantile(std::span<Weighted> items, double q) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  std::size_t count = 0;
  bool unknown = false;
  for (const Weighted& item : items) {
    if (item.weight < 0 || std::isinf(item.weight))
      fail(ErrorKind::kData, "a weight is {}; weights of a quantile must be finite, and not negative.", format_number(item.weight));
    unknown |= std::isnan(item.weight) && !std::isnan(item.value);
    if (!std::isnan(item.value) && item.weight != 0) items[count++] = item;
  }
  if (count == 0 || unknown) return kNaN;
  items = items.first(count);
  const auto is_before = [](const Weighted& a, const Weighted& b) {
    return a.value < b.value || (a.value == b.value && a.weight < b.weight);
  };
  std::sort(items.begin(), items.end(), is_before);
  double total = 0, squares = 0;
  for (const Weighted& item : items) total += item.weight;
  for (Weighted& item : items) item.weight /= total, squares += item.weight * item.weight;
  // How many equal weights would be worth as much; the quantile is a mean over the part of the weights from (h - 1) / n to h / n.
  const double n = 1 / squares, h = (n - 1) * q + 1;
  const double first = (h - 1) / n, last = h / n;
  double sum = 0, so_far = 0, before = std::max(first, std::min(last, so_far));
  for (const Weighted& item : items) {
    so_far += item.weight;
    const double until = std::max(first, std::min(last, so_far));
    if (until > before) sum += item.value * ((until - before) * n);
    before = until;
  }
  return sum;
}

}  // namespace freestone::kernels
