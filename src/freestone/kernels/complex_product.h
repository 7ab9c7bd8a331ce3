/// Arithmetic of numbers that may be complex, for loops that are written once for both kinds.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>

namespace freestone::kernels {

template <class R>
[[gnu::always_inline]] inline R times(R a, R b) {
  return a * b;
}
/// Without the operator's rescue of infinities. Both parts are sums: of a pair (x - y, z + w) of products GCC 12 makes fused multiply-adds
/// where it vectorises, -ffp-contract=off notwithstanding, and the bits would depend on an element's place and on the processor.
template <class R>
[[gnu::always_inline]] inline std::complex<R> times(std::complex<R> a, std::complex<R> b) {
  const R minus_imag = -a.imag();
  return {a.real() * b.real() + minus_imag * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

/// The complex conjugate.
[[gnu::always_inline]] inline double mirrored(double a) { return a; }
[[gnu::always_inline]] inline std::complex<double> mirrored(std::complex<double> a) { return {a.real(), -a.imag()}; }

/// |a|^2.
[[gnu::always_inline]] inline double square_of(double a) { return a * a; }
[[gnu::always_inline]] inline double square_of(std::complex<double> a) { return a.real() * a.real() + a.imag() * a.imag(); }

[[gnu::always_inline]] inline double largest_part(double a) { return std::fabs(a); }
[[gnu::always_inline]] inline double largest_part(std::complex<double> a) { return std::max(std::fabs(a.real()), std::fabs(a.imag())); }

}  // namespace freestone::kernels
