#include "freestone/kernels/sample_plane.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace freestone::kernels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// The definition: the position moved to the nearest centre's range, then the four pixels around it.
double reference(const std::vector<double>& plane, Index ny, Index nx, double y, double x, Sampling sampling) {
  if (!(y >= -0.5 && y <= static_cast<double>(ny) - 0.5 && x >= -0.5 && x <= static_cast<double>(nx) - 0.5)) return kNaN;
  const auto at = [&](double row, double column) {
    const auto i = static_cast<Index>(std::min(std::max(row, 0.0), static_cast<double>(ny - 1)));
    const auto j = static_cast<Index>(std::min(std::max(column, 0.0), static_cast<double>(nx - 1)));
    return plane[static_cast<std::size_t>(i * nx + j)];
  };
  if (sampling == Sampling::kNearest) return at(std::floor(y + 0.5), std::floor(x + 0.5));
  double sum = 0;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 2; ++j) {
      const double row = std::floor(y) + i, column = std::floor(x) + j;
      sum += (1 - std::abs(y - row)) * (1 - std::abs(x - column)) * at(row, column);
    }
  return sum;
}

TEST(SamplePlanes, IsTheDefinitionOnRandomPlanes) {
  const unsigned seed = std::random_device()();
  std::mt19937_64 random(seed);
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  for (int round = 0; round < 200; ++round) {
    const auto length = [&] { return std::uniform_int_distribution<Index>(1, 9)(random); };
    const Index planes = length(), ny = length(), nx = length(), my = length(), mx = length();
    std::vector<double> values(static_cast<std::size_t>(planes * ny * nx)), rows(static_cast<std::size_t>(my * mx)), columns(rows.size());
    for (double& value : values) value = std::normal_distribution<double>()(random);
    if (round % 3 == 0) values[0] = kNaN;
    const auto place = [&](Index n) {
      const double free = std::uniform_real_distribution<double>(-1, static_cast<double>(n))(random);
      return round % 2 == 0 ? free : std::round(2 * free) / 2;
    };
    for (double& row : rows) row = place(ny);
    for (double& column : columns) column = place(nx);
    rows[0] = round % 5 == 0 ? kNaN : rows[0];
    std::vector<double> out(static_cast<std::size_t>(planes * my * mx));
    const View in = View::contiguous(values.data(), DType::kFloat64, Shape{planes, ny, nx});
    for (const Sampling sampling : {Sampling::kNearest, Sampling::kBilinear}) {
      sample_planes(in, rows, columns, sampling, View::contiguous(out.data(), DType::kFloat64, Shape{planes, my, mx}), Cancel());
      for (Index p = 0; p < planes; ++p) {
        const std::vector<double> plane(values.begin() + p * ny * nx, values.begin() + (p + 1) * ny * nx);
        for (std::size_t k = 0; k < rows.size(); ++k) {
          const double expected = reference(plane, ny, nx, rows[k], columns[k], sampling), found = out[static_cast<std::size_t>(p * my * mx) + k];
          if (std::isnan(expected))
            EXPECT_TRUE(std::isnan(found)) << rows[k] << ", " << columns[k];
          else
            EXPECT_NEAR(found, expected, 1e-12) << rows[k] << ", " << columns[k];
        }
      }
    }
  }
}

TEST(SamplePlanes, TakesFloat32AndRefusesOtherTypes) {
  std::vector<float> values = {1, 2, 3, 4}, out(1);
  const std::vector<double> half = {0.5};
  sample_planes(View::contiguous(values.data(), DType::kFloat32, Shape{1, 2, 2}), half, half, Sampling::kBilinear,
                View::contiguous(out.data(), DType::kFloat32, Shape{1, 1, 1}), Cancel());
  EXPECT_EQ(out[0], 2.5F);
  std::vector<std::int32_t> whole(4), made(1);
  EXPECT_THROW(sample_planes(View::contiguous(whole.data(), DType::kInt32, Shape{1, 2, 2}), half, half, Sampling::kNearest,
                             View::contiguous(made.data(), DType::kInt32, Shape{1, 1, 1}), Cancel()),
               Error);
}

}  // namespace
}  // namespace freestone::kernels
