// netCDF-3 byte by byte, damaged in every way, and files of several variables written in parallel.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>

#include "freestone/formats/format.h"
#include "freestone/formats/netcdf3_header.h"
#include "storage/temporary_folder.h"

int look_at_netcdf3(const unsigned char* data, std::size_t size);

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

/// Puts a file together as the specification has it.
class Bytes {
 public:
  explicit Bytes(int version) : text("CDF"), version_(version) { text += static_cast<char>(version); }
  Bytes& word(std::uint64_t value, int bytes = 4) {
    while (bytes-- > 0) text += static_cast<char>(value >> 8 * bytes);
    return *this;
  }
  Bytes& count(std::uint64_t value) { return word(value, version_ == 5 ? 8 : 4); }
  Bytes& offset(std::uint64_t value) { return word(value, version_ == 1 ? 4 : 8); }
  Bytes& name(const std::string& n) {
    count(n.size());
    text += n;
    while (text.size() % 4 != 0) text += '\0';
    return *this;
  }
  Bytes& list(std::uint32_t tag, std::uint64_t entries) { return word(tag).count(entries); }
  std::string text;

 private:
  int version_;
};

/// One attribute "title", dimensions t (records) and x of `x`, a fixed variable f(x) of int16 at `fixed`, record variables a(t) of int16 and
/// b(t, x) of float32 from `records_at` on.
std::string header(int version, std::uint64_t records, std::uint64_t x, std::uint64_t fixed, std::uint64_t records_at) {
  Bytes b(version);
  b.count(records).list(10, 2).name("t").count(0).name("x").count(x);
  b.list(12, 1).name("title").word(2).count(5).text += std::string("words\0\0\0", 8);
  b.list(11, 3);
  b.name("f").count(1).count(1).list(0, 0).word(3).count((x * 2 + 3) / 4 * 4).offset(fixed);
  b.name("a").count(1).count(0).list(12, 1).name("n").word(3).count(1).word(0xfffe0000).word(3).count(4).offset(records_at);
  b.name("b").count(2).count(0).count(1).list(0, 0).word(5).count(x * 4).offset(records_at + 4);
  return b.text;
}

std::string whole(int version, std::uint64_t records = 2) {
  const std::string without = header(version, records, 3, 0, 0);
  std::string text = header(version, records, 3, without.size(), without.size() + 8);
  const auto element = [&](int value, int bytes) { Bytes b(1); b.word(static_cast<std::uint64_t>(value), bytes); text += b.text.substr(4); };
  for (int i = 1; i <= 3; ++i) element(i, 2);
  element(0, 2);
  for (std::uint64_t t = 0; t < records; ++t) {
    element(static_cast<int>(10 + t), 2);
    element(0, 2);
    for (int i = 0; i < 3; ++i) element(0x3f800000, 4);
  }
  return text;
}

template <class T>
std::vector<T> all_of(const Source& source) {
  const Box box(source.spec().shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  std::vector<T> out(static_cast<std::size_t>(box.count()));
  if (box.empty()) return out;
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(reinterpret_cast<std::byte*>(out.data()), source.spec().dtype, box.shape), Cancel());
  return out;
}

TEST(Netcdf3, ReadsAFileMadeByHand) {
  const Folder folder;
  for (const int version : {1, 2, 5}) {
    put(folder / "x.nc", whole(version));
    const Contents contents = open_file(folder / "x.nc");
    EXPECT_EQ(contents.format, "netcdf3");
    ASSERT_EQ(contents.attributes.size(), 1u);
    EXPECT_EQ(contents.attributes[0], (Attribute{"title", std::string("words"), ""}));
    ASSERT_EQ(contents.variables.size(), 3u);
    EXPECT_EQ(all_of<std::int16_t>(*contents.variables[0].source), (std::vector<std::int16_t>{1, 2, 3}));
    EXPECT_EQ(all_of<std::int16_t>(*contents.variables[1].source), (std::vector<std::int16_t>{10, 11}));
    EXPECT_EQ(contents.variables[1].attributes, (std::vector<Attribute>{{"n", std::int64_t{-2}, "int16"}}));
    EXPECT_EQ(all_of<float>(*contents.variables[2].source), std::vector<float>(6, 1.0f));
    EXPECT_EQ(contents.variables[2].dims, (std::vector<std::string>{"t", "x"}));
  }
}

TEST(Netcdf3, RefusesAFileCutShortAtAnyLength) {
  const Folder folder;
  for (const int version : {1, 2, 5}) {
    const std::string all = whole(version);
    for (std::size_t keep = 0; keep < all.size(); ++keep) {
      put(folder / "x.nc3", all.substr(0, keep));
      const Error error = error_of([&] { open_file(folder / "x.nc3"); });
      EXPECT_EQ(error.kind(), ErrorKind::kData) << keep;
      EXPECT_SAYS(error, "x.nc3");
    }
  }
}

TEST(Netcdf3, RefusesNumbersThatCannotBe) {
  const auto refuses = [](const std::string& text, const char* says) {
    const Error error = error_of([&] { netcdf3::read_header(MemoryReader("x.nc", std::as_bytes(std::span(text)))); });
    EXPECT_EQ(error.kind(), ErrorKind::kData);
    EXPECT_SAYS(error, says);
    EXPECT_SAYS(error, "x.nc");
  };
  const std::string all = whole(1);
  const std::size_t head = header(1, 2, 3, 0, 0).size();
  const auto changed = [](int version, auto... arguments) { return header(version, static_cast<std::uint64_t>(arguments)...) + std::string(200, '\0'); };
  refuses(changed(1, 3'000'000'000, 3, head, head + 8), "records");
  refuses(changed(5, std::uint64_t{1} << 61, 3, 400, 408), "records");
  refuses(changed(5, std::uint64_t{1} << 63, 3, 400, 408), "the number of records");
  refuses(changed(1, 2, 0xffffffff, head, head), "variable 'f'");
  refuses(changed(5, 2, std::uint64_t{1} << 61, 400, 400), "2^62");
  refuses(changed(2, 2, 3, std::uint64_t{1} << 61, 400), "variable 'f'");
  refuses(changed(1, 2, 3, 8, head + 8), "inside the header");
  refuses(changed(1, 2, 0, head, head + 8), "second record dimension");
  refuses(Bytes(1).count(0).list(10, 0xffffffff).text, "do not fit");
  refuses(Bytes(1).count(0).list(10, 1).count(0xfffffff0).text + std::string(20, 'x'), "the name of a dimension");
  refuses(Bytes(1).count(0).list(10, 1).count(0).count(5).text + std::string(100, '\0'), "empty");
  refuses(Bytes(1).count(0).list(0, 3).text + std::string(100, '\0'), "tag");
  refuses(Bytes(1).count(0).list(0, 0).list(12, 1).name("a").word(7).count(0).text + std::string(100, '\0'), "type");
  refuses(Bytes(5).count(0).list(0, 0).list(12, 1).name("a").word(6).word(std::uint64_t{1} << 61, 8).text + std::string(100, '\0'), "values");
  refuses(Bytes(1).count(0).list(0, 0).list(0, 0).list(11, 1).name("v").count(1).count(0).text + std::string(100, '\0'), "dimension 0");
  refuses(Bytes(3).count(0).text + std::string(100, '\0'), "version 3");
  Bytes second(1);
  second.count(0).list(10, 2).name("t").count(0).name("x").count(2).list(0, 0).list(11, 1).name("v").count(2).count(1).count(0).list(0, 0).word(1).count(0).count(0);
  refuses(second.text, "only be the first");
}

TEST(Netcdf3, TellsLatin1FromUtf8) {
  Bytes b(1);
  b.count(0).list(0, 0).list(12, 2).name("a").word(2).count(3).text += std::string("\xb0""C\0\0", 4);
  b.name("b").word(2).count(3).text += std::string("\xc2\xb0""C\0", 4);
  b.list(0, 0);
  const auto found = netcdf3::read_header(MemoryReader("x", std::as_bytes(std::span(b.text))));
  for (const Attribute& attribute : found.attributes) EXPECT_EQ(attribute.value, AttributeValue("\xc2\xb0""C"));
}

TEST(Netcdf3, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 30000;
  std::mt19937_64 random(20240609);
  static const std::uint64_t kNumbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffc, 16, 17, 64};
  for (long i = 0; i < rounds; ++i) {
    std::string file = whole(i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 5, random() % 3);
    for (std::size_t times = 1 + random() % 4; times > 0 && file.size() > 8; --times) {
      const std::size_t at = random() % file.size();
      switch (random() % 4) {
        case 0: file[at] = static_cast<char>(random()); break;
        case 1: file.resize(at); break;
        case 2: file[at] = static_cast<char>(file[at] ^ (1 << random() % 8)); break;
        default: file.replace(at / 4 * 4, 4, Bytes(1).word(kNumbers[random() % std::size(kNumbers)]).text.substr(4)); break;
      }
    }
    look_at_netcdf3(reinterpret_cast<const unsigned char*>(file.data()), file.size());
  }
}

std::string version_of(const Sink& sink) {
  const std::string text = sink.description();
  return text.substr(text.find("CDF"), 4);
}

TEST(Netcdf3, TakesTheOldestVersionThatHoldsIt) {
  const auto version = [](Shape shape, DType dtype, std::vector<Attribute> attributes = {}) {
    return version_of(*create_sink({shape, dtype}, {.path = "x.nc3", .attributes = std::move(attributes)}));
  };
  EXPECT_EQ(version({100}, DType::kFloat32), "CDF\1");
  EXPECT_EQ(version({100}, DType::kBool), "CDF\1");
  EXPECT_EQ(version({600, 1000, 1000}, DType::kFloat32), "CDF\2");
  EXPECT_EQ(version({6000, 1000, 1000}, DType::kFloat32), "CDF\2");  // the last variable may be of any size
  EXPECT_EQ(version({Index{1} << 31}, DType::kInt8), "CDF\5");
  EXPECT_EQ(version({100}, DType::kUint8), "CDF\5");
  EXPECT_EQ(version({100}, DType::kInt64), "CDF\5");
  EXPECT_EQ(version({100}, DType::kInt16, {{"n", std::int64_t{1} << 40, ""}}), "CDF\1");
  EXPECT_EQ(version({100}, DType::kInt16, {{"n", (std::int64_t{1} << 60) + 1, ""}}), "CDF\5");
  DatasetRequest two{.path = "x.nc3"};
  two.variables = {{.name = "a", .spec = {{6000, 1000, 1000}, DType::kFloat32}, .dims = {"z", "y", "x"}}, {.name = "b", .spec = {{1000}, DType::kFloat32}, .dims = {"x"}}};
  EXPECT_EQ(version_of(*create_sinks(two)[0]), "CDF\5");
  std::swap(two.variables[0], two.variables[1]);
  EXPECT_EQ(version_of(*create_sinks(two)[0]), "CDF\2");
}

DatasetRequest weather(const std::string& path) {
  DatasetRequest request{.path = path, .attributes = {{"title", std::string("weather"), ""}}, .unlimited_dims = {"time"}};
  request.variables = {{.name = "tas", .spec = {{9, 4, 5}, DType::kFloat32}, .dims = {"time", "y", "x"}, .attributes = {{"_FillValue", 1e20, ""}}},
                       {.name = "time", .spec = {{9}, DType::kInt32}, .dims = {"time"}},
                       {.name = "flag", .spec = {{9, 5}, DType::kInt8}, .dims = {"time", "x"}},
                       {.name = "orog", .spec = {{4, 5}, DType::kInt16}, .dims = {"y", "x"}},
                       {.name = "crs", .spec = {{}, DType::kInt32}, .dims = {}}};
  return request;
}

/// Row by row of axis 0, each sink from a thread of its own; bytes count up.
void write_all(const DatasetRequest& request, const std::vector<std::shared_ptr<Sink>>& sinks) {
  std::vector<std::thread> threads;
  for (const auto& sink : sinks) sink->create();
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    threads.emplace_back([&, i] {
      const Spec& spec = request.variables[i].spec;
      std::vector<std::byte> data(static_cast<std::size_t>(spec.bytes()));
      for (std::size_t b = 0; b < data.size(); ++b) data[b] = static_cast<std::byte>(b * 7 + i);
      const View view = View::contiguous(data.data(), spec.dtype, spec.shape);
      const Index rows = spec.shape.rank() == 0 ? 1 : spec.shape[0];
      for (Index row = rows - 1; row >= 0; --row) {
        Box box(spec.shape);
        if (spec.shape.rank() > 0) box.start[0] = row, box.shape[0] = 1;
        std::vector<std::byte> memory(static_cast<std::size_t>(sinks[i]->scratch_bytes(box)));
        Scratch scratch(memory);
        sinks[i]->write(box, view.part(box), scratch, Cancel());
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Netcdf3, WritesSeveralVariablesIntoOneFile) {
  const Folder folder;
  for (const char* name : {"a.nc3", "b.nc3"}) {
    const DatasetRequest request = weather(folder / name);
    const auto sinks = create_sinks(request);
    EXPECT_EQ(folder.entries(), name[0] == 'a' ? 0u : 1u);
    EXPECT_EQ(sinks[0]->token(), "");
    EXPECT_EQ(sinks[0]->journal_path(), "");
    write_all(request, sinks);
    for (const auto& sink : sinks) {
      EXPECT_FALSE(std::filesystem::exists(folder / name));
      sink->finish();
    }
    const Contents contents = open_file(folder / name);
    ASSERT_EQ(contents.variables.size(), 5u);
    EXPECT_EQ(contents.attributes, request.attributes);
    EXPECT_EQ(contents.variables[0].attributes, (std::vector<Attribute>{{"_FillValue", static_cast<double>(1e20f), "float32"}}));
    for (std::size_t i = 0; i < 5; ++i) {
      const Variable& variable = contents.variables[i];
      EXPECT_EQ(variable.dims, request.variables[i].dims);
      ASSERT_EQ(variable.source->spec(), request.variables[i].spec);
      const Box box(variable.source->spec().shape);
      std::vector<std::byte> found(static_cast<std::size_t>(variable.source->encoded_bytes(box)));
      variable.source->fetch(box, found, Cancel());
      variable.source->decode(box, found, View::contiguous(found.data(), variable.source->spec().dtype, box.shape), Cancel());
      for (std::size_t b = 0; b < found.size(); ++b) ASSERT_EQ(found[b], static_cast<std::byte>(b * 7 + i)) << variable.name << " byte " << b;
    }
  }
  EXPECT_EQ(get(folder / "a.nc3"), get(folder / "b.nc3"));
  EXPECT_EQ(get(folder / "a.nc3").substr(0, 8), std::string("CDF\1\0\0\0\x09", 8));
}

TEST(Netcdf3, AbortOfOneIsTheEndOfAll) {
  const Folder folder;
  const DatasetRequest request = weather(folder / "a.nc3");
  const auto sinks = create_sinks(request);
  write_all(request, sinks);
  sinks[0]->finish();
  sinks[3]->abort();
  EXPECT_EQ(folder.entries(), 0u);
  EXPECT_EQ(error_of([&] { sinks[1]->finish(); }).kind(), ErrorKind::kInternal);
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Netcdf3, RefusesWhatItCannotHold) {
  const auto refuses = [](DatasetRequest request, const char* says) {
    const Error error = error_of([&] { create_sinks(request); });
    EXPECT_EQ(error.kind(), ErrorKind::kUser);
    EXPECT_SAYS(error, says);
  };
  DatasetRequest request = weather("x.nc3");
  request.unlimited_dims = {"x"};
  refuses(request, "can only be the first");
  request.unlimited_dims = {"time", "y"};
  refuses(request, "one such dimension");
  request = weather("x.nc3");
  request.variables[2].name = "group/flag";
  refuses(request, "group/flag");
  request.variables[2].name = "tas";
  refuses(request, "two variables");
  request.variables[2] = {.name = "z", .spec = {{5}, DType::kComplex64}, .dims = {"x"}};
  refuses(request, "complex64");
  request.variables[2] = {.name = "z", .spec = {{6}, DType::kFloat32}, .dims = {"x"}};
  refuses(request, "others have 5");
  request.variables.clear();
  refuses(request, "no variable");
}

TEST(Netcdf3, ReadsLongRecordVariablesWithoutATable) {
  // A million records of two variables.
  const Folder folder;
  constexpr std::uint64_t kRecords = 1'000'000;
  const std::string without = header(1, kRecords, 3, 0, 0);
  std::string file = header(1, kRecords, 3, without.size(), without.size() + 8) + std::string(8, '\0');
  const std::size_t first = file.size();
  file.resize(first + 16 * kRecords);
  for (std::size_t t = 0; t < kRecords; ++t) file[first + 16 * t] = static_cast<char>(t >> 8), file[first + 16 * t + 1] = static_cast<char>(t);
  put(folder / "x.nc", file);
  const Contents contents = open_file(folder / "x.nc");
  const auto a = all_of<std::int16_t>(*contents.variables[1].source);
  for (std::size_t t = 0; t < kRecords; ++t) ASSERT_EQ(a[t], static_cast<std::int16_t>(t));
  EXPECT_LT(contents.variables[1].source->cost(Box({static_cast<Index>(kRecords)})).requests, 2100);
}

}  // namespace
}  // namespace freestone::formats
