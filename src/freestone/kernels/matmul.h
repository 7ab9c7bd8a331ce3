/// Matrix products: packed panels, a register-blocked micro-kernel, the same bits on every machine and for every tiling.
///
/// Each element of a product is summed along k in blocks of kMatmulBlock elements, anchored at the first: inside a block one chain of fused
/// multiply-adds in ascending order, starting from 0; the blocks are added in ascending order. Nothing in this depends on the tile, the
/// strides, the target or the vector width. Operands are packed into scratch before they are used, whatever their strides, so a transposed
/// one costs nothing extra; the same step converts them to the type that is computed in.
#pragma once

#include "freestone/core/buffer.h"
#include "freestone/core/cancel.h"
#include "freestone/core/view.h"

namespace freestone::kernels {

inline constexpr Index kMatmulBlock = 256;  // elements of k that are summed before they are added to the rest

/// out = a b, where a is (m, k), b is (k, n) and out is (m, n), any strides. `out.dtype` is computed in: floating and complex numbers fused
/// as above, integers modulo 2^bits, bool as "any of both".
/// A complex product adds re*re, then -im*im to the real part, re*im, then im*re to the imaginary one.
/// @param a, b  of any dtype that converts to out's (complex only where out is)
void matmul(const View& a, const View& b, const View& out, Scratch& scratch, const Cancel& cancel);

/// Bytes that `matmul` takes for a product of these extents.
Index matmul_scratch_bytes(Index m, Index n, Index k, DType dtype);

/// Nanoseconds of one core that `matmul` takes, roughly: for pricing.
double matmul_nanoseconds(Index m, Index n, Index k, DType dtype);

}  // namespace freestone::kernels
