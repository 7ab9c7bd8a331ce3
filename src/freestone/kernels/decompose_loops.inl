// The reflections of decompose.cpp; compiled once for each target by for_each_target.h. Loops run along rows, so that no sum depends on the
// vector width.

FREESTONE_INLINE double scaled(double a, double by) { return a * by; }
FREESTONE_INLINE std::complex<double> scaled(std::complex<double> a, double by) { return {a.real() * by, a.imag() * by}; }
FREESTONE_INLINE bool squares_are_safe(double squares) { return squares > 0x1p-900 && squares < 0x1p900; }

/// |a|, also where its square overflows or vanishes.
template <class T>
FREESTONE_INLINE double size_of_number(T a) {
  const double square = square_of(a);
  if (squares_are_safe(square)) return std::sqrt(square);
  return std::hypot(std::real(a), std::imag(a));
}

/// Multiplies column j from row j on by a power of two that brings its largest element to between 1 and 2.
/// @returns that power, not more than 2^1000; 0: the column is zero, or not finite
template <class T>
double scale_column(T* a, Index rows, Index columns, Index j) {
  double largest = 0;
  for (Index i = j; i < rows; ++i) {
    const double part = largest_part(a[i * columns + j]);
    if (!(part <= std::numeric_limits<double>::max())) return 0;
    largest = std::max(largest, part);
  }
  if (largest == 0) return 0;
  const double power = std::ldexp(1.0, std::min(1000, -std::ilogb(largest)));
  for (Index i = j; i < rows; ++i) a[i * columns + j] = scaled(a[i * columns + j], power);
  return power;
}

template <class T>
void reflect(T* __restrict a, Index rows, Index columns, T* __restrict sums) {
  for (Index j = 0; j < std::min(rows, columns); ++j) {
    const auto sum_of_squares = [&] {
      double squares = 0;
      for (Index i = j; i < rows; ++i) squares += square_of(a[i * columns + j]);
      return squares;
    };
    double squares = sum_of_squares(), power = 1;
    // A reflection does not depend on the length of its vector.
    if (!squares_are_safe(squares)) {
      if (const double by = scale_column(a, rows, columns, j); by != 0) power = by, squares = sum_of_squares();
    }
    if (squares == 0) continue;
    const double length = std::sqrt(squares), first = std::sqrt(square_of(a[j * columns + j]));
    const T phase = first == 0 ? T(1) : a[j * columns + j] / first;
    const double factor = 1 / (length * (length + first));
    a[j * columns + j] += phase * length;
    for (Index c = j + 1; c < columns; ++c) sums[c] = T(0);
    for (Index i = j; i < rows; ++i) {
      const T v = mirrored(a[i * columns + j]);
      const T* row = a + i * columns;
      for (Index c = j + 1; c < columns; ++c) sums[c] += times(v, row[c]);
    }
    for (Index c = j + 1; c < columns; ++c) sums[c] *= factor;
    for (Index i = j; i < rows; ++i) {
      const T v = a[i * columns + j];
      T* row = a + i * columns;
      for (Index c = j + 1; c < columns; ++c) row[c] -= times(v, sums[c]);
    }
    a[j * columns + j] = scaled(-phase * length, 1 / power);
  }
}
