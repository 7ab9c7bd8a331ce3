/// PythonFailure: what a user's Python function raised, on its way through the engine.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "freestone/base/error.h"

namespace freestone::python {

/// The exception itself is raised again where the run ends, with where it happened as a note.
class PythonFailure : public Error {
 public:
  /// Holds the GIL.
  PythonFailure(std::string message, nanobind::python_error& raised)
      : Error(ErrorKind::kUser, std::move(message)), value_(keep(raised.value())) {}
  /// With the GIL held.
  nanobind::object value() const { return nanobind::borrow(value_.get()); }

 private:
  static std::shared_ptr<PyObject> keep(nanobind::handle value) {
    return {value.inc_ref().ptr(), [](PyObject* kept) {
              if (!Py_IsInitialized()) return;
              const nanobind::gil_scoped_acquire hold;
              Py_DECREF(kept);
            }};
  }
  std::shared_ptr<PyObject> value_;
};

}  // namespace freestone::python
