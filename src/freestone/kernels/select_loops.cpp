#include "freestone/kernels/select_loops.h"

#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "freestone/kernels/dispatch.h"

#define FREESTONE_KERNEL_FILE "freestone/kernels/select_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

template <class T>
SelectLoops<T> select_loops() {
  return pick(&baseline::loops<T>, &avx2::loops<T>, &avx512::loops<T>)();
}
template SelectLoops<float> select_loops<float>();
template SelectLoops<double> select_loops<double>();

}  // namespace freestone::kernels
