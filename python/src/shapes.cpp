// Arrays out of nothing, and other ways to look at the elements of one.

#include <nanobind/stl/complex.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/ops/calculus.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/random.h"
#include "freestone/ops/rechunk.h"
#include "freestone/ops/repeat.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/ops/splice.h"
#include "module.h"

namespace freestone::python {
namespace {

using Lengths = std::vector<Index>;

void bind_creation(nb::module_& module) {
  module.def("full", [](const Lengths& shape, const nb::object& value, const std::string& dtype) {
    return full(Shape(shape), operand_of(value), dtype_from(dtype));
  });
  module.def("full_complex", [](const Lengths& shape, std::complex<double> value, const std::string& dtype) {
    return full_complex(Shape(shape), value, parse_dtype(dtype));
  });
  module.def("arange_integers", [](Index start, Index stop, Index step, const std::string& dtype) {
    return arange(start, stop, step, parse_dtype(dtype));
  });
  module.def("arange", [](double start, double stop, double step, const std::string& dtype) {
    return arange(start, stop, step, parse_dtype(dtype));
  });
  module.def("linspace", [](double start, double stop, Index count, bool endpoint, const std::string& dtype) {
    return linspace(start, stop, count, endpoint, parse_dtype(dtype));
  });
  module.def("linspace_step", &linspace_step);
  module.def("logspace", [](double start, double stop, Index count, bool endpoint, double base, const std::string& dtype) {
    return logspace(start, stop, count, endpoint, base, parse_dtype(dtype));
  });
  module.def("geomspace", [](double start, double stop, Index count, bool endpoint, const std::string& dtype) {
    return geomspace(start, stop, count, endpoint, parse_dtype(dtype));
  });
  module.def("eye", [](Index rows, std::optional<Index> columns, Index k, const std::string& dtype) {
    return eye(rows, columns, k, parse_dtype(dtype));
  }, nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  module.def("tri", [](Index rows, std::optional<Index> columns, Index k, const std::string& dtype) {
    return tri(rows, columns, k, parse_dtype(dtype));
  }, nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  module.def("tril", &tril);
  module.def("triu", &triu);
  module.def("indices", [](const Lengths& shape) { return indices(Shape(shape)); });
  module.def("meshgrid", [](const std::vector<Array>& axes, bool xy) { return meshgrid(axes, xy ? GridOrder::kXy : GridOrder::kIj); });
}

void bind_manipulation(nb::module_& module) {
  module.def("slice", [](const Array& a, const nb::list& items) { return slice(a, slices_of(items)); });
  module.def("transpose", &transpose);
  module.def("expand_dims", nb::overload_cast<const Array&, int>(&expand_dims));
  module.def("expand_axes", nb::overload_cast<const Array&, const std::vector<int>&>(&expand_dims));
  module.def("squeeze", nb::overload_cast<const Array&, int>(&squeeze));
  module.def("flip", nb::overload_cast<const Array&, const std::vector<int>&>(&flip));
  module.def("broadcast_to", [](const Array& a, const Lengths& shape) { return broadcast_to(a, Shape(shape)); });
  module.def("broadcast_arrays", &broadcast_arrays);
  module.def("broadcast_shape", [](const std::vector<Lengths>& shapes) {
    std::vector<Shape> all;
    for (const Lengths& shape : shapes) all.emplace_back(shape);
    return broadcast_shape(all).to_vector();
  });
  module.def("moveaxis", &moveaxis);
  module.def("rollaxis", &rollaxis);
  module.def("rot90", &rot90);
  module.def("reshape", &reshape);
  module.def("concat", &concat);
  module.def("stack", &stack);
  module.def("unstack", &unstack);
  module.def("roll", nb::overload_cast<const Array&, const std::vector<Index>&, const std::vector<int>&>(&roll));
  module.def("roll_flat", nb::overload_cast<const Array&, Index>(&roll));
  module.def("diff", &diff, nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
  module.def("repeat", nb::overload_cast<const Array&, Index, int>(&repeat));
  module.def("repeat_each", nb::overload_cast<const Array&, const std::vector<Index>&, int>(&repeat));
  module.def("tile", &tile);
  module.def("rechunk", &rechunk);
  module.def("remove", &remove);
  module.def("insert", &insert);
  module.def("array_equal", &array_equal);
  module.def("allclose", &allclose);
  module.def("trapezoid", nb::overload_cast<const Array&, double, int>(&trapezoid));
  module.def("trapezoid_at", nb::overload_cast<const Array&, const Array&, int>(&trapezoid));
  module.def("cumulative_trapezoid", &cumulative_trapezoid);
  module.def("gradient_at", nb::overload_cast<const Array&, const Array&, int>(&gradient));
  module.def("unwrap", &unwrap);
  module.def("polyval", &polyval);
  module.def("pad", [](const Array& a, const std::vector<std::pair<Index, Index>>& widths, const std::string& mode,
                       const std::vector<std::pair<double, double>>& values, const std::vector<std::pair<Index, Index>>& stat_length, bool odd) {
    std::vector<PadWidth> all;
    for (const auto& [before, after] : widths) all.push_back({before, after});
    return pad(a, all, parse_pad_mode(mode), {values, stat_length, odd});
  });
}

void bind_random(nb::module_& module) {
  using random::Generator;
  nb::class_<Generator>(module, "Generator")
      .def(nb::init<std::uint64_t>())
      .def("uniform", [](Generator& g, const Lengths& shape, double low, double high, const std::string& dtype) {
        return g.uniform(Shape(shape), low, high, parse_dtype(dtype));
      })
      .def("normal", [](Generator& g, const Lengths& shape, double mean, double deviation, const std::string& dtype) {
        return g.normal(Shape(shape), mean, deviation, parse_dtype(dtype));
      })
      .def("exponential", [](Generator& g, const Lengths& shape, double scale, const std::string& dtype) {
        return g.exponential(Shape(shape), scale, parse_dtype(dtype));
      })
      .def("integers_from", [](Generator& g, const Lengths& shape, std::uint64_t low, std::uint64_t range, const std::string& dtype) {
        return g.integers_from(Shape(shape), low, range, parse_dtype(dtype));
      })
      .def("poisson", [](Generator& g, const Lengths& shape, double lambda) { return g.poisson(Shape(shape), lambda); })
      .def("permutation_of", [](Generator& g, Index n) { return g.permutation(n); })
      .def("permutation", [](Generator& g, const Array& a, int axis) { return g.permutation(a, axis); });
}

}  // namespace

void bind_shapes(nb::module_& module) {
  bind_creation(module);
  bind_manipulation(module);
  bind_random(module);
}

}  // namespace freestone::python
