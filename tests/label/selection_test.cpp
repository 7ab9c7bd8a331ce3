// Parts by label and by position, as xarray takes them.
#include "freestone/label/selection.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "label/labelled_arrays.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_labels::array_of;
using testing_labels::axis;
using testing_labels::values_of;
using Values = std::vector<double>;

std::vector<double> counted(Index n) {
  std::vector<double> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0.0);
  return out;
}

/// tas(time, y) = position in C order; 730 days from 2001 on, y falling.
Dataset weather() {
  return Dataset("weather.zarr",
                 {axis("time", counted(730), {{"units", std::string("days since 2001-01-01"), ""}}, DType::kInt32),
                  axis("y", {30, 20, 10, 0}),
                  {"tas", array_of(counted(730 * 4), {730, 4}), {"time", "y"}, {}},
                  {"orography", array_of({1, 2, 3, 4}, {4}), {"y"}, {}}},
                 {});
}

Values times(const Dataset& dataset) { return values_of(dataset["time"].array); }
Values ends(const Values& values) { return {values.front(), values.back(), static_cast<double>(values.size())}; }

// xarray 2026.9: sel of a DataArray with the same coordinates.
TEST(Selection, OfTimesByPartsOfDates) {
  EXPECT_EQ(ends(times(sel(weather(), {{"time", "2001-02"}}))), (Values{31, 58, 28}));
  EXPECT_EQ(ends(times(sel(weather(), {{"time", "2002"}}))), (Values{365, 729, 365}));
  EXPECT_EQ(ends(times(sel(weather(), {{"time", LabelRange{"2001-03", "2001-05-02"}}}))), (Values{59, 121, 63}));
  EXPECT_EQ(ends(times(sel(weather(), {{"time", LabelRange{{}, "2001-01"}}}))), (Values{0, 30, 31}));
  EXPECT_EQ(times(sel(weather(), {{"time", LabelRange{"2002-12-31", {}}}})), (Values{729}));
  EXPECT_EQ(ends(times(sel(weather(), {{"time", LabelRange{"1990", "2010", 100}}}))), (Values{0, 700, 8}));
  EXPECT_EQ(times(sel(weather(), {{"time", LabelRange{"2010", "2011"}}})), Values{});
  const Dataset one_day = sel(weather(), {{"time", "2001-02-03"}});
  EXPECT_EQ(one_day["tas"].dims, std::vector<std::string>{"y"});
  EXPECT_EQ(values_of(one_day["tas"].array), (Values{132, 133, 134, 135}));
  EXPECT_TRUE(one_day["time"].is_coordinate());
  EXPECT_EQ(values_of(one_day["time"].array), Values{33});
  EXPECT_EQ(values_of(sel(weather(), {{"time", "2001-02-03T00"}})["time"].array), Values{33});
  EXPECT_EQ(values_of(sel(weather(), {{"time", 33}})["time"].array), Values{33});
  EXPECT_EQ(times(sel(weather(), {{"time", std::vector<Label>{"2001-02-03", "2001-01-01"}}})), (Values{33, 0}));
  EXPECT_EQ(values_of(sel(weather(), {{"time", "2001-02-03T13"}}, {.match = Match::kNearest})["time"].array), Values{34});
  EXPECT_EQ(values_of(sel(weather(), {{"time", "2001-02-03T13"}}, {.match = Match::kPad, .tolerance = 13.0 * 3600})["time"].array), Values{33});
}

TEST(Selection, OfTimesThatFallAndOfOtherCalendars) {
  const Dataset falling = isel(weather(), {{"time", Slice{{}, {}, -1}}});
  EXPECT_EQ(ends(times(sel(falling, {{"time", LabelRange{"2001-05-02", "2001-03"}}}))), (Values{121, 59, 63}));
  Values months(24);
  for (std::size_t i = 0; i < 24; ++i) months[i] = 30.0 * static_cast<double>(i);
  const Dataset monthly("m.zarr", {axis("time", months, {{"units", std::string("days since 2001-01-01"), ""}, {"calendar", std::string("360_day"), ""}})}, {});
  EXPECT_EQ(times(sel(monthly, {{"time", "2001-02"}})), Values{30});
  EXPECT_EQ(values_of(sel(monthly, {{"time", "2001-02-01"}})["time"].array), Values{30});
  EXPECT_EQ(ends(times(sel(monthly, {{"time", "2002"}}))), (Values{360, 690, 12}));
  EXPECT_SAYS(error_of([&] { sel(monthly, {{"time", "2001-01-31"}}); }), "no such day in the calendar 360_day");
}

TEST(Selection, OfNumbers) {
  const auto y = [](LabelSelector selector, SelectionOptions options = {}) { return values_of(sel(weather(), {{"y", std::move(selector)}}, options)["orography"].array); };
  EXPECT_EQ(y(LabelRange{25, 5}), (Values{2, 3}));
  EXPECT_EQ(y(LabelRange{5, 25}), Values{});
  EXPECT_EQ(y(LabelRange{{}, 10}), (Values{1, 2, 3}));
  EXPECT_EQ(y(LabelRange{20, 10}), (Values{2, 3}));
  EXPECT_EQ(y(std::vector<Label>{10, 30}), (Values{3, 1}));
  EXPECT_EQ(y(12, {.match = Match::kNearest, .tolerance = 3}), Values{3});
  EXPECT_EQ(y(12, {.match = Match::kPad}), Values{3});
  EXPECT_EQ(y(12, {.match = Match::kBackfill}), Values{2});
  EXPECT_EQ(y(std::vector<Label>{15, 25}, {.match = Match::kNearest}), (Values{2, 1}));  // of two the larger
  EXPECT_EQ(y(20.5, {.tolerance = 1}), Values{2});
  // Several axes at once, and variables without the axis stay.
  const Dataset part = sel(weather(), {{"y", 20}, {"time", LabelRange{"2001-01-02", "2001-01-03"}}});
  EXPECT_EQ(values_of(part["tas"].array), (Values{5, 9}));
  EXPECT_EQ(part["tas"].dims, std::vector<std::string>{"time"});
  EXPECT_EQ(values_of(part["orography"].array), Values{2});
}

TEST(Selection, SaysWhatIsThereWhenALabelIsNot) {
  const auto error = [](Labels labels, SelectionOptions options = {}) {
    const Error e = error_of([&] { sel(weather(), labels, options); });
    EXPECT_EQ(e.kind(), ErrorKind::kUser) << e.what();
    return e;
  };
  EXPECT_SAYS(error({{"y", 12}}), "coordinate 'y' has no label 12. It goes from 30 to 0; the nearest is 10.");
  EXPECT_SAYS(error({{"y", 12}}, {.match = Match::kNearest, .tolerance = 1}), "no label 12 within 1");
  EXPECT_SAYS(error({{"y", 31}}, {.match = Match::kBackfill}), "no label 31");
  EXPECT_SAYS(error({{"time", "2005"}}), "no label '2005'. It goes from 2001-01-01T00:00:00 to 2002-12-31T00:00:00");
  EXPECT_SAYS(error({{"time", "2001-02-30"}}), "no such day");
  EXPECT_SAYS(error({{"y", "2001"}}), "no units of time");
  EXPECT_SAYS(error({{"y", std::numeric_limits<double>::quiet_NaN()}}), "NaN is no label");
  EXPECT_SAYS(error({{"x", 1}}), "there is no axis 'x'");
  EXPECT_SAYS(error({{"tim", 1}}), "Did you mean 'time'?");
  EXPECT_SAYS(error({{"y", 10}, {"y", 20}}), "selected twice");
  EXPECT_SAYS(error({{"y", LabelRange{30, 0, 0}}}), "step");
  const Dataset mixed("m", {axis("x", {1, 3, 2})}, {});
  EXPECT_SAYS(error_of([&] { sel(mixed, {{"x", LabelRange{1, 2}}}); }), "neither rises nor falls");
  EXPECT_EQ(values_of(sel(mixed, {{"x", 3}})["x"].array), Values{3});
  EXPECT_SAYS(error_of([&] { isel(weather(), {{"y", Index{4}}}); }), "position 4 is outside of axis 'y', which has 4 elements");
  EXPECT_SAYS(error_of([&] { isel(weather(), {{"y", std::vector<Index>{0, -5}}}); }), "position -5 is outside");
  const Dataset gap("m", {axis("time", {0, std::numeric_limits<double>::quiet_NaN()}, {{"units", std::string("days since 2001-01-01"), ""}})}, {});
  EXPECT_SAYS(error_of([&] { sel(gap, {{"time", 0}}); }), "position 1 holds no time");
  const Dataset months("m", {axis("time", {0, 1}, {{"units", std::string("months since 2001-01-01"), ""}})}, {});
  EXPECT_SAYS(error_of([&] { sel(months, {{"time", 0}}); }), "coordinate 'time'");
}

TEST(Selection, ByPosition) {
  EXPECT_EQ(values_of(isel(weather(), {{"y", Index{-1}}, {"time", Slice{0, 4, 2}}})["tas"].array), (Values{3, 11}));
  EXPECT_EQ(values_of(isel(weather(), {{"y", std::vector<Index>{3, 0, -1}}})["y"].array), (Values{0, 30, 0}));
  // An axis without a coordinate has positions for labels.
  const Dataset plain("p", {{"a", array_of({5, 6, 7}, {3}), {"x"}, {}}}, {});
  EXPECT_EQ(values_of(sel(plain, {{"x", LabelRange{0, 2}}})["a"].array), (Values{5, 6}));
  EXPECT_EQ(values_of(sel(plain, {{"x", 2}})["a"].array), Values{7});
  EXPECT_SAYS(error_of([&] { sel(plain, {{"x", 0.25}}); }), "selected by position");
}

TEST(DataArray, IsADatasetOfWhichOneVariableIsMeant) {
  const DataArray tas(weather(), "tas");
  EXPECT_EQ(tas.dataset().data_names(), std::vector<std::string>{"tas"});
  EXPECT_EQ(tas.shape(), (Shape{730, 4}));
  ASSERT_NE(tas.coordinate("y"), nullptr);
  EXPECT_EQ(values_of(sel(tas, {{"time", "2001-02-03"}, {"y", 0}}).array()), Values{135});
  EXPECT_EQ(DataArray(weather(), "orography").coordinate("time"), nullptr);
  EXPECT_SAYS(error_of([&] { DataArray(weather(), "tos"); }), "Did you mean 'tas'");
  const DataArray made(array_of({1, 2}, {2}), {"x"}, {axis("x", {10, 20})});
  EXPECT_EQ(values_of(sel(made, {{"x", 20}}).array()), Values{2});
  EXPECT_SAYS(error_of([&] { DataArray(array_of({1, 2}, {2}), {}); }), "1 axes and 0 names");
  EXPECT_SAYS(error_of([&] { DataArray(array_of({1, 2}, {2}), {"x"}, {axis("x", {1})}); }), "axis 'x' has 1 elements in one variable and 2 in another");
}

}  // namespace
}  // namespace freestone
