/// The inner loops of random.h.
#pragma once

#include <cstdint>

#include "freestone/base/quantity.h"

namespace freestone::kernels {

/// Blocks that one call makes.
inline constexpr int kRandomBatch = 256;

struct RandomLoops {
  /// Words of blocks first ... first + kRandomBatch - 1, 4 each.
  void (*words)(std::uint64_t seed, std::uint32_t stream, std::uint64_t first, std::uint32_t* out);
  /// The middle of the normal quantile, right for |p - 1/2| <= 0.425, for any n.
  void (*central_normal)(const double* p_minus_half, Index n, double* out);
};

RandomLoops random_loops();

}  // namespace freestone::kernels
