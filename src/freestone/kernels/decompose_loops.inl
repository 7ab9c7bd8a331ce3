// The reflections of decompose.cpp; compiled once for each target by for_each_target.h. Loops run along rows, so that no sum depends on the
// vector width.

FREESTONE_INLINE double times(double a, double b) { return a * b; }
FREESTONE_INLINE double mirrored(double a) { return a; }
FREESTONE_INLINE double square_of(double a) { return a * a; }
// Written out: the operator looks for infinities.
FREESTONE_INLINE std::complex<double> times(std::complex<double> a, std::complex<double> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
FREESTONE_INLINE std::complex<double> mirrored(std::complex<double> a) { return {a.real(), -a.imag()}; }
FREESTONE_INLINE double square_of(std::complex<double> a) { return a.real() * a.real() + a.imag() * a.imag(); }

template <class T>
void reflect(T* __restrict a, Index rows, Index columns, T* __restrict sums) {
  for (Index j = 0; j < std::min(rows, columns); ++j) {
    double squares = 0;
    for (Index i = j; i < rows; ++i) squares += square_of(a[i * columns + j]);
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
    a[j * columns + j] = -phase * length;
  }
}
