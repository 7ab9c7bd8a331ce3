// What the stored numbers of a raster mean.
#include "freestone/label/raster.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "label/labelled_arrays.h"

namespace freestone {
namespace {

using formats::Attribute;
using testing_labels::array_of;
using testing_labels::values_of;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

DatasetVariable raster(DType dtype, std::vector<Attribute> attributes) {
  return {"", array_of({1, 2, 3, 4, 5, 2}, {2, 1, 3}, dtype), {"band", "y", "x"}, std::move(attributes)};
}

void expect(const DatasetVariable& variable, DType dtype, const std::vector<double>& wanted) {
  EXPECT_EQ(variable.array.dtype(), dtype);
  const std::vector<double> got = values_of(variable.array);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i])) {
      EXPECT_TRUE(std::isnan(got[i])) << i << ": " << got[i];
    } else {
      EXPECT_DOUBLE_EQ(got[i], wanted[i]) << i;
    }
  }
}

TEST(Raster, NodataIsMissingInEveryBandAndIsSaidToBeNaN) {
  const DatasetVariable decoded = decode_raster(raster(DType::kUint16, {{"nodata", std::int64_t{2}, ""}, {"crs", std::string("EPSG:4326"), ""}}));
  expect(decoded, DType::kFloat32, {1, kNaN, 3, 4, 5, kNaN});
  ASSERT_NE(decoded.attribute("nodata"), nullptr);
  EXPECT_TRUE(std::isnan(std::get<double>(decoded.attribute("nodata")->value)));
  EXPECT_EQ(decoded.text("crs"), "EPSG:4326");
  EXPECT_EQ(decoded.attribute("_FillValue"), nullptr);
}

TEST(Raster, NodataOfFloat32IsMeantWithItsDigits) {
  const Array third = array_of({0.1, 1}, {1, 2}, DType::kFloat32);
  expect(decode_raster({"", third, {"y", "x"}, {{"nodata", 0.1, ""}}}), DType::kFloat32, {kNaN, 1});
}

TEST(Raster, ABandMayHaveANodataOfItsOwn) {
  expect(decode_raster(raster(DType::kUint8, {{"band_2:nodata", std::int64_t{2}, ""}})), DType::kFloat32, {1, 2, 3, 4, 5, kNaN});
  expect(decode_raster(raster(DType::kInt32, {{"band_1:nodata", std::int64_t{2}, ""}, {"scale", 10.0, ""}})), DType::kFloat64, {10, kNaN, 30, 40, 50, 20});
}

TEST(Raster, ScalesAndOffsetsAreOfAllBandsOrOfEach) {
  expect(decode_raster(raster(DType::kUint8, {{"scale", 0.5, ""}, {"offset", 1.0, ""}})), DType::kFloat64, {1.5, 2, 2.5, 3, 3.5, 2});
  expect(decode_raster(raster(DType::kUint8, {{"scale", std::vector<double>{1, 10}, ""}, {"offset", 1.0, ""}, {"nodata", std::int64_t{5}, ""}})), DType::kFloat64,
         {2, 3, 4, 41, kNaN, 21});
  // A list that is not one for each band says something else.
  expect(decode_raster(raster(DType::kUint8, {{"scale", std::vector<double>{1, 10, 100}, ""}})), DType::kUint8, {1, 2, 3, 4, 5, 2});
}

TEST(Raster, WhatIsNotAskedForStaysAsStored) {
  const std::vector<Attribute> attributes = {{"nodata", std::int64_t{2}, ""}, {"scale", 0.5, ""}};
  const DatasetVariable stored = decode_raster(raster(DType::kUint8, attributes), {.decode_cf = false});
  expect(stored, DType::kUint8, {1, 2, 3, 4, 5, 2});
  EXPECT_EQ(stored.attributes, attributes);
  expect(decode_raster(raster(DType::kUint8, {{"nodata", std::string("nothing"), ""}})), DType::kUint8, {1, 2, 3, 4, 5, 2});
}

}  // namespace
}  // namespace freestone
