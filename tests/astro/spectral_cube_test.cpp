#include "freestone/astro/spectral_cube.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "astro/sky_cubes.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/smooth.h"
#include "storage/temporary_folder.h"

namespace freestone::astro {
namespace {

using testing_files::error_of;
using testing_files::Folder;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A plain cube in memory beside its SkyArray: what the definitions are applied to.
struct Naive {
  Shape shape{9, 6, 8};
  std::vector<float> values;
  SkyArray sky;
  explicit Naive(unsigned seed) : values(random_pixels(seed, shape)), sky(cube_of(array_of(values, shape))) {}
  float at(Index s, Index y, Index x) const { return values[static_cast<std::size_t>((s * shape[1] + y) * shape[2] + x)]; }

  /// f(valid values, their positions along the axis) of every line along `axis`; positions by (s, y, x).
  template <class Position, class F>
  std::vector<double> along(int axis, Position&& position, F&& f) const {
    Shape outer = shape;
    outer[axis] = 1;
    std::vector<double> out;
    for (Index s = 0; s < outer[0]; ++s)
      for (Index y = 0; y < outer[1]; ++y)
        for (Index x = 0; x < outer[2]; ++x) {
          std::vector<double> v, w;
          for (Index k = 0; k < shape[axis]; ++k) {
            const Index a = axis == 0 ? k : s, b = axis == 1 ? k : y, c = axis == 2 ? k : x;
            if (std::isnan(at(a, b, c))) continue;
            v.push_back(at(a, b, c));
            w.push_back(position(a, b, c));
          }
          out.push_back(f(v, w));
        }
    return out;
  }
};

/// The moment by its definition, the mean first.
double moment_by_definition(const std::vector<double>& v, const std::vector<double>& x, int order, double dx) {
  if (v.empty()) return kNan;
  const double total = std::accumulate(v.begin(), v.end(), 0.0);
  if (order == 0) return total * dx;
  double mean = 0;
  for (std::size_t i = 0; i < v.size(); ++i) mean += v[i] * x[i] / total;
  if (order == 1) return mean;
  double sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] * std::pow(x[i] - mean, order);
  return sum / total;
}

TEST(Moment, EqualsTheDefinitionAlongTheSpectrum) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    const Naive naive(seed);
    const std::vector<double> x = axis_coordinates(naive.sky, 0);
    EXPECT_DOUBLE_EQ(x[3], 115271201800. - 3 * 488281.25);
    for (int order = 0; order <= 5; ++order) {
      SCOPED_TRACE(order);
      const SkyArray moment_n = moment(naive.sky, order);
      EXPECT_EQ(moment_n.data.dtype(), DType::kFloat64);
      const auto expected = naive.along(
          0, [&](Index s, Index, Index) { return x[static_cast<std::size_t>(s)]; },
          [&](const auto& v, const auto& w) { return moment_by_definition(v, w, order, 488281.25); });
      EXPECT_ALL_NEAR(numbers_of(moment_n.data), expected, order < 2 ? 1e-12 : 1e-6);
      EXPECT_EQ(moment_n.dims, (std::vector<std::string>{"y", "x"}));
      EXPECT_TRUE(moment_n.wcs.has_celestial());
      EXPECT_EQ(moment_n.unit, order == 0 ? Unit::parse("Jy beam-1 Hz") : Unit::parse("Hz").pow(order));
      EXPECT_TRUE(moment_n.beam.has_value());
    }
  }
}

TEST(Moment, EqualsTheDefinitionAlongTheSky) {
  const Naive naive(4);
  for (const int axis : {1, 2}) {
    const std::vector<double> separation = naive.sky.wcs.cumulative_separation(axis == 1, 6, 8);
    for (int order = 0; order <= 3; ++order) {
      const auto expected = naive.along(
          axis, [&](Index, Index y, Index x) { return separation[static_cast<std::size_t>(y * 8 + x)]; },
          [&](const auto& v, const auto& w) { return moment_by_definition(v, w, order, 5.555e-05); });
      std::vector<double> scaled = expected, actual = numbers_of(moment(naive.sky, order, axis == 1 ? "y" : "x").data);
      // Powers of 1e-4 degrees: to numbers of about 1.
      for (double& v : scaled) v *= std::pow(1e4, std::max(1, order));
      for (double& v : actual) v *= std::pow(1e4, std::max(1, order));
      EXPECT_ALL_NEAR(actual, scaled, 1e-9);
    }
  }
}

TEST(Moment, TransposedCubesHaveTheSameMoments) {
  const Naive naive(5);
  const SkyArray turned = transpose(naive.sky, {2, 0, 1});
  EXPECT_EQ(turned.dims, (std::vector<std::string>{"x", "spectral", "y"}));
  EXPECT_ALL_NEAR(numbers_of(transpose(moment(turned, 1), {}).data), numbers_of(moment(naive.sky, 1).data), 1e-15);
  EXPECT_ALL_NEAR(numbers_of(transpose(moment(turned, 1, "y"), {}).data), numbers_of(moment(naive.sky, 1, "y").data), 1e-12);
}

TEST(Moment, RefusesWhatHasNone) {
  const Naive naive(1);
  EXPECT_SAYS(error_of([&] { moment(naive.sky, -1); }), "order -1");
  EXPECT_SAYS(error_of([&] { moment(naive.sky, 9); }), "0 to 8");
  EXPECT_SAYS(error_of([&] { moment(naive.sky, 1, "spectrl"); }), "Did you mean 'spectral'?");
  EXPECT_SAYS(error_of([&] { moment(slice(naive.sky, {{0, 0}}), 0); }), "no pixels");
}

TEST(Reduce, EqualsTheDefinitions) {
  const Naive naive(6);
  const auto nowhere = [](Index, Index, Index) { return 0.0; };
  for (const int axis : {0, 1, 2}) {
    const std::vector<std::string> axes = {naive.sky.dims[static_cast<std::size_t>(axis)]};
    const auto check = [&](const std::string& name, auto&& f) {
      SCOPED_TRACE(name);
      const auto expected = naive.along(axis, nowhere, [&](std::vector<double> v, const auto&) { return v.empty() ? kNan : f(v); });
      const SkyArray result = reduce(naive.sky, name, axes, 30);
      EXPECT_EQ(result.data.dtype(), DType::kFloat32);
      EXPECT_ALL_NEAR(numbers_of(result.data), expected, 1e-5);
    };
    const auto total = [](const auto& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
    const auto spread = [&](const auto& v) {
      double s = 0;
      for (const double x : v) s += (x - total(v) / static_cast<double>(v.size())) * (x - total(v) / static_cast<double>(v.size()));
      return s / static_cast<double>(v.size());
    };
    const auto middle = [](std::vector<double> v) {
      std::sort(v.begin(), v.end());
      return 0.5 * (v[(v.size() - 1) / 2] + v[v.size() / 2]);
    };
    check("sum", total);
    check("mean", [&](const auto& v) { return total(v) / static_cast<double>(v.size()); });
    check("var", spread);
    check("std", [&](const auto& v) { return std::sqrt(spread(v)); });
    check("min", [](const auto& v) { return *std::min_element(v.begin(), v.end()); });
    check("max", [](const auto& v) { return *std::max_element(v.begin(), v.end()); });
    check("median", middle);
    check("mad_std", [&](std::vector<double> v) {
      const double centre = middle(v);
      for (double& x : v) x = std::abs(x - centre);
      return 1.482602218505602 * middle(v);
    });
  }
  EXPECT_EQ(reduce(naive.sky, "var", {"spectral"}).unit, Unit::parse("Jy2 beam-2"));
  const SkyArray where_max = reduce(naive.sky, "argmax", {"spectral"});
  EXPECT_TRUE(where_max.unit.is_dimensionless());
  EXPECT_EQ(numbers_of(where_max.data)[10], -1);  // the spectrum without values
  EXPECT_SAYS(error_of([&] { reduce(naive.sky, "mena", {}); }), "'mean'");
}

TEST(Reduce, KeepsTheSpectrumOfTheSky) {
  const Naive naive(7);
  const SkyArray spectrum = reduce(naive.sky, "mean", {"y", "x"});
  EXPECT_EQ(spectrum.dims, std::vector<std::string>{"spectral"});
  EXPECT_TRUE(spectrum.wcs.has_spectral());
  EXPECT_EQ(axis_coordinates(spectrum, 0), axis_coordinates(naive.sky, 0));
  const SkyArray number = reduce(naive.sky, "max", {});
  EXPECT_EQ(number.rank(), 0);
  EXPECT_EQ(number.wcs.rank(), 0);
}

TEST(Statistics, EqualTheDefinitions) {
  const Naive naive(8);
  double n = 0, sum = 0, sumsq = 0, low = 1e9, high = -1e9;
  for (const double v : naive.values) {
    if (std::isnan(v)) continue;
    ++n, sum += v, sumsq += v * v, low = std::min(low, v), high = std::max(high, v);
  }
  const Statistics s = statistics(naive.sky);
  EXPECT_EQ(s.npts, n);
  EXPECT_EQ(s.min, low);
  EXPECT_EQ(s.max, high);
  EXPECT_NEAR(s.sum, sum, 1e-9);
  EXPECT_NEAR(s.sumsq, sumsq, 1e-9);
  EXPECT_NEAR(s.mean, sum / n, 1e-12);
  EXPECT_NEAR(s.sigma, std::sqrt((sumsq - sum * sum / n) / (n - 1)), 1e-12);
  EXPECT_NEAR(s.rms, std::sqrt(sumsq / n), 1e-12);
  EXPECT_EQ(s.unit, Unit::parse("Jy/beam"));
}

TEST(Statistics, OfNothingAreNaN) {
  const Statistics s = statistics_from({0, kNan, kNan, 0, 0}, Unit());
  EXPECT_EQ(s.npts, 0);
  EXPECT_TRUE(std::isnan(s.mean) && std::isnan(s.sigma) && std::isnan(s.rms) && std::isnan(s.min));
  EXPECT_TRUE(std::isnan(statistics_from({1, 2, 2, 2, 4}, Unit()).sigma));
}

TEST(SpectralSmooth, LeavesNaNOutAndMasked) {
  const Naive naive(9);
  const std::vector<double> kernel = {1, 4, 2};  // not symmetric, not normalised
  const auto actual = numbers_of(SpectralCube(naive.sky).spectral_smooth(kernel).data());
  std::vector<double> expected;
  for (Index s = 0; s < 9; ++s)
    for (Index y = 0; y < 6; ++y)
      for (Index x = 0; x < 8; ++x) {
        double sum = 0, weight = 0;
        for (Index t = -1; t <= 1; ++t) {
          const Index from = s - t;  // a convolution: kernel[1 + t] weighs the pixel t before
          const double w = kernel[static_cast<std::size_t>(1 + t)] / 7;
          if (from < 0 || from >= 9)
            weight += w;  // zero outside
          else if (!std::isnan(naive.at(from, y, x)))
            sum += w * naive.at(from, y, x), weight += w;
        }
        expected.push_back(std::isnan(naive.at(s, y, x)) ? kNan : sum / weight);
      }
  EXPECT_ALL_NEAR(actual, expected, 2e-6);
  EXPECT_SAYS(error_of([&] { smooth(naive.sky, {1, -2, 1}, "spectral"); }), "sums to 0");
}

TEST(ConvolveTo, KeepsTheFluxOfAPointAndScalesJanskyPerBeam) {
  const Shape shape{2, 41, 41};
  std::vector<float> values(static_cast<std::size_t>(element_count(shape)), 0);
  values[20 * 41 + 20] = 1;
  values[5] = std::numeric_limits<float>::quiet_NaN();
  const SkyArray cube = cube_of(array_of(values, shape));
  const Beam target{1.08 / 3600, 1.08 / 3600, 0};
  const SkyArray result = convolve_to(cube, target);
  EXPECT_EQ(result.data.dtype(), DType::kFloat32);
  EXPECT_EQ(result.beam->major_deg, target.major_deg);
  EXPECT_EQ(cube.beam->major_deg, 0.79 / 3600);  // the cube that it was called on keeps its beam
  const auto numbers = numbers_of(result.data);
  EXPECT_TRUE(std::isnan(numbers[5]));
  double total = 0;
  for (std::size_t i = 0; i < 41 * 41; ++i) total += std::isnan(numbers[i]) ? 0 : numbers[i];
  EXPECT_NEAR(total, target.area_sr() / cube.beam->area_sr(), 1e-5);
  EXPECT_EQ(std::max_element(numbers.begin() + 6, numbers.begin() + 41 * 41) - numbers.begin(), 20 * 41 + 20);

  SkyArray kelvin = cube;
  kelvin.unit = Unit::parse("K");
  const auto unscaled = numbers_of(convolve_to(kelvin, target).data);
  EXPECT_NEAR(numbers[20 * 41 + 20] / unscaled[20 * 41 + 20], target.area_sr() / cube.beam->area_sr(), 1e-6);
}

TEST(ConvolveTo, SkipsAnEqualBeamAndRefusesOthers) {
  const SkyArray cube = Naive(1).sky;
  EXPECT_EQ(convolve_to(cube, *cube.beam).data, cube.data);
  EXPECT_SAYS(error_of([&] { convolve_to(cube, {0.5 / 3600, 0.5 / 3600, 0}); }), "\"");
  SkyArray none = cube;
  none.beam.reset();
  EXPECT_SAYS(error_of([&] { convolve_to(none, {2. / 3600, 2. / 3600, 0}); }), "no beam");
}

TEST(To, BetweenKelvinAndJanskyPerBeamChannelByChannel) {
  const Naive naive(10);
  const SkyArray kelvin = to(naive.sky, Unit::parse("K"));
  EXPECT_EQ(kelvin.data.dtype(), DType::kFloat32);
  const auto numbers = numbers_of(kelvin.data);
  const auto frequencies = axis_coordinates(naive.sky, 0);
  std::vector<double> expected;
  for (std::size_t i = 0; i < naive.values.size(); ++i)
    expected.push_back(static_cast<double>(naive.values[i]) * jansky_per_beam_to_kelvin(*naive.sky.beam, frequencies[i / 48]));
  EXPECT_ALL_NEAR(numbers, expected, 1e-7);
  EXPECT_ALL_NEAR(numbers_of(to(kelvin, naive.sky.unit).data), numbers_of(naive.sky.data), 2e-7);
  EXPECT_ALL_NEAR(numbers_of(to(to(naive.sky, Unit::parse("MJy/sr")), Unit::parse("K")).data), expected, 3e-7);
  const auto valid = static_cast<std::size_t>(
      std::find_if(naive.values.begin(), naive.values.end(), [](float v) { return !std::isnan(v); }) - naive.values.begin());
  const auto by_pixel = numbers_of(to(naive.sky, Unit::parse("mJy/pix")).data),
             milli = numbers_of(to(naive.sky, Unit::parse("mJy/beam")).data);
  EXPECT_NEAR(by_pixel[valid] * pixels_per_beam(*naive.sky.beam, naive.sky.wcs.pixel_area()), 1000 * naive.values[valid], 1e-3);
  EXPECT_EQ(milli[valid], static_cast<double>(static_cast<float>(1000.0 * static_cast<double>(naive.values[valid]))));
  EXPECT_EQ(to(naive.sky, Unit::parse("JY/BEAM")).data, naive.sky.data);
  EXPECT_SAYS(error_of([&] { to(naive.sky, Unit::parse("km/s")); }), "does not convert");
}

TEST(SpectralSlab, ByCentresOrByTheNearest) {
  const SpectralCube cube(Naive(11).sky);
  const double f0 = 115271201800., d = 488281.25;
  const Unit hz = Unit::parse("Hz");
  const auto channels = [&](double lo, double hi, SlabEdges edges) {
    const SpectralCube slab = cube.spectral_slab({f0 - lo * d, hz}, {f0 - hi * d, hz}, edges);
    return std::pair<double, Index>((f0 - slab.spectral_axis()[0]) / d, slab.shape()[0]);
  };
  EXPECT_EQ(channels(1.4, 4.6, SlabEdges::kInside), (std::pair<double, Index>(2, 3)));
  EXPECT_EQ(channels(4.6, 1.4, SlabEdges::kInside), (std::pair<double, Index>(2, 3)));
  EXPECT_EQ(channels(1.4, 4.6, SlabEdges::kNearest), (std::pair<double, Index>(1, 5)));
  EXPECT_EQ(channels(2, 4, SlabEdges::kInside), (std::pair<double, Index>(2, 3)));  // ends included
  EXPECT_EQ(cube.spectral_slab(parse_quantity("115.2702GHz"), parse_quantity("115.2712018GHz")).shape()[0], 3);
  EXPECT_EQ(cube.spectral_slab(parse_quantity("-0.1 km/s"), parse_quantity("3 km/s")).shape()[0],
            3);  // radio velocity: 1.27 km/s a channel
  EXPECT_SAYS(error_of([&] { cube.spectral_slab({1, Unit::parse("GHz")}, {2, Unit::parse("GHz")}); }), "No channel lies between");
  EXPECT_THROW(cube.spectral_slab({1, Unit::parse("kg")}, {2, Unit::parse("kg")}), Error);
  EXPECT_EQ(cube.closest_spectral_channel({f0 - 3.4 * d, hz}), 3);
}

TEST(Subcube, HoldsThePixelsWithin) {
  std::string words = kRadioWords;
  words.replace(words.find("173.645"), 7, "0.00005");  // longitudes on both sides of 0
  const Naive naive(12);
  const SkyArray cube = cube_of(naive.sky.data, words.c_str());
  const Wcs::Sky sky = cube.wcs.celestial().sky(6, 8);
  WorldBox box;
  box.longitude_low = 359.9999, box.longitude_high = 360.0001;
  box.latitude_low = -32.2501, box.latitude_high = -32.25;
  const SkyArray part = subcube(cube, box);
  Index x0 = 8, x1 = -1, y0 = 6, y1 = -1;
  for (Index y = 0; y < 6; ++y)
    for (Index x = 0; x < 8; ++x) {
      const double lon = sky.longitude[static_cast<std::size_t>(y * 8 + x)], lat = sky.latitude[static_cast<std::size_t>(y * 8 + x)];
      if (!(lon >= 359.9999 || lon <= 0.0001) || lat < -32.2501 || lat > -32.25) continue;
      x0 = std::min(x0, x), x1 = std::max(x1, x), y0 = std::min(y0, y), y1 = std::max(y1, y);
    }
  EXPECT_EQ(part.data.shape(), (Shape{9, y1 - y0 + 1, x1 - x0 + 1}));
  EXPECT_LT(part.data.size(), cube.data.size());
  EXPECT_NEAR(part.wcs.celestial().sky(1, 1).latitude[0], sky.latitude[static_cast<std::size_t>(y0 * 8 + x0)], 1e-12);
  box.latitude_low = 10, box.latitude_high = 20;
  EXPECT_SAYS(error_of([&] { subcube(cube, box); }), "No pixel lies within");
}

TEST(Slice, WcsFollowsAsInPython) {
  const Naive naive(13);
  const SkyArray part = slice(naive.sky, {{-2, std::nullopt, -3}, {1, 5}, Slice::at(-1)});
  EXPECT_EQ(part.dims, (std::vector<std::string>{"spectral", "y"}));
  EXPECT_EQ(part.data.shape(), (Shape{3, 4}));
  const auto all = axis_coordinates(naive.sky, 0), some = axis_coordinates(part, 0);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_DOUBLE_EQ(some[k], all[7 - 3 * k]);
  EXPECT_EQ(std::isnan(numbers_of(part.data)[0]), std::isnan(naive.at(7, 1, 7)));
  EXPECT_THROW(SpectralCube(naive.sky).slice({Slice::at(0)}), Error);
}

TEST(Downsample, PlacesTheGroupsAtTheirMiddle) {
  const Naive naive(14);
  const SkyArray part = downsample(naive.sky, 2, {"spectral"}), whole_groups = downsample(naive.sky, 2, {"spectral"}, "mean", true);
  EXPECT_EQ(part.data.shape(), (Shape{5, 6, 8}));
  EXPECT_EQ(whole_groups.data.shape(), (Shape{4, 6, 8}));
  const auto all = axis_coordinates(naive.sky, 0);
  EXPECT_DOUBLE_EQ(axis_coordinates(part, 0)[1], 0.5 * (all[2] + all[3]));
}

TEST(SkyArray, FindsAxesByTheirNames) {
  const SkyArray cube = Naive(1).sky;
  EXPECT_EQ(cube.axis("spectral"), 0);
  EXPECT_EQ(cube.axis("-1"), 2);
  EXPECT_EQ(cube.axis("freq"), 0);
  EXPECT_EQ(cube.axis("dec"), 1);
  EXPECT_SAYS(error_of([&] { cube.axis("frek"); }), "Did you mean 'freq'?");
  EXPECT_SAYS(error_of([&] { cube.axis("3"); }), "3");
}

TEST(SpectralCube, MasksByConditions) {
  const Naive naive(15);
  const SpectralCube cube(naive.sky);
  const auto masked = numbers_of(cube.with_mask(elementwise("greater", {cube.data(), 1.0})).data());
  for (std::size_t i = 0; i < masked.size(); ++i) {
    if (naive.values[i] > 1)
      EXPECT_EQ(masked[i], naive.values[i]);
    else
      EXPECT_TRUE(std::isnan(masked[i]));
  }
  EXPECT_THROW(cube.with_data(array_of(std::vector<float>(4), {2, 2})), Error);
  SkyArray image = reduce(naive.sky, "max", {"spectral"});
  EXPECT_SAYS(error_of([&] { SpectralCube not_a_cube(image); }), "(spectral, y, x)");
}

}  // namespace
}  // namespace freestone::astro
