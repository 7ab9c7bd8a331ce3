#include "freestone/kernels/fold.h"

#include <gtest/gtest.h>

#include <map>

#include "freestone/kernels/dispatch.h"
#include "kernels/random_views.h"

namespace freestone::kernels {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Outputs of a fold, as bytes.
using Outputs = std::vector<std::vector<std::byte>>;

/// Folds leaf by leaf; `leaf` is the size of a leaf on the reduced axes.
Outputs fold(const FoldRequest& request, const View& in, std::uint32_t reduced, const Shape& leaf) {
  const auto kernel = make_fold(request);
  Index n = 1;
  Shape grid(in.rank(), 1);
  for (int k = 0; k < in.rank(); ++k) {
    if (reduced >> k & 1)
      grid[k] = (in.shape[k] + leaf[k] - 1) / leaf[k];
    else
      n *= in.shape[k];
  }
  std::vector<Word> total(static_cast<std::size_t>(n * kernel->words())), state(total.size());
  kernel->init(total.data(), n);
  for_each_index(grid, [&](const Dims& at) {
    Box box(in.shape);
    for (int k = 0; k < in.rank(); ++k)
      if (reduced >> k & 1) box.start[k] = at[k] * leaf[k], box.shape[k] = std::min(leaf[k], in.shape[k] - box.start[k]);
    kernel->init(state.data(), n);
    kernel->scan(in.part(box), reduced, {box.start, in.shape}, state.data(), n);
    kernel->merge(total.data(), state.data(), n);
  });
  Outputs out;
  std::vector<std::byte*> pointers;
  for (const DType t : kernel->outputs()) out.emplace_back(static_cast<std::size_t>(n * size_of(t)));
  for (auto& bytes : out) pointers.push_back(bytes.data());
  kernel->finish(total.data(), n, pointers);
  return out;
}

double value(DType t, const Outputs& outputs, std::size_t output, Index i) {
  std::byte* data = const_cast<std::byte*>(outputs[output].data());
  return element(View::contiguous(data, t, Shape{static_cast<Index>(outputs[output].size()) / size_of(t)}), Dims{i});
}
double value(const FoldRequest& request, const Outputs& outputs, std::size_t output, Index i) {
  return value(make_fold(request)->outputs()[output], outputs, output, i);
}

/// The definition, on the elements of one output in C order.
std::vector<double> reference(const FoldRequest& r, const std::vector<double>& x, const std::vector<double>& weights) {
  std::vector<double> valid;
  bool nan = false;
  for (const double v : x) {
    if (std::isnan(v)) nan = true;
    if (!std::isnan(v) || !r.skip_nan) valid.push_back(v);
  }
  const double n = static_cast<double>(valid.size());
  double sum = 0, squares = 0, product = 1;
  for (const double v : valid) sum += v, squares += v * v, product *= v;
  const double mean = sum / n;
  const auto extreme = [&](bool least) {
    std::pair<double, double> best{kNaN, -1};
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) {
        if (!r.skip_nan) return std::pair<double, double>{kNaN, static_cast<double>(i)};
      } else if (best.second < 0 || (least ? x[i] < best.first : x[i] > best.first)) {
        best = {x[i], static_cast<double>(i)};
      }
    }
    return best;
  };
  if (r.name == "sum") return {sum};
  if (r.name == "prod") return {product};
  if (r.name == "mean") return {valid.empty() ? kNaN : mean};
  if (r.name == "min") return {extreme(true).first};
  if (r.name == "max") return {extreme(false).first};
  if (r.name == "argmin") return {extreme(true).second};
  if (r.name == "argmax") return {extreme(false).second};
  if (r.name == "count") return {n};
  if (r.name == "any") return {std::any_of(valid.begin(), valid.end(), [](double v) { return v != 0; }) ? 1.0 : 0.0};
  if (r.name == "all") return {std::all_of(valid.begin(), valid.end(), [](double v) { return v != 0; }) ? 1.0 : 0.0};
  if (r.name == "rms") return {valid.empty() ? kNaN : std::sqrt(squares / n)};
  if (r.name == "variance" || r.name == "std") {
    double m2 = 0;
    for (const double v : valid) m2 += (v - mean) * (v - mean);
    const double left = n - r.parameters.at(0), result = valid.empty() || (left <= 0 && r.skip_nan && is_floating(r.dtype)) ? kNaN : m2 / std::max(left, 0.0);
    return {r.name == "std" ? std::sqrt(result) : result};
  }
  if (r.name == "statistics") {
    if (valid.empty()) return {0, kNaN, kNaN, kNaN, kNaN};
    return {nan ? static_cast<double>(std::count_if(x.begin(), x.end(), [](double v) { return !std::isnan(v); })) : n, extreme(true).first,
            extreme(false).first, sum, squares};
  }
  std::vector<double> sums(static_cast<std::size_t>(r.parameters[0]) + 2, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!std::isfinite(x[i])) continue;
    for (std::size_t k = 0; k + 1 < sums.size(); ++k) sums[k] += x[i] * std::pow(weights[i], static_cast<double>(k));
    sums.back() += 1;
  }
  return sums;
}

/// Every fold over random arrays; calls f(request, sample, reduced, leaf, weights along the first reduced axis).
template <class F>
void for_random_folds(std::uint64_t seed, int cases, F&& f) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomViews views(seed);
  for (int i = 0; i < cases; ++i) {
    Shape shape = views.shape(3, 7);
    if (views.chance(0.3)) shape[shape.rank() - 1] = views.integer(10, 200);
    if (views.chance(0.3)) shape[0] = views.integer(10, 300);
    const Sample sample = views.values(views.chance(0.6) ? views.float_dtype() : views.real_dtype(), shape, views.chance(0.2) ? 0.9 : 0.2,
                                       views.chance(0.2), views.chance(0.4) ? 8 : 0);
    std::uint32_t reduced = static_cast<std::uint32_t>(views.integer(1, (1 << shape.rank()) - 1));
    Shape leaf = shape;
    for (Index& n : leaf)
      if (views.chance(0.5)) n = views.integer((n + 3) / 4, n);
    for (const std::string_view name : fold_names()) {
      FoldRequest request{std::string(name), sample.view.dtype, views.chance(0.7), {}};
      if (name == "variance" || name == "std") request.parameters = {static_cast<double>(views.integer(0, 1))};
      if (name == "power_sums") {
        request.parameters = {static_cast<double>(views.integer(0, 8))};
        for (Index w = 0; w < shape[std::countr_zero(reduced)]; ++w) request.parameters.push_back(views.normal());
      }
      SCOPED_TRACE(fmt::format("{} of {} {}, axes {:b}, leaf {}, skip_nan {}", name, name_of(request.dtype), to_string(shape), reduced,
                               to_string(leaf), request.skip_nan));
      f(views, request, sample, reduced, leaf);
      if (testing::Test::HasFailure()) return;
    }
  }
}

TEST(Fold, EqualsTheDefinitionOnRandomArrays) {
  for_random_folds(20261, 60, [](RandomViews&, const FoldRequest& request, const Sample& sample, std::uint32_t reduced, const Shape& leaf) {
    const View& in = sample.view;
    const Outputs outputs = fold(request, in, reduced, leaf);
    std::map<Index, std::vector<double>> groups, weights;
    for_each_index(in.shape, [&](const Dims& at) {
      Index output = 0;
      for (int k = 0; k < in.rank(); ++k)
        if (!(reduced >> k & 1)) output = output * in.shape[k] + at[k];
      groups[output].push_back(element(in, at));
      if (request.name == "power_sums")
        weights[output].push_back(request.parameters[1 + static_cast<std::size_t>(at[std::countr_zero(reduced)])]);
    });
    if (request.name == "prod" && !is_floating(in.dtype)) return;  // wraps: IntegersWrapAsNumPy
    const std::vector<DType> dtypes = make_fold(request)->outputs();
    const double relative = in.dtype == DType::kFloat32 ? 1e-6 : 1e-9;
    for (const auto& [output, x] : groups) {
      const std::vector<double> expected = reference(request, x, weights[output]);
      ASSERT_EQ(expected.size(), outputs.size());
      double scale = 0;
      for (const double v : x)
        if (std::isfinite(v)) scale += std::fabs(v);
      const double absolute = request.name == "power_sums" ? 1e-9 * (1 + scale * std::pow(4, request.parameters[0])) : 1e-10 * (1 + scale);
      double biggest = in.dtype == DType::kFloat32 ? std::numeric_limits<float>::max() : kNaN;
      for (std::size_t k = 0; k < expected.size(); ++k) {
        const double got = value(dtypes[k], outputs, k, output);
        if (request.name == "prod" && std::fabs(expected[k]) > biggest) continue;
        ASSERT_TRUE(near(got, expected[k], relative, absolute))
            << "output " << output << ", part " << k << ": " << got << " for " << expected[k];
      }
    }
  });
}

TEST(Fold, SameBitsForAnyStridesAndTarget) {
  for_random_folds(20262, 40,
                   [](RandomViews& views, const FoldRequest& request, const Sample& sample, std::uint32_t reduced, const Shape& leaf) {
                     set_target(Target::kBaseline);
                     const Outputs expected = fold(request, sample.view, reduced, leaf);
                     for (const Target target : {Target::kBaseline, Target::kAvx2, Target::kAvx512}) {
                       set_target(target);
                       const Sample other = views.relaid(sample.view);
                       const Outputs got = fold(request, other.view, reduced, leaf);
                       for (std::size_t k = 0; k < got.size(); ++k) {
                         const DType t = make_fold(request)->outputs()[k];
                         const Index n = static_cast<Index>(got[k].size()) / size_of(t);
                         for (Index i = 0; i < n; ++i) {  // a NaN may have any payload
                           const bool equal = std::memcmp(got[k].data() + i * size_of(t), expected[k].data() + i * size_of(t),
                                                          static_cast<std::size_t>(size_of(t))) == 0;
                           ASSERT_TRUE(equal || (std::isnan(value(t, got, k, i)) && std::isnan(value(t, expected, k, i))))
                               << "target " << static_cast<int>(target);
                         }
                       }
                     }
                     set_target(best_target());
                   });
}

TEST(Fold, KeptAxesMayBeCutAnywhere) {
  for_random_folds(20263, 60,
                   [](RandomViews& views, const FoldRequest& request, const Sample& sample, std::uint32_t reduced, const Shape& leaf) {
                     const View& in = sample.view;
                     std::vector<int> kept;
                     for (int k = 0; k < in.rank(); ++k)
                       if (!(reduced >> k & 1)) kept.push_back(k);
                     if (kept.empty()) return;
                     const Outputs whole = fold(request, in, reduced, leaf);
                     const int axis = kept[static_cast<std::size_t>(views.integer(0, static_cast<Index>(kept.size()) - 1))];
                     Index inner = 1, outer = 1;
                     for (const int k : kept) (k < axis ? outer : k > axis ? inner : outer) *= k == axis ? 1 : in.shape[k];
                     const Index extent = in.shape[axis], each = views.chance(0.5) ? 1 : views.integer(1, extent);
                     for (Index start = 0; start < extent; start += each) {
                       Box box(in.shape);
                       box.start[axis] = start;
                       box.shape[axis] = std::min(each, extent - start);
                       const Outputs part = fold(request, in.part(box), reduced, leaf);
                       for (std::size_t k = 0; k < part.size(); ++k) {
                         const auto bytes = static_cast<Index>(part[k].size()) / (outer * box.shape[axis] * inner);
                         for (Index o = 0; o < outer; ++o)
                           ASSERT_EQ(std::memcmp(part[k].data() + o * box.shape[axis] * inner * bytes, whole[k].data() + (o * extent + start) * inner * bytes,
                                                 static_cast<std::size_t>(box.shape[axis] * inner * bytes)),
                                     0)
                               << "axis " << axis << " from " << start;
                       }
                     }
                   });
}

Outputs fold_all(const FoldRequest& request, std::vector<double> x) {
  const View in = View::contiguous(x.data(), DType::kFloat64, {static_cast<Index>(x.size())});
  return fold(request, in, 1, {7});
}

TEST(Fold, SumsOfBigAndSmallLoseNothingAcrossLeaves) {
  const FoldRequest request{"sum", DType::kFloat64, true, {}};
  std::vector<double> apart(70, 0.0);
  for (int i = 0; i < 10; ++i) apart[static_cast<std::size_t>(7 * i)] = i == 0 ? 1e17 : i == 9 ? -1e17 : 1.0;
  EXPECT_EQ(value(request, fold_all(request, apart), 0, 0), 8.0);
}

TEST(Fold, VarianceIsStableFarFromZero) {
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(1e9 + i % 2);
  const FoldRequest request{"variance", DType::kFloat64, true, {0}};
  EXPECT_NEAR(value(request, fold_all(request, x), 0, 0), 0.25, 1e-7);  // the spacing of numbers there is 1.2e-7
}

TEST(Fold, InfinitiesStayInfinite) {
  const double inf = std::numeric_limits<double>::infinity();
  const FoldRequest request{"sum", DType::kFloat64, true, {}};
  std::vector<double> x(40, 1.0);
  x[3] = inf;
  EXPECT_EQ(value(request, fold_all(request, x), 0, 0), inf);
  x[30] = -inf;
  EXPECT_TRUE(std::isnan(value(request, fold_all(request, x), 0, 0)));
}

TEST(Fold, NothingValid) {
  const std::vector<double> x(20, kNaN);
  const auto result = [&](const char* name, std::vector<double> parameters = {}) {
    const FoldRequest request{name, DType::kFloat64, true, std::move(parameters)};
    return value(request, fold_all(request, x), 0, 0);
  };
  EXPECT_EQ(result("sum"), 0);
  EXPECT_TRUE(std::isnan(result("sum", {1})));
  EXPECT_EQ(result("prod"), 1);
  EXPECT_TRUE(std::isnan(result("prod", {1})));
  for (const char* name : {"mean", "min", "max", "rms", "std", "variance"}) EXPECT_TRUE(std::isnan(result(name))) << name;
  EXPECT_EQ(result("argmin"), -1);
  EXPECT_EQ(result("argmax"), -1);
  EXPECT_EQ(result("count"), 0);
  EXPECT_EQ(result("statistics"), 0);
}

TEST(Fold, EmptyGivesTheIdentity) {
  double nothing = 0;
  const View in = View::contiguous(&nothing, DType::kFloat64, {0, 3});
  for (const auto& [name, expected] :
       std::map<std::string, double>{{"sum", 0}, {"prod", 1}, {"mean", kNaN}, {"any", 0}, {"all", 1}, {"count", 0}}) {
    const FoldRequest request{name, DType::kFloat64, true, {}};
    const Outputs outputs = fold(request, in, 1, {1, 1});
    EXPECT_TRUE(same(value(request, outputs, 0, 2), expected)) << name;
  }
}

TEST(Fold, IntegersWrapAsNumPy) {
  std::vector<std::int64_t> x{std::numeric_limits<std::int64_t>::max(), 2, 3};
  const View in = View::contiguous(x.data(), DType::kInt64, {3});
  const Outputs sum = fold({"sum", DType::kInt64, true, {}}, in, 1, {2}), product = fold({"prod", DType::kInt64, true, {}}, in, 1, {2});
  std::int64_t got;
  std::memcpy(&got, sum[0].data(), sizeof got);
  EXPECT_EQ(got, std::numeric_limits<std::int64_t>::min() + 4);  // numpy.sum
  std::memcpy(&got, product[0].data(), sizeof got);
  EXPECT_EQ(got, -6);  // numpy.prod
}

TEST(Fold, BigIntegersCompareExactly) {
  std::vector<std::int64_t> x{(Index{1} << 60) + 1, (Index{1} << 60) + 3, (Index{1} << 60) + 2};
  const View in = View::contiguous(x.data(), DType::kInt64, {3});
  std::int64_t got;
  std::memcpy(&got, fold({"max", DType::kInt64, true, {}}, in, 1, {3})[0].data(), sizeof got);
  EXPECT_EQ(got, x[1]);
  std::memcpy(&got, fold({"argmax", DType::kInt64, true, {}}, in, 1, {1})[0].data(), sizeof got);
  EXPECT_EQ(got, 1);
}

TEST(Fold, RankZeroIsOneElement) {
  double x = 3;
  const FoldRequest request{"sum", DType::kFloat64, true, {}};
  const auto kernel = make_fold(request);
  std::vector<Word> state(static_cast<std::size_t>(kernel->words()));
  kernel->init(state.data(), 1);
  kernel->scan(View::contiguous(&x, DType::kFloat64, {}), 0, {{}, {}}, state.data(), 1);
  double out = 0;
  std::byte* to = reinterpret_cast<std::byte*>(&out);
  kernel->finish(state.data(), 1, {&to, 1});
  EXPECT_EQ(out, 3);
}

TEST(Fold, RefusesWhatItDoesNotKnow) {
  EXPECT_THROW(make_fold({"medain", DType::kFloat32, true, {}}), Error);
  EXPECT_THROW(make_fold({"rms", DType::kComplex64, true, {}}), Error);
  EXPECT_THROW(make_fold({"power_sums", DType::kFloat32, true, {9}}), Error);
  EXPECT_THROW(make_fold({"power_sums", DType::kFloat32, true, {}}), Error);
}

}  // namespace
}  // namespace freestone::kernels
