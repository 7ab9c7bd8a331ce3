// Groups by parts of a date and by time steps, against numbers that xarray made from the same data.
#include "freestone/label/grouping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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
constexpr Index kDays = 800;

/// tas(time, x): 800 days from 2000-11-15 on, two positions, one in 37 NaN.
Dataset weather() {
  Values times, tas;
  for (Index t = 0; t < kDays; ++t) {
    times.push_back(static_cast<double>(t + 319));
    for (Index j = 0; j < 2; ++j) tas.push_back((t * 31 + j) % 37 == 0 ? kNaN : static_cast<double>((t * 7919 + j * 104729) % 1009) / 16);
  }
  return Dataset("weather",
                 {axis("time", times, {{"units", std::string("days since 2000-01-01"), ""}, {"bounds", std::string("time_bnds"), ""}}, DType::kInt32),
                  axis("x", {0, 1}),
                  {"tas", array_of(tas, {kDays, 2}), {"time", "x"}, {{"units", std::string("K"), ""}}},
                  {"height", array_of({2}, {}), {}, {}}},
                 {});
}

void expect_close(const Values& got, const Values& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i])) << i << ": " << got[i];
    else
      EXPECT_NEAR(got[i], wanted[i], 1e-12 * std::abs(wanted[i])) << i;
  }
}

struct Row {
  const char* by;
  const char* name;
  Values labels, values;
};

// xarray 2026.9: the same array .groupby(by).name(); seasons in the order of the year.
const Row kGroups[] = {
// clang-format off
    {"time.month", "mean", {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0}, {32.036144578313255, 31.01656626506024,
     30.538636363636364, 32.04318181818182, 32.001041666666666, 31.212090163934427, 32.855603448275865, 32.074353448275865,
     29.854166666666668, 30.769791666666666, 32.265086206896555, 31.48383620689655, 31.235887096774192, 32.827083333333334,
     31.445833333333333, 31.070564516129032, 32.716594827586206, 29.760775862068964, 31.401041666666668, 33.36770833333333,
     30.538527397260275, 31.82939189189189, 32.502747252747255, 30.500694444444445}},
    {"time.season", "mean", {0.0, 1.0, 2.0, 3.0}, {31.861899563318776, 31.060581140350877, 31.555828651685392, 31.34322625698324,
     31.6375, 31.789236111111112, 31.470876963350786, 31.685221354166668}},
    {"time.year", "max", {2000.0, 2001.0, 2002.0, 2003.0}, {62.8125, 61.5, 62.875, 62.875, 63.0, 62.9375, 62.75, 61.4375}},
    {"time.season", "std", {0.0, 1.0, 2.0, 3.0}, {18.346487742733736, 18.16337663654542, 18.10521790229159, 18.295636968531127,
     18.30038990932524, 18.14937301698132, 18.084944867861925, 18.140444852226743}},
    {"time.year", "sum", {2000.0, 2001.0, 2002.0, 2003.0}, {1431.0625, 1472.25, 11240.75, 11182.25, 11216.75, 11083.875, 730.4375,
     759.5}},
    {"time.season", "count", {0.0, 1.0, 2.0, 3.0}, {229.0, 228.0, 178.0, 179.0, 180.0, 180.0, 191.0, 192.0}},
    {"time.year", "first", {2000.0, 2001.0, 2002.0, 2003.0}, {53.5, 50.125, 55.0625, 42.125, 33.1875, 20.25, 1.75, 61.4375}},
    // clang-format on
};

TEST(GroupBy, EqualsXarrayOnPartsOfTheDate) {
  const Dataset dataset = weather();
  for (const Row& row : kGroups) {
    SCOPED_TRACE(std::string(row.by) + " " + row.name);
    const Dataset grouped = reduce(dataset, group_by(dataset, row.by), row.name);
    const std::string part = std::string(row.by).substr(5);
    EXPECT_EQ(grouped["tas"].dims, (std::vector<std::string>{part, "x"}));
    EXPECT_EQ(values_of(grouped[part].array), row.labels);
    expect_close(values_of(grouped["tas"].array), row.values);
    EXPECT_FALSE(grouped.contains("time"));
    EXPECT_EQ(grouped["height"].array, dataset["height"].array);
    EXPECT_EQ(grouped["tas"].attribute("units") == nullptr, std::string(row.name) == "count");
  }
  const Dataset days = climatology(dataset, "time.dayofyear");
  const Values labels = values_of(days["dayofyear"].array), means = values_of(days["tas"].array);
  ASSERT_EQ(labels.size(), 366u);
  EXPECT_EQ((Values{labels[0], labels[58], labels[59], labels[60], labels[365]}), (Values{1.0, 59.0, 60.0, 61.0, 366.0}));
  expect_close({means[0], means[1], means[118], means[119], means[730], means[731]}, {44.125, 41.270833333333336, 47.5, 34.5625, 1.5625, 51.6875});
  EXPECT_EQ(std::get<std::string>(reduce(dataset, group_by(dataset, "time.season"), "mean")["season"].attribute("flag_meanings")->value), "DJF MAM JJA SON");
}

TEST(GroupBy, AnomalyIsWhatDiffersFromTheGroupsMean) {
  const Dataset difference = anomaly(weather());
  EXPECT_EQ(difference["tas"].dims, (std::vector<std::string>{"time", "x"}));
  const Values values = values_of(difference["tas"].array);
  const Values wanted = {kNaN, 18.29560810810811, 22.961472602739725, 8.733108108108109, -10.690247252747255, -21.625694444444445, 21.151355421686745, 9.233433734939759};
  Values got;
  for (const std::size_t t : {0, 1, 400, 799}) got.insert(got.end(), {values[2 * t], values[2 * t + 1]});
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (std::isnan(wanted[i]))
      EXPECT_TRUE(std::isnan(got[i]));
    else
      EXPECT_NEAR(got[i], wanted[i], 1e-12);
  }
}

TEST(GroupBy, ByEqualLabels) {
  const Dataset dataset("d", {axis("x", {5, 3, 5, 3, 5}), {"a", array_of({1, 2, 3, 4, 5}, {5}, DType::kInt32), {"x"}, {}}}, {});
  const Dataset sums = reduce(dataset, group_by(dataset, "x"), "sum");
  EXPECT_EQ(values_of(sums["x"].array), (Values{3, 5}));
  EXPECT_EQ(values_of(sums["a"].array), (Values{6, 9}));
  EXPECT_EQ(sums["a"].array.dtype(), DType::kInt64);
  const Dataset gap("d", {axis("x", {5, kNaN, 5, 3}), {"a", array_of({1, 2, 3, 4}, {4}), {"x"}, {}}}, {});
  EXPECT_EQ(values_of(reduce(gap, group_by(gap, "x"), "sum")["a"].array), (Values{4, 4}));
  EXPECT_SAYS(error_of([&] { anomaly(gap, "x"); }), "has NaN among its labels");
}

// xarray 2026.9: .resample(time=by).name() at x = 1; labels in days since 2000-01-01.
const Row kSteps[] = {
// clang-format off
    {"MS", "mean", {305.0, 335.0, 366.0, 397.0, 425.0, 456.0, 486.0, 517.0, 547.0, 578.0, 609.0, 639.0, 670.0, 700.0, 731.0, 762.0,
     790.0, 821.0, 851.0, 882.0, 912.0, 943.0, 974.0, 1004.0, 1035.0, 1065.0, 1096.0}, {33.5859375, 31.1625, 28.827083333333334,
     32.449074074074076, 32.256048387096776, 33.48922413793103, 30.4, 32.89870689655172, 31.40625, 29.802419354838708,
     30.088362068965516, 32.99791666666667, 31.67241379310345, 31.902083333333334, 31.66875, 31.651785714285715, 30.133333333333333,
     30.65948275862069, 31.139583333333334, 30.06896551724138, 34.24791666666667, 32.33870967741935, 29.433189655172413, 33.7375,
     31.017241379310345, 28.4375, 33.02173913043478}},
    {"2MS", "sum", {305.0, 366.0, 425.0, 486.0, 547.0, 609.0, 670.0, 731.0, 790.0, 851.0, 912.0, 974.0, 1035.0, 1096.0}, {1472.25,
     1740.9375, 1971.125, 1866.0625, 1866.0625, 1862.5, 1875.5625, 1836.3125, 1793.125, 1806.1875, 2029.9375, 1865.6875, 1752.625,
     759.5}},
    {"YS", "mean", {0.0, 366.0, 731.0, 1096.0}, {32.005434782608695, 31.499295774647887, 31.22218309859155, 33.02173913043478}},
    {"YS-JUL", "max", {182.0, 547.0, 912.0}, {62.8125, 62.9375, 62.6875}},
    {"QS-DEC", "mean", {244.0, 335.0, 425.0, 517.0, 609.0, 700.0, 790.0, 882.0, 974.0, 1065.0}, {33.5859375, 30.75646551724138,
     32.03472222222222, 31.334722222222222, 31.602272727272727, 31.742897727272727, 30.643960674157302, 32.24375, 31.422585227272727,
     30.42688679245283}},
    {"2QS-DEC", "mean", {244.0, 425.0, 609.0, 790.0, 974.0}, {31.195995145631066, 31.684722222222224, 31.672585227272727,
     31.44832402234637, 31.04831560283688}},
    {"QS", "count", {274.0, 366.0, 456.0, 547.0, 639.0, 731.0, 821.0, 912.0, 1004.0, 1096.0}, {46.0, 88.0, 88.0, 90.0, 89.0, 88.0, 88.0,
     90.0, 89.0, 23.0}},
    {"100D", "mean", {319.0, 419.0, 519.0, 619.0, 719.0, 819.0, 919.0, 1019.0}, {31.732142857142858, 31.693298969072163,
     31.135309278350515, 31.5452806122449, 30.778994845360824, 31.52126288659794, 32.26353092783505, 30.914540816326532}},
    // clang-format on
};

TEST(Resample, EqualsXarray) {
  const Dataset dataset = weather();
  for (const Row& row : kSteps) {
    SCOPED_TRACE(row.by);
    const Dataset coarse = reduce(dataset, resample(dataset, "time", row.by), row.name);
    EXPECT_EQ(coarse["tas"].dims, (std::vector<std::string>{"time", "x"}));
    EXPECT_EQ(coarse["time"].text("units"), "days since 2000-01-01");
    EXPECT_EQ(coarse["time"].attribute("bounds"), nullptr);
    EXPECT_EQ(coarse["time"].array.dtype(), DType::kInt64);
    EXPECT_EQ(values_of(coarse["time"].array), row.labels);
    const Values both = values_of(coarse["tas"].array);
    Values second;
    for (std::size_t i = 1; i < both.size(); i += 2) second.push_back(both[i]);
    expect_close(second, row.values);
  }
}

TEST(Resample, ByHoursFromMidnightOfTheFirstDay) {
  Values hours, numbers;
  for (int i = 0; i < 10; ++i) {
    hours.push_back(5 + 5 * i);
    numbers.push_back(i);
  }
  const Dataset dataset("d", {axis("time", hours, {{"units", std::string("hours since 2000-01-01"), ""}, {"calendar", std::string("noleap"), ""}}),
                              {"a", array_of(numbers, {10}), {"time"}, {}}},
                        {});
  const auto sums = [&](const std::string& step) {
    const Dataset coarse = reduce(dataset, resample(dataset, "time", step), "sum");
    return std::pair{values_of(coarse["time"].array), values_of(coarse["a"].array)};
  };
  EXPECT_EQ(sums("12h"), (std::pair{Values{0, 12, 24, 36, 48}, Values{1, 5, 15, 15, 9}}));
  EXPECT_EQ(sums("7h"), (std::pair{Values{0, 7, 14, 21, 28, 35, 42, 49}, Values{0, 1, 5, 4, 5, 13, 8, 9}}));
  EXPECT_EQ(sums("D"), (std::pair{Values{0, 24, 48}, Values{6, 30, 9}}));
  EXPECT_EQ(sums("420min").second, sums("7h").second);
  EXPECT_EQ(sums("25200s").second, sums("7h").second);
}

TEST(Resample, BinsOfNothingAreNaN) {
  const Dataset dataset("d", {axis("time", {0, 1, 100, 199}, {{"units", std::string("days since 2000-11-15"), ""}}, DType::kInt32),
                              {"a", array_of({0, 1, 100, 199}, {4}, DType::kInt16), {"time"}, {}}},
                        {});
  const Grouping months = resample(dataset, "time", "MS");
  expect_close(values_of(reduce(dataset, months, "sum")["a"].array), {1, kNaN, kNaN, 100, kNaN, kNaN, kNaN, 199});
  expect_close(values_of(reduce(dataset, months, "mean")["a"].array), {0.5, kNaN, kNaN, 100, kNaN, kNaN, kNaN, 199});
  expect_close(values_of(reduce(dataset, months, "count")["a"].array), {2, 0, 0, 1, 0, 0, 0, 1});
  EXPECT_EQ(reduce(dataset, months, "count")["a"].array.dtype(), DType::kInt64);
}

TEST(Grouping, SaysWhatIsWrong) {
  const Dataset dataset = weather();
  const auto group_error = [&](const std::string& by) { return error_of([&] { group_by(dataset, by); }); };
  EXPECT_SAYS(group_error("time.mnth"), "a time has no part 'mnth'. Did you mean 'month'?");
  EXPECT_SAYS(group_error("tim.month"), "Did you mean 'time'");
  EXPECT_SAYS(group_error("x.month"), "coordinate 'x' is no time: its units are ''");
  for (const char* step : {"", "M", "0MS", "-1D", "1MS-JAN", "QS-DEZ", "1.5D", "9999999D", "D-JAN", "99999999999999999999D", "ME"}) {
    EXPECT_SAYS(error_of([&] { resample(dataset, "time", step); }), "is not a time step") << step;
  }
  EXPECT_SAYS(error_of([&] { resample(dataset, "time", "1s"); }), "bins of 'time', more than");
  EXPECT_SAYS(error_of([&] { resample(dataset, "x", "MS"); }), "is no time");
  EXPECT_SAYS(error_of([&] { reduce(dataset, group_by(dataset, "time.month"), "meen"); }), "meen");
  Grouping other = group_by(dataset, "time.month");
  other.keys.pop_back();
  EXPECT_SAYS(error_of([&] { reduce(dataset, other, "mean"); }), "the groups are those of 799");
}

}  // namespace
}  // namespace freestone
