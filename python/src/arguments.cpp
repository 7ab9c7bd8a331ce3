#include "arguments.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include "freestone/base/error.h"

namespace freestone::python {
namespace {

using Positions64 = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;
using Mask8 = nb::ndarray<const bool, nb::c_contig, nb::device::cpu>;

template <class Values>
Shape shape_of(const Values& values) {
  Shape shape;
  for (std::size_t k = 0; k < values.ndim(); ++k) shape.push_back(static_cast<Index>(values.shape(k)));
  return shape;
}

Slice slice_of(nb::handle item) {
  const auto bound = [](nb::handle value) -> std::optional<Index> {
    if (value.is_none()) return std::nullopt;
    return nb::cast<Index>(value);
  };
  const auto step = bound(item.attr("step"));
  if (step == Index{0}) fail(ErrorKind::kUser, "A slice's step is not 0.");
  return {bound(item.attr("start")), bound(item.attr("stop")), step.value_or(1)};
}

}  // namespace

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
  if (PyFloat_Check(value.ptr())) return PyFloat_AsDouble(value.ptr());
  if (PyComplex_Check(value.ptr())) return std::complex<double>(PyComplex_RealAsDouble(value.ptr()), PyComplex_ImagAsDouble(value.ptr()));
  throw nb::type_error("an operand is neither an array nor a number");
}

std::optional<DType> dtype_from(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return parse_dtype(name);
}

std::vector<Slice> slices_of(const nb::list& items) {
  std::vector<Slice> slices;
  for (const nb::handle item : items)
    slices.push_back(nb::isinstance<nb::slice>(item) ? slice_of(item) : Slice::at(nb::cast<Index>(item)));
  return slices;
}

IndexArray index_array_of(nb::handle values) {
  const auto positions = nb::cast<Positions64>(values);
  return {std::vector<Index>(positions.data(), positions.data() + positions.size()), shape_of(positions)};
}

MaskArray mask_array_of(nb::handle values) {
  const auto mask = nb::cast<Mask8>(values);
  return {std::vector<bool>(mask.data(), mask.data() + mask.size()), shape_of(mask)};
}

std::vector<IndexItem> index_items_of(const nb::list& items) {
  std::vector<IndexItem> out;
  for (const nb::handle item : items) {
    if (item.is_none())
      out.emplace_back(NewAxis{});
    else if (item.ptr() == Py_Ellipsis)
      out.emplace_back(Ellipsis{});
    else if (nb::isinstance<nb::slice>(item))
      out.emplace_back(slice_of(item));
    else if (PyLong_Check(item.ptr()))
      out.emplace_back(nb::cast<Index>(item));
    else if (nb::isinstance<Mask8>(item))
      out.emplace_back(mask_array_of(item));
    else
      out.emplace_back(index_array_of(item));
  }
  return out;
}

}  // namespace freestone::python
