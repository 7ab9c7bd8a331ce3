#include "freestone/kernels/select.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "freestone/kernels/select_loops.h"

namespace freestone::kernels {
namespace {

constexpr Index kRowBytes = 64;
constexpr Index kStripBytes = 1024;          // of each row, read at once: sixteen cache lines
constexpr Index kStripBudget = 1024 * 1024;  // a strip of long columns is narrower, so that it stays in the second cache

Index blocks_together(Index n) { return std::clamp<Index>(kStripBudget / std::max<Index>(1, n * kRowBytes), 1, kStripBytes / kRowBytes); }

/// The columns along one axis, numbered in C order of the other axes.
class Columns {
 public:
  Columns(const View& view, int axis)
      : view_(view), length_(view.shape[axis]), stride_(view.strides[axis]), shape_(view.shape), strides_(view.strides) {
    shape_.erase(axis);
    strides_.erase(axis);
    count_ = element_count(shape_);
  }
  Index count() const { return count_; }
  Index length() const { return length_; }
  Index stride() const { return stride_; }
  const View& view() const { return view_; }

  /// Byte offsets of columns [first, first + n).
  void offsets(Index first, Index n, Index* out) const { offsets_of(shape_, strides_, first, n, out); }

  static void offsets_of(const Shape& shape, const Dims& strides, Index first, Index n, Index* out) {
    Dims at(shape.rank());
    Index offset = 0;
    for (int k = shape.rank() - 1; k >= 0; --k) {
      at[k] = first % shape[k];
      first /= shape[k];
      offset += at[k] * strides[k];
    }
    for (Index i = 0; i < n; ++i) {
      out[i] = offset;
      for (int k = shape.rank() - 1; k >= 0; --k) {
        offset += strides[k];
        if (++at[k] < shape[k]) break;
        offset -= strides[k] * shape[k];
        at[k] = 0;
      }
    }
  }

 private:
  View view_;
  Index length_, stride_, count_ = 0;
  Shape shape_;
  Dims strides_;
};

bool adjoin(const Index* offsets, Index n, Index step) {
  for (Index i = 1; i < n; ++i)
    if (offsets[i] != offsets[0] + i * step) return false;
  return true;
}

/// A strip: some blocks side by side in scratch, each of n rows of 64 bytes. Columns that are missing hold NaN.
template <class T>
struct Strip {
  T* data;
  Index rows, blocks;
  T* block(Index b) const { return data + b * rows * kColumns<T>; }
};

template <class T>
void read_strip(const Columns& from, const Index* offsets, Index columns, const Strip<T>& strip) {
  const std::byte* base = from.view().data;
  const bool direct = from.view().dtype == dtype_of<T>();
  for (Index b = 0; b < strip.blocks; ++b) {
    const Index some = std::min<Index>(kColumns<T>, columns - b * kColumns<T>);
    if (some < kColumns<T>) std::fill_n(strip.block(b), strip.rows * kColumns<T>, std::numeric_limits<T>::quiet_NaN());
  }
  if (direct && adjoin(offsets, columns, sizeof(T))) {
    const Index whole = columns / kColumns<T>, rest = columns % kColumns<T>;
    for (Index r = 0; r < strip.rows; ++r) {
      const std::byte* row = base + offsets[0] + r * from.stride();
      for (Index b = 0; b < whole; ++b) std::memcpy(strip.block(b) + r * kColumns<T>, row + b * kRowBytes, kRowBytes);
      if (rest > 0) std::memcpy(strip.block(whole) + r * kColumns<T>, row + whole * kRowBytes, static_cast<std::size_t>(rest) * sizeof(T));
    }
    return;
  }
  with_real_type(from.view().dtype, [&](auto tag) {
    using U = typename decltype(tag)::type;
    for (Index c = 0; c < columns; ++c) {
      const std::byte* x = base + offsets[c];
      T* to = strip.block(c / kColumns<T>) + c % kColumns<T>;
      for (Index r = 0; r < strip.rows; ++r) {
        U value;
        std::memcpy(&value, x + r * from.stride(), sizeof value);
        to[r * kColumns<T>] = static_cast<T>(value);
      }
    }
  });
}

template <class T>
void write_strip(const Strip<T>& strip, const Index* offsets, Index columns, const Columns& to) {
  std::byte* base = to.view().data;
  if (adjoin(offsets, columns, sizeof(T))) {
    const Index whole = columns / kColumns<T>, rest = columns % kColumns<T>;
    for (Index r = 0; r < strip.rows; ++r) {
      std::byte* row = base + offsets[0] + r * to.stride();
      for (Index b = 0; b < whole; ++b) std::memcpy(row + b * kRowBytes, strip.block(b) + r * kColumns<T>, kRowBytes);
      if (rest > 0) std::memcpy(row + whole * kRowBytes, strip.block(whole) + r * kColumns<T>, static_cast<std::size_t>(rest) * sizeof(T));
    }
    return;
  }
  for (Index c = 0; c < columns; ++c) {
    const T* x = strip.block(c / kColumns<T>) + c % kColumns<T>;
    std::byte* out = base + offsets[c];
    for (Index r = 0; r < strip.rows; ++r) std::memcpy(out + r * to.stride(), x + r * kColumns<T>, sizeof(T));
  }
}

/// Calls f(block, first column, columns) for every block of columns, gathered into scratch; `after(strip, first, columns)` when a strip is
/// done.
template <class T, class F, class After>
void for_each_block(const Columns& columns, Scratch& scratch, const Cancel& cancel, F&& f, After&& after) {
  ensure(columns.length() < std::numeric_limits<std::int32_t>::max(), "select: a column longer than 2^31");
  const Index mark = scratch.used();
  const Index together = blocks_together(columns.length());
  Strip<T> strip{scratch.take_array<T>(together * columns.length() * kColumns<T>).data(), columns.length(), 0};
  Index offsets[kStripBytes / sizeof(T)];
  for (Index first = 0; first < columns.count(); first += together * kColumns<T>) {
    cancel.check();
    const Index some = std::min<Index>(together * kColumns<T>, columns.count() - first);
    strip.blocks = (some + kColumns<T> - 1) / kColumns<T>;
    columns.offsets(first, some, offsets);
    read_strip(columns, offsets, some, strip);
    for (Index b = 0; b < strip.blocks; ++b)
      f(strip.block(b), first + b * kColumns<T>, std::min<Index>(kColumns<T>, some - b * kColumns<T>));
    after(strip, first, some);
  }
  scratch.release_to(mark);
}

/// Asks for one order statistic of every value of a column.
template <class T>
void ask(RankRequest<T>& request, int c, const ColumnSummary<T>& summary, Index rank, bool needs_next, T guess) {
  request.rank[c] = rank;
  request.needs_next[c] = needs_next;
  Bracket<T>& b = request.bracket[c];
  b = {just_below(summary.least[c]), summary.greatest[c], 0, summary.count[c]};
  request.guess[c] = guess >= summary.least[c] && guess < summary.greatest[c] ? guess : summary.least[c];
}
template <class T>
void ask_nothing(RankRequest<T>& request, int c) {
  request.rank[c] = -1;
  request.needs_next[c] = false;
  request.bracket[c] = {0, 0, 0, 0};
  request.guess[c] = 0;
}

template <class T>
constexpr T kNoValue = std::numeric_limits<T>::quiet_NaN();

/// Medians of a block; NaN for a column without values, or with one NaN unless these are skipped.
template <class T>
void block_medians(const SelectLoops<T>& loops, const T* block, Index n, bool skip_nan, T* medians) {
  ColumnSummary<T> summary;
  RankRequest<T> request;
  RankAnswer<T> answer;
  loops.summarize(block, n, summary);
  for (int c = 0; c < kColumns<T>; ++c) {
    const Index m = summary.count[c];
    if (m == 0 || (!skip_nan && m < n))
      ask_nothing(request, c);
    else
      ask(request, c, summary, (m - 1) / 2, m % 2 == 0, summary.mean[c]);
  }
  loops.find_ranks(block, n, request, answer);
  for (int c = 0; c < kColumns<T>; ++c) {
    if (request.rank[c] < 0)
      medians[c] = kNoValue<T>;
    else
      medians[c] =
          request.needs_next[c] ? (answer.at(c, request.rank[c]) + answer.at(c, request.rank[c] + 1)) / 2 : answer.at(c, request.rank[c]);
  }
}

template <class T>
void block_percentiles(const SelectLoops<T>& loops, const T* block, Index n, double q, bool skip_nan, T* percentiles) {
  ColumnSummary<T> summary;
  RankRequest<T> request;
  RankAnswer<T> answer;
  double part[kColumns<T>] = {};
  const double quantile = q / 100;  // NumPy finds the place in float64, and interpolates in T
  loops.summarize(block, n, summary);
  for (int c = 0; c < kColumns<T>; ++c) {
    const Index m = summary.count[c];
    if (m == 0 || (!skip_nan && m < n)) {
      ask_nothing(request, c);
      continue;
    }
    const double place = static_cast<double>(m - 1) * quantile;
    const bool last = place >= static_cast<double>(m - 1);
    const Index rank = last ? m - 1 : static_cast<Index>(std::floor(place));
    part[c] = last ? 0 : place - std::floor(place);
    const T guess = summary.least[c] + (summary.greatest[c] - summary.least[c]) * static_cast<T>(quantile);
    ask(request, c, summary, rank, !last, guess);
  }
  loops.find_ranks(block, n, request, answer);
  for (int c = 0; c < kColumns<T>; ++c) {
    if (request.rank[c] < 0) {
      percentiles[c] = kNoValue<T>;
      continue;
    }
    const T lower = answer.at(c, request.rank[c]), upper = request.needs_next[c] ? answer.at(c, request.rank[c] + 1) : lower;
    const T apart = upper - lower;
    percentiles[c] = part[c] >= 0.5 ? upper - apart * static_cast<T>(1 - part[c]) : lower + apart * static_cast<T>(part[c]);
  }
}

/// Runs f(loops, block, n, results) on every block and writes one result a column.
template <class T, class F>
void one_result_each(const View& in, int axis, const View& out, Scratch& scratch, const Cancel& cancel, F&& f) {
  const Columns columns(in, axis);
  ensure(out.dtype == dtype_of<T>() && out.count() == columns.count(), "select: the output has another shape or dtype");
  const SelectLoops<T> loops = select_loops<T>();
  for_each_block<T>(
      columns, scratch, cancel,
      [&](T* block, Index first, Index some) {
        T results[kColumns<T>];
        f(loops, block, columns.length(), results);
        Index offsets[kColumns<T>];
        Columns::offsets_of(out.shape, out.strides, first, some, offsets);
        for (Index c = 0; c < some; ++c) std::memcpy(out.data + offsets[c], &results[c], sizeof(T));
      },
      [](const auto&, Index, Index) {});
}

DType result_dtype(DType in) { return in == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64; }

// ---- sigma clipping

/// The least T >= x, the greatest T <= x: comparing with them is comparing with x.
template <class T>
T round_up(double x) {
  const T y = static_cast<T>(x);
  return static_cast<double>(y) < x ? of_key<T>(key_of(y) + 1) : y;
}
template <class T>
T round_down(double x) {
  const T y = static_cast<T>(x);
  return static_cast<double>(y) > x ? just_below(y) : y;
}

constexpr double kEverything = std::numeric_limits<double>::infinity();

/// One column's way through the iterations. What is left of its values lies within [low, high]: ranks [below, below + count).
struct ClipState {
  double low = -kEverything, high = kEverything;
  double bound_low = 0, bound_high = 0;  // as computed last; in the end they judge every value
  double center = 0, deviation = 0;
  Index below = 0, count = 0;
  bool open = false;
};

template <class T>
class Clipper {
 public:
  Clipper(const ClipRule& rule, Index n) : rule_(rule), n_(n), loops_(select_loops<T>()) {}

  /// Clips a block in place; returns the survivors.
  Index clip(T* block) {
    loops_.drop_infinite(block, n_);
    loops_.summarize(block, n_, summary_);
    searched_ = false;
    int open = 0;
    for (int c = 0; c < kC; ++c) {
      ClipState& s = states_[c];
      s = {};
      s.count = summary_.count[c];
      s.open = s.count > 0;
      open += s.open;
      medians_[c] = static_cast<double>(summary_.mean[c]);
    }
    for (int iteration = 1; open > 0; ++iteration) {
      if (!rule_.center_mean || rule_.deviation_mad) find_medians(block);
      find_deviations(block);
      open = narrow(block, iteration == rule_.max_iterations);
    }
    T low[kC], high[kC];
    for (int c = 0; c < kC; ++c) {
      const ClipState& s = states_[c];  // a bound that overflowed into NaN judges nothing, as there
      low[c] = round_up<T>(std::isnan(s.bound_low) ? -kEverything : s.bound_low);
      high[c] = round_down<T>(std::isnan(s.bound_high) ? kEverything : s.bound_high);
    }
    return loops_.keep_within(block, n_, low, high);
  }

 private:
  static constexpr int kC = kColumns<T>;

  /// Medians of what is left: order statistics of the whole column, for what is left is contiguous in rank. The first search finds their
  /// neighbours too, which are mostly all that later iterations need.
  void find_medians(const T* block) {
    bool known = true;
    for (int c = 0; c < kC; ++c) {
      const ClipState& s = states_[c];
      if (!s.open) continue;
      const Index rank = s.below + (s.count - 1) / 2;
      known = known && searched_ && answer_.knows(c, rank) && answer_.knows(c, rank + (s.count % 2 == 0));
    }
    if (!known) search(block);
    for (int c = 0; c < kC; ++c) {
      const ClipState& s = states_[c];
      if (!s.open) continue;
      const Index rank = s.below + (s.count - 1) / 2;
      medians_[c] = static_cast<double>(answer_.at(c, rank));
      if (s.count % 2 == 0) medians_[c] = 0.5 * (medians_[c] + static_cast<double>(answer_.at(c, rank + 1)));
    }
  }
  void search(const T* block) {
    RankRequest<T> request;
    for (int c = 0; c < kC; ++c) {
      const ClipState& s = states_[c];
      ask_nothing(request, c);
      if (!s.open) continue;
      ask(request, c, summary_, s.below + (s.count - 1) / 2, s.count % 2 == 0, static_cast<T>(medians_[c]));
      if (s.below > 0) request.bracket[c].low = just_below(round_up<T>(s.low)), request.bracket[c].count_low = s.below;
      if (s.below + s.count < summary_.count[c])
        request.bracket[c].high = round_down<T>(s.high), request.bracket[c].count_high = s.below + s.count;
    }
    loops_.find_ranks(block, n_, request, answer_);
    searched_ = true;
  }

  /// Sums about `center`, then the mean and the standard deviation from them. The median is never farther from the mean than one
  /// standard deviation, so sums about it lose nothing.
  void find_deviations(const T* block) {
    double low[kC], high[kC], center[kC], sum[kC], squares[kC];
    const bool about_mean = rule_.center_mean && !rule_.deviation_mad;
    for (int c = 0; c < kC; ++c) {
      low[c] = states_[c].low, high[c] = states_[c].high;
      center[c] = rule_.center_mean ? 0 : medians_[c];
    }
    loops_.deviations(block, n_, low, high, center, sum, squares);
    double mean[kC];
    for (int c = 0; c < kC; ++c) mean[c] = center[c] + sum[c] / static_cast<double>(std::max<Index>(1, states_[c].count));
    if (about_mean) {
      std::copy_n(mean, kC, center);
      loops_.deviations(block, n_, low, high, center, sum, squares);
    }
    for (int c = 0; c < kC; ++c) {
      ClipState& s = states_[c];
      if (!s.open) continue;
      const double m = static_cast<double>(s.count);
      s.center = rule_.center_mean ? mean[c] : medians_[c];
      s.deviation = rule_.deviation_mad ? median_deviation(block + c, s) : std::sqrt(std::max(0.0, (squares[c] - sum[c] * sum[c] / m) / m));
    }
  }

  /// mad_std of what is left of one column.
  double median_deviation(const T* column, const ClipState& s) {
    apart_.clear();
    const double median = medians_[static_cast<std::size_t>(&s - states_)];
    for (Index i = 0; i < n_; ++i) {
      const double x = static_cast<double>(column[i * kC]);
      if (x >= s.low && x <= s.high) apart_.push_back(std::fabs(x - median));
    }
    const auto middle = apart_.begin() + static_cast<std::ptrdiff_t>(apart_.size() / 2);
    std::nth_element(apart_.begin(), middle, apart_.end());
    const double upper = *middle;
    if (apart_.size() % 2 == 1) return upper * kMadToSigma;
    return 0.5 * (upper + *std::max_element(apart_.begin(), middle)) * kMadToSigma;
  }

  /// Drops what lies outside of the new bounds; returns how many columns go on.
  int narrow(const T* block, bool last) {
    T low[kC], high[kC];
    for (int c = 0; c < kC; ++c) {
      ClipState& s = states_[c];
      low[c] = high[c] = 0;
      if (!s.open) continue;
      s.bound_low = s.center - rule_.low * s.deviation;
      s.bound_high = s.center + rule_.high * s.deviation;
      low[c] = round_up<T>(std::max(s.low, s.bound_low));
      high[c] = round_down<T>(std::min(s.high, s.bound_high));
    }
    if (last) return 0;
    Index below[kC], upto[kC];
    loops_.count_outside(block, n_, low, high, below, upto);
    int open = 0;
    for (int c = 0; c < kC; ++c) {
      ClipState& s = states_[c];
      if (!s.open) continue;
      const Index left = upto[c] - below[c];
      s.open = left != s.count && left > 0;
      s.low = std::max(s.low, s.bound_low);
      s.high = std::min(s.high, s.bound_high);
      s.below = below[c];
      s.count = left;
      open += s.open;
    }
    return open;
  }

  ClipRule rule_;
  Index n_;
  SelectLoops<T> loops_;
  ColumnSummary<T> summary_;
  ClipState states_[kC];
  double medians_[kC];
  RankAnswer<T> answer_;
  bool searched_ = false;
  std::vector<double> apart_;
};

}  // namespace

Index select_scratch_bytes(const Shape& in, int axis, DType) {
  const Index n = in[axis];
  return Scratch::rounded(blocks_together(n) * n * kRowBytes);
}

void median_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel) {
  with_float_type(result_dtype(in.dtype), [&](auto tag) {
    using T = typename decltype(tag)::type;
    one_result_each<T>(in, axis, out, scratch, cancel, [&](const SelectLoops<T>& loops, const T* block, Index n, T* results) {
      block_medians(loops, block, n, skip_nan, results);
    });
  });
}

void percentile_along(const View& in, int axis, double q, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel) {
  if (!(q >= 0 && q <= 100)) fail(ErrorKind::kUser, "percentile: q is {}; it lies between 0 and 100.", q);
  with_float_type(result_dtype(in.dtype), [&](auto tag) {
    using T = typename decltype(tag)::type;
    one_result_each<T>(in, axis, out, scratch, cancel, [&](const SelectLoops<T>& loops, const T* block, Index n, T* results) {
      block_percentiles(loops, block, n, q, skip_nan, results);
    });
  });
}

void mad_std_along(const View& in, int axis, const View& out, bool skip_nan, Scratch& scratch, const Cancel& cancel) {
  with_float_type(result_dtype(in.dtype), [&](auto tag) {
    using T = typename decltype(tag)::type;
    one_result_each<T>(in, axis, out, scratch, cancel, [&](const SelectLoops<T>& loops, T* block, Index n, T* results) {
      block_medians(loops, block, n, skip_nan, results);
      loops.absolute_deviations(block, n, results);
      block_medians(loops, block, n, skip_nan, results);
      for (int c = 0; c < kColumns<T>; ++c) results[c] *= static_cast<T>(kMadToSigma);
    });
  });
}

Index sigma_clip_along(const View& in, int axis, const ClipRule& rule, const View& out, Scratch& scratch, const Cancel& cancel) {
  ensure(out.shape == in.shape && out.dtype == result_dtype(in.dtype), "sigma_clip: the output has another shape or dtype");
  if (rule.max_iterations == 0 || rule.max_iterations < -1)
    fail(ErrorKind::kUser, "sigma_clip: {} iterations; at least one, or -1 for until nothing drops.", rule.max_iterations);
  Index survivors = 0;
  with_float_type(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Columns columns(in, axis), results(out, axis);
    Clipper<T> clipper(rule, columns.length());
    for_each_block<T>(
        columns, scratch, cancel, [&](T* block, Index, Index) { survivors += clipper.clip(block); },
        [&](const Strip<T>& strip, Index first, Index some) {
          Index offsets[kStripBytes / sizeof(T)];
          results.offsets(first, some, offsets);
          write_strip(strip, offsets, some, results);
        });
  });
  return survivors;
}

}  // namespace freestone::kernels
