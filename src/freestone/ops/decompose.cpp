#include "freestone/ops/decompose.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/kernels/decompose.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr Index kLeafRows = 1024;

DType wide(DType t) { return is_complex(t) ? DType::kComplex128 : DType::kFloat64; }

template <class F>
void with_wide_type(DType t, F&& f) {
  if (is_complex(t)) return f(TypeTag<std::complex<double>>{});
  f(TypeTag<double>{});
}

/// Rows of a leaf: many times the columns, so that merging costs little.
Index leaf_rows(Index columns) {
  Index rows = kLeafRows;
  while (rows < 8 * columns) rows *= 2;
  return rows;
}

/// Any dtype as T, row by row.
template <class T>
void read_rows(const View& from, T* to) {
  with_type(from.dtype, [&]<class S>(TypeTag<S>) {
    if constexpr (std::is_arithmetic_v<S> || !std::is_arithmetic_v<T>) {
      for_each_row(from.shape, {&from}, [&](std::byte** row) {
        for (Index i = 0; i < from.shape.back(); ++i) {
          S value;
          std::memcpy(&value, row[0] + i * from.strides.back(), sizeof value);
          *to++ = static_cast<T>(value);
        }
      });
    } else {
      ensure(false, "complex numbers in a decomposition of real ones");
    }
  });
}

std::vector<Spec> small_outputs(std::string_view function, const Spec& m) {
  const bool square = m.shape.rank() == 2 && m.shape[0] == m.shape[1] && m.dtype == wide(m.dtype);
  if (!square || (function != "inverse" && function != "svd"))
    fail(ErrorKind::kData, "small_matrix: no function '{}' of {} of shape {}.", function, name_of(m.dtype), to_string(m.shape));
  if (function == "inverse") return {m};
  return {m, {Shape{m.shape[0]}, DType::kFloat64}, m};
}

std::vector<Access> small_access(std::string_view function) {
  const Access matrix{AxisMap::whole(), AxisMap::whole()};
  if (function == "inverse") return {matrix};
  return {matrix, Access{AxisMap::whole()}, matrix};
}

Array triangle_of(const Array& a) { return apply_op(std::make_shared<TriangleOp>(a.spec()), {a}); }
std::vector<Array> small_matrix(std::string function, const Array& a) {
  return apply_op_all(std::make_shared<SmallMatrixOp>(std::move(function), a.spec()), {a});
}

/// In float64 or complex128.
QrResult wide_qr(const Array& a) {
  const Array r1 = triangle_of(a), q1 = matmul(a, small_matrix("inverse", r1)[0]);
  const Array r2 = triangle_of(q1);
  return {matmul(q1, small_matrix("inverse", r2)[0]), matmul(r2, r1)};
}

void check_matrix(std::string_view what, const Array& a) {
  if (a.rank() != 2) fail(ErrorKind::kUser, "{}: of a matrix, not of an array of shape {}.", what, to_string(a.shape()));
}

DType result_dtype(DType in) { return is_floating(in) || is_complex(in) ? in : DType::kFloat64; }
DType real_of(DType t) { return t == DType::kComplex64 ? DType::kFloat32 : t == DType::kComplex128 ? DType::kFloat64 : t; }

/// Columns to rows, conjugate.
Array adjoint(const Array& a) { return is_complex(a.dtype()) ? elementwise("conjugate", {transpose(a)}) : transpose(a); }

}  // namespace

TriangleOp::TriangleOp(const Spec& a)
    : Op(a.shape, {{Shape{a.shape[1], a.shape[1]}, wide(a.dtype)}}, {identity_access(2)}, {Access{AxisMap::whole(), AxisMap::whole()}}),
      a_(a),
      columns_(a.shape[1]),
      leaf_{leaf_rows(a.shape[1]), std::max<Index>(1, a.shape[1])} {}

nlohmann::json TriangleOp::params() const { return nlohmann::json::object(); }

Need TriangleOp::need(const Box& box) const {
  const double products = static_cast<double>(box.count()) * static_cast<double>(columns_);
  // Scratch of one leaf, or of two triangles that become one.
  const Index elements = std::max(box.count(), 2 * columns_ * columns_) + columns_;
  return {elements * size_of(wide(a_.dtype)), products * (is_complex(a_.dtype) ? 4 : 1) + static_cast<double>(box.count())};
}

Index TriangleOp::state_words() const { return std::max<Index>(1, columns_ * columns_ * (is_complex(a_.dtype) ? 2 : 1)); }

void TriangleOp::init(std::byte* state, Index) const { std::memset(state, 0, static_cast<std::size_t>(state_words() * 8)); }

void TriangleOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index) const {
  const View rows = in[0].part(leaf_box).view;
  if (rows.count() == 0) return;
  with_wide_type(a_.dtype, [&]<class T>(TypeTag<T>) {
    const Buffer memory((rows.count() + columns_) * static_cast<Index>(sizeof(T)));
    T* const block = reinterpret_cast<T*>(memory.data());
    read_rows(rows, block);
    kernels::triangle_of(block, rows.shape[0], columns_, reinterpret_cast<T*>(state), block + rows.count());
  });
}

void TriangleOp::merge(std::byte* into, const std::byte* from, Index) const {
  with_wide_type(a_.dtype, [&]<class T>(TypeTag<T>) {
    const Index n = columns_ * columns_;
    std::vector<T> block(static_cast<std::size_t>(2 * n + columns_));
    std::memcpy(block.data(), into, static_cast<std::size_t>(n) * sizeof(T));
    std::memcpy(block.data() + n, from, static_cast<std::size_t>(n) * sizeof(T));
    kernels::triangle_of(block.data(), 2 * columns_, columns_, reinterpret_cast<T*>(into), block.data() + 2 * n);
  });
}

void TriangleOp::finish(const std::byte* state, Index, std::span<std::byte* const> out) const {
  std::memcpy(out[0], state, static_cast<std::size_t>(outputs()[0].bytes()));
}

SmallMatrixOp::SmallMatrixOp(std::string function, const Spec& matrix)
    : Op(Shape(), small_outputs(function, matrix), {Access{AxisMap::whole(), AxisMap::whole()}}, small_access(function)),
      function_(std::move(function)),
      matrix_(matrix) {}

nlohmann::json SmallMatrixOp::params() const { return {{"function", function_}}; }

Need SmallMatrixOp::need(const Box&) const {
  const double n = static_cast<double>(matrix_.shape[0]);
  const bool svd = function_ == "svd";
  return {Scratch::rounded(matrix_.bytes()) * (svd ? 3 : 1), n * n * n * (svd ? 40 : 1) + 1000};
}

void SmallMatrixOp::run(const Box&, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel&) const {
  const Index n = matrix_.shape[0];
  if (n == 0) return;
  const View a = in[0].part(Box(matrix_.shape)).view, copied = View::contiguous(scratch.take(a.bytes()), a.dtype, a.shape);
  copy(a, copied);
  with_wide_type(matrix_.dtype, [&]<class T>(TypeTag<T>) {
    if (function_ == "inverse")
      kernels::invert_triangle(copied.as<const T>(), n, out[0].view.as<T>());
    else
      kernels::small_svd(copied.as<T>(), n, out[0].view.as<T>(), out[1].view.as<double>(), out[2].view.as<T>());
  });
}

QrResult qr(const Array& a) {
  check_matrix("qr", a);
  if (a.shape()[0] < a.shape()[1])
    fail(ErrorKind::kUser, "qr: {} rows and {} columns; it needs at least as many rows as columns.", a.shape()[0], a.shape()[1]);
  const DType dtype = result_dtype(a.dtype());
  const QrResult wide = wide_qr(a);
  return {astype(wide.q, dtype), astype(wide.r, dtype)};
}

SvdResult svd(const Array& a) {
  check_matrix("svd", a);
  if (a.shape()[0] < a.shape()[1]) {
    const SvdResult other = svd(adjoint(a));
    return {adjoint(other.vh), other.s, adjoint(other.u)};
  }
  const DType dtype = result_dtype(a.dtype());
  const QrResult wide = wide_qr(a);
  const std::vector<Array> small = small_matrix("svd", wide.r);
  return {astype(matmul(wide.q, small[0]), dtype), astype(small[1], real_of(dtype)), astype(small[2], dtype)};
}

Array svdvals(const Array& a) {
  check_matrix("svdvals", a);
  const Array tall = a.shape()[0] < a.shape()[1] ? transpose(a) : a;
  return astype(small_matrix("svd", triangle_of(tall))[1], real_of(result_dtype(a.dtype())));
}

}  // namespace freestone
