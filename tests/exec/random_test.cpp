#include "freestone/ops/random.h"

#include <gtest/gtest.h>

#include "exec/grids.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

TEST(RandomArrays, AreTheSameForAnyTilingAndInAnyView) {
  random::Generator generator(42);
  for (const Shape& shape : {Shape{37, 41, 5}, Shape{1}, Shape{100'003}, Shape{7, 1, 300}, Shape{0, 3}, Shape{}}) {
    for (const Array& a : {generator.uniform(shape), generator.normal(shape, 3, 2, DType::kFloat32),
                           generator.integers(shape, -5, 250, DType::kInt16), generator.integers(shape, 0, 200, DType::kUint8),
                           generator.exponential(shape, 2, DType::kFloat32), generator.poisson(shape, 3)}) {
      const Grid all{a.shape(), numbers_of(compute(a))};
      expect_grid(a, all);
      if (shape.rank() < 2 || a.size() == 0) continue;
      const Array turned = transpose(slice(a, {{1, std::nullopt, 2}}));
      expect_grid(turned, make_grid(turned.shape(), [&](Dims at) {
                    std::reverse(at.begin(), at.end());
                    at[0] = 1 + 2 * at[0];
                    return all.at(at);
                  }));
    }
  }
}

TEST(RandomArrays, FollowSeedAndNumberOfTheCall) {
  random::Generator one(7), same(7), other(8);
  const auto first = numbers_of(compute(one.normal({50}))), again = numbers_of(compute(same.normal({50})));
  EXPECT_EQ(first, again);
  EXPECT_NE(first, numbers_of(compute(one.normal({50}))));
  EXPECT_NE(first, numbers_of(compute(other.normal({50}))));
  // The first numbers, for ever: a change of these is a change of every user's results.
  const auto words = numbers_of(compute(random::Generator(0).integers({2}, 0, Index{1} << 62)));
  EXPECT_EQ(words[0], static_cast<double>(0xe169c58d6627e8d5 >> 2));
  EXPECT_EQ(words[1], static_cast<double>(0x9b00dbd8bc57ac4c >> 2));
}

TEST(RandomArrays, HaveTheMomentsAskedFor) {
  random::Generator generator(1);
  const auto mean_of = [](const Array& a) { return compute(mean(astype(a, DType::kFloat64)), with_memory(1 << 22, 2)).number(); };
  EXPECT_NEAR(mean_of(generator.uniform({500, 400}, -3, 5)), 1, 0.03);
  EXPECT_NEAR(mean_of(generator.normal({500, 400}, 10, 3)), 10, 0.03);
  EXPECT_NEAR(compute(stddev(generator.normal({500, 400}, 10, 3))).number(), 3, 0.03);
  EXPECT_NEAR(mean_of(generator.exponential({500, 400}, 4)), 4, 0.05);
  EXPECT_NEAR(mean_of(generator.integers({500, 400}, -10, 11)), 0, 0.06);
  EXPECT_NEAR(mean_of(generator.poisson({500, 400}, 50)), 50, 0.1);
}

TEST(RandomArrays, PermutationsHoldEveryPositionOnce) {
  random::Generator generator(3);
  auto order = generator.permutation(10'000);
  double displacement = 0;
  for (std::size_t i = 0; i < order.size(); ++i) displacement += std::abs(static_cast<double>(order[i]) - static_cast<double>(i));
  EXPECT_NEAR(displacement / 1e8, 1.0 / 3, 0.01);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) ASSERT_EQ(order[i], static_cast<Index>(i));
  EXPECT_TRUE(generator.permutation(0).empty());
  GridData data(1);
  const Grid x = data.numbers({30, 4});
  auto shuffled = numbers_of(compute(generator.permutation(data.array(x, DType::kInt32), 0)));
  auto values = x.values;
  std::sort(values.begin(), values.end()), std::sort(shuffled.begin(), shuffled.end());
  EXPECT_EQ(shuffled, values);
}

TEST(RandomArrays, RefuseWhatHasNoMeaning) {
  random::Generator generator(3);
  EXPECT_THROW(generator.integers({3}, 5, 5), Error);
  EXPECT_THROW(generator.integers({3}, 0, 257, DType::kUint8), Error);
  EXPECT_THROW(generator.uniform({3}, 0, 1, DType::kInt32), Error);
  EXPECT_THROW(generator.poisson({3}, -1), Error);
  EXPECT_THROW(generator.normal({-3}), Error);
}

}  // namespace
}  // namespace freestone
