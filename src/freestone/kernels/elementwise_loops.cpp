#include "freestone/kernels/elementwise_loops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

#include "freestone/kernels/complex_order.h"
#include "freestone/kernels/complex_product.h"

#define FREESTONE_WITHOUT_AVX512
#define FREESTONE_KERNEL_FILE "freestone/kernels/elementwise_loops.inl"
#include "freestone/kernels/for_each_target.h"
