#include "freestone/kernels/select.h"

#include <gtest/gtest.h>

#include <map>

#include "freestone/kernels/dispatch.h"
#include "kernels/random_views.h"

namespace freestone::kernels {
namespace {

using Column = std::vector<double>;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Every column of `in` along `axis`, with the index of its place in the output.
template <class F>
void for_each_column(const View& in, int axis, F&& f) {
  Shape others = in.shape;
  others.erase(axis);
  for_each_index(others, [&](const Dims& place) {
    Column x;
    Dims at = place;
    at.insert(axis, 0);
    for (Index i = 0; i < in.shape[axis]; ++i) {
      at[axis] = i;
      x.push_back(element(in, at));
    }
    f(place, x);
  });
}

template <class T>
double middle(Column x, bool skip_nan) {
  const std::size_t all = x.size();
  std::erase_if(x, [](double v) { return std::isnan(v); });
  if (x.empty() || (!skip_nan && x.size() < all)) return kNaN;
  std::sort(x.begin(), x.end());
  const T low = static_cast<T>(x[(x.size() - 1) / 2]), high = static_cast<T>(x[x.size() / 2]);
  return x.size() % 2 == 1 ? low : static_cast<T>(low + high) / 2;
}
template <class T>
double deviation(const Column& x, bool skip_nan) {
  const T center = static_cast<T>(middle<T>(x, skip_nan));
  Column apart;
  for (const double v : x) apart.push_back(std::fabs(static_cast<T>(v) - center));
  return static_cast<T>(middle<T>(apart, skip_nan)) * static_cast<T>(1.482602218505602);
}
template <class T>
double percentile(Column x, double q, bool skip_nan) {
  const std::size_t all = x.size();
  std::erase_if(x, [](double v) { return std::isnan(v); });
  if (x.empty() || (!skip_nan && x.size() < all)) return kNaN;
  std::sort(x.begin(), x.end());
  const double place = static_cast<double>(x.size() - 1) * (q / 100), below = std::floor(place), part = place - below;
  const T a = static_cast<T>(x[static_cast<std::size_t>(below)]),
          b = static_cast<T>(x[std::min(x.size() - 1, static_cast<std::size_t>(below) + 1)]);
  return part >= 0.5 ? b - (b - a) * static_cast<T>(1 - part) : a + (b - a) * static_cast<T>(part);
}
/// astropy.stats.SigmaClip on one column: whether each value stays.
std::vector<bool> clip(const Column& x, const ClipRule& rule) {
  Column left;
  for (const double v : x)
    if (std::isfinite(v)) left.push_back(v);
  double low = kNaN, high = kNaN;
  for (int iteration = 1; !left.empty(); ++iteration) {
    const double n = static_cast<double>(left.size()), median = middle<double>(left, true);
    double mean = 0, squares = 0;
    for (const double v : left) mean += v / n;
    for (const double v : left) squares += (v - mean) * (v - mean);
    const double spread = rule.deviation_mad ? deviation<double>(left, true) : std::sqrt(squares / n),
                 center = rule.center_mean ? mean : median;
    low = center - rule.low * spread, high = center + rule.high * spread;
    const std::size_t before = left.size();
    std::erase_if(left, [&](double v) { return v < low || v > high; });
    if (left.size() == before || left.empty() || iteration == rule.max_iterations) break;
  }
  std::vector<bool> stays;
  for (const double v : x) stays.push_back(std::isfinite(v) && v >= low && v <= high);
  return stays;
}

struct Work {
  Buffer memory;
  Scratch scratch;
  Cancel cancel;
  Work(const View& in, int axis) : memory(select_scratch_bytes(in.shape, axis, in.dtype)), scratch(memory.bytes()) {}
};

DType result_dtype(DType t) { return t == DType::kFloat32 ? t : DType::kFloat64; }

/// Random arrays: calls f(views, in, axis).
template <class F>
void for_random_columns(std::uint64_t seed, int cases, F&& f) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomViews views(seed);
  for (int i = 0; i < cases; ++i) {
    Shape shape = views.shape(3, 12);
    const int axis = static_cast<int>(views.integer(0, shape.rank() - 1));
    if (views.chance(0.5)) shape[axis] = views.integer(1, 700);
    const double missing[] = {0, 0.1, 0.9}, grains[] = {0, 0, 4, 40};
    const Sample sample = views.values(views.chance(0.8) ? views.float_dtype() : views.real_dtype(), shape, missing[views.integer(0, 2)],
                                       views.chance(0.3), grains[views.integer(0, 3)]);
    SCOPED_TRACE(fmt::format("{} {}, axis {}", name_of(sample.view.dtype), to_string(shape), axis));
    f(views, sample.view, axis);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Select, MedianPercentileAndMadAreThoseOfNumPy) {
  for_random_columns(31, 300, [](RandomViews& views, const View& in, int axis) {
    Shape flat = in.shape;
    flat.erase(axis);
    const bool skip_nan = views.chance(0.6);
    const double qs[] = {0, 100, 50, 25, 99.9}, q = views.chance(0.5) ? qs[views.integer(0, 4)] : std::fabs(views.normal()) * 20;
    const Sample median = views.empty(result_dtype(in.dtype), flat), part = views.empty(result_dtype(in.dtype), flat),
                 mad = views.empty(result_dtype(in.dtype), flat);
    Work work(in, axis);
    median_along(in, axis, median.view, skip_nan, work.scratch, work.cancel);
    percentile_along(in, axis, std::min(q, 100.0), part.view, skip_nan, work.scratch, work.cancel);
    mad_std_along(in, axis, mad.view, skip_nan, work.scratch, work.cancel);
    with_float_type(result_dtype(in.dtype), [&](auto tag) {
      using T = typename decltype(tag)::type;
      for_each_column(in, axis, [&](const Dims& at, const Column& x) {
        ASSERT_TRUE(same(element(median.view, at), middle<T>(x, skip_nan)))
            << element(median.view, at) << " for " << middle<T>(x, skip_nan);
        ASSERT_TRUE(same(element(mad.view, at), deviation<T>(x, skip_nan)))
            << element(mad.view, at) << " for " << deviation<T>(x, skip_nan);
        const double expected = percentile<T>(x, std::min(q, 100.0), skip_nan);
        if (std::isfinite(expected)) {
          ASSERT_EQ(element(part.view, at), expected) << "q " << q;
        }
      });
    });
  });
}

TEST(Select, SigmaClipIsThatOfAstropy) {
  for_random_columns(32, 300, [](RandomViews& views, const View& in, int axis) {
    const double sides[] = {3, 2.5, 1.7, 0.9};
    const int iterations[] = {5, 1, 2, -1};
    const ClipRule rule{sides[views.integer(0, 3)], sides[views.integer(0, 3)], iterations[views.integer(0, 3)], views.chance(0.3),
                        views.chance(0.3)};
    const Sample out = views.empty(result_dtype(in.dtype), in.shape);
    Work work(in, axis);
    Index expected_survivors = 0;
    const Index survivors = sigma_clip_along(in, axis, rule, out.view, work.scratch, work.cancel);
    std::vector<std::vector<double>> clipped;
    for_each_column(out.view, axis, [&](const Dims&, const Column& x) { clipped.push_back(x); });
    std::size_t column = 0;
    for_each_column(in, axis, [&](const Dims&, const Column& x) {
      const std::vector<bool> stays = clip(x, rule);
      for (std::size_t i = 0; i < x.size(); ++i) {
        expected_survivors += stays[i];
        ASSERT_TRUE(same(clipped[column][i], stays[i] ? x[i] : kNaN)) << "value " << i << " of column " << column << ": " << x[i];
      }
      ++column;
    });
    EXPECT_EQ(survivors, expected_survivors);
  });
}

TEST(Select, SameBitsForAnyStridesTargetAndCut) {
  for_random_columns(33, 150, [](RandomViews& views, const View& in, int axis) {
    const DType t = result_dtype(in.dtype);
    set_target(Target::kBaseline);
    Work work(in, axis);
    const Sample expected = views.empty(t, in.shape);
    sigma_clip_along(in, axis, {2.5, 2.5}, expected.view, work.scratch, work.cancel);
    for (const Target target : {Target::kAvx2, Target::kAvx512}) {
      set_target(target);
      const Sample other = views.relaid(in), out = views.empty(t, in.shape);
      const int cut_axis = axis == 0 ? in.rank() - 1 : 0;
      const Index cut = cut_axis == axis ? in.shape[axis] : views.integer(0, in.shape[cut_axis]);
      for (const bool second : {false, true}) {
        Box box(in.shape);
        box.start[cut_axis] = second ? cut : 0;
        box.shape[cut_axis] = second ? in.shape[cut_axis] - cut : cut;
        if (box.empty()) continue;
        sigma_clip_along(other.view.part(box), axis, {2.5, 2.5}, out.view.part(box), work.scratch, work.cancel);
      }
      const std::vector<double> a = elements(out.view), b = elements(expected.view);
      for (std::size_t i = 0; i < a.size(); ++i)
        ASSERT_TRUE(same(a[i], b[i])) << "target " << static_cast<int>(target) << ", element " << i;
    }
    set_target(best_target());
  });
}

TEST(Select, SigmaClipMayWriteOverItsInput) {
  RandomViews views(34);
  const Sample in = views.values(DType::kFloat32, {100, 30}, 0.1, true);
  const Sample out = views.empty(DType::kFloat32, {100, 30});
  Work work(in.view, 0);
  sigma_clip_along(in.view, 0, {2, 2}, out.view, work.scratch, work.cancel);
  sigma_clip_along(in.view, 0, {2, 2}, in.view, work.scratch, work.cancel);
  const std::vector<double> a = elements(in.view), b = elements(out.view);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(same(a[i], b[i]));
}

/// numpy.nanmedian, numpy.nanpercentile(q=30) and astropy.stats.mad_std(ignore_nan=True) of float32 columns.
TEST(Select, CapturedFromNumPyAndAstropy) {
  std::vector<float> x{0.1F, 0.7F, std::numeric_limits<float>::quiet_NaN(), -3.3F, 12.5F, 0.3F, 0.30000001F};
  float median, part, mad;
  const View in = View::contiguous(x.data(), DType::kFloat32, {7}), rank0 = View::contiguous(&median, DType::kFloat32, {});
  Work work(in, 0);
  median_along(in, 0, rank0, true, work.scratch, work.cancel);
  percentile_along(in, 0, 30, View::contiguous(&part, DType::kFloat32, {}), true, work.scratch, work.cancel);
  mad_std_along(in, 0, View::contiguous(&mad, DType::kFloat32, {}), true, work.scratch, work.cancel);
  EXPECT_EQ(median, 0.300000012F);
  EXPECT_EQ(part, 0.200000003F);
  EXPECT_EQ(mad, 0.444780678F);
  EXPECT_THROW(percentile_along(in, 0, 101, rank0, true, work.scratch, work.cancel), Error);
}

/// astropy.stats.sigma_clip(sigma=1.5): the far ones go first, then those that they hid.
TEST(Select, CapturedClip) {
  std::vector<float> x{0.100000001F, -0.100000001F, 0.600000024F, 0.100000001F, -0.5F,      0.400000006F,
                       1.29999995F,  3.0F,          11.3000002F,  24.2000008F,  13.1000004F},
      kept{0.100000001F, -0.100000001F, 0.600000024F, 0.100000001F, 0.400000006F};
  std::vector<float> out(x.size());
  const Shape shape{static_cast<Index>(x.size())};
  const View in = View::contiguous(x.data(), DType::kFloat32, shape);
  Work work(in, 0);
  EXPECT_EQ(sigma_clip_along(in, 0, {1.5, 1.5}, View::contiguous(out.data(), DType::kFloat32, shape), work.scratch, work.cancel),
            static_cast<Index>(kept.size()));
  std::erase_if(out, [](float v) { return std::isnan(v); });
  EXPECT_EQ(out, kept);
}

TEST(Select, StopsWhenAsked) {
  RandomViews views(35);
  const Sample in = views.values(DType::kFloat32, {10, 10}, 0);
  const Sample out = views.empty(DType::kFloat32, {10});
  Work work(in.view, 0);
  work.cancel.request();
  EXPECT_THROW(median_along(in.view, 0, out.view, true, work.scratch, work.cancel), Error);
}

}  // namespace
}  // namespace freestone::kernels
