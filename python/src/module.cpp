#include "module.h"

NB_MODULE(_core, module) {
  module.doc() = "Freestone's C++ engine. Use the package freestone.";
  // Arrays may live in module globals until the interpreter ends.
  nanobind::set_leak_warnings(false);
  freestone::python::bind_errors(module);
  freestone::python::bind_array(module);
  freestone::python::bind_run(module);
  freestone::python::bind_labels(module);
  freestone::python::bind_sky(module);
}
