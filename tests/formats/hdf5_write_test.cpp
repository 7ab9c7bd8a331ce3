// Files of several variables, groups and texts, appended to and given up. Values against h5py and netCDF4: tests/cli/test_hdf5_write.py.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <numeric>
#include <random>

#include "freestone/formats/hdf5.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;

std::vector<float> counting(Index count, float first) {
  std::vector<float> out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), first);
  return out;
}

/// Creates the sinks, gives each its numbers in one piece, and finishes them.
void write(const DatasetRequest& request, std::vector<std::vector<float>> values) {
  const auto sinks = create_sinks(request);
  ASSERT_EQ(sinks.size(), values.size());
  for (const auto& sink : sinks) sink->create();
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    const Spec& spec = sinks[i]->spec();
    const Box box(spec.shape);
    std::vector<std::byte> memory(static_cast<std::size_t>(sinks[i]->scratch_bytes(box)));
    Scratch scratch(memory);
    sinks[i]->write(box, View::contiguous(reinterpret_cast<std::byte*>(values[i].data()), spec.dtype, spec.shape), scratch, Cancel());
  }
  for (const auto& sink : sinks) sink->finish();
}

std::vector<float> read(const Variable& variable) {
  const Source& source = *variable.source;
  const Box box(source.spec().shape);
  std::vector<float> out(static_cast<std::size_t>(box.count()));
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(reinterpret_cast<std::byte*>(out.data()), source.spec().dtype, box.shape), Cancel());
  return out;
}

VariableRequest variable(const std::string& name, Shape shape, std::vector<std::string> dims, const std::string& compressor = "") {
  VariableRequest out{.name = name, .spec = {std::move(shape), DType::kFloat32}, .dims = std::move(dims)};
  out.packing.compressor = compressor;
  return out;
}

class EveryHdf5 : public testing::TestWithParam<const char*> {
 protected:
  std::string path(const std::string& stem = "x") const { return folder_ / (stem + GetParam()); }
  Folder folder_;
};

TEST_P(EveryHdf5, HoldsGroupsWithDimensionsOfTheirOwn) {
  DatasetRequest request{.path = path(), .attributes = {{"title", std::string("weather"), ""}}};
  request.variables = {variable("time", {3}, {"time"}), variable("lat", {4}, {"lat"}), variable("tas", {3, 4}, {"time", "lat"}, "deflate"),
                       variable("g/lat", {5}, {"lat"}), variable("g/h/pr", {3, 5}, {"time", "lat"})};
  request.variables[2].attributes = {{"units", std::string("K"), ""}};
  request.texts = {{.name = "g/station", .texts = {{5}, {"a", "", "Ünï", "d", "a longer name"}}, .dims = {"lat"}, .attributes = {}}};
  write(request, {counting(3, 0), counting(4, 10), counting(12, 20), counting(5, 40), counting(15, 50)});
  const Contents contents = open_file(path());
  EXPECT_EQ(contents.format, std::string(GetParam()) == ".nc" ? "netcdf4" : "hdf5");
  EXPECT_EQ(contents.attributes.front().value, AttributeValue("weather"));
  for (const VariableRequest& wanted : request.variables) {
    const Variable& found = select_variable(contents, wanted.name);
    EXPECT_EQ(found.dims, wanted.dims) << wanted.name;
    EXPECT_EQ(found.source->spec(), wanted.spec) << wanted.name;
  }
  EXPECT_EQ(select_variable(contents, "tas").attributes.front().value, AttributeValue("K"));
  EXPECT_EQ(read(select_variable(contents, "g/h/pr")), counting(15, 50));
  EXPECT_EQ(read(select_variable(contents, "g/lat")), counting(5, 40));
  EXPECT_EQ(read(select_variable(contents, "tas")), counting(12, 20));
  const auto station = std::find_if(contents.variables.begin(), contents.variables.end(), [](const Variable& v) { return v.name == "g/station"; });
  ASSERT_NE(station, contents.variables.end());
  ASSERT_TRUE(station->texts);
  EXPECT_EQ(station->texts->values, request.texts[0].texts.values);
  EXPECT_EQ(station->dims, (std::vector<std::string>{"lat"}));
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryHdf5, AppendsAllVariablesOfADimension) {
  const auto request = [&](Index n, const std::string& append) {
    DatasetRequest out{.path = path(), .variables = {variable("time", {n}, {"time"}), variable("lat", {2}, {"lat"}), variable("tas", {n, 2}, {"time", "lat"}, "deflate")}};
    out.variables[2].packing.chunks = {4, 2};
    if (append.empty()) out.unlimited_dims = {"time"};
    out.append = append;
    return out;
  };
  write(request(3, ""), {counting(3, 0), counting(2, 90), counting(6, 100)});
  write(request(5, "time"), {counting(5, 3), counting(2, 90), counting(10, 106)});
  write(request(1, "time"), {counting(1, 8), counting(2, 90), counting(2, 116)});
  const Contents contents = open_file(path());
  EXPECT_EQ(read(select_variable(contents, "time")), counting(9, 0));
  EXPECT_EQ(read(select_variable(contents, "lat")), counting(2, 90));
  EXPECT_EQ(read(select_variable(contents, "tas")), counting(18, 100));
  const std::string before = get(path());
  EXPECT_SAYS(error_of([&] { write(request(1, "time"), {counting(1, 9), counting(2, 91), counting(2, 118)}); }), "'lat'");
  EXPECT_EQ(get(path()), before);
  EXPECT_SAYS(error_of([&] { write(request(1, "lat"), {}); }), "not unlimited");
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryHdf5, AnAbortedAppendLeavesTheFile) {
  DatasetRequest request{.path = path(), .variables = {variable("tas", {3, 50}, {"time", "x"})}, .unlimited_dims = {"time"}};
  request.variables[0].packing.chunks = {2, 50};
  write(request, {counting(150, 0)});
  const std::string before = get(path());
  request.unlimited_dims = {};
  request.append = "time";
  const auto sink = create_sinks(request).front();
  EXPECT_EQ(get(path()), before);
  sink->create();
  const Box box({3, 50});
  std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(box)));
  Scratch scratch(memory);
  auto values = counting(150, 150);
  sink->write(box, View::contiguous(reinterpret_cast<std::byte*>(values.data()), DType::kFloat32, box.shape), scratch, Cancel());
  EXPECT_EQ(read(select_variable(open_file(path()), "tas")), counting(150, 0));
  EXPECT_EQ(error_of([&] { create_sinks(request).front()->create(); }).kind(), ErrorKind::kUser);
  sink->abort();
  sink->abort();
  EXPECT_EQ(get(path()), before);
  EXPECT_EQ(folder_.entries(), 1u);
}

TEST_P(EveryHdf5, RefusesNamesAndDimsThatCannotBe) {
  const auto refused = [&](std::vector<VariableRequest> variables) {
    return error_of([&] { create_sinks({.path = path(), .variables = std::move(variables)}); });
  };
  EXPECT_SAYS(refused({variable("a", {3}, {"x"}), variable("a", {3}, {"x"})}), "two variables");
  EXPECT_SAYS(refused({variable("a", {3}, {"x"}), variable("a/b", {3}, {"x"})}), "group");
  EXPECT_SAYS(refused({variable("a//b", {3}, {"x"})}), "is no name");
  if (std::string(GetParam()) == ".nc") {
    EXPECT_SAYS(refused({variable("a", {3}, {"x"}), variable("b", {4}, {"x"})}), "'x'");
    EXPECT_SAYS(refused({variable(" a", {3}, {"x"})}), "is no name");
  }
}

INSTANTIATE_TEST_SUITE_P(Suffixes, EveryHdf5, testing::Values(".nc", ".h5"), [](const auto& info) { return std::string(info.param).substr(1); });

}  // namespace
}  // namespace freestone::formats
