/// A Python object that C++ keeps, and that threads without the GIL may let go of.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

namespace freestone::python {

inline std::shared_ptr<PyObject> shared(const nanobind::object& object) {
  return {nanobind::handle(object).inc_ref().ptr(), [](PyObject* kept) {
            if (!Py_IsInitialized()) return;
            const nanobind::gil_scoped_acquire hold;
            Py_DECREF(kept);
          }};
}

}  // namespace freestone::python
