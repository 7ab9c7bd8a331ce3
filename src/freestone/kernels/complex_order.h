/// NumPy's order of complex numbers: by the real parts, then by the imaginary ones. One with a NaN part is NaN: nothing is less than it, nor
/// is it less than anything.
#pragma once

#include <complex>

namespace freestone::kernels {

template <class R>
[[gnu::always_inline]] inline bool has_nan(std::complex<R> z) {
  return z.real() != z.real() || z.imag() != z.imag();
}
template <class R>
[[gnu::always_inline]] inline bool is_less(std::complex<R> a, std::complex<R> b) {
  return a.real() < b.real() ? !has_nan(a) && !has_nan(b) : a.real() == b.real() && a.imag() < b.imag();
}
template <class R>
[[gnu::always_inline]] inline bool is_less_or_equal(std::complex<R> a, std::complex<R> b) {
  return a == b || is_less(a, b);
}

}  // namespace freestone::kernels
