// TIFF files made by hand: what the standard allows, and what no honest writer makes. Those of other writers: tests/cli/test_geotiff.py.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "freestone/formats/format.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

struct Entry {
  int tag, type;
  std::uint64_t count;
  std::uint64_t value;  ///< or offset
};

/// Puts numbers together in either byte order, classic or BigTIFF.
struct Maker {
  bool big_endian = false, big = false;
  std::string number(std::uint64_t value, int width) const {
    std::string out;
    for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * (big_endian ? width - 1 - i : i)));
    return out;
  }
  std::string header(std::uint64_t first) const {
    const std::string start = (big_endian ? "MM" : "II") + number(big ? 43 : 42, 2);
    return big ? start + number(8, 2) + number(0, 2) + number(first, 8) : start + number(first, 4);
  }
  std::string directory(const std::vector<Entry>& entries, std::uint64_t next = 0) const {
    const int width = big ? 8 : 4;
    std::string out = number(entries.size(), big ? 8 : 2);
    for (const Entry& e : entries) {
      // A short stands at the start of its place.
      const int bytes = e.count == 1 && e.type == 3 ? 2 : e.count == 1 && e.type == 4 ? 4 : width;
      std::string value = number(e.value, bytes);
      value.resize(static_cast<std::size_t>(width), '\0');
      out += number(static_cast<std::uint64_t>(e.tag), 2) + number(static_cast<std::uint64_t>(e.type), 2) + number(e.count, width) + value;
    }
    return out + number(next, width);
  }
};

/// Bytes 0 to 11 as 3 rows of 4 behind the header, with `changed` entries in place of the usual ones, or in addition.
std::string small_file(const Maker& maker, const std::vector<Entry>& changed = {}, std::uint64_t next = 0) {
  const std::uint64_t data = maker.big ? 16 : 8;
  std::vector<Entry> entries = {{256, 3, 1, 4}, {257, 3, 1, 3},    {258, 3, 1, 8}, {259, 3, 1, 1}, {262, 3, 1, 1},
                                {273, 4, 1, data}, {277, 3, 1, 1}, {278, 3, 1, 3}, {279, 4, 1, 12}};
  for (const Entry& change : changed) {
    bool found = false;
    for (Entry& entry : entries) {
      if (entry.tag == change.tag) entry = change, found = true;
    }
    if (!found) entries.push_back(change);
  }
  std::string out = maker.header(data + 12);
  for (int i = 0; i < 12; ++i) out += static_cast<char>(i);
  return out + maker.directory(entries, next);
}

std::vector<int> read_all(const Source& source) {
  const Box box(source.spec().shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box))), out(static_cast<std::size_t>(source.spec().bytes()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(out.data(), source.spec().dtype, box.shape), Cancel());
  std::vector<int> values;
  for (const std::byte b : out) values.push_back(std::to_integer<int>(b));
  return values;
}

class Tiff : public testing::Test {
 protected:
  Contents open(const std::string& bytes) {
    put(folder_ / "a.tif", bytes);
    return open_file(folder_ / "a.tif");
  }
  Error refused(const std::string& bytes) {
    return error_of([&] {
      const Contents contents = open(bytes);
      read_all(*select_variable(contents, "").source);
    });
  }
  Folder folder_;
};

TEST_F(Tiff, ReadsBothByteOrdersAndBothSizes) {
  for (const bool big_endian : {false, true}) {
    for (const bool big : {false, true}) {
      const Contents contents = open(small_file({big_endian, big}));
      EXPECT_EQ(contents.format, "geotiff");
      const Variable& image = select_variable(contents, "");
      EXPECT_EQ(image.source->spec().shape, (Shape{3, 4}));
      EXPECT_EQ(image.dims, (std::vector<std::string>{"y", "x"}));
      EXPECT_EQ(read_all(*image.source), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    }
  }
}

TEST_F(Tiff, IsKnownByItsFirstBytes) {
  put(folder_ / "a.dat", small_file({true, true}));
  EXPECT_EQ(open_file(folder_ / "a.dat").format, "geotiff");
}

TEST_F(Tiff, ReadsWithoutWhatHasADefault) {
  // RowsPerStrip 2^32 - 1: all rows; no byte counts.
  const std::string file = small_file({}, {{278, 4, 1, 0xffffffff}, {279, 700, 1, 0}});
  EXPECT_EQ(read_all(*select_variable(open(file), "").source).back(), 11);
  // FillOrder 2.
  EXPECT_EQ(read_all(*select_variable(open(small_file({}, {{266, 3, 1, 2}})), "").source)[1], 128);
  // Strips of two rows, the second of them one row.
  const Maker maker;
  std::string cut = small_file(maker, {{278, 3, 1, 2}, {273, 3, 2, 8 | 16 << 16}, {279, 3, 2, 8 | 4 << 16}});
  EXPECT_EQ(read_all(*select_variable(open(cut), "").source).back(), 11);
  // The second was never written; nodata is 9.
  cut = small_file(maker, {{278, 3, 1, 2}, {273, 3, 2, 8}, {279, 3, 2, 8}, {42113, 2, 2, '9'}});
  EXPECT_EQ(read_all(*select_variable(open(cut), "").source), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 9, 9, 9, 9}));
}

TEST_F(Tiff, RefusesHostileFields) {
  const Maker maker;
  const std::uint64_t directory = 20;
  const std::pair<std::string, const char*> kCases[] = {
      {"II*\0", "are too few"},
      {"II\x2a" + std::string(1, '\0') + "\x04" + std::string(11, '\0'), "first directory"},
      {maker.header(1 << 30) + std::string(100, ' '), "at offset 1073741824"},
      {small_file(maker, {}, directory), "in a circle"},
      {small_file(maker, {}, 1 << 20), "offset 1048576"},
      {small_file(maker, {{330, 4, 1, directory}}), "in a circle"},
      {small_file(maker, {{256, 4, 1, 0}}), "ImageWidth (256) is 0"},
      {small_file(maker, {{256, 2, 1, 4}}), "ImageWidth (256) is no integer"},
      {small_file(maker, {{256, 4, 1, 0xffffffff}, {257, 4, 1, 0xffffffff}}), "larger than 2 GiB"},
      {small_file(maker, {{256, 4, 1, 1 << 30}, {257, 4, 1, 0xffffffff}, {278, 4, 1, 0xffffffff}}), "more than the file has"},
      {small_file(maker, {{258, 3, 1, 0}}), "BitsPerSample (258) is 0"},
      {small_file(maker, {{258, 3, 1, 200}}), "200 bits"},
      {small_file(maker, {{258, 3, 60000, 8}}), "BitsPerSample (258) has 60000 values"},
      {small_file(maker, {{259, 3, 1, 6}}), "JPEG of the old kind"},
      {small_file(maker, {{259, 3, 1, 777}}), "number 777"},
      {small_file(maker, {{259, 3, 1, 8}, {317, 3, 1, 9}}), "Predictor (317) is 9"},
      {small_file(maker, {{259, 3, 1, 8}, {317, 3, 1, 3}}), "predictor 3 of 8-bit uint8"},
      {small_file(maker, {{277, 3, 1, 0}}), "SamplesPerPixel (277) is 0"},
      {small_file(maker, {{339, 3, 1, 5}, {258, 3, 1, 16}}), "complex integers"},
      {small_file(maker, {{339, 3, 1, 77}}), "SampleFormat (339) is 77"},
      {small_file(maker, {{273, 4, 0, 8}}), "StripOffsets (273) has 0 values"},
      {small_file(maker, {{273, 4, 1, 1000}}), "ends at"},
      {small_file(maker, {{273, 16, 1, ~0u}}), "ends at"},
      {small_file(maker, {{279, 4, 1, 5}}), "strip 0 has 5 bytes"},
      {small_file(maker, {{278, 3, 1, 1}, {273, 4, 3, 1 << 30}}), "StripOffsets (273) has 3 values at offset 1073741824"},
      {small_file(maker, {{278, 3, 1, 1}, {273, 4, 0xffffffff, 8}}), "4294967295 values"},
      {small_file(maker, {{322, 4, 1, 1u << 31}, {323, 4, 1, 1u << 31}}), "larger than 2 GiB"},
      {small_file(maker, {{322, 4, 1, 16}}), "TileLength (323)"},
      {small_file(maker, {{322, 3, 1, 16}, {323, 3, 1, 16}, {256, 4, 1, 0x7fffffff}, {257, 4, 1, 0x7fffffff}}), "need 18014398509481984"},
      {small_file(maker, {{259, 3, 1, 5}}), "before TIFF 5.0"},
      {small_file(maker, {{259, 3, 1, 7}}), "libtiff cannot decode"},
      {small_file({false, true}, {{273, 16, 1, ~std::uint64_t{0}}}), "StripOffsets (273)"},
      {small_file({false, true}, {{273, 16, std::uint64_t{1} << 62, 8}}), "4611686018427387904 values"},
  };
  for (const auto& [file, says] : kCases) {
    const Error error = refused(file);
    EXPECT_TRUE(error.kind() == ErrorKind::kData || error.kind() == ErrorKind::kUser) << error.what();
    EXPECT_SAYS(error, says);
    EXPECT_SAYS(error, "a.tif");
  }
}

TEST_F(Tiff, DirectoriesThatShareTheirListsDoNotFillMemory) {
  // 20,000 directories of 64 KB each in a file of 2 MB: every one points at the same text.
  const Maker maker;
  std::string file = maker.header(8 + 65536);
  file += std::string(65536, 'x');
  const std::size_t bytes = maker.directory({{256, 3, 1, 1}, {257, 3, 1, 1}, {270, 2, 65536, 8}}).size();
  for (std::uint64_t i = 0; i < 20000; ++i) {
    file += maker.directory({{256, 3, 1, 1}, {257, 3, 1, 1}, {270, 2, 65536, 8}}, i == 19999 ? 0 : file.size() + bytes);
  }
  put(folder_ / "a.tif", file);
  const Error error = error_of([&] { open_file(folder_ / "a.tif"); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
}

TEST_F(Tiff, CutShortAnywhereItIsReadOrRefused) {
  for (const bool big : {false, true}) {
    const std::string whole = small_file({false, big});
    for (std::size_t keep = 0; keep + 8 < whole.size(); ++keep) {
      const Error error = refused(whole.substr(0, keep));
      EXPECT_EQ(error.kind(), ErrorKind::kData) << keep;
      EXPECT_SAYS(error, "a.tif");
    }
  }
}

TEST_F(Tiff, AnImageThatIsNotReadIsNotReplacedByItsOverview) {
  const Maker maker;
  const std::string first = small_file(maker, {{259, 3, 1, 6}});
  const std::string file = small_file(maker, {{259, 3, 1, 6}}, first.size()) +
                           maker.directory({{254, 4, 1, 1}, {256, 3, 1, 4}, {257, 3, 1, 1}, {258, 3, 1, 8}, {273, 4, 1, 8}, {279, 4, 1, 4}});
  const Contents contents = open(file);
  ASSERT_EQ(contents.variables.size(), 2u);
  EXPECT_EQ(contents.variables[1].name, "overview_1");
  EXPECT_EQ(read_all(*select_variable(contents, "overview_1").source), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_SAYS(error_of([&] { select_variable(contents, ""); }), "JPEG of the old kind");
}

TEST_F(Tiff, OneLongStripIsReadInPieces) {
  const Maker maker;
  std::string file = maker.header(8 + 4096 * 1024);
  for (std::size_t i = 0; i < 4096 * 1024; ++i) file += static_cast<char>(i / 1024 % 251);
  file += maker.directory({{256, 3, 1, 1024}, {257, 3, 1, 4096}, {258, 3, 1, 8}, {273, 4, 1, 8}, {279, 4, 1, 4096 * 1024}});
  const Contents contents = open(file);
  const Source& source = *select_variable(contents, "").source;
  EXPECT_EQ(source.chunks().chunk(), (Shape{1024, 1024}));
  EXPECT_EQ(read_all(source)[4095 * 1024], 4095 % 251);
}

TEST_F(Tiff, TwoHundredThousandTilesAreListedInWellUnderASecond) {
  const Maker maker{false, true};
  constexpr std::uint64_t kTiles = 500 * 400;
  std::string offsets, sizes;
  for (std::uint64_t i = 0; i < kTiles; ++i) {
    offsets += maker.number(16, 8);
    sizes += maker.number(256, 4);
  }
  std::string file = maker.header(16 + 256) + std::string(256, '\7');
  const std::uint64_t at = 16 + 256 + maker.directory(std::vector<Entry>(7)).size();
  file += maker.directory({{256, 3, 1, 400 * 16}, {257, 3, 1, 500 * 16}, {258, 3, 1, 8}, {322, 3, 1, 16}, {323, 3, 1, 16}, {324, 16, kTiles, at},
                           {325, 4, kTiles, at + offsets.size()}}) +
          offsets + sizes;
  put(folder_ / "a.tif", file);
  const auto begun = std::chrono::steady_clock::now();
  const Contents contents = open_file(folder_ / "a.tif");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900));
  EXPECT_EQ(select_variable(contents, "").source->chunks().count(), 200000);
}

TEST_F(Tiff, BigTiffIsWrittenWhereTheDataMayPass4GiB) {
  // 12.8 GB of which nothing is written: absent tiles are zeros.
  for (const auto& [shape, magic] : {std::pair{Shape{40000, 40000}, "II+"}, std::pair{Shape{400, 400}, "II*"}}) {
    const auto sink = create_sink({shape, DType::kFloat64}, {.path = folder_ / "b.tif", .overwrite = true});
    sink->create();
    sink->finish();
    EXPECT_EQ(get(folder_ / "b.tif").substr(0, 3), magic);
    EXPECT_EQ(select_variable(open_file(folder_ / "b.tif"), "").source->spec().shape, shape);
  }
}

}  // namespace
}  // namespace freestone::formats
