// What freestone.astro does with planes of a cube in blocks: convolution by a kernel of each plane's own, values at fractional positions.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cmath>
#include <iterator>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/kernels/convolve.h"
#include "freestone/kernels/sample_plane.h"
#include "module.h"
#include "numpy_bridge.h"

namespace freestone::python {
namespace {

using Values = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Doubles = nb::ndarray<const double, nb::c_contig, nb::device::cpu>;

View view_of(const Values& values) {
  if (values.ndim() != 3) fail(ErrorKind::kUser, "Planes come as an array of three axes, not {}.", values.ndim());
  const bool is_single = values.dtype() == nb::dtype<float>();
  if (!is_single && values.dtype() != nb::dtype<double>()) fail(ErrorKind::kUser, "Planes are of float32 or float64.");
  Shape shape;
  for (std::size_t axis = 0; axis < 3; ++axis) shape.push_back(static_cast<Index>(values.shape(axis)));
  return View::contiguous(const_cast<void*>(values.data()), is_single ? DType::kFloat32 : DType::kFloat64, shape);
}

/// One kernel, flipped for the correlation and made to sum to 1; no rows: the plane stays as it is.
struct PlaneKernel {
  Index rows = 0, columns = 0;
  std::vector<double> weights;
};

PlaneKernel kernel_of(nb::handle item) {
  PlaneKernel kernel;
  if (item.is_none()) return kernel;
  const auto values = nb::cast<Doubles>(item);
  if (values.ndim() != 2) fail(ErrorKind::kUser, "The kernel of a plane has two axes, not {}.", values.ndim());
  kernel.rows = static_cast<Index>(values.shape(0));
  kernel.columns = static_cast<Index>(values.shape(1));
  kernel.weights.assign(std::make_reverse_iterator(values.data() + values.size()), std::make_reverse_iterator(values.data()));
  double sum = 0;
  for (const double weight : kernel.weights) sum += weight;
  if (!(std::abs(sum) > 1e-8)) fail(ErrorKind::kUser, "The kernel of a plane sums to {}, so it cannot be made to sum to 1.", sum);
  for (double& weight : kernel.weights) weight /= sum;
  return kernel;
}

nb::object convolve_planes(const Values& planes, const nb::list& kernels) {
  const View in = view_of(planes);
  if (static_cast<Index>(kernels.size()) != in.shape[0])
    fail(ErrorKind::kUser, "There are {} kernels for {} planes.", kernels.size(), in.shape[0]);
  std::vector<PlaneKernel> own;
  for (const nb::handle item : kernels) own.push_back(kernel_of(item));
  nb::list made;
  const View out = numpy_memory(in, made);
  {
    const nb::gil_scoped_release free;
    const Cancel cancel;
    Buffer memory;
    for (Index p = 0; p < in.shape[0]; ++p) {
      const PlaneKernel& kernel = own[static_cast<std::size_t>(p)];
      const Box box{{p, 0, 0}, {1, in.shape[1], in.shape[2]}};
      const View from = in.part(box), to = out.part(box);
      if (kernel.rows == 0) {
        copy(from, to);
        continue;
      }
      const Index bytes = kernels::convolve_plane_scratch_bytes(from.shape, kernel.rows, kernel.columns, in.dtype);
      if (memory.size() < bytes) memory = Buffer(bytes);
      Scratch scratch(memory.bytes());
      kernels::convolve_plane(from, {0, 0}, {in.shape[1], in.shape[2]}, kernel.weights, kernel.rows, kernel.columns,
                              kernels::NanRule::kInterpolate, to, {0, 0}, scratch, cancel);
    }
  }
  return made[0];
}

nb::object sample_planes(const Values& planes, const Doubles& rows, const Doubles& columns, bool bilinear) {
  const View in = view_of(planes);
  if (rows.ndim() != 2 || columns.ndim() != 2 || rows.shape(0) != columns.shape(0) || rows.shape(1) != columns.shape(1))
    fail(ErrorKind::kUser, "Positions come as two images of one shape.");
  View like = in;
  like.shape = Shape{in.shape[0], static_cast<Index>(rows.shape(0)), static_cast<Index>(rows.shape(1))};
  nb::list made;
  const View out = numpy_memory(like, made);
  {
    const nb::gil_scoped_release free;
    kernels::sample_planes(in, {rows.data(), rows.size()}, {columns.data(), columns.size()},
                           bilinear ? kernels::Sampling::kBilinear : kernels::Sampling::kNearest, out, Cancel());
  }
  return made[0];
}

}  // namespace

void bind_sky_planes(nb::module_& module) {
  module.def("convolve_planes", &convolve_planes, nb::arg("planes"), nb::arg("kernels"),
             "Planes (n, ny, nx), each convolved with its own kernel of odd sizes, or as it is where that is None.");
  module.def("sample_planes", &sample_planes, nb::arg("planes"), nb::arg("rows"), nb::arg("columns"), nb::arg("bilinear"),
             "Values of planes (n, ny, nx) at positions, NaN outside.");
}

}  // namespace freestone::python
