#include "freestone/kernels/convolve.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "freestone/kernels/convolve_loops.h"

namespace freestone::kernels {
namespace {

constexpr Index kBandRows = 128;     // outputs made from one piece of input, converted to float64 and padded with zeros:
constexpr Index kBandColumns = 256;  // small enough for the second cache, or nearly, whatever the kernel
constexpr Index kShortRow = 16;

Index rounded_up(Index n, Index step) { return (n + step - 1) / step * step; }

/// Rows and columns of the padded input of a band, and the scratch that it needs.
struct BandSize {
  Index rows, stride;
  BandSize(Index out_rows, Index out_columns, Index ky, Index kx)
      : rows(rounded_up(std::min(out_rows, kBandRows), kPatchRows) + ky - 1),
        stride(odd_lines(rounded_up(std::min(out_columns, kBandColumns), kPatchColumns) + kx - 1)) {}
  /// An odd number of cache lines, so that the rows of a column do not share a set of the first cache.
  static Index odd_lines(Index columns) { return (rounded_up(columns, 8) / 8 | 1) * 8; }
  Index plane_bytes() const { return Scratch::rounded(rows * stride * 8); }
  Index counts_bytes() const { return Scratch::rounded((rows + 1) * (stride + 1) * 4); }
  Index scratch_bytes() const { return 2 * plane_bytes() + counts_bytes(); }
};

/// A correlation over two axes of views, (y, x); a kernel of one row or one column makes it one-dimensional.
class Correlation {
 public:
  Correlation(const View& in, const View& out, int y_axis, int x_axis, std::span<const double> weights, Index ky, Index kx, NanRule rule)
      : in_(in), out_(out), y_(y_axis), x_(x_axis), weights_(weights), ky_(ky), kx_(kx), rule_(rule), loops_(convolve_loops()) {
    weight_sum_ = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  /// Positions of `in` and `out` on the axes, and the lengths of these.
  void place(std::array<Index, 2> in_start, std::array<Index, 2> extent, std::array<Index, 2> out_start) {
    in_start_ = in_start, extent_ = extent, out_start_ = out_start;
    const int axes[] = {y_, x_};
    const Index taps[] = {ky_, kx_};
    for (int k = 0; k < 2; ++k) {
      if (out_.shape[axes[k]] == 0) continue;
      const Index first = std::max<Index>(0, out_start[k] - taps[k] / 2);
      const Index last = std::min(extent[k], out_start[k] + out_.shape[axes[k]] + taps[k] / 2);
      ensure(first >= in_start[k] && last <= in_start[k] + in_.shape[axes[k]], "convolve: the input lacks what the output needs");
    }
  }

  void run(Scratch& scratch, const Cancel& cancel) {
    if (out_.count() == 0) return;
    const Index mark = scratch.used();
    const BandSize size(out_.shape[y_], out_.shape[x_], ky_, kx_);
    stride_ = size.stride;
    rows_ = size.rows;
    values_ = scratch.take_array<double>(size.plane_bytes() / 8).data();
    valid_ = scratch.take_array<double>(size.plane_bytes() / 8).data();
    missing_ = scratch.take_array<std::int32_t>(size.counts_bytes() / 4).data();
    Dims others;
    for (int k = 0; k < in_.rank(); ++k)
      if (k != y_ && k != x_) others.push_back(k);
    Dims at(others.rank());
    const std::byte* in = in_.data;
    std::byte* out = out_.data;
    while (true) {
      for (Index y = 0; y < out_.shape[y_]; y += kBandRows)
        for (Index x = 0; x < out_.shape[x_]; x += kBandColumns) {
          cancel.check();
          band(in, out, y, x);
        }
      int i = others.rank() - 1;
      for (; i >= 0; --i) {
        const int axis = static_cast<int>(others[i]);
        in += in_.strides[axis], out += out_.strides[axis];
        if (++at[i] < out_.shape[axis]) break;
        in -= in_.strides[axis] * out_.shape[axis], out -= out_.strides[axis] * out_.shape[axis];
        at[i] = 0;
      }
      if (i < 0) break;
    }
    scratch.release_to(mark);
  }

 private:
  void band(const std::byte* in, std::byte* out, Index y0, Index x0) {
    const Index rows = std::min(kBandRows, out_.shape[y_] - y0), columns = std::min(kBandColumns, out_.shape[x_] - x0);
    const bool has_missing = read(in, y0, x0, rows, columns);
    const bool renormalises = has_missing && rule_ == NanRule::kInterpolate;
    double sums[kPatchRows * kPatchColumns], weights[kPatchRows * kPatchColumns];
    for (Index y = 0; y < rows; y += kPatchRows)
      for (Index x = 0; x < columns; x += kPatchColumns) {
        const Index some_rows = std::min(kPatchRows, rows - y), some_columns = std::min(kPatchColumns, columns - x);
        const Index corner = y * stride_ + x;
        loops_.correlate(values_ + corner, stride_, weights_.data(), ky_, kx_, sums);
        if (renormalises && missing_in(y, x, some_rows + ky_ - 1, some_columns + kx_ - 1) > 0)
          renormalise(y, x, some_rows, some_columns, corner, sums, weights);
        write(out, y0 + y, x0 + x, some_rows, some_columns, sums);
      }
  }

  /// Fills `values_` with what the outputs need; zeros outside of the array. Returns whether there was NaN that was replaced.
  bool read(const std::byte* in, Index y0, Index x0, Index rows, Index columns) {
    const Index top = out_start_[0] + y0 - ky_ / 2, left = out_start_[1] + x0 - kx_ / 2;
    const Index first_row = std::max<Index>(0, top), last_row = std::min(extent_[0], top + rows + ky_ - 1);
    const Index first = std::max<Index>(0, left), last = std::min(extent_[1], left + columns + kx_ - 1);
    const bool replace = rule_ != NanRule::kPropagate;
    const Index step = in_.strides[x_];
    bool has_missing = false;
    // Zeros outside of the array, and where a patch reaches over the band's edge.
    std::fill(values_, values_ + std::max<Index>(0, first_row - top) * stride_, 0.0);
    std::fill(values_ + std::max<Index>(0, last_row - top) * stride_, values_ + rows_ * stride_, 0.0);
    for (Index row = first_row; row < last_row; ++row) {
      double* whole = values_ + (row - top) * stride_;
      std::fill(whole, whole + (first - left), 0.0);
      std::fill(whole + (last - left), whole + stride_, 0.0);
      const std::byte* from = in + (row - in_start_[0]) * in_.strides[y_] + (first - in_start_[1]) * step;
      double* to = values_ + (row - top) * stride_ + (first - left);
      if (step == size_of(in_.dtype)) {
        if (in_.dtype == DType::kFloat32)
          has_missing |= loops_.read_float(reinterpret_cast<const float*>(from), last - first, replace, to);
        else
          has_missing |= loops_.read_double(reinterpret_cast<const double*>(from), last - first, replace, to);
        continue;
      }
      with_float_type(in_.dtype, [&](auto tag) {
        for (Index i = 0; i < last - first; ++i) {
          typename decltype(tag)::type value;
          std::memcpy(&value, from + i * step, sizeof value);
          to[i] = static_cast<double>(value);
        }
      });
      has_missing |= loops_.read_double(to, last - first, replace, to);
    }
    if (has_missing && rule_ == NanRule::kInterpolate) count_missing(in, top, left, first_row, last_row, first, last);
    return has_missing;
  }

  /// `missing_`: how many NaN stand above each place of the padded plane, in its column; for a kernel of several columns also to the left,
  /// so that any rectangle's are four look-ups.
  void count_missing(const std::byte* in, Index top, Index left, Index first_row, Index last_row, Index first, Index last) {
    const Index stride = stride_ + 1;
    std::fill_n(missing_, stride, 0);
    with_float_type(in_.dtype, [&]<class T>(TypeTag<T>) {
      for (Index y = 0; y < rows_; ++y) {
        const std::int32_t* above = missing_ + y * stride;
        std::int32_t* here = missing_ + (y + 1) * stride;
        std::copy_n(above, stride, here);
        const Index row = top + y;
        if (row < first_row || row >= last_row) continue;
        const std::byte* from = in + (row - in_start_[0]) * in_.strides[y_] + (first - in_start_[1]) * in_.strides[x_];
        // Place x is counted at x + 1: column 0 of the sums is empty.
        std::int32_t* to = here + 1 + (first - left);
        const Index n = last - first, step = in_.strides[x_];
        if (step == static_cast<Index>(sizeof(T))) {
          const T* values = reinterpret_cast<const T*>(from);
          for (Index i = 0; i < n; ++i) to[i] += values[i] != values[i];
        } else {
          for (Index i = 0; i < n; ++i) {
            T value;
            std::memcpy(&value, from + i * step, sizeof value);
            to[i] += value != value;
          }
        }
      }
    });
    if (kx_ == 1) return;
    for (Index y = 1; y <= rows_; ++y) {
      std::int32_t* here = missing_ + y * stride;
      for (Index x = 1; x < stride; ++x) here[x] += here[x - 1];
    }
  }

  /// NaN in a rectangle of the padded plane.
  Index missing_in(Index y, Index x, Index rows, Index columns) const {
    const Index stride = stride_ + 1;
    const std::int32_t *above = missing_ + y * stride + x, *below = above + rows * stride;
    if (kx_ > 1) return below[columns] - below[0] - above[columns] + above[0];
    Index count = 0;
    for (Index c = 1; c <= columns; ++c) count += below[c] - above[c];
    return count;
  }

  /// A patch with NaN in reach: `sums` become means over what is valid, output by output where NaN lies in its own footprint.
  void renormalise(Index y, Index x, Index rows, Index columns, Index corner, double* sums, double* weights) {
    // 0 where the input is NaN, else 1, outside of the array too; made for this patch alone.
    for (Index r = 0; r < kPatchRows + ky_ - 1; ++r)
      for (Index c = 0; c < kPatchColumns + kx_ - 1; ++c) valid_[corner + r * stride_ + c] = missing_in(y + r, x + c, 1, 1) > 0 ? 0.0 : 1.0;
    loops_.correlate(valid_ + corner, stride_, weights_.data(), ky_, kx_, weights);
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < columns; ++c) {
        const Index missing = missing_in(y + r, x + c, ky_, kx_);
        if (missing == 0) continue;
        double& sum = sums[r * kPatchColumns + c];
        sum = missing == ky_ * kx_ ? std::numeric_limits<double>::quiet_NaN() : sum / weights[r * kPatchColumns + c] * weight_sum_;
      }
  }

  void write(std::byte* out, Index y0, Index x0, Index rows, Index columns, const double* sums) const {
    const Index step = out_.strides[x_];
    with_float_type(out_.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (Index r = 0; r < rows; ++r) {
        std::byte* to = out + (y0 + r) * out_.strides[y_] + x0 * step;
        const double* from = sums + r * kPatchColumns;
        if (step == static_cast<Index>(sizeof(T))) {
          for (Index c = 0; c < columns; ++c) reinterpret_cast<T*>(to)[c] = static_cast<T>(from[c]);
          continue;
        }
        for (Index c = 0; c < columns; ++c) {
          const T value = static_cast<T>(from[c]);
          std::memcpy(to + c * step, &value, sizeof value);
        }
      }
    });
  }

  View in_, out_;
  int y_, x_;
  std::span<const double> weights_;
  Index ky_, kx_;
  NanRule rule_;
  ConvolveLoops loops_;
  double weight_sum_ = 0;
  std::array<Index, 2> in_start_{}, extent_{}, out_start_{};
  Index stride_ = 0, rows_ = 0;
  double* values_ = nullptr;
  double* valid_ = nullptr;
  std::int32_t* missing_ = nullptr;
};

void check(const View& in, const View& out, Index count, Index ky, Index kx) {
  if (ky < 1 || kx < 1 || ky % 2 == 0 || kx % 2 == 0 || count != ky * kx)
    fail(ErrorKind::kUser, "convolve: a kernel of {} x {} with {} weights; both sides are odd, and there is a weight for each place.", ky,
         kx, count);
  ensure(in.dtype == out.dtype && is_floating(in.dtype) && in.rank() == out.rank(), "convolve: dtypes or ranks differ");
}

/// The axis that vectors run along beside `axis`: the last, or the longest where the last is short.
int companion(const Shape& shape, int axis) {
  int best = shape.rank() - 1 == axis ? axis - 1 : shape.rank() - 1;
  if (shape[best] >= kShortRow) return best;
  for (int k = 0; k < shape.rank(); ++k)
    if (k != axis && shape[k] > shape[best]) best = k;
  return best;
}

/// A view with one more axis of length 1 in front.
View stacked(const View& view) {
  View out = view;
  out.shape.insert(0, 1);
  out.strides.insert(0, 0);
  return out;
}

}  // namespace

void convolve_along(const View& in, Index in_start, Index extent, int axis, std::span<const double> weights, NanRule nan_rule,
                    const View& out, Index out_start, Scratch& scratch, const Cancel& cancel) {
  const Index taps = static_cast<Index>(weights.size());
  if (in.rank() == 1) return convolve_along(stacked(in), in_start, extent, 1, weights, nan_rule, stacked(out), out_start, scratch, cancel);
  check(in, out, taps, taps, 1);
  const bool along_rows = axis == in.rank() - 1;
  const int other = companion(out.shape, axis);
  const Index whole = in.shape[other];
  for (int k = 0; k < in.rank(); ++k) ensure(k == axis || in.shape[k] == out.shape[k], "convolve: shapes differ beside the axis");
  Correlation work(in, out, along_rows ? other : axis, along_rows ? axis : other, weights, along_rows ? 1 : taps, along_rows ? taps : 1,
                   nan_rule);
  if (along_rows)
    work.place({0, in_start}, {whole, extent}, {0, out_start});
  else
    work.place({in_start, 0}, {extent, whole}, {out_start, 0});
  work.run(scratch, cancel);
}

void convolve_plane(const View& in, std::array<Index, 2> in_start, std::array<Index, 2> extent, std::span<const double> weights, Index ky,
                    Index kx, NanRule nan_rule, const View& out, std::array<Index, 2> out_start, Scratch& scratch, const Cancel& cancel) {
  check(in, out, static_cast<Index>(weights.size()), ky, kx);
  ensure(in.rank() >= 2, "convolve_plane: fewer than two axes");
  Correlation work(in, out, in.rank() - 2, in.rank() - 1, weights, ky, kx, nan_rule);
  work.place(in_start, extent, out_start);
  work.run(scratch, cancel);
}

Index convolve_along_scratch_bytes(const Shape& in, int axis, Index taps, DType) {
  // Either axis may become the rows; the output is no larger than the input, or than a band.
  const bool along_rows = axis == in.rank() - 1;
  return along_rows ? BandSize(kBandRows, kBandColumns, 1, taps).scratch_bytes()
                    : BandSize(kBandRows, kBandColumns, taps, 1).scratch_bytes();
}

Index convolve_plane_scratch_bytes(const Shape&, Index ky, Index kx, DType) {
  return BandSize(kBandRows, kBandColumns, ky, kx).scratch_bytes();
}

}  // namespace freestone::kernels
