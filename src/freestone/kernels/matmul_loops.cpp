#include "freestone/kernels/matmul_loops.h"

#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/matmul_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

MatmulLoops matmul_loops() { return pick(&baseline::matmul_loop_table, &avx2::matmul_loop_table, &avx512::matmul_loop_table)(); }

}  // namespace freestone::kernels
