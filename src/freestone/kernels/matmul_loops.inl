// The micro-kernels of matmul_loops.h; compiled once for each target by for_each_target.h.

typedef float Floats __attribute__((vector_size(FREESTONE_VECTOR_BYTES)));
typedef double Doubles __attribute__((vector_size(FREESTONE_VECTOR_BYTES)));
template <class T>
using VectorOf = std::conditional_t<sizeof(T) == 4, Floats, Doubles>;

// The baseline may lack the instruction: there std::fma computes the same bits.
FREESTONE_INLINE Floats fused(float a, Floats b, Floats sum) {
#if FREESTONE_VECTOR_BYTES == 64
  return _mm512_fmadd_ps(_mm512_set1_ps(a), b, sum);
#elif FREESTONE_VECTOR_BYTES == 32
  return _mm256_fmadd_ps(_mm256_set1_ps(a), b, sum);
#else
  for (int l = 0; l < 4; ++l) sum[l] = std::fma(a, b[l], sum[l]);
  return sum;
#endif
}
FREESTONE_INLINE Doubles fused(double a, Doubles b, Doubles sum) {
#if FREESTONE_VECTOR_BYTES == 64
  return _mm512_fmadd_pd(_mm512_set1_pd(a), b, sum);
#elif FREESTONE_VECTOR_BYTES == 32
  return _mm256_fmadd_pd(_mm256_set1_pd(a), b, sum);
#else
  for (int l = 0; l < 2; ++l) sum[l] = std::fma(a, b[l], sum[l]);
  return sum;
#endif
}

// Rows and vectors of a block kept in registers.
#if FREESTONE_VECTOR_BYTES == 64
inline constexpr int kRealRows = 14, kRealVectors = 2, kComplexRows = 6, kComplexVectors = 2;
#elif FREESTONE_VECTOR_BYTES == 32
inline constexpr int kRealRows = 6, kRealVectors = 2, kComplexRows = 4, kComplexVectors = 1;
#else
inline constexpr int kRealRows = 4, kRealVectors = 2, kComplexRows = 2, kComplexVectors = 2;
#endif

template <class T, int kRows, int kVectors>
FREESTONE_INLINE void store_block(VectorOf<T> (&sum)[kRows][kVectors], T* c, Index row, bool add) {
  constexpr int kWidth = FREESTONE_VECTOR_BYTES / sizeof(T);
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int g = 0; g < kVectors; ++g) {
      T* to = c + i * row + g * kWidth;
      if (add) {
        VectorOf<T> before;
        __builtin_memcpy(&before, to, sizeof before);
        sum[i][g] = before + sum[i][g];
      }
      __builtin_memcpy(to, &sum[i][g], sizeof sum[i][g]);
    }
}

template <class T, int kRows, int kVectors>
void real_product(Index k, const T* a, const T* b, T* c, Index row, bool add) {
  using V = VectorOf<T>;
  constexpr int kWidth = FREESTONE_VECTOR_BYTES / sizeof(T);
  V sum[kRows][kVectors] = {};
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) __builtin_prefetch(c + i * row, 1);
#pragma GCC unroll 2
  for (Index p = 0; p < k; ++p) {
    V v[kVectors];
#pragma GCC unroll 4
    for (int g = 0; g < kVectors; ++g) __builtin_memcpy(&v[g], b + g * kWidth, sizeof v[g]);
    __builtin_prefetch(b + 8 * kVectors * kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
      for (int g = 0; g < kVectors; ++g) sum[i][g] = fused(a[i], v[g], sum[i][g]);
    }
    a += kRows, b += kVectors * kWidth;
  }
  store_block<T, kRows, kVectors>(sum, c, row, add);
}

template <class T, int kRows, int kVectors>
void complex_product(Index k, const T* a, const T* b, T* c, Index row, bool add) {
  using V = VectorOf<T>;
  constexpr int kWidth = FREESTONE_VECTOR_BYTES / sizeof(T), kColumns = kVectors * kWidth;
  V real[kRows][kVectors] = {}, imag[kRows][kVectors] = {};
  for (Index p = 0; p < k; ++p) {
    V re[kVectors], im[kVectors];
#pragma GCC unroll 4
    for (int g = 0; g < kVectors; ++g) {
      __builtin_memcpy(&re[g], b + g * kWidth, sizeof re[g]);
      __builtin_memcpy(&im[g], b + kColumns + g * kWidth, sizeof im[g]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const T x = a[i], y = a[kRows + i];
#pragma GCC unroll 4
      for (int g = 0; g < kVectors; ++g) {
        real[i][g] = fused(-y, im[g], fused(x, re[g], real[i][g]));
        imag[i][g] = fused(y, re[g], fused(x, im[g], imag[i][g]));
      }
    }
    a += 2 * kRows, b += 2 * kColumns;
  }
  store_block<T, kRows, kVectors>(real, c, row, add);
  store_block<T, kRows, kVectors>(imag, c + kColumns, row, add);
}

template <class T>
MatmulLoop<T> real_loop() {
  return {kRealRows, kRealVectors * static_cast<Index>(FREESTONE_VECTOR_BYTES / sizeof(T)), &real_product<T, kRealRows, kRealVectors>};
}
template <class T>
MatmulLoop<T> complex_loop() {
  return {kComplexRows, kComplexVectors * static_cast<Index>(FREESTONE_VECTOR_BYTES / sizeof(T)),
          &complex_product<T, kComplexRows, kComplexVectors>};
}

MatmulLoops matmul_loop_table() { return {real_loop<float>(), complex_loop<float>(), real_loop<double>(), complex_loop<double>()}; }
