#include "freestone/ops/decompose.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/kernels/decompose.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/small_matrix.h"

namespace freestone {
namespace {

constexpr Index kLeafRows = 1024;
constexpr Index kSeenWhole = 65536;  // elements of a matrix that is not cut

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

Array triangle_of(const Array& a) { return apply_op(std::make_shared<TriangleOp>(a.spec()), {a}); }

/// In float64 or complex128.
QrResult wide_qr(const Array& a) {
  const Array r1 = triangle_of(a), q1 = matmul(a, small_matrix("triangle_inverse", {r1})[0]);
  const Array r2 = triangle_of(q1);
  return {matmul(q1, small_matrix("triangle_inverse", {r2})[0]), matmul(r2, r1)};
}

void check_matrices(std::string_view what, const Array& a) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "{}: an array of shape {} has no matrices.", what, to_string(a.shape()));
}

/// By shape alone, so that a plan never decides it.
bool in_blocks_of_rows(const Array& a) { return a.rank() == 2 && a.size() > kSeenWhole; }

DType result_dtype(DType in) { return is_floating(in) || is_complex(in) ? in : DType::kFloat64; }
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
  const Index rows = std::max(std::min(box.shape[0], leaf_[0]), 2 * columns_);
  return {Scratch::rounded((rows + 1) * columns_ * size_of(wide(a_.dtype))),
          products * (is_complex(a_.dtype) ? 4 : 1) + static_cast<double>(box.count())};
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

QrResult qr(const Array& a, bool complete) {
  check_matrices("qr", a);
  const DType dtype = result_dtype(a.dtype());
  if (!complete && in_blocks_of_rows(a) && a.shape()[0] >= a.shape()[1]) {
    const QrResult wide = wide_qr(a);
    return {astype(wide.q, dtype), astype(wide.r, dtype)};
  }
  const std::vector<Array> both = small_matrix(complete ? "qr_complete" : "qr", {a});
  return {astype(both[0], dtype), astype(both[1], dtype)};
}

SvdResult svd(const Array& a, bool full_matrices) {
  check_matrices("svd", a);
  const DType dtype = result_dtype(a.dtype());
  if (full_matrices || !in_blocks_of_rows(a)) {
    const std::vector<Array> parts = small_matrix(full_matrices ? "svd_full" : "svd", {a});
    return {astype(parts[0], dtype), astype(parts[1], real_type(dtype)), astype(parts[2], dtype)};
  }
  if (a.shape()[0] < a.shape()[1]) {
    const SvdResult other = svd(adjoint(a));
    return {adjoint(other.vh), other.s, adjoint(other.u)};
  }
  const QrResult wide = wide_qr(a);
  const std::vector<Array> small = small_matrix("svd_open", {wide.r});
  return {astype(matmul(wide.q, small[0]), dtype), astype(small[1], real_type(dtype)), astype(small[2], dtype)};
}

Array svdvals(const Array& a) {
  check_matrices("svdvals", a);
  if (!in_blocks_of_rows(a)) return astype(small_matrix("svdvals", {a})[0], real_type(result_dtype(a.dtype())));
  const Array tall = a.shape()[0] < a.shape()[1] ? transpose(a) : a;
  return astype(small_matrix("svdvals", {triangle_of(tall)})[0], real_type(result_dtype(a.dtype())));
}

}  // namespace freestone
