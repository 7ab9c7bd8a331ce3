// Datasets aligned and joined: order, units of time, and what does not fit together.
#include "freestone/label/combine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "freestone/label/write.h"
#include "label/labelled_arrays.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::put;
using testing_labels::array_of;
using testing_labels::axis;
using testing_labels::values_of;
using Values = std::vector<double>;

std::vector<formats::Attribute> units(const std::string& text, const std::string& calendar = "standard") {
  return {{"units", text, ""}, {"calendar", calendar, ""}};
}

/// tas(time, x) of two positions on x.
Dataset part(const std::string& path, Values times, Values tas, const std::string& time_units = "days since 2001-01-01", Values x = {10, 20},
             const std::string& tas_units = "K") {
  const auto n = static_cast<Index>(times.size());
  Values bounds;
  for (const double time : times) bounds.insert(bounds.end(), {time, time + 1});
  return Dataset(path,
                 {axis("time", std::move(times), units(time_units), DType::kInt32),
                  {"time_bnds", array_of(std::move(bounds), {n, 2}, DType::kInt32), {"time", "bnds"}, units(time_units)},
                  axis("x", x),
                  {"tas", array_of(std::move(tas), {n, static_cast<Index>(x.size())}, DType::kFloat32), {"time", "x"}, {{"units", tas_units, ""}}},
                  {"height", array_of({2}, {}), {}, {}}},
                 {{"title", std::string(path), ""}});
}

TEST(Concat, OrdersByTheCoordinateAndConvertsTimes) {
  const Dataset a = part("a", {0, 1}, {1, 2, 3, 4}), b = part("b", {0, 1, 2}, {5, 6, 7, 8, 9, 10}, "days since 2001-02-01"),
                c = part("c", {-24, -12}, {-4, -3, -2, -1}, "hours since 2001-01-01");
  const Dataset all = concat({b, a, c});
  EXPECT_EQ(values_of(all["tas"].array), (Values{-4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(all["tas"].array.dtype(), DType::kFloat32);
  EXPECT_EQ(all["time"].text("units"), "days since 2001-02-01");  // the first's, as given
  EXPECT_EQ(values_of(all["time"].array), (Values{-32, -31.5, -31, -30, 0, 1, 2}));
  const Values bounds = values_of(all["time_bnds"].array), wanted = {-32, -32 + 1 / 24.0, -31.5, -31.5 + 1 / 24.0, -31, -30, -30, -29, 0, 1, 1, 2, 2, 3};
  ASSERT_EQ(bounds.size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_DOUBLE_EQ(bounds[i], wanted[i]);
  EXPECT_EQ(std::get<std::string>(all.attributes().at(0).value), "b");
  EXPECT_EQ(values_of(all["height"].array), Values{2});
  EXPECT_EQ(all.length("time"), 7);
  // Whole numbers stay so; the order given is kept when asked for.
  const Dataset pair = concat({b, a}, "time", {.order_by_label = false});
  EXPECT_EQ(pair["time"].array.dtype(), DType::kInt64);
  EXPECT_EQ(values_of(pair["time"].array), (Values{0, 1, 2, -31, -30}));
  EXPECT_EQ(concat({a}, "time").variables().size(), a.variables().size());
}

TEST(Concat, FollowsAFallingCoordinate) {
  const Dataset a("a", {axis("y", {30, 20}), {"z", array_of({1, 2}, {2}), {"y"}, {}}}, {}), b("b", {axis("y", {50, 40}), {"z", array_of({3, 4}, {2}), {"y"}, {}}}, {});
  EXPECT_EQ(values_of(concat({a, b})["z"].array), (Values{3, 4, 1, 2}));
  EXPECT_EQ(values_of(concat({a, b})["y"].array), (Values{50, 40, 30, 20}));
}

TEST(Concat, NamesFileAndVariableOfWhatDoesNotFit) {
  const Dataset a = part("a.nc", {0, 1}, {1, 2, 3, 4});
  const auto error = [&](const Dataset& b, const std::string& dim = "time", CombineOptions options = {}) { return error_of([&] { concat({a, b}, dim, options); }); };
  const auto says = [&](const Dataset& b, const char* text) { EXPECT_SAYS(error(b), text); };
  says(part("b.nc", {1, 2}, {1, 2, 3, 4}), "a.nc goes to 'time' = 2001-01-02T00:00:00, and b.nc begins at 2001-01-02T00:00:00: they overlap");
  says(part("b.nc", {9, 8}, {1, 2, 3, 4}), "a.nc: coordinate 'time' does not fall throughout");
  says(part("b.nc", {2, 3}, {1, 2, 3, 4}, "days since 2001-01-01", {10, 21}), "b.nc: coordinate 'x' has 21 at position 1, and in a.nc it has 20");
  says(part("b.nc", {2}, {1, 2, 3}, "days since 2001-01-01", {10, 20, 30}), "coordinate 'x' has 30 at position 2, and in a.nc it has no label");
  says(part("b.nc", {2, 3}, {1, 2, 3, 4}, "days since 2001-01-01", {10, 20}, "degC"), "b.nc: variable 'tas' is in 'degC', and in a.nc in 'K'");
  says(part("b.nc", {2, 3}, {1, 2, 3, 4}, "m"), "b.nc: coordinate 'time' holds numbers, and in a.nc times of the calendar standard");
  const Dataset good = part("b.nc", {2, 3}, {1, 2, 3, 4});
  std::vector<DatasetVariable> variables = good.variables();
  std::swap(variables[3].dims[0], variables[3].dims[1]);
  says(good.with(variables), "b.nc: variable 'tas' has axes (x, time), and in a.nc (time, x)");
  variables.erase(variables.begin() + 3);
  says(good.with(variables), "b.nc: there is no variable 'tas', which a.nc has");
  EXPECT_SAYS(error_of([&] { concat({good.with(variables), a}, "time"); }), "there is no variable 'tas', which a.nc has");
  EXPECT_SAYS(error(a, ""), "nothing says along which axis");
  EXPECT_SAYS(error(part("b.nc", {2, 3}, {1, 2, 3, 4}, "days since 2001-01-01", {11, 20}), ""), "b.nc: coordinate 'x' has 11 at position 0, and in a.nc it has 10");
  EXPECT_SAYS(error(good, "tme"), "Did you mean 'time'");
  EXPECT_SAYS(error_of([] { concat({}); }), "no datasets");
  const Dataset plain("c.nc", {{"tas", array_of({1, 2}, {1, 2}), {"time", "x"}, {}}}, {});
  EXPECT_SAYS(error(plain), "c.nc: axis 'time' has no coordinate, and in a.nc it has one");
}

TEST(Align, ExactlyOrToWhatIsShared) {
  const Dataset a = part("a", {0, 1, 2}, {1, 2, 3, 4, 5, 6}), b = part("b", {48, 24, 120}, {7, 8, 9, 10, 11, 12}, "hours since 2001-01-01");
  EXPECT_SAYS(error_of([&] { align({a, b}); }), "b: coordinate 'time' has 2001-01-03T00:00:00 at position 0, and in a it has 2001-01-01T00:00:00");
  const std::vector<Dataset> both = align({a, b}, Join::kInner);
  EXPECT_EQ(values_of(both[0]["tas"].array), (Values{3, 4, 5, 6}));
  EXPECT_EQ(values_of(both[1]["tas"].array), (Values{9, 10, 7, 8}));
  EXPECT_EQ(values_of(both[1]["time"].array), (Values{24, 48}));
  EXPECT_EQ(align({a, a})[1]["tas"].array, a["tas"].array);
  const std::vector<Dataset> disjoint = align({a, part("c", {7}, {1, 2})}, Join::kInner);
  EXPECT_EQ(disjoint[0]["tas"].array.shape(), (Shape{0, 2}));
  EXPECT_EQ(align({a, b}, Join::kExact, {"time"})[0]["tas"].array, a["tas"].array);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Dataset gap("g", {axis("x", {nan, 20, 10})}, {});
  EXPECT_EQ(values_of(align({gap, a}, Join::kInner)[0]["x"].array), (Values{20, 10}));
  EXPECT_EQ(error_of([&] { concat({Dataset("p", {axis("x", {nan})}, {}), Dataset("q", {axis("x", {1})}, {})}); }).kind(), ErrorKind::kData);
  const Dataset wide = part("w", {9}, {1, 2, 3}, "days since 2001-01-01", {20, 10, 30});
  const Dataset joined = concat({a, wide}, "time", {.join = Join::kInner});
  EXPECT_EQ(values_of(joined["x"].array), (Values{10, 20}));
  EXPECT_EQ(values_of(joined["tas"].array), (Values{1, 2, 3, 4, 5, 6, 2, 1}));
}

/// A Zarr group of one day a file.
void write_day(const std::string& path, int day) {
  std::filesystem::create_directories(path);
  put(path + "/zarr.json", R"({"zarr_format": 3, "node_type": "group", "attributes": {}})");
  const auto value = static_cast<double>(day);
  write_outputs({output_for(array_of({value, value + 0.5}, {1, 2}, DType::kFloat32), path + "/tas", {.format = "zarr", .dims = {"time", "x"}}),
                 output_for(array_of({10, 20}, {2}), path + "/x", {.format = "zarr", .dims = {"x"}}),
                 output_for(array_of({value}, {1}, DType::kInt32), path + "/time",
                            {.format = "zarr", .dims = {"time"}, .attributes = units("days since 2001-01-01")})},
                {});
}

TEST(OpenDatasets, ReadsManyFilesAsOne) {
  const Folder folder;
  constexpr int kFiles = 30;
  for (int day = 0; day < kFiles; ++day) write_day(folder / fmt::format("day_{}.zarr", day), day);
  const std::vector<std::string> paths = expand_paths(folder / "day_*.zarr");
  ASSERT_EQ(paths.size(), static_cast<std::size_t>(kFiles));
  const Dataset all = open_datasets(paths);  // by name day_10 comes before day_2
  Values wanted;
  for (int day = 0; day < kFiles; ++day) wanted.insert(wanted.end(), {static_cast<double>(day), day + 0.5});
  EXPECT_EQ(values_of(all["tas"].array), wanted);
  EXPECT_EQ(all.length("time"), kFiles);
  write_day(folder / "day_again.zarr", 7);
  EXPECT_SAYS(error_of([&] { open_datasets(expand_paths(folder / "day_*.zarr")); }), "overlap");
  put(folder / "day_9.zarr/time/zarr.json", "{");
  const Error damaged = error_of([&] { open_datasets(paths); });
  EXPECT_EQ(damaged.kind(), ErrorKind::kData);
  EXPECT_SAYS(damaged, "day_9.zarr/time/zarr.json");
  EXPECT_SAYS(error_of([&] { expand_paths(folder / "year_*.zarr"); }), "no file has such a name");
  EXPECT_EQ(expand_paths("plain.zarr"), std::vector<std::string>{"plain.zarr"});
  EXPECT_EQ(error_of([&] { open_datasets({}); }).kind(), ErrorKind::kUser);
}

}  // namespace
}  // namespace freestone
