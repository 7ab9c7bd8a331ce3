/// Python's arguments as the engine's: numbers, dtypes, slices, indices.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>
#include <string>
#include <vector>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"

namespace freestone::python {

namespace nb = nanobind;

/// An array, or a number of Python's, which is weak.
/// @throws TypeError: neither; Error kind user: an integer beyond 64 bits
Operand operand_of(nb::handle value);

/// "" is no dtype.
std::optional<DType> dtype_from(const std::string& name);

/// `items`: slice objects with integer or open bounds, and integers.
std::vector<Slice> slices_of(const nb::list& items);

/// `items`: slices, integers, None, Ellipsis, and NumPy arrays of int64 or bool in C order.
std::vector<IndexItem> index_items_of(const nb::list& items);

/// A NumPy array of int64, any shape.
IndexArray index_array_of(nb::handle values);

/// A NumPy array of bool, any shape.
MaskArray mask_array_of(nb::handle values);

}  // namespace freestone::python
