// Matrix products of n x n on one core; "flops" are multiplications and additions a second (8 of them for a complex pair).

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "freestone/core/buffer.h"
#include "freestone/kernels/dispatch.h"
#include "freestone/kernels/matmul.h"

namespace freestone::kernels {
namespace {

/// range(0): the Target; range(1): n.
void product(benchmark::State& state, DType dtype, bool transposed) {
  set_target(static_cast<Target>(state.range(0)));
  const Index n = state.range(1), bytes = n * n * size_of(dtype);
  Buffer memory(3 * bytes);
  std::mt19937 random(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  with_float_type(is_complex(dtype) ? (dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64) : dtype, [&]<class T>(TypeTag<T>) {
    T* values = reinterpret_cast<T*>(memory.data());
    for (Index i = 0; i < 2 * bytes / static_cast<Index>(sizeof(T)); ++i) values[i] = static_cast<T>(uniform(random));
  });
  const auto square = [&](Index i) { return View::contiguous(memory.data() + i * bytes, dtype, {n, n}); };
  View a = square(0);
  if (transposed) std::swap(a.strides[0], a.strides[1]);
  Buffer work(matmul_scratch_bytes(n, n, n, dtype) + 64);
  for (auto _ : state) {
    Scratch scratch(work.bytes());
    matmul(a, square(1), square(2), scratch, Cancel());
    benchmark::DoNotOptimize(memory.data());
  }
  const double work_done = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n) * (is_complex(dtype) ? 8 : 2);
  state.counters["flops"] = benchmark::Counter(work_done, benchmark::Counter::kIsIterationInvariantRate);
  set_target(best_target());
}

void sizes(benchmark::internal::Benchmark* b) { b->Args({2, 2000})->Args({2, 200})->Args({1, 2000})->Unit(benchmark::kMillisecond); }

BENCHMARK_CAPTURE(product, float32, DType::kFloat32, false)->Apply(sizes);
BENCHMARK_CAPTURE(product, float32_transposed, DType::kFloat32, true)->Apply(sizes);
BENCHMARK_CAPTURE(product, float64, DType::kFloat64, false)->Apply(sizes);
BENCHMARK_CAPTURE(product, complex64, DType::kComplex64, false)->Apply(sizes);
BENCHMARK_CAPTURE(product, complex128, DType::kComplex128, false)->Apply(sizes);

}  // namespace
}  // namespace freestone::kernels
