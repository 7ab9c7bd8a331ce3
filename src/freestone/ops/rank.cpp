#include "freestone/ops/rank.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/kernels/quantile.h"
#include "freestone/kernels/sort_keys.h"
#include "freestone/ops/along_axis.h"

namespace freestone {
namespace {

constexpr Index kLeafElements = Index{1} << 21;  // many more than a leaf of sums: each has a megabyte of counts
constexpr Index kAllAtOnce = Index{1} << 20;     // elements that one task orders where it makes the only result,
constexpr Index kLineAtOnce = Index{1} << 24;    // or one of many

/// What a pass hands to the next: the digits found of the lower and the upper element, their ranks among the elements that have these
/// digits, how many elements count, and whether NaN decides.
struct Found {
  unsigned __int128 low_digits, high_digits;
  std::uint64_t low_rank, high_rank, count, is_nan;
};
static_assert(sizeof(Found) == RankOp::kNumbers * 8);

/// The state of one result: what was found so far, NaN seen, then counts for the lower and for the upper element.
class Counts {
 public:
  Counts(std::byte* words, Index bins) : words_(reinterpret_cast<std::uint64_t*>(words)), bins_(bins) {}
  Found found() const {
    Found found;
    std::memcpy(&found, words_, sizeof found);
    return found;
  }
  void begin(const std::uint64_t* found) const { std::memcpy(words_, found, sizeof(Found)); }
  std::uint64_t& nan() const { return words_[RankOp::kNumbers]; }
  std::uint64_t* low() const { return words_ + RankOp::kNumbers + 1; }
  std::uint64_t* high() const { return low() + bins_; }
  static Index words(Index bins) { return RankOp::kNumbers + 1 + 2 * bins; }

 private:
  std::uint64_t* words_;
  Index bins_;
};

Index bins_of(DType dtype) { return size_of(dtype) == 1 ? 256 : 65536; }

bool keeps_dtype(std::string_view method, DType dtype) {
  return is_floating(dtype) || is_complex(dtype) || (method != "median" && kernels::is_discrete(kernels::quantile_method(method)));
}

std::vector<Spec> rank_outputs(const Spec& input, const RankOp::Rule& rule) {
  const Shape kept = without_axes(input.shape, rule.axes);
  if (rule.pass + 1 == RankOp::passes(input.dtype)) return {{kept, keeps_dtype(rule.method, input.dtype) ? input.dtype : DType::kFloat64}};
  return std::vector<Spec>(RankOp::kNumbers, Spec{kept, DType::kUint64});
}

std::vector<Access> rank_inputs(const Spec& input, const RankOp::Rule& rule) {
  const int rank = input.shape.rank();
  std::vector<Access> access{identity_access(rank)};
  for (int i = 0; i < RankOp::kNumbers && rule.pass > 0; ++i) access.push_back(access_without_axes(rank, rule.axes));
  return access;
}

/// Leaves as boxes of at most kLeafElements of the reduced axes, the last ones whole where they fit.
Shape rank_leaf(const Shape& shape, const std::vector<int>& axes) {
  Shape leaf(shape.rank(), 1);
  Index left = kLeafElements;
  for (auto k = axes.rbegin(); k != axes.rend(); ++k) {
    leaf[*k] = std::clamp<Index>(shape[*k], 1, left);
    left = std::max<Index>(1, left / leaf[*k]);
  }
  return leaf;
}

/// The bin that holds the element of rank `rank`, which becomes its rank in that bin.
Index locate(const std::uint64_t* bins, Index count, std::uint64_t& rank) {
  for (Index b = 0; b < count; ++b) {
    if (rank < bins[b]) return b;
    rank -= bins[b];
  }
  throw Error(ErrorKind::kInternal, "a rank lies beyond the counts");
}

kernels::QuantilePlace place_of(const RankOp::Rule& rule, std::uint64_t count) {
  const auto n = static_cast<Index>(count);
  if (rule.method == "median") return {(n - 1) / 2, n / 2, 0.5};
  return kernels::quantile_place(kernels::quantile_method(rule.method), n, rule.q);
}

/// The reduced axes of one kept element, `at` among the kept ones.
View line_of(const View& part, const std::vector<int>& axes, const Dims& at) {
  View line{part.data, part.dtype, {}, {}};
  int kept = 0;
  for (int k = 0; k < part.rank(); ++k) {
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) {
      line.data += at[kept++] * part.strides[k];
    } else {
      line.shape.push_back(part.shape[k]);
      line.strides.push_back(part.strides[k]);
    }
  }
  return line;
}

template <class T>
void count_digits(const View& line, int pass, const Counts& counts) {
  const Index bins = bins_of(line.dtype);
  const int bits = bins == 256 ? 8 : 16, shift = 8 * static_cast<int>(sizeof(T)) - bits * (pass + 1);
  const auto low_digits = static_cast<kernels::SortKey<T>>(counts.found().low_digits);
  const auto high_digits = static_cast<kernels::SortKey<T>>(counts.found().high_digits);
  std::uint64_t *const low = counts.low(), *const high = counts.high();
  std::uint64_t nan = 0;
  const Index n = line.rank() == 0 ? 1 : line.shape.back(), step = line.rank() == 0 ? 0 : line.strides.back();
  for_each_row(line.shape, {&line}, [&](std::byte** row) {
    for (Index i = 0; i < n; ++i) {
      T value;
      std::memcpy(&value, row[0] + i * step, sizeof value);
      if (value != value) {
        ++nan;
        continue;
      }
      // Shifted twice: in one go by all of a key's bits is undefined.
      const auto key = static_cast<kernels::SortKey<T>>(kernels::sort_key(value, false) >> shift);
      const auto digits = static_cast<kernels::SortKey<T>>(key >> (bits / 2) >> (bits / 2));
      const auto bin = static_cast<std::size_t>(key & static_cast<kernels::SortKey<T>>(bins - 1));
      if (digits == low_digits) ++low[bin];
      if (digits == high_digits) ++high[bin];
    }
  });
  counts.nan() += nan;
}

}  // namespace

RankOp::RankOp(const Spec& input, Rule rule)
    : Op(input.shape, rank_outputs(input, rule), rank_inputs(input, rule),
         std::vector<Access>(rank_outputs(input, rule).size(), access_without_axes(input.shape.rank(), rule.axes))),
      in_(input),
      rule_(std::move(rule)) {}

nlohmann::json RankOp::params() const {
  return {{"pass", rule_.pass},         {"method", rule_.method}, {"q", rule_.q},
          {"skip_nan", rule_.skip_nan}, {"axes", rule_.axes},     {"leaf", rule_.leaf.to_vector()}};
}

Index RankOp::state_words() const { return Counts::words(bins_of(in_.dtype)); }

void RankOp::init(std::byte* state, Index outputs) const { std::memset(state, 0, static_cast<std::size_t>(outputs * state_words() * 8)); }

void RankOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  const View part = in[0].part(leaf_box).view;
  View numbers[kNumbers];
  for (int i = 0; i < kNumbers && rule_.pass > 0; ++i)
    numbers[i] = in[static_cast<std::size_t>(i) + 1].part(map_box(input(i + 1), leaf_box, without_axes(in_.shape, rule_.axes))).view;
  const Shape kept = without_axes(leaf_box.shape, rule_.axes);
  Dims at(kept.rank());
  for (Index o = 0; o < outputs; ++o) {
    const Counts counts(state + o * state_words() * 8, bins_of(in_.dtype));
    if (rule_.pass > 0) {
      std::uint64_t found[kNumbers];
      for (int i = 0; i < kNumbers; ++i) {
        Index offset = 0;
        for (int k = 0; k < at.rank(); ++k) offset += at[k] * numbers[i].strides[k];
        std::memcpy(&found[i], numbers[i].data + offset, 8);
      }
      counts.begin(found);
    }
    with_type(in_.dtype, [&]<class T>(TypeTag<T>) { count_digits<T>(line_of(part, rule_.axes, at), rule_.pass, counts); });
    for (int k = at.rank() - 1; k >= 0 && ++at[k] == kept[k]; --k) at[k] = 0;
  }
}

void RankOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  const Index bins = bins_of(in_.dtype);
  for (Index o = 0; o < outputs; ++o) {
    const Counts a(into + o * state_words() * 8, bins), b(const_cast<std::byte*>(from) + o * state_words() * 8, bins);
    a.nan() += b.nan();
    for (Index i = 0; i < 2 * bins; ++i) a.low()[i] += b.low()[i];  // and high, which follows
  }
}

void RankOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  const Index bins = bins_of(in_.dtype);
  const int bits = bins == 256 ? 8 : 16;
  for (Index o = 0; o < outputs; ++o) {
    const Counts counts(const_cast<std::byte*>(state) + o * state_words() * 8, bins);
    Found found = counts.found();
    if (rule_.pass == 0) {
      found.count = 0;
      for (Index i = 0; i < bins; ++i) found.count += counts.low()[i];
      found.is_nan = found.count == 0 || (!rule_.skip_nan && counts.nan() > 0);
      if (!found.is_nan) {
        const kernels::QuantilePlace place = place_of(rule_, found.count);
        found.low_rank = static_cast<std::uint64_t>(place.lower), found.high_rank = static_cast<std::uint64_t>(place.upper);
      }
    }
    if (!found.is_nan) {
      const Index low = locate(counts.low(), bins, found.low_rank), high = locate(counts.high(), bins, found.high_rank);
      found.low_digits = found.low_digits << bits | static_cast<unsigned __int128>(low);
      found.high_digits = found.high_digits << bits | static_cast<unsigned __int128>(high);
    }
    if (rule_.pass + 1 < passes(in_.dtype)) {
      for (int i = 0; i < kNumbers; ++i)
        std::memcpy(out[static_cast<std::size_t>(i)] + o * 8, reinterpret_cast<const std::byte*>(&found) + 8 * i, 8);
      continue;
    }
    with_type(in_.dtype, [&]<class T>(TypeTag<T>) {
      const auto value = [&](unsigned __int128 digits) {
        return kernels::value_of_key<T>(static_cast<kernels::SortKey<T>>(digits), false);
      };
      const auto put = [&]<class R>(R result) { std::memcpy(out[0] + o * static_cast<Index>(sizeof result), &result, sizeof result); };
      const T lower = value(found.low_digits), upper = value(found.high_digits);
      if constexpr (kernels::kIsComplexNumber<T>) {
        constexpr auto kNaN = std::numeric_limits<typename T::value_type>::quiet_NaN();
        if (found.is_nan) return put(T(kNaN, kNaN));
        if (found.low_digits == found.high_digits) return put(lower);
        put(T((lower.real() + upper.real()) / 2, (lower.imag() + upper.imag()) / 2));
      } else {
        if constexpr (std::is_floating_point_v<T>) {
          if (found.is_nan) return put(std::numeric_limits<T>::quiet_NaN());
        }
        using R = std::conditional_t<std::is_floating_point_v<T>, T, double>;
        if (rule_.method == "median")
          return put(found.low_digits == found.high_digits ? static_cast<R>(lower) : (static_cast<R>(lower) + static_cast<R>(upper)) / 2);
        // The same arithmetic as where a line is sorted.
        const kernels::QuantilePlace place = place_of(rule_, found.count);
        const R between = place.lower == place.upper ? static_cast<R>(lower) : kernels::interpolated<T, R>(lower, upper, place.part);
        if (keeps_dtype(rule_.method, in_.dtype) && place.lower == place.upper) return put(lower);
        put(between);
      }
    });
  }
}

bool is_ranked_by_digits(const Array& a, const std::vector<int>& axes) {
  Index reduced = 1;
  for (const int k : axes) reduced *= a.shape()[k];
  return reduced > (static_cast<int>(axes.size()) == a.rank() ? kAllAtOnce : kLineAtOnce);
}

Array rank_by_digits(const Array& a, std::string method, double q, const std::vector<int>& axes, bool skip_nan) {
  RankOp::Rule rule{0, std::move(method), q, skip_nan, axes, rank_leaf(a.shape(), axes)};
  std::vector<Array> inputs{a};
  for (; rule.pass < RankOp::passes(a.dtype()); ++rule.pass) {
    std::vector<Array> outputs = apply_op_all(std::make_shared<RankOp>(a.spec(), rule), std::move(inputs));
    inputs = {a};
    inputs.insert(inputs.end(), outputs.begin(), outputs.end());
  }
  return inputs[1];
}

}  // namespace freestone
