/// The Python module freestone._core: the C++ engine under the thin package freestone.
///
/// The Python files give names, defaults, docstrings and NumPy and astropy objects; everything else is C++. Functions here take plain
/// arguments in a fixed order. The GIL is released wherever files are opened, plans made, or results computed.
#pragma once

#include <nanobind/nanobind.h>

namespace freestone::python {

namespace nb = nanobind;

/// Errors become freestone.errors' exceptions.
void bind_errors(nb::module_& module);
void bind_array(nb::module_& module);
/// Creation, manipulation, random numbers.
void bind_shapes(nb::module_& module);
void bind_indexing(nb::module_& module);
void bind_reductions(nb::module_& module);
void bind_matrices(nb::module_& module);
/// `open`, and what it gives for a group.
void bind_dataset(nb::module_& module);
/// `open_contents`: a file as it is stored.
void bind_contents(nb::module_& module);
void bind_raster(nb::module_& module);
/// What is done with a Dataset's labels.
void bind_labels(nb::module_& module);
void bind_pickle(nb::module_& module);
/// Arrays that Python functions read.
void bind_python_source(nb::module_& module);
void bind_user(nb::module_& module);
/// Profiles, progress, pictures.
void bind_watch(nb::module_& module);
void bind_run(nb::module_& module);
/// Runs whose tiles other processes run, and those processes' side.
void bind_cluster(nb::module_& module);
void bind_sky(nb::module_& module);
/// Planes of a cube in blocks.
void bind_sky_planes(nb::module_& module);

}  // namespace freestone::python
