#include "freestone/kernels/fft_loops.h"

// What pocketfft includes, before it is included inside of namespaces.
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "freestone/kernels/dispatch.h"

#define POCKETFFT_NO_MULTITHREADING
#define FREESTONE_KERNEL_FILE "freestone/kernels/fft_loops.inl"
#include "freestone/kernels/for_each_target.h"

namespace freestone::kernels {

template <>
FftLoops<float> fft_loops() {
  return pick(&baseline::loops<float>, &avx2::loops<float>, &avx512::loops<float>)();
}

template <>
FftLoops<double> fft_loops() {
  return pick(&baseline::loops<double>, &avx2::loops<double>, &avx512::loops<double>)();
}

}  // namespace freestone::kernels
