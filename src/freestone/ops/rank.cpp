#include "freestone/ops/rank.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

constexpr Index kBins = 65536;
constexpr Index kLeafElements = Index{1} << 21;  // many more than a leaf of sums: each has a megabyte of counts

/// What a pass hands to the next: the digits found of the lower and the upper element, their ranks among the elements that have these
/// digits, how many elements count, and whether NaN decides.
struct Found {
  std::uint64_t low_digits, low_rank, high_digits, high_rank, count, is_nan;
};
constexpr int kNumbers = 6;
static_assert(sizeof(Found) == kNumbers * 8);

/// State: what was found so far, NaN seen, then counts for the lower and for the upper element.
struct Counts {
  Found found;
  std::uint64_t nan;
  std::uint64_t low[kBins], high[kBins];
};

template <class T>
using KeyOf = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

/// Order of keys is order of numbers.
template <class T>
KeyOf<T> key_of(T value) {
  KeyOf<T> bits;
  std::memcpy(&bits, &value, sizeof bits);
  constexpr KeyOf<T> kSign = KeyOf<T>{1} << (8 * sizeof(T) - 1);
  return bits & kSign ? static_cast<KeyOf<T>>(~bits) : static_cast<KeyOf<T>>(bits | kSign);
}
template <class T>
T value_of(std::uint64_t number) {
  auto key = static_cast<KeyOf<T>>(number);
  constexpr KeyOf<T> kSign = KeyOf<T>{1} << (8 * sizeof(T) - 1);
  key = key & kSign ? static_cast<KeyOf<T>>(key & ~kSign) : static_cast<KeyOf<T>>(~key);
  T value;
  std::memcpy(&value, &key, sizeof value);
  return value;
}

std::vector<int> all_axes(int rank) { return normal_axes({}, rank); }

std::vector<Spec> rank_outputs(const Spec& input, int pass) {
  if (pass + 1 == RankOp::passes(input.dtype)) return {{Shape(), input.dtype}};
  return std::vector<Spec>(kNumbers, Spec{Shape(), DType::kUint64});
}
std::vector<Access> rank_inputs(const Spec& input, int pass) {
  std::vector<Access> access{identity_access(input.shape.rank())};
  for (int i = 0; i < kNumbers && pass > 0; ++i) access.emplace_back();
  return access;
}

/// Leaves as boxes of at most kLeafElements, the first axes whole where they fit.
Shape rank_leaf(const Shape& shape) {
  Shape leaf(shape.rank(), 1);
  Index left = kLeafElements;
  for (int k = shape.rank() - 1; k >= 0; --k) {
    leaf[k] = std::clamp<Index>(shape[k], 1, left);
    left = std::max<Index>(1, left / leaf[k]);
  }
  return leaf;
}

/// The bin that holds the element of rank `rank`, which becomes its rank in that bin.
Index locate(const std::uint64_t* bins, std::uint64_t& rank) {
  for (Index b = 0; b < kBins; ++b) {
    if (rank < bins[b]) return b;
    rank -= bins[b];
  }
  throw Error(ErrorKind::kInternal, "a rank lies beyond the counts");
}

}  // namespace

RankOp::RankOp(const Spec& input, int pass, bool is_median, double q, bool skip_nan, Shape leaf)
    : Op(input.shape, rank_outputs(input, pass), rank_inputs(input, pass), std::vector<Access>(rank_outputs(input, pass).size())),
      in_(input),
      pass_(pass),
      is_median_(is_median),
      q_(q),
      skip_nan_(skip_nan),
      axes_(all_axes(input.shape.rank())),
      leaf_(leaf) {}

nlohmann::json RankOp::params() const {
  return {{"pass", pass_}, {"median", is_median_}, {"q", q_}, {"skip_nan", skip_nan_}, {"leaf", leaf_.to_vector()}};
}

Index RankOp::state_words() const { return sizeof(Counts) / 8; }

void RankOp::init(std::byte* state, Index) const { std::memset(state, 0, sizeof(Counts)); }

void RankOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index) const {
  auto& counts = *reinterpret_cast<Counts*>(state);
  if (pass_ > 0) {
    std::uint64_t numbers[kNumbers];
    for (int i = 0; i < kNumbers; ++i) numbers[i] = *in[static_cast<std::size_t>(i) + 1].view.as<std::uint64_t>();
    std::memcpy(&counts.found, numbers, sizeof numbers);
  }
  const View part = in[0].part(leaf_box).view;
  const Index n = part.rank() == 0 ? 1 : part.shape.back(), step = part.rank() == 0 ? 0 : part.strides.back();
  with_float_type(in_.dtype, [&]<class T>(TypeTag<T>) {
    const int shift = 8 * static_cast<int>(sizeof(T)) - 16 * (pass_ + 1);
    const std::uint64_t low = counts.found.low_digits, high = counts.found.high_digits;
    std::uint64_t nan = 0;
    for_each_row(part.shape, {&part}, [&](std::byte** row) {
      for (Index i = 0; i < n; ++i) {
        const T value = *reinterpret_cast<const T*>(row[0] + i * step);
        if (value != value) {
          ++nan;
          continue;
        }
        const auto key = static_cast<std::uint64_t>(key_of(value)) >> shift;
        const std::uint64_t digits = key >> 16, bin = key & (kBins - 1);
        if (digits == low) ++counts.low[bin];
        if (digits == high) ++counts.high[bin];
      }
    });
    counts.nan += nan;
  });
}

void RankOp::merge(std::byte* into, const std::byte* from, Index) const {
  auto& a = *reinterpret_cast<Counts*>(into);
  const auto& b = *reinterpret_cast<const Counts*>(from);
  a.nan += b.nan;
  for (Index i = 0; i < kBins; ++i) a.low[i] += b.low[i], a.high[i] += b.high[i];
}

void RankOp::finish(const std::byte* state, Index, std::span<std::byte* const> out) const {
  const auto& counts = *reinterpret_cast<const Counts*>(state);
  Found found = counts.found;
  double part = 0;
  const auto place = [&] {
    const double last = static_cast<double>(found.count) - 1;
    return std::min(last * (q_ / 100), last);
  };
  if (pass_ == 0) {
    found.count = 0;
    for (Index i = 0; i < kBins; ++i) found.count += counts.low[i];
    found.is_nan = found.count == 0 || (!skip_nan_ && counts.nan > 0);
    if (!found.is_nan) {
      found.low_rank = is_median_ ? (found.count - 1) / 2 : static_cast<std::uint64_t>(std::floor(place()));
      found.high_rank = is_median_ ? found.count / 2 : std::min(found.low_rank + 1, found.count - 1);
    }
  }
  if (!found.is_nan) {
    const Index low = locate(counts.low, found.low_rank), high = locate(counts.high, found.high_rank);
    found.low_digits = found.low_digits << 16 | static_cast<std::uint64_t>(low);
    found.high_digits = found.high_digits << 16 | static_cast<std::uint64_t>(high);
  }
  if (pass_ + 1 < passes(in_.dtype)) {
    for (int i = 0; i < kNumbers; ++i) std::memcpy(out[static_cast<std::size_t>(i)], reinterpret_cast<const std::byte*>(&found) + 8 * i, 8);
    return;
  }
  if (!is_median_ && !found.is_nan) part = place() - std::floor(place());
  with_float_type(in_.dtype, [&]<class T>(TypeTag<T>) {
    T value = std::numeric_limits<T>::quiet_NaN();
    if (!found.is_nan) {
      const T lower = value_of<T>(found.low_digits), upper = value_of<T>(found.high_digits), apart = upper - lower;
      // The arithmetic of kernels/select: the two middle ones' mean, or NumPy's interpolation from the nearer side.
      if (is_median_)
        value = found.low_digits == found.high_digits ? lower : (lower + upper) / 2;
      else
        value = part >= 0.5 ? upper - apart * static_cast<T>(1 - part) : lower + apart * static_cast<T>(part);
    }
    std::memcpy(out[0], &value, sizeof value);
  });
}

namespace {

Array streaming_rank(const Array& a, bool is_median, double q, bool skip_nan) {
  const Array x = is_floating(a.dtype()) ? a : astype(a, DType::kFloat64);
  const Shape leaf = rank_leaf(x.shape());
  std::vector<Array> inputs{x};
  for (int pass = 0; pass < RankOp::passes(x.dtype()); ++pass) {
    std::vector<Array> outputs = apply_op_all(std::make_shared<RankOp>(x.spec(), pass, is_median, q, skip_nan, leaf), std::move(inputs));
    inputs = {x};
    inputs.insert(inputs.end(), outputs.begin(), outputs.end());
  }
  return inputs[1];
}

}  // namespace

Array streaming_median(const Array& a, bool skip_nan) { return streaming_rank(a, true, 50, skip_nan); }
Array streaming_percentile(const Array& a, double q, bool skip_nan) { return streaming_rank(a, false, q, skip_nan); }

}  // namespace freestone
