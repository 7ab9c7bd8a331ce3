// FITS headers, cards, tables, and what lies are refused.
#include "freestone/formats/fits.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstring>

#include "freestone/formats/fits_table.h"
#include "storage/temporary_folder.h"

namespace freestone::formats {
namespace {

using testing_files::error_of;
using testing_files::Folder;
using testing_files::get;
using testing_files::put;

std::string card(std::string text) {
  text.resize(80, ' ');
  return text;
}

/// A header of these cards, with END, padded; then `data` bytes, padded.
std::string hdu(const std::vector<std::string>& cards, std::size_t data = 0, bool with_end = true) {
  std::string out;
  for (const std::string& text : cards) out += card(text);
  if (with_end) out += card("END");
  out.resize((out.size() + 2879) / 2880 * 2880, ' ');
  return out + std::string((data + 2879) / 2880 * 2880, '\0');
}

std::vector<std::string> image_cards(int bitpix, const std::vector<std::string>& axes, const std::vector<std::string>& more = {}) {
  std::vector<std::string> out = {"SIMPLE  =                    T", fmt::format("BITPIX  = {:>20}", bitpix), fmt::format("NAXIS   = {:>20}", axes.size())};
  for (std::size_t k = 0; k < axes.size(); ++k) out.push_back(fmt::format("{:<8}= {:>20}", fmt::format("NAXIS{}", k + 1), axes[k]));
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

std::vector<fits::Hdu> parse(const std::string& file) { return fits::read_hdus(MemoryReader("cube.fits", std::as_bytes(std::span(file)))); }

Attribute parsed(const std::string& text) {
  const auto attributes = fits::parse_cards(card(text));
  EXPECT_EQ(attributes.size(), 1u);
  return attributes.at(0);
}

TEST(FitsCard, ReadsEveryKindOfValue) {
  EXPECT_EQ(std::get<std::int64_t>(parsed("A       =                  -12 / twelve").value), -12);
  EXPECT_EQ(parsed("A       =                  -12 / twelve").comment, "twelve");
  EXPECT_EQ(std::get<std::int64_t>(parsed("A       = +7").value), 7);
  EXPECT_EQ(std::get<std::uint64_t>(parsed("A       = 18446744073709551615").value), 18446744073709551615u);
  EXPECT_EQ(std::get<double>(parsed("A       = 18446744073709551616").value), 0x1p64);
  EXPECT_EQ(std::get<double>(parsed("A       = 1.5D+03").value), 1500.0);
  EXPECT_EQ(std::get<double>(parsed("A       = -.5").value), -0.5);
  EXPECT_EQ(std::get<double>(parsed("A       = 99999999999999999999").value), 1e20);
  EXPECT_EQ(std::get<double>(parsed("A       = 1E-9999").value), 0.0);
  EXPECT_EQ(std::get<std::string>(parsed("A       = 1E9999").value), "1E9999");
  EXPECT_EQ(std::get<std::string>(parsed("A       = nan").value), "nan");
  EXPECT_TRUE(std::get<bool>(parsed("A       =                    T / yes").value));
  EXPECT_EQ(std::get<std::string>(parsed("A       = 'it''s / here  '  / c").value), "it's / here");
  EXPECT_EQ(std::get<std::string>(parsed("A       = '  lead'").value), "  lead");
  EXPECT_EQ(std::get<std::string>(parsed("A       = 'never ends").value), "never ends");
  EXPECT_EQ(std::get<std::string>(parsed("A       = (1.0, 2.0)").value), "(1.0, 2.0)");
  EXPECT_EQ(std::get<std::string>(parsed("A       =").value), "");
  EXPECT_EQ(std::get<std::string>(parsed("HISTORY = not a value").value), "= not a value");
  EXPECT_EQ(parsed("HIERARCH ESO DET CHIP1 X = 4 / px").key, "ESO DET CHIP1 X");
  EXPECT_EQ(std::get<std::int64_t>(parsed("HIERARCH ESO DET CHIP1 X = 4 / px").value), 4);
}

TEST(FitsCard, JoinsContinuedStrings) {
  const auto attributes = fits::parse_cards(card("A       = 'one &'") + card("CONTINUE  'two&' / first") + card("CONTINUE  ' three' / second") + card("B       = 'and&'"));
  ASSERT_EQ(attributes.size(), 2u);
  EXPECT_EQ(std::get<std::string>(attributes[0].value), "one two three");
  EXPECT_EQ(attributes[0].comment, "first second");
  EXPECT_EQ(std::get<std::string>(attributes[1].value), "and&");
}

TEST(FitsCard, WhatIsWrittenReadsBackTheSame) {
  const std::vector<Attribute> attributes = {
      {"OBJECT", std::string("M 31"), "what"}, {"FLAG", true, ""}, {"N", std::int64_t{-9223372036854775807 - 1}, "smallest"}, {"X", 0.1, ""},
      {"Y", 1e300, ""}, {"Z", -1.0, "whole"}, {"TINY", 4.9e-324, ""}, {"QUOTES", std::string("''''a'b''"), ""},
      {"LONG", std::string(67, 'x') + "'" + std::string(300, 'y') + "'z", "long"}, {"EMPTY", std::string(), ""}, {"ESO A b", std::string("v"), "c"},
      {"EDGE", std::string(68, 'e'), ""}, {"EDGE69", std::string(69, 'e'), ""}, {"HISTORY", std::string("one line"), ""}, {"SLASH", std::string("a / b"), "c / d"}};
  for (const Attribute& attribute : attributes) {
    const std::string text = fits::format_cards(attribute);
    EXPECT_EQ(text.size() % 80, 0u);
    const auto back = fits::parse_cards(text);
    ASSERT_EQ(back.size(), 1u) << text;
    EXPECT_EQ(back[0].value, attribute.value) << text;
    EXPECT_EQ(back[0].comment, attribute.comment) << text;
    EXPECT_EQ(fits::sanitised_cards(text), text) << text;
  }
  EXPECT_EQ(fits::parse_cards(fits::format_cards({"ESO A b", 1.0, ""}))[0].key, "ESO A B");
}

TEST(FitsCard, SanitisedLeavesStructureOut) {
  const std::string kept = card("OBJECT  = 'it'") + card("COMMENT hello") + card("CRVAL1  = 1.0") + card("LONG    = 'a&'") + card("CONTINUE  'b'");
  const std::string dropped = card("SIMPLE  = T") + card("NAXIS7  = 4") + card("BSCALE  = 2.0") + card("BLANK   = -1") + card("DATAMAX = 1.0") + card("TTYPE12 = 'a'") +
                              card("XTENSION= 'IMAGE   &'") + card("CONTINUE  'x'") + card("CONTINUE  'stray'");
  EXPECT_EQ(fits::sanitised_cards(dropped + kept), kept);
  // What breaks the standard is written anew.
  EXPECT_EQ(fits::sanitised_cards(card("SKEW    = -1.0, -2.0 / two")), fits::format_cards({"SKEW", std::string("-1.0, -2.0"), "two"}));
  EXPECT_EQ(fits::sanitised_cards(card("lower   = 4")), fits::format_cards({"LOWER", std::int64_t{4}, ""}));
}

TEST(FitsRead, FindsEveryHduByNumberAndName) {
  const Folder folder;
  const auto image = [](const std::string& name, int version) {
    return hdu({"XTENSION= 'IMAGE   '", "BITPIX  =                  -32", "NAXIS   =                    2", "NAXIS1  =                    5",
                "NAXIS2  =                    3", "PCOUNT  =                    0", "GCOUNT  =                    1", "EXTNAME = '" + name + "'",
                fmt::format("EXTVER  = {:>20}", version)}, 60);
  };
  put(folder / "m.fits", hdu(image_cards(8, {})) + image("DATA", 1) + image("DATA", 2) + image("STAT", 1) +
                             hdu({"XTENSION= 'TABLE   '", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 0", "NAXIS2  = 0", "PCOUNT  = 0", "GCOUNT  = 1", "TFIELDS = 0"}) + "trailing bytes");
  const Contents contents = open_file(folder / "m.fits");
  ASSERT_EQ(contents.variables.size(), 5u);
  EXPECT_EQ(select_variable(contents, "").hdu, 1);
  EXPECT_EQ(select_variable(contents, "3").name, "STAT");
  EXPECT_EQ(select_variable(contents, "data").hdu, 1);
  EXPECT_EQ(select_variable(contents, "DATA,2").hdu, 2);
  EXPECT_EQ(select_variable(contents, "DATA, 2").hdu, 2);
  EXPECT_EQ(select_variable(contents, "STAT").source->spec(), (Spec{{3, 5}, DType::kFloat32}));
  EXPECT_SAYS(error_of([&] { select_variable(contents, "STATT"); }), "Did you mean 'STAT'");
  EXPECT_SAYS(error_of([&] { select_variable(contents, "9"); }), "no HDU 9");
  EXPECT_SAYS(error_of([&] { select_variable(contents, "0"); }), "no pixels");
  EXPECT_SAYS(error_of([&] { select_variable(contents, "PRIMARY"); }), "no pixels");
  EXPECT_SAYS(error_of([&] { select_variable(contents, "4"); }), "ASCII table");
}

TEST(FitsRead, RefusesAHeaderThatPromisesMoreThanTheFile) {
  const Error error = error_of([&] { parse(hdu(image_cards(-32, {"768", "768", "4000000000"}), 5760)); });
  EXPECT_EQ(error.kind(), ErrorKind::kData);
  EXPECT_STREQ(error.what(), "cube.fits: NAXIS3 = 4000000000 needs 9.4 PB, the file has 8.6 kB. The header is damaged, or the file was cut short.");
}

TEST(FitsRead, RefusesHostileHeaders) {
  const auto table = [](const std::string& form, const std::string& row = "8", const std::string& fields = "1") {
    return hdu(image_cards(8, {})) + hdu({"XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = " + row, "NAXIS2  = 4", "PCOUNT  = 0", "GCOUNT  = 1",
                                           "TFIELDS = " + fields, "TFORM1  = '" + form + "'"}, 32);
  };
  const std::pair<std::string, const char*> kCases[] = {
      {"", "empty"},
      {"SIMPLE", "not a FITS file"},
      {std::string(5000, 'x'), "not a FITS file"},
      {card("SIMPLE  = T"), "no END card"},
      {hdu(image_cards(8, {"3"}), 0, false), "no END card"},
      {hdu(image_cards(8, {"3"}), 0, false) + std::string(2880, '\0'), "bytes that are no text at offset 2880"},
      {hdu(image_cards(7, {"3"}), 3), "BITPIX = 7"},
      {hdu(image_cards(-16, {"3"}), 3), "BITPIX = -16"},
      {hdu(image_cards(8, {"-3"}), 3), "NAXIS1 = -3"},
      {hdu(image_cards(8, {"'abc'"}), 3), "NAXIS1 = 'abc'"},
      {hdu(image_cards(8, {"2.5"}), 3), "NAXIS1 = 2.5"},
      {hdu(image_cards(8, {"T"}), 3), "NAXIS1 = T"},
      {hdu(image_cards(8, {"5000"}), 3), "NAXIS1 = 5000"},
      {hdu(image_cards(-64, {"4294967296", "4294967296", "4294967296"}), 3), "NAXIS1 = 4294967296"},
      {hdu(image_cards(8, {"9223372036854775807", "0", "9223372036854775807"}), 3), "NAXIS1 = 9223372036854775807"},
      {hdu(image_cards(8, {"99999999999999999999"}), 3), "NAXIS1 = 1e+20"},
      {hdu({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 4"}), "NAXIS2 is missing"},
      {hdu({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 1000"}), "NAXIS = 1000"},
      {hdu({"SIMPLE  = T", "BITPIX  = 8", "NAXIS   = -1"}), "NAXIS = -1"},
      {hdu({"SIMPLE  = T", "BITPIX  = 8"}), "NAXIS is missing"},
      {hdu({"SIMPLE  = T", "NAXIS   = 0"}), "BITPIX is missing"},
      {hdu({"SIMPLE  = F", "BITPIX  = 8", "NAXIS   = 0"}), "SIMPLE is not T"},
      {hdu(image_cards(8, {})) + hdu({"XTENSION= 4", "BITPIX  = 8", "NAXIS   = 0"}), "XTENSION of HDU 1"},
      {hdu(image_cards(8, {})) + hdu({"XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = -8"}), "PCOUNT = -8"},
      {hdu(image_cards(8, {})) + hdu({"XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 9223372036854775807"}), "PCOUNT = 9223372036854775807"},
      {hdu(image_cards(8, {})) + hdu({"XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 4", "GCOUNT  = -1"}, 4), "GCOUNT = -1"},
      {table("999999999999999999999E"), "TFORM1"},
      {table("9Z"), "TFORM1"},
      {table("2D"), "need 16 bytes a row"},
      {table("1D", "8", "-4"), "TFIELDS"},
  };
  for (const auto& [file, says] : kCases) {
    const Error error = error_of([&, &file = file] {
      const MemoryReader reader("cube.fits", std::as_bytes(std::span(file)));
      for (const auto& hdu : fits::read_hdus(reader)) {
        if (hdu.kind == fits::HduKind::kBinaryTable) fits::read_table(reader, hdu);
      }
    });
    EXPECT_EQ(error.kind(), ErrorKind::kData) << says;
    EXPECT_SAYS(error, says);
    EXPECT_SAYS(error, "cube.fits");
  }
}

TEST(FitsRead, AHeaderWithoutEndIsNotReadForGigabytes) {
  const Folder folder;
  const std::string path = folder / "endless.fits";
  put(path, hdu(image_cards(8, {"3"}), 0, false));
  const int file = ::open(path.c_str(), O_WRONLY);
  const std::string blanks(Index{1} << 20, ' ');
  for (int i = 0; i < 40; ++i) ASSERT_EQ(pwrite(file, blanks.data(), blanks.size(), 2880 + i * (off_t{1} << 20)), 1 << 20);
  ASSERT_EQ(ftruncate(file, off_t{8} << 30), 0);
  close(file);
  EXPECT_SAYS(error_of([&] { open_file(path); }), "no END card in its first 32 MiB");
}

TEST(FitsRead, ALargeFileOpensInMilliseconds) {
  const Folder folder;
  put(folder / "big.fits", hdu(image_cards(-32, {"768", "768", "512"})));
  ASSERT_EQ(truncate((folder / "big.fits").c_str(), 2880 + Index{768} * 768 * 512 * 4), 0);
  const auto before = std::chrono::steady_clock::now();
  const Contents contents = open_file(folder / "big.fits");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
  EXPECT_EQ(select_variable(contents, "").source->spec().shape, (Shape{512, 768, 768}));
  EXPECT_LT(seconds, 0.05);  // milliseconds in fact; a loaded machine gets room
}

TEST(FitsRead, ToleratesMissingPaddingAtTheEnd) {
  const auto hdus = parse(hdu(image_cards(8, {"3"})) + "abc");
  EXPECT_EQ(hdus[0].data_bytes, 3);
}

TEST(FitsRead, NotesWhatItCannotRead) {
  const Folder folder;
  put(folder / "z.fits", hdu(image_cards(8, {})) + hdu({"XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 1", "PCOUNT  = 0", "GCOUNT  = 1",
                                                         "TFIELDS = 1", "TFORM1  = '1PB(4)'", "ZIMAGE  = T"}, 8));
  const Contents compressed = open_file(folder / "z.fits");
  EXPECT_SAYS(error_of([&] { select_variable(compressed, "1"); }), "tile-compressed");
  EXPECT_SAYS(error_of([&] { select_variable(compressed, ""); }), "holds no image");
  put(folder / "g.fits", hdu(image_cards(-32, {"0", "3"}, {"GROUPS  = T", "PCOUNT  = 2", "GCOUNT  = 4"}), 80));
  EXPECT_SAYS(error_of([&] { select_variable(open_file(folder / "g.fits"), ""); }), "random groups");
  std::vector<std::string> ones(20, "1");
  put(folder / "r.fits", hdu(image_cards(8, ones), 1));
  EXPECT_SAYS(error_of([&] { select_variable(open_file(folder / "r.fits"), ""); }), "20 axes");
}

TEST(FitsRead, ADamagedExtensionNamesItsHdu) {
  const std::string file = hdu(image_cards(8, {})) + hdu({"XTENSION= 'IMAGE'", "BITPIX  = 8", "NAXIS   = 1", "NAXIS1  = 100000"}, 4);
  EXPECT_SAYS(error_of([&] { parse(file); }), "NAXIS1 = 100000 in HDU 1");
}

ElementTransform transform_of(int bitpix, const std::vector<std::string>& more) {
  const std::string file = hdu(image_cards(bitpix, {"1"}, more), 8);
  return fits::pixel_transform("cube.fits", parse(file)[0]);
}

TEST(FitsScaling, ChoosesTypesAsTheStandardAndNumPyUsersExpect) {
  EXPECT_EQ(transform_of(16, {}).dtype, DType::kInt16);
  EXPECT_EQ(transform_of(16, {"BZERO   = 32768", "BSCALE  = 1"}).dtype, DType::kUint16);
  EXPECT_EQ(transform_of(16, {"BZERO   = 32768.0"}).dtype, DType::kUint16);
  EXPECT_EQ(transform_of(32, {"BZERO   = 2147483648"}).dtype, DType::kUint32);
  EXPECT_EQ(transform_of(64, {"BZERO   = 9223372036854775808"}).dtype, DType::kUint64);
  EXPECT_EQ(transform_of(8, {"BZERO   = -128"}).dtype, DType::kInt8);
  EXPECT_EQ(transform_of(16, {"BZERO   = 32768", "BLANK   = -32768"}).dtype, DType::kFloat32);
  EXPECT_EQ(transform_of(16, {"BSCALE  = 2.0"}).dtype, DType::kFloat32);
  EXPECT_EQ(transform_of(8, {"BLANK   = 255"}).dtype, DType::kFloat32);
  EXPECT_EQ(transform_of(32, {"BSCALE  = 2.0"}).dtype, DType::kFloat64);
  EXPECT_EQ(transform_of(64, {"BZERO   = 1"}).dtype, DType::kFloat64);
  EXPECT_EQ(transform_of(-32, {"BSCALE  = 2.0"}).dtype, DType::kFloat32);
  EXPECT_FALSE(transform_of(-32, {"BLANK   = 5"}).scales);
  EXPECT_SAYS(error_of([&] { transform_of(16, {"BLANK   = 'none'"}); }), "BLANK");
}

TEST(FitsTable, ComesBackAsWritten) {
  Table table;
  table.name = "BEAMS";
  table.columns = {{.name = "BMAJ", .unit = "arcsec", .numbers = {1.5, 0.25, NAN}, .code = 'E'},
                   {.name = "CHAN", .numbers = {0, 1, 2}, .code = 'J'},
                   {.name = "EXACT", .numbers = {0.1, 2, 3}, .code = 'E'},
                   {.name = "PAIR", .numbers = {1, 2, 3, 4, 5, 6}},
                   {.name = "POL", .texts = {"I", "", "XX"}}};
  const std::string file = hdu(image_cards(8, {})) + fits::format_table(table);
  const MemoryReader reader("t.fits", std::as_bytes(std::span(file)));
  const auto hdus = fits::read_hdus(reader);
  ASSERT_EQ(hdus.size(), 2u);
  const auto back = fits::read_table(reader, hdus[1]);
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(back->name, "BEAMS");
  EXPECT_EQ(back->rows, 3);
  ASSERT_EQ(back->columns.size(), 5u);
  EXPECT_EQ(back->columns[0].unit, "arcsec");
  EXPECT_EQ(back->columns[0].code, 'E');
  EXPECT_EQ(back->columns[0].numbers[1], 0.25);
  EXPECT_TRUE(std::isnan(back->columns[0].numbers[2]));
  EXPECT_EQ(back->columns[1].code, 'J');
  EXPECT_EQ(back->columns[2].code, 'D');  // 0.1 is no float32
  EXPECT_EQ(back->columns[2].numbers[0], 0.1);
  EXPECT_EQ(back->columns[3].numbers, table.columns[3].numbers);
  EXPECT_EQ(back->columns[4].texts, table.columns[4].texts);
}

TEST(FitsTable, RefusesColumnsOfDifferentLengths) {
  Table table;
  table.columns = {{.name = "A", .numbers = {1, 2, 3}}, {.name = "B", .texts = {"x", "y"}}};
  EXPECT_EQ(error_of([&] { fits::format_table(table); }).kind(), ErrorKind::kUser);
}

TEST(FitsWrite, BlankIsAnyNumberOfTheElements) {  // the build with UndefinedBehaviorSanitizer looks at the conversions
  const auto blank = [](DType dtype, AttributeValue nodata) {
    WriteRequest request{.path = "x.fits"};
    request.attributes = {{"nodata", std::move(nodata), ""}};
    const auto hdus = parse(fits::format_header({{2, 3}, dtype}, request) + std::string(2880, '\0'));
    return hdus[0].integer("x.fits", "BLANK");
  };
  EXPECT_EQ(blank(DType::kInt16, -5.0), -5);
  EXPECT_EQ(blank(DType::kInt64, -0x1p63), std::numeric_limits<Index>::min());
  EXPECT_EQ(blank(DType::kUint16, std::int64_t{7}), 7 - 32768);
  EXPECT_EQ(blank(DType::kUint64, 0x1p63), 0);
  EXPECT_EQ(blank(DType::kUint64, std::uint64_t{18446744073709551615u}), std::numeric_limits<Index>::max());
  EXPECT_FALSE(blank(DType::kUint16, -5.0));
}

TEST(FitsWrite, ReplacesKeysAndKeepsTheRest) {
  WriteRequest request{.path = "x.fits"};
  request.header_cards = card("SIMPLE  = T") + card("BUNIT   = 'K'") + card("OBJECT  = 'M 31'") + card("BSCALE  = 5.0") + card("HISTORY first");
  request.attributes = {{"BUNIT", std::string("Jy/beam"), ""}, {"HISTORY", std::string("second"), ""}, {"NAXIS", std::int64_t{9}, ""}};
  const std::string header = fits::format_header({{2, 3, 4}, DType::kUint16}, request);
  EXPECT_EQ(header.size() % 2880, 0u);
  const auto hdus = parse(header + std::string(2880, '\0'));
  const fits::Hdu& h = hdus[0];
  EXPECT_EQ(h.axes, (std::vector<Index>{4, 3, 2}));
  EXPECT_EQ(h.text("BUNIT"), "Jy/beam");
  EXPECT_EQ(h.text("OBJECT"), "M 31");
  EXPECT_EQ(h.number_or("BZERO", 0), 32768);
  EXPECT_EQ(h.number_or("BSCALE", 0), 1);
  EXPECT_EQ(std::count_if(h.attributes.begin(), h.attributes.end(), [](const auto& a) { return a.key == "HISTORY"; }), 2);
  EXPECT_EQ(std::count_if(h.attributes.begin(), h.attributes.end(), [](const auto& a) { return a.key == "BUNIT"; }), 1);
}

}  // namespace
}  // namespace freestone::formats
