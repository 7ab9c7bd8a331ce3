#include "freestone/kernels/fold_loops.h"

#include <type_traits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "freestone/kernels/dispatch.h"
#include "freestone/kernels/fold_rules.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/fold_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

FoldLoops fold_loops(FoldRule rule, bool skip_nan, LaneType type) {
  return pick(&baseline::fold_loops, &avx2::fold_loops, &avx512::fold_loops)(rule, skip_nan, type);
}

MergeSums merge_sums() { return pick(&baseline::merge_sums, &avx2::merge_sums, &avx512::merge_sums); }

}  // namespace freestone::kernels
