#include "python_source.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "freestone/array/array.h"
#include "module.h"
#include "numpy_bridge.h"
#include "python_failure.h"

namespace freestone::python {

PythonSource::PythonSource(const nb::object& read, Spec spec, ChunkGrid chunks, std::string name)
    : read_(shared(read)), spec_(spec), chunks_(std::move(chunks)), name_(std::move(name)) {}

ReadCost PythonSource::cost(const Box& box) const {
  Index chunks = 1, decoded = size_of(spec_.dtype);
  for (int k = 0; k < box.rank(); ++k) {
    const Index step = chunks_.chunk()[k], first = box.start[k] / step, end = (box.end(k) + step - 1) / step;
    chunks *= end - first;
    decoded *= std::min(end * step, spec_.shape[k]) - first * step;
  }
  return {decoded, chunks, decoded};
}

void PythonSource::fetch(const Box& box, std::span<std::byte> encoded, const Cancel& cancel) const {
  cancel.check();
  const View out = View::contiguous(encoded.data(), spec_.dtype, box.shape);
  nb::gil_scoped_acquire hold;
  try {
    const nb::object given = nb::handle(read_.get())(tuple_of(box.start), tuple_of(box.shape));
    const Array made = array_from_numpy(nb::cast<NumpyArray>(given));
    if (made.shape() != box.shape || made.dtype() != spec_.dtype)
      fail(ErrorKind::kUser, "{}: the part {} came as {} of {}, it was said to be {} of {}.", name_, to_string(box), name_of(made.dtype()),
           to_string(made.shape()), name_of(spec_.dtype), to_string(box.shape));
    const View view = *made.node()->op->source()->memory();
    const nb::gil_scoped_release let_go;
    copy(view, out);
  } catch (nb::python_error& raised) {
    throw PythonFailure(fmt::format("{} could not be read: {}", name_, raised.what()), raised);
  }
}

void PythonSource::decode(const Box& box, std::span<std::byte> encoded, const View& out, const Cancel&) const {
  if (encoded.data() != out.data) copy(View::contiguous(encoded.data(), spec_.dtype, box.shape), out);
}

void bind_python_source(nb::module_& module) {
  module.def("python_source", [](const nb::object& read, const std::vector<Index>& shape, const std::string& dtype,
                                 const std::vector<Index>& chunks, const std::string& name) {
    const Shape lengths(shape);
    return from_source(std::make_shared<PythonSource>(read, Spec{lengths, parse_dtype(dtype)},
                                                      chunks.empty() ? ChunkGrid::contiguous(lengths) : ChunkGrid(lengths, Shape(chunks)),
                                                      name));
  });
}

}  // namespace freestone::python
