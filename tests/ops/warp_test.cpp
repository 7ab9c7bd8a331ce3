#include "freestone/ops/warp.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "freestone/base/error.h"
#include "freestone/ops/create.h"
#include "freestone/ops/op_list.h"

namespace freestone {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Bent smoothly; beyond a line there is nothing.
PixelMap::Function bent(double bend, double rim) {
  return [=](std::span<double> rows, std::span<double> columns) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double r = rows[i], c = columns[i];
      rows[i] = r + c > rim ? kNan : 0.7 * r + 0.2 * c + bend * std::sin(c / 300);
      columns[i] = r + c > rim ? kNan : 0.9 * c - 0.1 * r + bend * std::cos(r / 200);
    }
  };
}

std::pair<std::vector<double>, std::vector<double>> positions_of(const PixelMap& map, const Box& box) {
  const auto count = static_cast<std::size_t>(box.count());
  std::pair<std::vector<double>, std::vector<double>> out{std::vector<double>(count), std::vector<double>(count)};
  map.positions(box, out.first, out.second);
  return out;
}

TEST(PixelMap, PositionsAreTheFunctionsToTheTolerance) {
  const unsigned seed = std::random_device()();
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    const Index rows = std::uniform_int_distribution<Index>(1, 300)(random), columns = std::uniform_int_distribution<Index>(1, 300)(random);
    const double tolerance = round % 3 == 0 ? 0 : std::pow(10.0, -(round % 5));
    const auto function = bent(std::uniform_real_distribution<>(0, 200)(random), std::uniform_real_distribution<>(50, 900)(random));
    const PixelMap map = PixelMap::make(rows, columns, function, tolerance);
    const PixelMap again = PixelMap::from_json(nlohmann::json::parse(map.to_json().dump()));
    EXPECT_EQ(map.digest(), again.digest());
    const Index top = std::uniform_int_distribution<Index>(0, rows - 1)(random), left = std::uniform_int_distribution<Index>(0, columns - 1)(random);
    const Box box{{top, left}, {rows - top, columns - left}};
    const auto [got_rows, got_columns] = positions_of(again, box);
    std::vector<double> exact_rows, exact_columns;
    for (Index r = top; r < rows; ++r)
      for (Index c = left; c < columns; ++c) exact_rows.push_back(static_cast<double>(r)), exact_columns.push_back(static_cast<double>(c));
    function(exact_rows, exact_columns);
    const PixelMap::Bounds bounds = map.bounds(box);
    for (std::size_t i = 0; i < exact_rows.size(); ++i) {
      if (std::isnan(exact_rows[i])) {
        ASSERT_TRUE(std::isnan(got_rows[i])) << "seed " << seed;
        continue;
      }
      // The probes of a cell need not lie where it is worst.
      ASSERT_NEAR(got_rows[i], exact_rows[i], 1.5 * tolerance) << "seed " << seed;
      ASSERT_NEAR(got_columns[i], exact_columns[i], 1.5 * tolerance) << "seed " << seed;
      ASSERT_TRUE(bounds.low_row <= got_rows[i] && got_rows[i] <= bounds.high_row && bounds.low_column <= got_columns[i] && got_columns[i] <= bounds.high_column);
    }
  }
}

TEST(PixelMap, ASmoothMapIsSmall) {
  // As much as from UTM to degrees.
  EXPECT_LT(PixelMap::make(4000, 4000, bent(2, 1e9), 0.01).to_json().dump().size(), 1u << 20);
  // One that bends more becomes rougher, within an eighth of a pixel.
  const PixelMap rough = PixelMap::make(4000, 4000, bent(30, 1e9), 1e-4);
  EXPECT_LT(rough.to_json().dump().size(), 1u << 20);
  std::vector<double> rows{1234}, columns{2345}, got_rows(1), got_columns(1);
  bent(30, 1e9)(rows, columns);
  rough.positions({{1234, 2345}, {1, 1}}, got_rows, got_columns);
  EXPECT_NEAR(got_rows[0], rows[0], 0.125);
  EXPECT_NEAR(got_columns[0], columns[0], 0.125);
}

TEST(WarpOp, IsReadBackFromAPlanAndADamagedOneIsRefused) {
  auto map = std::make_shared<PixelMap>(PixelMap::make(70, 50, bent(3, 100), 0.01));
  const Array a = zeros({3, 40, 60}, DType::kFloat32);
  const Array w = warp(a, map, kernels::Resampling::kBilinear, kernels::MissingRule::kLeftOut);
  const Op& op = *w.node()->op;
  const std::vector<Spec> inputs{a.spec()};
  const auto again = make_op(op.name(), op.version(), op.params(), inputs);
  EXPECT_EQ(again->params(), op.params());
  EXPECT_EQ(again->key(), op.key());
  EXPECT_EQ(again->domain(), (Shape{3, 70, 50}));
  for (const char* key : {"exact", "corner_rows", "exact_columns"}) {
    auto params = op.params();
    params["map"][key] = "AAAA";
    EXPECT_THROW(make_op(op.name(), op.version(), params, inputs), Error) << key;
    params["map"][key] = "not base64!";
    EXPECT_THROW(make_op(op.name(), op.version(), params, inputs), Error) << key;
  }
  for (const auto& [key, value] : {std::pair{"rows", Index{-1}}, {"columns", Index{1} << 40}, {"rows", Index{1} << 30}}) {
    auto params = op.params();
    params["map"][key] = value;
    EXPECT_THROW(make_op(op.name(), op.version(), params, inputs), Error) << key;
  }
  auto params = op.params();
  params["resampling"] = 7;
  EXPECT_THROW(make_op(op.name(), op.version(), params, inputs), Error);
}

TEST(WarpOp, TakesWhatItNeedsOfItsInput) {
  // Half a pixel up, a tenth to the left.
  auto map = std::make_shared<PixelMap>(PixelMap::make(
      1000, 1000,
      [](std::span<double> rows, std::span<double> columns) {
        for (double& r : rows) r += 0.5;
        for (double& c : columns) c -= 0.1;
      },
      0.001));
  const Array w = warp(zeros({5, 1000, 1000}), map, kernels::Resampling::kBilinear, kernels::MissingRule::kSpreads);
  const Box need = w.node()->op->input_box(0, {{2, 320, 640}, {1, 64, 32}}, {5, 1000, 1000});
  EXPECT_EQ(need.start[0], 2);
  EXPECT_EQ(need.shape[0], 1);
  EXPECT_LE(need.count(), 70 * 40);
  EXPECT_LE(need.start[1], 320);
  EXPECT_GE(need.end(1), 320 + 65);
  EXPECT_THROW(warp(zeros({7}), map, kernels::Resampling::kNearest, kernels::MissingRule::kSpreads), Error);
  EXPECT_THROW(warp(zeros({7, 7}, DType::kComplex64), map, kernels::Resampling::kNearest, kernels::MissingRule::kSpreads), Error);
}

}  // namespace
}  // namespace freestone
