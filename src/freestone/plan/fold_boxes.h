/// Which part of its outputs a part of a fold's domain makes.
#pragma once

#include <algorithm>

#include "freestone/array/op.h"

namespace freestone {

/// Output `number` of a fold for a box of its domain. Outputs lie on kept axes only: a reduced axis without elements takes nothing from them.
inline Box fold_output_box(const Op& operation, int number, Box box) {
  for (const int k : operation.fold()->axes()) box.shape[k] = std::max<Index>(1, box.shape[k]);
  return map_box(operation.output(number), box, operation.outputs()[static_cast<std::size_t>(number)].shape);
}

}  // namespace freestone
