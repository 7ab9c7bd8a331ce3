#include "freestone/astro/beam.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "freestone/astro/common_beam.h"
#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

Beam arcsec(double major, double minor, double pa) { return {major / 3600, minor / 3600, pa}; }
Beam arcsec(const double (&b)[3]) { return arcsec(b[0], b[1], b[2]); }

void expect_near(const Beam& got, const double (&want)[3], double relative, double degrees) {
  EXPECT_NEAR(got.major_deg * 3600 / want[0], 1, relative) << got.to_string();
  EXPECT_NEAR(got.minor_deg * 3600 / want[1], 1, relative) << got.to_string();
  EXPECT_NEAR(std::remainder(got.pa_deg - want[2], 180), 0, degrees) << got.to_string();
}

// radio_beam 0.3: r = default_rng(42); a, b random; a.convolve(b), a.deconvolve(b, failure_returns_pointlike=True); arcsec and deg, 0 for
// pointlike.
struct Pair {
  double a[3], b[3], convolved[3], deconvolved[3];
};
const Pair kPairs[] = {
    {{7.9656044370036696, 7.1771573114148612, -64.57211607033463},
     {1.9799623831073885, 1.1703918301767846, 173.41803494192408},
     {8.1029229917273398, 7.3888529681141772, -58.591347220425696},
     {7.8399189115001828, 6.9432013153925558, -69.551861911294225}},
    {{7.8502573179131767, 3.059084683078904, 10.115466542796938},
     {8.0745787474925841, 4.9680473298585177, 160.22654698912248},
     {10.989140542413327, 6.3327439089195989, -2.747280050016899},
     {0, 0, 0}},
    {{6.7947860807259808, 4.1474690625495425, 59.7378924942754},
     {8.4048545194374693, 3.8583922342800236, -72.76934085187267},
     {10.233641356396742, 6.6461998331934184, -86.999676473384099},
     {0, 0, 0}},
    {{8.4486805479332396, 7.0179929646801478, 172.08846658662389},
     {6.6849795920985837, 3.6644930809015892, 151.14270275699337},
     {10.693856417619346, 8.0244205310674772, -20.257517413751764},
     {6.4583092771063635, 4.5612726127512815, 38.65510626386736}},
    {{8.0054514736638573, 5.0170540850526786, -48.341837141762085},
     {1.1006993482670833, 0.27297011099825819, 94.423217375462741},
     {8.0554418891064863, 5.0649770678190746, -49.141819442675562},
     {7.9561158886134855, 4.9671171940804157, -47.52924677381818}},
    {{7.7028594031703541, 4.0677086675591747, 36.780069044468135},
     {9.70758759190789, 5.4296653094965235, -38.842733047242859},
     {10.810747458127242, 9.0954141419429231, -20.307074502190442},
     {0, 0, 0}},
    {{2.1692935480192448, 0.99535115522270412, 28.031018095529305},
     {5.2813443360334036, 4.0606661437186897, 134.82311293561611},
     {5.4146638507917979, 4.5562683556947086, -38.230527351906098},
     {0, 0, 0}},
    {{7.3023859180202422, 6.4449533530959204, 14.619162338147106},
     {3.8112997724383697, 3.290428680547361, -12.151411938834087},
     {8.2010277950953885, 7.2772476789314364, 8.6144834497514804},
     {6.3067229843378971, 5.4529425231674837, 23.237546970442818}},
    {{7.1424595357747798, 3.1422232336659865, 122.46958192557736},
     {0.90310894099351524, 0.20669020083356399, 89.509731279848666},
     {7.1836320062537151, 3.1846589876344171, -58.01798186668055},
     {7.1014744056971519, 3.098230097522122, -57.035323615651578}},
    {{7.3464884076370156, 4.5639401198430205, -52.25481050553249},
     {8.0265612791977112, 5.6034936266833801, -59.07688014528717},
     {10.870250160100403, 7.2431298201048566, -55.659899256434443},
     {0, 0, 0}},
    {{7.0156266561142449, 4.8805278437736339, 81.373946400159525},
     {5.2398658552881923, 4.3779037312025562, 59.466438177658858},
     {8.7052518792300404, 6.6241523527229216, 76.191642684154687},
     {4.8303367053603044, 1.7561837784234369, 89.607430251091117}},
    {{6.0328644467087216, 1.9400032069552473, -32.062138338727117},
     {3.7355508825635098, 2.2626312849135011, 20.302733805651755},
     {6.7378377166392349, 3.7194689818955187, -24.209068243122118},
     {0, 0, 0}},
    {{8.6806276594134957, 2.9584613723120716, -10.729685402995429},
     {1.2421821491152267, 0.46299425860302851, 88.717458976261668},
     {8.6950654937635576, 3.2029683868373429, -10.918311472948306},
     {8.6662459801718938, 2.6915777322845464, -10.548047709785529}},
    {{6.0132893710715054, 4.6002834970981441, 129.78550385982936},
     {8.0550838819577208, 4.7079613447850246, -44.917311624919947},
     {10.047350868524799, 6.589557967575228, -46.290935619878063},
     {0, 0, 0}},
    {{1.2044086582047444, 0.9703336967968883, -46.456619660927515},
     {1.8104307469807757, 1.1284669413784343, 45.282089277908142},
     {2.0542236739317228, 1.6502757114960795, 45.873240884770112},
     {0, 0, 0}},
    {{2.3708089244185158, 1.4516685731969219, -8.5917359300733409},
     {7.2668833756996243, 4.1182507823063377, 80.176300142099876},
     {7.4105827102605115, 4.7517285274818004, 80.042492215424247},
     {0, 0, 0}},
    {{4.2563134949805139, 1.6284831280721832, 155.3167864910539},
     {0.71553970953796364, 0.52234132178196946, 98.92092612890238},
     {4.2968699526742258, 1.7578134167598691, -25.09409724913375},
     {4.2155532853004827, 1.4874255720552252, -24.277222933810286}},
    {{3.3928296531356761, 2.8673673075076551, 31.32760557882294},
     {9.7225873961295157, 7.7957954811071639, -16.49477830180706},
     {10.213394001529892, 8.4096851403308239, -13.698482758288215},
     {0, 0, 0}},
    {{1.8675186593814936, 1.1560751058520033, -7.3917114793238312},
     {9.1234215688945746, 4.0293988716571922, 66.389283614311921},
     {9.205772818748498, 4.4216239995937112, 65.882246558373609},
     {0, 0, 0}},
    {{2.5909550464530855, 2.1529895164977573, 26.665120739278009},
     {8.7095285568313798, 6.9991867793553144, 79.37338698965965},
     {9.0162071429242463, 7.4095157683437902, 77.19708833293268},
     {0, 0, 0}},
    {{6.2568817202146203, 2.2469152065856597, -78.764173057289028},
     {2.7394477655973524, 1.2143941431268401, 43.377521196020098},
     {6.5240044954897511, 3.2578964600595217, -83.659254599821764},
     {0, 0, 0}},
    {{3.9687509109950678, 1.4778917089424495, -43.939898495040751},
     {2.3007176997944221, 1.6366182978164945, 159.78243196173526},
     {4.5476729674695351, 2.2859658056775363, -40.360446426412807},
     {0, 0, 0}},
    {{6.229550257303555, 4.4456615035929676, 168.81098757519021},
     {4.1218282408135334, 1.3023440199711136, 40.221927974583053},
     {7.0311201715812039, 5.2744781484717205, 10.619847592814144},
     {5.7804123037471538, 2.5441046005183416, -27.993185179556018}},
    {{8.0446170452525756, 5.1538710460081543, 163.21314284324538},
     {1.7445699993019472, 1.1226218903495531, 64.366574141540355},
     {8.1252897254720189, 5.4370691950668357, -16.360987005299272},
     {7.9633692845553208, 4.8537815577459238, -17.176422585517788}},
};

TEST(Beam, ConvolvesAndDeconvolvesAsRadioBeam) {
  int pointlike = 0;
  for (const Pair& p : kPairs) {
    expect_near(convolve(arcsec(p.a), arcsec(p.b)), p.convolved, 1e-12, 1e-9);
    const auto deconvolved = deconvolve(arcsec(p.a), arcsec(p.b));
    ASSERT_EQ(deconvolved.has_value(), p.deconvolved[0] > 0) << arcsec(p.a).to_string() << " from " << arcsec(p.b).to_string();
    if (deconvolved)
      expect_near(*deconvolved, p.deconvolved, 1e-10, 1e-8);
    else
      ++pointlike;
  }
  EXPECT_GT(pointlike, 5);
}

TEST(Beam, DeconvolutionUndoesConvolution) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> size(0.5, 20), ratio(0.3, 1), angle(-180, 180);
  for (int round = 0; round < 2000; ++round) {
    const double ma = size(random), mb = size(random);
    const Beam a = arcsec(ma, ma * ratio(random), angle(random)), b = arcsec(mb, mb * ratio(random), angle(random));
    const Beam both = convolve(a, b);
    EXPECT_GE(both.major_deg, a.major_deg);
    const auto back = deconvolve(both, b);
    ASSERT_TRUE(back);
    EXPECT_NEAR(back->major_deg / a.major_deg, 1, 1e-9);
    EXPECT_NEAR(back->minor_deg / a.minor_deg, 1, 1e-9);
    EXPECT_FALSE(deconvolve(a, both));
  }
}

TEST(Beam, ConvolvingBeamSaysWhatCannotBe) {
  const Beam small = arcsec(0.79, 0.68, 20), round = arcsec(1.08, 1.08, 0);
  EXPECT_FALSE(convolving_beam(small, small));
  EXPECT_FALSE(convolving_beam(round, arcsec(1.08, 1.08, 77)));
  EXPECT_TRUE(convolving_beam(small, round));
  try {
    convolving_beam(round, small);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUser);
    EXPECT_NE(std::string(e.what()).find("0.79\" x 0.68\", PA 20 deg"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("1.08\" x 1.08\""), std::string::npos) << e.what();
  }
  // Longer one way, narrower the other.
  EXPECT_THROW(convolving_beam(arcsec(1, 0.9, 0), arcsec(2, 0.8, 0)), Error);
}

TEST(Beam, EqualityIsModuloHalfATurn) {
  EXPECT_TRUE(is_same(arcsec(2, 1, -90), arcsec(2, 1, 90)));
  EXPECT_TRUE(is_same(arcsec(2, 1, 0), arcsec(2, 1, 180)));
  EXPECT_FALSE(is_same(arcsec(2, 1, 0), arcsec(2, 1, 0.001)));
  EXPECT_FALSE(is_same(arcsec(2, 1, 0), arcsec(2, 1.00001, 0)));
}

// radio_beam 0.3: k = Beam(maj, min, pa).as_kernel(scale).array; k /= k.sum(); side, then k at the centre h, and (h, h+1), (h+1, h), (h+1,
// h+1), (h-2, h+1).
struct KernelCase {
  double major, minor, pa, scale;
  Index side;
  double values[5];
};
const KernelCase kKernels[] = {
    {1.08,
     1.08,
     0,
     0.2,
     37,
     {0.030265514424232063, 0.027520385164168881, 0.027520385164168881, 0.025024243400198664, 0.018813963578376336}},
    {0.8, 0.5, 30, 0.2, 27, {0.088254240061054076, 0.060593607167377911, 0.06936296610232312, 0.03768304859240839, 0.036926727319156007}},
    {0.8, 0.5, -75, 0.3, 19, {0.19856486488281996, 0.12908568427535075, 0.076227936163680635, 0.067168669986498036, 0.0015260588721590811}},
    {3,
     0.4,
     120,
     0.2,
     89,
     {0.029418080020353576, 0.024509987669545031, 0.017438290858629517, 0.026199780237873935, 0.00093061818400118931}},
    {0.3, 0.3, 0, 0.2, 11, {0.39172015129339038, 0.11423823296772244, 0.11423823296772244, 0.033315554046677479, 0.00082633039907186335}},
    {1.0, 0.7, 90, 0.25, 29, {0.078798428625827546, 0.066261316159084052, 0.05532619772936323, 0.04652360134023973, 0.016103234902891752}},
};

TEST(BeamKernel, EqualsRadioBeam) {
  for (const KernelCase& c : kKernels) {
    const BeamKernel k = kernel(arcsec(c.major, c.minor, c.pa), c.scale / 3600);
    ASSERT_EQ(k.ny, c.side);
    ASSERT_EQ(k.nx, c.side);
    const Index h = c.side / 2;
    const auto at = [&](Index y, Index x) { return k.weights[static_cast<std::size_t>(y * k.nx + x)]; };
    const double values[] = {at(h, h), at(h, h + 1), at(h + 1, h), at(h + 1, h + 1), at(h - 2, h + 1)};
    for (int i = 0; i < 5; ++i) EXPECT_NEAR(values[i] / c.values[i], 1, 1e-12) << c.major << " " << i;
  }
}

TEST(BeamKernel, IsNormalisedAndSymmetric) {
  const BeamKernel k = kernel(arcsec(1.3, 0.7, 33), 0.2 / 3600);
  double sum = 0;
  for (std::size_t i = 0; i < k.weights.size(); ++i) {
    sum += k.weights[i];
    EXPECT_EQ(k.weights[i], k.weights[k.weights.size() - 1 - i]);
  }
  EXPECT_NEAR(sum, 1, 1e-14);
}

TEST(BeamKernel, RefusesSizesThatCannotBeMeant) {
  EXPECT_THROW(kernel(Beam{1, 1, 0}, 1e-5), Error);
  EXPECT_THROW(kernel(Beam{1, 1, 0}, 0), Error);
  EXPECT_THROW(kernel(Beam{std::nan(""), 1, 0}, 1), Error);
}

// radio_beam 0.3: Beams(...).common_beam(), two beams (exact) and several (Khachiyan).
struct Common {
  std::vector<std::array<double, 3>> beams;
  double common[3];
};
const Common kCommon[] = {
    {{{2.4734894010569537, 1.6058042808191246, 79.004062854908398}, {2.2669756630918938, 1.6646460807269003, 3.8901743784594767}},
     {2.50713829254632, 2.21076348100743, 62.7669180786487}},
    {{{2.8262919241943578, 1.5915191525227543, 19.54363340437984}, {2.8961607718397668, 2.1701403712145146, 121.00321674716611}},
     {2.96063208710015, 2.74473001710658, 150.024212298379}},
    {{{2.2812337838390082, 1.8869169955706147, 19.393370272061382}, {2.6594226346919019, 2.2495826594931909, 164.88213212476941}},
     {2.6594226346919, 2.24958265949319, 164.882132124769}},
    {{{2.2302139908948808, 1.6719548785011975, 149.36215376383436}, {2.0374125561761796, 1.3587810514161847, 145.48526497157434}},
     {2.23021399089488, 1.6719548785012, 149.362153763834}},
    {{{2.9528993950697449, 2.6601389708864125, 43.374703501023255},
      {2.2909178381401185, 2.0665246990096411, 22.096427834067484},
      {2.5150571292317148, 1.8447598528739948, 149.6002809824831},
      {2.255965090567603, 1.4487087556956777, 27.591176992408929},
      {2.9360435700489633, 2.4880197468082792, 32.268295468393035},
      {2.1646078175820183, 1.7268106230708669, 107.88890247375183},
      {2.0449106193923292, 1.3662988057025058, 157.42116735074362},
      {2.4350970600030379, 1.3210645075507144, 35.358239828623184},
      {2.9923755640558372, 2.5017915250491303, 55.858261122017062},
      {2.8916772662549137, 1.7873666313601144, 139.93287088341197},
      {2.7486080194569493, 2.5330234719589191, 174.92875669097413}},
     {3.00611568353636, 2.87701217067526, 71.371481688558}},
    {{{2.5007411862023421, 2.0129626229820863, 35.959617298810372},
      {2.1438975025512508, 1.1894871323568275, 144.74241471280729},
      {2.0139362877082014, 1.4658404441337229, 128.77328333084429},
      {2.2296560299988553, 1.8114129067142117, 133.01712070479752},
      {2.1318222177865209, 1.6233878932911097, 23.590395280316386}},
     {2.50394474086656, 2.22510397931867, 32.8798086338143}},
    {{{2.9275625510065075, 1.8411464365169119, 25.261127471504274},
      {2.3975781938249408, 2.1965743325252749, 75.440577476934692},
      {2.3009486917809396, 1.1762145322730657, 173.9217441857727},
      {2.4885840453515335, 1.8660376682409905, 107.2876595821871},
      {2.6628642127635826, 2.091117442887052, 167.94417988803801},
      {2.95562325704697, 1.6186584017474639, 144.78496481033474}},
     {3.21958313088371, 2.52506888827946, -5.23077281251962}},
    {{{2.4673816015552914, 2.1546234076519646, 109.08284772600197},
      {2.7847634492521873, 2.3909079211144517, 156.193011679682},
      {2.0178367839769877, 1.2201623629546998, 108.55928832097062},
      {2.1091439967657348, 1.5583332714378775, 74.262882469262465}},
     {2.78476344925219, 2.39090792111445, 156.193011679682}},
};

TEST(CommonBeam, EqualsRadioBeam) {
  for (const Common& c : kCommon) {
    std::vector<Beam> beams;
    for (const auto& b : c.beams) beams.push_back(arcsec(b[0], b[1], b[2]));
    const bool exact = beams.size() == 2;
    expect_near(common_beam(beams), c.common, exact ? 1e-9 : 1e-5, exact ? 1e-6 : 0.01);
  }
}

TEST(CommonBeam, EnclosesAllAndIsHardlyLargerThanNeeded) {
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> size(1, 2), ratio(0.5, 1), angle(0, 180);
  for (int round = 0; round < 60; ++round) {
    std::vector<Beam> beams(2 + random() % 8);
    for (Beam& b : beams) b.major_deg = size(random) / 3600, b.minor_deg = b.major_deg * ratio(random), b.pa_deg = angle(random);
    const Beam common = common_beam(beams);
    for (const Beam& b : beams) EXPECT_TRUE(is_same(common, b) || deconvolve(common, b)) << round;
    // A thousandth smaller no longer holds all, unless only the tolerance of the algorithm lies between.
    const Beam less{common.major_deg * 0.995, common.minor_deg * 0.995, common.pa_deg};
    bool all = true;
    for (const Beam& b : beams) all = all && deconvolve(less, b);
    EXPECT_FALSE(all) << round;
  }
}

TEST(CommonBeam, OfPerpendicularBeamsIsARoundOne) {
  const std::vector<Beam> beams = {arcsec(2, 1, 0), arcsec(2, 1, 90)};
  const Beam common = common_beam(beams);
  EXPECT_NEAR(common.major_deg * 3600, 2, 1e-9);
  EXPECT_NEAR(common.minor_deg * 3600, 2, 1e-9);
}

TEST(CommonBeam, LeavesInvalidBeamsOut) {
  const double nan = std::nan("");
  const std::vector<Beam> beams = {arcsec(2, 1, 30), {nan, nan, nan}, {0, 0, 0}};
  EXPECT_TRUE(is_same(common_beam(beams), beams[0]));
  EXPECT_THROW(common_beam(std::vector<Beam>{{nan, nan, nan}}), Error);
  EXPECT_THROW(common_beam({}), Error);
}

FitsHeader header_of(std::initializer_list<const char*> lines) {
  std::string cards;
  for (std::string line : lines) line.resize(80, ' '), cards += line;
  return FitsHeader::parse(cards);
}

TEST(Beam, ComesFromKeywordsAndHistory) {
  const auto keywords =
      beam_from_header(header_of({"BMAJ    =                0.002", "BMIN    =                0.001", "BPA     =                 45.0"}));
  ASSERT_TRUE(keywords);
  EXPECT_EQ(keywords->major_deg, 0.002);
  EXPECT_EQ(keywords->minor_deg, 0.001);
  EXPECT_EQ(keywords->pa_deg, 45.0);
  const auto round = beam_from_header(header_of({"BMAJ    =                0.002"}));
  ASSERT_TRUE(round);
  EXPECT_EQ(round->minor_deg, 0.002);
  const auto aips = beam_from_header(header_of({"HISTORY AIPS   CLEAN BMAJ=  1.7599E-03 BMIN=  1.5740E-03 BPA=   2.61"}));
  ASSERT_TRUE(aips);
  EXPECT_EQ(aips->major_deg, 1.7599e-3);
  EXPECT_EQ(aips->minor_deg, 1.574e-3);
  EXPECT_EQ(aips->pa_deg, 2.61);
  const auto casa =
      beam_from_header(header_of({"HISTORY > restoration: 1.34841 by 0.830715 (arcsec)", "HISTORY        at pa 82.8827 (deg)"}));
  ASSERT_TRUE(casa);
  EXPECT_DOUBLE_EQ(casa->major_deg, 1.34841 / 3600);
  EXPECT_DOUBLE_EQ(casa->minor_deg, 0.830715 / 3600);
  EXPECT_EQ(casa->pa_deg, 82.8827);
  EXPECT_FALSE(beam_from_header(header_of({"OBJECT  = 'x'"})));
  EXPECT_FALSE(beam_from_header(header_of({"BMAJ    =                  0.0"})));
  EXPECT_THROW(beam_from_header(header_of({"BMAJ    =                 -1.0"})), Error);
  EXPECT_THROW(beam_from_header(header_of({"BMAJ    =                  1.0", "BMIN    =                  2.0"})), Error);
}

TEST(Beam, GoesToAHeaderAndBack) {
  FitsHeader header;
  const Beam beam = arcsec(0.79, 0.68, -12.3);
  set_beam(header, beam);
  const auto back = beam_from_header(FitsHeader::parse(header.format()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->major_deg, beam.major_deg);
  EXPECT_EQ(back->minor_deg, beam.minor_deg);
  EXPECT_EQ(back->pa_deg, beam.pa_deg);
}

TEST(Beam, IsReadAsPeopleWriteIt) {
  const Beam beam = parse_beam("1.08arcsec,0.9arcsec,10deg");
  EXPECT_DOUBLE_EQ(beam.major_deg, 1.08 / 3600);
  EXPECT_DOUBLE_EQ(beam.minor_deg, 0.9 / 3600);
  EXPECT_EQ(beam.pa_deg, 10);
  EXPECT_EQ(parse_beam("2 arcmin").minor_deg, parse_beam("120arcsec").major_deg);
  for (const char* text :
       {"", "1.08,1.08,0", "1arcsec,2arcsec,0deg", "0arcsec", "-1arcsec", "1arcsec,1arcsec,0deg,3", "1km,1km,0deg", "x"}) {
    EXPECT_THROW(parse_beam(text), Error) << text;
  }
}

TEST(Beam, TableGivesABeamForEachChannel) {
  const double nan = std::nan("");
  BeamColumns columns{{2, 3, nan, 9}, {1, 2, nan, 9}, {10, 20, nan, 9}, "arcsec", "arcsec", "deg", {1, 0, 2, 0}, {0, 0, 0, 1}};
  const auto beams = beams_from_columns(columns, 4);
  EXPECT_DOUBLE_EQ(beams[0].major_deg, 3.0 / 3600);
  EXPECT_DOUBLE_EQ(beams[1].minor_deg, 1.0 / 3600);
  EXPECT_EQ(beams[1].pa_deg, 10);
  EXPECT_FALSE(beams[2].is_valid());
  EXPECT_FALSE(beams[3].is_valid());
  EXPECT_DOUBLE_EQ(beams_from_columns(columns, 4, 1)[0].major_deg, 9.0 / 3600);
  columns.major_unit = columns.minor_unit = "", columns.pa_unit = "rad";
  EXPECT_DOUBLE_EQ(beams_from_columns(columns, 4)[0].major_deg, 3.0 / 3600);
  EXPECT_NEAR(beams_from_columns(columns, 4)[0].pa_deg, 20 * 180 / M_PI, 1e-9);
  columns.channel[0] = 7;
  EXPECT_THROW(beams_from_columns(columns, 4), Error);
  columns.channel[0] = -1;
  EXPECT_THROW(beams_from_columns(columns, 4), Error);
  columns.channel.pop_back();
  EXPECT_THROW(beams_from_columns(columns, 4), Error);
  EXPECT_THROW(beams_from_columns({{1}, {1}, {0}, "km", "", "", {}, {}}, 1), Error);
}

TEST(Beam, AreaAndBrightnessEqualAstropy) {
  // Beam(1.5 arcsec, 1.1 arcsec, 20 deg): .sr, and (1 Jy).to(K, .jtok_equiv(115.27 GHz))
  const Beam beam = arcsec(1.5, 1.1, 20);
  EXPECT_NEAR(beam.area_sr() / 4.394384945434817e-11, 1, 1e-14);
  EXPECT_NEAR(jansky_per_beam_to_kelvin(beam, 115.27e9) / 55.74391195093381, 1, 1e-14);
  EXPECT_NEAR(pixels_per_beam(arcsec(2, 1, 0), 0.04 / 3600 / 3600), M_PI / (4 * std::log(2.0)) * 2 / 0.04, 1e-9);
}

}  // namespace
}  // namespace freestone::astro
