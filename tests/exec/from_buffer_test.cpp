#include "freestone/exec/from_buffer.h"

#include <gtest/gtest.h>

#include <numeric>

#include "freestone/base/error.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

TEST(FromBuffer, IsTheMemoryItself) {
  std::vector<float> own(24);
  std::iota(own.begin(), own.end(), 0.0f);
  const Array a = from_buffer(own.data(), {2, 3, 4});
  EXPECT_EQ(a.shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(a.dtype(), DType::kFloat32);
  EXPECT_EQ(compute(sum(a, {0, 1})).data<float>()[3], 3 + 7 + 11 + 15 + 19 + 23);
  const Tensor same = compute(a);
  EXPECT_EQ(same.data<float>()[23], 23);
}

TEST(FromBuffer, TakesElementsOverAndHoldsThem) {
  Array a = from_buffer(std::vector<std::int32_t>{1, 2, 3, 4, 5, 6}, {3, 2});
  EXPECT_EQ(compute(sum(a)).data<std::int64_t>()[0], 21);
  EXPECT_THROW(from_buffer(std::vector<double>{1, 2, 3}, {2, 2}), Error);
  auto owner = std::make_shared<std::vector<double>>(4, 2.5);
  const std::weak_ptr<std::vector<double>> watched = owner;
  Array b = from_buffer(owner->data(), {4}, owner);
  owner.reset();
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(compute(sum(b)).data<double>()[0], 10);
}

}  // namespace
}  // namespace freestone
