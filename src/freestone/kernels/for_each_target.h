// Includes FREESTONE_KERNEL_FILE once for each Target. Every header that the file needs is included before; the file itself includes none,
// and defines its functions inside the namespace that is open here. No include guard: each use is a new expansion.

#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // in g++ 12's own avx512fintrin.h

#define FREESTONE_INLINE [[gnu::always_inline]] inline

#define FREESTONE_VECTOR_BYTES 16
namespace freestone::kernels::baseline {
#include FREESTONE_KERNEL_FILE
}
#undef FREESTONE_VECTOR_BYTES

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#define FREESTONE_VECTOR_BYTES 32
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace freestone::kernels::avx2 {
#include FREESTONE_KERNEL_FILE
}
#pragma GCC pop_options
#undef FREESTONE_VECTOR_BYTES

#ifndef FREESTONE_WITHOUT_AVX512
#define FREESTONE_VECTOR_BYTES 64
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
namespace freestone::kernels::avx512 {
#include FREESTONE_KERNEL_FILE
}
#pragma GCC pop_options
#undef FREESTONE_VECTOR_BYTES
#else  // loops that memory bounds gain nothing from wider vectors
namespace freestone::kernels {
namespace avx512 = avx2;
}  // namespace freestone::kernels
#endif

#else

namespace freestone::kernels {
namespace avx2 = baseline;
namespace avx512 = baseline;
}  // namespace freestone::kernels

#endif
