/// Windows: what lies around each element, with every way to go on beyond the array's edge.
///
/// A tile is first copied with its halo, filled where it leaves the array; the loops then see one padded block. Every output is made from
/// its own window alone, tap by tap in a fixed order: the bits do not depend on tiles.
#pragma once

#include <span>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

/// scipy.ndimage's names: what stands beyond the edge of a b c d.
enum class Boundary {
  kReflect,   ///< d c b a | a b c d | d c b a
  kMirror,    ///< d c b | a b c d | c b a
  kNearest,   ///< a a a a | a b c d | d d d d
  kWrap,      ///< a b c d | a b c d | a b c d
  kConstant,  ///< k k k k | a b c d | k k k k
};

/// The position that stands at `at`, any whole number; -1: the constant. `extent` >= 1.
Index boundary_position(Boundary boundary, Index at, Index extent);

/// The part of an array of shape `array` from which `wanted`, which may leave it, is filled.
Box filled_from(Boundary boundary, const Box& wanted, const Shape& array);
/// Fills `out`, of the shape of `wanted`, from `in`, which holds `filled_from`.
void fill_window(Boundary boundary, double constant, const Tile& in, const Box& wanted, const Shape& array, const View& out);

/// What stands beyond the edges of one axis.
struct Edge {
  Boundary boundary = Boundary::kReflect;
  double constant = 0;
};
/// The same with a rule for each axis. Where an element lies beyond the edges of several axes, the axes go on in their order, each with
/// what stands there already: the constant of a later axis wins.
Box filled_from(std::span<const Edge> edges, const Box& wanted, const Shape& array);
void fill_window(std::span<const Edge> edges, const Tile& in, const Box& wanted, const Shape& array, const View& out);

enum class WindowFunction {
  kLinear,  ///< sum of weight times element, in float64
  kMinimum,
  kMaximum,  ///< NaN wins
  kRank,     ///< the element of a rank, NaN last
  kSum,
  kMean,
  kMin,
  kMax,
  kVariance,
  kStd,  // of what is not NaN; NaN where that is less than `least`
  kMedian,
  kCount
};
bool keeps_dtype(WindowFunction function);

struct WindowRule {
  WindowFunction function = WindowFunction::kLinear;
  std::vector<Dims> offsets;    ///< of the taps, from the element
  std::vector<double> weights;  ///< of kLinear, one a tap
  Index rank = 0;               ///< of kRank, from the least
  Index least = 1;              ///< values that a result takes, of the functions that skip NaN
  double ddof = 0;              ///< of variance and std
};

/// `padded`: element 0 of `out` stands at `origin` in it, and all taps lie inside. `out`: dtype of `padded` where the function keeps it;
/// otherwise float32 for float32, and float64.
void window_along(const WindowRule& rule, const View& padded, const Dims& origin, const View& out, const Cancel& cancel);

}  // namespace freestone::kernels
