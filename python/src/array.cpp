// Arrays, dtypes, and the elementwise table.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/ops/elementwise.h"
#include "module.h"
#include "numpy_bridge.h"

namespace freestone::python {
namespace {

/// The rows of the elementwise table: (name, symbol, number of operands, how many of them have defaults).
nb::list function_table() {
  nb::list rows;
  for (const kernels::ElementwiseRow& row : kernels::elementwise_table())
    rows.append(nb::make_tuple(std::string(row.name), std::string(row.symbol), row.arity, row.defaults.size()));
  return rows;
}

/// Other names of the rows: (alias, name).
nb::list alias_table() {
  nb::list rows;
  for (const kernels::ElementwiseAlias& alias : kernels::elementwise_aliases())
    rows.append(nb::make_tuple(std::string(alias.alias), std::string(alias.name)));
  return rows;
}

}  // namespace

void bind_array(nb::module_& module) {
  nb::class_<Array>(module, "Array", "A handle on a node of the graph.")
      .def_prop_ro("shape", [](const Array& a) { return tuple_of(a.shape()); })
      .def_prop_ro("dtype", [](const Array& a) { return std::string(name_of(a.dtype())); })
      .def_prop_ro("size", &Array::size)
      .def_prop_ro("nbytes", &Array::bytes)
      .def_prop_ro("chunks", [](const Array& a) { return tuple_of(a.chunks().chunk()); })
      .def_prop_ro("is_contiguous", [](const Array& a) { return a.chunks().is_contiguous(); })
      .def_prop_ro("node_name", [](const Array& a) { return std::string(a.node()->op->name()); })
      .def_prop_ro("node_id", [](const Array& a) { return reinterpret_cast<std::uintptr_t>(a.node().get()); })
      .def("same_node", [](const Array& a, const Array& b) { return a == b; });

  module.def("from_numpy", &array_from_numpy);
  module.def("memory_of", &numpy_memory_of);
  module.def("is_made_of_nothing", &is_made_of_nothing);

  module.def("function_table", &function_table);
  module.def("alias_table", &alias_table);
  module.def("elementwise", [](const std::string& name, const nb::args& values) {
    std::vector<Operand> operands;
    for (const nb::handle value : values) operands.push_back(operand_of(value));
    return elementwise(name, operands);
  });
  module.def("clip", [](const Array& a, const nb::object& low, const nb::object& high) {
    const auto bound = [](const nb::object& value) -> std::optional<Operand> {
      if (value.is_none()) return std::nullopt;
      return operand_of(value);
    };
    return clip(a, bound(low), bound(high));
  }, nb::arg(), nb::arg().none(), nb::arg().none());
  module.def("astype", [](const Array& a, const std::string& dtype) { return astype(a, parse_dtype(dtype)); });
}

}  // namespace freestone::python
