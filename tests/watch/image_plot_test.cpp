#include "freestone/watch/image_plot.h"

#include <cairo/cairo.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/watch/color_map.h"
#include "freestone/watch/ticks.h"

namespace freestone::watch {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class Pictures : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("freestone_pictures_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return folder_ / name; }
  std::filesystem::path folder_;
};

struct Picture {
  int width = 0, height = 0;
  std::vector<std::uint32_t> pixels;  // 0xRRGGBB

  explicit Picture(const std::string& path) {
    cairo_surface_t* surface = cairo_image_surface_create_from_png(path.c_str());
    EXPECT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS) << path;
    width = cairo_image_surface_get_width(surface);
    height = cairo_image_surface_get_height(surface);
    for (int y = 0; y < height; ++y) {
      const auto* row =
          reinterpret_cast<const std::uint32_t*>(cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface));
      for (int x = 0; x < width; ++x) pixels.push_back(row[x] & 0xffffff);
    }
    cairo_surface_destroy(surface);
  }
  struct Area {
    Index count = 0;
    double x = 0, y = 0;  // centre
  };
  Area of(std::uint32_t color) const {
    Area area;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (pixels[static_cast<std::size_t>(y * width + x)] != color) continue;
        ++area.count;
        area.x += x;
        area.y += y;
      }
    }
    area.x /= static_cast<double>(area.count);
    area.y /= static_cast<double>(area.count);
    return area;
  }
};

ErrorKind kind_of(const auto& action, std::string* message = nullptr) {
  try {
    action();
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::kInternal;
}

TEST_F(Pictures, RowZeroIsAtTheBottomUnlessToldOtherwise) {
  const std::vector<double> values = {0.2, 0.4, 0.6, kNaN};
  ImagePlot plot{.values = values, .rows = 2, .columns = 2, .color_map = "gray", .range = "0:1"};
  plot_image(plot, path("up.png"));
  plot.y_up = false;
  plot_image(plot, path("down.png"));
  const Picture up(path("up.png")), down(path("down.png"));
  // 0.2, 0.4, 0.6 of 255, and the grey of missing values; each a quarter of the 800 x 800 image.
  for (const std::uint32_t color : {0x333333u, 0x666666u, 0x999999u, 0xd9dbdfu})
    EXPECT_NEAR(static_cast<double>(up.of(color).count), 160'000, 400);
  EXPECT_LT(up.of(0x333333).x, up.of(0x666666).x);
  EXPECT_GT(up.of(0x333333).y, up.of(0x999999).y);
  EXPECT_LT(down.of(0x333333).y, down.of(0x999999).y);
}

TEST_F(Pictures, LargeImagesAreAveragedDown) {
  // A chequerboard of 0 and 1 averages to one grey, 0.5.
  std::vector<double> values(2000 * 1200);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>((i + i / 1200) % 2);
  plot_image({.values = values, .rows = 2000, .columns = 1200, .color_map = "gray", .range = "0:1"}, path("board.png"));
  const Picture picture(path("board.png"));
  EXPECT_NEAR(static_cast<double>(picture.of(0x808080).count), 1000 * 600, 3000);
  EXPECT_LT(picture.height, 1150);
}

TEST_F(Pictures, AnyShapeCanBeDrawn) {
  for (const auto& [rows, columns] :
       std::vector<std::pair<Index, Index>>{{1, 1}, {1, 40}, {40, 1}, {3, 5000}, {5000, 3}, {999, 1001}, {17, 768}}) {
    std::vector<double> values(static_cast<std::size_t>(rows * columns));
    std::iota(values.begin(), values.end(), 0.0);
    plot_image({.values = values, .rows = rows, .columns = columns}, path("shape.png"), true);
    const Picture picture(path("shape.png"));
    EXPECT_LT(picture.width, 1300) << rows << " x " << columns;
    EXPECT_GT(picture.width, 200) << rows << " x " << columns;
    EXPECT_LT(picture.height, 1300) << rows << " x " << columns;
    EXPECT_GT(picture.height, 200) << rows << " x " << columns;
  }
}

TEST_F(Pictures, ImagesWithoutFiniteValuesOrContrastAreDrawn) {
  const std::vector<double> none(16, kNaN), same(16, 3.0);
  plot_image({.values = none, .rows = 4, .columns = 4}, path("none.png"));
  plot_image({.values = same, .rows = 4, .columns = 4}, path("same.png"));
  EXPECT_GT(Picture(path("none.png")).of(0xd9dbdf).count, 600'000);
}

TEST_F(Pictures, RefuseToOverwriteAndLeaveNothingBehind) {
  const std::vector<double> values = {1, 2, 3, 4};
  const ImagePlot plot{.values = values, .rows = 2, .columns = 2};
  plot_image(plot, path("a.png"));
  EXPECT_EQ(kind_of([&] { plot_image(plot, path("a.png")); }), ErrorKind::kUser);
  plot_image(plot, path("a.png"), true);
  EXPECT_THROW(plot_image(plot, path("missing/a.png")), Error);
  Index files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().filename(), "a.png");
    ++files;
  }
  EXPECT_EQ(files, 1);
}

TEST_F(Pictures, WrongRequestsAreUserErrors) {
  const std::vector<double> values = {1, 2, 3, 4};
  const auto draw = [&](ImagePlot plot) { return [this, plot] { plot_image(plot, path("x.png")); }; };
  EXPECT_EQ(kind_of(draw({.values = values, .rows = 3, .columns = 2})), ErrorKind::kUser);
  EXPECT_EQ(kind_of(draw({.values = values, .rows = 0, .columns = 2})), ErrorKind::kUser);
  std::string message;
  EXPECT_EQ(kind_of(draw({.values = values, .rows = 2, .columns = 2, .color_map = "virdis"}), &message), ErrorKind::kUser);
  EXPECT_NE(message.find("Did you mean 'viridis'?"), std::string::npos) << message;
  for (const char* range : {"1", "2:1", "1:1", "a:2", "1:2:3", "nan:2"}) {
    EXPECT_EQ(kind_of(draw({.values = values, .rows = 2, .columns = 2, .range = range})), ErrorKind::kUser) << range;
  }
  EXPECT_FALSE(std::filesystem::exists(path("x.png")));
}

TEST_F(Pictures, LinesAreDrawnAndGapsInterruptThem) {
  std::vector<double> x(200), whole(200), gap(200);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 7100 + 0.5 * static_cast<double>(i);
    whole[i] = gap[i] = std::exp(-std::pow((x[i] - 7150) / 8, 2)) * 2e-3;
    if (i > 50 && i < 150) gap[i] = kNaN;
  }
  const auto ink = [&](const std::vector<double>& y, const char* name) {
    plot_line({.x = x, .y = y, .title = "Spectrum", .x_label = "Wavelength (Å)", .y_label = "Flux", .range = "0:0.003"}, path(name));
    // The line is the only thing blue; its edges are blended with white.
    Index blue = 0;
    for (const std::uint32_t pixel : Picture(path(name)).pixels)
      blue += static_cast<int>(pixel & 0xff) - static_cast<int>(pixel >> 16) > 60;
    return blue;
  };
  const Index all = ink(whole, "whole.png"), part = ink(gap, "gap.png");
  EXPECT_GT(part, 300);
  EXPECT_GT(all, part + 300);
  EXPECT_EQ(kind_of([&] { plot_line({.x = x, .y = std::span(whole).first(10)}, path("bad.png")); }), ErrorKind::kUser);
}

TEST(ValueRange, TakesPercentilesOfFiniteValues) {
  std::vector<double> values(1001);
  std::iota(values.begin(), values.end(), 0.0);
  values.push_back(kNaN);
  values.push_back(std::numeric_limits<double>::infinity());
  const ValueRange automatic = value_range(values, "", 0.5, 99.5);
  EXPECT_EQ(automatic.lo, 5);
  EXPECT_EQ(automatic.hi, 995);
  EXPECT_EQ(value_range(values, "10:", 0.5, 99.5).lo, 10);
  EXPECT_EQ(value_range(values, "10:", 0.5, 99.5).hi, 995);
  EXPECT_EQ(value_range(values, ":-2.5e3", 0.5, 99.5).hi, -2500);
  EXPECT_LT(value_range(values, ":-2.5e3", 0.5, 99.5).lo, -2500);
}

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(nice_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(nice_ticks(-0.13, 0.27, 4), (std::vector<double>{-0.1, 0, 0.1, 0.2}));
  EXPECT_EQ(nice_ticks(3, 3, 5), std::vector<double>{3});
  EXPECT_TRUE(nice_ticks(kNaN, 1, 5).empty());
  for (const double scale : {1e-300, 1e-7, 1.0, 3.7e5, 1e300}) {
    for (const double offset : {0.0, 1.0, -17.3}) {
      const double lo = offset * scale, hi = (offset + 2.3) * scale;
      const std::vector<double> ticks = nice_ticks(lo, hi, 6);
      EXPECT_GE(ticks.size(), 3u) << lo << " " << hi;
      EXPECT_LE(ticks.size(), 13u) << lo << " " << hi;
      for (const double tick : ticks) EXPECT_TRUE(tick >= lo - 1e-6 * scale && tick <= hi + 1e-6 * scale) << tick;
    }
  }
}

TEST(Ticks, LabelsShareDecimalsAndExponent) {
  EXPECT_EQ(tick_labels({0, 0.5, 1}).labels, (std::vector<std::string>{"0.0", "0.5", "1.0"}));
  EXPECT_EQ(tick_labels({-10, 0, 10}).labels, (std::vector<std::string>{"\u221210", "0", "10"}));
  const TickLabels large = tick_labels({200'000, 400'000});
  EXPECT_EQ(large.exponent, 5);
  EXPECT_EQ(large.labels, (std::vector<std::string>{"2", "4"}));
  const TickLabels close = tick_labels({7133.705, 7133.71, 7133.715});
  EXPECT_EQ(close.labels, (std::vector<std::string>{"7133.705", "7133.710", "7133.715"}));
  EXPECT_EQ(tick_labels({0}).labels, std::vector<std::string>{"0"});
}

TEST(ColorMaps, EndsAndMiddleAreThePublishedColours) {
  EXPECT_EQ(ColorMap::named("viridis").at(0), (Rgb{0x44, 0x01, 0x54}));
  EXPECT_EQ(ColorMap::named("viridis").at(0.5), (Rgb{0x21, 0x91, 0x8c}));
  EXPECT_EQ(ColorMap::named("viridis").at(1), (Rgb{0xfd, 0xe7, 0x25}));
  EXPECT_EQ(ColorMap::named("viridis_r").at(0), ColorMap::named("viridis").at(1));
  EXPECT_EQ(ColorMap::named("coolwarm").at(0.5), (Rgb{221, 221, 221}));
  EXPECT_EQ(ColorMap::named("gray").at(0.2), (Rgb{51, 51, 51}));
  EXPECT_EQ(ColorMap::named("grey").at(-3), (Rgb{0, 0, 0}));
  for (const std::string& name : ColorMap::names()) EXPECT_NO_THROW(ColorMap::named(name).at(0.3)) << name;
}

}  // namespace
}  // namespace freestone::watch
