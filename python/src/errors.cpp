// The one place where C++ errors become Python exceptions.

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "freestone/base/error.h"
#include "module.h"
#include "python_failure.h"

namespace freestone::python {
namespace {

const char* class_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUser: return "UserError";
    case ErrorKind::kData: return "DataError";
    case ErrorKind::kIo: return "IoError";
    case ErrorKind::kMemory: return "MemoryBudgetError";
    case ErrorKind::kCancelled: return "Cancelled";
    case ErrorKind::kInternal: break;
  }
  return "InternalError";
}

/// What a Python function raised is raised itself; where it happened becomes a note (Python 3.11 has them).
void raise_again(const PythonFailure& failure) {
  const nb::object value = failure.value();
  if (nb::hasattr(value, "add_note"))
    for (const std::string& place : failure.context()) value.attr("add_note")("In " + place);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(value.ptr())), value.ptr());
}

void raise(const Error& error) {
  if (const auto* failure = dynamic_cast<const PythonFailure*>(&error)) return raise_again(*failure);
  const nb::object type = nb::module_::import_("freestone.errors").attr(class_of(error.kind()));
  const nb::object exception = type(error.what());
  exception.attr("message") = error.message();
  exception.attr("context") = error.context();
  PyErr_SetObject(type.ptr(), exception.ptr());
}

}  // namespace

void bind_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const Error& error) {
      raise(error);
    }
  });
}

}  // namespace freestone::python
