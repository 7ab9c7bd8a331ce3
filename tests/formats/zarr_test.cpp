// Zarr's metadata: every form that is allowed, and what is damaged or hostile. Data are compared with zarr-python in tests/python.
#include "freestone/formats/zarr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "freestone/formats/zarr_metadata.h"
#include "storage/temporary_folder.h"

namespace freestone::formats::zarr {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::put;

const char* const kV3 = R"({"zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "float32",
  "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
  "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
  "fill_value": 0, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}], "attributes": {}})";
const char* const kV2 = R"({"zarr_format": 2, "shape": [4, 6], "chunks": [2, 3], "dtype": "<f4", "compressor": null, "fill_value": 0,
  "order": "C", "filters": null})";

Json v3(const std::string& field = "", const char* value = "null") {
  Json json = parse_json("a", kV3);
  if (!field.empty()) json[field] = Json::parse(value);
  return json;
}
Json v2(const std::string& field = "", const char* value = "null") {
  Json json = parse_json("a", kV2);
  if (!field.empty()) json[field] = Json::parse(value);
  return json;
}
ArrayMetadata read3(const std::string& field = "", const char* value = "null") {
  return read_array_v3("a.zarr/zarr.json", v3(field, value));
}
ArrayMetadata read2(const std::string& field = "", const char* value = "null") {
  return read_array_v2("a.zarr/.zarray", v2(field, value), Json::object());
}

ArrayMetadata read2_objects(const char* filters) {
  Json json = v2("filters", filters);
  json["dtype"] = "|O";
  return read_array_v2("a.zarr/.zarray", json, Json::object());
}

template <class T>
T fill_of(const ArrayMetadata& array) {
  T value;
  EXPECT_EQ(array.fill.size(), sizeof(T));
  std::memcpy(&value, array.fill.data(), sizeof(T));
  return value;
}

TEST(ZarrMetadata, KeysFollowTheirEncodings) {
  EXPECT_EQ(read3().key({1, 2}), "c/1/2");
  EXPECT_EQ(read3("chunk_key_encoding", R"({"name": "default", "configuration": {"separator": "."}})").key({1, 2}), "c.1.2");
  EXPECT_EQ(read3("chunk_key_encoding", R"({"name": "v2"})").key({1, 2}), "1.2");
  EXPECT_EQ(read3("chunk_key_encoding", R"({"name": "v2", "configuration": {"separator": "/"}})").key({1, 2}), "1/2");
  EXPECT_EQ(read3().key({}), "c");
  EXPECT_EQ(read2().key({}), "0");
  EXPECT_EQ(read2("dimension_separator", "\"/\"").key({10, 0}), "10/0");
}

TEST(ZarrMetadata, FillValuesInAllTheirForms) {
  EXPECT_EQ(fill_of<float>(read3("fill_value", "1.5")), 1.5f);
  EXPECT_TRUE(std::isnan(fill_of<float>(read3("fill_value", "\"NaN\""))));
  EXPECT_EQ(fill_of<float>(read3("fill_value", "\"-Infinity\"")), -INFINITY);
  EXPECT_EQ(fill_of<std::uint32_t>(read3("fill_value", "\"0x7fc00001\"")), 0x7fc00001u);
  EXPECT_EQ(fill_of<float>(read2("fill_value", "null")), 0);
  EXPECT_EQ(fill_of<float>(read2("fill_value", "\"AADAPw==\"")), 1.5f);  // base64 of the stored bytes
  const auto typed = [](const char* dtype, const char* value) {
    Json json = v3("fill_value", value);
    json["data_type"] = dtype;
    return read_array_v3("a", json);
  };
  EXPECT_EQ(fill_of<std::int8_t>(typed("int8", "-128")), -128);
  EXPECT_EQ(fill_of<std::uint64_t>(typed("uint64", "18446744073709551615")), 18446744073709551615u);
  EXPECT_EQ(fill_of<std::int32_t>(typed("int32", "3.0")), 3);
  EXPECT_EQ(fill_of<bool>(typed("bool", "true")), true);
  EXPECT_EQ(fill_of<std::complex<double>>(typed("complex128", R"([1.5, "Infinity"])")), std::complex<double>(1.5, INFINITY));
  EXPECT_EQ(fill_of<float>(typed("float16", "0.1")), 0.0999755859375f);
  EXPECT_EQ(fill_of<float>(typed("float16", "\"0x3c00\"")), 1.0f);
  EXPECT_EQ(fill_of<float>(typed("float16", "65520")), INFINITY);
  EXPECT_EQ(fill_of<float>(typed("float16", "5.960464477539063e-08")), 5.960464477539063e-08f);
  for (const auto& [dtype, value] : std::vector<std::pair<const char*, const char*>>{{"uint8", "256"},
                                                                                     {"uint8", "-1"},
                                                                                     {"int8", "200"},
                                                                                     {"int32", "1.5"},
                                                                                     {"int64", "1e300"},
                                                                                     {"bool", "2"},
                                                                                     {"float32", "\"no\""},
                                                                                     {"float32", "[1]"},
                                                                                     {"complex64", "[1]"},
                                                                                     {"complex64", "{}"},
                                                                                     {"int64", "\"0x12\""},
                                                                                     {"float64", "\"0x7fc0\""}}) {
    const Error error = error_of([&, d = dtype, v = value] { typed(d, v); });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << dtype << " " << value;
    EXPECT_SAYS(error, "fill_value");
  }
}

TEST(ZarrMetadata, TimesAreIntegersWithTheirUnitKept) {
  EXPECT_EQ(read2("dtype", "\"<M8[ns]\"").type.label, "datetime64[ns]");
  EXPECT_EQ(read2("dtype", "\">m8[10s]\"").type.label, "timedelta64[10s]");
  const auto time = read3("data_type", R"({"name": "numpy.timedelta64", "configuration": {"unit": "s", "scale_factor": 10}})");
  EXPECT_EQ(time.type.label, "timedelta64[10s]");
  EXPECT_EQ(time.type.transform.dtype, DType::kInt64);
  Json json = v3("fill_value", "\"NaT\"");
  json["data_type"] = Json::parse(R"({"name": "numpy.datetime64", "configuration": {"unit": "D"}})");
  EXPECT_EQ(fill_of<std::int64_t>(read_array_v3("a", json)), std::numeric_limits<std::int64_t>::min());
}

TEST(ZarrMetadata, WhatIsNotReadIsSaidWithItsName) {
  const std::pair<Error, const char*> cases[] = {
      {error_of([] { read2("dtype", R"([["flux", "<f4"], ["flag", "|u1"]])"); }), "'flux', 'flag'"},
      {error_of([] { read3("data_type", R"({"name": "structured", "configuration": {"fields": [["flux", "float32"]]}})"); }), "'flux'"},
      {error_of([] { read2("dtype", "\"|V4\""); }), "raw bytes"},
      {error_of([] { read2("dtype", "\"|O\""); }), "Python objects"},
      {error_of([] { read2_objects(R"([{"id": "pickle"}])"); }), "'pickle'"},
      {error_of([] { read3("data_type", "\"complex_int16\""); }), "'complex_int16'"},
      {error_of([] { read2("compressor", R"({"id": "zfpy"})"); }), "'zfpy'"},
      {error_of([] { read3("codecs", R"([{"name": "bytes"}, {"name": "numcodecs.pcodec"}])"); }), "'pcodec'"},
      {error_of([] { read3("chunk_grid", R"({"name": "rectangular"})"); }), "chunk_grid"},
      {error_of([] { read3("storage_transformers", R"([{"name": "x"}])"); }), "storage_transformers"},
      {error_of([] { read3("shape", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"); }), "17 axes"},
  };
  for (const auto& [error, part] : cases) {
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
    EXPECT_SAYS(error, part);
  }
}

TEST(ZarrMetadata, DamagedFieldsAreRefusedByName) {
  const std::vector<std::tuple<const char*, const char*, const char*>> fields = {
      {"shape", "[-1, 6]", "shape"},
      {"shape", "[1.5, 6]", "shape"},
      {"shape", "\"4\"", "shape"},
      {"shape", "[4611686018427387904, 4611686018427387904]", "shape"},
      {"shape", "[18446744073709551615, 1]", "shape"},
      {"chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [0, 3]}})", "chunk_shape"},
      {"chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [-2, 3]}})", "chunk_shape"},
      {"chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [2]}})", "chunk_shape"},
      {"chunk_grid", R"({"name": "regular", "configuration": {"chunk_shape": [4000000000, 4000000000]}})", "chunk"},
      {"chunk_grid", R"({"name": "regular"})", "configuration"},
      {"data_type", "5", "data_type"},
      {"data_type", R"({"name": "numpy.datetime64", "configuration": {"unit": 5}})", "data_type"},
      {"zarr_format", "2", "zarr_format"},
      {"codecs", "{}", "codecs"},
      {"codecs", "[]", "codecs"},
      {"codecs", R"([{"name": "zstd"}])", "zstd"},
      {"codecs", R"([{"name": "bytes", "configuration": {"endian": "middle"}}])", "endian"},
      {"codecs", R"([{"name": "bytes"}, {"name": "bytes"}])", "bytes"},
      {"codecs", R"([{"name": "bytes", "configuration": 5}])", "configuration"},
      {"codecs", R"([{"name": "transpose", "configuration": {"order": [0, 0]}}, "bytes"])", "order"},
      {"codecs", R"([{"name": "transpose", "configuration": {"order": [0, 2]}}, "bytes"])", "order"},
      {"codecs", R"(["bytes", {"name": "zstd", "configuration": {"level": "high"}}])", "level"},
      {"codecs", R"(["bytes", {"name": "blosc", "configuration": {"shuffle": "some"}}])", "shuffle"},
      {"codecs",
       R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 2], "codecs": ["bytes"], "index_codecs": ["bytes"]}}])",
       "do not fill"},
      {"codecs",
       R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [0, 3], "codecs": ["bytes"], "index_codecs": ["bytes"]}}])",
       "chunk_shape"},
      {"codecs", R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 3], "codecs": ["bytes"]}}])", "index_codecs"},
      {"codecs",
       R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 3], "codecs": ["bytes"], "index_codecs": ["bytes"], "index_location": "middle"}}])",
       "index_location"},
      {"codecs", R"([{"name": "numcodecs.delta", "configuration": {"dtype": "<i2"}}, "bytes"])", "delta"},
      {"dimension_names", "[\"x\"]", "dimension_names"},
      {"dimension_names", "[\"x\", 5]", "dimension_names"},
      {"chunk_key_encoding", R"({"name": "default", "configuration": {"separator": "//"}})", "separator"},
  };
  for (const auto& [field, value, part] : fields) {
    const Error error = error_of([&, f = field, v = value] { read3(f, v); });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << field << " " << value << ": " << error.what();
    EXPECT_SAYS(error, part);
    EXPECT_SAYS(error, "a.zarr/zarr.json");
  }
  for (const char* field : {"shape", "data_type", "chunk_grid", "codecs", "chunk_key_encoding", "zarr_format"}) {
    Json json = v3();
    json.erase(field);
    EXPECT_SAYS(error_of([&] { read_array_v3("a", json); }), field);
  }
  for (const auto& [field, value] : std::vector<std::pair<const char*, const char*>>{{"chunks", "[2, -3]"},
                                                                                     {"chunks", "null"},
                                                                                     {"order", "\"D\""},
                                                                                     {"dtype", "7"},
                                                                                     {"filters", "{}"},
                                                                                     {"compressor", "[]"},
                                                                                     {"compressor", R"({"id": 5})"}}) {
    EXPECT_EQ(error_of([&, f = field, v = value] { read2(f, v); }).kind(), ErrorKind::kData) << field << " " << value;
  }
}

TEST(ZarrJson, ListsOfOneKindComeBackAsTheyWere) {
  const Json json = parse_json("a", R"({"w": [1, -2], "d": [1.5, NaN, 2], "t": ["a", "b"], "m": [1, "a"], "e": [], "b": [true]})");
  const auto attributes = attributes_from(json);
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(attributes[0].value), (std::vector<std::int64_t>{1, -2}));
  EXPECT_EQ(text_of(attributes[1].value), "[1.5, nan, 2]");
  EXPECT_EQ(std::get<std::vector<std::string>>(attributes[2].value), (std::vector<std::string>{"a", "b"}));
  const char* const written[] = {"[1,-2]", R"([1.5,"NaN",2.0])", R"(["a","b"])", R"([1,"a"])", "[]", "[true]"};
  for (std::size_t i = 0; i < attributes.size(); ++i) EXPECT_EQ(json_from(attributes[i]).dump(), written[i]);
}

TEST(ZarrJson, KnowsNumbersThatJsonDoesNotHave) {
  const Json json = parse_json("a", R"({"a": NaN, "b": [-Infinity, "NaN"], "c": "say \"NaN\"", "d": Infinity})");
  const auto attributes = attributes_from(json);
  ASSERT_EQ(attributes.size(), 4u);
  EXPECT_TRUE(std::isnan(std::get<double>(attributes[0].value)));
  EXPECT_EQ(std::get<std::string>(attributes[1].value), R"(["-Infinity","NaN"])");
  EXPECT_EQ(std::get<std::string>(attributes[2].value), "say \"NaN\"");
  EXPECT_EQ(std::get<double>(attributes[3].value), INFINITY);
  for (const std::string text : {"", "[", "[]", "{\"a\": NaNa}", "{\"a\": \"\xff\"}", "nul"}) {
    EXPECT_EQ(error_of([&] { parse_json("a", text); }).kind(), ErrorKind::kData) << text;
  }
  EXPECT_SAYS(error_of([] { parse_json("a", "{\"a\": " + std::string(100000, '[') + std::string(100000, ']') + "}"); }), "nested");
}

class Group : public testing::Test {
 protected:
  void array(const std::string& name, const Shape& shape, const std::vector<std::string>& dims) {
    const auto sink = formats::create_sink({shape, DType::kFloat32}, {.path = folder_ / ("g/" + name), .format = "zarr", .dims = dims});
    sink->create();
    sink->finish();
  }
  Group() {
    std::filesystem::create_directories(folder_ / "g/daily");
    put(folder_ / "g/zarr.json", R"({"zarr_format": 3, "node_type": "group", "attributes": {"title": "weather", "levels": [1, 2]}})");
    put(folder_ / "g/daily/zarr.json", R"({"zarr_format": 3, "node_type": "group"})");
    array("time", {5}, {"time"});
    array("tas", {5, 3}, {"time", "x"});
  }
  Folder folder_;
};

TEST_F(Group, ListsItsArraysAndPicksTheOnlyOneThatIsNoCoordinate) {
  const Contents contents = open_file(folder_ / "g");
  ASSERT_EQ(contents.variables.size(), 2u);
  EXPECT_EQ(contents.variables[0].name, "tas");
  EXPECT_EQ(contents.variables[0].dims, (std::vector<std::string>{"time", "x"}));
  EXPECT_EQ(std::get<std::string>(contents.attributes[0].value), "weather");
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(contents.attributes[1].value), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(&select_variable(contents, ""), &contents.variables[0]);
  EXPECT_EQ(select_variable(contents, "time").name, "time");
  EXPECT_SAYS(error_of([&] { select_variable(contents, "tasx"); }), "Did you mean 'tas'");
}

TEST_F(Group, GroupsSayWhatIsTheirs) {
  put(folder_ / "g/daily/zarr.json", R"({"zarr_format": 3, "node_type": "group", "attributes": {"title": "daily"}})");
  array("daily/pr", {5, 3}, {"time", "x"});
  const Contents contents = open_file(folder_ / "g");
  ASSERT_EQ(contents.groups.size(), 1u);
  EXPECT_EQ(contents.groups[0].path, "daily");
  EXPECT_EQ(contents.groups[0].attributes, (std::vector<Attribute>{{"title", "daily", ""}}));
  EXPECT_TRUE(open_file(folder_ / "g/daily").groups.empty());
}

TEST_F(Group, FillsOfFloatsInBase64AreNumbers) {
  const auto fill_of = [&](const std::string& type, const std::string& fill) {
    put(folder_ / "g/x/zarr.json", R"({"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": ")" + type +
                                       R"(", "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}},
            "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "attributes": {"_FillValue": ")" + fill + R"("}})");
    return open_file(folder_ / "g/x").variables[0].attributes.at(0);
  };
  std::filesystem::create_directories(folder_ / "g/x");
  EXPECT_EQ(fill_of("float64", "AAAAAAAAIsA="), (Attribute{"_FillValue", -9.0, ""}));
  EXPECT_EQ(fill_of("float32", "AAAAAAAAIsA="), (Attribute{"_FillValue", -9.0, "float32"}));
  EXPECT_TRUE(std::isnan(std::get<double>(fill_of("float32", "AAAAAAAA+H8=").value)));
  EXPECT_EQ(fill_of("int16", "AAAAAAAAIsA="), (Attribute{"_FillValue", std::string("AAAAAAAAIsA="), ""}));
  EXPECT_EQ(fill_of("float32", "none"), (Attribute{"_FillValue", std::string("none"), ""}));
}

TEST_F(Group, SeveralArraysMustBeNamed) {
  array("daily/pr", {5, 3}, {"time", "x"});
  const Contents contents = open_file(folder_ / "g/");
  EXPECT_SAYS(error_of([&] { select_variable(contents, ""); }), "name one of its arrays");
  EXPECT_EQ(select_variable(contents, "daily/pr").source->spec().shape, Shape({5, 3}));
  EXPECT_EQ(open_file(folder_ / "g/daily/pr").variables.size(), 1u);
  EXPECT_SAYS(error_of([&] { open_file(folder_ / "g/daily/prx"); }), "Did you mean 'pr'");
  EXPECT_SAYS(error_of([&] { open_file(folder_ / "g/nothing/at/all"); }), "there is no 'nothing/at/all'");
  const std::string reference = select_variable(contents, "daily/pr").source->reference();
  EXPECT_NE(reference.find(folder_ / "g/daily/pr"), std::string::npos) << reference;
}

TEST_F(Group, AnArrayThatCannotBeReadIsListedWithTheReason) {
  std::filesystem::create_directories(folder_ / "g/names");
  put(folder_ / "g/names/zarr.json", R"({"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "raw8"})");
  EXPECT_THROW(open_file(folder_ / "g"), Error);  // no chunk grid: damaged, whatever the type
  put(folder_ / "g/names/zarr.json", R"({"zarr_format": 3, "node_type": "array", "shape": [2], "data_type": "raw8",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2]}}})");
  const Contents contents = open_file(folder_ / "g");
  EXPECT_EQ(select_variable(contents, "tas").name, "tas");
  const Error error = error_of([&] { select_variable(contents, "names"); });
  EXPECT_SAYS(error, "g: names: its elements are of the type 'raw8'");
  EXPECT_EQ(error.message().find("zarr.json"), std::string::npos) << error.what();  // the file is said once
}

TEST_F(Group, ConsolidatedMetadataStayInTheGroup) {
  for (const char* name : {"../secret", "/etc", "a/../../b", ""}) {
    put(folder_ / "g/zarr.json",
        fmt::format(R"({{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {{"metadata": {{"{}": {}}}}}}})", name, kV3));
    const Error error = error_of([&] { open_file(folder_ / "g"); });
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_SAYS(error, "no path in the group");
  }
  put(folder_ / "g/zarr.json",
      fmt::format(R"({{"zarr_format": 3, "node_type": "group", "consolidated_metadata": {{"metadata": {{"gone": {}}}}}}})", kV3));
  EXPECT_SAYS(error_of([&] { open_file(folder_ / "g"); }), "is not there");
}

/// An array of two texts in one chunk of the bytes given.
class TextArrays : public testing::Test {
 protected:
  static std::string number(std::uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), sizeof value); }
  Contents open(const char* dtype, const char* filters, const std::string& chunk, const char* shape = "[2]", const char* chunks = "[2]") {
    std::filesystem::create_directories(folder_ / "t.zarr");
    put(folder_ / "t.zarr/.zarray", fmt::format(R"({{"zarr_format": 2, "shape": {}, "chunks": {}, "dtype": "{}", "compressor": {}, "fill_value": {},
      "order": "C", "filters": {}}})", shape, chunks, dtype, compressor_, fill_, filters));
    put(folder_ / "t.zarr/0", chunk);
    return open_file(folder_ / "t.zarr");
  }
  /// They are left out, and who asks for them is told why.
  void refused(const char* dtype, const char* filters, const std::string& chunk, const char* why, const char* where = "t.zarr/0: ") {
    const Contents contents = open(dtype, filters, chunk);
    EXPECT_EQ(contents.variables[0].texts, nullptr) << why;
    const Error error = error_of([&] { select_variable(contents, ""); });
    EXPECT_SAYS(error, why);
    EXPECT_SAYS(error, where);
  }
  /// A chunk as zstd makes it: a few KB of many MB that are alike.
  static std::string pressed(const std::string& chunk) {
    const CodecRef zstd = zstd_codec(3);
    std::string out(static_cast<std::size_t>(zstd->largest_made(static_cast<Index>(chunk.size()))), '\0');
    out.resize(static_cast<std::size_t>(zstd->encode(std::as_bytes(std::span(chunk)), std::as_writable_bytes(std::span(out)))));
    return out;
  }
  std::string compressor_ = "null", fill_ = "null";
  static constexpr const char* kVarying = R"([{"id": "vlen-utf8"}])";
  static constexpr const char* kListed = R"([{"id": "json2"}])";
  Folder folder_;
};

TEST_F(TextArrays, AreReadInAllTheirForms) {
  const std::vector<std::string> expected = {"a", "\xc3\xa9z"};
  EXPECT_EQ(open("|O", kVarying, number(2) + number(1) + "a" + number(3) + "\xc3\xa9z").variables[0].texts->values, expected);
  EXPECT_EQ(open("|O", kListed, R"(["a", "\u00e9z", "|O", [2]])").variables[0].texts->values, expected);
  EXPECT_EQ(open("<U3", "null", number('a') + number(0) + number(0) + number(0xe9) + number('z') + number(0)).variables[0].texts->values, expected);
  EXPECT_EQ(open("|S4", "null", std::string("a\0\0\0\xc3\xa9z\0", 8)).variables[0].texts->values, expected);
  EXPECT_EQ(open("|S2", "null", std::string("a\0\xe9z", 4)).variables[0].texts->values, expected);  // Latin-1
  EXPECT_EQ(open("<U0", "null", "").variables[0].texts->values, std::vector<std::string>(2));
}

TEST_F(TextArrays, LengthsThatLieAreToldWithTheirFile) {
  refused("|O", kVarying, "", "not even how many");
  refused("|O", kVarying, number(3) + number(0) + number(0) + number(0), "3 texts, where a chunk has 2");
  refused("|O", kVarying, number(0xffffffff), "4294967295 texts");
  refused("|O", kVarying, number(2) + number(0xffffffff) + "a", "text 1 of 2 has 4294967295 bytes, and 1 are left");
  refused("|O", kVarying, number(2) + number(1) + "a", "it ends before text 2 of 2");
  refused("|O", kVarying, number(2) + number(1) + "a" + number(1) + "\xff", "text 2 of 2 is no UTF-8");
  refused("|O", R"([{"id": "vlen-utf8"}, {"id": "zlib"}])", number(2) + number(1), "zlib");
  refused("|O", kListed, "[1, 2", "no JSON list");
  refused("|O", kListed, R"(["a", "|O", [2]])", "holds 1 texts");
  std::string empty_lists;
  for (int i = 0; i < 1000; ++i) empty_lists += "[], ";
  refused("|O", kListed, "[" + empty_lists + R"("a", "b", "|O", [2]])", "more than the 2 texts");
  refused("|O", kListed, std::string(100000, '[') + std::string(100000, ']'), "no JSON list");
  refused("<U2", "null", std::string(15, '\0'), "15 bytes come out where 2 texts have 16");
  refused("<U1", "null", number('a') + number(0x110000), "text 2 of 2 has a character of number 1114112");
  refused(">U1", "null", number('a') + number(0xd800), "which there is not");
}

TEST_F(TextArrays, PythonObjectsAreSaidToBeSome) {
  for (const char* chunk : {R"(["a", 7, "|O", [2]])", R"([{"a": 1}, {"b": [2]}, "|O", [2]])", R"([["a", {}], "|O", [2]])"}) {
    refused("|O", kListed, chunk, "its elements are Python objects (dtype '|O' by 'json2')", "t.zarr: its elements");
  }
  fill_ = R"({"a": 1})";
  refused("|O", kListed, R"([{"a": 1}, {"b": [2]}, "|O", [2]])", "its elements are Python objects", "t.zarr: its elements");
}

TEST_F(TextArrays, OthersAreReadBesideDamagedOnes) {
  std::filesystem::create_directories(folder_ / "g/t");
  put(folder_ / "g/.zgroup", R"({"zarr_format": 2})");
  put(folder_ / "g/t/.zarray", kV2);
  open("|O", kVarying, number(2) + number(1) + "a");
  std::filesystem::rename(folder_ / "t.zarr", folder_ / "g/labels");
  const Contents contents = open_file(folder_ / "g");
  EXPECT_EQ(select_variable(contents, "t").source->spec().shape, Shape({4, 6}));
  const Error error = error_of([&] { select_variable(contents, "labels"); });
  EXPECT_SAYS(error, "g/labels/0: it ends before text 2 of 2");
}

TEST_F(TextArrays, SmallChunksOfMuchAreLeftUnread) {
  compressor_ = R"({"id": "zstd", "level": 3})";
  const std::size_t most = std::size_t{16} << 20;
  // All of them may have 16 MiB: what one chunk may is told as they are read.
  const std::string half = pressed(number(1) + number(most / 2) + std::string(most / 2, 'a'));
  EXPECT_LT(half.size(), 4096U);
  open("|O", kVarying, half, "[3]", "[1]");
  put(folder_ / "t.zarr/2", pressed(number(1) + number(1) + "b"));
  EXPECT_EQ(open_file(folder_ / "t.zarr").variables[0].texts->values, (std::vector<std::string>{std::string(most / 2, 'a'), "", "b"}));
  for (const char* another : {"t.zarr/1", "t.zarr/2"}) put(folder_ / another, half);
  const char* const why = "more than the 16 MiB that Freestone carries along";
  const auto unread = [&](const Contents& contents) {
    EXPECT_EQ(contents.variables[0].texts, nullptr);
    EXPECT_NE(contents.variables[0].note.find(why), std::string::npos) << contents.variables[0].note;
  };
  unread(open_file(folder_ / "t.zarr"));
  unread(open("|O", kVarying, pressed(number(1) + number(100 << 20) + std::string(100 << 20, 'a')), "[1]", "[1]"));
  unread(open("|O", kListed, pressed("[\"" + std::string(100 << 20, 'a') + R"(", "|O", [1]])"), "[1]", "[1]"));
  // One text 65536 times.
  fill_ = '"' + std::string(1000, 'a') + '"';
  unread(open("|O", kVarying, "", "[65536]", "[65536]"));
}

TEST_F(TextArrays, WhatTheOthersLeaveNoRoomForSaysSo) {
  std::filesystem::create_directories(folder_ / "g");
  put(folder_ / "g/.zgroup", R"({"zarr_format": 2})");
  compressor_ = R"({"id": "zstd", "level": 3})";
  const std::size_t bytes = std::size_t{15} << 20;
  for (int k = 0; k < 4; ++k) {
    open("|O", kVarying, pressed(number(1) + number(bytes) + std::string(bytes, 'a')), "[1]", "[1]");
    std::filesystem::rename(folder_ / "t.zarr", folder_ / fmt::format("g/a{}", k));
  }
  open("|O", kVarying, pressed(number(1) + number(bytes) + std::string(bytes, 'a')), "[1]", "[1]");
  std::filesystem::rename(folder_ / "t.zarr", folder_ / "g/varying");
  open("<U65536", "null", pressed(std::string(std::size_t{4} * 65536 * 60, '\0')), "[60]", "[60]");
  std::filesystem::rename(folder_ / "t.zarr", folder_ / "g/fixed");
  for (const Variable& variable : open_file(folder_ / "g").variables) {
    EXPECT_EQ(variable.texts != nullptr, variable.name.starts_with("a")) << variable.name << ": " << variable.note;
    if (variable.texts != nullptr) continue;
    const char* const why = variable.name == "fixed" ? "with its texts those of all arrays would be more than the 64 MiB that Freestone carries along"
                                                      : "16 MiB of one array, or 64 MiB of all, that Freestone carries along";
    EXPECT_NE(variable.note.find(why), std::string::npos) << variable.note;
  }
}

TEST_F(TextArrays, AFillOfBytesIsUtf8AsTheyAre) {
  fill_ = R"("//5h")";  // ff fe 61
  open("|S3", "null", "abcdefghi", "[6]", "[3]");
  EXPECT_EQ(open_file(folder_ / "t.zarr").variables[0].texts->values, (std::vector<std::string>{"abc", "def", "ghi", "\xc3\xbf\xc3\xbe" "a", "\xc3\xbf\xc3\xbe" "a", "\xc3\xbf\xc3\xbe" "a"}));
}

TEST_F(TextArrays, HugeOnesAreLeftUnread) {
  for (const auto& [shape, chunks] : {std::pair("[1000000000000]", "[1000000000000]"), std::pair("[2]", "[100000000]"), std::pair("[100000]", "[1]")}) {
    const Contents contents = open("|O", kVarying, number(0xffffffff), shape, chunks);
    EXPECT_EQ(contents.variables[0].texts, nullptr);
    EXPECT_NE(contents.variables[0].note.find("more than Freestone carries along"), std::string::npos);
  }
  EXPECT_EQ(open("<U500000000", "null", "").variables[0].texts, nullptr);
  for (const char* dtype : {"<U", "<U-1", "|S3000000000", "<U99999999999999999999", "|S1x"}) {
    const Error error = error_of([&] { open(dtype, "null", ""); });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << dtype;
    EXPECT_SAYS(error, "texts have a length");
  }
}

TEST(Zarr, AFolderThatIsNoNodeIsSaidToBeNone) {
  const Folder folder;
  const Error error = error_of([&] { open_file(folder.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "no Zarr array or group");
  put(folder / "a.zarr", "PK");
  EXPECT_SAYS(error_of([&] { open_file(folder / "a.zarr"); }), "folder");
}

TEST(ZarrWrite, AnAxisHasOneLengthInAGroup) {
  const Folder folder;
  const auto sinks_of = [&](const std::vector<std::pair<Shape, std::vector<std::string>>>& arrays) {
    DatasetRequest request{.path = folder / "g.zarr"};
    for (const auto& [shape, dims] : arrays) {
      request.variables.push_back({.name = fmt::format("v{}", request.variables.size()), .spec = {shape, DType::kFloat32}, .dims = dims});
    }
    return formats::create_sinks(request).size();
  };
  EXPECT_SAYS(error_of([&] { sinks_of({{{3}, {"x"}}, {{5}, {"x"}}}); }), "'v1' has 5 elements along 'x', others have 3");
  EXPECT_EQ(sinks_of({{{3}, {"x"}}, {{3, 4}, {"x", "y"}}}), 2U);
  EXPECT_EQ(sinks_of({{{3, 4}, {"", "y"}}, {{5, 4}, {"", "y"}}}), 2U);  // without a name they are not one
  EXPECT_SAYS(error_of([&] { sinks_of({{{3}, {"x", "y"}}}); }), "1 axes and 2 names");
}

TEST(ZarrWrite, ChoosesChunksThatFitTheArray) {
  const auto unit = [](const Spec& spec, WriteRequest request) {
    request.path = "x.zarr";
    return formats::create_sink(spec, request)->caps().unit;
  };
  EXPECT_EQ(unit({{1000, 1000, 1000}, DType::kFloat32}, {.nominal_chunks = {10, 500, 500}}), Shape({10, 500, 500}));
  EXPECT_EQ(unit({{1000, 1000, 1000}, DType::kFloat32}, {.packing = {.chunks = {1000, 100, 100}}}), Shape({1000, 100, 100}));
  const Shape balanced = unit({{1000, 1000, 1000}, DType::kFloat32}, {});
  EXPECT_LE(element_count(balanced), 1 << 20);
  EXPECT_GE(element_count(balanced), 1 << 18);
  EXPECT_EQ(unit({{1000, 1000}, DType::kFloat32}, {.nominal_chunks = {1, 100}}), Shape({512, 1000}));
  EXPECT_EQ(unit({{100, 100}, DType::kFloat32}, {.packing = {.chunks = {10, 10}, .shards = {50, 100}}}), Shape({50, 100}));
  EXPECT_EQ(unit({{0, 5}, DType::kFloat32}, {}), Shape({1, 5}));
  for (const Packing& wrong :
       {Packing{.chunks = {10}}, Packing{.chunks = {0, 1}}, Packing{.chunks = {3, 3}, .shards = {10, 9}}, Packing{.compressor = "zst"},
        Packing{.compressor = "zstd", .level = 99}, Packing{.shards = {50, 50}, .version = 2}, Packing{.version = 4},
        Packing{.compressor = "none", .level = 3}}) {
    EXPECT_EQ(error_of([&] { unit({{100, 100}, DType::kFloat32}, {.packing = wrong}); }).kind(), ErrorKind::kUser);
  }
  EXPECT_SAYS(error_of([] {
                formats::create_sink({{4}, DType::kFloat32}, {.path = "x.npy", .packing = {.compressor = "zstd"}});
              }),
              "zarr and netcdf4 do");
}

}  // namespace
}  // namespace freestone::formats::zarr
