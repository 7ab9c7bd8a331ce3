/// Between NumPy and the engine: arrays over NumPy's memory, NumPy arrays over results. Nothing is copied either way.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "freestone/array/array.h"
#include "freestone/exec/compute.h"

namespace freestone::python {

namespace nb = nanobind;

/// Memory of any kind and order that DLPack or the buffer protocol gives.
using NumpyArray = nb::ndarray<nb::ro, nb::device::cpu>;

/// An array over the memory of `values`, which is kept alive as long as it is used.
/// @throws Error kind user: a dtype that Freestone does not have
Array array_from_numpy(const NumpyArray& values);

/// A NumPy array over the memory of `tensor`, which it keeps alive.
nb::object numpy_from_tensor(const Tensor& tensor);

/// The elements of an array that lies in memory already, or of a view of one, as a read-only NumPy array over them; None of any other array.
nb::object numpy_memory_of(const Array& array);

/// Whether an array is constants and ranges, looked at in some way: it has no data to be read.
bool is_made_of_nothing(const Array& array);

/// A new NumPy array of the shape and dtype of `like`, appended to `list`, which keeps it; the view is of its memory, in C order.
View numpy_memory(const View& like, nb::list& list);

nb::tuple tuple_of(const Dims& dims);

}  // namespace freestone::python
