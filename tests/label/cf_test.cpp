// CF packing: decoded as xarray does, and stored again as it was.
#include "freestone/label/cf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "label/labelled_arrays.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using formats::Attribute;
using testing_files::error_of;
using testing_labels::line_of;
using testing_labels::values_of;

const double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Case {
  DType stored;
  std::vector<double> numbers;
  std::vector<Attribute> attributes;
  DType decoded;
  std::vector<double> values;
};

// xarray 2026.9: conventions.decode_cf_variable of a Variable with these numbers and attributes; NaT stands as the lowest int64.
const Case kCases[] = {
    {DType::kInt16, {1, -5, 32767, -32768}, {{"scale_factor", 0.01, ""}, {"add_offset", 273.15, ""}}, DType::kFloat64, {273.15999999999997, 273.09999999999997, 600.8199999999999, -54.53000000000003}},
    {DType::kInt16, {1, -5, 32767, -32768}, {{"scale_factor", 0.009999999776482582, "float32"}, {"add_offset", 273.1499938964844, "float32"}, {"_FillValue", std::int64_t{-32768}, ""}}, DType::kFloat32, {273.1600036621094, 273.1000061035156, 600.8199462890625, kNaN}},
    {DType::kInt16, {1, -5, 32767, -32768}, {{"scale_factor", 0.009999999776482582, "float32"}}, DType::kFloat32, {0.009999999776482582, -0.04999999701976776, 327.66998291015625, -327.67999267578125}},
    {DType::kInt16, {1, -5, 32767, -32768}, {{"add_offset", 0.25, "float32"}}, DType::kFloat64, {1.25, -4.75, 32767.25, -32767.75}},
    {DType::kInt32, {1, -5, 2147483647, -999}, {{"scale_factor", 0.10000000149011612, "float32"}, {"add_offset", 2.0, "float32"}, {"_FillValue", std::int64_t{-999}, ""}}, DType::kFloat64, {2.100000001490116, 1.4999999925494194, 214748369.9, kNaN}},
    {DType::kInt32, {1, -5, 2147483647, -999}, {{"_FillValue", std::int64_t{-999}, ""}, {"missing_value", std::int64_t{-5}, ""}}, DType::kFloat64, {1.0, kNaN, 2147483647.0, kNaN}},
    {DType::kInt8, {1, -1, 127, -128}, {{"_Unsigned", std::string("true"), ""}}, DType::kUint8, {1.0, 255.0, 127.0, 128.0}},
    {DType::kInt8, {1, -1, 127, -128}, {{"_Unsigned", std::string("true"), ""}, {"_FillValue", std::int64_t{-1}, ""}}, DType::kFloat32, {1.0, kNaN, 127.0, 128.0}},
    {DType::kInt8, {1, -1, 127, -128}, {{"_Unsigned", std::string("true"), ""}, {"_FillValue", std::int64_t{-1}, ""}, {"scale_factor", 0.5, ""}}, DType::kFloat64, {0.5, kNaN, 63.5, 64.0}},
    {DType::kUint8, {1, 255, 127, 128}, {{"_Unsigned", std::string("false"), ""}, {"_FillValue", std::int64_t{-128}, ""}}, DType::kFloat32, {1.0, -1.0, 127.0, kNaN}},
    {DType::kUint16, {1, 65535, 7, 0}, {{"_FillValue", std::int64_t{65535}, ""}}, DType::kFloat32, {1.0, kNaN, 7.0, 0.0}},
    {DType::kInt64, {1, -5, 7, -999}, {{"_FillValue", std::int64_t{-999}, ""}}, DType::kFloat64, {1.0, -5.0, 7.0, kNaN}},
    {DType::kInt32, {1, -5, 7, -999}, {{"_FillValue", std::int64_t{-999}, ""}, {"units", std::string("days since 2000-01-01"), ""}}, DType::kInt64, {1.0, -5.0, 7.0, -9.223372036854776e+18}},
    {DType::kFloat32, {1, -5, 7.5, -999}, {{"_FillValue", -999.0, "float32"}}, DType::kFloat32, {1.0, -5.0, 7.5, kNaN}},
    {DType::kFloat32, {1, -5, 7.5, -999}, {{"missing_value", -999.0, "float32"}, {"scale_factor", 0.1, ""}}, DType::kFloat64, {0.1, -0.5, 0.75, kNaN}},
    {DType::kFloat64, {1, -5, 7.5, -999}, {{"_FillValue", kNaN, ""}, {"missing_value", std::vector<double>{7.5, -999.0}, ""}}, DType::kFloat64, {1.0, -5.0, kNaN, kNaN}},
    {DType::kInt16, {1, -5, 7, -999}, {{"_FillValue", 1e+20, ""}}, DType::kFloat32, {1.0, -5.0, 7.0, -999.0}},
    {DType::kInt16, {1, -5, 7, -999}, {{"valid_min", std::int64_t{0}, ""}}, DType::kInt16, {1.0, -5.0, 7.0, -999.0}},
};

void expect_same(const std::vector<double>& got, const std::vector<double>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i])) << i << ": " << got[i];
    else
      EXPECT_EQ(got[i], wanted[i]) << i;
  }
}

TEST(CfPacking, DecodesAsXarrayDoes) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(&c - kCases);
    const DatasetVariable decoded = decode_cf(DatasetVariable{"v", line_of(c.numbers, c.stored), {"x"}, c.attributes});
    EXPECT_EQ(decoded.array.dtype(), c.decoded);
    expect_same(values_of(decoded.array), c.values);
  }
}

TEST(CfPacking, GivesTheStoredNumbersAndAttributesBack) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(&c - kCases);
    const DatasetVariable variable{"v", line_of(c.numbers, c.stored), {"x"}, c.attributes};
    const DatasetVariable decoded = decode_cf(variable);
    for (const char* key : {"scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"}) EXPECT_EQ(decoded.attribute(key), nullptr);
    if (&c == &kCases[5]) {  // two different numbers mean the same: which of them to store nobody says
      EXPECT_SAYS(error_of([&] { encode_cf(decoded); }), "'v': _FillValue (-999) and missing_value (-5) differ");
      continue;
    }
    if (&c == &kCases[15]) continue;  // NaN was one of several missing values
    const DatasetVariable encoded = encode_cf(decoded);
    EXPECT_EQ(encoded.array.dtype(), c.stored);
    if (encoded.array.dtype() == DType::kFloat32) {
      const std::vector<double> got = values_of(encoded.array);
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], c.numbers[i], 1e-5);
    } else {
      expect_same(values_of(encoded.array), c.numbers);
    }
    for (const Attribute& attribute : c.attributes) {
      ASSERT_NE(encoded.attribute(attribute.key), nullptr) << attribute.key;
      EXPECT_EQ(*encoded.attribute(attribute.key), attribute);
    }
    EXPECT_EQ(encoded.attributes.size(), c.attributes.size());
  }
}

TEST(CfPacking, RoundsHalfToEvenAndStoresWhatDoesNotFitAsMissing) {
  const std::vector<Attribute> packing = {{"scale_factor", 2.0, ""}, {"add_offset", 1.0, ""}, {"_FillValue", std::int64_t{-1}, ""}};
  DatasetVariable variable{"v", line_of({2, 4, 6, kNaN, 1e9, -1e9, 65535, 65537}), {"x"}, {}};
  variable.encoding = {DType::kInt16, packing};
  expect_same(values_of(encode_cf(variable).array), {0, 2, 2, -1, -1, -1, 32767, -1});
  variable.encoding = {DType::kUint8, {packing[0], packing[1]}};
  expect_same(values_of(encode_cf(variable).array), {0, 2, 2, 0, 255, 0, 255, 255});
}

TEST(CfPacking, EveryNumberOfAPackedTypeComesBack) {
  std::vector<double> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<double>(i) - 32768;
  std::mt19937_64 random(20240607);
  std::uniform_real_distribution<double> exponent(-12, 12), offset(-400, 400);
  for (int round = 0; round < 8; ++round) {
    const double scale = std::exp(exponent(random));
    const std::vector<Attribute> attributes = {{"scale_factor", scale, ""}, {"add_offset", scale * offset(random), ""}, {"_FillValue", std::int64_t{-32768}, ""}};
    const DatasetVariable decoded = decode_cf(DatasetVariable{"v", line_of(all, DType::kInt16), {"x"}, attributes});
    EXPECT_EQ(values_of(encode_cf(decoded).array), all) << "scale " << scale;
  }
}

TEST(CfPacking, WholeNumbersBeyondFloat64StayExactInTimes) {
  const std::int64_t stored[] = {1700000000123456789, 9, -1};
  const Array array = from_memory(View::contiguous(const_cast<std::int64_t*>(stored), DType::kInt64, {3}), nullptr);
  const DatasetVariable decoded =
      decode_cf(DatasetVariable{"time", array, {"time"}, {{"units", std::string("nanoseconds since 1970-01-01"), ""}, {"_FillValue", std::int64_t{-1}, ""}}});
  const Tensor tensor = compute(decoded.array);
  EXPECT_EQ(tensor.data<std::int64_t>()[0], stored[0]);
  EXPECT_EQ(tensor.data<std::int64_t>()[2], std::numeric_limits<std::int64_t>::min());
  const Tensor again = compute(encode_cf(decoded).array);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(again.data<std::int64_t>()[i], stored[i]);
}

TEST(CfPacking, MasksTheValidRangeWhenAsked) {
  const std::vector<double> numbers = {-3, 0, 5, 9};
  const CfOptions masking{.mask_outside_valid_range = true};
  const auto decoded = [&](std::vector<Attribute> attributes, const CfOptions& options) {
    return decode_cf(DatasetVariable{"v", line_of(numbers, DType::kInt16), {"x"}, std::move(attributes)}, options);
  };
  // netCDF4-python masks the same: Variable.set_auto_mask.
  expect_same(values_of(decoded({{"valid_range", std::vector<std::int64_t>{0, 5}, ""}}, masking).array), {kNaN, 0, 5, kNaN});
  expect_same(values_of(decoded({{"valid_min", std::int64_t{0}, ""}, {"scale_factor", 2.0, ""}}, masking).array), {kNaN, 0, 10, 18});
  expect_same(values_of(decoded({{"valid_max", 1e9, ""}}, masking).array), numbers);
  expect_same(values_of(decoded({{"valid_max", std::int64_t{5}, ""}}, {}).array), numbers);
  EXPECT_EQ(decoded({{"valid_min", std::int64_t{0}, ""}}, {}).array.dtype(), DType::kInt16);
}

TEST(CfPacking, LeavesAloneWhatItIsToldTo) {
  const DatasetVariable variable{"v", line_of({1, 2}, DType::kInt16), {"x"}, {{"scale_factor", 0.5, ""}}};
  for (const CfOptions& options : {CfOptions{.decode_cf = false}, CfOptions{.mask_and_scale = false}}) {
    EXPECT_EQ(decode_cf(variable, options).array, variable.array);
    EXPECT_EQ(decode_cf(variable, options).attributes, variable.attributes);
  }
  const DatasetVariable complex{"z", line_of({1, 2}, DType::kComplex64), {"x"}, {{"_FillValue", 0.5, ""}}};
  EXPECT_EQ(decode_cf(complex).array, complex.array);
}

TEST(CfPacking, ReadsTheFillValuesThatXarrayWritesIntoZarr) {
  // xarray.backends.zarr.FillValueCoder.encode(-999.5, "f8") and (nan, "f4")
  const DatasetVariable variable{"v", line_of({1, -999.5}), {"x"}, {{"_FillValue", std::string("AAAAAAA8j8A="), ""}}};
  expect_same(values_of(decode_cf(variable).array), {1, kNaN});
  const DatasetVariable with_nan{"v", line_of({1, kNaN}, DType::kFloat32), {"x"}, {{"_FillValue", std::string("AAAAAAAA+H8="), ""}}};
  expect_same(values_of(decode_cf(with_nan).array), {1, kNaN});
  const DatasetVariable again = encode_cf(decode_cf(variable));
  expect_same(values_of(again.array), {1, -999.5});
  EXPECT_EQ(*again.attribute("_FillValue"), (Attribute{"_FillValue", -999.5, ""}));  // a number, as every format has it
}

TEST(CfPacking, NamesVariableAndAttributeOfADamagedOne) {
  const auto message = [](Attribute attribute) {
    return error_of([&] { decode_cf(Dataset("f.zarr", {{"tas", line_of({1}, DType::kInt16), {"x"}, {std::move(attribute)}}}, {})); });
  };
  const Error error = message({"scale_factor", std::string("a tenth"), ""});
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_SAYS(error, "'tas': its attribute scale_factor is a tenth, which is not a number");
  EXPECT_SAYS(error, "f.zarr");
  EXPECT_SAYS(message({"add_offset", std::vector<double>{1, 2}, ""}), "not one number");
  EXPECT_SAYS(message({"_FillValue", true, ""}), "_FillValue");
}

TEST(CfPacking, NumbersMayBeWrittenAsTexts) {
  const auto values = [](std::vector<Attribute> attributes) {
    return values_of(decode_cf(DatasetVariable{"v", line_of({1, -999, 3}, DType::kFloat64), {"x"}, std::move(attributes)}).array);
  };
  expect_same(values({{"missing_value", std::string("-999."), ""}, {"scale_factor", std::string(" 0.5"), ""}}), {0.5, kNaN, 1.5});
  expect_same(values({{"missing_value", std::string("none"), ""}}), {1, -999, 3});
  const DatasetVariable again = encode_cf(decode_cf(DatasetVariable{"v", line_of({1, -999}, DType::kInt16), {"x"}, {{"missing_value", std::string("-999"), ""}}}));
  expect_same(values_of(again.array), {1, -999});
  EXPECT_EQ(*again.attribute("missing_value"), (Attribute{"missing_value", -999.0, ""}));
}

TEST(CfPacking, BooleansAndCoordinatesByAttribute) {
  const Dataset dataset("f.zarr",
                        {{"time", line_of({0, 1}), {"time"}, {{"units", std::string("days since 2000-01-01"), ""}, {"bounds", std::string("time_bnds"), ""}}},
                         {"time_bnds", testing_labels::array_of({0, 1, 1, 2}, {2, 2}), {"time", "bnds"}, {}},
                         {"land", line_of({0, 1}, DType::kInt8), {"x"}, {{"dtype", std::string("bool"), ""}}},
                         {"lat", line_of({5, 6}), {"x"}, {}},
                         {"tas", line_of({5, 6}), {"x"}, {{"coordinates", std::string("lat height"), ""}}}},
                        {});
  const Dataset decoded = decode_cf(dataset);
  EXPECT_EQ(decoded["land"].array.dtype(), DType::kBool);
  EXPECT_EQ(encode_cf(decoded["land"]).array.dtype(), DType::kInt8);
  EXPECT_EQ(decoded["time_bnds"].text("units"), "days since 2000-01-01");
  EXPECT_EQ(decoded.coordinate_names(), (std::vector<std::string>{"time", "time_bnds", "lat"}));
  EXPECT_EQ(decoded["tas"].attribute("coordinates"), nullptr);
  EXPECT_EQ(encode_cf(decoded["tas"]).text("coordinates"), "lat height");
}

}  // namespace
}  // namespace freestone
