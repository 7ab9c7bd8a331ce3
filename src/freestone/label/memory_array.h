/// Numbers in memory as Arrays: labels, keys and weights, which are small beside the data.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/ops/shape.h"

namespace freestone {

/// An array of one axis that keeps `values`.
template <class T>
Array array_in_memory(std::vector<T> values) {
  const auto owner = std::make_shared<std::vector<T>>(std::move(values));
  return from_memory(View::contiguous(owner->data(), dtype_of<T>(), {static_cast<Index>(owner->size())}), owner);
}

/// `line`, of one axis, so that it lies along `axis` when it is broadcast with arrays of `rank` axes.
inline Array along(Array line, int axis, int rank) {
  for (int k = axis + 1; k < rank; ++k) line = expand_dims(line, line.rank());
  return line;
}

}  // namespace freestone
