// Named axes folded, weighted, smoothed and interpolated, against numbers that xarray made from the same data.
#include "freestone/label/along_dims.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "freestone/label/selection.h"
#include "label/labelled_arrays.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_labels::array_of;
using testing_labels::axis;
using testing_labels::values_of;
using Values = std::vector<double>;

const double kNaN = std::numeric_limits<double>::quiet_NaN();

/// tas(time, lat, lon) of float32: 2 x 3 x 4 numbers, a NaN and a row of them.
Dataset globe() {
  Values tas;
  for (int i = 0; i < 24; ++i) tas.push_back(i == 6 || i >= 20 ? kNaN : (i * 7919) % 101);
  return Dataset("globe",
                 {axis("time", {0, 1}), axis("lat", {60, 0, -30}), axis("lon", {0, 90, 180, 270}),
                  {"tas", array_of(tas, {2, 3, 4}, DType::kFloat32), {"time", "lat", "lon"}, {{"units", std::string("K"), ""}}},
                  {"rotated", array_of(tas, {4, 3, 2}), {"lon", "lat", "time"}, {}},
                  {"index", array_of({4, 8}, {2}, DType::kInt32), {"time"}, {}}},
                 {});
}

void expect_close(const Array& array, const Values& wanted, double tolerance) {
  const Values got = values_of(array);
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i])) << i << ": " << got[i];
    else
      EXPECT_NEAR(got[i], wanted[i], tolerance * std::abs(wanted[i])) << i;
  }
}

TEST(AlongDims, FoldsNamedAxes) {
  const Dataset means = reduce(globe(), "mean", {"time"});
  EXPECT_EQ(means["tas"].dims, (std::vector<std::string>{"lat", "lon"}));
  EXPECT_EQ(means["tas"].array.dtype(), DType::kFloat32);
  expect_close(means["tas"].array, {44, 34.5, 75.5, 15.5, 56.5, 47, 31, 78.5, 25, 66, 6, 47}, 0);
  EXPECT_EQ(values_of(means["index"].array), Values{6});
  EXPECT_FALSE(means.contains("time"));
  EXPECT_TRUE(means.contains("lat"));
  EXPECT_EQ(means["tas"].text("units"), "K");
  const Dataset sums = reduce(globe(), "sum", {"lon", "time"});
  expect_close(sums["tas"].array, {339, 395, 144}, 0);
  EXPECT_EQ(values_of(sums["index"].array), Values{12});
  const Dataset counts = reduce(globe(), "count", {"time", "lon"});
  expect_close(counts["tas"].array, {8, 7, 4}, 0);
  EXPECT_EQ(counts["tas"].attribute("units"), nullptr);
  expect_close(reduce(globe(), "std", {"lat"})["tas"].array, {25.901521682739258, 25.90152359008789, 38, 25.901521682739258, 19, 31.5, 19, 31.5}, 1e-6);
  EXPECT_EQ(values_of(reduce(globe(), "max")["tas"].array), Values{91});
  expect_close(reduce(globe(), "median", {"lon"})["tas"].array, {31.5, 63, 36, 48.5, 61, kNaN}, 0);
  expect_close(reduce(globe(), "percentile", {"lon"}, {.q = 100})["tas"].array, values_of(reduce(globe(), "max", {"lon"})["tas"].array), 0);
  EXPECT_TRUE(std::isnan(values_of(reduce(globe(), "sum", {}, {.skip_nan = false})["tas"].array)[0]));
  EXPECT_SAYS(error_of([] { reduce(globe(), "mean", {"tme"}); }), "Did you mean 'time'");
  EXPECT_SAYS(error_of([] { reduce(globe(), "maen", {"time"}); }), "maen");
}

TEST(AlongDims, WeighsByTheCosineOfLatitude) {
  const DataArray weights = cos_latitude(globe());
  EXPECT_EQ(weights.dims(), std::vector<std::string>{"lat"});
  const Dataset means = weighted_mean(globe(), weights, {"lat", "lon"});
  EXPECT_EQ(means["tas"].dims, std::vector<std::string>{"time"});
  EXPECT_EQ(means["tas"].array.dtype(), DType::kFloat64);
  expect_close(means["tas"].array, {41.13935229, 56.83333333}, 1e-9);
  EXPECT_EQ(means["index"].dims, std::vector<std::string>{"time"});
  const Values zonal = {35.777568135664545, 34.08994532381674, 33.81793068761734,  57.777568135664545,
                        62.666666666666664, 70.0,              43.666666666666664, 51.0};
  expect_close(weighted_mean(globe(), weights, {"lat"})["tas"].array, zonal, 1e-14);
  // The axes of the data may lie in another order than those of the weights.
  const DataArray square(array_of({1, 2, 3, 4, 5, 6}, {2, 3}), {"time", "lat"});
  const Dataset turned = weighted_mean(globe(), square, {"lat", "time"});
  Values wanted;
  const Values numbers = values_of(globe()["rotated"].array);
  for (std::size_t lon = 0; lon < 4; ++lon) {
    double sum = 0, total = 0;
    for (std::size_t lat = 0; lat < 3; ++lat) {
      for (std::size_t time = 0; time < 2; ++time) {
        const double value = numbers[lon * 6 + lat * 2 + time], weight = static_cast<double>(time * 3 + lat + 1);
        if (std::isnan(value)) continue;
        sum += value * weight;
        total += weight;
      }
    }
    wanted.push_back(sum / total);
  }
  expect_close(turned["rotated"].array, wanted, 1e-14);
  EXPECT_EQ(values_of(turned["index"].array), Values{6});  // it has no latitude: its plain mean
  EXPECT_TRUE(std::isnan(values_of(weighted_mean(globe(), DataArray(array_of({0, 0, 0}, {3}), {"lat"}), {})["tas"].array)[0]));
  EXPECT_SAYS(error_of([] { weighted_mean(globe(), DataArray(array_of({1, 2}, {2}), {"lat"}), {}); }), "weights have 2 elements along 'lat', and variable 'tas' has 3");
  EXPECT_SAYS(error_of([] { cos_latitude(Dataset("plain", {axis("x", {0})}, {})); }), "no coordinate says that it is latitude");
  EXPECT_EQ(cos_latitude(Dataset("d", {axis("y", {0}, {{"units", std::string("degrees_north"), ""}})}, {})).dims(), std::vector<std::string>{"y"});
}

TEST(AlongDims, RollsAlongAName) {
  const Dataset whole = globe();
  const Dataset rolled = rolling(whole, "mean", "lon", 3, {.center = true, .min_periods = 1});
  EXPECT_EQ(rolled["tas"].array.dtype(), DType::kFloat32);
  const Values first = {20.5, 41.0, 48.33333206176758, 52.0, 33.0, 33.0, 44.0, 85.0, 45.5, 32.33333206176758, 39.66666793823242, 26.5};
  const Values got = values_of(rolled["tas"].array);
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(got[i], first[i], 1e-6 * first[i]) << i;
  EXPECT_EQ(rolled["index"].array, whole["index"].array);
}

TEST(AlongDims, InterpolatesBetweenLabels) {
  const Dataset whole = globe();
  const Dataset linear = interp(whole, "lat", {45, 0, -31, 60});
  EXPECT_EQ(linear["tas"].array.dtype(), DType::kFloat64);
  EXPECT_EQ(values_of(linear["lat"].array), (Values{45, 0, -31, 60}));
  expect_close(linear["tas"].array, {15.75, 31.5, kNaN, 37.75, 63, 3,    kNaN, 85, kNaN, kNaN, kNaN, kNaN, 0,  41,  82,   22,
                                     78.5,  43.75, 59.5, 24.75, 50, 91, 31, 72, kNaN, kNaN, kNaN, kNaN, 88, 28, 69, 9},
               1e-14);
  EXPECT_EQ(linear["index"].array, whole["index"].array);
  // At a label of the coordinate it is that label's value, even beside NaN (scipy's 0 * NaN makes NaN of it).
  expect_close(interp(globe(), "lon", {45, 270})["tas"].array, {20.5, 22, 33, 85, 45.5, 47, 58, 9, 70.5, 72, kNaN, kNaN}, 1e-14);
  const Dataset nearest = interp(globe(), "lat", {45, 29, 31, -15, -31, 60}, Interpolation::kNearest);
  EXPECT_EQ(nearest["tas"].array.dtype(), DType::kFloat32);
  expect_close(reduce(isel(nearest, {{"lon", Index{0}}}), "sum", {}, {.skip_nan = false})["index"].array, {12}, 0);
  expect_close(isel(nearest, {{"lon", Index{0}}})["tas"].array, {0, 63, 0, 25, kNaN, 0, 88, 50, 88, kNaN, kNaN, 88}, 0);
  EXPECT_EQ(interp(globe(), "lat", {})["tas"].array.shape(), (Shape{2, 0, 4}));
  const Dataset mixed("m", {axis("x", {1, 3, 2}), {"a", array_of({1, 2, 3}, {3}), {"x"}, {}}, {"b", array_of({1}, {1}), {"y"}, {}}}, {});
  EXPECT_SAYS(error_of([&] { interp(mixed, "x", {1.5}); }), "neither rises nor falls");
  EXPECT_SAYS(error_of([&] { interp(mixed, "y", {1.5}); }), "no coordinate to interpolate along");
  EXPECT_SAYS(error_of([&] { interp(globe(), "lat", {kNaN}); }), "NaN is no label");
}

}  // namespace
}  // namespace freestone
