#include "freestone/kernels/fold.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "freestone/kernels/fold_complex.h"
#include "freestone/kernels/fold_loops.h"
#include "freestone/kernels/fold_rules.h"

namespace freestone::kernels {
namespace {

constexpr Index kStripColumns = 1024;  // outputs worked on together: their state stays in the first caches
constexpr Index kGathered = 512;       // elements gathered at a time from strided or integer rows
constexpr Index kFewElements = 64;     // of an output: up to so many are folded beside those of other outputs
constexpr Index kFewOutputs = 16;      // too few to be folded beside each other

/// One leaf as blocks of rows: kept outer axes, reduced outer axes, the row axis (the last of the reduced ones), and the elements. Reduced
/// axes of one element are left out, unless another one took the place of the innermost, which has lanes; kept ones stay, as a tile may
/// have cut them. Where outputs have few elements each, the last kept axis lies across: its outputs are folded beside each other.
class Blocks {
 public:
  Blocks(const View& in, std::uint32_t reduced, const LeafPosition& at) : in_(in) {
    Dims steps(in.rank());
    Index step = 1, reduced_elements = 1;
    int first_reduced = -1;
    for (int k = in.rank() - 1; k >= 0; --k) {
      if (!(reduced >> k & 1)) continue;
      steps[k] = step;
      first_index_ += at.start[k] * step;
      step *= at.extent[k];
      reduced_elements *= in.shape[k];
      first_reduced = k;
      first_start_ = at.start[k];
      first_reduced_end_ = at.start[k] + in.shape[k];
    }
    in_.shape = in_.strides = Dims();
    std::uint32_t left_reduced = 0;
    int before_last = in.rank() - 2;
    while (before_last >= 0 && in.shape[before_last] == 1 && (reduced >> before_last & 1)) --before_last;
    const bool last_may_go = before_last >= 0 && !(reduced >> before_last & 1);
    for (int k = 0; k < in.rank(); ++k) {
      if (in.shape[k] == 1 && (reduced >> k & 1) && (k < in.rank() - 1 || last_may_go)) continue;
      if (k == first_reduced) first_reduced_ = in_.rank();
      if (reduced >> k & 1) left_reduced |= 1u << in_.rank();
      index_step_.push_back(steps[k]);
      in_.shape.push_back(in.shape[k]);
      in_.strides.push_back(in.strides[k]);
    }
    reduced = left_reduced;
    if (in_.rank() == 0) {
      in_.shape = Shape{1};
      in_.strides = Dims{size_of(in_.dtype)};
      index_step_ = Dims{1};
      reduced = 1;
    }
    const int last = in_.rank() - 1;
    element_axis_ = last;
    elements_reduced_ = reduced >> last & 1;
    elements_ = in_.shape[last];
    element_stride_ = in_.strides[last];
    int outer = last;
    if (!elements_reduced_)
      while (outer > 0 && !(reduced >> (outer - 1) & 1) && in_.strides[outer - 1] == element_stride_ * elements_) elements_ *= in_.shape[--outer];
    for (int k = 0; k < outer; ++k) (reduced >> k & 1 ? reduced_axes_ : kept_axes_).push_back(k);
    if (!reduced_axes_.empty()) {
      row_axis_ = static_cast<int>(reduced_axes_.back());
      reduced_axes_.resize(reduced_axes_.rank() - 1);
    }
    if (elements_reduced_ && reduced_elements <= kFewElements) lay_last_kept_across();
  }

  bool elements_reduced() const { return elements_reduced_; }
  Index elements() const { return elements_; }
  Index element_stride() const { return element_stride_; }
  Index rows() const { return row_axis_ < 0 ? 1 : in_.shape[row_axis_]; }
  Index row_stride() const { return row_axis_ < 0 ? 0 : in_.strides[row_axis_]; }
  /// Outputs that lie across the rows; 1: rows are folded one after the other.
  Index across() const { return across_; }
  Index across_stride() const { return across_stride_; }
  /// Where the leaf ends on the first reduced axis of the whole array.
  Index first_reduced_end() const { return first_reduced_end_; }
  bool empty() const { return element_count(in_.shape) == 0; }

  /// What FoldIndex says of a block: flat positions over the reduced axes, or the place along the first of them.
  FoldIndex index(const double* weights) const {
    FoldIndex index;
    index.weights = weights;
    if (weights) {
      index.row_step = row_axis_ == first_reduced_;
      index.element_step = element_axis_ == first_reduced_ && elements_reduced_;
    } else {
      index.row_step = row_axis_ < 0 ? 0 : index_step_[row_axis_];
      index.element_step = elements_reduced_ ? index_step_[element_axis_] : 0;
    }
    return index;
  }

  /// Calls f(data, output) for every place on the kept outer axes, without the one across, in C order.
  template <class F>
  void for_each_kept(F&& f) const {
    Index output = 0;
    const Index step = elements_reduced_ ? across_ : elements_;
    walk(kept_axes_, [&](Index offset, const Dims&) {
      f(in_.data + offset, output);
      output += step;
    });
  }
  /// Calls f(offset, base): every block of one kept place in C order, and its FoldIndex::base.
  template <class F>
  void for_each_block(bool weighted, F&& f) const {
    walk(reduced_axes_, [&](Index offset, const Dims& at) {
      Index base = weighted ? first_start_ : first_index_;
      for (int i = 0; i < reduced_axes_.rank(); ++i) {
        const int axis = static_cast<int>(reduced_axes_[i]);
        if (!weighted)
          base += at[i] * index_step_[axis];
        else if (axis == first_reduced_)
          base += at[i];
      }
      f(offset, base);
    });
  }

 private:
  void lay_last_kept_across() {
    int kept = kept_axes_.rank() - 1;
    if (kept < 0) return;
    Index outputs = in_.shape[static_cast<int>(kept_axes_[kept])];
    const Index stride = in_.strides[static_cast<int>(kept_axes_[kept])];
    while (kept > 0 && in_.strides[static_cast<int>(kept_axes_[kept - 1])] == stride * outputs) outputs *= in_.shape[static_cast<int>(kept_axes_[--kept])];
    if (outputs < kFewOutputs) return;
    across_ = outputs;
    across_stride_ = stride;
    kept_axes_.resize(kept);
  }

  template <class F>
  void walk(const Dims& axes, F&& f) const {
    Dims at(axes.rank());
    Index offset = 0;
    while (true) {
      f(offset, at);
      int i = axes.rank() - 1;
      for (; i >= 0; --i) {
        const int axis = static_cast<int>(axes[i]);
        offset += in_.strides[axis];
        if (++at[i] < in_.shape[axis]) break;
        offset -= in_.strides[axis] * in_.shape[axis];
        at[i] = 0;
      }
      if (i < 0) return;
    }
  }

  View in_;
  Dims index_step_, kept_axes_, reduced_axes_;
  Index first_index_ = 0, first_start_ = 0, first_reduced_end_ = 0, elements_ = 0, element_stride_ = 0, across_ = 1, across_stride_ = 0;
  int first_reduced_ = -1, element_axis_ = 0, row_axis_ = -1;
  bool elements_reduced_ = false;
};

/// Reads n elements of any real dtype, `stride` bytes apart, as float, double, int64 or uint64.
template <class To>
void gather(const std::byte* from, DType dtype, Index stride, Index n, To* to) {
  with_real_type(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (Index i = 0; i < n; ++i) {
      T x;
      std::memcpy(&x, from + i * stride, sizeof x);
      to[i] = static_cast<To>(x);
    }
  });
}
void gather(const std::byte* from, DType dtype, Index stride, Index n, LaneType type, std::byte* to) {
  switch (type) {
    case LaneType::kFloat32: return gather(from, dtype, stride, n, reinterpret_cast<float*>(to));
    case LaneType::kFloat64: return gather(from, dtype, stride, n, reinterpret_cast<double*>(to));
    case LaneType::kInt64: return gather(from, dtype, stride, n, reinterpret_cast<std::int64_t*>(to));
    case LaneType::kUint64: return gather(from, dtype, stride, n, reinterpret_cast<std::uint64_t*>(to));
  }
}
constexpr Index lane_bytes(LaneType type) { return type == LaneType::kFloat32 ? 4 : 8; }
constexpr bool reads_directly(LaneType type, DType dtype) {
  return type == LaneType::kFloat32   ? dtype == DType::kFloat32
         : type == LaneType::kFloat64 ? dtype == DType::kFloat64
         : type == LaneType::kInt64   ? dtype == DType::kInt64
                                      : dtype == DType::kUint64;
}

/// Runs loops over the blocks of one kept place; rows that the loops cannot read in place are gathered first.
struct BlockRunner {
  const Blocks& blocks;
  DType dtype;
  LaneType type;
  FoldIndex index;

  bool in_place() const { return reads_directly(type, dtype) && blocks.element_stride() == lane_bytes(type); }

  void rows(const FoldLoops& loops, const std::byte* data, double* lanes) const {
    alignas(64) std::byte gathered[kGathered * 8];
    blocks.for_each_block(index.weights != nullptr, [&](Index offset, Index base) {
      FoldIndex at = index;
      at.base = base;
      const std::byte* block = data + offset;
      if (in_place()) return loops.rows(block, blocks.rows(), blocks.row_stride(), blocks.elements(), at, lanes);
      for (Index r = 0; r < blocks.rows(); ++r)
        for (Index j = 0; j < blocks.elements(); j += kGathered) {
          const Index n = std::min(kGathered, blocks.elements() - j);
          gather(block + r * blocks.row_stride() + j * blocks.element_stride(), dtype, blocks.element_stride(), n, type, gathered);
          at.base = base + r * index.row_step + j * index.element_step;
          loops.rows(gathered, 1, 0, n, at, lanes);
        }
    });
  }

  /// Element j of the rows of n outputs that lie across, to lane j % 8 of each: lane l's planes are `plane_stride` long and begin at lanes + l * lane_stride.
  void rows_across(const FoldLoops& loops, const std::byte* data, Index n, Word* lanes, Index lane_stride, Index plane_stride) const {
    alignas(64) std::byte gathered[kGathered * 8];
    const bool lie_together = reads_directly(type, dtype) && blocks.across_stride() == lane_bytes(type);
    blocks.for_each_block(index.weights != nullptr, [&](Index offset, Index base) {
      FoldIndex at = index;
      for (Index r = 0; r < blocks.rows(); ++r)
        for (Index j = 0; j < blocks.elements(); ++j) {
          const std::byte* from = data + offset + r * blocks.row_stride() + j * blocks.element_stride();
          if (!lie_together) gather(from, dtype, blocks.across_stride(), n, type, gathered);
          at.base = base + r * index.row_step + j * index.element_step;
          loops.columns(lie_together ? from : gathered, 1, 0, n, at, &(lanes + j % kLanes * lane_stride)->f, plane_stride);
        }
    });
  }

  /// Elements [first, first + n) of the rows, to `state`.
  void columns(const FoldLoops& loops, const std::byte* data, Index first, Index n, Word* state, Index plane_stride) const {
    alignas(64) std::byte gathered[kGathered * 8];
    double* planes = reinterpret_cast<double*>(state);
    blocks.for_each_block(index.weights != nullptr, [&](Index offset, Index base) {
      FoldIndex at = index;
      at.base = base;
      const std::byte* block = data + offset + first * blocks.element_stride();
      if (in_place()) return loops.columns(block, blocks.rows(), blocks.row_stride(), n, at, planes, plane_stride);
      for (Index r = 0; r < blocks.rows(); ++r)
        for (Index j = 0; j < n; j += kGathered) {
          const Index some = std::min(kGathered, n - j);
          gather(block + r * blocks.row_stride() + j * blocks.element_stride(), dtype, blocks.element_stride(), some, type, gathered);
          at.base = base + r * index.row_step;
          loops.columns(gathered, 1, 0, some, at, planes + j, plane_stride);
        }
    });
  }
};

/// Several outputs' state while their rows are folded beside each other: `words` planes of kOutputs for each lane that a row reaches.
template <int kWords>
struct LanesOfOutputs {
  static constexpr Index kOutputs = kWords <= 8 ? 128 : 32;
  Word* lane(Index l) { return words.data() + l * kWords * kOutputs; }
  std::array<Word, static_cast<std::size_t>(kLanes * kWords * kOutputs)> words;
};

using Finish = void (*)(const FoldRequest&, ConstWords, Index n, std::span<std::byte* const> out);

struct Recipe {
  FoldRule loops;
  LaneType type;
  std::vector<DType> outputs;
  Finish finish = nullptr;
};

/// A fold of one rule. The scan is the same for all: lanes for rows, strips of outputs for columns, joined by the rule.
template <class Rule>
class Fold final : public FoldKernel {
 public:
  Fold(FoldRequest request, Recipe recipe) : request_(std::move(request)), recipe_(std::move(recipe)) {}

  int words() const override { return Rule::kWords; }
  std::vector<DType> outputs() const override { return recipe_.outputs; }
  void init(Word* state, Index n) const override {
    for (Index i = 0; i < n; ++i) Rule::init({state + i, n});
  }
  void merge(Word* into, const Word* from, Index n) const override {
    if (n > 0) merge_planes(into, n, from, n, n);  // otherwise there may be no words to point at
  }
  void finish(const Word* state, Index n, std::span<std::byte* const> out) const override { recipe_.finish(request_, {state, n}, n, out); }

  void scan(const View& in, std::uint32_t reduced, const LeafPosition& at, Word* state, Index n) const override {
    ensure(in.dtype == request_.dtype, "fold: a leaf of another dtype");
    const Blocks blocks(in, reduced, at);
    if (blocks.empty()) return;
    const bool weighted = request_.name == "power_sums";
    if (weighted)
      ensure(blocks.first_reduced_end() < static_cast<Index>(request_.parameters.size()),
             "power_sums: fewer weights than the first reduced axis is long");
    const BlockRunner run{blocks, in.dtype, recipe_.type, blocks.index(weighted ? request_.parameters.data() + 1 : nullptr)};
    const FoldLoops first = fold_loops(recipe_.loops, request_.skip_nan, recipe_.type);
    FoldLoops second;
    if (kTwoPasses) second = fold_loops(FoldRule::kDeviations, request_.skip_nan, recipe_.type);
    blocks.for_each_kept([&](const std::byte* data, Index output) {
      if (blocks.across() > 1) {
        constexpr Index kOutputs = LanesOfOutputs<Rule::kWords>::kOutputs;
        for (Index j = 0; j < blocks.across(); j += kOutputs)
          fold_across(run, first, second, data + j * blocks.across_stride(), std::min(kOutputs, blocks.across() - j), state + output + j, n);
        return;
      }
      if (blocks.elements_reduced()) {
        fold_lanes(run, first, data, {state + output, n});
        if constexpr (kTwoPasses) fold_deviation_lanes(run, second, data, {state + output, n});
        return;
      }
      for (Index j = 0; j < blocks.elements(); j += kStripColumns) {
        const Index some = std::min(kStripColumns, blocks.elements() - j);
        Word* strip = state + output + j;
        run.columns(first, data, j, some, strip, n);
        if constexpr (kTwoPasses) {
          for (Index i = 0; i < some; ++i) sum_to_mean({strip + i, n});
          run.columns(second, data, j, some, strip, n);
        }
      }
    });
  }

 private:
  static constexpr bool kTwoPasses = std::is_same_v<Rule, VarianceRule>;
  using Lanes = std::array<Word, static_cast<std::size_t>(Rule::kWords* kLanes)>;

  static Lanes fresh_lanes() {
    Lanes lanes;
    for (int l = 0; l < kLanes; ++l) Rule::init({lanes.data() + l, kLanes});
    return lanes;
  }
  static void fold_lanes(const BlockRunner& run, const FoldLoops& loops, const std::byte* data, Words into) {
    alignas(64) Lanes lanes = fresh_lanes();
    run.rows(loops, data, reinterpret_cast<double*>(lanes.data()));
    if constexpr (kTwoPasses) {  // lanes hold sums, not means: they join as sums do
      double sum = 0, lost = 0;
      for (int l = 0; l < kLanes; ++l) {
        into[0].i += lanes[l].i;
        add_compensated(sum, lost, lanes[kLanes + l].f);
      }
      into[1].f = compensated(sum, lost);
      sum_to_mean(into);
    } else {
      for (int l = 0; l < kLanes; ++l) Rule::merge(into, {lanes.data() + l, kLanes});
    }
  }
  static void fold_deviation_lanes(const BlockRunner& run, const FoldLoops& loops, const std::byte* data, Words into) {
    alignas(64) Lanes lanes = fresh_lanes();
    for (int l = 0; l < kLanes; ++l) lanes[kLanes + l] = into[1];
    run.rows(loops, data, reinterpret_cast<double*>(lanes.data()));
    for (int l = 0; l < kLanes; ++l) into[2].f += lanes[2 * kLanes + l].f;
  }
  /// The same as one output's rows after the other. Lanes that no element reaches are left out: to merge them changes no result.
  static void fold_across(const BlockRunner& run, const FoldLoops& first, const FoldLoops& second, const std::byte* data, Index some, Word* state, Index n) {
    using Own = LanesOfOutputs<Rule::kWords>;
    alignas(64) Own own;
    constexpr Index kOutputs = Own::kOutputs, kLaneWords = Rule::kWords * kOutputs;
    const Index lanes = std::min<Index>(kLanes, run.blocks.elements());
    for (Index l = 0; l < lanes; ++l)
      for (Index i = 0; i < some; ++i) Rule::init({own.lane(l) + i, kOutputs});
    run.rows_across(first, data, some, own.lane(0), kLaneWords, kOutputs);
    if constexpr (kTwoPasses) {
      for (Index i = 0; i < some; ++i) {
        const Words into{state + i, n};
        double sum = 0, lost = 0;
        for (Index l = 0; l < lanes; ++l) {
          into[0].i += own.lane(l)[i].i;
          add_compensated(sum, lost, own.lane(l)[kOutputs + i].f);
        }
        into[1].f = compensated(sum, lost);
        sum_to_mean(into);
        for (Index l = 0; l < lanes; ++l) own.lane(l)[kOutputs + i] = into[1];
      }
      run.rows_across(second, data, some, own.lane(0), kLaneWords, kOutputs);
      for (Index l = 0; l < lanes; ++l)
        for (Index i = 0; i < some; ++i) state[2 * n + i].f += own.lane(l)[2 * kOutputs + i].f;
    } else {
      for (Index l = 0; l < lanes; ++l) merge_planes(state, n, own.lane(l), kOutputs, some);
    }
  }
  static void merge_planes(Word* into, Index into_stride, const Word* from, Index from_stride, Index n) {
    if constexpr (std::is_same_v<Rule, SumRule>)
      merge_sums()(&into->f, into_stride, &from->f, from_stride, n);
    else
      for (Index i = 0; i < n; ++i) Rule::merge({into + i, into_stride}, {from + i, from_stride});
  }
  static void sum_to_mean(Words w) { w[1].f = w[0].i == 0 ? 0 : w[1].f / static_cast<double>(w[0].i); }

  FoldRequest request_;
  Recipe recipe_;
};

/// Writes `value(i)` for n outputs as `dtype`.
template <class F>
void write_real(DType dtype, Index n, std::byte* out, F&& value) {
  with_float_type(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (Index i = 0; i < n; ++i) reinterpret_cast<T*>(out)[i] = static_cast<T>(value(i));
  });
}
DType real_result(DType in) { return is_floating(in) ? in : DType::kFloat64; }
bool nan_when_nothing(const FoldRequest& request) { return !request.parameters.empty() && request.parameters[0] == 1; }

void finish_sum(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  const bool empty_is_nan = nan_when_nothing(request);
  write_real(request.dtype, n, out[0], [&](Index i) {
    const ConstWords at{w.first + i, n};
    return empty_is_nan && at[1].i == 0 ? kNaN : SumRule::sum(at);
  });
}
void finish_product(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  const bool empty_is_nan = nan_when_nothing(request);
  write_real(request.dtype, n, out[0], [&](Index i) {
    const ConstWords at{w.first + i, n};
    return empty_is_nan && at[1].i == 0 && request.skip_nan ? kNaN : at[0].f;
  });
}
void finish_word(const FoldRequest&, ConstWords w, Index n, std::span<std::byte* const> out) {
  if (n > 0) std::memcpy(out[0], w.first, static_cast<std::size_t>(n) * sizeof(Word));
}
/// Count of what a mean is over: without skipping, a NaN has made the sum NaN already.
void finish_mean(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  write_real(real_result(request.dtype), n, out[0], [&](Index i) {
    const ConstWords at{w.first + i, n};
    return at[1].i == 0 ? kNaN : SumRule::sum(at) / static_cast<double>(at[1].i);
  });
}
void finish_rms(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  write_real(real_result(request.dtype), n, out[0], [&](Index i) {
    const ConstWords at{w.first + i, n};
    return at[1].i == 0 ? kNaN : std::sqrt(SumRule::sum(at) / static_cast<double>(at[1].i));
  });
}
double variance(const FoldRequest& request, ConstWords at) {
  const double left = static_cast<double>(at[0].i) - (request.parameters.empty() ? 0 : request.parameters[0]);
  if (at[0].i == 0 || (left <= 0 && request.skip_nan && is_floating(request.dtype))) return kNaN;
  return at[2].f / std::max(left, 0.0);
}
void finish_variance(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  write_real(real_result(request.dtype), n, out[0], [&](Index i) { return variance(request, {w.first + i, n}); });
}
void finish_std(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  write_real(real_result(request.dtype), n, out[0], [&](Index i) { return std::sqrt(variance(request, {w.first + i, n})); });
}
void finish_extreme(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  with_real_type(request.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (Index i = 0; i < n; ++i) {
      const ConstWords at{w.first + i, n};
      T value;
      if constexpr (std::is_floating_point_v<T>)
        value = at[1].i == 0 && !std::isnan(at[0].f) ? static_cast<T>(kNaN) : static_cast<T>(at[0].f);
      else
        value = at[1].i == 0 ? T{} : static_cast<T>(at[0].i);
      std::memcpy(out[0] + i * static_cast<Index>(sizeof(T)), &value, sizeof value);
    }
  });
}
void finish_position(const FoldRequest&, ConstWords w, Index n, std::span<std::byte* const> out) {
  for (Index i = 0; i < n; ++i) reinterpret_cast<std::int64_t*>(out[0])[i] = static_cast<std::int64_t>(w.first[n + i].f);
}
void finish_truth(const FoldRequest&, ConstWords w, Index n, std::span<std::byte* const> out) {
  for (Index i = 0; i < n; ++i) out[0][i] = std::byte{w.first[i].i != 0};
}
void finish_statistics(const FoldRequest&, ConstWords w, Index n, std::span<std::byte* const> out) {
  for (Index i = 0; i < n; ++i) {
    const ConstWords at{w.first + i, n};
    const bool nothing = at[0].i == 0 && !std::isnan(at[3].f);
    const double values[] = {static_cast<double>(at[0].i), nothing ? kNaN : at[1].f, nothing ? kNaN : at[2].f,
                             nothing ? kNaN : compensated(at[3].f, at[5].f), nothing ? kNaN : compensated(at[4].f, at[6].f)};
    for (std::size_t k = 0; k < std::size(values); ++k) reinterpret_cast<double*>(out[k])[i] = values[k];
  }
}
template <int kOrder>
void finish_powers(const FoldRequest& request, ConstWords w, Index n, std::span<std::byte* const> out) {
  const int order = static_cast<int>(request.parameters[0]);
  for (Index i = 0; i < n; ++i) {
    const ConstWords at{w.first + i, n};
    for (int k = 0; k <= order; ++k) reinterpret_cast<double*>(out[k])[i] = compensated(at[k + 1].f, at[k + 2 + kOrder].f);
    reinterpret_cast<double*>(out[order + 1])[i] = static_cast<double>(at[0].i);
  }
}

/// Elements as numbers: float32 stays, everything else is read as float64.
LaneType real_lanes(DType t) { return t == DType::kFloat32 ? LaneType::kFloat32 : LaneType::kFloat64; }
/// Elements exactly: integers as 64 bits.
LaneType exact_lanes(DType t) {
  if (is_floating(t)) return real_lanes(t);
  return is_unsigned_integer(t) ? LaneType::kUint64 : LaneType::kInt64;
}
DType sum_result(DType t) {
  if (is_floating(t)) return t;
  return is_unsigned_integer(t) ? DType::kUint64 : DType::kInt64;
}

template <template <class, bool> class Rule, bool kLess>
std::unique_ptr<FoldKernel> exact_fold(const FoldRequest& request, FoldRule loops, DType output, Finish finish) {
  const Recipe recipe{loops, exact_lanes(request.dtype), {output}, finish};
  if (is_floating(request.dtype)) return std::make_unique<Fold<Rule<double, kLess>>>(request, recipe);
  if (is_unsigned_integer(request.dtype)) return std::make_unique<Fold<Rule<std::uint64_t, kLess>>>(request, recipe);
  return std::make_unique<Fold<Rule<std::int64_t, kLess>>>(request, recipe);
}

template <class Rule>
std::unique_ptr<FoldKernel> real_fold(const FoldRequest& request, FoldRule loops, std::vector<DType> outputs, Finish finish) {
  return std::make_unique<Fold<Rule>>(request, Recipe{loops, real_lanes(request.dtype), std::move(outputs), finish});
}

template <int kOrder>
std::unique_ptr<FoldKernel> powers_fold(const FoldRequest& request, FoldRule loops) {
  const auto outputs = std::vector<DType>(static_cast<std::size_t>(request.parameters[0]) + 2, DType::kFloat64);
  return real_fold<PowersRule<kOrder>>(request, loops, outputs, finish_powers<kOrder>);
}

using Maker = std::unique_ptr<FoldKernel> (*)(const FoldRequest&);

std::unique_ptr<FoldKernel> make_sum(const FoldRequest& r) {
  if (is_floating(r.dtype)) return real_fold<SumRule>(r, FoldRule::kSum, {r.dtype}, finish_sum);
  return std::make_unique<Fold<IntegerSumRule>>(r, Recipe{FoldRule::kSum, exact_lanes(r.dtype), {sum_result(r.dtype)}, finish_word});
}
std::unique_ptr<FoldKernel> make_product(const FoldRequest& r) {
  if (is_floating(r.dtype)) return real_fold<ProductRule>(r, FoldRule::kProduct, {r.dtype}, finish_product);
  return std::make_unique<Fold<IntegerProductRule>>(r,
                                                    Recipe{FoldRule::kProduct, exact_lanes(r.dtype), {sum_result(r.dtype)}, finish_word});
}
std::unique_ptr<FoldKernel> make_mean(const FoldRequest& r) {
  return real_fold<SumRule>(r, FoldRule::kSum, {real_result(r.dtype)}, finish_mean);
}
std::unique_ptr<FoldKernel> make_rms(const FoldRequest& r) {
  return real_fold<SumRule>(r, FoldRule::kSquares, {real_result(r.dtype)}, finish_rms);
}
std::unique_ptr<FoldKernel> make_min(const FoldRequest& r) {
  return exact_fold<ExtremeRule, true>(r, FoldRule::kMin, r.dtype, finish_extreme);
}
std::unique_ptr<FoldKernel> make_max(const FoldRequest& r) {
  return exact_fold<ExtremeRule, false>(r, FoldRule::kMax, r.dtype, finish_extreme);
}
std::unique_ptr<FoldKernel> make_argmin(const FoldRequest& r) {
  return exact_fold<ArgRule, true>(r, FoldRule::kArgMin, DType::kInt64, finish_position);
}
std::unique_ptr<FoldKernel> make_argmax(const FoldRequest& r) {
  return exact_fold<ArgRule, false>(r, FoldRule::kArgMax, DType::kInt64, finish_position);
}
std::unique_ptr<FoldKernel> make_count(const FoldRequest& r) {
  return real_fold<CountRule>(r, FoldRule::kCount, {DType::kInt64}, finish_word);
}
std::unique_ptr<FoldKernel> make_any(const FoldRequest& r) {
  return real_fold<TruthRule<true>>(r, FoldRule::kAny, {DType::kBool}, finish_truth);
}
std::unique_ptr<FoldKernel> make_all(const FoldRequest& r) {
  return real_fold<TruthRule<false>>(r, FoldRule::kAll, {DType::kBool}, finish_truth);
}
std::unique_ptr<FoldKernel> make_variance(const FoldRequest& r) {
  return real_fold<VarianceRule>(r, FoldRule::kCountSum, {real_result(r.dtype)}, finish_variance);
}
std::unique_ptr<FoldKernel> make_std(const FoldRequest& r) {
  return real_fold<VarianceRule>(r, FoldRule::kCountSum, {real_result(r.dtype)}, finish_std);
}
std::unique_ptr<FoldKernel> make_statistics(const FoldRequest& r) {
  const std::vector<DType> outputs(5, DType::kFloat64);
  if (r.skip_nan) return real_fold<StatisticsRule<true>>(r, FoldRule::kStatistics, outputs, finish_statistics);
  return real_fold<StatisticsRule<false>>(r, FoldRule::kStatistics, outputs, finish_statistics);
}
std::unique_ptr<FoldKernel> make_power_sums(const FoldRequest& r) {
  const double order = r.parameters.empty() ? -1 : r.parameters[0];
  if (!(order >= 0 && order <= kMaxPowerOrder && order == std::floor(order)))
    fail(ErrorKind::kUser, "power_sums: the order is {}; it is a whole number from 0 to {}.", order, kMaxPowerOrder);
  if (order == 0) return powers_fold<0>(r, FoldRule::kPowers0);
  if (order == 1) return powers_fold<1>(r, FoldRule::kPowers1);
  if (order == 2) return powers_fold<2>(r, FoldRule::kPowers2);
  if (order <= 4) return powers_fold<4>(r, FoldRule::kPowers4);
  return powers_fold<8>(r, FoldRule::kPowers8);
}

constexpr std::string_view kNames[] = {"sum", "prod", "mean",     "min", "max", "argmin",     "argmax",    "count",
                                       "any", "all",  "variance", "std", "rms", "statistics", "power_sums"};
constexpr Maker kMakers[] = {make_sum, make_product, make_mean,     make_min, make_max, make_argmin,     make_argmax,    make_count,
                             make_any, make_all,     make_variance, make_std, make_rms, make_statistics, make_power_sums};

}  // namespace

std::span<const std::string_view> fold_names() { return kNames; }

std::unique_ptr<FoldKernel> make_fold(const FoldRequest& request) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == request.name) return is_complex(request.dtype) ? make_complex_fold(request) : kMakers[i](request);
  const std::vector<std::string> names(std::begin(kNames), std::end(kNames));
  fail(ErrorKind::kUser, "'{}' is not a fold.{}", request.name, suggestion(request.name, names));
}

}  // namespace freestone::kernels
