// Products of matrices, decompositions, Fourier transforms.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/einsum.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/linalg.h"
#include "freestone/ops/matmul.h"
#include "module.h"

namespace freestone::python {
namespace {

FftNorm norm_of(const std::string& name) {
  if (name == "backward") return FftNorm::kBackward;
  if (name == "ortho") return FftNorm::kOrtho;
  if (name == "forward") return FftNorm::kForward;
  fail(ErrorKind::kUser, "norm is 'backward', 'ortho' or 'forward', not '{}'.", name);
}

Array transform(const std::string& name, const Array& a, std::optional<Index> n, int axis, const std::string& norm) {
  const FftNorm rule = norm_of(norm);
  if (name == "fft") return fft(a, n, axis, rule);
  if (name == "ifft") return ifft(a, n, axis, rule);
  if (name == "rfft") return rfft(a, n, axis, rule);
  if (name == "irfft") return irfft(a, n, axis, rule);
  if (name == "hfft") return hfft(a, n, axis, rule);
  return ihfft(a, n, axis, rule);
}

Array transforms(const std::string& name, const Array& a, const std::vector<Index>& lengths, const std::vector<int>& axes,
                 const std::string& norm) {
  const FftNorm rule = norm_of(norm);
  const FftAxes over{lengths, axes};
  if (name == "fftn") return fftn(a, over, rule);
  if (name == "ifftn") return ifftn(a, over, rule);
  if (name == "rfftn") return rfftn(a, over, rule);
  return irfftn(a, over, rule);
}

}  // namespace

void bind_matrices(nb::module_& module) {
  module.def("matmul", &matmul);
  module.def("tensordot", nb::overload_cast<const Array&, const Array&, const std::vector<int>&, const std::vector<int>&>(&tensordot));
  module.def("vecdot", &vecdot);
  module.def("outer", &outer);
  module.def("diagonal", &diagonal);
  module.def("cross", &cross);
  module.def("vector_norm", &vector_norm);
  module.def("einsum", &einsum);
  module.def("qr", [](const Array& a, bool complete) {
    const QrResult result = qr(a, complete);
    return nb::make_tuple(result.q, result.r);
  });
  module.def("svd", [](const Array& a, bool full_matrices) {
    const SvdResult result = svd(a, full_matrices);
    return nb::make_tuple(result.u, result.s, result.vh);
  });
  module.def("svdvals", &svdvals);
  module.def("det", &det);
  module.def("slogdet", [](const Array& a) {
    const SlogdetResult result = slogdet(a);
    return nb::make_tuple(result.sign, result.logabsdet);
  });
  module.def("inv", &inv);
  module.def("solve", &solve);
  module.def("cholesky", &cholesky);
  module.def("eigh", [](const Array& a) {
    const EighResult result = eigh(a);
    return nb::make_tuple(result.eigenvalues, result.eigenvectors);
  });
  module.def("eigvalsh", &eigvalsh);
  module.def("pinv", &pinv, nb::arg(), nb::arg().none());
  module.def("matrix_rank", &matrix_rank, nb::arg(), nb::arg().none());
  module.def("cond", &cond);
  module.def("lstsq", [](const Array& a, const Array& b, std::optional<double> rtol) {
    const LstsqResult result = lstsq(a, b, rtol);
    return nb::make_tuple(result.x, result.residuals, result.rank, result.singular_values);
  }, nb::arg(), nb::arg(), nb::arg().none());
  module.def("matrix_power", &matrix_power);
  module.def("multi_dot", &multi_dot);
  module.def("kron", &kron);
  module.def("matrix_norm", [](const Array& a, const std::string& order, bool keep_dims) {
    return matrix_norm(a, parse_matrix_norm(order), keep_dims);
  });
  module.def("cov", [](const Array& a, bool rows_are_variables, double ddof) { return cov(a, {rows_are_variables, ddof}); });
  module.def("corrcoef", &corrcoef);

  module.def("transform", &transform, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  module.def("transforms", &transforms);
  module.def("fftfreq", &fftfreq);
  module.def("rfftfreq", &rfftfreq);
  module.def("fftshift", &fftshift);
  module.def("ifftshift", &ifftshift);
}

}  // namespace freestone::python
