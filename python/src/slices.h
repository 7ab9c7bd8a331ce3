/// Python's slices as the engine's.
#pragma once

#include <nanobind/nanobind.h>

#include <vector>

#include "freestone/ops/shape.h"

namespace freestone::python {

/// `items`: slice objects with integer or open bounds, and integers.
std::vector<Slice> slices_of(const nanobind::list& items);

}  // namespace freestone::python
