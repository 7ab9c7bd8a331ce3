#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/smooth.h"
#include "freestone/storage/memory_store.h"
#include "freestone/storage/temp_store.h"

namespace freestone {
namespace {

struct Data {
  std::shared_ptr<std::vector<float>> values;
  Shape shape;
  Array array;
  float at(Index i, Index j, Index k) const { return (*values)[static_cast<std::size_t>((i * shape[1] + j) * shape[2] + k)]; }
};

Data random_cube(Shape shape, unsigned seed, double nan_share = 0.05) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(1.0f, 2.0f);
  std::uniform_real_distribution<double> uniform;
  auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(element_count(shape)));
  for (float& v : *values) v = uniform(random) < nan_share ? std::nanf("") : normal(random);
  return {values, shape, from_memory(View::contiguous(values->data(), DType::kFloat32, shape), values)};
}

/// The same data behind a temporary file in blocks, so that it is read, not looked at.
Array on_disk(const Data& data, Shape block, std::shared_ptr<TempStore>& keep) {
  keep = std::make_shared<TempStore>("/var/tmp", Spec{data.shape, DType::kFloat32}, block);
  keep->sink()->create();
  const Box whole(data.shape);
  Buffer memory(keep->sink()->scratch_bytes(whole) + 64);
  Scratch scratch(memory.bytes());
  keep->sink()->write(whole, View::contiguous(data.values->data(), DType::kFloat32, data.shape), scratch, Cancel());
  return from_source(keep->source());
}

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

std::vector<std::byte> bytes_of(const Tensor& t) {
  const auto* first = t.view().data;
  return {first, first + t.view().bytes()};
}

TEST(Compute, SumOfEverythingIsTheSum) {
  const Data cube = random_cube({70, 50, 40}, 1, 0);
  double expected = 0;
  for (const float v : *cube.values) expected += static_cast<double>(v);
  EXPECT_NEAR(compute(sum(cube.array), with(64 << 20, 2)).number(), expected, 1e-2);
}

TEST(Compute, ReductionsOverEachAxisEqualNaiveLoops) {
  const Data cube = random_cube({37, 21, 45}, 2);
  const Tensor mean0 = compute(reduce("mean", cube.array, {0}, {.skip_nan = true}), with(16 << 20, 2));
  ASSERT_EQ(mean0.shape(), (Shape{21, 45}));
  for (Index j = 0; j < 21; ++j)
    for (Index k = 0; k < 45; ++k) {
      double total = 0;
      Index n = 0;
      for (Index i = 0; i < 37; ++i)
        if (const float v = cube.at(i, j, k); !std::isnan(v)) total += static_cast<double>(v), ++n;
      EXPECT_FLOAT_EQ(mean0.data<float>()[j * 45 + k], static_cast<float>(total / static_cast<double>(n)));
    }
  const Tensor max12 = compute(reduce("max", cube.array, {1, 2}, {.skip_nan = true}), with(16 << 20, 2));
  for (Index i = 0; i < 37; ++i) {
    float most = -1e30f;
    for (Index j = 0; j < 21; ++j)
      for (Index k = 0; k < 45; ++k) most = std::fmax(most, cube.at(i, j, k));
    EXPECT_EQ(max12.data<float>()[i], most);
  }
}

TEST(Compute, ArithmeticBroadcastsAndFuses) {
  const Data cube = random_cube({9, 14, 11}, 3);
  const Array median_map = median(cube.array, {0});
  const Array result = (cube.array - median_map) * 2.0 + 1.0;
  const Tensor out = compute(result, with(16 << 20, 2));
  const Tensor map = compute(median_map, with(16 << 20, 2));
  for (Index i = 0; i < 9; ++i)
    for (Index j = 0; j < 14; ++j)
      for (Index k = 0; k < 11; ++k) {
        const float expected = (cube.at(i, j, k) - map.data<float>()[j * 11 + k]) * 2.0f + 1.0f;
        const float got = out.data<float>()[(i * 14 + j) * 11 + k];
        EXPECT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected)));
      }
}

TEST(Compute, TransposesAndSlicesAreViews) {
  const Data cube = random_cube({6, 7, 8}, 4, 0);
  const Array view = transpose(slice(cube.array, {{1, std::nullopt, 2}, {std::nullopt, std::nullopt, -1}, Slice::at(-3)}));
  const Tensor out = compute(view, with(16 << 20, 1));
  ASSERT_EQ(out.shape(), (Shape{7, 3}));
  for (Index j = 0; j < 7; ++j)
    for (Index i = 0; i < 3; ++i) EXPECT_EQ(out.data<float>()[j * 3 + i], cube.at(1 + 2 * i, 6 - j, 5));
}

/// A graph of everything: two passes, order statistics, halos, views, several sinks.
std::vector<Array> all_kinds(const Array& x) {
  const Array clipped = sigma_clip(x, 2.0, 0);
  const Array residual = x - reduce("mean", x, {0}, {.skip_nan = true});
  const Array rms = reduce("rms", x, {}, {.skip_nan = true});
  const Array masked = where(elementwise("greater", {x, rms * 0.5}), x, std::nan(""));
  return {clipped,
          reduce("std", residual, {1, 2}, {.skip_nan = true}),
          reduce("sum", masked, {0}, {.skip_nan = true}),
          mad_std(clipped, {0}),
          convolve(x, gaussian_kernel(1.5), 0),
          transpose(convolve_2d(x, std::vector<double>(9, 1.0 / 9), 3, 3), {2, 0, 1}),
          reduce("argmax", x, {0}, {.skip_nan = true}),
          downsample(x, 2, {1, 2}),
          reduce("statistics", x, {}, {.skip_nan = true})};
}

TEST(Compute, AnArrayBesideItsTransposeAndItsMirror) {
  const Data cube = random_cube({150, 7, 150}, 12, 0);
  std::shared_ptr<TempStore> keep;
  const Array x = on_disk(cube, {20, 7, 30}, keep);
  const Array y = x + transpose(x, {2, 1, 0}) - flip(x, 0);
  for (const Index memory : {Index{1} << 20, Index{64} << 20}) {
    const Tensor got = compute(y, with(memory, 2));
    const auto* values = got.view().as<float>();
    for (Index i = 0; i < 150; ++i)
      for (Index j = 0; j < 7; ++j)
        for (Index k = 0; k < 150; ++k)
          ASSERT_EQ(values[(i * 7 + j) * 150 + k], cube.at(i, j, k) + cube.at(k, j, i) - cube.at(149 - i, j, k))
              << i << ' ' << j << ' ' << k;
  }
}

TEST(Compute, SameBitsForAnyMemoryThreadsAndStorage) {
  const Data cube = random_cube({130, 61, 75}, 5);
  const auto expected = compute_all(all_kinds(cube.array), with(512 << 20, 1));
  std::shared_ptr<TempStore> keep;
  for (const Index memory : {Index{24} << 20, Index{48} << 20, Index{256} << 20}) {
    for (const int threads : {1, 2, 5}) {
      const auto got = compute_all(all_kinds(cube.array), with(memory, threads));
      for (std::size_t i = 0; i < got.size(); ++i)
        EXPECT_EQ(bytes_of(got[i]), bytes_of(expected[i])) << "output " << i << ", " << memory << " bytes, " << threads << " threads";
    }
  }
}

TEST(Compute, StoredInBlocksGivesTheSameSelectionsAndSmoothing) {
  const Data cube = random_cube({64, 40, 50}, 6);
  std::shared_ptr<TempStore> keep;
  const Array stored = on_disk(cube, {17, 13, 50}, keep);
  for (const auto& make : std::vector<Array (*)(const Array&)>{[](const Array& x) { return sigma_clip(x, 2.0, 0); },
                                                               [](const Array& x) { return median(x, {0}); },
                                                               [](const Array& x) { return convolve(x, gaussian_kernel(2), 0); },
                                                               [](const Array& x) {
                                                                 return median(x, {1, 2});
                                                               }}) {
    EXPECT_EQ(bytes_of(compute(make(stored), with(8 << 20, 2))), bytes_of(compute(make(cube.array), with(64 << 20, 1))));
  }
}

TEST(Compute, OppositeTilesSpillAndAgree) {
  // Spectra, then whole planes: under a small budget the result between them must be stored.
  const Data cube = random_cube({300, 64, 64}, 7);
  std::shared_ptr<TempStore> keep;
  const Array stored = on_disk(cube, {300, 64, 64}, keep);
  const auto work = [](const Array& x) { return median(sigma_clip(x, 2.0, 0), {1, 2}); };
  const auto expected = bytes_of(compute(work(stored), with(256 << 20, 1)));
  const std::vector<Output> outputs{{work(stored), MemoryStore(work(stored).spec()).sink()}};
  const Plan plan = plan_outputs(outputs, with(2 << 20, 2));
  ASSERT_EQ(plan.stages.size(), 2u);
  EXPECT_TRUE(plan.stores.at(0).on_disk);
  EXPECT_EQ(bytes_of(compute(work(stored), with(2 << 20, 2))), expected);
}

TEST(Compute, SiblingsShareOnePass) {
  const Data cube = random_cube({64, 64, 2048}, 8);
  std::shared_ptr<TempStore> keep;
  const Array stored = on_disk(cube, {64, 64, 2048}, keep);
  const Array clipped = sigma_clip(stored, 3.0, 0);
  std::vector<Output> outputs;
  std::vector<Array> arrays = reduce_all("statistics", clipped, {}, {.skip_nan = true});
  arrays.push_back(reduce("sum", clipped, {0}, {.skip_nan = true}));
  arrays.push_back(clipped);
  for (const Array& a : arrays) outputs.push_back({a, MemoryStore(a.spec()).sink()});
  const Plan plan = plan_outputs(outputs, with(64 << 20, 2));
  ASSERT_EQ(plan.stages.size(), 1u);
  EXPECT_EQ(plan.stages[0].inputs.size(), 1u);
  EXPECT_EQ(plan.stages[0].deliveries.size(), 7u);
}

TEST(Compute, PartsOfOneArrayShareItsPass) {
  // Leaves of sums over parts lie across the edges of the tiles: each tile reads what its leaves need, and the bits are those of a pass alone.
  const Data cube = random_cube({90, 70, 400}, 9);
  std::shared_ptr<TempStore> keep;
  const Array x = on_disk(cube, {10, 70, 200}, keep);
  const std::vector<Array> parts = {slice(x, {{9, 31}}), slice(x, {Slice{}, Slice::at(35)}), slice(x, {Slice{}, Slice{}, {3, 397, 7}}),
                                    slice(x, {{33, 38}, {0, 17}, {200, 400}}), flip(slice(x, {{5, 88}}), {0}), x};
  std::vector<Array> sums;
  for (const Array& part : parts) sums.push_back(reduce("sum", part, {}, {.skip_nan = true}));
  sums.push_back(reduce("max", slice(x, {{11, 80}}), {0}, {.skip_nan = true}));
  std::vector<std::vector<std::byte>> expected;
  for (const Array& s : sums) expected.push_back(bytes_of(compute(s, with(256 << 20, 1))));
  for (const Index budget : {Index{4} << 20, Index{16} << 20, Index{256} << 20}) {
    for (const int threads : {1, 3}) {
      std::vector<Output> outputs;
      std::vector<MemoryStore> stores;
      for (const Array& s : sums) stores.emplace_back(s.spec()), outputs.push_back({s, stores.back().sink()});
      const Plan plan = plan_outputs(outputs, with(budget, threads));
      if (budget == Index{16} << 20) {
        EXPECT_EQ(plan.stages.size(), 1u);
      }
      write_outputs(outputs, with(budget, threads));
      for (std::size_t s = 0; s < sums.size(); ++s)
        EXPECT_EQ(std::memcmp(stores[s].view().data, expected[s].data(), expected[s].size()), 0) << s << ", " << budget << " bytes, " << threads;
    }
  }
}

TEST(Compute, OrderStatisticsOfEverythingStreamInLittleMemory) {
  // Above a million elements the ranks are found digit by digit; the oracle sorts.
  const Data cube = random_cube({120, 100, 101}, 12);
  std::vector<float> sorted;
  for (const float v : *cube.values)
    if (!std::isnan(v)) sorted.push_back(v);
  std::sort(sorted.begin(), sorted.end());
  const auto median_of = [](const std::vector<float>& v) {
    return v.size() % 2 == 1 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
  };
  const float middle = median_of(sorted);
  std::shared_ptr<TempStore> keep;
  const Array x = on_disk(cube, {60, 50, 101}, keep);
  EXPECT_EQ(compute(median(x, {}), with(40 << 20, 2)).data<float>()[0], middle);
  EXPECT_TRUE(std::isnan(compute(median(x, {}, false), with(40 << 20, 2)).data<float>()[0]));
  const std::vector<double> wide(sorted.begin(), sorted.end());
  const double wide_middle = wide.size() % 2 == 1 ? wide[wide.size() / 2] : (wide[wide.size() / 2 - 1] + wide[wide.size() / 2]) / 2;
  EXPECT_EQ(compute(median(astype(x, DType::kFloat64), {}), with(40 << 20, 2)).number(), wide_middle);
  const double place = static_cast<double>(sorted.size() - 1) * 0.9;
  const float lower = sorted[static_cast<std::size_t>(place)], upper = sorted[static_cast<std::size_t>(place) + 1];
  EXPECT_NEAR(compute(percentile(x, 90, {}), with(40 << 20, 2)).number(), static_cast<double>(lower),
              static_cast<double>(upper - lower) + 1e-7);
  EXPECT_EQ(compute(percentile(x, 100, {}), with(40 << 20, 2)).data<float>()[0], sorted.back());
  std::vector<float> apart;
  for (const float v : sorted) apart.push_back(std::fabs(v - middle));
  std::sort(apart.begin(), apart.end());
  EXPECT_FLOAT_EQ(compute(mad_std(x, {}), with(40 << 20, 2)).data<float>()[0],
                  static_cast<float>(1.482602218505602 * static_cast<double>(median_of(apart))));
}

TEST(SavedPlans, HoldSmallArraysThemselves) {
  const Data factors = random_cube({50, 1, 1}, 13, 0);
  const Data cube = random_cube({50, 12, 11}, 14);
  const auto source = factors.array.node()->op->source();
  const auto again = inline_source(source->reference());
  ASSERT_TRUE(again);
  EXPECT_EQ(bytes_of(compute(cube.array * from_source(again), with(16 << 20, 1))),
            bytes_of(compute(cube.array * factors.array, with(16 << 20, 1))));
  EXPECT_EQ(inline_source(R"({"path": "cube.fits"})"), nullptr);
  for (const char* damaged : {R"({"inline": "zz", "dtype": "uint8", "shape": [1]})", R"({"inline": "00", "dtype": "uint8", "shape": [2]})",
                              R"({"inline": "", "dtype": "uint8", "shape": [-1]})", R"({"inline": 3})"})
    EXPECT_THROW(inline_source(damaged), Error) << damaged;
}

TEST(Compute, WhatCannotFitNamesABudgetThatWould) {
  const Data cube = random_cube({400, 40, 40}, 9);
  std::shared_ptr<TempStore> keep;
  const Array work = median(on_disk(cube, {400, 40, 40}, keep), {0, 1, 2});
  try {
    compute(work, with(1 << 20, 2));
    FAIL() << "it fitted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    const std::string text = error.what();
    const auto at = text.find("--memory ");
    ASSERT_NE(at, std::string::npos) << text;
    const Index advised = parse_bytes(text.substr(at + 9, text.find(' ', at + 9) - at - 9));
    EXPECT_NO_THROW(compute(work, with(advised, 2))) << text;
  }
}

TEST(Compute, EmptyAxesGiveEmptyOrIdentity) {
  const Data cube = random_cube({0, 4, 5}, 10);
  EXPECT_EQ(compute(cube.array + 1.0, with(16 << 20, 2)).shape(), (Shape{0, 4, 5}));
  const Tensor total = compute(sum(cube.array, {0}), with(16 << 20, 2));
  ASSERT_EQ(total.shape(), (Shape{4, 5}));
  for (Index i = 0; i < 20; ++i) EXPECT_EQ(total.data<float>()[i], 0);
}

TEST(Compute, CancelStopsAndLeavesNothing) {
  const Data cube = random_cube({200, 100, 100}, 11);
  Cancel cancel;
  cancel.request();
  ComputeOptions options = with(64 << 20, 2);
  options.cancel = &cancel;
  try {
    compute(sigma_clip(cube.array, 2.0, 0), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
}

TEST(Compute, TwoTilesForTwoLanesAreEqual) {
  // With a long one and a short one, a lane would wait for the other.
  double one = 1;
  const Array rows = mean(from_memory({reinterpret_cast<std::byte*>(&one), DType::kFloat64, {320000, 100}, {0, 0}}, nullptr), {1});
  const MemoryStore store(rows.spec());
  const Plan plan = plan_outputs({{rows, store.sink()}}, with(Index{1} << 30, 2));
  ASSERT_EQ(plan.stages.size(), 1U);
  ASSERT_EQ(plan.stages[0].estimate.tiles, 2);
  EXPECT_EQ(plan.stages[0].tile[0], 160000);
}

}  // namespace
}  // namespace freestone
