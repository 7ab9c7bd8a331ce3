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

template <class T>
FftLoops<T> loops() {
  return {&transform<T>, &transform_columns<T>};
}
