// References damaged in every way; what they say is read in tests/cli/test_kerchunk.py.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::put;

const std::string kReferences = R"({"version": 1, "templates": {"u": "raw"}, "refs": {".zgroup": "{\"zarr_format\": 2}", ".zattrs": {"title": "x"},
"a/.zarray": "{\"zarr_format\": 2, \"shape\": [6], \"chunks\": [4], \"dtype\": \"<i2\", \"order\": \"C\", \"compressor\": null, \"filters\": null, \"fill_value\": 7}",
"a/.zattrs": "{\"_ARRAY_DIMENSIONS\": [\"x\"]}", "a/0": ["{{u}}.bin", 2, 8], "a/1": "base64:AQACAAMABAA=",
"b/.zarray": {"zarr_format": 2, "shape": [1125899906842624], "chunks": [1], "dtype": "|u1", "order": "C", "compressor": null, "filters": null,
"fill_value": 9}, "b/5": ["raw.bin"], "b/1125899906842623": "x", "b/1125899906842624": "y", "b/x": "z"}})";

template <class T>
std::vector<T> elements(const Source& source, const Box& box) {
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  std::vector<T> out(static_cast<std::size_t>(box.count()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(reinterpret_cast<std::byte*>(out.data()), source.spec().dtype, box.shape), Cancel());
  return out;
}

TEST(Kerchunk, FindsChunksInFilesInTheListAndNowhere) {
  const Folder folder;
  put(folder / "r.json", kReferences);
  put(folder / "raw.bin", std::string("xx\1\0\2\0\3\0\4\0", 10));
  const Contents contents = open_file(folder / "r.json");
  ASSERT_EQ(contents.variables.size(), 2u);
  EXPECT_EQ(elements<std::int16_t>(*contents.variables[0].source, Box({6})), (std::vector<std::int16_t>{1, 2, 3, 4, 1, 2}));
  const Source& long_one = *contents.variables[1].source;
  EXPECT_EQ(elements<std::uint8_t>(long_one, Box({(Index{1} << 50) - 2}, {2})), (std::vector<std::uint8_t>{9, 'x'}));
  // A whole file of another size than the chunk.
  EXPECT_EQ(error_of([&] { elements<std::uint8_t>(long_one, Box({4}, {3})); }).kind(), ErrorKind::kData);
}

TEST(Kerchunk, AnyMutationIsReadOrRefusedClearly) {
  const Folder folder;
  put(folder / "raw.bin", std::string("xx\1\0\2\0\3\0\4\0", 10));
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 5000;
  std::mt19937_64 random(20240610);
  long opened = 0;
  for (long i = 0; i < rounds; ++i) {
    std::string text = kReferences;
    for (std::size_t times = 1 + random() % 3; times > 0 && !text.empty(); --times) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text[at] = "0123456789-.eE[]{}:,\"\\"[random() % 22]; break;
        case 2: text.erase(at, random() % 12); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 30)); break;
      }
    }
    if (i % 10 == 0) text.resize(random() % text.size());
    // A file cut and written anew goes to the disk on some file systems; a fresh one does not.
    std::filesystem::remove(folder / "r.json");
    put(folder / "r.json", text);
    try {
      const Contents contents = open_file(folder / "r.json");
      ++opened;
      for (const Variable& variable : contents.variables) {
        EXPECT_TRUE(variable.source || !variable.note.empty());
        if (!variable.source || element_count(variable.source->spec().shape) < 1) continue;
        Box box(variable.source->spec().shape);
        for (Index& extent : box.shape) extent = std::min<Index>(extent, 6);
        if (variable.source->encoded_bytes(box) > Index{1} << 24) continue;
        std::vector<std::byte> encoded(static_cast<std::size_t>(variable.source->encoded_bytes(box)));
        variable.source->fetch(box, encoded, Cancel());
      }
    } catch (const Error& error) {
      // io: a mutated path.
      EXPECT_TRUE(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser || error.kind() == ErrorKind::kIo) << error.what();
    }
  }
  EXPECT_GT(opened, rounds / 20);
}

}  // namespace
}  // namespace freestone::formats
