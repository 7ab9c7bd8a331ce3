#include "freestone/label/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "freestone/base/error.h"

namespace freestone {
namespace {

struct Conversion {
  const char* from;
  const char* to;
  double factor;
};

// astropy 8.0: for a, b: u.Unit(a).to(u.Unit(b))
const Conversion kConversions[] = {
    {"Jy/beam", "mJy/beam", 1000.0},
    {"K km/s", "K m/s", 1000.0},
    {"10**(-20)*erg/s/cm**2/Angstrom", "W m-3", 9.999999999999999e-14},
    {"1e-20 erg s-1 cm-2 Angstrom-1", "10**-16 erg/s/cm2/um", 0.9999999999999999},
    {"km/s", "m/s", 1000.0},
    {"GHz", "Hz", 1000000000.0},
    {"Angstrom", "nm", 0.1},
    {"um", "Angstrom", 9999.999999999998},
    {"deg", "arcsec", 3600.0},
    {"arcsec", "rad", 4.84813681109536e-06},
    {"mas", "deg", 2.777777777777778e-07},
    {"deg2", "sr", 0.00030461741978670857},
    {"arcsec^2", "sr", 2.3504430539097885e-11},
    {"%", "1e-3", 10.0},
    {"hPa", "Pa", 100.0},
    {"mbar", "hPa", 1.0},
    {"mm/d", "m/s", 1.1574074074074074e-08},
    {"kg m-2 s-1", "g cm-2 h-1", 360.00000000000006},
    {"eV", "J", 1.602176634e-19},
    {"keV", "erg", 1.6021766339999998e-09},
    {"pc", "m", 3.085677581491367e+16},
    {"kpc", "AU", 206264806.24709633},
    {"lyr", "pc", 0.30660139378555057},
    {"solMass", "kg", 1.988409870698051e+30},
    {"solLum", "erg/s", 3.8279999999999997e+33},
    {"yr", "s", 31557600.0},
    {"Myr", "d", 365250000.0},
    {"h", "min", 60.0},
    {"Jy", "erg s-1 cm-2 Hz-1", 1e-23},
    {"MJy/sr", "Jy/arcsec2", 2.3504430539097887e-05},
    {"R", "ph s-1 cm-2 sr-1", 79577.47154594767},
    {"mG", "nT", 100.0},
    {"barn", "cm2", 1e-24},
    {"Ry", "eV", 13.605693122990514},
    {"Hz(1/2)", "kHz(1/2)", 0.03162277660168379},
    {"sqrt(m2)", "km", 0.001},
    {"J/s kg", "m2 s-3", 1.0},
    {"m/s/kg", "km s-1 g-1", 1e-06},
    {"10-20 erg", "J", 1e-27},
    {"dyn", "uN", 10.000000000000002},
    {"kV/m", "g m s-3 A-1", 1000000.0},
    {"km2 s-2", "m2 s-2", 1000000.0},
    {"lm", "cd sr", 1.0},
    {"byte", "bit", 8.0},
    {"l", "cm3", 1000.0000000000001},
    {"10**3 m", "km", 1.0},
    {"0.001 m", "mm", 1.0},
    {"1.5e-20 erg", "J", 1.5000000000000002e-27},
    {"K.km/s", "K m s-1", 1000.0},
    {"/s", "Hz", 1.0},
};

TEST(Unit, ConvertsAsAstropy) {
  for (const Conversion& c : kConversions) {
    const double factor = conversion_factor(Unit::parse(c.from), Unit::parse(c.to));
    EXPECT_NEAR(factor / c.factor, 1, 1e-14) << c.from << " to " << c.to;
    EXPECT_NEAR(conversion_factor(Unit::parse(c.to), Unit::parse(c.from)) * c.factor, 1, 1e-14) << c.to << " to " << c.from;
  }
}

TEST(Unit, DecimalMultiplesConvertExactly) {
  EXPECT_EQ(conversion_factor(Unit::parse("km/s"), Unit::parse("m/s")), 1000.0);
  EXPECT_EQ(conversion_factor(Unit::parse("m/s"), Unit::parse("km/s")), 1e-3);
  EXPECT_EQ(conversion_factor(Unit::parse("um"), Unit::parse("Angstrom")), 1e4);
  EXPECT_EQ(conversion_factor(Unit::parse("Angstrom"), Unit::parse("m")), 1e-10);
  EXPECT_EQ(conversion_factor(Unit::parse("GHz"), Unit::parse("MHz")), 1000.0);
  EXPECT_EQ(conversion_factor(Unit::parse("10**-20 erg/s/cm2/Angstrom"), Unit::parse("erg/s/cm2/Angstrom")), 1e-20);
}

TEST(Unit, ReadsHeadersAsTheyAreFoundInTheWild) {
  const std::pair<const char*, const char*> same[] = {{"JY/BEAM", "Jy/beam"},
                                                      {"jy beam-1", "Jy/beam"},
                                                      {"Jy / beam", "Jy/beam"},
                                                      {"jy/Beam", "Jy/beam"},
                                                      {"Jy beam^-1", "Jy/beam"},
                                                      {"KM/S", "km/s"},
                                                      {"M/S", "m/s"},
                                                      {"HZ", "Hz"},
                                                      {"MHZ", "MHz"},
                                                      {"mhz", "MHz"},
                                                      {"GHZ", "GHz"},
                                                      {"mjy", "mJy"},
                                                      {"MJY/SR", "MJy/sr"},
                                                      {"DEG", "deg"},
                                                      {"degrees", "deg"},
                                                      {"Angstroms", "Angstrom"},
                                                      {"angstrom", "Angstrom"},
                                                      {"micron", "um"},
                                                      {"\xC2\xB5m", "um"},
                                                      {"\xCE\xBCm", "um"},
                                                      {"KELVIN", "K"},
                                                      {"k", "K"},
                                                      {"counts", "ct"},
                                                      {"ADU", "adu"},
                                                      {"ergs/s", "erg/s"},
                                                      {"(km/s)**2", "km2 s-2"},
                                                      {"(km s-1)2", "km2 s-2"},
                                                      {"m**-2", "m-2"},
                                                      {"m^(-2)", "m-2"},
                                                      {"Hz**0.5", "Hz(1/2)"},
                                                      {"  K  ", "K"},
                                                      {"", ""},
                                                      {"   ", ""},
                                                      {"10^-20 erg", "10**-20 erg"},
                                                      {"1.0E-20 erg", "10**-20 erg"},
                                                      {"Msun", "solMass"},
                                                      {"celsius", "deg_C"}};
  for (const auto& [text, canonical] : same) {
    EXPECT_EQ(Unit::parse(text), Unit::parse(canonical)) << text;
    EXPECT_EQ(Unit::parse(text).to_string(), canonical) << text;
  }
}

TEST(Unit, PrintsFitsSpellingThatReadsBack) {
  const std::pair<const char*, const char*> prints[] = {{"10**(-20)*erg/s/cm**2/Angstrom", "10**-20 erg s-1 cm-2 Angstrom-1"},
                                                        {"beam-1 Jy", "Jy/beam"},
                                                        {"Jy/beam", "Jy/beam"},
                                                        {"K*km/s", "K km/s"},
                                                        {"sqrt(Hz)", "Hz(1/2)"},
                                                        {"1/s", "s-1"},
                                                        {"1.5e-20 erg", "1.5e-20 erg"},
                                                        {"%", "%"},
                                                        {"m s-2", "m s-2"}};
  for (const auto& [text, printed] : prints) EXPECT_EQ(Unit::parse(text).to_string(), printed);
}

TEST(Unit, ProductsOfUnitsReadBackAsThemselves) {
  const char* kParts[] = {"Jy", "beam", "km", "s", "erg", "Angstrom", "Hz", "K", "deg", "10**-20 W", "1.5 m", "mJy"};
  std::mt19937 random(20260101);
  for (int round = 0; round < 500; ++round) {
    Unit unit;
    for (int factors = static_cast<int>(random() % 5); factors >= 0; --factors) {
      const Unit part =
          Unit::parse(kParts[random() % std::size(kParts)]).pow(static_cast<int>(random() % 5) - 2, random() % 4 == 0 ? 2 : 1);
      unit = random() % 2 == 0 ? unit * part : unit / part;
    }
    const Unit back = Unit::parse(unit.to_string());
    EXPECT_EQ(back, unit) << unit.to_string();
    EXPECT_NEAR(conversion_factor(unit, back), 1, 1e-13);
  }
}

TEST(Unit, MomentUnits) {
  const Unit jy = Unit::parse("Jy/beam"), speed = Unit::parse("km/s");
  EXPECT_EQ((jy * speed).to_string(), "Jy km beam-1 s-1");
  EXPECT_EQ(speed.pow(2).to_string(), "km2 s-2");
  EXPECT_EQ((jy / jy).to_string(), "");
  EXPECT_TRUE((jy / jy).is_dimensionless());
  EXPECT_EQ((Unit::parse("10**(-20)*erg/s/cm**2/Angstrom") * Unit::parse("Angstrom")).to_string(), "10**-20 erg s-1 cm-2");
  EXPECT_EQ(speed.pow(2).pow(1, 2), speed);
}

TEST(Unit, BeamIsADimensionOfItsOwn) {
  EXPECT_FALSE(Unit::parse("Jy/beam").converts_to(Unit::parse("Jy")));
  EXPECT_TRUE(Unit::parse("Jy/beam").contains("beam"));
  EXPECT_NE(Unit::parse("Jy/beam"), Unit::parse("mJy/beam"));
  EXPECT_EQ(Unit::parse("1000 mJy/beam"), Unit::parse("Jy/beam"));
}

TEST(Unit, RefusesToConvertWhatMeasuresAnotherThing) {
  try {
    conversion_factor(Unit::parse("Jy/beam"), Unit::parse("K"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUser);
    EXPECT_NE(std::string(e.what()).find("Jy/beam"), std::string::npos);
    EXPECT_NE(std::string(e.what()).find("'K'"), std::string::npos);
  }
}

TEST(Unit, RefusesWhatIsNoUnit) {
  for (const char* text : {"Jyy", "furlong", "Jy/", "(km/s", "km)", "m**", "10**(", "m(1/0)", "*m", "m*", "-1", "0 m", "1e999 m", "m2000",
                           "km/s]", "((((((((((((((((((((((((((((((((((((m", "m^99999999999999", "10**99999", "\xff\xfe"})
    EXPECT_THROW(Unit::parse(text), Error) << text;
  try {
    Unit::parse("Jansly/beam");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("Did you mean 'jansky'"), std::string::npos) << e.what();
  }
}

TEST(Unit, WhatCannotBeReadStaysItself) {
  const Unit odd = Unit::parse_or_opaque("  furlongs/fortnight ");
  EXPECT_EQ(odd.to_string(), "furlongs/fortnight");
  EXPECT_EQ(odd, Unit::parse_or_opaque("furlongs/fortnight"));
  EXPECT_NE(odd, Unit());
  EXPECT_THROW(conversion_factor(odd, Unit::parse("m")), Error);
  EXPECT_EQ(Unit::parse_or_opaque("JY/BEAM"), Unit::parse("Jy/beam"));
}

TEST(Unit, AnyBytesAreAUnitOrAnError) {
  std::mt19937 random(7);
  const std::string alphabet = "mskgJyHz/*.^()+-0123456789e %_ \x80";
  for (int round = 0; round < 5000; ++round) {
    std::string text(random() % 12, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    try {
      const Unit unit = Unit::parse(text);
      EXPECT_EQ(Unit::parse(unit.to_string()), unit) << text << " -> " << unit.to_string();
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUser);
    }
  }
}

TEST(Quantity, ReadsNumberAndUnit) {
  EXPECT_EQ(parse_quantity("115.27GHz").value, 115.27);
  EXPECT_EQ(parse_quantity("115.27GHz").unit, Unit::parse("GHz"));
  EXPECT_EQ(parse_quantity("7100 Angstrom").in(Unit::parse("nm")), 710);
  EXPECT_EQ(parse_quantity(" -5.5e3 km/s").value, -5500);
  EXPECT_EQ(parse_quantity("+3").unit.to_string(), "");
  EXPECT_EQ(parse_quantity("1.08arcsec").unit.to_string(), "arcsec");
  EXPECT_EQ(parse_quantity("0deg").value, 0);
  for (const char* text : {"", "GHz", "nan", "1.5.5", "12 furlong", "inf Hz"}) EXPECT_THROW(parse_quantity(text), Error) << text;
}

}  // namespace
}  // namespace freestone
