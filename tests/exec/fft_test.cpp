#include "freestone/ops/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <random>

#include "freestone/exec/compute.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/shape.h"
#include "freestone/storage/temp_store.h"

namespace freestone {
namespace {

using Complex = std::complex<double>;

ComputeOptions with(Index memory, int threads) {
  ComputeOptions options;
  options.settings = {memory, threads, "/var/tmp"};
  return options;
}

template <class T>
std::shared_ptr<std::vector<T>> noise(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  auto values = std::make_shared<std::vector<T>>(static_cast<std::size_t>(element_count(shape)));
  for (T& v : *values) {
    if constexpr (std::is_integral_v<T>)
      v = static_cast<T>(random() % 200);
    else if constexpr (std::is_floating_point_v<T>)
      v = static_cast<T>(uniform(random));
    else
      v = T(static_cast<typename T::value_type>(uniform(random)), static_cast<typename T::value_type>(uniform(random)));
  }
  return values;
}

template <class T>
Array array_of(const std::shared_ptr<std::vector<T>>& values, const Shape& shape) {
  return from_memory(View::contiguous(values->data(), dtype_of<T>(), shape), values);
}

/// The definition, along the middle of three axes, cropped or filled up to n.
std::vector<Complex> definition(const std::vector<Complex>& a, const Shape& shape, Index n, bool forward, double scale) {
  std::vector<Complex> out(static_cast<std::size_t>(shape[0] * n * shape[2]));
  for (Index i = 0; i < shape[0]; ++i)
    for (Index k = 0; k < n; ++k)
      for (Index x = 0; x < shape[2]; ++x) {
        Complex sum = 0;
        for (Index j = 0; j < std::min(n, shape[1]); ++j) {
          const double angle = (forward ? -2 : 2) * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
          sum += a[static_cast<std::size_t>((i * shape[1] + j) * shape[2] + x)] * std::polar(1.0, angle);
        }
        out[static_cast<std::size_t>((i * n + k) * shape[2] + x)] = sum * scale;
      }
  return out;
}

template <class T>
std::vector<Complex> as_complex(const std::vector<T>& values) {
  std::vector<Complex> out;
  for (const T& v : values) out.push_back(static_cast<Complex>(v));
  return out;
}

/// `got` (of any dtype) against what it should be.
void expect_near(const Tensor& got, const std::vector<Complex>& expected, double tolerance) {
  ASSERT_EQ(got.view().count(), static_cast<Index>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Complex value;
    switch (got.dtype()) {
      case DType::kComplex64: value = static_cast<Complex>(got.data<std::complex<float>>()[i]); break;
      case DType::kComplex128: value = got.data<Complex>()[i]; break;
      case DType::kFloat32: value = static_cast<double>(got.data<float>()[i]); break;
      default: value = got.data<double>()[i];
    }
    ASSERT_LE(std::abs(value - expected[i]), tolerance) << "element " << i << ": " << value << ", not " << expected[i];
  }
}

template <class T>
void check_complex(Index length, Index n, FftNorm norm) {
  SCOPED_TRACE(fmt::format("{} of {}, n {}", name_of(dtype_of<T>()), length, n));
  const Shape shape{3, length, 5};
  const auto values = noise<T>(shape, static_cast<unsigned>(length * 31 + n));
  const Array a = array_of(values, shape);
  constexpr bool kSingle = std::is_same_v<T, float> || std::is_same_v<T, std::complex<float>>;
  const double size = static_cast<double>(n), tolerance = (kSingle ? 2e-6 : 4e-15) * (std::is_integral_v<T> ? 200 : 1) * size;
  const double forward = norm == FftNorm::kBackward ? 1 : norm == FftNorm::kOrtho ? 1 / std::sqrt(size) : 1 / size;
  const auto direct = definition(as_complex(*values), shape, n, true, forward);
  const Tensor got = compute(fft(a, n, 1, norm), with(64 << 20, 2));
  EXPECT_EQ(got.dtype(), kSingle ? DType::kComplex64 : DType::kComplex128);
  expect_near(got, direct, tolerance);
  expect_near(compute(ifft(a, n, 1, norm), with(64 << 20, 2)), definition(as_complex(*values), shape, n, false, 1 / size / forward),
              tolerance);
  if constexpr (std::is_arithmetic_v<T>) {
    // Half of it.
    const Index half = n / 2 + 1;
    std::vector<Complex> first, conjugate;
    for (Index i = 0; i < 3; ++i)
      for (Index k = 0; k < half; ++k)
        for (Index x = 0; x < 5; ++x) {
          first.push_back(direct[static_cast<std::size_t>((i * n + k) * 5 + x)]);
          conjugate.push_back(std::conj(first.back()) / forward / size / forward);
        }
    const Array spectrum = rfft(a, n, 1, norm);
    EXPECT_EQ(spectrum.shape(), (Shape{3, half, 5}));
    expect_near(compute(spectrum, with(64 << 20, 2)), first, tolerance);
    expect_near(compute(ihfft(a, n, 1, norm), with(64 << 20, 2)), conjugate, tolerance);
    // And back: what was cropped or filled up.
    std::vector<Complex> signal;
    for (Index i = 0; i < 3; ++i)
      for (Index j = 0; j < n; ++j)
        for (Index x = 0; x < 5; ++x)
          signal.push_back(j < length ? static_cast<Complex>((*values)[static_cast<std::size_t>((i * length + j) * 5 + x)]) : 0.0);
    expect_near(compute(irfft(spectrum, n, 1, norm), with(64 << 20, 2)), signal, tolerance);
    expect_near(compute(hfft(ihfft(a, n, 1, norm), n, 1, norm), with(64 << 20, 2)), signal, tolerance);
  }
}

TEST(Fft, EqualsItsDefinition) {
  for (const FftNorm norm : {FftNorm::kBackward, FftNorm::kOrtho, FftNorm::kForward})
    for (const auto& [length, n] :
         {std::pair<Index, Index>{1, 1}, {2, 2}, {7, 7}, {16, 16}, {30, 30}, {97, 97}, {12, 5}, {5, 12}, {8, 13}}) {
      check_complex<double>(length, n, norm);
      check_complex<float>(length, n, norm);
      check_complex<Complex>(length, n, norm);
      check_complex<std::complex<float>>(length, n, norm);
      check_complex<std::int16_t>(length, n, norm);
    }
}

TEST(Fft, SeveralAxesAreOneAfterAnother) {
  const Shape shape{6, 5, 8};
  const auto values = noise<double>(shape, 3);
  const Array a = array_of(values, shape);
  const auto bytes = [](const Array& array) { return compute(array, with(64 << 20, 2)); };
  const auto same = [&](const Array& x, const Array& y) {
    const Tensor p = bytes(x), q = bytes(y);
    return p.shape() == q.shape() && std::memcmp(p.view().data, q.view().data, static_cast<std::size_t>(p.view().bytes())) == 0;
  };
  EXPECT_TRUE(same(fftn(a), fft(fft(fft(a, {}, 2), {}, 1), {}, 0)));
  EXPECT_TRUE(same(fft2(a), fft(fft(a, {}, 2), {}, 1)));
  EXPECT_TRUE(same(fftn(a, {{4, 9}, {0, 2}}), fft(fft(a, 9, 2), 4, 0)));
  EXPECT_TRUE(same(fftn(a, {{4, 9}, {}}), fft(fft(a, 9, 2), 4, 1)));
  EXPECT_TRUE(same(rfft2(a), fft(rfft(a, {}, 2), {}, 1)));
  expect_near(bytes(ifftn(fftn(a))), as_complex(*values), 1e-15 * 20);
  expect_near(bytes(irfftn(rfftn(a))), as_complex(*values), 1e-15 * 20);
  expect_near(bytes(irfft2(rfft2(a))), as_complex(*values), 1e-15 * 20);
  expect_near(bytes(irfftn(rfftn(a, {{}, {2, 0, 1}}), {{8, 6, 5}, {2, 0, 1}})), as_complex(*values), 1e-15 * 20);
  EXPECT_THROW(fft(a, 0), Error);
  EXPECT_THROW(fft(a, {}, 3), Error);
  EXPECT_THROW(rfft(fft(a)), Error);
  EXPECT_THROW(fftn(a, {{4}, {0, 1}}), Error);
}

TEST(Fft, SameBitsForAnyBudgetAndThreads) {
  const Shape shape{120, 90, 50};
  const auto values = noise<float>(shape, 5);
  TempStore store("/var/tmp", Spec{shape, DType::kFloat32}, {40, 90, 7});
  store.sink()->create();
  Buffer memory(store.sink()->scratch_bytes(Box(shape)) + 64);
  Scratch scratch(memory.bytes());
  store.sink()->write(Box(shape), View::contiguous(values->data(), DType::kFloat32, shape), scratch, Cancel());
  const Array x = rfftn(from_source(store.source()), {{}, {0, 1, 2}});
  const Tensor expected = compute(x, with(Index{128} << 20, 1));
  // Less than the array of 2 MB that lies between the axes: it is stored.
  const auto result = std::make_shared<TempStore>("/var/tmp", x.spec(), Shape{16, 16, 16});
  const Plan plan = plan_outputs({{x, result->sink()}}, with(Index{3} << 19, 2));
  EXPECT_GE(plan.stages.size(), 2u);
  for (const Index room : {Index{3} << 19, Index{3} << 20, Index{12} << 20}) {
    const Tensor got = compute(x, with(room + x.bytes(), 3));
    EXPECT_EQ(std::memcmp(got.view().data, expected.view().data, static_cast<std::size_t>(got.view().bytes())), 0) << room;
  }
}

TEST(Fft, FrequenciesAndShifts) {
  for (const Index n : {1, 2, 7, 8}) {
    const Tensor f = compute(fftfreq(n, 0.25), with(64 << 20, 1)), r = compute(rfftfreq(n, 0.25), with(64 << 20, 1));
    ASSERT_EQ(r.shape(), (Shape{n / 2 + 1}));
    for (Index k = 0; k < n; ++k)
      EXPECT_DOUBLE_EQ(f.data<double>()[k], static_cast<double>(k < (n + 1) / 2 ? k : k - n) / (0.25 * static_cast<double>(n)));
    for (Index k = 0; k <= n / 2; ++k) EXPECT_DOUBLE_EQ(r.data<double>()[k], static_cast<double>(k) / (0.25 * static_cast<double>(n)));
    const Tensor shifted = compute(fftshift(fftfreq(n, 0.25)), with(64 << 20, 1));
    for (Index k = 1; k < n; ++k) EXPECT_GT(shifted.data<double>()[k], shifted.data<double>()[k - 1]);
    const Tensor back = compute(ifftshift(fftshift(fftfreq(n, 0.25))), with(64 << 20, 1));
    for (Index k = 0; k < n; ++k) EXPECT_EQ(back.data<double>()[k], f.data<double>()[k]);
  }
}

}  // namespace
}  // namespace freestone
