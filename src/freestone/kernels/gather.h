/// Copies between tiles whose elements lie in another order: flat C order, index arrays.
#pragma once

#include <span>

#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

/// out[n] = in[n] for flat C-order numbers n of two arrays of shapes `in_shape` and `out_shape`: fills the box of `out` from the tile `in`,
/// which holds at least what it needs.
void copy_in_c_order(const Tile& in, const Shape& in_shape, const Tile& out, const Shape& out_shape, const Cancel& cancel);

/// Copies one element of `width` bytes for each offset, in bytes: to[to_offsets[i]] = from[from_offsets[i]].
void gather_elements(const std::byte* from, std::span<const Index> from_offsets, std::byte* to, std::span<const Index> to_offsets,
                     Index width);

/// Copies `n` elements of `width` bytes, `from_step` and `to_step` bytes apart.
void copy_strided(const std::byte* from, Index from_step, std::byte* to, Index to_step, Index n, Index width);

}  // namespace freestone::kernels
