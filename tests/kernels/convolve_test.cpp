#include "freestone/kernels/convolve.h"

#include <gtest/gtest.h>

#include "freestone/kernels/dispatch.h"
#include "kernels/random_views.h"

namespace freestone::kernels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Kernel {
  std::vector<double> weights;
  Index ky = 1, kx = 1;
};

/// The definition, at one place. `y`, `x`: the axes that the kernel lies on (y may be -1).
double reference(const View& in, const Dims& at, int y, int x, const Kernel& kernel, NanRule rule) {
  double sum = 0, valid = 0, all = 0;
  bool missing = false, any = false;
  for (Index ty = 0; ty < kernel.ky; ++ty)
    for (Index tx = 0; tx < kernel.kx; ++tx) {
      const double w = kernel.weights[static_cast<std::size_t>(ty * kernel.kx + tx)];
      Dims from = at;
      if (y >= 0) from[y] += ty - kernel.ky / 2;
      from[x] += tx - kernel.kx / 2;
      const bool outside = from[x] < 0 || from[x] >= in.shape[x] || (y >= 0 && (from[y] < 0 || from[y] >= in.shape[y]));
      const double v = outside ? 0 : element(in, from);
      all += w;
      if (std::isnan(v)) {
        missing = true;
        continue;
      }
      any = true;
      valid += w;
      sum += w * v;
    }
  if (!missing || rule == NanRule::kFill) return sum;
  if (rule == NanRule::kPropagate || !any) return kNaN;
  return sum / valid * all;
}

void convolve(const View& in, int y, int x, const Kernel& kernel, NanRule rule, const View& out, std::array<Index, 2> in_start,
              std::array<Index, 2> extent, std::array<Index, 2> out_start) {
  const Cancel cancel;
  if (y < 0) {
    const Buffer memory(convolve_along_scratch_bytes(in.shape, x, kernel.kx, in.dtype));
    Scratch scratch(memory.bytes());
    convolve_along(in, in_start[1], extent[1], x, kernel.weights, rule, out, out_start[1], scratch, cancel);
  } else {
    const Buffer memory(convolve_plane_scratch_bytes(in.shape, kernel.ky, kernel.kx, in.dtype));
    Scratch scratch(memory.bytes());
    convolve_plane(in, in_start, extent, kernel.weights, kernel.ky, kernel.kx, rule, out, out_start, scratch, cancel);
  }
}

/// Random arrays and kernels: calls f(views, in, y, x, kernel, rule); y is -1 for one axis, else the last two axes are taken.
template <class F>
void for_random_kernels(std::uint64_t seed, int cases, F&& f) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomViews views(seed);
  for (int i = 0; i < cases; ++i) {
    Shape shape = views.shape(3, 14);
    if (views.chance(0.3)) shape[static_cast<int>(views.integer(0, shape.rank() - 1))] = views.integer(60, 150);
    const double missing[] = {0, 0.05, 0.8};
    const Sample in = views.values(views.float_dtype(), shape, missing[views.integer(0, 2)]);
    const bool plane = shape.rank() >= 2 && views.chance(0.5);
    const int x = plane ? shape.rank() - 1 : static_cast<int>(views.integer(0, shape.rank() - 1)), y = plane ? x - 1 : -1;
    Kernel kernel;
    kernel.ky = plane ? 2 * views.integer(0, 5) + 1 : 1;
    kernel.kx = 2 * views.integer(0, plane ? 5 : 12) + 1;
    for (Index t = 0; t < kernel.ky * kernel.kx; ++t) kernel.weights.push_back(0.05 + std::fabs(views.normal()));
    const NanRule rule = static_cast<NanRule>(views.integer(0, 2));
    SCOPED_TRACE(fmt::format("{} {}, axes {} and {}, kernel {} x {}, rule {}", name_of(in.view.dtype), to_string(shape), y, x, kernel.ky,
                             kernel.kx, static_cast<int>(rule)));
    f(views, in.view, y, x, kernel, rule);
    if (testing::Test::HasFailure()) return;
  }
}

std::array<Index, 2> extent_of(const View& in, int y, int x) { return {y < 0 ? 0 : in.shape[y], in.shape[x]}; }

TEST(Convolve, EqualsTheDefinitionOnRandomArrays) {
  for_random_kernels(41, 150, [](RandomViews& views, const View& in, int y, int x, const Kernel& kernel, NanRule rule) {
    const Sample out = views.empty(in.dtype, in.shape);
    convolve(in, y, x, kernel, rule, out.view, {0, 0}, extent_of(in, y, x), {0, 0});
    for_each_index(in.shape, [&](const Dims& at) {
      const double expected = reference(in, at, y, x, kernel, rule), got = element(out.view, at);
      ASSERT_TRUE(near(got, expected, in.dtype == DType::kFloat32 ? 1e-6 : 1e-11, in.dtype == DType::kFloat32 ? 1e-4 : 1e-10))
          << got << " for " << expected << " at " << to_string(at);
    });
  });
}

TEST(Convolve, SameBitsForAnyTilingStridesAndTarget) {
  for_random_kernels(42, 100, [](RandomViews& views, const View& in, int y, int x, const Kernel& kernel, NanRule rule) {
    set_target(Target::kBaseline);
    const Sample whole = views.empty(in.dtype, in.shape);
    const std::array<Index, 2> extent = extent_of(in, y, x);
    convolve(in, y, x, kernel, rule, whole.view, {0, 0}, extent, {0, 0});
    const std::vector<double> expected = elements(whole.view);
    for (const Target target : {Target::kBaseline, Target::kAvx2, Target::kAvx512}) {
      set_target(target);
      const Sample other = views.relaid(in), out = views.empty(in.dtype, in.shape);
      // Tiles of the output; each gets the input that it needs, and sometimes more.
      const std::array<Index, 2> tile{y < 0 ? 1 : views.integer(1, extent[0]), views.integer((extent[1] + 4) / 5, extent[1])},
          taps{kernel.ky, kernel.kx};
      const int axes[] = {y, x};
      for_each_index(Shape{y < 0 ? 1 : (extent[0] + tile[0] - 1) / tile[0], (extent[1] + tile[1] - 1) / tile[1]}, [&](const Dims& t) {
        Box from(in.shape), to(in.shape);
        std::array<Index, 2> in_start{}, out_start{};
        for (int k = 0; k < 2; ++k) {
          if (axes[k] < 0) continue;
          const Index first = t[k] * tile[k], last = std::min(extent[k], first + tile[k]);
          to.start[axes[k]] = out_start[k] = first;
          to.shape[axes[k]] = last - first;
          from.start[axes[k]] = in_start[k] = std::max<Index>(0, first - taps[k] / 2 - views.integer(0, 2));
          from.shape[axes[k]] = std::min(extent[k], last + taps[k] / 2 + views.integer(0, 2)) - in_start[k];
        }
        convolve(other.view.part(from), y, x, kernel, rule, out.view.part(to), in_start, extent, out_start);
      });
      const std::vector<double> got = elements(out.view);
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_TRUE(same(got[i], expected[i])) << "target " << static_cast<int>(target) << ", element " << i;
    }
    set_target(best_target());
  });
}

TEST(Convolve, MissingPixelsTouchOnlyTheirReach) {
  RandomViews views(43);
  const Sample in = views.values(DType::kFloat64, {40, 90}, 0);
  const Sample clean = views.empty(DType::kFloat64, {40, 90}), out = views.empty(DType::kFloat64, {40, 90});
  Kernel kernel{std::vector<double>(15), 3, 5};
  for (double& w : kernel.weights) w = std::fabs(views.normal());
  convolve(in.view, 0, 1, kernel, NanRule::kInterpolate, clean.view, {0, 0}, {40, 90}, {0, 0});
  std::memcpy(in.view.data + 20 * in.view.strides[0] + 70 * in.view.strides[1], &kNaN, sizeof kNaN);
  convolve(in.view, 0, 1, kernel, NanRule::kInterpolate, out.view, {0, 0}, {40, 90}, {0, 0});
  for_each_index({40, 90}, [&](const Dims& at) {
    const bool reached = std::abs(at[0] - 20) <= 1 && std::abs(at[1] - 70) <= 2;
    ASSERT_EQ(element(out.view, at) == element(clean.view, at), !reached) << to_string(at);
    ASSERT_FALSE(std::isnan(element(out.view, at)));
  });
}

/// astropy.convolution.convolve_fft(x, kernel, nan_treatment='interpolate', normalize_kernel=True), the kernel flipped for it.
TEST(Convolve, CapturedFromAstropy) {
  std::vector<double> x{1, kNaN, 3, -2, 5, kNaN, kNaN, 4}, out(8);
  const std::vector<double> weights{0.2, 0.5, 0.3}, expected{0.714285714285714, 2.2, 1.125, 1.1, 3, 5, 4, 2.5};
  convolve(View::contiguous(x.data(), DType::kFloat64, {8}), -1, 0, {weights, 1, 3}, NanRule::kInterpolate,
           View::contiguous(out.data(), DType::kFloat64, {8}), {0, 0}, {0, 8}, {0, 0});
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(out[i], expected[i], 1e-12) << i;
}

TEST(Convolve, NoValidPixelInReachGivesNaN) {
  std::vector<float> x(9, std::numeric_limits<float>::quiet_NaN()), out(9);
  convolve(View::contiguous(x.data(), DType::kFloat32, {9}), -1, 0, {{1, 1, 1}, 1, 3}, NanRule::kInterpolate,
           View::contiguous(out.data(), DType::kFloat32, {9}), {0, 0}, {0, 9}, {0, 0});
  EXPECT_TRUE(std::isnan(out[4]));
  EXPECT_EQ(out[0], 0);  // beyond the edge lies a valid 0
}

TEST(Convolve, RefusesEvenKernels) {
  std::vector<float> x(9), out(9);
  const View in = View::contiguous(x.data(), DType::kFloat32, {9}), to = View::contiguous(out.data(), DType::kFloat32, {9});
  EXPECT_THROW(convolve(in, -1, 0, {{1, 1}, 1, 2}, NanRule::kFill, to, {0, 0}, {0, 9}, {0, 0}), Error);
  EXPECT_THROW(convolve(in, -1, 0, {{}, 1, 1}, NanRule::kFill, to, {0, 0}, {0, 9}, {0, 0}), Error);
  EXPECT_THROW(convolve(in, -1, 0, {{1, 1, 1}, 1, 3}, NanRule::kFill, to, {0, 1}, {0, 12}, {0, 0}), Error);  // position 0 is needed
}

}  // namespace
}  // namespace freestone::kernels
