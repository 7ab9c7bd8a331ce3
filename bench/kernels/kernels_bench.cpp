// Kernels on one core. Bytes a second are bytes of float32 input; "ns_element" is time an element; "fma" is multiply-adds a second.

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/kernels/convolve.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/kernels/fold.h"
#include "freestone/kernels/select.h"

namespace freestone::kernels {
namespace {

/// Noise with some lines and a border of NaN: `missing` of 100 columns have none but NaN.
std::vector<float> noise(Index channels, Index columns, int missing = 0) {
  std::mt19937_64 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> data(static_cast<std::size_t>(channels * columns));
  for (float& x : data) x = normal(random);
  for (Index i = 0; i < channels * columns; i += 97) data[static_cast<std::size_t>(i)] += 8;
  for (Index c = 0; c < columns * missing / 100; ++c)
    for (Index i = 0; i < channels; ++i) data[static_cast<std::size_t>(i * columns + c)] = std::numeric_limits<float>::quiet_NaN();
  return data;
}

/// range(0): the Target.
void use_target(benchmark::State& state) { set_target(static_cast<Target>(state.range(0))); }
void count_elements(benchmark::State& state, Index elements) {
  state.SetBytesProcessed(state.iterations() * elements * 4);
  state.counters["ns_element"] =
      benchmark::Counter(static_cast<double>(elements) * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  set_target(best_target());
}

void fold_leaf(benchmark::State& state, const char* name, const Shape& tile, const Shape& leaf, std::uint32_t reduced,
               std::vector<double> parameters) {
  use_target(state);
  std::vector<float> data = noise(tile[0], tile[1] * tile[2]);
  const View whole = View::contiguous(data.data(), DType::kFloat32, tile);
  const auto fold = make_fold({name, DType::kFloat32, true, std::move(parameters)});
  Index n = 1;
  for (int k = 0; k < 3; ++k)
    if (!(reduced >> k & 1)) n *= leaf[k];
  std::vector<Word> fresh(static_cast<std::size_t>(n * fold->words()));
  const View in = whole.part({Dims{0, 0, 0}, leaf});
  for (auto _ : state) {
    fold->init(fresh.data(), n);
    fold->scan(in, reduced, {Dims{0, 0, 0}, tile}, fresh.data(), n);
    benchmark::DoNotOptimize(fresh.data());
  }
  count_elements(state, element_count(leaf));
}

const Shape kCubeTile{64, 32, 768}, kLeaf{64, 32, 32}, kSpectra{512, 16, 768}, kSomeSpectra{512, 1, 768};

void statistics(benchmark::State& state) { fold_leaf(state, "statistics", kCubeTile, kLeaf, 7, {}); }
void sum_leaf(benchmark::State& state) { fold_leaf(state, "sum", kCubeTile, kLeaf, 7, {}); }
void variance_leaf(benchmark::State& state) { fold_leaf(state, "variance", kCubeTile, kLeaf, 7, {}); }
void power_sums(benchmark::State& state, int order, const Shape& leaf) {
  std::vector<double> parameters{static_cast<double>(order)};
  for (int i = 0; i < 512; ++i) parameters.push_back(0.5 * i);
  fold_leaf(state, "power_sums", kSpectra, leaf, 1, std::move(parameters));
}
void sum_axis0(benchmark::State& state) { fold_leaf(state, "sum", kSpectra, kSpectra, 1, {}); }
void max_axis0(benchmark::State& state) { fold_leaf(state, "max", kSpectra, kSpectra, 1, {}); }

BENCHMARK(statistics)->DenseRange(0, 2);
BENCHMARK(sum_leaf)->DenseRange(0, 2);
BENCHMARK(variance_leaf)->DenseRange(1, 2);
BENCHMARK_CAPTURE(power_sums, order2_l2, 2, kSomeSpectra)->DenseRange(0, 2);
BENCHMARK_CAPTURE(power_sums, order2, 2, kSpectra)->DenseRange(1, 2);
BENCHMARK_CAPTURE(power_sums, order0, 0, kSpectra)->DenseRange(1, 2);
BENCHMARK(sum_axis0)->DenseRange(1, 2);
BENCHMARK(max_axis0)->DenseRange(1, 2);

enum class Selection { kMedian, kPercentile, kMadStd, kSigmaClip };

void select(benchmark::State& state, Selection what, int axis) {
  use_target(state);
  const Shape shape = axis == 0 ? kSpectra : Shape{16, 768, 512};
  std::vector<float> data = noise(shape[0], shape[1] * shape[2], axis == 0 ? 5 : 0), out(data.size());
  const View in = View::contiguous(data.data(), DType::kFloat32, shape);
  Shape flat = shape;
  if (what != Selection::kSigmaClip) flat.erase(axis);
  const View to = View::contiguous(out.data(), DType::kFloat32, flat);
  const Buffer memory(select_scratch_bytes(shape, axis, DType::kFloat32));
  const Cancel cancel;
  for (auto _ : state) {
    Scratch scratch(memory.bytes());
    switch (what) {
      case Selection::kMedian: median_along(in, axis, to, true, scratch, cancel); break;
      case Selection::kPercentile: percentile_along(in, axis, 90, to, true, scratch, cancel); break;
      case Selection::kMadStd: mad_std_along(in, axis, to, true, scratch, cancel); break;
      case Selection::kSigmaClip: sigma_clip_along(in, axis, {}, to, scratch, cancel); break;
    }
  }
  count_elements(state, element_count(shape));
  state.counters["us_column"] = benchmark::Counter(static_cast<double>(element_count(shape) / shape[axis]) * 1e-6,
                                                   benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(select, median, Selection::kMedian, 0)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(select, median_rows, Selection::kMedian, 2)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(select, percentile, Selection::kPercentile, 0)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(select, mad_std, Selection::kMadStd, 0)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(select, sigma_clip, Selection::kSigmaClip, 0)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

void convolve(benchmark::State& state, int axis, Index side, bool with_nan) {
  use_target(state);
  const Shape shape = axis >= 0 ? Shape{256, 16, 768} : Shape{1, 768, 768};
  std::vector<float> data = noise(shape[0], shape[1] * shape[2], with_nan && axis >= 0 ? 5 : 0), out(data.size());
  if (with_nan && axis < 0)
    for (Index i = 0; i < 768 * 40; ++i) data[static_cast<std::size_t>(i)] = std::numeric_limits<float>::quiet_NaN();
  const View in = View::contiguous(data.data(), DType::kFloat32, shape), to = View::contiguous(out.data(), DType::kFloat32, shape);
  const Index taps = axis >= 0 ? side : side * side;
  const std::vector<double> weights(static_cast<std::size_t>(taps), 1.0 / static_cast<double>(taps));
  const Buffer memory(axis >= 0 ? convolve_along_scratch_bytes(shape, axis, side, DType::kFloat32)
                                : convolve_plane_scratch_bytes(shape, side, side, DType::kFloat32));
  const Cancel cancel;
  for (auto _ : state) {
    Scratch scratch(memory.bytes());
    if (axis >= 0)
      convolve_along(in, 0, shape[axis], axis, weights, NanRule::kInterpolate, to, 0, scratch, cancel);
    else
      convolve_plane(in, {0, 0}, {768, 768}, weights, side, side, NanRule::kInterpolate, to, {0, 0}, scratch, cancel);
  }
  count_elements(state, element_count(shape));
  state.counters["fma"] =
      benchmark::Counter(static_cast<double>(element_count(shape) * taps), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(convolve, along0_33, 0, 33, false)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convolve, along0_33_nan, 0, 33, true)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convolve, along2_33, 2, 33, false)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convolve, plane_31, -1, 31, false)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(convolve, plane_31_nan, -1, 31, true)->DenseRange(1, 2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace freestone::kernels
