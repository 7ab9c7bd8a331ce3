#include "freestone/kernels/search.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "freestone/kernels/sort_keys.h"

namespace freestone::kernels {
namespace {

/// NumPy's order: NaN after all numbers, complex ones by their real parts first.
template <class T>
bool less(T a, T b) {
  if constexpr (!std::is_arithmetic_v<T>)
    return sort_key(a, false) < sort_key(b, false);
  else if constexpr (std::is_floating_point_v<T>)
    return a < b || (b != b && a == a);
  else
    return a < b;
}

/// The number of leading points for which `before` holds.
template <class T, class Before>
Index count_before(const T* points, Index n, Before&& before) {
  Index first = 0;
  while (n > 0) {
    const Index half = n / 2;
    if (before(points[first + half]))
      first += half + 1, n -= half + 1;
    else
      n = half;
  }
  return first;
}

template <class R, class T, class F>
void each(const View& values, const View& out, const Cancel& cancel, F&& f) {
  const Index n = values.rank() == 0 ? 1 : values.shape.back();
  const Index x_step = values.rank() == 0 ? 0 : values.strides.back(), y_step = out.rank() == 0 ? 0 : out.strides.back();
  for_each_row(values.shape, {&values, &out}, [&](std::byte** row) {
    cancel.check();
    for (Index i = 0; i < n; ++i) {
      T x;
      std::memcpy(&x, row[0] + i * x_step, sizeof x);
      const R y = f(x);
      std::memcpy(row[1] + i * y_step, &y, sizeof y);
    }
  });
}

}  // namespace

void search_sorted(SearchKind kind, const View& points, const View& values, const View& out, const Cancel& cancel) {
  with_type(points.dtype, [&]<class T>(TypeTag<T>) {
    const Index n = points.shape[0];
    std::vector<std::byte> packed(static_cast<std::size_t>(std::max<Index>(1, points.bytes())));
    copy(points, View::contiguous(packed.data(), points.dtype, points.shape));
    const T* p = reinterpret_cast<const T*>(packed.data());
    const auto position = [&](auto&& before) {
      each<std::int64_t, T>(values, out, cancel, [&](T x) { return count_before(p, n, [&](T point) { return before(point, x); }); });
    };
    switch (kind) {
      case SearchKind::kLeft: return position([](T point, T x) { return less(point, x); });
      case SearchKind::kRight: return position([](T point, T x) { return !less(x, point); });
      // What comes before in falling order is what does not come after in rising order.
      case SearchKind::kDownLeft: return position([](T point, T x) { return less(x, point); });
      case SearchKind::kDownRight: return position([](T point, T x) { return !less(point, x); });
      case SearchKind::kContains:
        return each<bool, T>(values, out, cancel, [&](T x) {
          const Index at = count_before(p, n, [&](T point) { return less(point, x); });
          return at < n && p[at] == x;
        });
    }
  });
}

void interpolate(std::span<const double> x, std::span<const double> y, double left, double right, const View& values, const View& out,
                 const Cancel& cancel) {
  const Index n = static_cast<Index>(x.size());
  const auto at = [&](double v) {
    if (std::isnan(v)) return v;
    if (v > x.back()) return right;
    if (v < x.front()) return left;
    const auto j = static_cast<std::size_t>(std::max<Index>(0, count_before(x.data(), n, [&](double point) { return point <= v; }) - 1));
    if (j + 1 == x.size() || x[j] == v) return y[j];
    const double slope = (y[j + 1] - y[j]) / (x[j + 1] - x[j]);
    double result = slope * (v - x[j]) + y[j];
    // Beside infinities the other end may still give a number.
    if (std::isnan(result)) result = slope * (v - x[j + 1]) + y[j + 1];
    return std::isnan(result) && y[j] == y[j + 1] ? y[j] : result;
  };
  each<double, double>(values, out, cancel, at);
}

}  // namespace freestone::kernels
