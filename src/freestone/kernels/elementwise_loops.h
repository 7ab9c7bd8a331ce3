/// The loops behind the elementwise table, built once for each level of the instruction set.
#pragma once

#include <span>

#include "freestone/kernels/elementwise.h"

namespace freestone::kernels {

struct LoopSet {
  std::span<const ElementwiseRow> rows;
  std::array<std::array<BlockLoop, kDTypeCount>, kDTypeCount> casts;  ///< [from][to]
};

namespace baseline {
const LoopSet& loop_set();
}
namespace avx2 {
const LoopSet& loop_set();
}
}  // namespace freestone::kernels
