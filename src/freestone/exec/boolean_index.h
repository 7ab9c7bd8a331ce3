/// Indexing by masks that are computed: one pass counts, what follows is planned with known shapes.
#pragma once

#include <vector>

#include "freestone/exec/compute.h"

namespace freestone {

/// x[mask]: `mask` has the shape of the first axes of `x`; other dtypes than bool mean "not zero". The mask is computed now, to be
/// counted; the result is an Array like any other, which computes the mask again where it picks.
/// @returns shape (number of true elements, axes of x behind those of the mask), in C order of the mask
/// @throws Error kind user: shapes that do not fit, a mask without axes; whatever computing the mask throws
Array boolean_index(const Array& x, const Array& mask, const ComputeOptions& options = {});

/// Positions of what is not zero: int64, one row each, one column an axis, in C order.
Array argwhere(const Array& a, const ComputeOptions& options = {});
/// The columns of argwhere.
std::vector<Array> nonzero(const Array& a, const ComputeOptions& options = {});
/// The one-argument form: nonzero.
std::vector<Array> where(const Array& condition, const ComputeOptions& options = {});
/// Positions in the flat array.
Array flatnonzero(const Array& a, const ComputeOptions& options = {});
/// Elements of the flat `a` where the flat condition holds.
Array extract(const Array& condition, const Array& a, const ComputeOptions& options = {});

}  // namespace freestone
