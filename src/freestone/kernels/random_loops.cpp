#include "freestone/kernels/random_loops.h"

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/random_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

RandomLoops random_loops() { return pick(&baseline::random_loop_set, &avx2::random_loop_set, &avx512::random_loop_set)(); }

}  // namespace freestone::kernels
