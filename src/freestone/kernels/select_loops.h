/// The inner loops of select.h: order statistics of many columns at once, one column a vector lane.
///
/// A block is n rows of 64 bytes: 16 float32 or 8 float64 columns side by side. NaN is no value. An order statistic is found without moving
/// anything, by counting: a pass over the block counts what is <= a pivot, in every column; pivots are interpolated between counted
/// ones, bisected when that is slow, and snapped to values where many are equal. Some ten passes over a block in the first cache do.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "freestone/kernels/select.h"

namespace freestone::kernels {

template <class T>
inline constexpr int kColumns = 64 / static_cast<int>(sizeof(T));

/// Floats as integers of the same order.
template <class T>
using Key = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
Key<T> key_of(T x) {
  const Key<T> k = std::bit_cast<Key<T>>(x);
  return k ^ ((k >> (8 * sizeof(T) - 1)) & std::numeric_limits<Key<T>>::max());
}
template <class T>
T of_key(Key<T> k) {
  return std::bit_cast<T>(static_cast<Key<T>>(k ^ ((k >> (8 * sizeof(T) - 1)) & std::numeric_limits<Key<T>>::max())));
}
/// The greatest number that is less than x; NaN below -infinity, which the loops take for less than all.
template <class T>
T just_below(T x) {
  return of_key<T>(key_of(x == 0 ? -T{} : x) - 1);
}

/// What is known of each column's values.
template <class T>
struct ColumnSummary {
  Index count[kColumns<T>];  ///< not NaN
  T least[kColumns<T>], greatest[kColumns<T>];
  T mean[kColumns<T>];  ///< rounded, only to guess from
};

/// Brackets of an order statistic: it is > low and <= high; so many values are <= low, <= high.
template <class T>
struct Bracket {
  T low, high;
  Index count_low, count_high;
};

/// Which order statistic each column is asked for: `rank` counts from 0 and is -1 where nothing is asked. The guess is a pivot to start
/// from.
template <class T>
struct RankRequest {
  Index rank[kColumns<T>];
  bool needs_next[kColumns<T>];  ///< the value of rank + 1, too
  Bracket<T> bracket[kColumns<T>];
  T guess[kColumns<T>];
};
/// What was found: a window of order statistics about a pivot, and maybe one value that takes many ranks.
template <class T>
struct RankAnswer {
  static constexpr int kWindow = 4;
  Index upto[kColumns<T>];                                     ///< values <= the pivot: ranks below it are in `lower`, downwards, ...
  T lower[kWindow][kColumns<T>], upper[kWindow][kColumns<T>];  ///< ... from it on in `upper`
  T tied[kColumns<T>];                                         ///< the value of ranks [tied_from, upto)
  Index tied_from[kColumns<T>];

  bool knows(int c, Index rank) const { return rank < upto[c] + kWindow && (rank >= upto[c] - kWindow || rank >= tied_from[c]); }
  T at(int c, Index rank) const {
    if (rank >= upto[c]) return upper[rank - upto[c]][c];
    return rank >= tied_from[c] ? tied[c] : lower[upto[c] - 1 - rank][c];
  }
};

template <class T>
struct SelectLoops {
  void (*summarize)(const T* block, Index n, ColumnSummary<T>& summary);
  void (*find_ranks)(const T* block, Index n, RankRequest<T>& request, RankAnswer<T>& answer);
  /// Values < low and values <= high, column by column.
  void (*count_outside)(const T* block, Index n, const T* low, const T* high, Index* below, Index* upto);
  /// Over values within [low, high]: sums of (x - center) and of its square.
  void (*deviations)(const T* block, Index n, const double* low, const double* high, const double* center, double* sum, double* squares);
  /// Replaces each x by |x - center|.
  void (*absolute_deviations)(T* block, Index n, const T* center);
  /// Replaces what is not in [low, high] by NaN. Returns how many values stay, in all columns.
  Index (*keep_within)(T* block, Index n, const T* low, const T* high);
  /// Replaces infinities by NaN.
  void (*drop_infinite)(T* block, Index n);
};

/// The loops of the active target; T is float or double.
template <class T>
SelectLoops<T> select_loops();

}  // namespace freestone::kernels
