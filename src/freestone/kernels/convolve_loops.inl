// The vector loops of convolve_loops.h; compiled once for each target by for_each_target.h.

typedef double Doubles __attribute__((vector_size(FREESTONE_VECTOR_BYTES)));
inline constexpr int kWidth = FREESTONE_VECTOR_BYTES / 8;
inline constexpr int kRows = 4;                                        // output rows and
inline constexpr int kVectors = FREESTONE_VECTOR_BYTES == 64 ? 4 : 2;  // vectors of them kept in registers

// The baseline may lack the instruction: there std::fma computes the same bits.
FREESTONE_INLINE Doubles fused(double w, Doubles v, Doubles sum) {
#if FREESTONE_VECTOR_BYTES == 64
  return _mm512_fmadd_pd(_mm512_set1_pd(w), v, sum);
#elif FREESTONE_VECTOR_BYTES == 32
  return _mm256_fmadd_pd(_mm256_set1_pd(w), v, sum);
#else
  for (int l = 0; l < kWidth; ++l) sum[l] = std::fma(w, v[l], sum[l]);
  return sum;
#endif
}

// One input row: tap row ty = first - r of output row r, for the rows [from, to).
FREESTONE_INLINE void add_row(const double* in, const double* weights, Index first, Index kx, int from, int to,
                              Doubles (&sum)[kRows][kVectors]) {
  for (Index tx = 0; tx < kx; ++tx) {
    Doubles v[kVectors];
#pragma GCC unroll 4
    for (int g = 0; g < kVectors; ++g) __builtin_memcpy(&v[g], in + tx + g * kWidth, sizeof v[g]);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      if (r < from || r >= to) continue;
      const double w = weights[(first - r) * kx + tx];
#pragma GCC unroll 4
      for (int g = 0; g < kVectors; ++g) sum[r][g] = fused(w, v[g], sum[r][g]);
    }
  }
}

template <bool kOneColumn>
FREESTONE_INLINE void correlate_patch(const double* in, Index stride, const double* weights, Index ky, Index kernel_columns, double* out) {
  const Index kx = kOneColumn ? 1 : kernel_columns;
  for (Index y = 0; y < kPatchRows; y += kRows)
    for (Index x = 0; x < kPatchColumns; x += kVectors * kWidth) {
      Doubles sum[kRows][kVectors] = {};
      const double* corner = in + y * stride + x;
      Index i = 0;
      for (; i < kRows - 1; ++i)
        add_row(corner + i * stride, weights, i, kx, i < ky ? 0 : static_cast<int>(i - ky + 1), static_cast<int>(i + 1), sum);
      for (; i < ky; ++i) add_row(corner + i * stride, weights, i, kx, 0, kRows, sum);
      for (; i < ky + kRows - 1; ++i) add_row(corner + i * stride, weights, i, kx, static_cast<int>(i - ky + 1), kRows, sum);
      for (int r = 0; r < kRows; ++r)
        for (int g = 0; g < kVectors; ++g) __builtin_memcpy(out + (y + r) * kPatchColumns + x + g * kWidth, &sum[r][g], sizeof sum[r][g]);
    }
}

void correlate(const double* in, Index stride, const double* weights, Index ky, Index kx, double* out) {
  if (kx == 1)
    correlate_patch<true>(in, stride, weights, ky, kx, out);
  else
    correlate_patch<false>(in, stride, weights, ky, kx, out);
}

// A vector of doubles from memory; written out where the compiler would convert in halves.
FREESTONE_INLINE Doubles as_doubles(const double* from) {
  Doubles v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
FREESTONE_INLINE Doubles as_doubles(const float* from) {
#if FREESTONE_VECTOR_BYTES == 64
  return (Doubles)_mm512_cvtps_pd(_mm256_loadu_ps(from));
#elif FREESTONE_VECTOR_BYTES == 32
  return (Doubles)_mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  return Doubles{from[0], from[1]};
#endif
}

template <class T>
bool read_row(const T* from, Index n, bool replace, double* to) {
  bool missing = false;
  Index i = 0;
  Doubles invalid{};  // 1 in a lane that met NaN
  for (; i + kWidth <= n; i += kWidth) {
    Doubles v = as_doubles(from + i);
    if (replace) {
      const Doubles kept = v == v ? v : Doubles{};
      invalid = v == v ? invalid : Doubles{} + 1.0;
      v = kept;
    }
    __builtin_memcpy(to + i, &v, sizeof v);
  }
  for (int l = 0; l < kWidth; ++l) missing |= invalid[l] != 0;
  for (; i < n; ++i) {
    const double v = static_cast<double>(from[i]);
    const bool is_missing = replace && v != v;
    missing |= is_missing;
    to[i] = is_missing ? 0.0 : v;
  }
  return missing;
}

ConvolveLoops loops() { return {&correlate, &read_row<float>, &read_row<double>}; }
