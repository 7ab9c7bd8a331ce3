#include "freestone/kernels/group.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "freestone/kernels/columns.h"
#include "freestone/kernels/fold_rules.h"

namespace freestone::kernels {
namespace {

constexpr Index kGatheredBytes = Index{1} << 18;  // rows of a group brought together: they stay in the second cache
constexpr Index kMostColumns = 256;

/// The first or last valid element. Words: its bits, and whether there is one.
class PickFold final : public FoldKernel {
 public:
  PickFold(FoldRequest request, bool last) : request_(std::move(request)), last_(last) {}
  int words() const override { return 2; }
  std::vector<DType> outputs() const override { return {request_.dtype}; }
  void init(Word* state, Index n) const override { std::fill_n(state, 2 * n, Word{.u = 0}); }
  void merge(Word* into, const Word* from, Index n) const override {
    for (Index i = 0; i < n; ++i)
      if (from[n + i].u != 0 && (last_ || into[n + i].u == 0)) into[i] = from[i], into[n + i] = from[n + i];
  }
  void finish(const Word* state, Index n, std::span<std::byte* const> out) const override {
    with_real_type(request_.dtype, [&]<class T>(TypeTag<T>) {
      for (Index i = 0; i < n; ++i) {
        T value{};
        if constexpr (std::is_floating_point_v<T>) value = std::numeric_limits<T>::quiet_NaN();
        if (state[n + i].u != 0) std::memcpy(&value, &state[i], sizeof value);
        std::memcpy(out[0] + i * static_cast<Index>(sizeof value), &value, sizeof value);
      }
    });
  }
  /// Rows (axis 0) of columns (axis 1, if there is one).
  void scan(const View& in, std::uint32_t, const LeafPosition&, Word* state, Index n) const override {
    with_real_type(request_.dtype, [&]<class T>(TypeTag<T>) {
      const Index columns = in.rank() > 1 ? in.shape[1] : 1, next = in.rank() > 1 ? in.strides[1] : 0;
      for (Index r = 0; r < in.shape[0]; ++r)
        for (Index j = 0; j < columns; ++j) {
          T value;
          std::memcpy(&value, in.data + r * in.strides[0] + j * next, sizeof value);
          if ((!last_ && state[n + j].u != 0) || (request_.skip_nan && value != value)) continue;
          std::memcpy(&state[j], &value, sizeof value);
          state[n + j].u = 1;
        }
    });
  }

 private:
  FoldRequest request_;
  bool last_;
};

std::unique_ptr<FoldKernel> make_kernel(const FoldRequest& request) {
  if (request.name != "first" && request.name != "last") return make_fold(request);
  if (is_complex(request.dtype))
    fail(ErrorKind::kUser, "{}: the array is {}; it folds real numbers.", request.name, name_of(request.dtype));
  return std::make_unique<PickFold>(request, request.name == "last");
}

/// Positions along the axis, those of a key together, in order.
struct Grouped {
  std::vector<Index> positions;
  struct Run {
    Index group, first, count;
  };
  std::vector<Run> runs;
};

Index key_at(const View& keys, Index i) {
  std::int64_t key;
  std::memcpy(&key, keys.data + i * keys.strides[0], sizeof key);
  return key;
}

Grouped group_positions(const View& keys, Index groups, Index start) {
  const Index n = keys.shape[0];
  Grouped out;
  out.positions.reserve(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const Index key = key_at(keys, i);
    if (key < -1 || key >= groups)
      fail(ErrorKind::kData, "group_reduce: the key at position {} is {}. Keys are 0 to {}, or -1 to leave out.", start + i, key,
           groups - 1);
    if (key >= 0) out.positions.push_back(i);
  }
  if (groups <= 4 * n) {
    std::vector<Index> place(static_cast<std::size_t>(groups) + 1);
    for (const Index i : out.positions) ++place[static_cast<std::size_t>(key_at(keys, i)) + 1];
    std::partial_sum(place.begin(), place.end(), place.begin());
    std::vector<Index> sorted(out.positions.size());
    for (const Index i : out.positions) sorted[static_cast<std::size_t>(place[static_cast<std::size_t>(key_at(keys, i))]++)] = i;
    out.positions = std::move(sorted);
  } else {
    std::stable_sort(out.positions.begin(), out.positions.end(), [&](Index a, Index b) { return key_at(keys, a) < key_at(keys, b); });
  }
  for (Index i = 0; i < static_cast<Index>(out.positions.size()); ++i) {
    const Index group = key_at(keys, out.positions[static_cast<std::size_t>(i)]);
    if (out.runs.empty() || out.runs.back().group != group) out.runs.push_back({group, i, 0});
    ++out.runs.back().count;
  }
  return out;
}

/// The step of positions that progress evenly, or 0.
Index even_step(std::span<const Index> positions) {
  if (positions.size() < 2) return 1;
  const Index step = positions[1] - positions[0];
  for (std::size_t i = 2; i < positions.size(); ++i)
    if (positions[i] - positions[i - 1] != step) return 0;
  return step;
}

template <std::size_t kBytes>
void gather_rows(const std::byte* from, Index column_stride, Index axis_stride, std::span<const Index> positions, Index columns,
                 std::byte* to) {
  for (Index c = 0; c < columns; ++c)
    for (std::size_t r = 0; r < positions.size(); ++r)
      std::memcpy(to + (static_cast<Index>(r) * columns + c) * static_cast<Index>(kBytes),
                  from + c * column_stride + positions[r] * axis_stride, kBytes);
}

void gather_rows(Index element_bytes, const std::byte* from, Index column_stride, Index axis_stride, std::span<const Index> positions,
                 Index columns, std::byte* to) {
  switch (element_bytes) {
    case 1: return gather_rows<1>(from, column_stride, axis_stride, positions, columns, to);
    case 2: return gather_rows<2>(from, column_stride, axis_stride, positions, columns, to);
    case 4: return gather_rows<4>(from, column_stride, axis_stride, positions, columns, to);
    default: return gather_rows<8>(from, column_stride, axis_stride, positions, columns, to);
  }
}

}  // namespace

GroupFold::GroupFold(FoldRequest request, Index groups)
    : request_(std::move(request)),
      groups_(groups),
      gives_positions_(request_.name == "argmin" || request_.name == "argmax"),
      kernel_(make_kernel(request_)) {
  if (kernel_->outputs().size() != 1 || request_.name == "power_sums")
    fail(ErrorKind::kUser, "group_reduce: '{}' gives several numbers; give a fold of one.", request_.name);
}

void GroupFold::init(Word* state, Index) const { std::fill_n(state, head_words(), Word{.u = 0}); }

template <class F>
void GroupFold::for_each_touched(const Word* state, F&& f) const {
  for (Index w = 1; w < head_words(); ++w)
    for (std::uint64_t bits = state[w].u; bits != 0; bits &= bits - 1) f((w - 1) * 64 + std::countr_zero(bits));
}

void GroupFold::scan(const View& in, int axis, Index start, const View& keys, Word* state, Index n) const {
  state[0].i = 1;
  for (int k = axis + 1; k < in.rank(); ++k) state[0].i *= in.shape[k];
  if (n == 0 || in.shape[axis] == 0) return;
  const Grouped grouped = group_positions(keys, groups_, start);
  const View* const views[] = {&in};
  const Columns<1> kept(views, axis);
  const Index element = size_of(in.dtype), axis_stride = in.strides[axis], all = kept.columns(), column_stride = kept.column_stride(0);
  std::vector<std::byte> gathered;
  for (const auto& run : grouped.runs) {
    state[1 + run.group / 64].u |= std::uint64_t{1} << (run.group % 64);
    Word* words = block(state, run.group, n);
    kernel_->init(words, n);
    const std::span positions(grouped.positions.data() + run.first, static_cast<std::size_t>(run.count));
    const Index step = even_step(positions);
    const bool in_place = step != 0 && (all == 1 || column_stride == element);
    const Index strip = in_place ? all : std::clamp<Index>(kGatheredBytes / (run.count * element), 1, kMostColumns);
    kept.for_each_outer([&](std::byte* const* data, Index output) {
      for (Index c = 0; c < all; c += strip) {
        const Index columns = std::min(strip, all - c);
        std::byte* from = data[0] + c * column_stride;
        View rows{nullptr, in.dtype, Shape{run.count, columns}, Dims{columns * element, element}};
        if (in_place) {
          rows.data = from + positions[0] * axis_stride;
          rows.strides[0] = step * axis_stride;
        } else {
          gathered.resize(static_cast<std::size_t>(rows.bytes()));
          gather_rows(element, from, column_stride, axis_stride, positions, columns, gathered.data());
          rows.data = gathered.data();
        }
        Word* at = words + output + c;
        if (in.rank() == 1) rows.shape.erase(1), rows.strides.erase(1);  // nothing is kept: lanes instead of columns
        kernel_->scan(rows, 1, {Dims(rows.rank()), rows.shape}, at, n);
        if (!gives_positions_) continue;
        for (Index i = 0; i < columns; ++i)
          if (Word& place = at[n + i]; place.f >= 0) place.f = static_cast<double>(start + positions[static_cast<std::size_t>(place.f)]);
      }
    });
  }
}

void GroupFold::merge(Word* into, const Word* from, Index n) const {
  if (from[0].i != 0) into[0] = from[0];
  for_each_touched(from, [&](Index group) {
    Word& touched = into[1 + group / 64];
    const std::uint64_t bit = std::uint64_t{1} << (group % 64);
    if (touched.u & bit) {
      kernel_->merge(block(into, group, n), block(from, group, n), n);
    } else {
      touched.u |= bit;
      std::copy_n(block(from, group, n), kernel_->words() * n, block(into, group, n));
    }
  });
}

void GroupFold::finish(const Word* state, Index n, std::byte* out) const {
  // The shape of what is kept is known from any leaf; without leaves all groups are alike.
  const Index inner = state[0].i == 0 ? n : state[0].i, element = size_of(output());
  std::vector<Word> empty(static_cast<std::size_t>(kernel_->words() * n));
  kernel_->init(empty.data(), n);
  std::vector<std::byte> values(static_cast<std::size_t>(n * element));
  std::byte* const place[] = {values.data()};
  for (Index group = 0; group < groups_; ++group) {
    const bool touched = state[1 + group / 64].u >> (group % 64) & 1;
    kernel_->finish(touched ? block(state, group, n) : empty.data(), n, place);
    for (Index o = 0; o < n / std::max<Index>(1, inner); ++o)
      std::memcpy(out + (o * groups_ + group) * inner * element, values.data() + o * inner * element,
                  static_cast<std::size_t>(inner * element));
  }
}

}  // namespace freestone::kernels
