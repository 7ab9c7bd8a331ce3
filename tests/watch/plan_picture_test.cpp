#include "freestone/watch/plan_picture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/base/error.h"
#include "freestone/core/paper_source.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/plan/make_plan.h"
#include "freestone/watch/layered_graph.h"
#include "freestone/watch/markup.h"

namespace freestone::watch {
namespace {

constexpr Index kMiB = Index{1} << 20;

class PlanPicture : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string drawn(const Plan& plan, const std::string& name) const {
    save_plan_picture(plan, folder_ / name);
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / ("freestone_plan_picture_test_" + std::to_string(::getpid()));
};

/// Two sources; the mean and the deviation must be known before the array is looked at again: several stages and stores.
Plan plan_of_stages(const std::vector<std::string>& names) {
  const Array x = from_source(std::make_shared<PaperSource>(Shape{300, 200, 100}, DType::kFloat32));
  const Array y = from_source(std::make_shared<PaperSource>(Shape{200, 100}, DType::kFloat64));
  const Array low = x - reduce("mean", x, {0});
  const Array unit = low / reduce("std", low * y, {0, 1, 2});
  const std::vector<Array> roots{unit, reduce("max", unit, {0}), reduce("sum", x, {}), reduce("sum", x * x, {})};
  std::vector<SinkFacts> sinks;
  for (const std::string& name : names) {
    sinks.push_back({name, {}, nullptr});
    sinks.back().caps.on_disk = name != "memory";
  }
  PlanOptions options;
  options.budget = 16 * kMiB;
  options.threads = 2;
  return make_plan(roots, sinks, options);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(PlanPicture, NamesEverySourceStageStoreAndSink) {
  const Plan plan = plan_of_stages({"unit.zarr", "peak <1> & \"2\".fits", "memory", "memory"});
  ASSERT_GE(plan.stages.size(), 2u);
  ASSERT_GE(plan.stores.size(), 1u);
  const std::string svg = drawn(plan, "plan.svg");
  for (std::size_t g = 1; g <= plan.stages.size(); ++g) EXPECT_NE(svg.find(">Stage " + std::to_string(g) + "<"), std::string::npos) << g;
  EXPECT_EQ(count(svg, ">Store in memory<") + count(svg, ">Store on disk<"), plan.stores.size());
  EXPECT_EQ(count(svg, ">Source<"), 2u);
  EXPECT_NE(svg.find("(300, 200, 100) float32, 22.9 MiB"), std::string::npos);
  EXPECT_NE(svg.find(">unit.zarr<"), std::string::npos);
  EXPECT_NE(svg.find(">peak &lt;1&gt; &amp; &quot;2&quot;.fits<"), std::string::npos);
  EXPECT_NE(svg.find(", 2 of them<"), std::string::npos) << "the two sums look alike";
  EXPECT_EQ(count(svg, ">Sink<"), 3u);
}

TEST_F(PlanPicture, IsTheSameEveryTimeAndOfTheKindThatItsSuffixSays) {
  const Plan plan = plan_of_stages({"a.zarr", "b.fits", "memory", "memory"});
  const std::string svg = drawn(plan, "a.svg"), pdf = drawn(plan, "a.pdf"), png = drawn(plan, "a.png");
  EXPECT_EQ(svg, drawn(plan, "b.svg"));
  EXPECT_EQ(pdf, drawn(plan, "b.pdf"));
  EXPECT_EQ(png, drawn(plan, "b.png"));
  EXPECT_EQ(svg.substr(0, 4), "<svg");
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_EQ(pdf.substr(0, 4), "%PDF");
  EXPECT_EQ(png.substr(1, 3), "PNG");
  EXPECT_EQ(svg.find("href"), std::string::npos);
}

TEST_F(PlanPicture, CutsALongPathAndKeepsItInTheHint) {
  const std::string path = "/data/" + std::string(300, 'x') + "/the-end.fits";
  const std::string svg = drawn(plan_of_stages({"a.zarr", path, "memory", "memory"}), "long.svg");
  EXPECT_EQ(svg.find(">" + path + "<"), std::string::npos);
  EXPECT_NE(svg.find("/the-end.fits</text>"), std::string::npos);
  EXPECT_NE(svg.find("Sink: " + path), std::string::npos);
}

TEST_F(PlanPicture, RefusesAnotherSuffixAndLeavesNothing) {
  for (const char* name : {"plan.gif", "plan", "svg", "plan.svg.txt"}) {
    try {
      save_plan_picture(plan_of_stages({"a.zarr", "b.fits", "memory", "memory"}), folder_ / name);
      FAIL() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUser);
      EXPECT_NE(std::string(error.what()).find(".svg, .pdf or .png"), std::string::npos);
    }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST(LayeredGraph, BoxesOfRandomGraphsDoNotTouchAndPointDownwards) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const int n = 1 + static_cast<int>(random() % 40);
    std::vector<GraphBox> boxes;
    for (int b = 0; b < n; ++b) boxes.push_back({100, 40 + static_cast<double>(random() % 60)});
    std::vector<GraphEdge> edges;
    for (int to = 1; to < n; ++to)
      for (unsigned k = random() % 4; k > 0; --k) edges.push_back({static_cast<int>(random() % static_cast<unsigned>(to)), to, {}});
    const GraphSize size = lay_out_layers(boxes, edges, 3);
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const GraphBox& a = boxes[i];
      EXPECT_GE(a.x, -1e-6);
      EXPECT_LE(a.x + a.width, size.width + 1e-6);
      EXPECT_LE(a.y + a.height, size.height + 1e-6);
      for (std::size_t j = 0; j < i; ++j) {
        const GraphBox& b = boxes[j];
        EXPECT_TRUE(a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height) << i << " " << j;
      }
    }
    for (const GraphEdge& e : edges) {
      const GraphBox &from = boxes[static_cast<std::size_t>(e.from)], &to = boxes[static_cast<std::size_t>(e.to)];
      ASSERT_GE(e.points.size(), 3u);
      EXPECT_EQ(e.points.front().y, from.y + from.height);
      EXPECT_EQ(e.points.back().y, to.y);
      EXPECT_LT(e.points.front().y, e.points.back().y);
      // Upright parts keep clear of every box.
      for (std::size_t p = 0; p + 1 < e.points.size(); p += 2) {
        EXPECT_EQ(e.points[p].x, e.points[p + 1].x);
        for (const GraphBox& box : boxes) {
          const bool beside = e.points[p].x <= box.x || e.points[p].x >= box.x + box.width;
          EXPECT_TRUE(beside || e.points[p + 1].y <= box.y || e.points[p].y >= box.y + box.height);
        }
      }
    }
  }
}

TEST(Markup, MakesTextValid) {
  EXPECT_EQ(valid_text("a\nb\x01"
                       "c"),
            "a b c");
  EXPECT_EQ(valid_text("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  // Stray, cut short, overlong, a surrogate, beyond the last code point.
  for (const std::string bad : {"\x80", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80"}) {
    std::string expected;
    for (std::size_t i = 0; i < bad.size(); ++i) expected += "\xEF\xBF\xBD";
    EXPECT_EQ(valid_text(bad), expected);
  }
  EXPECT_EQ(escaped("<a> & \"b\""), "&lt;a&gt; &amp; &quot;b&quot;");
}

}  // namespace
}  // namespace freestone::watch
