/// Whether the elements of an array lie in deflated chunks, so that a copy of them can be stored as they are.
#pragma once

#include <optional>

#include "freestone/array/array.h"
#include "freestone/formats/format.h"

namespace freestone {

/// How the file of `array` deflates it; none: it does not, or `array` is more than a choice of a file's elements in some order (slices,
/// rechunked ones, several files in a row, of which the first counts).
std::optional<formats::Deflate> stored_deflate(const Array& array);

}  // namespace freestone
