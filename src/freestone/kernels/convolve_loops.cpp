#include "freestone/kernels/convolve_loops.h"

#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/convolve_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

ConvolveLoops convolve_loops() { return pick(&baseline::loops, &avx2::loops, &avx512::loops)(); }

}  // namespace freestone::kernels
