// Tensors of other libraries: any strides, not copied, given back.
#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/exec/dlpack.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

/// (3, 4) float32, 0 to 11, as a library might hand it over.
struct Given {
  std::vector<float> values = std::vector<float>(13);
  std::vector<std::int64_t> shape{3, 4}, strides;
  int deleted = 0;
  DLManagedTensor tensor{};

  Given() {
    std::iota(values.begin() + 1, values.end(), 0.0f);
    tensor.dl_tensor.data = values.data();
    tensor.dl_tensor.byte_offset = 4;
    tensor.dl_tensor.device = {kDLCPU, 0};
    tensor.dl_tensor.ndim = 2;
    tensor.dl_tensor.dtype = {kDLFloat, 32, 1};
    tensor.dl_tensor.shape = shape.data();
    tensor.manager_ctx = this;
    tensor.deleter = [](DLManagedTensor* self) { ++static_cast<Given*>(self->manager_ctx)->deleted; };
  }
};

TEST(DLPack, TheMemoryIsUsedWhereItLiesAndGivenBackAtTheEnd) {
  Given given;
  {
    const Array a = from_dlpack(&given.tensor);
    EXPECT_EQ(a.shape(), (Shape{3, 4}));
    EXPECT_EQ(a.dtype(), DType::kFloat32);
    given.values[1] = 100;  // seen, for nothing was copied; small arrays stand in saved plans only
    EXPECT_EQ(compute(sum(a)).number(), 166);
    EXPECT_EQ(given.deleted, 0);
  }
  EXPECT_EQ(given.deleted, 1);
}

TEST(DLPack, StridesAreKept) {
  Given given;
  given.shape = {4, 3};
  given.strides = {1, 4};
  given.tensor.dl_tensor.strides = given.strides.data();
  const Tensor doubled = compute(from_dlpack(&given.tensor) * 2.0f);
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 3; ++j) EXPECT_EQ(doubled.data<float>()[i * 3 + j], 2 * static_cast<float>(j * 4 + i));
}

TEST(DLPack, HalfPrecisionBecomesFloat32) {
  Given given;
  // 1, -2, 0.5, 65504, 2^-24, infinity, NaN, -0 and others, as columns.
  std::vector<std::uint16_t> halves = {0x3c00, 0xc000, 0x3800, 0x7bff, 0x0001, 0x7c00, 0x7e00, 0x8000, 0x3555, 0x4900, 0x0400, 0xfbff};
  given.shape = {4, 3};
  given.strides = {1, 4};
  given.tensor.dl_tensor.strides = given.strides.data();
  given.tensor.dl_tensor.data = halves.data();
  given.tensor.dl_tensor.byte_offset = 0;
  given.tensor.dl_tensor.dtype.bits = 16;
  const Array a = from_dlpack(&given.tensor);
  EXPECT_EQ(given.deleted, 1) << "it is a copy";
  EXPECT_EQ(a.dtype(), DType::kFloat32);
  const Tensor got = compute(a + 0.0f);
  const float expected[] = {1, -2, 0.5f, 65504, 0x1p-24f, INFINITY, NAN, -0.0f, 0.333251953125f, 10, 0x1p-14f, -65504};
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 3; ++j) {
      const float value = got.data<float>()[i * 3 + j], wanted = expected[j * 4 + i];
      EXPECT_TRUE(value == wanted || (std::isnan(value) && std::isnan(wanted))) << i << " " << j << ": " << value << ", not " << wanted;
    }
}

TEST(DLPack, WhatFreestoneCannotComputeWithIsRefusedAndGivenBack) {
  const auto refused = [](auto&& change) {
    Given given;
    change(given.tensor.dl_tensor);
    std::string why;
    try {
      (void)from_dlpack(&given.tensor);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUser);
      why = error.what();
    }
    EXPECT_EQ(given.deleted, 1);
    return why;
  };
  EXPECT_NE(refused([](DLTensor& t) { t.device.device_type = kDLCUDA; }).find("device"), std::string::npos);
  EXPECT_NE(refused([](DLTensor& t) { t.dtype.bits = 8; }).find("8 bits"), std::string::npos);
  EXPECT_NE(refused([](DLTensor& t) { t.dtype.lanes = 4; }).find("4 lanes"), std::string::npos);
  EXPECT_NE(refused([](DLTensor& t) { t.byte_offset = 2; }).find("multiples"), std::string::npos);
  EXPECT_NE(refused([](DLTensor& t) { t.ndim = 99; }).find("99 axes"), std::string::npos);
}

}  // namespace
}  // namespace freestone
