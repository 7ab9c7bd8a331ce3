/// Derivatives, integrals and polynomials of sampled numbers, by NumPy's names. Composed of slices and arithmetic.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// The second-order accurate derivative along `axis` (numpy.gradient): central differences, one-sided of first order at both ends.
/// @param spacing  of the samples
/// @returns    shape of `a`; floating and complex dtypes stay, others give float64
/// @throws Error kind user: fewer than two samples along the axis, axis out of range
Array gradient(const Array& a, double spacing = 1, int axis = -1);
/// Samples at the coordinates `at` (rank 1, as long as the axis, any distances).
Array gradient(const Array& a, const Array& at, int axis = -1);

/// The integral along `axis` by trapezoids (numpy.trapezoid). @returns the shape of `a` without `axis`
/// @throws Error kind user: axis out of range, coordinates of another length
Array trapezoid(const Array& a, double spacing = 1, int axis = -1);
Array trapezoid(const Array& a, const Array& at, int axis = -1);
/// The running integral, one element shorter, or with a 0 first as long as the axis (scipy.integrate.cumulative_trapezoid).
Array cumulative_trapezoid(const Array& a, double spacing = 1, int axis = -1, bool include_initial = false);

/// Phases without jumps: differences of neighbours beyond half a period become their complement (numpy.unwrap).
/// @throws Error kind user: complex dtype, a period that is not above 0
Array unwrap(const Array& a, double period = 6.283185307179586, int axis = -1);

/// coefficients[0] x^(n-1) + ... + coefficients[n-1], by Horner's rule (numpy.polyval).
Array polyval(const std::vector<double>& coefficients, const Array& x);

enum class ConvolveMode { kFull, kSame, kValid };
/// numpy.convolve of two vectors: `kernel` in memory, reversed against `a`; everything beyond the ends counts as 0.
/// @throws Error kind user: not a vector, an empty kernel or array
Array convolve_1d(const Array& a, const std::vector<double>& kernel, ConvolveMode mode = ConvolveMode::kFull);

}  // namespace freestone
