// Arrays and the operations on them.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "freestone/label/open.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/smooth.h"
#include "module.h"
#include "numpy_bridge.h"
#include "slices.h"

namespace freestone::python {
namespace {

Operand operand_of(nb::handle value) {
  if (nb::isinstance<Array>(value)) return nb::cast<Array>(value);
  if (PyBool_Check(value.ptr())) return value.ptr() == Py_True;
  if (PyLong_Check(value.ptr())) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow == 0) return static_cast<std::int64_t>(number);
    const unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(value.ptr()) : 0;
    if (large == 0 || PyErr_Occurred()) {
      PyErr_Clear();
      fail(ErrorKind::kUser, "The number {} fits neither into int64 nor into uint64.", nb::cast<std::string>(nb::str(value)));
    }
    return static_cast<std::uint64_t>(large);
  }
  if (PyFloat_Check(value.ptr())) return PyFloat_AS_DOUBLE(value.ptr());
  if (PyComplex_Check(value.ptr())) return std::complex<double>(PyComplex_RealAsDouble(value.ptr()), PyComplex_ImagAsDouble(value.ptr()));
  throw nb::type_error("an operand is neither an array nor a number");
}

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

Array select(const std::string& function, const Array& a, double q, const std::vector<int>& axes, bool skip_nan) {
  if (function == "median") return median(a, axes, skip_nan);
  if (function == "percentile") return percentile(a, q, axes, skip_nan);
  if (function == "mad_std") return mad_std(a, axes, skip_nan);
  fail(ErrorKind::kInternal, "select: there is no function '{}'", function);
}

ClipOptions clip_options(double low, double high, int max_iterations, const std::string& center, const std::string& deviation) {
  if (center != "median" && center != "mean") fail(ErrorKind::kUser, "center is 'median' or 'mean', not '{}'.", center);
  if (deviation != "std" && deviation != "mad_std") fail(ErrorKind::kUser, "deviation is 'std' or 'mad_std', not '{}'.", deviation);
  return {
      .low = low, .high = high, .max_iterations = max_iterations, .center_mean = center == "mean", .deviation_mad = deviation == "mad_std"};
}

NanRule nan_rule_of(const std::string& name) {
  if (name == "interpolate") return NanRule::kInterpolate;
  if (name == "fill") return NanRule::kFill;
  if (name == "propagate") return NanRule::kPropagate;
  fail(ErrorKind::kUser, "nan_treatment is 'interpolate', 'fill' or 'propagate', not '{}'.", name);
}

}  // namespace

std::vector<Slice> slices_of(const nb::list& items) {
  const auto bound = [](nb::handle value) -> std::optional<Index> {
    if (value.is_none()) return std::nullopt;
    return nb::cast<Index>(value);
  };
  std::vector<Slice> slices;
  for (const nb::handle item : items) {
    if (nb::isinstance<nb::slice>(item)) {
      const auto step = bound(item.attr("step"));
      if (step == Index{0}) fail(ErrorKind::kUser, "A slice's step is not 0.");
      slices.push_back({bound(item.attr("start")), bound(item.attr("stop")), step.value_or(1)});
    } else {
      slices.push_back(Slice::at(nb::cast<Index>(item)));
    }
  }
  return slices;
}

void bind_array(nb::module_& module) {
  nb::class_<Array>(module, "Array", "A handle on a node of the graph.")
      .def_prop_ro("shape", [](const Array& a) { return tuple_of(a.shape()); })
      .def_prop_ro("dtype", [](const Array& a) { return std::string(name_of(a.dtype())); })
      .def_prop_ro("size", &Array::size)
      .def_prop_ro("nbytes", &Array::bytes)
      .def_prop_ro("chunks", [](const Array& a) { return tuple_of(a.chunks().chunk()); })
      .def_prop_ro("is_contiguous", [](const Array& a) { return a.chunks().is_contiguous(); })
      .def("same_node", [](const Array& a, const Array& b) { return a == b; });

  bind_dataset(module);
  module.def("from_numpy", &array_from_numpy);

  module.def("function_table", &function_table);
  module.def("alias_table", &alias_table);
  module.def("elementwise", [](const std::string& name, const nb::args& values) {
    std::vector<Operand> operands;
    for (const nb::handle value : values) operands.push_back(operand_of(value));
    return elementwise(name, operands);
  });
  module.def("astype", [](const Array& a, const std::string& dtype) { return astype(a, parse_dtype(dtype)); });

  module.def("slice", [](const Array& a, const nb::list& items) { return slice(a, slices_of(items)); });
  module.def("transpose", &transpose);
  module.def("expand_dims", &expand_dims);
  module.def("squeeze", &squeeze);
  module.def("flip", &flip);
  module.def("broadcast_to", [](const Array& a, const std::vector<Index>& shape) { return broadcast_to(a, Shape(shape)); });

  module.def("reduce", [](const std::string& name, const Array& a, const std::vector<int>& axes, bool skip_nan, bool keep_dims,
                          const std::vector<double>& parameters, const std::string& dtype) {
    ReduceOptions options{skip_nan, keep_dims, parameters};
    if (!dtype.empty()) options.dtype = parse_dtype(dtype);
    return reduce(name, a, axes, options);
  });
  module.def("ptp", &ptp);
  module.def("average", &average);
  module.def("logsumexp", &logsumexp);
  module.def("select", &select);
  module.def("sigma_clip",
             [](const Array& a, int axis, double low, double high, int max_iterations, const std::string& center,
                const std::string& deviation) { return sigma_clip(a, axis, clip_options(low, high, max_iterations, center, deviation)); });
  module.def("convolve", [](const Array& a, const std::vector<double>& kernel, int axis, const std::string& nan_rule) {
    return convolve(a, kernel, axis, nan_rule_of(nan_rule));
  });
  module.def("convolve_2d", [](const Array& a, const std::vector<double>& kernel, Index rows, Index columns, const std::string& nan_rule) {
    return convolve_2d(a, kernel, rows, columns, nan_rule_of(nan_rule));
  });
  module.def("downsample", [](const Array& a, Index factor, const std::vector<int>& axes, const std::string& function, bool keep_rest) {
    return downsample(a, factor, axes, function, keep_rest);
  });
}

}  // namespace freestone::python
