#include "freestone/geo/indices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "freestone/exec/compute.h"

namespace freestone::geo {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The formulas once more, of numbers.
double plain(std::string_view name, const std::map<std::string_view, double>& b) {
  const auto difference = [&](std::string_view x, std::string_view y) { return (b.at(x) - b.at(y)) / (b.at(x) + b.at(y)); };
  const auto at = [&](std::string_view band) { return b.at(band); };
  if (name == "ndvi") return difference("nir", "red");
  if (name == "kndvi") return std::tanh(difference("nir", "red") * difference("nir", "red"));
  if (name == "evi") return 2.5 * (at("nir") - at("red")) / (at("nir") + 6 * at("red") - 7.5 * at("blue") + 1);
  if (name == "evi2") return 2.5 * (at("nir") - at("red")) / (at("nir") + 1 + 2.4 * at("red"));
  if (name == "savi") return 1.5 * (at("nir") - at("red")) / (at("nir") + at("red") + 0.5);
  if (name == "avi") return std::pow(at("nir") * (1 - at("red")) * (at("nir") - at("red")), 0.3334);
  if (name == "gcvi") return at("nir") / at("green") - 1;
  if (name == "nbr") return difference("nir", "swir2");
  if (name == "ndmi") return difference("nir", "swir1");
  if (name == "ndwi") return difference("green", "nir");
  if (name == "wi") return at("red") + at("swir1") > 0.5 ? 0 : std::isnan(at("red") + at("swir1")) ? kNan : 1 - (at("red") + at("swir1")) / 0.5;
  if (name == "norm-diff") return difference("b2", "b1");
  ADD_FAILURE() << "no formula of " << name;
  return kNan;
}

TEST(SpectralIndex, EqualsItsFormulaAndIsMissingWhereAnyBandIs) {
  std::mt19937_64 random(20240607);
  std::uniform_real_distribution<float> reflectance(0, 0.7F);
  const std::string_view names[] = {"blue", "green", "red", "nir", "swir1", "swir2", "b1", "b2"};
  constexpr Index kCount = 500;
  std::map<std::string_view, std::vector<float>> values;
  Bands bands;
  for (const std::string_view name : names) {
    auto& list = values[name];
    for (Index i = 0; i < kCount; ++i) list.push_back(random() % 20 == 0 ? std::numeric_limits<float>::quiet_NaN() : reflectance(random));
    bands.emplace(std::string(name), from_memory(View::contiguous(list.data(), DType::kFloat32, {kCount}), nullptr));
  }
  for (const SpectralIndex& index : spectral_indices()) {
    const Array result = spectral_index(std::string(index.name), bands);
    ASSERT_EQ(result.dtype(), DType::kFloat64);
    const Tensor tensor = compute(result);
    for (Index i = 0; i < kCount; ++i) {
      std::map<std::string_view, double> pixel;
      bool is_missing = false;
      for (const std::string_view name : names) pixel[name] = values[name][static_cast<std::size_t>(i)];
      for (const std::string_view band : index.bands) is_missing = is_missing || std::isnan(pixel[band]);
      const double expected = is_missing ? kNan : plain(index.name, pixel), got = tensor.data<double>()[i];
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(got)) << index.name << " at " << i << ": " << got;
      } else {
        EXPECT_NEAR(got, expected, 1e-12 * (1 + std::abs(expected))) << index.name << " at " << i;
      }
    }
  }
}

TEST(SpectralIndex, SaysWhatIsNotThere) {
  const auto said = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUser);
      return error.what();
    }
    return "";
  };
  EXPECT_NE(said([] { spectral_index("nvdi", {}); }).find("Did you mean 'ndvi'"), std::string::npos);
  EXPECT_NE(said([] { spectral_index("ndvi", {}); }).find("which band is nir"), std::string::npos);
  EXPECT_NE(said([] { sensor_bands("l77"); }).find("l7"), std::string::npos);
  EXPECT_EQ(sensor_bands("l8")[4], "nir");
}

}  // namespace
}  // namespace freestone::geo
