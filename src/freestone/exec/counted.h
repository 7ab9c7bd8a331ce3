/// Results whose size only the data tell: counted first, in a pass of their own.
#pragma once

#include "freestone/exec/compute.h"

namespace freestone {

struct UniqueOptions {
  ComputeOptions compute;
  Index max_values = 0;  ///< different values that may be kept; 0: as many as a quarter of the budget holds
};

struct UniqueResult {
  Tensor values;  ///< rising, each once; all NaN are one, the last
  Tensor counts;  ///< int64: how often
  Tensor first;   ///< int64: the flat position (C order) of the first
  Array inverse;  ///< int64, the shape of the array, lazy: the place of each element among the values
};

/// numpy.unique of all elements: one pass; only different values are held.
/// Complex numbers are in the order of `sort`.
/// @throws Error kind memory: more different values than may be kept
UniqueResult unique(const Array& a, UniqueOptions options = {});

/// The different values of both arrays together, of both alike, of the first alone, of either alone: rising, by NumPy's names, in the
/// promoted dtype. NaN is in no other array.
/// @throws Error as unique
Tensor union1d(const Array& a, const Array& b, UniqueOptions options = {});
Tensor intersect1d(const Array& a, const Array& b, UniqueOptions options = {});
Tensor setdiff1d(const Array& a, const Array& b, UniqueOptions options = {});
Tensor setxor1d(const Array& a, const Array& b, UniqueOptions options = {});

struct ModeResult {
  Tensor value;  ///< rank 0, the dtype of the array
  Index count = 0;
};
/// The most frequent of all elements, the smallest of several.
/// @throws Error as unique; kind user: no elements
ModeResult mode_of_all(const Array& a, UniqueOptions options = {});

/// numpy.bincount: finds the greatest value first, then describes the counting. The result is as long as that needs, `min_length` at least.
/// @throws Error kind user: not integers; kind data: a negative one
Array bincount(const Array& a, const Array& weights, Index min_length, const ComputeOptions& options = {});

}  // namespace freestone
