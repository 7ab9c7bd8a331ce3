#include "freestone/astro/header.h"

#include <gtest/gtest.h>

#include <random>

#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

std::string card(std::string text) {
  text.resize(80, ' ');
  return text;
}

TEST(FitsHeader, ReadsValuesOfAllTypes) {
  const FitsHeader h = FitsHeader::parse(
      card("SIMPLE  =                    T / standard") + card("NAXIS   =                    3") +
      card("CRVAL1  =           1.5D+02 / [deg]") + card("OBJECT  = 'O''Neill  '         / name / with slash") +
      card("UNDEF   =                      / nothing") + card("FREQ    = '1.4E9   '") + card("COMMENT a word = 3") + card("") +
      card("HIERARCH ESO INS NAME = 'MUSE' / instrument") + card("NOVALUE") + card("BIG     =  9223372036854775807") + card("HISTORY one") +
      card("HISTORY two") + card("END") + card("AFTER   =                    1"));
  EXPECT_EQ(h.logical("SIMPLE"), true);
  EXPECT_EQ(h.integer("naxis"), 3);
  EXPECT_EQ(h.number("NAXIS"), 3.0);
  EXPECT_EQ(h.number("CRVAL1"), 150.0);
  EXPECT_EQ(h.find("CRVAL1")->comment, "[deg]");
  EXPECT_EQ(h.text("OBJECT"), "O'Neill");
  EXPECT_EQ(h.find("OBJECT")->comment, "name / with slash");
  EXPECT_TRUE(h.has("UNDEF"));
  EXPECT_FALSE(h.number("UNDEF"));
  EXPECT_EQ(h.number("FREQ"), 1.4e9);
  EXPECT_EQ(h.text("ESO INS NAME"), "MUSE");
  EXPECT_FALSE(h.number("NOVALUE"));
  EXPECT_EQ(h.integer("BIG"), 9223372036854775807);
  EXPECT_EQ(h.history(), (std::vector<std::string>{"one", "two"}));
  EXPECT_FALSE(h.has("AFTER"));
}

TEST(FitsHeader, UntouchedCardsKeepTheirBytes) {
  const std::string cards =
      card("CRVAL1  =           1.50D+02 /odd   spacing") + card("HISTORY  x") + card("not a card at all") + card("COMPLEX = (1.0, 2.0)");
  EXPECT_EQ(FitsHeader::parse(cards).format(), cards);
}

TEST(FitsHeader, LongStringsContinue) {
  FitsHeader h;
  std::string text;
  for (int i = 0; i < 60; ++i) text += "it's " + std::to_string(i) + " ";
  text.pop_back();
  h.set("LONG", text);
  const std::string cards = h.format();
  EXPECT_EQ(cards.size() % 80, 0u);
  EXPECT_GT(cards.size(), 300u);
  for (std::size_t at = 80; at < cards.size(); at += 80) EXPECT_EQ(cards.substr(at, 10), "CONTINUE  ");
  EXPECT_EQ(FitsHeader::parse(cards).text("LONG"), text);
  EXPECT_EQ(FitsHeader::parse(cards).format(), cards);
}

TEST(FitsHeader, StringsOfQuotesOfAnyLengthReadBack) {
  std::mt19937 random(3);
  for (int length = 0; length < 300; ++length) {
    std::string text;
    for (int i = 0; i < length; ++i) text += "'a& /"[random() % (i + 1 == length ? 2 : 5)];
    if (!text.empty() && (text.back() == ' ' || text.back() == '&')) text.back() = 'x';
    FitsHeader h;
    h.set("TEXT", text, "why");
    EXPECT_EQ(FitsHeader::parse(h.format()).text("TEXT"), text);
  }
}

TEST(FitsHeader, NumbersReadBackAsTheSameBits) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    const double value = std::ldexp(static_cast<double>(static_cast<std::int64_t>(random())), static_cast<int>(random() % 300) - 200);
    FitsHeader h;
    h.set("X", value, "comment");
    const std::string cards = h.format();
    EXPECT_EQ(cards.size(), 80u);
    EXPECT_EQ(FitsHeader::parse(cards).number("X"), value);
    EXPECT_TRUE(std::holds_alternative<double>(FitsHeader::parse(cards).find("X")->value)) << cards;
  }
}

TEST(FitsHeader, SetKeepsPlaceAndComment) {
  FitsHeader h =
      FitsHeader::parse(card("A       =                    1 / first") + card("B       =                    2") + card("HISTORY end"));
  h.set("a", Index{7});
  h.set("C", 2.5, "third");
  h.set("D", true);
  EXPECT_TRUE(h.remove("B"));
  EXPECT_FALSE(h.remove("B"));
  h.add_history("freestone: sigma-clip \xC3\xA9");
  EXPECT_EQ(h.format(), card("A       =                    7 / first") + card("C       =                  2.5 / third") +
                            card("D       =                    T") + card("HISTORY end") + card("HISTORY freestone: sigma-clip ??"));
}

TEST(FitsHeader, LongHistoryTakesSeveralCards) {
  FitsHeader h;
  h.add_history(std::string(200, 'x'));
  EXPECT_EQ(h.format().size(), 240u);
  EXPECT_EQ(h.history()[2], std::string(56, 'x'));
}

TEST(FitsHeader, RefusesWhatFitsCannotHold) {
  FitsHeader h;
  EXPECT_THROW(h.set("BAD=KEY", 1.0), Error);
  EXPECT_THROW(h.set("X", std::nan("")), Error);
  EXPECT_THROW(h.set("X", std::string("\xC3\xA9")), Error);
  EXPECT_TRUE(h.cards().empty());
}

TEST(FitsHeader, ProductsDropWhatNoLongerHolds) {
  std::string cards;
  for (const char* key :
       {"SIMPLE",  "BITPIX",   "NAXIS",   "NAXIS1",   "EXTEND", "BSCALE",   "BZERO",   "BLANK",  "BUNIT",   "BMAJ",    "BMIN",
        "BPA",     "CTYPE1",   "CTYPE2A", "CD3_3",    "PC1_2",  "PC001002", "PV2_1",   "CRPIX3", "RESTFRQ", "SPECSYS", "LONPOLE",
        "WCSAXES", "CHECKSUM", "DATAMAX", "ZCMPTYPE", "TTYPE1", "A_1_2",    "A_ORDER", "VELREF", "CROTA2"})
    cards += card(fmt::format("{:<8}=                    1", key));
  for (const char* key :
       {"OBJECT", "TELESCOP", "DATE-OBS", "CDATE", "PCOLOR", "PVT", "CTYPE", "CUNITS", "NAXISX", "A_B", "OBSGEO-X", "EXPTIME"})
    cards += card(fmt::format("{:<8}=                    1", key));
  const FitsHeader kept = FitsHeader::parse(cards).without_structure();
  std::vector<std::string> names;
  for (const Card& c : kept.cards()) names.push_back(c.keyword);
  EXPECT_EQ(names, (std::vector<std::string>{"OBJECT", "TELESCOP", "DATE-OBS", "CDATE", "PCOLOR", "PVT", "CTYPE", "CUNITS", "NAXISX", "A_B",
                                             "OBSGEO-X", "EXPTIME"}));
}

TEST(FitsHeader, AnyBytesAreRead) {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(random() % 400, ' ');
    const std::string alphabet = "AB='/&\0\x80 1.E-T()";
    for (char& c : bytes) c = alphabet[random() % alphabet.size()];
    if (bytes.size() > 10) bytes.replace(8, 2, "= ");
    const std::string once = FitsHeader::parse(bytes).format();
    EXPECT_EQ(FitsHeader::parse(once).format(), once);
  }
}

}  // namespace
}  // namespace freestone::astro
