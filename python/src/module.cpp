#include "module.h"

NB_MODULE(_core, module) {
  module.doc() = "Freestone's C++ engine. Use the package freestone.";
  // Arrays may live in module globals until the interpreter ends.
  nanobind::set_leak_warnings(false);
  freestone::python::bind_errors(module);
  freestone::python::bind_array(module);
  freestone::python::bind_dataset(module);
  freestone::python::bind_watch(module);
  freestone::python::bind_run(module);
  freestone::python::bind_cluster(module);
  freestone::python::bind_labels(module);
  freestone::python::bind_shapes(module);
  freestone::python::bind_indexing(module);
  freestone::python::bind_reductions(module);
  freestone::python::bind_matrices(module);
  freestone::python::bind_pickle(module);
  freestone::python::bind_user(module);
  freestone::python::bind_sky(module);
}
