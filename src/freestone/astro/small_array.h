/// Small arrays of numbers that a WCS or a beam gives: factors of channels, positions of pixels.
#pragma once

#include <memory>
#include <vector>

#include "freestone/exec/compute.h"

namespace freestone::astro {

/// Float64, or bool for bytes, in C order; the array owns the numbers.
/// @throws Error kind internal: another number of elements than `shape` has
inline Array small_array(std::vector<double> values, const Shape& shape) {
  ensure(static_cast<Index>(values.size()) == element_count(shape), "a small array with another number of elements than its shape");
  auto owner = std::make_shared<std::vector<double>>(std::move(values));
  return from_memory(View::contiguous(owner->data(), DType::kFloat64, shape), owner);
}
inline Array small_mask(std::vector<unsigned char> values, const Shape& shape) {
  ensure(static_cast<Index>(values.size()) == element_count(shape), "a small array with another number of elements than its shape");
  auto owner = std::make_shared<std::vector<unsigned char>>(std::move(values));
  return from_memory(View::contiguous(owner->data(), DType::kBool, shape), owner);
}

/// Length `n` on `axis`, 1 on the other axes of `rank`.
inline Shape along(int axis, Index n, int rank) {
  Shape shape(rank, 1);
  shape[axis] = n;
  return shape;
}

}  // namespace freestone::astro
