/// Running sums, products, maxima and minima along an axis, block by block.
///
/// Inside a block the elements are folded one by one (floats in float64, integers in 64 bits, wrapping); a block starts from nothing and
/// its carry, what comes before it, is joined to every result. Blocks are anchored in the array, so the bits do not depend on tiles.
/// Complex numbers are folded in complex128, and ordered by real part, then imaginary part.
#pragma once

#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

enum class CumulativeFunction { kSum, kProduct, kMax, kMin };

struct CumulativeRule {
  CumulativeFunction function = CumulativeFunction::kSum;
  bool skip_nan = false;  ///< sum and product: NaN counts as 0 or 1; otherwise what follows a NaN is NaN
};

/// float64, complex128, int64 or uint64: in what elements of this dtype are folded.
DType accumulator_of(DType dtype);
/// The dtype of results: of sums and products of integers the accumulator, otherwise that of the elements.
DType cumulative_result(CumulativeFunction function, DType dtype);

/// The running results of one block. `in`: the block from its start; results of the first `skip` elements are not written. `carry`: the
/// shape of `in` with `axis` of length 1 (any stride there), in the accumulator's dtype; null: nothing comes before. `out`: the shape of
/// `in` less `skip` along `axis`; dtype cumulative_result, or the accumulator with `raw`.
void cumulative_block(const CumulativeRule& rule, const View& in, int axis, Index skip, const View* carry, const View& out, bool raw,
                      const Cancel& cancel);

/// What comes before each block: `totals` of blocks along `axis` folded from the first on, without the block itself. Sums with Neumaier's
/// compensation. Both in the accumulator's dtype.
void carries_along(const CumulativeRule& rule, const View& totals, int axis, const View& out);

/// Writes what the fold of nothing gives: 0 or 1.
void write_nothing(CumulativeFunction function, const View& out);

}  // namespace freestone::kernels
