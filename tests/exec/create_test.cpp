#include "freestone/ops/create.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "exec/grids.h"
#include "freestone/exec/boolean_index.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/index.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/random.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/plan/plan_json.h"
#include "freestone/storage/memory_store.h"
#include "plan/damaged_plan.h"

namespace freestone {
namespace {

Grid filled(const Shape& shape, double value) {
  return make_grid(shape, [&](const Dims&) { return value; });
}

TEST(Create, ConstantsOfEveryDtype) {
  for (int t = 0; t <= static_cast<int>(DType::kFloat64); ++t) {
    const auto dtype = static_cast<DType>(t);
    const Array a = full({3, 0, 2}, 1, dtype), b = ones({5, 7}, dtype);
    EXPECT_EQ(a.dtype(), dtype);
    expect_grid(a, {{3, 0, 2}, {}});
    expect_grid(b, filled({5, 7}, 1));
    expect_grid(zeros_like(b), filled({5, 7}, 0));
    expect_grid(full({}, 1, dtype), filled({}, 1));
  }
  EXPECT_EQ(full({2}, 3).dtype(), DType::kInt64);
  EXPECT_EQ(full({2}, 3.5).dtype(), DType::kFloat64);
  EXPECT_EQ(full({2}, true).dtype(), DType::kBool);
  expect_grid(full({2}, 3.9, DType::kInt16), filled({2}, 3));
  expect_grid(full_like(zeros({4}, DType::kUint8), 255), filled({4}, 255));
  EXPECT_THROW(full({2}, 256, DType::kUint8), Error);
  EXPECT_THROW(full({2}, 1e30, DType::kInt64), Error);
  EXPECT_THROW(full({-1}, 0), Error);
  const Tensor complex = compute(full_complex({2}, {1.5, -2}));
  EXPECT_EQ(complex.view().as<std::complex<double>>()[1], (std::complex<double>{1.5, -2}));
}

TEST(Create, AreMadeTileByTile) {
  // 8 TB of zeros, and 80 GB of numbers, under 64 MiB.
  const Array ones_everywhere = ones({1000, 10, 20});
  EXPECT_EQ(compute(sum(ones_everywhere), with_memory(1 << 20, 2)).number(), 200000);
  const Array numbers = arange(Index{3'000'000});
  EXPECT_EQ(compute(sum(numbers), with_memory(1 << 20, 2)).number(), 3e6 * (3e6 - 1) / 2);
  MemoryStore result({{}, DType::kFloat64});
  const Plan plan = plan_outputs({{sum(zeros({1'000'000, 1'000'000})), result.sink()}}, with_memory(1 << 26, 2));
  EXPECT_LE(plan.total.peak_bytes, 1 << 26);
}

TEST(Arange, CountsAndStepsAsNumpyDoes) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    GridData data(seed);
    const Index start = data.pick(200) - 100, stop = data.pick(200) - 100, step = data.pick(2) == 0 ? 1 + data.pick(9) : -1 - data.pick(9);
    Grid expected{{0}, {}};
    for (Index v = start; step > 0 ? v < stop : v > stop; v += step) expected.values.push_back(static_cast<double>(v)), ++expected.shape[0];
    const DType types[] = {DType::kInt64, DType::kInt16, DType::kFloat64, DType::kFloat32};
    expect_grid(arange(start, stop, step, types[data.pick(4)]), expected);
    const double from = static_cast<double>(start) / 7, to = static_cast<double>(stop) / 7, by = static_cast<double>(step) / 3;
    const Array a = arange(from, to, by);
    ASSERT_EQ(a.shape()[0], std::max<Index>(0, static_cast<Index>(std::ceil((to - from) / by))));
    expect_grid(a, make_grid(a.shape(), [&](const Dims& at) { return from + static_cast<double>(at[0]) * (from + by - from); }));
  }
  EXPECT_THROW(arange(0, 5, 0), Error);
  EXPECT_THROW(arange(0.0, std::numeric_limits<double>::infinity()), Error);
}

TEST(Linspace, EndsWhereItShould) {
  for (const Index n : {0, 1, 2, 7, 100}) {
    for (const bool endpoint : {true, false}) {
      const double step = linspace_step(-1, 3, n, endpoint);
      expect_grid(linspace(-1, 3, n, endpoint), make_grid({n}, [&](const Dims& at) {
                    return endpoint && at[0] == n - 1 && n > 1 ? 3.0 : at[0] == 0 ? -1.0 : static_cast<double>(at[0]) * step - 1;
                  }));
      expect_grid(logspace(-1, 3, n, endpoint),
                  make_grid({n}, [&](const Dims& at) { return at[0] == 0 ? 0.1 : std::pow(10.0, -1 + static_cast<double>(at[0]) * step); }),
                  1e-13);
      expect_grid(
          geomspace(-2, -32, n, endpoint),
          make_grid({n},
                    [&](const Dims& at) {
                      return at[0] == 0 ? -2 : -2 * std::pow(16.0, static_cast<double>(at[0]) / static_cast<double>(endpoint ? n - 1 : n));
                    }),
          1e-13);
    }
  }
  expect_grid(linspace(-1, 3, 7, true, DType::kInt32), {{7}, {-1, -1, 0, 1, 1, 2, 3}});
  expect_grid(geomspace(1, 1000, 4), {{4}, {1, 10, 100, 1000}}, 1e-13);
  EXPECT_THROW(geomspace(0, 10), Error);
  EXPECT_THROW(geomspace(-1, 10), Error);
  EXPECT_THROW(linspace(0, 1, -1), Error);
}

TEST(Grids, EyeTrianglesIndicesAndMeshes) {
  GridData data(1);
  const Grid x = data.numbers({3, 7, 5});
  const Array a = data.array(x, DType::kInt16);
  for (const Index k : {-9, -2, 0, 1, 3, 8}) {
    expect_grid(eye(7, 5, k), make_grid({7, 5}, [&](const Dims& at) { return at[1] - at[0] == k ? 1.0 : 0.0; }));
    expect_grid(tri(7, 5, k), make_grid({7, 5}, [&](const Dims& at) { return at[1] - at[0] <= k ? 1.0 : 0.0; }));
    expect_grid(tril(a, k), make_grid(x.shape, [&](const Dims& at) { return at[2] - at[1] <= k ? x.at(at) : 0.0; }));
    expect_grid(triu(a, k), make_grid(x.shape, [&](const Dims& at) { return at[2] - at[1] >= k ? x.at(at) : 0.0; }));
  }
  EXPECT_EQ(tril(a).dtype(), DType::kInt16);
  EXPECT_THROW(tril(zeros({3})), Error);
  const auto places = indices({3, 4, 5});
  for (int k = 0; k < 3; ++k)
    expect_grid(places[static_cast<std::size_t>(k)], make_grid({3, 4, 5}, [&](const Dims& at) { return static_cast<double>(at[k]); }));
  const std::vector<Array> axes{arange(4), arange(Index{10}, Index{13}), arange(2)};
  const auto ij = meshgrid(axes, GridOrder::kIj), xy = meshgrid(axes);
  expect_grid(ij[1], make_grid({4, 3, 2}, [](const Dims& at) { return 10.0 + static_cast<double>(at[1]); }));
  expect_grid(xy[0], make_grid({3, 4, 2}, [](const Dims& at) { return static_cast<double>(at[1]); }));
  expect_grid(xy[1], make_grid({3, 4, 2}, [](const Dims& at) { return 10.0 + static_cast<double>(at[0]); }));
  expect_grid(xy[2], make_grid({3, 4, 2}, [](const Dims& at) { return static_cast<double>(at[2]); }));
}

TEST(Plans, OfEveryNewOperationComeBackFromJson) {
  random::Generator random(5);
  const Array x = random.normal({40, 30}), n = random.integers({40, 30}, 0, 30);
  const Array y = pad(concat({x, zeros({2, 30})}, 0), {{2, 3}}, PadMode::kReflect);
  const std::vector<Array> roots{reshape(y, {47 * 5, 7}),
                                 take(x, IndexArray({5, 1, 39}), 0),
                                 take_along_axis(x, n, 1),
                                 put_slice(x, {{1, 30, 2}}, arange(30)),
                                 boolean_index(x, elementwise("greater", {x, 0.0})),
                                 linspace(0, 1, 100),
                                 random.poisson({50}, 12.5) * random.exponential({50}),
                                 random.uniform({9}, 0, 1, DType::kFloat32)};
  std::vector<Output> outputs;
  std::vector<MemoryStore> stores;
  for (const Array& root : roots) {
    stores.emplace_back(root.spec());
    outputs.push_back({root, stores.back().sink()});
  }
  const Plan plan = plan_outputs(outputs, with_memory(1 << 24, 2));
  const std::string text = to_json(plan).dump();
  const Plan back =
      plan_from_json(nlohmann::json::parse(text), [](const std::string&) -> std::shared_ptr<const Source> { return nullptr; });
  EXPECT_EQ(to_json(back).dump(), text);
  std::vector<std::shared_ptr<Sink>> sinks;
  for (const Output& output : outputs) sinks.push_back(output.sink);
  run_plan(back, sinks);
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const Tensor expected = compute(roots[i]);
    EXPECT_EQ(std::memcmp(stores[i].view().data, expected.view().data, static_cast<std::size_t>(expected.view().bytes())), 0) << i;
  }
  // Damaged parameters are refused, never trusted.
  read_with_damaged_values(
      nlohmann::json::parse(text), [](const std::string&) -> std::shared_ptr<const Source> { return nullptr; }, "/params/");
}

TEST(Create, AReductionOfNothingIsWholeInEveryTile) {
  // A task makes all of a reduction for its tile: also where the reduced axis has no elements and so nothing is read.
  for (int axis = 0; axis < 3; ++axis) {
    Shape shape{28, 27, 29};
    shape[axis] = 0;
    const Array x = zeros(shape, DType::kFloat32);
    for (const Index budget : {Index{64} << 10, Index{64} << 20}) {
      ComputeOptions options;
      options.settings = {budget, 2, "/var/tmp"};
      const auto got = compute_all({astype(mean(x, {axis}), DType::kFloat64), sum(x, {axis}) + 2.0, median(x, {axis})}, options);
      for (Index i = 0; i < got[0].view().count(); ++i) {
        ASSERT_TRUE(std::isnan(got[0].data<double>()[i])) << "element " << i << " along axis " << axis;
        ASSERT_EQ(got[1].data<float>()[i], 2) << "element " << i << " along axis " << axis;
        ASSERT_TRUE(std::isnan(got[2].data<float>()[i])) << "element " << i << " along axis " << axis;
      }
    }
  }
}

}  // namespace
}  // namespace freestone
