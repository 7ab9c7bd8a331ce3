/// The inner loops of folds: a two-dimensional piece of a leaf, added to a state.
///
/// State planes are 8-byte lanes: doubles, or integers in the same bits. The planes that a rule keeps, in order, are its words of state.
#pragma once

#include <cstddef>
#include <cstdint>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

inline constexpr int kLanes = 8;
inline constexpr int kMaxPlanes = 20;
inline constexpr int kMaxPowerOrder = 8;

enum class FoldRule {
  kSum,         ///< sum, count
  kSquares,     ///< sum of squares, count
  kProduct,     ///< product, count
  kMin,         ///< value, count
  kMax,         ///< value, count
  kArgMin,      ///< value, position (double; -1: none)
  kArgMax,      ///< value, position
  kCount,       ///< count
  kAny,         ///< all bits or none
  kAll,         ///< all bits or none
  kCountSum,    ///< count, sum: first pass of the variance
  kDeviations,  ///< count and mean (both only read), sum of squared deviations: second pass of the variance
  kStatistics,  ///< count, min, max, sum, sum of squares
  kPowers0,     ///< count, then order + 1 sums
  kPowers1,
  kPowers2,
  kPowers4,
  kPowers8,
};

/// What lanes hold, and what elements are read from memory.
enum class LaneType { kFloat32, kFloat64, kInt64, kUint64 };

/// The number that comes with element j of row r: index = base + r * row_step + j * element_step; or weights[index] where there are
/// weights.
struct FoldIndex {
  Index base = 0, row_step = 0, element_step = 0;
  const double* weights = nullptr;
};

struct FoldLoops {
  /// Element j of every row goes to lane j % 8; `lanes` holds planes of 8.
  void (*rows)(const std::byte* in, Index rows, Index row_stride, Index n, const FoldIndex& index, double* lanes) = nullptr;
  /// Element j of every row goes to state j; planes are `plane_stride` apart.
  void (*columns)(const std::byte* in, Index rows, Index row_stride, Index n, const FoldIndex& index, double* state,
                  Index plane_stride) = nullptr;
};

/// The loops of the active target. Elements along a row are contiguous.
FoldLoops fold_loops(FoldRule rule, bool skip_nan, LaneType type);

/// Merges n sums: planes of sums, counts and what rounding lost (SumRule), a stride apart.
using MergeSums = void (*)(double* into, Index into_stride, const double* from, Index from_stride, Index n);
/// That of the active target.
MergeSums merge_sums();

}  // namespace freestone::kernels
