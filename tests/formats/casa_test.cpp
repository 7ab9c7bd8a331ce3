// Images of CASA: what only this format has. That casacore reads the same is tests/cli/test_casa.py; what every format does, conformance_test.cpp.
#include "freestone/formats/casa.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <random>

#include "freestone/formats/casa_coordinates.h"
#include "freestone/formats/casa_table.h"
#include "freestone/formats/fits_card.h"
#include "freestone/storage/chunked_source.h"
#include "storage/temporary_folder.h"

int look_at_casa(const unsigned char* data, std::size_t size);

namespace freestone::formats::casa {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string cards_of(const std::vector<Attribute>& attributes) {
  std::string out;
  for (const Attribute& attribute : attributes) out += fits::format_cards(attribute);
  return out;
}

std::vector<Attribute> sky_and_spectrum(const std::string& type, const std::string& unit, double value, double step) {
  return {{"CTYPE1", std::string("GLON-CAR")}, {"CRVAL1", 30.0}, {"CDELT1", -0.5},  {"CRPIX1", 3.5},  {"CUNIT1", std::string("deg")},
          {"CTYPE2", std::string("GLAT-CAR")}, {"CRVAL2", 0.0},  {"CDELT2", 0.5},   {"CRPIX2", 2.0},  {"CUNIT2", std::string("deg")},
          {"PC1_2", 0.25},                     {"CTYPE3", type}, {"CRVAL3", value}, {"CDELT3", step}, {"CRPIX3", 2.0},
          {"CUNIT3", unit},                    {"RESTFRQ", 1.152712e11}, {"SPECSYS", std::string("LSRK")}};
}

void write(const std::string& path, const std::vector<float>& values, const Shape& shape, WriteRequest request = {}) {
  request.path = path;
  request.overwrite = true;
  const auto sink = formats::create_sink({shape, DType::kFloat32}, request);
  sink->create();
  std::vector<std::byte> memory(static_cast<std::size_t>(sink->scratch_bytes(Box(shape))));
  Scratch scratch(memory);
  std::vector<float> copy = values;
  sink->write(Box(shape), View::contiguous(reinterpret_cast<std::byte*>(copy.data()), DType::kFloat32, shape), scratch, Cancel());
  sink->finish();
}

template <class T>
std::vector<T> read(const Source& source) {
  const Box box(source.spec().shape);
  std::vector<std::byte> encoded(static_cast<std::size_t>(source.encoded_bytes(box)));
  std::vector<T> out(static_cast<std::size_t>(box.count()));
  source.fetch(box, encoded, Cancel());
  source.decode(box, encoded, View::contiguous(reinterpret_cast<std::byte*>(out.data()), source.spec().dtype, box.shape), Cancel());
  return out;
}

const Attribute* find(const Variable& variable, const std::string& key) {
  for (const Attribute& attribute : variable.attributes)
    if (attribute.key == key) return &attribute;
  return nullptr;
}
double number(const Variable& variable, const std::string& key) {
  const Attribute* attribute = find(variable, key);
  if (attribute == nullptr) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* v = std::get_if<std::int64_t>(&attribute->value)) return static_cast<double>(*v);
  const auto* v = std::get_if<double>(&attribute->value);
  return v == nullptr ? std::numeric_limits<double>::quiet_NaN() : *v;
}

TEST(CasaImage, HasAMaskWhereSomethingIsMissingAndNoneWhereNothingIs) {
  const Folder folder;
  const Shape shape{3, 5, 7};
  std::mt19937 random(7);
  std::vector<float> values(105);
  for (float& v : values) v = random() % 4 == 0 ? kNan : static_cast<float>(random() % 100);
  WriteRequest request;
  request.packing.chunks = {2, 3, 5};
  write(folder / "a.image", values, shape, request);
  const Contents with = open(folder / "a.image");
  ASSERT_EQ(with.variables.size(), 2u);
  EXPECT_EQ(with.variables[0].mask, "mask0");
  EXPECT_EQ(with.variables[1].source->spec(), (Spec{shape, DType::kBool}));
  const auto good = read<std::uint8_t>(*with.variables[1].source);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(good[i] != 0, !std::isnan(values[i])) << i;
  EXPECT_EQ(select_variable(with, "mask0").source, with.variables[1].source);

  for (float& v : values) v = std::isnan(v) ? 0 : v;
  write(folder / "a.image", values, shape, request);
  EXPECT_EQ(open(folder / "a.image").variables.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.image/mask0"));
}

TEST(CasaImage, TakesUpAKilledRun) {
  const Folder folder;
  const Shape shape{4, 8};
  std::vector<float> values(32, 1.5f);
  values[20] = kNan;
  WriteRequest request{.path = folder / "k.image"};
  request.packing.chunks = {2, 8};
  std::vector<std::byte> memory(1 << 20);
  const auto write_rows = [&](Sink& sink, Index first) {
    Box box(shape);
    box.start[0] = first;
    box.shape[0] = 2;
    Scratch scratch(memory);
    sink.write(box, View::contiguous(reinterpret_cast<std::byte*>(values.data() + first * 8), DType::kFloat32, box.shape), scratch, Cancel());
  };
  std::filesystem::path left;
  {
    const auto sink = formats::create_sink({shape, DType::kFloat32}, request);
    sink->create();
    write_rows(*sink, 2);
    // As a kill leaves it: aborting removes what is named so.
    left = folder / "left";
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      if (entry.path().filename().string().ends_with("-tmp")) std::filesystem::rename(entry.path(), left);
  }
  std::filesystem::rename(left, folder / ".k.image.freestone-tmp");
  const auto sink = formats::create_sink({shape, DType::kFloat32}, request);
  sink->resume();
  write_rows(*sink, 0);
  sink->finish();
  const Contents contents = open(folder / "k.image");
  const auto back = read<float>(*contents.variables[0].source);
  EXPECT_EQ(std::memcmp(back.data(), values.data(), sizeof(float) * values.size()), 0);
  // The missing element was written before the kill.
  EXPECT_EQ(contents.variables[0].mask, "mask0");
}

TEST(CasaImage, RefusesWhatCasaDoesNotHold) {
  const Folder folder;
  EXPECT_SAYS(error_of([&] { formats::create_sink({{3}, DType::kInt16}, {.path = folder / "a.image"}); }), "--dtype float32");
  EXPECT_SAYS(error_of([&] { formats::create_sink({{}, DType::kFloat32}, {.path = folder / "a.image"}); }), "axes");
  WriteRequest request{.path = folder / "a.image"};
  request.packing.compressor = "zstd";
  EXPECT_SAYS(error_of([&] { formats::create_sink({{3}, DType::kFloat32}, request); }), "no compression");
}

TEST(CasaImage, NeighbouringTilesAreOneNominalChunk) {
  const Folder folder;
  WriteRequest request;
  request.packing.chunks = {1, 8, 8};
  write(folder / "t.image", std::vector<float>(40 * 64 * 64, 1), {40, 64, 64}, request);
  const Contents contents = open(folder / "t.image");
  const Source& source = *contents.variables[0].source;
  EXPECT_EQ(source.chunks().chunk(), (Shape{64, 64, 64}));
  EXPECT_EQ(dynamic_cast<const ChunkedSource&>(source).layout().grid.chunk(), (Shape{1, 8, 8}));
}

TEST(CasaCoordinates, CardsComeBackAsTheyWere) {
  const Folder folder;
  struct Case {
    const char *type, *unit;
    double value, step, factor;  ///< of the unit, to what is written
  };
  for (const Case& c : {Case{"FREQ", "GHz", 115.2, -1e-3, 1e9}, Case{"VRAD", "km/s", 12.5, 0.25, 1e3}, Case{"VOPT", "m/s", 2e5, 1e3, 1},
                        Case{"WAVE", "um", 0.65, 1e-4, 1e-6}, Case{"AWAV", "Angstrom", 7000, 1.25, 1e-10}}) {
    WriteRequest request;
    auto attributes = sky_and_spectrum(c.type, c.unit, c.value, c.step);
    attributes.push_back({"BUNIT", std::string("Jy/beam")});
    attributes.push_back({"BMAJ", 0.01});
    attributes.push_back({"BMIN", 0.005});
    attributes.push_back({"BPA", 30.0});
    attributes.push_back({"OBJECT", std::string("M 31")});
    attributes.push_back({"TELESCOP", std::string("ALMA")});
    attributes.push_back({"DATE-OBS", std::string("2014-03-02T01:02:03.500")});
    attributes.push_back({"MYKEY", 3.5});
    attributes.push_back({"MYFLAG", true});
    attributes.push_back({"ESO DET CHIP", std::int64_t{4}});
    request.header_cards = cards_of(attributes);
    write(folder / "c.image", std::vector<float>(6 * 5 * 4, 1), {6, 5, 4}, request);
    const Variable image = open(folder / "c.image").variables[0];
    for (const char* key : {"CRVAL1", "CDELT1", "CRPIX1", "CRVAL2", "CDELT2", "CRPIX2", "PC1_2", "RESTFRQ", "BMAJ", "BMIN", "BPA", "MYKEY"}) {
      const auto given = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.key == key; });
      const double expected = std::get<double>(given->value);
      EXPECT_NEAR(number(image, key), expected, 1e-12 * std::abs(expected)) << key;
    }
    for (const char* key : {"CTYPE1", "CTYPE2", "CTYPE3", "SPECSYS", "BUNIT", "OBJECT", "TELESCOP", "DATE-OBS", "MYFLAG", "ESO DET CHIP"}) {
      const auto given = std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.key == key; });
      ASSERT_NE(find(image, key), nullptr) << key;
      EXPECT_EQ(find(image, key)->value, given->value) << key;
    }
    // The reference pixel may be another: at both ends the values are the same.
    for (const double pixel : {1.0, 6.0}) {
      const double expected = (c.value + (pixel - 2) * c.step) * c.factor;
      const double here = number(image, "CRVAL3") + (pixel - number(image, "CRPIX3")) * number(image, "CDELT3");
      EXPECT_NEAR(here, expected, std::abs(c.step * c.factor) * 1e-6) << c.type << " at " << pixel;
    }
  }
}

TEST(CasaCoordinates, BeamsOfPlanesAreATable) {
  const Folder folder;
  WriteRequest request;
  request.header_cards = cards_of(sky_and_spectrum("FREQ", "Hz", 1e11, 1e6));
  Table beams{.name = "BEAMS", .rows = 3};
  beams.columns = {{.name = "BMAJ", .unit = "arcsec", .numbers = {3, 4, 5}}, {.name = "BMIN", .unit = "arcsec", .numbers = {1, 2, 3}},
                   {.name = "BPA", .unit = "deg", .numbers = {10, 20, 30}},  {.name = "CHAN", .numbers = {2, 1, 0}}};
  request.tables = {beams};
  write(folder / "b.image", std::vector<float>(3 * 2 * 2, 1), {3, 2, 2}, request);
  const Contents contents = open(folder / "b.image");
  ASSERT_EQ(contents.tables.size(), 1u);
  const Table& back = contents.tables[0];
  EXPECT_EQ(back.rows, 3);
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_NEAR(back.columns[0].numbers[r], (5.0 - static_cast<double>(r)) / 3600, 1e-15);
    EXPECT_NEAR(back.columns[2].numbers[r], 30 - 10 * static_cast<double>(r), 1e-12);
    EXPECT_EQ(back.columns[3].numbers[r], static_cast<double>(r));
  }
}

TEST(CasaTable, SaysWhatIsWrong) {
  const Folder folder;
  const std::string path = folder / "d.image";
  write(path, std::vector<float>(64 * 64, 1), {64, 64});
  const std::string table = get(path + "/table.dat"), header = get(path + "/table.f0");

  std::filesystem::resize_file(path + "/table.f0_TSM0", 100);
  Error error = error_of([&] { open(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_SAYS(error, "table.f0_TSM0");
  std::filesystem::remove(path + "/table.f0_TSM0");
  EXPECT_EQ(error_of([&] { open(path); }).kind(), ErrorKind::kIo);

  write(path, std::vector<float>(64 * 64, 1), {64, 64});
  put(path + "/table.f0", header.substr(0, header.size() / 2));
  error = error_of([&] { open(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_SAYS(error, "table.f0");

  put(path + "/table.f0", header);
  put(path + "/table.info", "Type = Measurement Set\nSubType = \n");
  error = error_of([&] { open(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "Measurement Set");
}

TEST(CasaTable, AMaskThatLiesElsewhereIsNotRead) {
  const Folder folder;
  const std::string path = folder / "m.image";
  write(path, {kNan, 1}, {2});
  std::string table = get(path + "/table.dat");
  const std::size_t at = table.find("././mask0");
  ASSERT_NE(at, std::string::npos);
  table.replace(at, 9, "/../mask0");
  put(path + "/table.dat", table);
  const Error error = error_of([&] { open(path); });
  EXPECT_EQ(error.kind(), ErrorKind::kUser);
  EXPECT_SAYS(error, "does not lie in the image");
}

TEST(CasaFuzz, ANumberOfATypeThatIsFarBelowAllTypesIsRefused) {
  // Found by scripts/fuzz: the type -2147483644 of a field, from which the number of arrays was taken.
  const std::string_view hex =
      "0179bebebebe00000175000000055461626c650000000200000001000000010000000a506c61696e5461626c6500000135000000095461626c654465"
      "736300000002000000000000000000000000000000350000000b5461626c655265636f7264000000010000001a0000000a5265636f72644465736300"
      "0000020000000000000001000000350000000b5461626c655265636f7264000000010000001a0000000a5265636f7264446573630000000200000000"
      "000000010004000100000001000000185363616c6172436f6c756d6e44657363666c6f617420202000000001000000036d6170000000000000000000"
      "00000080000004000000000000000000000000000000350000000b5461626c655265636f7264000000090000001a0000000a5265636f726444657363"
      "0000000200000000000000210000fe0000000100000000000000000002036d0000000000000000000000000000000000000000000000000000000000"
      "000000000000000500000021000000000001000000010000000a506c6100";
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes.push_back(static_cast<unsigned char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  EXPECT_EQ(look_at_casa(bytes.data(), bytes.size()), 0);
}

TEST(CasaFuzz, AnyMutationIsReadOrRefusedClearly) {
  const char* asked = std::getenv("FREESTONE_FUZZ_ROUNDS");
  const long rounds = asked != nullptr ? std::atol(asked) : 4000;
  const Folder folder;
  WriteRequest request;
  request.header_cards = cards_of(sky_and_spectrum("VOPT", "km/s", 100, 1)) + cards_of({{"BMAJ", 0.1}, {"MYKEY", std::string("text")}});
  std::vector<float> values(6 * 5 * 4, kNan);
  write(folder / "f.image", values, {6, 5, 4}, request);
  std::vector<std::string> seeds;
  for (const char* part : {"", "/mask0"}) {
    const std::string table = get(folder / "f.image" + part + "/table.dat"), header = get(folder / "f.image" + part + "/table.f0");
    const auto size = static_cast<unsigned>(table.size());
    seeds.push_back(std::string{static_cast<char>(size >> 8), static_cast<char>(size & 255)} + table + header);
    look_at_casa(reinterpret_cast<const unsigned char*>(seeds.back().data()), seeds.back().size());
  }
  std::mt19937_64 random(20261127);
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (long i = 0; i < rounds; ++i) {
    std::string bytes = seeds[pick(seeds.size())];
    for (std::size_t times = 1 + pick(5); times > 0; --times) {
      const std::size_t at = pick(bytes.size());
      switch (pick(5)) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = "\0\1\2\x19\x0c\x18\x7f\x80\xff"[pick(9)]; break;
        case 2: bytes.insert(at, bytes.substr(pick(bytes.size()), pick(300))); break;
        case 3: bytes.erase(at, pick(8)); break;
        default: std::memset(bytes.data() + at, pick(2) == 0 ? 0xff : 0, std::min<std::size_t>(4, bytes.size() - at)); break;
      }
      if (bytes.empty()) bytes = "x";
    }
    look_at_casa(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  }
}

}  // namespace
}  // namespace freestone::formats::casa
