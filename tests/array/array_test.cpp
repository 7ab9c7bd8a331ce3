#include "freestone/core/paper_source.h"
#include "freestone/array/array.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "freestone/array/axis_map.h"

namespace freestone {
namespace {

TEST(AxisMap, MapsAndInvertsOnRandomSlices) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const Index n = 1 + static_cast<Index>(random() % 40);
    Index step = static_cast<Index>(random() % 7) - 3;
    if (step == 0) step = 1;
    const Index start = static_cast<Index>(random() % static_cast<unsigned>(n));
    const Index count = step > 0 ? (n - 1 - start) / step + 1 : start / -step + 1;
    const Access access{AxisMap::point(0, start, step)};
    const Index a = static_cast<Index>(random() % static_cast<unsigned>(count)),
                b = a + 1 + static_cast<Index>(random() % static_cast<unsigned>(count - a));
    const Box part = map_box(access, Box({a}, {b - a}), Shape{n});
    for (Index j = a; j < b; ++j) {
      EXPECT_GE(start + j * step, part.start[0]);
      EXPECT_LT(start + j * step, part.end(0));
    }
    const Box back = inverse_box(access, part, Shape{count});
    EXPECT_LE(back.start[0], a);
    EXPECT_GE(back.end(0), b);
  }
}

TEST(AxisMap, HaloIsCutAtTheEdge) {
  const Access access{AxisMap::halo(0, 3, 2)};
  EXPECT_EQ(map_box(access, Box({0}, {4}), Shape{10}), Box({0}, {6}));
  EXPECT_EQ(map_box(access, Box({8}, {2}), Shape{10}), Box({5}, {5}));
}

class TwiceOp : public Op {
 public:
  explicit TwiceOp(Spec spec) : Op(spec.shape, {spec}, {identity_access(spec.shape.rank())}, {identity_access(spec.shape.rank())}) {}
  std::string_view name() const override { return "twice"; }
  nlohmann::json params() const override { return {{"factor", 2}}; }
  Need need(const Box&) const override { return {}; }
};

TEST(Graph, EqualNodesAreOneNode) {
  const Array a = from_source(std::make_shared<PaperSource>(Shape{4, 5}, DType::kFloat32));
  const auto twice = [&] { return apply_op(std::make_shared<TwiceOp>(a.spec()), {a}); };
  const Array b = twice(), c = twice();
  EXPECT_EQ(b.node(), c.node());
  EXPECT_EQ(topological_order({b, c}).size(), 2u);
}

TEST(Graph, NodesAreSharedBetweenThreads) {
  const Array a = from_source(std::make_shared<PaperSource>(Shape{4, 5}, DType::kFloat32));
  for (int round = 0; round < 200; ++round) {
    std::vector<Array> made(4);
    {
      std::vector<std::jthread> threads;
      for (auto& array : made) threads.emplace_back([&] { array = apply_op(std::make_shared<TwiceOp>(a.spec()), {a}); });
    }
    for (const Array& array : made) EXPECT_EQ(array.node(), made[0].node());
  }
}

}  // namespace
}  // namespace freestone
