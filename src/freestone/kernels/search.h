/// Places in a sorted list: searchsorted, membership, linear interpolation.
#pragma once

#include <span>

#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class SearchKind {
  kLeft,       ///< int64: how many points are < x
  kRight,      ///< int64: how many points are <= x
  kDownLeft, ///< the same for points in falling order: how many are > x
  kDownRight,  ///< how many are >= x
  kContains,   ///< bool: x is one of the points (rising); NaN is none
};

/// `points`: rank 1, sorted, NaN last; `values` of the same dtype; `out` of the shape of `values`. NaN as a value comes after all numbers.
void search_sorted(SearchKind kind, const View& points, const View& values, const View& out, const Cancel& cancel);

/// numpy.interp: float64 points `x` (rising, at least one) with values `y`; `left` and `right` outside.
void interpolate(std::span<const double> x, std::span<const double> y, double left, double right, const View& values, const View& out,
                 const Cancel& cancel);

}  // namespace freestone::kernels
