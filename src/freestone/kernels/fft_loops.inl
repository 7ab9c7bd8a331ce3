// A namespace `pocketfft` for each target. Its vectors are as wide as these macros say, which g++ does not define for a target of a pragma.
#undef POCKETFFT_HDRONLY_H
#pragma push_macro("__AVX__")
#pragma push_macro("__AVX512F__")
#undef __AVX__
#undef __AVX512F__
#if FREESTONE_VECTOR_BYTES == 64
#define __AVX512F__ 1
#elif FREESTONE_VECTOR_BYTES == 32
#define __AVX__ 1
#endif
#include <pocketfft_hdronly.h>
#pragma pop_macro("__AVX__")
#pragma pop_macro("__AVX512F__")

template <class T>
void transform(const View& in, int axis, const FftRequest& r, const View& out) {
  const pocketfft::shape_t axes{static_cast<std::size_t>(axis)};
  const pocketfft::stride_t in_strides(in.strides.begin(), in.strides.end()), out_strides(out.strides.begin(), out.strides.end());
  pocketfft::shape_t shape(in.shape.begin(), in.shape.end());
  shape[axes[0]] = static_cast<std::size_t>(r.n);
  const auto scale = static_cast<T>(r.scale);
  using Complex = std::complex<T>;
  switch (r.kind) {
    case FftKind::kComplex:
      return pocketfft::c2c(shape, in_strides, out_strides, axes, r.forward, in.as<const Complex>(), out.as<Complex>(), scale);
    case FftKind::kToReal:
      return pocketfft::c2r(shape, in_strides, out_strides, axes[0], r.forward, in.as<const Complex>(), out.as<T>(), scale);
    case FftKind::kReal:
    case FftKind::kRealFull:
      return pocketfft::r2c(shape, in_strides, out_strides, axes[0], r.forward, in.as<const T>(), out.as<Complex>(), scale);
  }
}

// Real and imaginary parts out of two vectors of both, and back.
template <class V, std::size_t... k>
FREESTONE_INLINE void part(V first, V second, V& real, V& imaginary, std::index_sequence<k...>) {
  real = __builtin_shufflevector(first, second, (2 * k)...);
  imaginary = __builtin_shufflevector(first, second, (2 * k + 1)...);
}
template <class V, std::size_t... k>
FREESTONE_INLINE void join(V real, V imaginary, V& first, V& second, std::index_sequence<k...>) {
  constexpr std::size_t kLanes = sizeof...(k);
  first = __builtin_shufflevector(real, imaginary, (k / 2 + k % 2 * kLanes)...);
  second = __builtin_shufflevector(real, imaginary, (kLanes / 2 + k / 2 + k % 2 * kLanes)...);
}

// Whole stretches of every row are read and written: a line of its own in each row is a miss each.
template <class T>
Index transform_columns(const View& in, int axis, const FftRequest& r, const View& out, Index columns, Scratch& scratch) {
  constexpr Index kLanes = static_cast<Index>(pocketfft::detail::VLEN<T>::val);
  static_assert(kLanes == static_cast<Index>(FREESTONE_VECTOR_BYTES / sizeof(T)));
  using Vector = pocketfft::detail::vtype_t<T>;
  using Lanes = pocketfft::detail::cmplx<Vector>;
  constexpr auto kNumbers = std::make_index_sequence<static_cast<std::size_t>(kLanes)>();
  constexpr Index kElement = 2 * sizeof(T);
  const Index mark = scratch.used(), groups = columns / kLanes;
  const Index apart = Scratch::rounded(r.n * static_cast<Index>(sizeof(Lanes))) + Buffer::kAlignment;  // not a power of two
  std::byte* const memory = scratch.take(groups * apart);
  const auto group = [&](Index g) { return reinterpret_cast<Lanes*>(memory + g * apart); };
  const auto plan = pocketfft::detail::get_plan<pocketfft::detail::pocketfft_c<T>>(static_cast<std::size_t>(r.n));
  View from = in, to = out;
  from.shape[axis] = to.shape[axis] = 1;
  const Index done = out.shape.back() / columns * columns;
  for_each_row(to.shape, {&from, &to}, [&](std::byte** row) {
    for (Index at = 0; at < done; at += columns) {
      for (Index i = 0; i < r.n; ++i) {
        const T* p = reinterpret_cast<const T*>(row[0] + i * in.strides[axis] + at * kElement);
        for (Index g = 0; g < groups; ++g, p += 2 * kLanes) {
          Vector first, second;
          std::memcpy(&first, p, sizeof first), std::memcpy(&second, p + kLanes, sizeof second);
          part(first, second, group(g)[i].r, group(g)[i].i, kNumbers);
        }
      }
      for (Index g = 0; g < groups; ++g) plan->exec(group(g), static_cast<T>(r.scale), r.forward);
      for (Index i = 0; i < r.n; ++i) {
        T* p = reinterpret_cast<T*>(row[1] + i * out.strides[axis] + at * kElement);
        for (Index g = 0; g < groups; ++g, p += 2 * kLanes) {
          Vector first, second;
          join(group(g)[i].r, group(g)[i].i, first, second, kNumbers);
          std::memcpy(p, &first, sizeof first), std::memcpy(p + kLanes, &second, sizeof second);
        }
      }
    }
  });
  scratch.release_to(mark);
  return done;
}

// A square of as many vectors as they have elements, turned over: blocks beside the diagonal change places, then those within each block.
template <std::size_t kHalf, class V, std::size_t... k>
FREESTONE_INLINE void swap_blocks(V& upper, V& lower, std::index_sequence<k...>) {
  constexpr std::size_t kLanes = sizeof...(k);
  const V turned = __builtin_shufflevector(upper, lower, ((k & kHalf) != 0 ? kLanes + k - kHalf : k)...);
  lower = __builtin_shufflevector(upper, lower, ((k & kHalf) != 0 ? kLanes + k : k + kHalf)...);
  upper = turned;
}
template <std::size_t kHalf, class V, std::size_t kLanes>
FREESTONE_INLINE void turn_over(V (&square)[kLanes]) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i)
    if ((i & kHalf) == 0) swap_blocks<kHalf>(square[i], square[i + kHalf], std::make_index_sequence<kLanes>());
  if constexpr (kHalf > 1) turn_over<kHalf / 2>(square);
}

// Complex numbers of a vector in the opposite order, conjugate.
template <class V, std::size_t... k>
FREESTONE_INLINE V mirrored(V v, std::index_sequence<k...>) {
  constexpr std::size_t kLanes = sizeof...(k);
  return __builtin_shufflevector(v, -v, (kLanes - 2 - k + k % 2 * (kLanes + 2))...);
}
/// The second half of a line of n complex numbers: the first one's mirror image, conjugate.
template <class V, class T>
FREESTONE_INLINE void mirror_line(T* line, Index n) {
  constexpr std::size_t kLanes = sizeof(V) / sizeof(T);
  constexpr Index kPairs = static_cast<Index>(kLanes / 2);
  const Index half = (n - 1) / 2;
  Index k = 1;
  for (; k + kPairs <= half + 1; k += kPairs) {
    V v;
    std::memcpy(&v, line + 2 * k, sizeof v);
    v = mirrored(v, std::make_index_sequence<kLanes>());
    std::memcpy(line + 2 * (n - k - kPairs + 1), &v, sizeof v);
  }
  for (; k <= half; ++k) line[2 * (n - k)] = line[2 * k], line[2 * (n - k) + 1] = -line[2 * k + 1];
}

// Lines come into the lanes of vectors, and out of them, in squares: element by element that takes longer than the transform.
template <class T>
void transform_rows(const View& in, int axis, const FftRequest& r, const View& out, Scratch& scratch) {
  constexpr std::size_t kLanes = pocketfft::detail::VLEN<T>::val;
  constexpr Index kStep = static_cast<Index>(kLanes);
  using Vector = pocketfft::detail::vtype_t<T>;
  const Index n = r.n, mark = scratch.used();
  auto* const values = reinterpret_cast<Vector*>(scratch.take(n * static_cast<Index>(sizeof(Vector))));
  const auto plan = pocketfft::detail::get_plan<pocketfft::detail::pocketfft_r<T>>(static_cast<std::size_t>(n));
  const T* from[kLanes];
  T* to[kLanes];
  std::size_t held = 0;
  const auto run = [&] {
    for (std::size_t l = held; l < kLanes; ++l) from[l] = from[0];  // lanes without a line
    Vector square[kLanes];
    Index i = 0;
    for (; i + kStep <= n; i += kStep) {
      for (std::size_t l = 0; l < kLanes; ++l) std::memcpy(&square[l], from[l] + i, sizeof(Vector));
      turn_over<kLanes / 2>(square);
      for (std::size_t k = 0; k < kLanes; ++k) values[i + static_cast<Index>(k)] = square[k];
    }
    for (; i < n; ++i)
      for (std::size_t l = 0; l < kLanes; ++l) values[i][l] = from[l][i];
    plan->exec(values, static_cast<T>(r.scale), true);
    // Real part of element 0, then both parts of each: an imaginary part is missing there, and in the middle of an even number.
    for (std::size_t l = 0; l < held; ++l) to[l][0] = values[0][l], to[l][1] = 0;
    for (i = 1; i + kStep <= n; i += kStep) {
      for (std::size_t k = 0; k < kLanes; ++k) square[k] = values[i + static_cast<Index>(k)];
      turn_over<kLanes / 2>(square);
      for (std::size_t l = 0; l < held; ++l) std::memcpy(to[l] + i + 1, &square[l], sizeof(Vector));
    }
    for (; i < n; ++i)
      for (std::size_t l = 0; l < held; ++l) to[l][i + 1] = values[i][l];
    for (std::size_t l = 0; l < held; ++l) {
      if (n % 2 == 0) to[l][n + 1] = 0;
      if (r.kind == FftKind::kRealFull) mirror_line<Vector>(to[l], n);
    }
    held = 0;
  };
  View lines = in, results = out;
  lines.shape[axis] = results.shape[axis] = 1;
  for_each_row(results.shape, {&lines, &results}, [&](std::byte** row) {
    from[held] = reinterpret_cast<const T*>(row[0]), to[held] = reinterpret_cast<T*>(row[1]);
    if (++held == kLanes) run();
  });
  if (held > 0) run();
  scratch.release_to(mark);
}

template <class T>
FftLoops<T> loops() {
  return {&transform<T>, &transform_columns<T>, &transform_rows<T>};
}
