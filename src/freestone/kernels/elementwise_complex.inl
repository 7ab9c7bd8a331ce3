// Complex arithmetic as NumPy defines it, which C++ leaves open: no rescue of infinities in products, Smith's quotient, integer powers by
// squaring. Part of elementwise_loops.inl. Functions that the C library defines (exp, sqrt, sin...) are called from the functors.

template <class T>
struct RealOf {
  using type = T;
};
template <class R>
struct RealOf<std::complex<R>> {
  using type = R;
};
template <class T>
using Real = typename RealOf<T>::type;
template <class T>
constexpr bool kIsComplex = !std::is_same_v<T, Real<T>>;

/// Smith (1962), Algorithm 116: complex division.
template <class R>
std::complex<R> quotient_of(std::complex<R> a, std::complex<R> b) {
  const R size_re = std::fabs(b.real()), size_im = std::fabs(b.imag());
  if (size_re >= size_im) {
    if (size_re == 0 && size_im == 0) return {a.real() / size_re, a.imag() / size_re};
    const R ratio = b.imag() / b.real(), scale = R(1) / (b.real() + b.imag() * ratio);
    return {(a.real() + a.imag() * ratio) * scale, (a.imag() - a.real() * ratio) * scale};
  }
  const R ratio = b.real() / b.imag(), scale = R(1) / (b.imag() + b.real() * ratio);
  return {(a.real() * ratio + a.imag()) * scale, (a.imag() * ratio - a.real()) * scale};
}

template <class R>
std::complex<R> power_of(std::complex<R> a, std::complex<R> b) {
  constexpr R kNaN = std::numeric_limits<R>::quiet_NaN();
  if (b.real() == 0 && b.imag() == 0) return {1, 0};
  if (a.real() == 0 && a.imag() == 0) return b.real() > 0 && b.imag() == 0 ? std::complex<R>{0, 0} : std::complex<R>{kNaN, kNaN};
  if (b.imag() == 0 && std::fabs(b.real()) < 100 && b.real() == std::trunc(b.real())) {
    std::complex<R> result{1, 0}, base = a;
    bool first = true;
    for (int e = static_cast<int>(std::fabs(b.real())); e != 0; e >>= 1) {
      if (e & 1) result = first ? base : times(result, base), first = false;
      if (e > 1) base = times(base, base);
    }
    return b.real() < 0 ? quotient_of(std::complex<R>{1, 0}, result) : result;
  }
  return std::pow(a, b);
}

/// z / |z|; 0 stays, an infinite part is all that counts, and where two are infinite or one is NaN there is no sign.
template <class R>
std::complex<R> sign_of(std::complex<R> z) {
  const R size = std::hypot(z.real(), z.imag());
  const bool inf_re = std::isinf(z.real()), inf_im = std::isinf(z.imag());
  constexpr R kNaN = std::numeric_limits<R>::quiet_NaN();
  if (size != size || z.real() != z.real() || z.imag() != z.imag() || (inf_re && inf_im)) return {kNaN, kNaN};
  if (inf_re) return {std::copysign(R(1), z.real()), 0};
  if (inf_im) return {0, std::copysign(R(1), z.imag())};
  if (size == 0) return {0, 0};
  return {z.real() / size, z.imag() / size};
}

/// exp(z) - 1; on the real axis and at infinity as C99's Annex G has it for exp.
template <class R>
std::complex<R> expm1_of(std::complex<R> z) {
  if (z.imag() == 0) return {std::expm1(z.real()), z.imag()};
  if (std::isinf(z.real()) && !std::isfinite(z.imag())) {
    constexpr R kNaN = std::numeric_limits<R>::quiet_NaN();
    return z.real() < 0 ? std::complex<R>(-1, 0) : std::complex<R>(z.real(), kNaN);
  }
  const R half = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())};
}

/// At infinity the imaginary 0 has the sign of z's, as the array API wants it; C99 has that of sin(2 imag).
template <class R>
std::complex<R> tanh_of(std::complex<R> z) {
  if (std::isinf(z.real()) && std::isfinite(z.imag())) return {std::copysign(R(1), z.real()), std::copysign(R(0), z.imag())};
  return std::tanh(z);
}

template <class R>
std::complex<R> log1p_of(std::complex<R> z) {
  return {std::log(std::hypot(z.real() + 1, z.imag())), std::atan2(z.imag(), z.real() + 1)};
}

/// Applies `f` to both parts.
template <class R, class F>
std::complex<R> parts_of(std::complex<R> z, F f) {
  return {f(z.real()), f(z.imag())};
}
