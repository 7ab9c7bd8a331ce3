#include "freestone/kernels/elementwise_loops.h"

#include <cmath>
#include <limits>
#include <type_traits>

#define FREESTONE_WITHOUT_AVX512
#define FREESTONE_KERNEL_FILE "freestone/kernels/elementwise_loops.inl"
#include "freestone/kernels/for_each_target.h"
