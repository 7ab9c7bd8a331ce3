#include "freestone/ops/small_matrix.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/kernels/decompose.h"
#include "freestone/kernels/small_matrix.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

DType wide(DType t) { return is_complex(t) ? DType::kComplex128 : DType::kFloat64; }

constexpr std::string_view kFunctions[] = {"triangle_inverse", "det", "slogdet",     "inv", "solve",    "cholesky", "eigh",
                                           "eigvalsh",         "qr",  "qr_complete", "svd", "svd_full", "svd_open", "svdvals"};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Shape leading(const Shape& shape) { return Shape(shape.begin(), shape.end() - 2); }

Spec with_tail(const Shape& lead, std::initializer_list<Index> tail, DType dtype) {
  Shape shape = lead;
  for (const Index n : tail) shape.push_back(n);
  return {shape, dtype};
}

std::vector<Spec> output_specs(std::string_view f, const std::vector<Spec>& in) {
  const auto refuse = [&] {
    std::string shapes;
    for (const Spec& spec : in) shapes += fmt::format("{}{} of {}", shapes.empty() ? "" : ", ", name_of(spec.dtype), to_string(spec.shape));
    fail(ErrorKind::kData, "small_matrix: no function '{}' of {}.", f, shapes);
  };
  if (std::find(std::begin(kFunctions), std::end(kFunctions), f) == std::end(kFunctions) || in.size() != (f == "solve" ? 2u : 1u)) refuse();
  for (const Spec& spec : in)
    if (spec.shape.rank() < 2 || spec.dtype != wide(spec.dtype) || spec.dtype != in[0].dtype) refuse();
  const Shape &a = in[0].shape, lead = leading(a);
  const DType t = in[0].dtype;
  const Index m = a[a.rank() - 2], n = a[a.rank() - 1], k = std::min(m, n);
  if (m != n && !is_one_of(f, {"qr", "qr_complete", "svd", "svd_full", "svd_open", "svdvals"})) refuse();
  if (f == "det") return {{lead, t}};
  if (f == "slogdet") return {{lead, t}, {lead, DType::kFloat64}};
  if (f == "solve") {
    const Shape& b = in[1].shape;
    if (leading(b) != lead || b[b.rank() - 2] != n) refuse();
    return {in[1]};
  }
  if (f == "eigh") return {with_tail(lead, {n}, DType::kFloat64), in[0]};
  if (f == "eigvalsh") return {with_tail(lead, {n}, DType::kFloat64)};
  if (f == "qr") return {with_tail(lead, {m, k}, t), with_tail(lead, {k, n}, t)};
  if (f == "qr_complete") return {with_tail(lead, {m, m}, t), with_tail(lead, {m, n}, t)};
  const Spec s = with_tail(lead, {k}, DType::kFloat64);
  if (f == "svdvals") return {s};
  if (f == "svd_full") return {with_tail(lead, {m, m}, t), s, with_tail(lead, {n, n}, t)};
  if (f == "svd" || f == "svd_open") return {with_tail(lead, {m, k}, t), s, with_tail(lead, {k, n}, t)};
  return {in[0]};
}

/// Leading axes as points, the others whole.
Access matrices_access(int rank, int points) {
  Access access;
  for (int k = 0; k < rank; ++k) access.push_back(k < points ? AxisMap::point(k) : AxisMap::whole());
  return access;
}

std::vector<Access> accesses(const std::vector<Spec>& specs, int points) {
  std::vector<Access> out;
  for (const Spec& spec : specs) out.push_back(matrices_access(spec.shape.rank(), points));
  return out;
}

Shape lead_of(const std::vector<Spec>& in) { return in.empty() || in[0].shape.rank() < 2 ? Shape() : leading(in[0].shape); }

/// One matrix (vector, number) of a stack: what lies behind the leading axes.
View tail_of(const View& stack, const Dims& at) {
  View tail{stack.data, stack.dtype, {}, {}};
  for (int k = 0; k < stack.rank(); ++k) {
    if (k < at.rank()) {
      tail.data += at[k] * stack.strides[k];
    } else {
      tail.shape.push_back(stack.shape[k]);
      tail.strides.push_back(stack.strides[k]);
    }
  }
  return tail;
}

Shape tail_shape(const Spec& spec, int points) { return Shape(spec.shape.begin() + points, spec.shape.end()); }

/// a^H of rows x columns.
template <class T>
void adjoint(const T* a, Index rows, Index columns, T* to) {
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) {
      if constexpr (std::is_same_v<T, double>)
        to[j * rows + i] = a[i * columns + j];
      else
        to[j * rows + i] = std::conj(a[i * columns + j]);
    }
}

/// The memory of one matrix: contiguous copies of inputs and outputs, and room to work.
struct Work {
  std::vector<std::byte*> in, out;
  std::byte* room;
};

Index room_elements(std::string_view f, Index m, Index n) {
  const Index k = std::min(m, n), most = std::max(m, n);
  if (is_one_of(f, {"eigh", "eigvalsh"})) return kernels::hermitian_work(n);
  if (is_one_of(f, {"qr", "qr_complete"})) return m * n;
  if (is_one_of(f, {"svd", "svd_full", "svd_open", "svdvals"})) return kernels::svd_work(most, k) + m * n + most * most + k * k;
  return n;  // pivots
}

template <class T>
void svd(std::string_view f, Index m, Index n, const Work& work) {
  const Index k = std::min(m, n), rows = std::max(m, n), u_columns = f == "svd_full" ? rows : k;
  T* room = reinterpret_cast<T*>(work.room);
  T* const jacobi = room;
  const T* a = reinterpret_cast<const T*>(work.in[0]);
  room += kernels::svd_work(rows, k);
  if (m < n) {
    adjoint(a, m, n, room);
    a = room;
    room += m * n;
  }
  if (f == "svdvals") return kernels::small_svd<T>(a, rows, k, nullptr, k, false, reinterpret_cast<double*>(work.out[0]), nullptr, jacobi);
  auto *u = reinterpret_cast<T*>(work.out[0]), *vh = reinterpret_cast<T*>(work.out[2]);
  auto* s = reinterpret_cast<double*>(work.out[1]);
  const bool complete = f != "svd_open";
  if (m >= n) return kernels::small_svd(a, rows, k, u, u_columns, complete, s, vh, jacobi);
  // a^H = x diag(s) yh, so a = yh^H diag(s) x^H.
  T *const x = room, *const yh = room + rows * u_columns;
  kernels::small_svd(a, rows, k, x, u_columns, complete, s, yh, jacobi);
  adjoint(yh, k, k, u);
  adjoint(x, rows, u_columns, vh);
}

/// @returns what is wrong with the matrix, or nothing
template <class T>
std::string_view apply(std::string_view f, Index m, Index n, Index columns, const Work& work) {
  T* const a = reinterpret_cast<T*>(work.in[0]);
  const auto out = [&](std::size_t i) { return reinterpret_cast<T*>(work.out[i]); };
  auto* const pivots = reinterpret_cast<Index*>(work.room);
  if (f == "triangle_inverse") {
    kernels::invert_triangle<T>(a, n, out(0));
  } else if (f == "det") {
    kernels::factor_lu(a, n, pivots);
    *out(0) = kernels::determinant(a, pivots, n);
  } else if (f == "slogdet") {
    kernels::factor_lu(a, n, pivots);
    kernels::determinant_parts(a, pivots, n, *out(0), *reinterpret_cast<double*>(work.out[1]));
  } else if (f == "inv" || f == "solve") {
    if (!kernels::factor_lu(a, n, pivots)) return "is singular";
    if (f == "inv")
      for (Index i = 0; i < n * n; ++i) out(0)[i] = T(i % (n + 1) == 0 ? 1 : 0);
    else
      std::memcpy(work.out[0], work.in[1], static_cast<std::size_t>(n * columns) * sizeof(T));
    kernels::solve_lu(a, pivots, n, out(0), f == "inv" ? n : columns);
  } else if (f == "cholesky") {
    if (!kernels::factor_cholesky(a, n)) return "is not positive definite";
    std::memcpy(work.out[0], a, static_cast<std::size_t>(n * n) * sizeof(T));
  } else if (f == "eigh" || f == "eigvalsh") {
    kernels::eigen_hermitian(a, n, reinterpret_cast<double*>(work.out[0]), f == "eigh" ? out(1) : nullptr, reinterpret_cast<T*>(work.room));
  } else if (f == "qr" || f == "qr_complete") {
    kernels::small_qr(a, m, n, out(0), f == "qr" ? std::min(m, n) : m, out(1), reinterpret_cast<T*>(work.room));
  } else {
    svd<T>(f, m, n, work);
  }
  return {};
}

}  // namespace

SmallMatrixOp::SmallMatrixOp(std::string function, const std::vector<Spec>& inputs)
    : Op(lead_of(inputs), output_specs(function, inputs), accesses(inputs, lead_of(inputs).rank()),
         accesses(output_specs(function, inputs), lead_of(inputs).rank())),
      function_(std::move(function)),
      in_(inputs) {}

nlohmann::json SmallMatrixOp::params() const { return {{"function", function_}}; }

Need SmallMatrixOp::need(const Box& box) const {
  const int points = domain().rank();
  const Index m = in_[0].shape[points], n = in_[0].shape[points + 1];
  Index bytes = Scratch::rounded(room_elements(function_, m, n) * size_of(in_[0].dtype));
  for (const Spec& spec : in_) bytes += Scratch::rounded(element_count(tail_shape(spec, points)) * size_of(spec.dtype));
  for (const Spec& spec : outputs()) bytes += Scratch::rounded(element_count(tail_shape(spec, points)) * size_of(spec.dtype));
  const double a = static_cast<double>(m), b = static_cast<double>(n), least = std::min(a, b);
  const bool jacobi = is_one_of(function_, {"eigh", "eigvalsh", "svd", "svd_full", "svd_open", "svdvals"});
  const double each = a * b * least * (jacobi ? 40 : 1) + 1000;
  return {bytes, static_cast<double>(box.count()) * each * (is_complex(in_[0].dtype) ? 4 : 1)};
}

void SmallMatrixOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const int points = domain().rank();
  const Index m = in_[0].shape[points], n = in_[0].shape[points + 1], columns = in_.back().shape.back();
  std::vector<View> from, to, from_copy, to_copy;
  Work work;
  for (std::size_t i = 0; i < in.size(); ++i) {
    from.push_back(in[i].part(map_box(input(static_cast<int>(i)), box, in_[i].shape)).view);
    from_copy.push_back(View::contiguous(nullptr, in_[i].dtype, tail_shape(in_[i], points)));
    from_copy.back().data = scratch.take(from_copy.back().bytes());
    work.in.push_back(from_copy.back().data);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    to.push_back(out[i].view);
    to_copy.push_back(View::contiguous(nullptr, outputs()[i].dtype, tail_shape(outputs()[i], points)));
    to_copy.back().data = scratch.take(to_copy.back().bytes());
    work.out.push_back(to_copy.back().data);
  }
  work.room = scratch.take(room_elements(function_, m, n) * size_of(in_[0].dtype));
  Dims at(points);
  for (Index i = 0, count = box.count(); i < count; ++i) {
    cancel.check();
    for (std::size_t k = 0; k < from.size(); ++k) copy(tail_of(from[k], at), from_copy[k]);
    const std::string_view trouble = is_complex(in_[0].dtype) ? apply<std::complex<double>>(function_, m, n, columns, work)
                                                              : apply<double>(function_, m, n, columns, work);
    if (!trouble.empty()) {
      Dims which = at;
      for (int k = 0; k < points; ++k) which[k] += box.start[k];
      fail(ErrorKind::kData, "{}: the matrix{} {}.", function_, points == 0 ? "" : " at " + to_string(which), trouble);
    }
    for (std::size_t k = 0; k < to.size(); ++k) copy(to_copy[k], tail_of(to[k], at));
    for (int k = points - 1; k >= 0 && ++at[k] == box.shape[k]; --k) at[k] = 0;
  }
}

std::vector<Array> small_matrix(std::string function, std::vector<Array> inputs) {
  DType dtype = DType::kFloat64;
  std::vector<Shape> leads;
  for (const Array& a : inputs) {
    if (is_complex(a.dtype())) dtype = DType::kComplex128;
    leads.push_back(leading(a.shape()));
  }
  const Shape lead = broadcast_shape(leads);
  std::vector<Spec> specs;
  for (Array& a : inputs) {
    Shape shape = lead;
    shape.push_back(a.shape()[a.rank() - 2]);
    shape.push_back(a.shape()[a.rank() - 1]);
    a = astype(a, dtype);
    if (shape != a.shape()) a = broadcast_to(a, shape);
    specs.push_back(a.spec());
  }
  return apply_op_all(std::make_shared<SmallMatrixOp>(std::move(function), specs), std::move(inputs));
}

}  // namespace freestone
