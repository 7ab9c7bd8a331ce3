#include "freestone/astro/wcs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <thread>

#include "astro/header_words.h"
#include "freestone/astro/header.h"
#include "freestone/base/error.h"
#include "freestone/base/log.h"

namespace freestone::astro {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// astropy 8.0: w = WCS(header, naxis=rank); w.all_pix2world([pixel], 0), both reversed to C order, SI turned back to the header's CUNIT;
// proj_plane_pixel_area(w.celestial), 0 without. ("DEG", which astropy refuses, given to it as "deg".)
struct Case {
  const char* name;
  int rank;
  const char* header;
  std::vector<std::pair<std::vector<double>, std::vector<double>>> points;
  double pixel_area;
};
const Case kCases[] = {
    {"alma",
     4,
     "CTYPE1='RA---SIN' CRVAL1=173.645 CDELT1=-5.555E-05 CRPIX1=129. CUNIT1='deg' CTYPE2='DEC--SIN' CRVAL2=-32.25 CDELT2=5.555E-05 "
     "CRPIX2=129. CUNIT2='deg' CTYPE3='FREQ' CRVAL3=115271201800. CDELT3=-488281.25 CRPIX3=1. CUNIT3='Hz' CTYPE4='STOKES' CRVAL4=1. "
     "CDELT4=1. CRPIX4=1. RESTFRQ=115271201800. SPECSYS='LSRK' RADESYS='ICRS' LONPOLE=180. LATPOLE=-32.25",
     {{{15.005000000000001, 29.466000000000001, 47.899999999999999, 47.715000000000003},
       {16.005000000000003, 115256814104.6875, -32.254449445482173, 173.65027362372365}},
      {{-0.14799999999999999, 22.734000000000002, 21.152000000000001, 0.39800000000000002},
       {0.85199999999999998, 115260101214.0625, -32.25593512974455, 173.65338183904379}},
      {{11.773999999999999, 38.098999999999997, 59.948, 0.071999999999999995},
       {12.773999999999999, 115252598772.65625, -32.253780010527819, 173.65340305365834}},
      {{50.186999999999998, 53.554000000000002, 58.374000000000002, 24.402000000000001},
       {51.186999999999998, 115245052385.9375, -32.25386754194119, 173.65180492457534}}},
     3.0858025000000031e-09},
    {"muse",
     3,
     "CTYPE1='RA---TAN' CRVAL1=63.3552 CD1_1=-5.55E-05 CD1_2=1.2E-06 CRPIX1=20.5 CUNIT1='deg' CTYPE2='DEC--TAN' CRVAL2=10.4651 "
     "CD2_1=1.2E-06 CD2_2=5.55E-05 CRPIX2=21. CUNIT2='deg' CTYPE3='AWAV' CRVAL3=4749.89 CD3_3=1.25 CRPIX3=1. CUNIT3='Angstrom' CD1_3=0. "
     "CD2_3=0. CD3_1=0. CD3_2=0. RADESYS='FK5' EQUINOX=2000.",
     {{{39.631, 28.059999999999999, 21.721}, {4799.4287499999991, 10.465549995179199, 63.355084484824417}},
      {{14.101000000000001, 32.003, 0.83099999999999996}, {4767.5162499999997, 10.465743761920962, 63.356268305768381}},
      {{39.787999999999997, 1.046, 52.417999999999999}, {4799.625, 10.464087549085786, 63.353319023565028}},
      {{53.412999999999997, 11.321, 51.816000000000003}, {4816.65625, 10.464657089454761, 63.353365534783777}}},
     3.0816899999999917e-09},
    {"crota",
     3,
     "CTYPE1='RA---TAN' CRVAL1=10. CDELT1=-0.01 CRPIX1=33. CTYPE2='DEC--TAN' CRVAL2=41. CDELT2=0.02 CRPIX2=30. CROTA2=25. CTYPE3='VRAD' "
     "CRVAL3=-300. CDELT3=2.5 CRPIX3=10. CUNIT3='km/s' RESTFRQ=1420405751.786 EQUINOX=2000.",
     {{{41.572000000000003, -1.833, 51.948}, {-218.56999999999999, 40.356792122298963, 10.104742290732297}},
      {{24.510000000000002, 28.712, -2.9239999999999999}, {-261.22500000000002, 41.141598993576189, 10.423524308484341}},
      {{47.792000000000002, 17.471, 9.8049999999999997}, {-203.02000000000001, 40.884150200532765, 10.394955539840382}},
      {{41.006, 6.3890000000000002, 16.936}, {-219.98500000000001, 40.653012509408015, 10.43185428909711}}},
     0.00019999999999999985},
    {"vopt",
     3,
     "CTYPE1='RA---TAN' CRVAL1=10. CDELT1=-0.01 CRPIX1=33. CTYPE2='DEC--TAN' CRVAL2=41. CDELT2=0.01 CRPIX2=30. CTYPE3='VOPT-F2W' "
     "CRVAL3=9120000. CDELT3=-21882.651442 CRPIX3=32. CUNIT3='m/s' RESTFRQ=1420405752. SPECSYS='BARYCENT'",
     {{{11.837999999999999, 47.332999999999998, 25.257999999999999}, {9539885.3159925342, 41.183294669657123, 10.089581471153872}},
      {{28.945, 47.392000000000003, 17.146000000000001}, {9164975.3958489299, 41.183750905355311, 10.197367389212078}},
      {{-2.0840000000000001, 11.880000000000001, 28.902000000000001}, {9845666.3081170321, 40.828793272685878, 10.040942550058544}},
      {{50.229999999999997, 2.407, 55.792999999999999}, {8699769.0552225709, 40.73364648872618, 9.6860096611175805}}},
     0.00010000000000000009},
    {"velolsr",
     3,
     "CTYPE1='GLON-CAR' CRVAL1=0. CDELT1=-0.125 CRPIX1=51. CTYPE2='GLAT-CAR' CRVAL2=0. CDELT2=0.125 CRPIX2=21. CTYPE3='VELO-LSR' CRVAL3=0. "
     "CDELT3=650. CRPIX3=101. VELREF=257 RESTFREQ=115271201800.",
     {{{22.164000000000001, 56.914000000000001, 20.175999999999998}, {-50593.400000000001, 4.6142500000000002, 3.7280000000000002}},
      {{12.129, 32.037999999999997, 55.996000000000002}, {-57116.149999999994, 1.5047499999999996, 359.25049999999999}},
      {{40.104999999999997, 39.487000000000002, 43.710000000000001}, {-38931.75, 2.4358750000000002, 0.78624999999999989}},
      {{37.378999999999998, 10.978999999999999, 26.221}, {-40703.650000000001, -1.1276250000000001, 2.972375}}},
     0.015625000000000007},
    {"felo",
     3,
     "CTYPE1='RA---SIN' CRVAL1=30. CDELT1=-0.005 CRPIX1=64. CTYPE2='DEC--SIN' CRVAL2=20. CDELT2=0.005 CRPIX2=64. CTYPE3='FELO-HEL' "
     "CRVAL3=1200000. CDELT3=-20800. CRPIX3=16. VELREF=2 RESTFREQ=1420405752.",
     {{{37.029000000000003, 40.609999999999999, 3.7469999999999999}, {742493.2661203742, 19.887771336299206, 30.315056208030246}},
      {{9.2240000000000002, 47.307000000000002, 20.719999999999999}, {1320188.7732132673, 19.921393099490398, 30.224855688833742}},
      {{20.969999999999999, 47.270000000000003, 21.599}, {1075875.2083266973, 19.921213937364918, 30.220180672664789}},
      {{56.283000000000001, 35.588999999999999, 41.935000000000002}, {343756.33492821455, 19.862909664564981, 30.111987390175504}}},
     2.5000000000000018e-05},
    {"wave",
     3,
     "CTYPE1='RA---TAN' CRVAL1=359.999 CDELT1=-2.7E-05 CRPIX1=16. CTYPE2='DEC--TAN' CRVAL2=89.9 CDELT2=2.7E-05 CRPIX2=16. PC1_2=-0.5 "
     "PC1_1=0.8660254037844387 PC2_1=0.5 PC2_2=0.8660254037844387 CTYPE3='WAVE' CRVAL3=2.2 CDELT3=0.000245 CRPIX3=1024. CUNIT3='um'",
     {{{47.957000000000001, 42.591999999999999, 59.475999999999999}, {1.9611144650000001, 89.901243345376642, 359.61174622606632}},
      {{50.399999999999999, 41.911999999999999, 6.6299999999999999}, {1.961713, 89.900514709202795, 0.32095676544599883}},
      {{27.207999999999998, 31.855, 22.277000000000001}, {1.9560309600000001, 89.900492338123271, 0.032042854982421431}},
      {{22.331, 16.989000000000001, 57.387}, {1.9548360950000001, 89.900614054745418, 359.44309122397374}}},
     7.2900000000000079e-10},
    {"freqfirst",
     3,
     "CTYPE1='FREQ' CRVAL1=1.42 CDELT1=1.E-05 CRPIX1=512. CUNIT1='GHz' CTYPE2='RA---TAN' CRVAL2=83.6 CDELT2=-0.01 CRPIX2=20. "
     "CTYPE3='DEC--TAN' CRVAL3=22. CDELT3=0.01 CRPIX3=20.",
     {{{36.780000000000001, 23.472000000000001, -2.9420000000000002}, {22.177792315111308, 83.551707389790749, 1.41486058}},
      {{17.623000000000001, 55.192, 55.902999999999999}, {21.985768504430084, 83.209700641919554, 1.41544903}},
      {{48.865000000000002, 8.8239999999999998, 59.298000000000002}, {22.298610237424004, 83.709983180431323, 1.4154829800000002}},
      {{1.629, 22.521000000000001, 6.907}, {21.826286199304644, 83.562071257362831, 1.4149590700000001}}},
     0.00010000000000000009},
    {"ait",
     2,
     "CTYPE1='GLON-AIT' CRVAL1=0. CDELT1=-2. CRPIX1=90.5 CTYPE2='GLAT-AIT' CRVAL2=0. CDELT2=2. CRPIX2=45.5",
     {{{49.213999999999999, 51.055999999999997}, {8.8832063752195474, 79.184107978290228}},
      {{30.207999999999998, 5.8070000000000004}, {kNan, kNan}},
      {{27.981999999999999, 13.263}, {kNan, kNan}},
      {{0, 0}, {kNan, kNan}}},
     4},
    {"sip",
     2,
     "CTYPE1='RA---TAN-SIP' CRVAL1=202.482322805429 CD1_1=0.000249806 CD1_2=0.000229 CRPIX1=128. CTYPE2='DEC--TAN-SIP' "
     "CRVAL2=47.1751189300101 CD2_1=0.000229 CD2_2=-0.000249806 CRPIX2=128. A_ORDER=2 A_0_2=2.9656E-06 A_1_1=3.7746E-06 A_2_0=2.7E-06 "
     "B_ORDER=2 B_0_2=-2.4E-06 B_1_1=3.1E-06 B_2_0=4.5E-06",
     {{{14.558, 51.456000000000003}, {47.185903352398284, 202.41670635495043}},
      {{0.60699999999999998, 25.169}, {47.183361889398, 202.40237043361145}},
      {{9.2949999999999999, -2.827}, {47.174769384027606, 202.39504350567339}},
      {{55.470999999999997, 18.526}, {47.168130279384208, 202.41842080929757}}},
     1.1484403763600004e-07},
    {"ncp",
     2,
     "CTYPE1='RA---NCP' CRVAL1=30. CDELT1=-0.005 CRPIX1=64. CTYPE2='DEC--NCP' CRVAL2=60. CDELT2=0.005 CRPIX2=64. EPOCH=1950.",
     {{{27.271999999999998, 53.052999999999997}, {59.821148962201534, 30.098935620559072}},
      {{39.021000000000001, 25.649999999999999}, {59.879331234979588, 30.372145932802635}},
      {{18.25, 51.101999999999997}, {59.775925613310221, 30.11818046332538}},
      {{22.135999999999999, 47}, {59.795340342331606, 30.1590174036528}}},
     2.5000000000000018e-05},
    {"upper",
     3,
     "CTYPE1='RA---TAN' CRVAL1=10. CDELT1=-0.01 CRPIX1=33. CUNIT1='DEG' CTYPE2='DEC--TAN' CRVAL2=41. CDELT2=0.01 CRPIX2=30. CUNIT2='DEG' "
     "CTYPE3='VELO' CRVAL3=30. CDELT3=1.3 CRPIX3=10. CUNIT3='km/s'",
     {{{28.585999999999999, 43.460000000000001, 34.424999999999997}, {55.461800000000004, 41.144595209224924, 9.9677977911885218}},
      {{-2.6400000000000001, 40.930999999999997, 40.518999999999998}, {14.868, 41.119254542102794, 9.8869175922681869}},
      {{10.459, 6.3890000000000002, -0.53900000000000003}, {31.896700000000003, 40.773094399035116, 10.429663924449221}},
      {{10.683999999999999, 0.085000000000000006, 9.8030000000000008}, {32.1892, 40.710482496931874, 10.292825957783121}}},
     0.00010000000000000009},
    {"zpn",
     2,
     "CTYPE1='RA---ZPN' CRVAL1=10. CDELT1=-0.01 CRPIX1=33. CTYPE2='DEC--ZPN' CRVAL2=-41. CDELT2=0.01 CRPIX2=30. PV2_1=1. PV2_3=42. "
     "CUNIT1='deg'",
     {{{52.823, 34.859999999999999}, {-40.761938921661191, 9.9622685411173748}},
      {{20.084, 19.018999999999998}, {-41.089003740794737, 10.172178166577217}},
      {{39.862000000000002, 23.254999999999999}, {-40.891349155865569, 10.115653105107393}},
      {{56.280000000000001, 46.472000000000001}, {-40.727374070698964, 9.8092645643563738}}},
     0.00010000000000000009},
    {"velo_nl",
     1,
     "CTYPE1='FREQ-V2F' CRVAL1=1400000000. CDELT1=-50000. CRPIX1=1. CUNIT1='Hz' RESTFRQ=1420405752.",
     {{{20.669}, {1398966920.1237087}},
      {{41.527000000000001}, {1397925142.951144}},
      {{18.523}, {1399074147.278785}},
      {{48.911999999999999}, {1397556470.6219447}}},
     0},
};

void expect_world(const std::vector<double>& got, const std::vector<double>& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]))
      EXPECT_TRUE(std::isnan(got[i])) << what;
    else
      EXPECT_NEAR(got[i], want[i], 1e-12 * std::max(1.0, std::abs(want[i]))) << what << ", axis " << i;
  }
}

TEST(Wcs, EqualsAstropy) {
  for (const Case& c : kCases) {
    const Wcs wcs = Wcs::from_cards(cards_of(c.header), c.rank);
    ASSERT_EQ(wcs.rank(), c.rank);
    EXPECT_EQ(wcs.has_celestial(), c.pixel_area > 0) << c.name;
    if (c.pixel_area > 0) {
      EXPECT_NEAR(wcs.pixel_area() / c.pixel_area, 1, 1e-12) << c.name;
    }
    for (const auto& [pixel, world] : c.points) {
      expect_world(wcs.pixel_to_world(pixel), world, c.name);
      if (std::any_of(world.begin(), world.end(), [](double v) { return std::isnan(v); })) continue;
      const std::vector<double> back = wcs.world_to_pixel(world);
      for (std::size_t i = 0; i < back.size(); ++i) EXPECT_NEAR(back[i], pixel[i], 1e-6) << c.name;
    }
  }
}

TEST(Wcs, HeaderCardsReadBackAsTheSameCoordinates) {
  for (const Case& c : kCases) {
    const Wcs wcs = Wcs::from_cards(cards_of(c.header), c.rank);
    const std::string cards = wcs.to_header_cards();
    EXPECT_EQ(cards.size() % 80, 0u);
    const Wcs back = Wcs::from_cards(cards, c.rank);
    EXPECT_EQ(back.to_header_cards(), cards) << c.name;
    EXPECT_TRUE(back.same_as(wcs)) << c.name;
    for (const auto& [pixel, world] : c.points) expect_world(back.pixel_to_world(pixel), world, c.name);
  }
}

const Case& case_of(std::string_view name) {
  return *std::find_if(std::begin(kCases), std::end(kCases), [&](const Case& c) { return name == c.name; });
}
Wcs wcs_of(std::string_view name) { return Wcs::from_cards(cards_of(case_of(name).header), case_of(name).rank); }

TEST(Wcs, FindsAxesInAnyOrder) {
  const Wcs alma = wcs_of("alma");
  EXPECT_EQ(alma.kind(0), WorldKind::kStokes);
  EXPECT_EQ(alma.axis_of(WorldKind::kSpectral), 1);
  EXPECT_EQ(alma.axis_of(WorldKind::kLatitude), 2);
  EXPECT_EQ(alma.axis_of(WorldKind::kLongitude), 3);
  EXPECT_EQ(alma.name(3), "ra");
  EXPECT_EQ(alma.name(1), "freq");
  EXPECT_EQ(alma.cube_order(), (std::vector<int>{1, 2, 3, 0}));
  EXPECT_EQ(wcs_of("freqfirst").cube_order(), (std::vector<int>{2, 0, 1}));
  EXPECT_EQ(wcs_of("velolsr").ctype(0), "VRAD");
  EXPECT_EQ(wcs_of("velolsr").parameters().specsys, "LSRK");
  EXPECT_EQ(wcs_of("felo").ctype(0), "VOPT-F2W");
  EXPECT_EQ(wcs_of("felo").parameters().specsys, "BARYCENT");
  EXPECT_EQ(wcs_of("muse").unit(0).to_string(), "Angstrom");
  EXPECT_EQ(wcs_of("crota").unit(0).to_string(), "km/s");
  EXPECT_EQ(wcs_of("crota").unit(1).to_string(), "deg");
  EXPECT_EQ(wcs_of("velolsr").unit(0).to_string(), "m/s");
}

TEST(Wcs, KeptAxesGiveTheSameWorldInTheirOrder) {
  const Wcs alma = wcs_of("alma");
  const Wcs cube = alma.keep_axes(std::vector<int>{1, 2, 3});
  EXPECT_EQ(cube.rank(), 3);
  EXPECT_EQ(cube.parameters().restfrq, 115271201800.0);
  const std::vector<double> four = alma.pixel_to_world(std::vector<double>{0, 5, 6, 7});
  expect_world(cube.pixel_to_world(std::vector<double>{5, 6, 7}), {four[1], four[2], four[3]}, "dropped stokes");

  const Wcs odd = wcs_of("freqfirst");
  const Wcs ordered = odd.keep_axes(odd.cube_order());
  EXPECT_EQ(ordered.kind(0), WorldKind::kSpectral);
  EXPECT_EQ(ordered.kind(2), WorldKind::kLongitude);
  const std::vector<double> w = odd.pixel_to_world(std::vector<double>{3, 4, 500});
  expect_world(ordered.pixel_to_world(std::vector<double>{500, 3, 4}), {w[2], w[0], w[1]}, "permuted");

  const std::vector<double> sky = wcs_of("crota").celestial().pixel_to_world(std::vector<double>{10, 20});
  const std::vector<double> whole = wcs_of("crota").pixel_to_world(std::vector<double>{0, 10, 20});
  expect_world(sky, {whole[1], whole[2]}, "celestial");
  EXPECT_EQ(wcs_of("crota").spectral().rank(), 1);
  EXPECT_THROW(wcs_of("ncp").spectral(), Error);
  EXPECT_THROW(wcs_of("velo_nl").celestial(), Error);
  EXPECT_THROW(alma.keep_axes(std::vector<int>{1, 1}), Error);

  // A position-velocity slice: the axis of the sky that is left has no projection any more.
  const Wcs pv = wcs_of("vopt").drop_axis(1);
  EXPECT_EQ(pv.rank(), 2);
  EXPECT_FALSE(pv.has_celestial());
  EXPECT_TRUE(pv.has_spectral());
  EXPECT_EQ(pv.ctype(1), "RA");
}

TEST(Wcs, SlicesGiveTheWorldOfThePixelsTheyKeep) {
  std::mt19937 random(4);
  for (const char* name : {"alma", "muse", "crota", "vopt", "felo", "wave", "freqfirst"}) {
    const Wcs wcs = wcs_of(name);
    for (int round = 0; round < 20; ++round) {
      const int axis = static_cast<int>(random() % static_cast<unsigned>(wcs.rank()));
      const Index start = static_cast<Index>(random() % 30), step = std::vector<Index>{1, 2, 3, -1, -2}[random() % 5];
      std::vector<double> pixel(static_cast<std::size_t>(wcs.rank()));
      for (double& p : pixel) p = static_cast<double>(random() % 10);
      std::vector<double> old = pixel;
      old[static_cast<std::size_t>(axis)] = static_cast<double>(start) + pixel[static_cast<std::size_t>(axis)] * static_cast<double>(step);
      expect_world(wcs.slice(axis, start, step).pixel_to_world(pixel), wcs.pixel_to_world(old), std::string(name) + " sliced");
    }
  }
  EXPECT_THROW(wcs_of("alma").slice(0, 0, 0), Error);
  EXPECT_THROW(wcs_of("alma").slice(4, 0), Error);
}

TEST(Wcs, BinsLieAtTheMiddleOfTheirPixels) {
  const Wcs wcs = wcs_of("crota");
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> bin = {4, 5, 6}, old = bin;
    old[static_cast<std::size_t>(axis)] = bin[static_cast<std::size_t>(axis)] * 3 + 1;  // bin q holds 3q, 3q + 1, 3q + 2
    expect_world(wcs.downsample(axis, 3).pixel_to_world(bin), wcs.pixel_to_world(old), "binned");
  }
  EXPECT_NEAR(wcs.downsample(1, 3).pixel_area() / wcs.pixel_area(), 3, 1e-12);
  EXPECT_NEAR(wcs.downsample(0, 4).increment(0), 10, 1e-12);
  EXPECT_THROW(wcs.downsample(0, 0), Error);
}

TEST(Wcs, RandomSystemsGoThroughPixelsAndBack) {
  std::mt19937_64 random(77);
  std::uniform_real_distribution<double> unit(-1, 1);
  const char* kProjections[] = {"TAN", "SIN", "STG", "ARC", "ZEA", "CAR", "SFL", "AIT", "MOL"};
  for (int round = 0; round < 300; ++round) {
    WcsParameters p;
    p.axes.resize(3);
    const std::string projection = kProjections[random() % std::size(kProjections)];
    p.axes[0].ctype = "RA---" + projection, p.axes[1].ctype = "DEC--" + projection, p.axes[2].ctype = random() % 2 ? "FREQ" : "VOPT-F2W";
    p.axes[2].unit = Unit::parse(p.axes[2].ctype == "FREQ" ? "GHz" : "km/s");
    p.restfrq = 1.42e9;
    for (auto& axis : p.axes) axis.crpix = 50 * unit(random), axis.cdelt = 0.01 * (1.5 + unit(random)) * (random() % 2 ? 1 : -1);
    p.axes[0].crval = 180 + 180 * unit(random),
    p.axes[1].crval = projection == "CAR" || projection == "AIT" || projection == "MOL" || projection == "SFL" ? 0 : 80 * unit(random);
    p.axes[2].crval = p.axes[2].ctype == "FREQ" ? 1.4 : 5000;
    const double angle = unit(random);
    p.pc = {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0, 0, 0, 1};
    const Wcs wcs(p);
    std::vector<double> pixels(30);
    for (double& v : pixels) v = 100 * unit(random);
    const std::vector<double> world = wcs.pixel_to_world(pixels), back = wcs.world_to_pixel(world);
    const std::vector<double> again = Wcs::from_cards(wcs.to_header_cards(), 3).pixel_to_world(pixels);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      EXPECT_NEAR(back[i], pixels[i], 1e-6) << round << " " << projection;
      EXPECT_NEAR(again[i], world[i], 1e-12 * std::max(1.0, std::abs(world[i]))) << round << " " << projection;
    }
  }
}

TEST(Wcs, SkyIsThatOfEveryPixel) {
  const Wcs wcs = wcs_of("wave");
  const Wcs::Sky sky = wcs.sky(7, 5);
  for (int y = 0; y < 7; ++y)
    for (int x = 0; x < 5; ++x) {
      const std::vector<double> w = wcs.pixel_to_world(std::vector<double>{0, double(y), double(x)});
      EXPECT_EQ(sky.latitude[static_cast<std::size_t>(y * 5 + x)], w[1]);
      EXPECT_EQ(sky.longitude[static_cast<std::size_t>(y * 5 + x)], w[2]);
    }
}

TEST(Wcs, SeparationsAddUpAlongTheSphere) {
  // Rows of a CAR image on the equator are arcs of CDELT; columns are meridians everywhere.
  const Wcs wcs =
      Wcs::from_cards(cards_of("CTYPE1='RA---CAR' CRVAL1=0. CDELT1=-0.5 CRPIX1=1. CTYPE2='DEC--CAR' CRVAL2=0. CDELT2=0.25 CRPIX2=1."), 2);
  const std::vector<double> x = wcs.cumulative_separation(false, 9, 6), y = wcs.cumulative_separation(true, 9, 6);
  for (int j = 0; j < 9; ++j)
    for (int i = 0; i < 6; ++i) {
      EXPECT_NEAR(y[static_cast<std::size_t>(j * 6 + i)], 0.25 * j, 1e-12);
      const double latitude = 0.25 * j * M_PI / 180, step = 2 * std::asin(std::cos(latitude) * std::sin(0.25 * M_PI / 180)) * 180 / M_PI;
      EXPECT_NEAR(x[static_cast<std::size_t>(j * 6 + i)], i * step, 1e-12);
    }
}

TEST(Wcs, SpectralValuesInTheUnitOfTheHeader) {
  const std::vector<double> muse = wcs_of("muse").spectral_values(4);
  EXPECT_NEAR(muse[0], 4749.89, 1e-9);
  EXPECT_NEAR(muse[3], 4753.64, 1e-9);
  EXPECT_NEAR(wcs_of("muse").spectral_values(4, Unit::parse("nm"))[3], 475.364, 1e-10);
  const std::vector<double> freq = wcs_of("freqfirst").spectral_values(3);
  EXPECT_NEAR(freq[2], 1.42 + 1e-5 * (3 - 512), 1e-14);
  EXPECT_EQ(wcs_of("alma").spectral_values(0).size(), 0u);
  EXPECT_THROW(wcs_of("ncp").spectral_values(3), Error);
}

TEST(Wcs, WithoutKeywordsIsLinear) {
  const Wcs none = Wcs::from_cards("", 3);
  EXPECT_EQ(none.pixel_to_world(std::vector<double>{4, 5, 6}), (std::vector<double>{5, 6, 7}));
  EXPECT_FALSE(none.has_celestial());
  EXPECT_FALSE(none.has_spectral());
  EXPECT_THROW(none.pixel_area(), Error);
  EXPECT_EQ(Wcs::pixels(2).pixel_to_world(std::vector<double>{4, 5}), (std::vector<double>{4, 5}));
  EXPECT_EQ(Wcs().rank(), 0);
  EXPECT_EQ(Wcs().to_header_cards(), "");
}

TEST(Wcs, OtherWaysToWriteAMatrix) {
  const std::string base = "CTYPE1='RA---TAN' CRVAL1=10. CRPIX1=33. CTYPE2='DEC--TAN' CRVAL2=41. CRPIX2=30. ";
  const Wcs cd = Wcs::from_cards(cards_of(base + "CD1_1=-0.008 CD1_2=0.002 CD2_1=0.002 CD2_2=0.008"), 2);
  const Wcs pc = Wcs::from_cards(cards_of(base + "CDELT1=-0.01 CDELT2=0.01 PC1_1=0.8 PC1_2=-0.2 PC2_1=0.2 PC2_2=0.8"), 2);
  const Wcs old = Wcs::from_cards(cards_of(base + "CDELT1=-0.01 CDELT2=0.01 PC001001=0.8 PC001002=-0.2 PC002001=0.2 PC002002=0.8"), 2);
  EXPECT_TRUE(cd.same_as(pc));
  EXPECT_TRUE(old.same_as(pc));
  EXPECT_FALSE(cd.same_as(cd.slice(0, 1)));
  // A cube with CD for the sky and CDELT for the spectrum.
  const Wcs mixed = Wcs::from_cards(cards_of(base + "CD1_1=-0.01 CD2_2=0.01 CTYPE3='VRAD' CRVAL3=5. CDELT3=2. CRPIX3=1. CUNIT3='km/s'"), 3);
  EXPECT_EQ(mixed.spectral_values(3), (std::vector<double>{5, 7, 9}));
  EXPECT_EQ(Wcs::from_cards(cards_of("CTYPE1='STOKES' CRVAL1=1. CDELT1=0. CRPIX1=1."), 1).kind(0), WorldKind::kStokes);
}

TEST(Wcs, RefusesWhatMakesNoSense) {
  const char* kBad[] = {"CTYPE1='RA---TAN' CTYPE2='XXXX'",  // one celestial axis
                        "CTYPE1='RA---TAN' CTYPE2='DEC--SIN'",
                        "CTYPE1='RA---TAN' CTYPE2='DEC--TAN' CDELT1=0.",
                        "CTYPE1='RA---TAN' CTYPE2='DEC--TAN' PC1_1=0. PC2_2=0.",
                        "CTYPE1='FREQ' CUNIT1='km/s'",
                        "CTYPE1='VOPT-F2W' CRVAL1=1000. CDELT1=10.",
                        "CTYPE1='RA---TAN' CTYPE2='DEC--TAN' CUNIT1='Jy'"};
  for (const char* header : kBad) {
    try {
      Wcs::from_cards(cards_of(header), 2);
      ADD_FAILURE() << header;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kData) << e.what();
    }
  }
}

TEST(Wcs, AnyHeaderIsAWcsOrAnError) {
  set_log_level(LogLevel::kNone);
  std::mt19937 random(12);
  const char* kKeys[] = {"CTYPE1", "CTYPE2",  "CTYPE3", "CUNIT3", "CRVAL1",  "CDELT2",  "CD1_2",   "CD2_2",
                         "PC2_2",  "PV2_1",   "PV1_3",  "CRPIX3", "LONPOLE", "RESTFRQ", "A_ORDER", "A_2_0",
                         "VELREF", "EQUINOX", "CROTA2", "PS3_0",  "WCSAXES", "RADESYS", "SPECSYS", "CNAME2"};
  const char* kValues[] = {"'RA---TAN'",
                           "'DEC--TAN'",
                           "'RA---TAN-SIP'",
                           "'DEC--TAN-SIP'",
                           "'FREQ'",
                           "'VOPT-F2W'",
                           "'WAVE-TAB'",
                           "'AWAV-GRI'",
                           "'STOKES'",
                           "'GLON-ZPN'",
                           "1E308",
                           "-1E-308",
                           "0.",
                           "999",
                           "-7",
                           "'Hz'",
                           "'km/s'",
                           "T",
                           "1.5",
                           "3",
                           "'WAVE-LOG'",
                           "'CUBEFACE'",
                           "'VELO-LSR'"};
  int good = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string words;
    for (int k = 0; k < 8; ++k)
      words += std::string(kKeys[random() % std::size(kKeys)]) + "=" + kValues[random() % std::size(kValues)] + " ";
    try {
      const Wcs wcs = Wcs::from_cards(cards_of(words), 3);
      wcs.pixel_to_world(std::vector<double>{1, 2, 3});
      wcs.world_to_pixel(std::vector<double>{1, 2, 3});
      Wcs::from_cards(wcs.to_header_cards(), 3);
      ++good;
    } catch (const Error& e) {
      EXPECT_NE(e.kind(), ErrorKind::kInternal) << words;
    }
  }
  set_log_level(LogLevel::kInfo);
  EXPECT_GT(good, 100);
}

TEST(Wcs, ServesManyThreads) {
  const Wcs wcs = wcs_of("felo");
  const std::vector<double> pixels = {1, 2, 3, 4, 5, 6};
  const std::vector<double> world = wcs.pixel_to_world(pixels);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 100; ++round) {
        const Wcs mine = Wcs::from_cards(wcs.to_header_cards(), 3);
        wrong[t] += wcs.pixel_to_world(pixels) != world || mine.pixel_to_world(pixels) != world;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace freestone::astro
