/// Axes moved, added, dropped and turned: views by NumPy's names.
#pragma once

#include <vector>

#include "freestone/array/array.h"

namespace freestone {

/// Axis k of the result is axis `order[k]` of `a`.
Array permute_dims(const Array& a, const std::vector<int>& order);
/// Axis sources[i] becomes number destinations[i]; the others keep their order.
/// @throws Error kind user: out of range, named twice, numbers that differ
Array moveaxis(const Array& a, const std::vector<int>& sources, const std::vector<int>& destinations);
Array swapaxes(const Array& a, int first, int second);
/// Axis `axis` goes back until it stands before what is now axis `start`.
Array rollaxis(const Array& a, int axis, int start = 0);

/// New axes of length 1, numbers `axes` of the result.
Array expand_dims(const Array& a, const std::vector<int>& axes);
/// Drops axes of length 1: those named, or all when none is.
Array squeeze(const Array& a, const std::vector<int>& axes);
/// Reversed along `axes`; along all when none is named.
Array flip(const Array& a, const std::vector<int>& axes);
/// Turned k times by 90 degrees in the plane of two axes, from the first towards the second.
Array rot90(const Array& a, int k = 1, int first = 0, int second = 1);

/// At least `rank` axes: new ones of length 1 in front.
Array atleast_nd(const Array& a, int rank);
/// NumPy's atleast_3d: (n) becomes (1, n, 1), (m, n) becomes (m, n, 1).
Array atleast_3d(const Array& a);

/// All broadcast to the shape that they share.
/// @throws Error kind user: they do not share one
std::vector<Array> broadcast_arrays(const std::vector<Array>& arrays);

}  // namespace freestone
