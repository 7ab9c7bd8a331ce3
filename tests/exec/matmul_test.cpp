#include "freestone/ops/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/linalg.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/temp_store.h"

namespace freestone {
namespace {

template <class T>
struct Numbers {
  std::shared_ptr<std::vector<T>> values;
  Shape shape;
  Array array() const { return from_memory(View::contiguous(values->data(), dtype_of<T>(), shape), values); }
  T at(std::initializer_list<Index> position) const {
    Index flat = 0;
    int k = 0;
    for (const Index p : position) flat = flat * shape[k++] + p;
    return (*values)[static_cast<std::size_t>(flat)];
  }
};

template <class T>
Numbers<T> numbers(Shape shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  auto values = std::make_shared<std::vector<T>>(static_cast<std::size_t>(element_count(shape)));
  for (T& v : *values) {
    if constexpr (std::is_integral_v<T>)
      v = static_cast<T>(random());
    else if constexpr (std::is_floating_point_v<T>)
      v = static_cast<T>(uniform(random));
    else
      v = T(static_cast<typename T::value_type>(uniform(random)), static_cast<typename T::value_type>(uniform(random)));
  }
  return {values, shape};
}

template <class T>
Array on_disk(const Numbers<T>& data, Shape block, std::shared_ptr<TempStore>& keep) {
  keep = std::make_shared<TempStore>("/var/tmp", Spec{data.shape, dtype_of<T>()}, block);
  keep->sink()->create();
  const Box whole(data.shape);
  Buffer memory(keep->sink()->scratch_bytes(whole) + 64);
  Scratch scratch(memory.bytes());
  keep->sink()->write(whole, View::contiguous(data.values->data(), dtype_of<T>(), data.shape), scratch, Cancel());
  return from_source(keep->source());
}

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.view().data, b.view().data, static_cast<std::size_t>(a.view().bytes())) == 0;
}

template <class T>
using Wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t,
                                std::conditional_t<std::is_floating_point_v<T>, long double, std::complex<long double>>>;

/// (m, k) times (k, n) against three loops; `tolerance` in units of the dtype's epsilon times k.
template <class T>
void check_product(Index m, Index k, Index n, unsigned seed) {
  SCOPED_TRACE(fmt::format("{}: {} x {} x {}, seed {}", name_of(dtype_of<T>()), m, k, n, seed));
  const auto a = numbers<T>({m, k}, seed), b = numbers<T>({k, n}, seed + 1);
  const Tensor got = compute(matmul(a.array(), b.array()), with(64 << 20, 2));
  ASSERT_EQ(got.shape(), (Shape{m, n}));
  ASSERT_EQ(got.dtype(), dtype_of<T>());
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      Wide<T> sum{};
      for (Index p = 0; p < k; ++p) sum += static_cast<Wide<T>>(a.at({i, p})) * static_cast<Wide<T>>(b.at({p, j}));
      const T value = got.template data<T>()[i * n + j];
      if constexpr (std::is_integral_v<T>) {
        ASSERT_EQ(value, static_cast<T>(sum));
      } else {
        const double epsilon = std::numeric_limits<decltype(std::abs(T{}))>::epsilon();
        ASSERT_LE(static_cast<double>(std::abs(static_cast<Wide<T>>(value) - sum)), 16 * epsilon * std::sqrt(static_cast<double>(k) + 1));
      }
    }
}

TEST(Matmul, EqualsThreeLoops) {
  std::mt19937 random(11);
  const Index sizes[] = {0, 1, 2, 3, 7, 13, 17, 31, 64, 101};
  const Index sums[] = {0, 1, 5, 97, 256, 257, 600};
  for (unsigned round = 0; round < 12; ++round) {
    const auto pick = [&](auto& list) { return list[random() % std::size(list)]; };
    check_product<float>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<double>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<std::complex<float>>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<std::complex<double>>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<std::int8_t>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<std::int32_t>(pick(sizes), pick(sums), pick(sizes), round);
    check_product<std::uint64_t>(pick(sizes), pick(sums), pick(sizes), round);
  }
  check_product<float>(530, 300, 70, 1);
  check_product<double>(300, 270, 1100, 1);
}

TEST(Matmul, BroadcastsMatricesAndTakesVectors) {
  const auto a = numbers<double>({3, 1, 5, 7}, 1), b = numbers<double>({4, 7, 2}, 2), v = numbers<double>({7}, 3);
  const Tensor product = compute(matmul(a.array(), b.array()), with(64 << 20, 2));
  ASSERT_EQ(product.shape(), (Shape{3, 4, 5, 2}));
  for (Index s = 0; s < 3; ++s)
    for (Index t = 0; t < 4; ++t)
      for (Index i = 0; i < 5; ++i)
        for (Index j = 0; j < 2; ++j) {
          double sum = 0;
          for (Index p = 0; p < 7; ++p) sum += a.at({s, 0, i, p}) * b.at({t, p, j});
          EXPECT_NEAR(product.data<double>()[((s * 4 + t) * 5 + i) * 2 + j], sum, 1e-14);
        }
  const Tensor column = compute(matmul(a.array(), v.array()), with(64 << 20, 1));
  ASSERT_EQ(column.shape(), (Shape{3, 1, 5}));
  const Tensor row = compute(matmul(v.array(), b.array()), with(64 << 20, 1));
  ASSERT_EQ(row.shape(), (Shape{4, 2}));
  double sum = 0;
  for (Index p = 0; p < 7; ++p) sum += v.at({p}) * b.at({3, p, 1});
  EXPECT_NEAR(row.data<double>()[7], sum, 1e-14);
  EXPECT_EQ(compute(matmul(v.array(), v.array()), with(64 << 20, 1)).shape(), Shape());
  EXPECT_THROW(matmul(a.array(), v.array() + slice(a.array(), {Slice::at(0), Slice::at(0)})), Error);
  EXPECT_THROW(matmul(v.array(), compute(v.array(), with(1 << 20, 1)).shape().rank() ? numbers<double>({6}, 1).array() : v.array()), Error);
}

TEST(Matmul, SameBitsForAnyBudgetThreadsStridesAndTarget) {
  const auto a = numbers<float>({301, 523}, 1), b = numbers<float>({523, 409}, 2);
  const auto at = numbers<float>({523, 301}, 3);
  for (Index i = 0; i < 301; ++i)
    for (Index p = 0; p < 523; ++p) (*at.values)[static_cast<std::size_t>(p * 301 + i)] = a.at({i, p});
  std::shared_ptr<TempStore> keep_a, keep_b;
  const Array x = on_disk(a, {64, 523}, keep_a), y = on_disk(b, {100, 100}, keep_b);
  const Tensor expected = compute(matmul(a.array(), b.array()), with(64 << 20, 1));
  Index smallest_tiles = 1;
  for (const Index memory : {Index{700} << 10, Index{1} << 20, Index{2} << 20, Index{16} << 20}) {
    const auto result = std::make_shared<TempStore>("/var/tmp", Spec{{301, 409}, DType::kFloat32}, Shape{301, 409});
    const Plan plan = plan_outputs({{matmul(x, y), result->sink()}}, with(memory, 2));
    smallest_tiles = std::max(smallest_tiles, plan.total.tiles);
    EXPECT_TRUE(same_bytes(compute(matmul(x, y), with(memory + (Index{500} << 10), 2)), expected)) << memory;
  }
  EXPECT_GT(smallest_tiles, 4);
  EXPECT_TRUE(same_bytes(compute(matmul(transpose(at.array()), b.array()), with(64 << 20, 2)), expected));
  for (const auto target : {kernels::Target::kBaseline, kernels::Target::kAvx2}) {
    kernels::set_target(target);
    EXPECT_TRUE(same_bytes(compute(matmul(a.array(), b.array()), with(64 << 20, 1)), expected));
    kernels::set_target(kernels::best_target());
  }
}

TEST(Matmul, ABlockedProductInAQuarterOfTheMemoryHasSquareTiles) {
  // 2000 x 2000 float32: 16 MB an operand. A row of tiles reads all of b, so tiles are near squares.
  const auto a = numbers<float>({2000, 2000}, 1);
  std::shared_ptr<TempStore> keep_a, keep_b;
  const Array x = on_disk(a, {250, 250}, keep_a), y = on_disk(a, {250, 250}, keep_b);
  std::shared_ptr<TempStore> result = std::make_shared<TempStore>("/var/tmp", Spec{{2000, 2000}, DType::kFloat32}, Shape{250, 250});
  const Plan plan = plan_outputs({{matmul(x, y), result->sink()}}, with(Index{14} << 20, 2));
  ASSERT_EQ(plan.stages.size(), 1u);
  const Shape tile = plan.stages[0].tile;
  EXPECT_LE(std::max(tile[0], tile[1]), 4 * std::min(tile[0], tile[1])) << to_string(tile);
  EXPECT_LE(plan.total.bytes_read, Index{16} * 16'000'000) << to_string(tile);
}

TEST(Matmul, LongSumsAreFoldsWithTheSameBits) {
  const auto a = numbers<float>({5, 40000}, 1), b = numbers<float>({40000, 7}, 2);
  std::shared_ptr<TempStore> keep_a, keep_b;
  const Array x = on_disk(a, {5, 3000}, keep_a), y = on_disk(b, {1000, 7}, keep_b);
  const Array product = matmul(x, y);
  EXPECT_NE(product.node()->op->fold(), nullptr);
  const Tensor expected = compute(product, with(64 << 20, 1));
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 7; ++j) {
      double sum = 0;
      for (Index p = 0; p < 40000; ++p) sum += static_cast<double>(a.at({i, p})) * static_cast<double>(b.at({p, j}));
      EXPECT_NEAR(static_cast<double>(expected.data<float>()[i * 7 + j]), sum, 2e-4);
    }
  for (const Index memory : {Index{700} << 10, Index{1} << 20, Index{4} << 20})
    EXPECT_TRUE(same_bytes(compute(product, with(memory, 3)), expected)) << memory;
  const auto whole = numbers<std::int64_t>({2, 20000}, 4);
  const Tensor gram = compute(matmul(whole.array(), transpose(whole.array())), with(64 << 20, 2));
  std::uint64_t sum = 0;
  for (Index p = 0; p < 20000; ++p) sum += static_cast<std::uint64_t>(whole.at({0, p})) * static_cast<std::uint64_t>(whole.at({1, p}));
  EXPECT_EQ(static_cast<std::uint64_t>(gram.data<std::int64_t>()[1]), sum);
}

TEST(Matmul, AManyTimesLongerSumThanMemoryHolds) {
  // 138 and 147 MB of operands, in budgets of a fraction.
  constexpr Index kRows = 128, kColumns = 136, kSum = 270000;
  std::shared_ptr<TempStore> keep_a, keep_b;
  const auto a = numbers<float>({kRows, kSum}, 5), b = numbers<float>({kSum, kColumns}, 6);
  const Array product = matmul(on_disk(a, {16, 30000}, keep_a), on_disk(b, {10000, 17}, keep_b));
  const Tensor expected = compute(product, with(512 << 20, 2));
  for (const Index memory : {Index{5} << 20, Index{8} << 20, Index{40} << 20})
    EXPECT_TRUE(same_bytes(compute(product, with(memory, 2)), expected)) << memory;
  for (const auto& [i, j] : {std::pair<Index, Index>{0, 0}, {127, 135}, {64, 3}, {9, 99}}) {
    double sum = 0, sizes = 0;
    for (Index p = 0; p < kSum; ++p) {
      const double term = static_cast<double>(a.at({i, p})) * static_cast<double>(b.at({p, j}));
      sum += term, sizes += std::fabs(term);
    }
    EXPECT_NEAR(static_cast<double>(expected.data<float>()[i * kColumns + j]), sum, 1e-6 * sizes);
  }
}

TEST(Tensordot, SumsOverPairsOfAxes) {
  const auto a = numbers<double>({3, 5, 4, 2}, 1), b = numbers<double>({4, 3, 6, 5}, 2);
  const Tensor got = compute(tensordot(a.array(), b.array(), {2, 0, 1}, {0, 1, -1}), with(64 << 20, 2));
  ASSERT_EQ(got.shape(), (Shape{2, 6}));
  for (Index x = 0; x < 2; ++x)
    for (Index y = 0; y < 6; ++y) {
      double sum = 0;
      for (Index i = 0; i < 3; ++i)
        for (Index j = 0; j < 5; ++j)
          for (Index k = 0; k < 4; ++k) sum += a.at({i, j, k, x}) * b.at({k, i, y, j});
      EXPECT_NEAR(got.data<double>()[x * 6 + y], sum, 1e-13);
    }
  EXPECT_EQ(tensordot(a.array(), a.array(), 0).rank(), 8);
  EXPECT_THROW(tensordot(a.array(), b.array(), {0}, {0}), Error);
  EXPECT_THROW(tensordot(a.array(), b.array(), {0, 0}, {1, 1}), Error);
}

TEST(VectorProducts, EqualTheirFormulas) {
  const auto a = numbers<double>({4, 3}, 1), b = numbers<double>({3}, 2), c = numbers<double>({2, 1, 3}, 3);
  const Tensor dot = compute(vecdot(a.array(), b.array()), with(64 << 20, 1)),
               crossed = compute(cross(a.array(), c.array()), with(64 << 20, 1));
  ASSERT_EQ(dot.shape(), (Shape{4}));
  ASSERT_EQ(crossed.shape(), (Shape{2, 4, 3}));
  for (Index i = 0; i < 4; ++i) {
    double sum = 0;
    for (Index k = 0; k < 3; ++k) sum += a.at({i, k}) * b.at({k});
    EXPECT_NEAR(dot.data<double>()[i], sum, 1e-15);
    for (Index s = 0; s < 2; ++s)
      for (Index k = 0; k < 3; ++k) {
        const Index x = (k + 1) % 3, y = (k + 2) % 3;
        EXPECT_EQ(crossed.data<double>()[(s * 4 + i) * 3 + k], a.at({i, x}) * c.at({s, 0, y}) - a.at({i, y}) * c.at({s, 0, x}));
      }
  }
  const Tensor first_axis = compute(cross(transpose(a.array()), transpose(a.array()) * 2.0 + 1.0, -2), with(64 << 20, 1));
  EXPECT_EQ(first_axis.shape(), (Shape{3, 4}));
  EXPECT_NEAR(first_axis.data<double>()[1], a.at({1, 1}) - a.at({1, 2}), 1e-15);
  const Tensor table = compute(outer(b.array(), b.array()), with(64 << 20, 1));
  EXPECT_EQ(table.data<double>()[5], b.at({1}) * b.at({2}));
  const Numbers<double> zero{std::make_shared<std::vector<double>>(1, -0.0), {1}}, one{std::make_shared<std::vector<double>>(1, 1.0), {1}};
  EXPECT_TRUE(std::signbit(compute(outer(zero.array(), one.array()), with(64 << 20, 1)).data<double>()[0]));
  EXPECT_THROW(cross(b.array(), numbers<double>({4}, 1).array()), Error);
}

TEST(Diagonal, IsAViewOfAnyOffset) {
  const auto a = numbers<double>({5, 7, 2}, 1);
  for (const Index offset : {-6, -2, 0, 3, 9}) {
    const Tensor got = compute(diagonal(a.array(), offset, 0, 1), with(64 << 20, 1));
    ASSERT_EQ(got.shape(),
              (Shape{2, std::max<Index>(0, std::min<Index>(5 - std::max<Index>(0, -offset), 7 - std::max<Index>(0, offset)))}));
    for (Index k = 0; k < 2; ++k)
      for (Index i = 0; i < got.shape()[1]; ++i)
        EXPECT_EQ(got.data<double>()[k * got.shape()[1] + i], a.at({i + std::max<Index>(0, -offset), i + std::max<Index>(0, offset), k}));
  }
  std::shared_ptr<TempStore> keep;
  const auto square = numbers<float>({300, 300}, 2);
  const Array stored = on_disk(square, {70, 300}, keep);
  double sum = 0;
  for (Index i = 0; i < 300; ++i) sum += static_cast<double>(square.at({i, i}));
  for (const Index memory : {Index{600} << 10, Index{16} << 20}) EXPECT_NEAR(compute(trace(stored), with(memory, 2)).number(), sum, 1e-4);
}

TEST(Norms, EqualTheirFormulas) {
  const auto a = numbers<double>({6, 11}, 1);
  for (const double order : {1.0, 2.0, 3.0, 0.5}) {
    const Tensor got = compute(vector_norm(a.array(), {1}, order), with(64 << 20, 1));
    for (Index i = 0; i < 6; ++i) {
      double sum = 0;
      for (Index k = 0; k < 11; ++k) sum += std::pow(std::fabs(a.at({i, k})), order);
      EXPECT_NEAR(got.data<double>()[i], std::pow(sum, 1 / order), 1e-12 * sum * 11);
    }
  }
  double most = 0, squares = 0;
  for (const double v : *a.values) most = std::max(most, std::fabs(v)), squares += v * v;
  EXPECT_EQ(compute(vector_norm(a.array(), {}, HUGE_VAL), with(64 << 20, 1)).number(), most);
  EXPECT_EQ(compute(vector_norm(a.array(), {}, 0), with(64 << 20, 1)).number(), 66);
  EXPECT_NEAR(compute(matrix_norm(a.array()), with(64 << 20, 1)).number(), std::sqrt(squares), 1e-13);
}

}  // namespace
}  // namespace freestone
