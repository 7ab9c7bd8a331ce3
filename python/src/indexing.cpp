// Parts of arrays: by slices, positions and masks; and what is found in them.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/exec/boolean_index.h"
#include "freestone/exec/counted.h"
#include "freestone/ops/search.h"
#include "freestone/ops/sort.h"
#include "module.h"
#include "numpy_bridge.h"
#include "run.h"

namespace freestone::python {
namespace {

/// What `make` gives when it runs with options; interruptible.
template <class F>
auto counted(const RunSetup& setup, F make) {
  std::optional<std::invoke_result_t<F, const ComputeOptions&>> result;
  run_interruptibly(setup, [&](const ComputeOptions& options) { result = make(options); });
  return std::move(*result);
}

nb::tuple unique_parts(const Array& a, const RunSetup& setup) {
  const UniqueResult result = counted(setup, [&](const ComputeOptions& options) { return unique(a, {options, 0}); });
  return nb::make_tuple(numpy_from_tensor(result.values), numpy_from_tensor(result.counts), numpy_from_tensor(result.first), result.inverse);
}

}  // namespace

void bind_indexing(nb::module_& module) {
  module.def("index", [](const Array& a, const nb::list& items) { return index(a, index_items_of(items)); });
  module.def("take", [](const Array& a, const nb::object& positions, std::optional<int> axis, const std::string& mode) {
    return take(a, index_array_of(positions), axis, mode == "wrap" ? OutOfRange::kWrap : mode == "clip" ? OutOfRange::kClip : OutOfRange::kRaise);
  }, nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  module.def("compress", [](const nb::object& condition, const Array& a, std::optional<int> axis) {
    return compress(mask_array_of(condition).values, a, axis);
  }, nb::arg(), nb::arg(), nb::arg().none());
  module.def("take_along_axis", &take_along_axis);
  module.def("put_slice", [](const Array& a, const nb::list& slices, const Array& value) { return put_slice(a, slices_of(slices), value); });

  module.def("boolean_index", [](const Array& a, const Array& mask, const RunSetup& setup) {
    return counted(setup, [&](const ComputeOptions& options) { return boolean_index(a, mask, options); });
  });
  module.def("argwhere", [](const Array& a, const RunSetup& setup) {
    return counted(setup, [&](const ComputeOptions& options) { return argwhere(a, options); });
  });
  module.def("nonzero", [](const Array& a, const RunSetup& setup) {
    return counted(setup, [&](const ComputeOptions& options) { return nonzero(a, options); });
  });
  module.def("unique", &unique_parts);
  module.def("set_operation", [](const std::string& name, const Array& a, const Array& b, const RunSetup& setup) {
    const auto operation = name == "union" ? &union1d : name == "intersection" ? &intersect1d : name == "difference" ? &setdiff1d : &setxor1d;
    return numpy_from_tensor(counted(setup, [&](const ComputeOptions& options) { return operation(a, b, {options, 0}); }));
  });
  module.def("mode_of_all", [](const Array& a, const RunSetup& setup) {
    const ModeResult result = counted(setup, [&](const ComputeOptions& options) { return mode_of_all(a, {options, 0}); });
    return nb::make_tuple(numpy_from_tensor(result.value), result.count);
  });
  module.def("bincount", [](const Array& a, const std::optional<Array>& weights, Index min_length, const RunSetup& setup) {
    return counted(setup, [&](const ComputeOptions& options) { return bincount(a, weights.value_or(Array()), min_length, options); });
  }, nb::arg(), nb::arg().none(), nb::arg(), nb::arg());

  module.def("sort", &sort);
  module.def("argsort", &argsort);
  module.def("topk", &topk);
  module.def("argtopk", &argtopk);
  module.def("mode", [](const Array& a, int axis) {
    const auto [values, counts] = mode(a, axis);
    return nb::make_tuple(values, counts);
  });
  module.def("searchsorted", &searchsorted);
  module.def("digitize", &digitize);
  module.def("isin", &isin);
  module.def("interp", &interp, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
}

}  // namespace freestone::python
