/// Expressions of `calc` and `mask`: arithmetic on named arrays, as Python writes it.
///
///     (x - c) / sqrt(x)        x > 3*rms and isfinite(c)        x / mean(x, axis=spectral)
///
/// Operators and functions are the rows of the elementwise table, by symbol and by name; reductions take an array and
/// `axis=` (a name, a number, or several in parentheses; none: all axes), percentile also `q=`. A reduction's name alone
/// is that of `x`. Arrays meet by the names of their dimensions: an image is subtracted from every plane of a cube, a
/// spectrum from every spectrum. Units follow: what is added or compared must convert, products multiply.
#pragma once

#include <map>
#include <string>

#include "freestone/astro/sky_array.h"

namespace freestone::cli {

struct ExpressionResult {
  Array data;
  std::vector<std::string> dims;
  Unit unit;
};

/// @param x      what the name `x` means
/// @param named  further names
/// @param has_x  false: `x` only says in which order axes are, and is no name
/// @throws UsageError   the text is no expression: says where; unknown name (with the nearest)
/// @throws Error kind user: shapes that do not broadcast, units that do not convert
ExpressionResult evaluate(const std::string& text, const astro::SkyArray& x, const std::map<std::string, astro::SkyArray>& named,
                          bool has_x = true);

}  // namespace freestone::cli
