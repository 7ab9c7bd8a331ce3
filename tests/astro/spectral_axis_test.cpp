#include "freestone/astro/spectral_axis.h"

#include <gtest/gtest.h>

#include <cmath>

#include "astro/header_words.h"
#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

SpectralTarget target_of(const char* unit, const char* convention, const char* rest) {
  SpectralTarget target{Unit::parse(unit), {}, {}};
  if (*convention) target.convention = parse_velocity_convention(convention);
  if (*rest) target.rest = parse_quantity(rest);
  return target;
}

// spectral_cube 0.7: ctype = determine_ctype_from_vconv(...); convert_spectral_axis(WCS(header), unit, ctype, rest_value): CTYPE, CRVAL,
// CDELT. (From VOPT and VELO upstream's CDELT is not the derivative of its CRVAL, and from VOPT-F2W it writes VRAD-F2F: these are tested by
// the values of the channels below.)
struct Conversion {
  const char *header, *unit, *convention, *rest, *ctype;
  double crval, cdelt;
};
const Conversion kConversions[] = {
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "km/s", "radio", "", "VRAD",
     705.33015155936437, 1.269901188215186},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "km/s", "optical", "", "VOPT-F2W",
     706.99351509580197, 1.2758978070443949},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "m/s", "relativistic", "",
     "VELO-F2V", 706159.87430471112, 1272.888903886656},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "GHz", "", "", "FREQ",
     115.00000000000001, -0.00048828125},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "um", "", "", "WAVE-F2W",
     2606.8909391304346, 0.011068660577150285},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "km/s", "radio", "1.42GHz", "VRAD",
     -23979174.211014081, 103.08664516395247},
    {"CTYPE1='FREQ' CRVAL1=115000000000. CDELT1=-488281.25 CRPIX1=5. CUNIT1='Hz' RESTFRQ=115271201800.", "km/s", "optical",
     "6562.8Angstrom", "VOPT-F2W", 1190542900.2643764, 5056.2274657030257},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "km/s", "radio", "", "VRAD",
     -300.00000000001842, 2.5},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "km/s", "optical", "", "VOPT-F2W",
     -299.70009242951141, 2.495004038951643},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "m/s", "relativistic", "", "VELO-F2V",
     -299849.89623224147, 2497.498271788078},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "GHz", "", "", "FREQ", 1.4218271408642265,
     -1.1844908985218701e-05},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "um", "", "", "WAVE-F2W",
     210850.14442597976, 1.756543181984765},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "km/s", "radio", "1.42GHz", "VRAD",
     -385.74862732301921, 2.5007143517359154},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "km/s", "optical", "6562.8Angstrom",
     "VOPT-F2W", 96317252269.34407, 802398.9731674802},
    {"CTYPE1='VRAD' CRVAL1=-300000. CDELT1=2500. CRPIX1=10. CUNIT1='m/s' RESTFRQ=1420405751.786", "km/s", "", "", "VRAD",
     -300.00000000001842, 2.5},
    {"CTYPE1='WAVE' CRVAL1=6.5E-07 CDELT1=1.25E-10 CRPIX1=3. CUNIT1='m'", "GHz", "", "", "FREQ-W2F", 461219.16615384613,
     -88.69599349112427},
    {"CTYPE1='WAVE' CRVAL1=6.5E-07 CDELT1=1.25E-10 CRPIX1=3. CUNIT1='m'", "um", "", "", "WAVE", 0.65000000000000002, 0.000125},
    {"CTYPE1='WAVE' CRVAL1=6.5E-07 CDELT1=1.25E-10 CRPIX1=3. CUNIT1='m'", "km/s", "radio", "1.42GHz", "VRAD-W2F", -97372959008.930679,
     18725626.692574751},
    {"CTYPE1='WAVE' CRVAL1=6.5E-07 CDELT1=1.25E-10 CRPIX1=3. CUNIT1='m'", "km/s", "optical", "6562.8Angstrom", "VOPT", -2868.7399223502712,
     57.100715014932646},
};

TEST(SpectralAxis, ConvertsKeywordsAsSpectralCube) {
  for (const Conversion& c : kConversions) {
    const Wcs out = with_spectral_unit(Wcs::from_cards(cards_of(c.header), 1), target_of(c.unit, c.convention, c.rest));
    const std::string what = std::string(c.header) + " to " + c.unit + " " + c.convention + " " + c.rest;
    EXPECT_EQ(out.ctype(0), c.ctype) << what;
    EXPECT_EQ(out.unit(0), Unit::parse(c.unit)) << what;
    EXPECT_NEAR(out.parameters().axes[0].crval / c.crval, 1, 1e-10) << what;
    EXPECT_NEAR(out.parameters().axes[0].cdelt / c.cdelt, 1, 1e-10) << what;
  }
}

const char* kAxes[] = {"CTYPE1='FREQ' CRVAL1=115. CDELT1=-0.005 CRPIX1=5. CUNIT1='GHz' RESTFRQ=115271201800.",
                       "CTYPE1='VRAD' CRVAL1=-300. CDELT1=2.5 CRPIX1=10. CUNIT1='km/s' RESTFRQ=1420405751.786",
                       "CTYPE1='VOPT' CRVAL1=9120. CDELT1=21.8826 CRPIX1=32. CUNIT1='km/s' RESTFRQ=1420405752.",
                       "CTYPE1='VOPT-F2W' CRVAL1=9120000. CDELT1=-21882.6 CRPIX1=32. CUNIT1='m/s' RESTFRQ=1420405752.",
                       "CTYPE1='VELO' CRVAL1=9120000. CDELT1=21882.6 CRPIX1=32. CUNIT1='m/s' RESTFRQ=1420405752.",
                       "CTYPE1='WAVE' CRVAL1=650. CDELT1=0.125 CRPIX1=3. CUNIT1='nm' RESTWAV=6.5628E-07",
                       "CTYPE1='AWAV' CRVAL1=6500. CDELT1=1.25 CRPIX1=3. CUNIT1='Angstrom' RESTWAV=6.5646E-07",
                       "CTYPE1='FREQ-V2F' CRVAL1=1.4 CDELT1=-5E-05 CRPIX1=1. CUNIT1='GHz' RESTFRQ=1420405752."};

TEST(SpectralAxis, EveryChannelOfAConvertedAxisIsTheConvertedChannel) {
  const std::pair<const char*, const char*> targets[] = {
      {"km/s", "radio"}, {"km/s", "optical"}, {"m/s", "relativistic"}, {"GHz", ""}, {"um", ""}};
  for (const char* header : kAxes) {
    const Wcs wcs = Wcs::from_cards(cards_of(header), 1);
    const std::vector<double> values = wcs.spectral_values(64);
    const SpectralQuantity own = spectral_quantity(wcs.ctype(0));
    const auto si = [](SpectralQuantity q) {
      return q == SpectralQuantity::kFrequency                                             ? "Hz"
             : q == SpectralQuantity::kWavelength || q == SpectralQuantity::kAirWavelength ? "m"
                                                                                           : "m/s";
    };
    for (const auto& [unit, convention] : targets) {
      const Wcs out = with_spectral_unit(wcs, target_of(unit, convention, ""));
      const SpectralQuantity other = spectral_quantity(out.ctype(0));
      const std::vector<double> converted = out.spectral_values(64);
      const std::vector<double> reread = Wcs::from_cards(out.to_header_cards(), 1).spectral_values(64);
      for (std::size_t k = 0; k < 64; ++k) {
        const double want =
            convert_spectral(values[k] * conversion_factor(wcs.unit(0), Unit::parse(si(own))), own, other, rest_frequency(wcs)) *
            conversion_factor(Unit::parse(si(other)), out.unit(0));
        // A velocity is a small difference of large frequencies.
        const double scale = *convention ? kSpeedOfLight / (std::string(unit) == "km/s" ? 1000 : 1) : std::abs(want);
        EXPECT_NEAR(converted[k], want, 2e-12 * scale) << header << " to " << unit << " " << convention << ": " << out.ctype(0);
        EXPECT_NEAR(reread[k], converted[k], 1e-14 * scale);
      }
      // And back.
      const char* back_convention = velocity_convention(wcs.ctype(0)) ? name_of(*velocity_convention(wcs.ctype(0))).data() : "";
      const Wcs back = with_spectral_unit(out, target_of(wcs.unit(0).to_string().c_str(), back_convention, ""));
      if (own != SpectralQuantity::kAirWavelength || other == own) {
        EXPECT_EQ(back.ctype(0), wcs.ctype(0)) << out.ctype(0);
      }
    }
  }
}

TEST(SpectralAxis, OnlyTheUnitChangesWithinAQuantity) {
  const Wcs muse = Wcs::from_cards(cards_of(kAxes[6]), 1);
  const Wcs nm = with_spectral_unit(muse, target_of("nm", "", ""));
  EXPECT_EQ(nm.ctype(0), "AWAV");
  EXPECT_EQ(nm.parameters().axes[0].crval, 650.0);
  EXPECT_EQ(nm.parameters().axes[0].cdelt, 0.125);
  EXPECT_EQ(with_spectral_unit(muse, target_of("km/s", "optical", "")).ctype(0), "VOPT-A2W");
}

TEST(SpectralAxis, ANewRestValueMovesVelocities) {
  const Wcs wcs = Wcs::from_cards(cards_of(kAxes[1]), 1);
  const Wcs moved = with_spectral_unit(wcs, target_of("km/s", "", "1.42GHz"));
  EXPECT_EQ(moved.ctype(0), "VRAD");
  EXPECT_EQ(moved.parameters().restfrq, 1.42e9);
  const std::vector<double> a = wcs.spectral_values(5), b = moved.spectral_values(5);
  for (std::size_t k = 0; k < 5; ++k) {
    const double f = 1420405751.786 * (1 - a[k] * 1000 / kSpeedOfLight);
    EXPECT_NEAR(b[k], kSpeedOfLight * (1.42e9 - f) / 1.42e9 / 1000, 1e-6);
  }
  const Wcs by_length = with_spectral_unit(Wcs::from_cards(cards_of("CTYPE1='WAVE' CRVAL1=650. CDELT1=0.125 CUNIT1='nm'"), 1),
                                           target_of("km/s", "optical", "6562.8Angstrom"));
  EXPECT_NEAR(*by_length.parameters().restwav, 6562.8e-10, 1e-22);
  EXPECT_EQ(by_length.ctype(0), "VOPT");
}

TEST(SpectralAxis, SaysWhatIsMissing) {
  const Wcs freq = Wcs::from_cards(cards_of("CTYPE1='FREQ' CRVAL1=115. CDELT1=-0.005 CUNIT1='GHz'"), 1);
  const auto message = [&](const SpectralTarget& target) -> std::string {
    try {
      with_spectral_unit(freq, target);
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUser);
      return e.what();
    }
  };
  EXPECT_NE(message(target_of("km/s", "", "115GHz")).find("convention"), std::string::npos);
  EXPECT_NE(message(target_of("km/s", "radio", "")).find("rest"), std::string::npos);
  EXPECT_NE(message(target_of("Jy", "radio", "115GHz")).find("'Jy'"), std::string::npos);
  EXPECT_NE(message(target_of("km/s", "radio", "115K")).find("'K'"), std::string::npos);
  EXPECT_NE(message(target_of("km/s", "radio", "-1GHz")).find("-1"), std::string::npos);
  EXPECT_THROW(with_spectral_unit(Wcs::pixels(1), target_of("GHz", "", "")), Error);
  EXPECT_THROW(parse_velocity_convention("optcal"), Error);
  EXPECT_EQ(parse_velocity_convention("doppler_optical"), VelocityConvention::kOptical);
}

TEST(SpectralAxis, CoordinatesOfUsersReachTheAxis) {
  const Wcs muse = Wcs::from_cards(cards_of(kAxes[6]), 1);
  EXPECT_EQ(spectral_coordinate(muse, parse_quantity("7100")), 7100);
  EXPECT_NEAR(spectral_coordinate(muse, parse_quantity("710nm")), 7100, 1e-9);
  const Wcs freq = Wcs::from_cards(cards_of(kAxes[0]), 1);
  EXPECT_NEAR(spectral_coordinate(freq, parse_quantity("100 km/s")), 115.2712018 * (1 - 1e5 / kSpeedOfLight), 1e-12);
  EXPECT_NEAR(spectral_coordinate(freq, parse_quantity("2.6mm")), kSpeedOfLight / 2.6e-3 / 1e9, 1e-10);
  const Wcs vopt = Wcs::from_cards(cards_of(kAxes[2]), 1);
  EXPECT_NEAR(spectral_coordinate(vopt, parse_quantity("1.4GHz")), kSpeedOfLight * (1420405752. / 1.4e9 - 1) / 1000, 1e-9);
  EXPECT_THROW(spectral_coordinate(freq, parse_quantity("3Jy")), Error);
  EXPECT_THROW(spectral_coordinate(Wcs::from_cards(cards_of("CTYPE1='FREQ' CRVAL1=115. CUNIT1='GHz'"), 1), parse_quantity("3km/s")), Error);
}

TEST(SpectralAxis, ValuesInOtherUnits) {
  const Wcs freq = Wcs::from_cards(cards_of(kAxes[0]), 1);
  const std::vector<double> own = freq.spectral_values(8), mhz = freq.spectral_values(8, Unit::parse("MHz")),
                            speed = freq.spectral_values(8, Unit::parse("km/s"));
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_DOUBLE_EQ(mhz[k], own[k] * 1000);
    EXPECT_NEAR(speed[k], kSpeedOfLight * (115.2712018 - own[k]) / 115.2712018 / 1000, 1e-8);
  }
}

TEST(SpectralAxis, AirIsThatOfEdlen) {
  for (const double air : {0.40, 0.47, 0.65, 0.93, 2.2}) {
    const double vacuum = convert_spectral(air * 1e-6, SpectralQuantity::kAirWavelength, SpectralQuantity::kWavelength, std::nullopt) * 1e6;
    const double s = 1 / (vacuum * vacuum);
    const double n = 1 + 6.4328e-5 + 2.94981e-2 / (146 - s) + 2.5540e-4 / (41 - s);
    EXPECT_NEAR(vacuum / (air * n), 1, 1e-8) << air;
    EXPECT_NEAR(
        convert_spectral(vacuum * 1e-6, SpectralQuantity::kWavelength, SpectralQuantity::kAirWavelength, std::nullopt) / (air * 1e-6), 1,
        1e-12);
  }
  // H-alpha: 6562.80 Angstrom in air, 6564.61 in vacuum.
  EXPECT_NEAR(convert_spectral(6562.80e-10, SpectralQuantity::kAirWavelength, SpectralQuantity::kWavelength, std::nullopt), 6564.61e-10,
              0.006e-10);
}

}  // namespace
}  // namespace freestone::astro
