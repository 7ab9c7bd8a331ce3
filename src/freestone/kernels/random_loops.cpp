#include "freestone/kernels/random_loops.h"

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/random_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

RandomLoops random_loops() { return pick(&baseline::loops, &avx2::loops, &avx512::loops)(); }

}  // namespace freestone::kernels
