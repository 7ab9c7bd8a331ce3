#include "freestone/kernels/window.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "freestone/kernels/sort_keys.h"

namespace freestone::kernels {
namespace {

constexpr Index kTogether = 512;  // elements of a row: their sums stay in the first cache
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Index remainder(Index a, Index b) { return (a % b + b) % b; }

/// n elements of a row, `at` pointing at each tap's first.
template <class T>
class Row {
 public:
  Row(const std::byte* first, Index step, std::span<const Index> taps, Index n) : first_(first), step_(step), taps_(taps), n_(n) {}
  Index taps() const { return static_cast<Index>(taps_.size()); }
  Index size() const { return n_; }
  T at(Index tap, Index j) const {
    T value;
    std::memcpy(&value, first_ + taps_[static_cast<std::size_t>(tap)] + j * step_, sizeof value);
    return value;
  }
  /// Calls f(j, element) for every tap, then every element of the row.
  template <class F>
  void each(F&& f) const {
    for (Index t = 0; t < taps(); ++t) {
      const std::byte* x = first_ + taps_[static_cast<std::size_t>(t)];
      if (step_ == static_cast<Index>(sizeof(T)))
        for (Index j = 0; j < n_; ++j) f(t, j, reinterpret_cast<const T*>(x)[j]);
      else
        for (Index j = 0; j < n_; ++j) f(t, j, *reinterpret_cast<const T*>(x + j * step_));
    }
  }

 private:
  const std::byte* first_;
  Index step_;
  std::span<const Index> taps_;
  Index n_;
};

/// The functions that skip NaN, for one row.
template <class T>
void skipping(const WindowRule& rule, const Row<T>& row, double* out) {
  using enum WindowFunction;
  const Index n = row.size();
  double count[kTogether] = {}, sum[kTogether] = {};
  row.each([&](Index, Index j, T v) {
    const double x = static_cast<double>(v);
    count[j] += x == x;
    sum[j] += x == x ? x : 0;
  });
  const auto finish = [&](auto&& value) {
    for (Index j = 0; j < n; ++j) out[j] = count[j] >= static_cast<double>(rule.least) && count[j] > 0 ? value(j) : kNaN;
  };
  switch (rule.function) {
    case kSum:
      for (Index j = 0; j < n; ++j) out[j] = count[j] >= static_cast<double>(rule.least) ? sum[j] : kNaN;
      return;
    case kCount: std::copy_n(count, n, out); return;
    case kMean: return finish([&](Index j) { return sum[j] / count[j]; });
    case kMin:
    case kMax: {
      const bool down = rule.function == kMin;
      double best[kTogether];
      std::fill_n(best, n, down ? HUGE_VAL : -HUGE_VAL);
      row.each([&](Index, Index j, T v) {
        const double x = static_cast<double>(v);
        best[j] = (down ? x < best[j] : x > best[j]) ? x : best[j];
      });
      return finish([&](Index j) { return best[j]; });
    }
    case kVariance:
    case kStd: {
      double squares[kTogether] = {};
      for (Index j = 0; j < n; ++j) sum[j] /= count[j];
      row.each([&](Index, Index j, T v) {
        const double d = static_cast<double>(v) - sum[j];
        squares[j] += d == d ? d * d : 0;
      });
      return finish([&](Index j) {
        const double left = count[j] - rule.ddof, variance = left > 0 ? squares[j] / left : kNaN;
        return rule.function == kStd ? std::sqrt(variance) : variance;
      });
    }
    default: {  // median
      std::vector<double> values;
      for (Index j = 0; j < n; ++j) {
        values.clear();
        for (Index t = 0; t < row.taps(); ++t)
          if (const double x = static_cast<double>(row.at(t, j)); x == x) values.push_back(x);
        out[j] = kNaN;
        if (values.empty() || static_cast<Index>(values.size()) < rule.least) continue;
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        out[j] = *middle;
        if (values.size() % 2 == 0) out[j] = (*std::max_element(values.begin(), middle) + *middle) / 2;
      }
    }
  }
}

template <class T, class R>
void window_row(const WindowRule& rule, const Row<T>& row, std::byte* to, Index step) {
  const Index n = row.size();
  const auto put = [&](Index j, R value) { std::memcpy(to + j * step, &value, sizeof value); };
  if constexpr (std::is_same_v<T, R>) {
    if (rule.function == WindowFunction::kRank) {
      std::vector<SortKey<T>> keys(static_cast<std::size_t>(row.taps()));
      for (Index j = 0; j < n; ++j) {
        for (Index t = 0; t < row.taps(); ++t) keys[static_cast<std::size_t>(t)] = sort_key(row.at(t, j), false);
        std::nth_element(keys.begin(), keys.begin() + rule.rank, keys.end());
        put(j, value_of_key<T>(keys[static_cast<std::size_t>(rule.rank)], false));
      }
      return;
    }
    if (rule.function == WindowFunction::kMinimum || rule.function == WindowFunction::kMaximum) {
      const bool down = rule.function == WindowFunction::kMinimum;
      T best[kTogether];
      for (Index j = 0; j < n; ++j) best[j] = row.at(0, j);
      row.each([&](Index, Index j, T x) { best[j] = (down ? x < best[j] : x > best[j]) || x != x ? x : best[j]; });
      for (Index j = 0; j < n; ++j) put(j, best[j]);
      return;
    }
  }
  if constexpr (std::is_floating_point_v<R>) {
    double result[kTogether] = {};
    if (rule.function == WindowFunction::kLinear)
      row.each([&](Index t, Index j, T x) { result[j] += rule.weights[static_cast<std::size_t>(t)] * static_cast<double>(x); });
    else
      skipping(rule, row, result);
    for (Index j = 0; j < n; ++j) put(j, static_cast<R>(result[j]));
  } else {
    ensure(keeps_dtype(rule.function), "window: an output of another dtype");
  }
}

}  // namespace

bool keeps_dtype(WindowFunction function) {
  return function == WindowFunction::kMinimum || function == WindowFunction::kMaximum || function == WindowFunction::kRank;
}

Index boundary_position(Boundary boundary, Index at, Index extent) {
  if (at >= 0 && at < extent) return at;
  switch (boundary) {
    case Boundary::kReflect: {
      const Index r = remainder(at, 2 * extent);
      return r < extent ? r : 2 * extent - 1 - r;
    }
    case Boundary::kMirror: {
      if (extent == 1) return 0;
      const Index r = remainder(at, 2 * extent - 2);
      return r < extent ? r : 2 * extent - 2 - r;
    }
    case Boundary::kNearest: return at < 0 ? 0 : extent - 1;
    case Boundary::kWrap: return remainder(at, extent);
    case Boundary::kConstant: return -1;
  }
  return -1;
}

Box filled_from(Boundary boundary, const Box& wanted, const Shape& array) {
  return filled_from(std::vector<Edge>(static_cast<std::size_t>(wanted.rank()), Edge{boundary}), wanted, array);
}

Box filled_from(std::span<const Edge> edges, const Box& wanted, const Shape& array) {
  Box box = wanted;
  for (int k = 0; k < wanted.rank(); ++k) {
    const Boundary boundary = edges[static_cast<std::size_t>(k)].boundary;
    Index first = array[k], last = -1;
    for (Index i = wanted.start[k]; i < wanted.end(k); ++i) {
      const Index at = array[k] == 0 ? -1 : boundary_position(boundary, i, array[k]);
      if (at < 0) continue;
      first = std::min(first, at), last = std::max(last, at);
      if (at != i) continue;
      i = std::min(wanted.end(k), array[k]) - 1;  // inside the array nothing turns
      last = std::max(last, i);
    }
    box.start[k] = last < 0 ? 0 : first;
    box.shape[k] = last < 0 ? 0 : last - first + 1;
  }
  return box;
}

namespace {

/// Of complex numbers NaN stands in both parts.
template <class T>
T filled_with(double constant) {
  if constexpr (std::is_arithmetic_v<T>)
    return static_cast<T>(constant);
  else
    return T(static_cast<typename T::value_type>(constant), static_cast<typename T::value_type>(constant == constant ? 0 : constant));
}

}  // namespace

void fill_window(Boundary boundary, double constant, const Tile& in, const Box& wanted, const Shape& array, const View& out) {
  fill_window(std::vector<Edge>(static_cast<std::size_t>(wanted.rank()), Edge{boundary, constant}), in, wanted, array, out);
}

void fill_window(std::span<const Edge> edges, const Tile& in, const Box& wanted, const Shape& array, const View& out) {
  const int rank = wanted.rank();
  std::vector<std::vector<Index>> positions(static_cast<std::size_t>(rank));
  for (int k = 0; k < rank; ++k)
    for (Index i = wanted.start[k]; i < wanted.end(k); ++i) {
      const Index at = boundary_position(edges[static_cast<std::size_t>(k)].boundary, i, array[k]);
      positions[static_cast<std::size_t>(k)].push_back(at < 0 ? -1 : (at - in.box.start[k]) * in.view.strides[k]);
    }
  with_type(out.dtype, [&]<class T>(TypeTag<T>) {
    if (rank == 0) {
      std::memcpy(out.data, in.view.data, sizeof(T));
      return;
    }
    std::vector<T> constants;
    for (const Edge& edge : edges) constants.push_back(filled_with<T>(edge.constant));
    const auto inside = [&](int k, Index i) {
      if (edges[static_cast<std::size_t>(k)].boundary != Boundary::kConstant) return true;
      return wanted.start[k] + i >= 0 && wanted.start[k] + i < array[k];
    };
    Dims at(rank - 1);
    const Index length = wanted.shape[rank - 1], step = out.strides[rank - 1];
    const auto& last = positions[static_cast<std::size_t>(rank) - 1];
    for (Index row = 0, rows = length == 0 ? 0 : wanted.count() / length; row < rows; ++row) {
      int beyond = -1;  // the last axis of the row's position whose constant stands here
      const std::byte* from = in.view.data;
      std::byte* to = out.data;
      for (int k = 0; k < rank - 1; ++k) {
        if (!inside(k, at[k])) beyond = k;
        to += at[k] * out.strides[k];
      }
      for (int k = 0; beyond < 0 && k < rank - 1; ++k) from += positions[static_cast<std::size_t>(k)][static_cast<std::size_t>(at[k])];
      for (Index i = 0; i < length; ++i) {
        T value = constants[static_cast<std::size_t>(rank) - 1];
        if (inside(rank - 1, i)) {
          if (beyond < 0)
            std::memcpy(&value, from + last[static_cast<std::size_t>(i)], sizeof value);
          else
            value = constants[static_cast<std::size_t>(beyond)];
        }
        std::memcpy(to + i * step, &value, sizeof value);
      }
      for (int k = rank - 2; k >= 0; --k) {
        if (++at[k] < wanted.shape[k]) break;
        at[k] = 0;
      }
    }
  });
}

void window_along(const WindowRule& rule, const View& padded, const Dims& origin, const View& out, const Cancel& cancel) {
  if (out.count() == 0) return;
  std::vector<Index> taps;
  for (const Dims& offset : rule.offsets) {
    Index at = 0;
    for (int k = 0; k < padded.rank(); ++k) at += (origin[k] + offset[k]) * padded.strides[k];
    taps.push_back(at);
  }
  View in = padded;
  in.shape = out.shape;
  const Index length = out.rank() == 0 ? 1 : out.shape.back();
  const Index x_step = out.rank() == 0 ? 0 : in.strides.back(), y_step = out.rank() == 0 ? 0 : out.strides.back();
  with_real_type(padded.dtype, [&]<class T>(TypeTag<T>) {
    with_real_type(out.dtype, [&]<class R>(TypeTag<R>) {
      if constexpr (std::is_same_v<T, R> || std::is_same_v<R, double>) {
        for_each_row(out.shape, {&in, &out}, [&](std::byte** row) {
          cancel.check();
          for (Index j = 0; j < length; j += kTogether)
            window_row<T, R>(rule, Row<T>(row[0] + j * x_step, x_step, taps, std::min(kTogether, length - j)), row[1] + j * y_step, y_step);
        });
      } else {
        ensure(false, "window: an output of another dtype");
      }
    });
  });
}

}  // namespace freestone::kernels
