#include "module.h"

NB_MODULE(_core, module) {
  // The engine's threads and the objects that it keeps belong to one interpreter: the main one, which is number 0.
  if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0)
    throw nanobind::import_error(
        "Freestone runs in the main interpreter of a process only, not in a sub-interpreter. Use threads or processes.");
  module.doc() = "Freestone's C++ engine. Use the package freestone.";
  // Arrays may live in module globals until the interpreter ends.
  nanobind::set_leak_warnings(false);
  freestone::python::bind_errors(module);
  freestone::python::bind_array(module);
  freestone::python::bind_dataset(module);
  freestone::python::bind_contents(module);
  freestone::python::bind_raster(module);
  freestone::python::bind_watch(module);
  freestone::python::bind_run(module);
  freestone::python::bind_cluster(module);
  freestone::python::bind_labels(module);
  freestone::python::bind_shapes(module);
  freestone::python::bind_indexing(module);
  freestone::python::bind_reductions(module);
  freestone::python::bind_matrices(module);
  freestone::python::bind_pickle(module);
  freestone::python::bind_python_source(module);
  freestone::python::bind_user(module);
  freestone::python::bind_sky(module);
  freestone::python::bind_sky_planes(module);
}
