// Integers divided by one and the same number: a product and a shift each, where the processor's division takes several times as long and
// knows no vectors. Part of elementwise_loops.inl.

/// Floored quotients by `d` > 0, of integers that are computed as unsigned ones of kBits bits (at least 32).
///
/// With 2^(L-1) < d <= 2^L and 0 <= u <= 2^(kBits-1): u / d = u * ceil(2^(kBits-1+L) / d) >> (kBits-1+L), for the factor is too large by less
/// than one, and the product by less than 1/d. It fits kBits bits. What is below zero is the complement of the quotient of its complement.
/// Where u has all kBits bits, the factor has one more: 2^kBits + floor(2^kBits (2^L - d) / d) + 1, of which `factor` is what is behind the
/// first bit; the sum is halved before it overflows (Granlund and Montgomery 1994).
template <class T>
struct Divisor {
  using U = Wrap<T>;
  using Product = std::conditional_t<sizeof(U) == 4, std::uint64_t, unsigned __int128>;
  static constexpr int kBits = 8 * sizeof(U);
  static constexpr bool kFits = std::is_signed_v<T> || sizeof(T) < sizeof(U);  // no operand has the highest bit

  U factor;
  int shift;

  explicit Divisor(T d) {
    const int length = std::bit_width(static_cast<U>(static_cast<U>(d) - 1));  // L
    if constexpr (kFits) {
      shift = kBits - 1 + length;
      factor = static_cast<U>(((Product{1} << shift) + static_cast<U>(d) - 1) / static_cast<U>(d));
    } else {
      shift = length;
      factor = static_cast<U>((((Product{1} << length) - static_cast<U>(d)) << kBits) / static_cast<U>(d) + 1);
    }
  }

  FREESTONE_INLINE T floored(T a) const {
    if constexpr (kFits) {
      const U below = std::is_signed_v<T> && a < 0 ? static_cast<U>(-1) : U{0};
      const U u = static_cast<U>(a) ^ below;
      return static_cast<T>(static_cast<U>((Product{u} * factor) >> shift) ^ below);
    } else {
      const U high = static_cast<U>((Product{a} * factor) >> kBits);
      return shift == 0 ? a : static_cast<T>((high + ((a - high) >> 1)) >> (shift - 1));
    }
  }
};

/// FloorDivide or Remainder of integers.
template <class F, class T>
void quotients(const std::byte* const* in, std::byte* out, Index n) {
  const T* a = reinterpret_cast<const T*>(in[0]);
  const T* b = reinterpret_cast<const T*>(in[1]);
  T* r = reinterpret_cast<T*>(out);
  const bool is_constant = n >= 32 && b[0] > 0 && std::memcmp(b, b + 1, static_cast<std::size_t>(n - 1) * sizeof(T)) == 0;
  if (!is_constant) return for_elements<F>(r, n, a, b);
  const T d = b[0];  // `out` may be where it stands
  const Divisor<T> divisor(d);
  for (Index i = 0; i < n; ++i) {
    const T q = divisor.floored(a[i]);
    if constexpr (std::is_same_v<F, FloorDivide>) r[i] = q;
    else r[i] = static_cast<T>(Wrap<T>(a[i]) - Wrap<T>(q) * Wrap<T>(d));
  }
}
