#include "freestone/ops/decompose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/ops/create.h"
#include "freestone/ops/einsum.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/plan_json.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"
#include "plan/damaged_plan.h"

namespace freestone {
namespace {

using Complex = std::complex<double>;

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

template <class T>
struct Matrix {
  Shape shape;
  std::shared_ptr<std::vector<T>> values;
  Array array() const { return from_memory(View::contiguous(values->data(), dtype_of<T>(), shape), values); }
  T at(Index i, Index j) const { return (*values)[static_cast<std::size_t>(i * shape[1] + j)]; }
};

/// Noise whose columns get smaller and lean on the first, so that the condition is about 1 / `least`.
template <class T>
Matrix<T> matrix(Index rows, Index columns, unsigned seed, double least = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Matrix<T> m{{rows, columns}, std::make_shared<std::vector<T>>()};
  for (Index i = 0; i < rows; ++i) {
    T first{};
    for (Index j = 0; j < columns; ++j) {
      T value;
      if constexpr (std::is_floating_point_v<T>)
        value = static_cast<T>(normal(random));
      else
        value = T(normal(random), normal(random));
      if (j == 0) first = value;
      const double size = std::pow(least, static_cast<double>(j) / static_cast<double>(std::max<Index>(1, columns - 1)));
      m.values->push_back(j == 0 || least == 1 ? value : first + static_cast<T>(size) * value);
    }
  }
  return m;
}

template <class T>
Complex element(const Tensor& t, Index i, Index j) {
  return static_cast<Complex>(t.data<T>()[i * t.shape()[1] + j]);
}

double number_at(const Tensor& t, Index i) { return t.data<double>()[i]; }

/// The largest element of |a^H a - 1| for the columns of a.
template <class T>
double apart_from_orthonormal(const Tensor& a) {
  double most = 0;
  for (Index p = 0; p < a.shape()[1]; ++p)
    for (Index q = 0; q < a.shape()[1]; ++q) {
      Complex sum = p == q ? -1 : 0;
      for (Index i = 0; i < a.shape()[0]; ++i) sum += std::conj(element<T>(a, i, p)) * element<T>(a, i, q);
      most = std::max(most, std::abs(sum));
    }
  return most;
}

template <class T>
void check_qr(const Matrix<T>& a, double tolerance) {
  const QrResult lazy = qr(a.array());
  const auto got = compute_all({lazy.q, lazy.r}, with(64 << 20, 2));
  const Index n = a.shape[1];
  ASSERT_EQ(got[0].shape(), a.shape);
  ASSERT_EQ(got[1].shape(), (Shape{n, n}));
  EXPECT_LE(apart_from_orthonormal<T>(got[0]), tolerance);
  double size = 0;
  for (const T v : *a.values) size = std::max(size, static_cast<double>(std::abs(v)));
  for (Index i = 0; i < a.shape[0]; ++i)
    for (Index j = 0; j < n; ++j) {
      Complex sum = 0;
      for (Index k = 0; k < n; ++k) sum += element<T>(got[0], i, k) * element<T>(got[1], k, j);
      ASSERT_LE(std::abs(sum - static_cast<Complex>(a.at(i, j))), tolerance * size * 10);
    }
  for (Index i = 0; i < n; ++i) {
    EXPECT_GE(element<T>(got[1], i, i).real(), 0);
    EXPECT_EQ(element<T>(got[1], i, i).imag(), 0);
    for (Index j = 0; j < i; ++j) EXPECT_EQ(element<T>(got[1], i, j), 0.0);
  }
}

TEST(Qr, IsOrthonormalTimesATriangle) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {7, 7}, {50, 3}, {1024, 5}, {1025, 5}, {9000, 13}}) {
    check_qr(matrix<double>(rows, columns, 1), 1e-14);
    check_qr(matrix<float>(rows, columns, 2), 1e-5);
    check_qr(matrix<Complex>(rows, columns, 3), 1e-14);
  }
}

TEST(Qr, IsSoForTheLargestAndTheSmallestNumbers) {
  for (const double size : {1e200, 1e-200, 1e307, 1e-290}) {
    Matrix<double> a = matrix<double>(2, 2, 7);
    Matrix<Complex> b = matrix<Complex>(2, 2, 8);
    for (double& v : *a.values) v *= size;
    for (Complex& v : *b.values) v *= size;
    check_qr(a, 1e-14);
    check_qr(b, 1e-14);
  }
}

/// Column j times sizes[j modulo the number of sizes].
template <class T>
Matrix<T> with_columns_of(Matrix<T> m, const std::vector<double>& sizes) {
  for (std::size_t i = 0; i < m.values->size(); ++i) (*m.values)[i] *= sizes[i % static_cast<std::size_t>(m.shape[1]) % sizes.size()];
  return m;
}

/// q is orthonormal, and column by column q r is what it was, relative to the column.
template <class T>
void check_qr_of_columns(const Matrix<T>& a, const std::vector<double>& sizes, double tolerance) {
  const QrResult lazy = qr(a.array());
  const auto got = compute_all({lazy.q, lazy.r}, with(64 << 20, 2));
  const Index n = a.shape[1];
  EXPECT_LE(apart_from_orthonormal<T>(got[0]), tolerance);
  for (Index j = 0; j < n; ++j) {
    const double size = sizes[static_cast<std::size_t>(j) % sizes.size()];
    for (Index i = 0; i < a.shape[0]; ++i) {
      Complex sum = 0;
      for (Index k = 0; k < n; ++k) sum += element<T>(got[0], i, k) * (element<T>(got[1], k, j) / size);
      ASSERT_LE(std::abs(sum - static_cast<Complex>(a.at(i, j)) / size), tolerance * 10) << "row " << i << ", column " << j;
    }
  }
}

TEST(Qr, IsSoForTallMatricesOfTheLargestAndTheSmallestNumbers) {
  // Seen whole, in blocks of rows; all columns alike, and each of another size.
  const std::vector<std::vector<double>> all{{1e200}, {1e-200}, {1e300}, {1e-290}, {1e200, 1e-200, 1}};
  for (const Index rows : {Index{40}, Index{15000}})
    for (const auto& sizes : all) {
      SCOPED_TRACE(std::to_string(rows) + " rows, the first column of " + std::to_string(std::log10(sizes[0])) + " digits");
      check_qr_of_columns(with_columns_of(matrix<double>(rows, 5, 21), sizes), sizes, 1e-13);
      check_qr_of_columns(with_columns_of(matrix<Complex>(rows, 5, 22), sizes), sizes, 1e-13);
    }
}

TEST(Qr, KeepsWhatIsSmallBesideWhatIsTaken) {
  // The second column is the first but for elements whose squares vanish. (In blocks of rows it counts as the same: Q has no room for it.)
  const Matrix<double> a{{3, 2}, std::make_shared<std::vector<double>>(std::vector<double>{1, 1, 0, 3e-200, 0, 4e-200})};
  const Tensor r = compute(qr(a.array()).r, with(64 << 20, 2));
  EXPECT_NEAR(r.data<double>()[3] / 5e-200, 1, 1e-14);
}

TEST(Qr, StaysOrthonormalWhereColumnsAreNearlyTheSame) { check_qr(matrix<double>(3000, 8, 4, 1e-11), 1e-13); }

TEST(Qr, ColumnsThatDependOnOthersAreZero) {
  constexpr Index kRows = 20000;
  Matrix<double> a = matrix<double>(kRows, 4, 5);
  for (Index i = 0; i < kRows; ++i) (*a.values)[static_cast<std::size_t>(i * 4 + 2)] = a.at(i, 0) - 2 * a.at(i, 1);
  const QrResult lazy = qr(a.array());
  const auto got = compute_all({lazy.q, lazy.r}, with(64 << 20, 1));
  for (Index i = 0; i < kRows; ++i) {
    ASSERT_EQ(got[0].data<double>()[i * 4 + 2], 0);
    double sum = 0;
    for (Index k = 0; k < 4; ++k) sum += got[0].data<double>()[i * 4 + k] * got[1].data<double>()[k * 4 + 2];
    ASSERT_NEAR(sum, a.at(i, 2), 1e-12);
  }
}

template <class T>
void check_same_bits(const Matrix<T>& a) {
  TempStore store("/var/tmp", Spec{a.shape, dtype_of<T>()}, {3000, a.shape[1]});
  store.sink()->create();
  Buffer memory(store.sink()->scratch_bytes(Box(a.shape)) + 64);
  Scratch scratch(memory.bytes());
  store.sink()->write(Box(a.shape), View::contiguous(a.values->data(), dtype_of<T>(), a.shape), scratch, Cancel());
  const QrResult lazy = qr(from_source(store.source()));
  const auto expected = compute_all({lazy.q, lazy.r}, with(64 << 20, 1));
  const auto check = [&](Index room, int threads) {
    const auto got = compute_all({lazy.q, lazy.r}, with(lazy.q.bytes() + room, threads));
    for (std::size_t o = 0; o < 2; ++o)
      EXPECT_EQ(std::memcmp(got[o].view().data, expected[o].view().data, static_cast<std::size_t>(got[o].view().bytes())), 0) << room;
  };
  for (const Index room : {Index{1} << 19, Index{3} << 19, Index{30} << 20}) check(room, 3);
  for (const auto target : {kernels::Target::kBaseline, kernels::Target::kAvx2}) {
    kernels::set_target(target);
    check(Index{30} << 20, 1);
    kernels::set_target(kernels::best_target());
  }
}

TEST(Qr, SameBitsForAnyBudgetThreadsAndTarget) {
  check_same_bits(matrix<float>(40000, 6, 6));
  check_same_bits(matrix<Complex>(20000, 7, 7));
}

template <class T>
void check_svd(const Matrix<T>& a, double tolerance) {
  const SvdResult lazy = svd(a.array());
  const auto got = compute_all({lazy.u, lazy.s, lazy.vh, svdvals(a.array())}, with(64 << 20, 2));
  const Index k = std::min(a.shape[0], a.shape[1]);
  ASSERT_EQ(got[0].shape(), (Shape{a.shape[0], k}));
  ASSERT_EQ(got[2].shape(), (Shape{k, a.shape[1]}));
  EXPECT_LE(apart_from_orthonormal<T>(got[0]), tolerance);
  for (Index i = 0; i < k; ++i) {
    EXPECT_NEAR(number_at(got[1], i), number_at(got[3], i), tolerance * number_at(got[1], 0));
    if (i > 0) {
      EXPECT_LE(number_at(got[1], i), number_at(got[1], i - 1));
    }
  }
  for (Index i = 0; i < a.shape[0]; ++i)
    for (Index j = 0; j < a.shape[1]; ++j) {
      Complex sum = 0;
      for (Index p = 0; p < k; ++p) sum += element<T>(got[0], i, p) * number_at(got[1], p) * element<T>(got[2], p, j);
      ASSERT_LE(std::abs(sum - static_cast<Complex>(a.at(i, j))), tolerance * 100);
    }
}

TEST(Svd, IsTheMatrixAgain) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{1, 1}, {9, 9}, {300, 4}, {4500, 17}, {6, 900}, {3, 30000}}) {
    check_svd(matrix<double>(rows, columns, 1), 1e-13);
    check_svd(matrix<Complex>(rows, columns, 2), 1e-13);
  }
}

TEST(Svd, OfTheLargestAndTheSmallestNumbers) {
  for (const double size : {1e200, 1e-200, 1e300, 1e-290})
    for (const Index rows : {Index{30}, Index{20000}}) {
      const Matrix<double> plain = matrix<double>(rows, 4, 31), a = with_columns_of(matrix<double>(rows, 4, 31), {size});
      const SvdResult lazy = svd(a.array()), one = svd(plain.array());
      const auto got = compute_all({lazy.u, lazy.s, lazy.vh, svdvals(a.array()), one.s}, with(64 << 20, 2));
      EXPECT_LE(apart_from_orthonormal<double>(got[0]), 1e-13) << size;
      EXPECT_LE(apart_from_orthonormal<double>(got[2]), 1e-13) << size;
      for (Index k = 0; k < 4; ++k) {
        EXPECT_NEAR(number_at(got[1], k) / size / number_at(got[4], k), 1, 1e-13) << size;
        EXPECT_NEAR(number_at(got[3], k) / size / number_at(got[4], k), 1, 1e-13) << size;
      }
    }
}

TEST(Svd, KnownSingularValues) {
  // Orthogonal columns of lengths 5, 2 and 0.
  Matrix<double> a{{4, 3}, std::make_shared<std::vector<double>>(std::vector<double>{3, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 0})};
  const Tensor s = compute(svdvals(a.array()), with(64 << 20, 1));
  EXPECT_NEAR(s.data<double>()[0], 5, 1e-14);
  EXPECT_NEAR(s.data<double>()[1], 2, 1e-14);
  EXPECT_EQ(s.data<double>()[2], 0);
}

TEST(LinearAlgebra, PlansComeBackFromJson) {
  const Array a = reshape(arange(Index{1}, Index{61}), {20, 3}), x = astype(a, DType::kFloat64) + 0.5;
  const SvdResult parts = svd(elementwise("sin", {x}));
  const std::vector<Array> roots{matmul(transpose(x), x),
                                 einsum("ij,kj->ik", {x, x}),
                                 fftn(x),
                                 irfft(rfft(x, 8, 0)),
                                 parts.u,
                                 parts.s,
                                 qr(elementwise("sin", {reshape(arange(0.0, 90000.0), {30000, 3})})).r,
                                 matmul(reshape(arange(Index{20000}), {1, 20000}), reshape(arange(Index{20000}), {20000, 1}))};
  const auto expected = compute_all(roots, with(64 << 20, 1));
  for (std::size_t i = 0; i < roots.size(); ++i) {
    MemoryStore store(roots[i].spec());
    const Plan plan = plan_outputs({{roots[i], store.sink()}}, with(64 << 20, 1));
    const std::string text = to_json(plan).dump();
    const Plan back =
        plan_from_json(nlohmann::json::parse(text), [](const std::string&) -> std::shared_ptr<const Source> { return nullptr; });
    EXPECT_EQ(to_json(back).dump(), text);
    run_plan(back, {store.sink()});
    EXPECT_EQ(std::memcmp(store.view().data, expected[i].view().data, static_cast<std::size_t>(expected[i].view().bytes())), 0) << i;
    read_with_damaged_values(
        nlohmann::json::parse(text), [](const std::string&) -> std::shared_ptr<const Source> { return nullptr; }, "/params/");
    bool is_fold = false;
    for (const PlanNode& node : back.nodes) is_fold = is_fold || node.op->name() == "contract_long";
    EXPECT_EQ(is_fold, i + 1 == roots.size());
  }
  EXPECT_EQ(expected.back().data<std::int64_t>()[0], 2666466670000);
}

}  // namespace
}  // namespace freestone
