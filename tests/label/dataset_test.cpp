// Datasets of Zarr groups: names, axes, attributes, and arrays that compute.
#include "freestone/label/dataset.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "freestone/exec/compute.h"
#include "freestone/label/open.h"
#include "freestone/label/write.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "storage/temporary_folder.h"

namespace freestone {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::put;

/// An int32 array of the numbers from 0 on.
Array numbers(const std::string& path, const Shape& shape) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i);
  const auto sink = formats::create_sink({shape, DType::kInt32}, {.path = path});
  sink->create();
  std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(shape))));
  Scratch scratch(memory);
  sink->write(Box(shape), View::contiguous(values.data(), DType::kInt32, shape), scratch, Cancel());
  sink->finish();
  return open(path).array();
}

TEST(Dataset, HoldsTheArraysOfAGroupWithNamesAndAttributes) {
  const Folder folder;
  const std::string path = folder / "g.zarr";
  std::filesystem::create_directories(path);
  put(path + "/zarr.json", R"({"zarr_format": 3, "node_type": "group", "attributes": {"title": "weather"}})");
  const Array grid = numbers(folder / "a.npy", {3, 4}), line = numbers(folder / "b.npy", {3});
  write_outputs(
      {output_for(grid, path + "/tas", {.format = "zarr", .dims = {"time", "x"}, .attributes = {{"units", std::string("K"), ""}}}),
       output_for(line, path + "/time", {.format = "zarr", .dims = {"time"}})},
      {});
  const Dataset dataset = open_dataset(path);
  ASSERT_EQ(dataset.variables().size(), 2u);
  EXPECT_EQ(dataset.data_names(), std::vector<std::string>{"tas"});
  EXPECT_EQ(dataset.coordinate_names(), std::vector<std::string>{"time"});
  EXPECT_EQ(dataset.dims(), (std::vector<std::pair<std::string, Index>>{{"time", 3}, {"x", 4}}));
  EXPECT_EQ(std::get<std::string>(dataset.attributes().at(0).value), "weather");
  EXPECT_EQ(std::get<std::string>(dataset["tas"].attributes.at(0).value), "K");
  EXPECT_TRUE(dataset.contains("time"));
  EXPECT_FALSE(dataset.contains("tim"));
  EXPECT_SAYS(error_of([&] { dataset["tim"]; }), "Did you mean 'time'");
  EXPECT_EQ(compute(sum(dataset["tas"].array)).number(), 66);
  // The only array that is no coordinate is what the group is as an Array; a file with one array is a Dataset of one.
  EXPECT_EQ(open(path).array(), dataset["tas"].array);
  EXPECT_EQ(open(path + "[time]").array(), dataset["time"].array);
  EXPECT_EQ(open_dataset(folder / "a.npy").variables().size(), 1u);
}

// What xarray writes into Zarr 2 for int16 packed with _FillValue = -999: the fill value of the array, and no attribute.
TEST(Dataset, TakesTheFillValueOfZarrVersion2ForWhatIsMissing) {
  const Folder folder;
  const std::string path = folder / "g.zarr";
  const auto write_array = [&](const std::string& name, const std::string& fill) {
    std::filesystem::create_directories(path + "/" + name);
    put(path + "/" + name + "/.zarray", R"({"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<i2", "compressor": null, "order": "C", "filters": null,
      "fill_value": )" + fill + "}");
    put(path + "/" + name + "/.zattrs", R"({"_ARRAY_DIMENSIONS": ["x"]})");
    put(path + "/" + name + "/0", std::string("\x00\x00\x19\xfc", 4));  // 0 and -999
  };
  std::filesystem::create_directories(path);
  put(path + "/.zgroup", R"({"zarr_format": 2})");
  write_array("packed", "-999");
  write_array("plain", "0");
  const Dataset dataset = open_dataset(path);
  EXPECT_EQ(dataset["packed"].array.dtype(), DType::kFloat32);
  EXPECT_EQ(compute(nansum(dataset["packed"].array)).number(), 0);
  EXPECT_EQ(dataset["plain"].array.dtype(), DType::kInt16);
  EXPECT_EQ(compute(sum(dataset["plain"].array)).number(), -999);
}

TEST(Dataset, IsWrittenAsItWasStored) {
  const Folder folder;
  const Array one = numbers(folder / "a.npy", {3, 4});
  DatasetVariable tas{"tas", elementwise("multiply", {astype(one, DType::kFloat64), 0.5}), {"time", "x"}, {{"units", std::string("K"), ""}}};
  tas.encoding = {DType::kInt16, {{"scale_factor", 0.25, ""}, {"_FillValue", std::int64_t{-1}, ""}}};
  const Dataset dataset("made", {tas, {"x", numbers(folder / "b.npy", {4}), {"x"}, {}}}, {{"title", std::string("weather"), ""}});
  EXPECT_SAYS(error_of([&] { write(dataset, folder / "one.npy"); }), "a file of npy holds one array, not 2");
  write(dataset, folder / "all.nc3");
  const Dataset stored = open_dataset(folder / "all.nc3", {.decode_cf = false}), decoded = open_dataset(folder / "all.nc3");
  EXPECT_EQ(stored["tas"].array.dtype(), DType::kInt16);
  EXPECT_EQ(compute(sum(stored["tas"].array)).number(), 132);
  EXPECT_NE(stored["tas"].attribute("scale_factor"), nullptr);
  EXPECT_EQ(compute(sum(decoded["tas"].array)).number(), 33);
  EXPECT_EQ(decoded["tas"].text("units"), "K");
  EXPECT_EQ(decoded.coordinate_names(), std::vector<std::string>{"x"});
  EXPECT_EQ(decoded.dims(), (std::vector<std::pair<std::string, Index>>{{"time", 3}, {"x", 4}}));
}

}  // namespace
}  // namespace freestone
