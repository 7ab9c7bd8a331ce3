#include "freestone/ops/calculus.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/create.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/einsum.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/group.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/index.h"
#include "freestone/ops/linalg.h"
#include "freestone/ops/matmul.h"
#include "freestone/ops/pad.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/repeat.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/search.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/shape_axes.h"
#include "freestone/ops/smooth.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/sort_passes.h"
#include "freestone/ops/splice.h"
#include "freestone/ops/weighted_quantile.h"
#include "oracle/operations.h"

namespace freestone::oracle {
namespace {

using Arrays = std::vector<Array>;

ReduceOptions reduce_options(const Call& c) {
  return {.skip_nan = c.flag("skip_nan"), .keep_dims = c.flag("keep_dims"), .dtype = c.dtype(), .correction = c.number("correction")};
}

FftNorm fft_norm(const Call& c) {
  const std::string name = c.text("norm", "backward");
  return name == "ortho" ? FftNorm::kOrtho : name == "forward" ? FftNorm::kForward : FftNorm::kBackward;
}

Boundary boundary(const Call& c) {
  const std::string name = c.text("mode", "reflect");
  return name == "mirror"     ? Boundary::kMirror
         : name == "nearest"  ? Boundary::kNearest
         : name == "wrap"     ? Boundary::kWrap
         : name == "constant" ? Boundary::kConstant
                              : Boundary::kReflect;
}

FilterOptions filter_options(const Call& c) { return {boundary(c), c.number("cval"), c.axes()}; }

using AxisTransform = Array (*)(const Array&, std::optional<Index>, int, FftNorm);
using AxesTransform = Array (*)(const Array&, FftAxes, FftNorm);
Operation along(AxisTransform f) {
  return [f](const Call& c) { return Arrays{f(c.a(), c.maybe<Index>("n"), c.axis(), fft_norm(c))}; };
}
Operation over(AxesTransform f) {
  return [f](const Call& c) { return Arrays{f(c.a(), {c.list<Index>("lengths"), c.axes()}, fft_norm(c))}; };
}

std::vector<PadWidth> pad_widths(const Call& c) {
  std::vector<PadWidth> out;
  for (const auto& pair : c.p.at("widths")) out.push_back({pair.at(0).get<Index>(), pair.at(1).get<Index>()});
  return out;
}

void add_shapes(std::map<std::string, Operation>& all) {
  all["concat"] = [](const Call& c) { return Arrays{concat(c.arrays, c.axis(0))}; };
  all["stack"] = [](const Call& c) { return Arrays{stack(c.arrays, c.axis(0))}; };
  all["unstack"] = [](const Call& c) { return unstack(c.a(), c.axis(0)); };
  all["roll"] = [](const Call& c) {
    if (c.axes().empty()) return Arrays{roll(c.a(), c.integer("shift"))};
    return Arrays{roll(c.a(), c.list<Index>("shifts"), c.axes())};
  };
  all["diff"] = [](const Call& c) { return Arrays{diff(c.a(), static_cast<int>(c.integer("n", 1)), c.axis())}; };
  all["permute_dims"] = [](const Call& c) { return Arrays{permute_dims(c.a(), c.axes())}; };
  all["moveaxis"] = [](const Call& c) { return Arrays{moveaxis(c.a(), c.axes("source"), c.axes("destination"))}; };
  all["flip"] = [](const Call& c) { return Arrays{flip(c.a(), c.axes())}; };
  all["rot90"] = [](const Call& c) { return Arrays{rot90(c.a(), static_cast<int>(c.integer("k")))}; };
  all["reshape"] = [](const Call& c) { return Arrays{reshape(c.a(), c.list<Index>("shape"))}; };
  all["repeat"] = [](const Call& c) { return Arrays{repeat(c.a(), c.integer("times"), c.axis())}; };
  all["tile"] = [](const Call& c) { return Arrays{tile(c.a(), c.list<Index>("reps"))}; };
  all["broadcast_to"] = [](const Call& c) { return Arrays{broadcast_to(c.a(), Shape(c.list<Index>("shape")))}; };
  all["tril"] = [](const Call& c) { return Arrays{tril(c.a(), c.integer("k"))}; };
  all["triu"] = [](const Call& c) { return Arrays{triu(c.a(), c.integer("k"))}; };
  all["pad"] = [](const Call& c) { return Arrays{pad(c.a(), pad_widths(c), parse_pad_mode(c.text("mode", "constant")))}; };
  all["take"] = [](const Call& c) { return Arrays{take(c.a(), IndexArray(c.list<Index>("indices")), c.axis())}; };
  all["take_along_axis"] = [](const Call& c) { return Arrays{take_along_axis(c.a(), c.b(), c.axis())}; };
  all["astype"] = [](const Call& c) { return Arrays{astype(c.a(), *c.dtype())}; };
  all["meshgrid"] = [](const Call& c) { return meshgrid(c.arrays, c.text("indexing", "xy") == "ij" ? GridOrder::kIj : GridOrder::kXy); };
}

void add_reductions(std::map<std::string, Operation>& all) {
  for (const char* name : {"sum", "prod", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all", "count_nonzero"})
    all[name] = [name](const Call& c) { return Arrays{reduce(name, c.a(), c.axes(), reduce_options(c))}; };
  all["ptp"] = [](const Call& c) { return Arrays{ptp(c.a(), c.axes(), c.flag("keep_dims"))}; };
  all["average"] = [](const Call& c) { return Arrays{average(c.a(), c.b(), c.axes())}; };
  all["logsumexp"] = [](const Call& c) { return Arrays{logsumexp(c.a(), c.axes(), c.flag("keep_dims"))}; };
  all["median"] = [](const Call& c) { return Arrays{median(c.a(), c.axes(), c.flag("skip_nan"))}; };
  all["percentile"] = [](const Call& c) { return Arrays{percentile(c.a(), c.number("q"), c.axes(), c.flag("skip_nan"))}; };
  all["quantile"] = [](const Call& c) {
    const std::string method = c.text("method", "linear");
    return Arrays{quantile(c.a(), c.list<double>("q"), c.axes(), {.method = method, .skip_nan = c.flag("skip_nan")})};
  };
  all["mad_std"] = [](const Call& c) { return Arrays{mad_std(c.a(), c.axes(), c.flag("skip_nan"))}; };
  all["sigma_clip"] = [](const Call& c) { return Arrays{sigma_clip(c.a(), c.number("threshold"), c.axis())}; };
  all["weighted_quantile"] = [](const Call& c) { return Arrays{weighted_quantile(c.a(), c.b(), c.number("q"), c.axes())}; };
  all["weighted_median"] = [](const Call& c) { return Arrays{weighted_median(c.a(), c.b(), c.axes())}; };
  all["weighted_mad_std"] = [](const Call& c) { return Arrays{weighted_mad_std(c.a(), c.b(), c.axes())}; };
  all["cumulative_sum"] = [](const Call& c) {
    return Arrays{cumulative_sum(c.a(), c.axis(), {c.dtype(), c.flag("include_initial"), c.flag("skip_nan")})};
  };
  all["cumulative_prod"] = [](const Call& c) {
    return Arrays{cumulative_prod(c.a(), c.axis(), {c.dtype(), c.flag("include_initial"), c.flag("skip_nan")})};
  };
  all["cummax"] = [](const Call& c) { return Arrays{cummax(c.a(), c.axis())}; };
  all["cummin"] = [](const Call& c) { return Arrays{cummin(c.a(), c.axis())}; };
  all["histogram"] = [](const Call& c) {
    HistogramOptions options;
    if (c.p.contains("range")) options.range = {c.list<double>("range").at(0), c.list<double>("range").at(1)};
    options.density = c.flag("density");
    if (c.arrays.size() > 1) options.weights = c.b();
    const Histogram h = histogram(c.a(), c.integer("bins", 10), options);
    return Arrays{h.counts, h.edges[0]};
  };
  all["bincount"] = [](const Call& c) { return Arrays{bincount(c.a(), c.integer("length"), c.arrays.size() > 1 ? c.b() : Array())}; };
  all["group_reduce"] = [](const Call& c) {
    return Arrays{group_reduce(c.text("name"), c.a(), c.b(), c.integer("groups"), c.axis(0), {.skip_nan = c.flag("skip_nan")})};
  };
}

void add_order(std::map<std::string, Operation>& all) {
  all["sort"] = [](const Call& c) { return Arrays{sort(c.a(), c.axis(), c.flag("descending"))}; };
  all["argsort"] = [](const Call& c) { return Arrays{argsort(c.a(), c.axis(), c.flag("descending"))}; };
  all["topk"] = [](const Call& c) { return Arrays{topk(c.a(), c.integer("k"), c.axis()), argtopk(c.a(), c.integer("k"), c.axis())}; };
  all["mode"] = [](const Call& c) {
    const auto both = mode(c.a(), c.axis());
    return Arrays{both.first, both.second};
  };
  all["searchsorted"] = [](const Call& c) { return Arrays{searchsorted(c.a(), c.b(), c.flag("right"))}; };
  all["digitize"] = [](const Call& c) { return Arrays{digitize(c.a(), c.b(), c.flag("right"), c.flag("falling"))}; };
  all["isin"] = [](const Call& c) { return Arrays{isin(c.a(), c.b(), c.flag("invert"))}; };
  all["interp"] = [](const Call& c) { return Arrays{interp(c.a(), c.b(), c[2])}; };
}

void add_linear_algebra(std::map<std::string, Operation>& all) {
  all["matmul"] = [](const Call& c) { return Arrays{matmul(c.a(), c.b())}; };
  all["tensordot"] = [](const Call& c) { return Arrays{tensordot(c.a(), c.b(), c.axes("a_axes"), c.axes("b_axes"))}; };
  all["vecdot"] = [](const Call& c) { return Arrays{vecdot(c.a(), c.b(), c.axis())}; };
  all["einsum"] = [](const Call& c) { return Arrays{einsum(c.text("subscripts"), c.arrays)}; };
  all["outer"] = [](const Call& c) { return Arrays{outer(c.a(), c.b())}; };
  all["cross"] = [](const Call& c) { return Arrays{cross(c.a(), c.b(), c.axis())}; };
  all["kron"] = [](const Call& c) { return Arrays{kron(c.a(), c.b())}; };
  all["diagonal"] = [](const Call& c) { return Arrays{diagonal(c.a(), c.integer("offset"))}; };
  all["trace"] = [](const Call& c) { return Arrays{trace(c.a(), c.integer("offset"))}; };
  all["det"] = [](const Call& c) { return Arrays{det(c.a())}; };
  all["slogdet"] = [](const Call& c) {
    const SlogdetResult parts = slogdet(c.a());
    return Arrays{parts.sign, parts.logabsdet};
  };
  all["inv"] = [](const Call& c) { return Arrays{inv(c.a())}; };
  all["solve"] = [](const Call& c) { return Arrays{solve(c.a(), c.b())}; };
  all["cholesky"] = [](const Call& c) { return Arrays{cholesky(c.a(), c.flag("upper"))}; };
  all["eigh"] = [](const Call& c) {
    const EighResult parts = eigh(c.a());
    return Arrays{parts.eigenvalues, parts.eigenvectors};
  };
  all["eigvalsh"] = [](const Call& c) { return Arrays{eigvalsh(c.a())}; };
  all["qr"] = [](const Call& c) {
    const QrResult parts = qr(c.a(), c.flag("complete"));
    return Arrays{parts.q, parts.r};
  };
  all["svd"] = [](const Call& c) {
    const SvdResult parts = svd(c.a(), c.flag("full_matrices"));
    return Arrays{parts.u, parts.s, parts.vh};
  };
  all["svdvals"] = [](const Call& c) { return Arrays{svdvals(c.a())}; };
  all["pinv"] = [](const Call& c) { return Arrays{pinv(c.a(), c.maybe<double>("rtol"))}; };
  all["matrix_rank"] = [](const Call& c) { return Arrays{matrix_rank(c.a(), c.maybe<double>("rtol"))}; };
  all["cond"] = [](const Call& c) { return Arrays{cond(c.a())}; };
  all["lstsq"] = [](const Call& c) {
    const LstsqResult parts = lstsq(c.a(), c.b());
    return Arrays{parts.x, parts.residuals, parts.rank, parts.singular_values};
  };
  all["matrix_power"] = [](const Call& c) { return Arrays{matrix_power(c.a(), c.integer("n"))}; };
  all["multi_dot"] = [](const Call& c) { return Arrays{multi_dot(c.arrays)}; };
  all["matrix_norm"] = [](const Call& c) {
    return Arrays{matrix_norm(c.a(), parse_matrix_norm(c.text("order", "fro")), c.flag("keep_dims"))};
  };
  all["vector_norm"] = [](const Call& c) {
    const std::string infinite = c.text("infinite");
    const double order = infinite.empty() ? c.number("order", 2) : infinite == "inf" ? HUGE_VAL : -HUGE_VAL;
    return Arrays{vector_norm(c.a(), c.axes(), order, c.flag("keep_dims"))};
  };
  all["cov"] = [](const Call& c) { return Arrays{cov(c.a(), {!c.flag("columns"), c.number("ddof", 1)})}; };
  all["corrcoef"] = [](const Call& c) { return Arrays{corrcoef(c.a(), !c.flag("columns"))}; };
}

void add_transforms_and_windows(std::map<std::string, Operation>& all) {
  all["fft"] = along(fft), all["ifft"] = along(ifft), all["rfft"] = along(rfft), all["irfft"] = along(irfft);
  all["hfft"] = along(hfft), all["ihfft"] = along(ihfft);
  all["fftn"] = over(fftn), all["ifftn"] = over(ifftn), all["rfftn"] = over(rfftn), all["irfftn"] = over(irfftn);
  all["fftshift"] = [](const Call& c) { return Arrays{fftshift(c.a(), c.axes())}; };
  all["ifftshift"] = [](const Call& c) { return Arrays{ifftshift(c.a(), c.axes())}; };
  all["fftfreq"] = [](const Call& c) {
    return Arrays{fftfreq(c.integer("n"), c.number("d", 1)), rfftfreq(c.integer("n"), c.number("d", 1))};
  };
  all["correlate"] = [](const Call& c) {
    return Arrays{correlate(c.a(), c.list<double>("kernel"), Shape(c.list<Index>("shape")), filter_options(c))};
  };
  all["convolve_nd"] = [](const Call& c) {
    return Arrays{convolve_nd(c.a(), c.list<double>("kernel"), Shape(c.list<Index>("shape")), filter_options(c))};
  };
  all["convolve"] = [](const Call& c) { return Arrays{convolve(c.a(), c.list<double>("kernel"), c.axis())}; };
  all["convolve_2d"] = [](const Call& c) {
    const auto shape = c.list<Index>("shape");
    return Arrays{convolve_2d(c.a(), c.list<double>("kernel"), shape.at(0), shape.at(1))};
  };
  all["downsample"] = [](const Call& c) { return Arrays{downsample(c.a(), c.integer("factor"), c.axes(), c.text("name", "mean"))}; };
  all["uniform_filter"] = [](const Call& c) { return Arrays{uniform_filter(c.a(), c.list<Index>("sizes"), filter_options(c))}; };
  all["gaussian_filter"] = [](const Call& c) { return Arrays{gaussian_filter(c.a(), c.list<double>("sigmas"), 4, filter_options(c))}; };
  all["minimum_filter"] = [](const Call& c) { return Arrays{minimum_filter(c.a(), c.list<Index>("sizes"), filter_options(c))}; };
  all["maximum_filter"] = [](const Call& c) { return Arrays{maximum_filter(c.a(), c.list<Index>("sizes"), filter_options(c))}; };
  all["median_filter"] = [](const Call& c) { return Arrays{median_filter(c.a(), c.list<Index>("sizes"), filter_options(c))}; };
  all["percentile_filter"] = [](const Call& c) {
    return Arrays{percentile_filter(c.a(), c.number("percentile"), c.list<Index>("sizes"), filter_options(c))};
  };
  all["rolling"] = [](const Call& c) {
    return Arrays{rolling(c.text("name"), c.a(), c.integer("window"), c.axis(),
                          {.center = c.flag("center"), .min_periods = c.maybe<Index>("min_periods"), .ddof = c.number("ddof")})};
  };
}

void add_calculus_and_splices(std::map<std::string, Operation>& all) {
  all["gradient"] = [](const Call& c) {
    return Arrays{c.arrays.size() > 1 ? gradient(c.a(), c.b(), c.axis()) : gradient(c.a(), c.number("spacing", 1), c.axis())};
  };
  all["trapezoid"] = [](const Call& c) {
    return Arrays{c.arrays.size() > 1 ? trapezoid(c.a(), c.b(), c.axis()) : trapezoid(c.a(), c.number("spacing", 1), c.axis())};
  };
  all["cumulative_trapezoid"] = [](const Call& c) {
    return Arrays{cumulative_trapezoid(c.a(), c.number("spacing", 1), c.axis(), c.flag("include_initial"))};
  };
  all["unwrap"] = [](const Call& c) { return Arrays{unwrap(c.a(), c.number("period", 6.283185307179586), c.axis())}; };
  all["polyval"] = [](const Call& c) { return Arrays{polyval(c.list<double>("coefficients"), c.a())}; };
  all["convolve_1d"] = [](const Call& c) {
    const std::string mode = c.text("mode", "full");
    return Arrays{convolve_1d(c.a(), c.list<double>("kernel"),
                              mode == "same"    ? ConvolveMode::kSame
                              : mode == "valid" ? ConvolveMode::kValid
                                                : ConvolveMode::kFull)};
  };
  all["array_split"] = [](const Call& c) { return array_split(c.a(), c.integer("count"), c.axis(0)); };
  all["split_at"] = [](const Call& c) { return split_at(c.a(), c.list<Index>("positions"), c.axis(0)); };
  all["remove"] = [](const Call& c) { return Arrays{remove(c.a(), c.list<Index>("gone"), c.axis())}; };
  all["insert"] = [](const Call& c) { return Arrays{insert(c.a(), c.integer("at"), c.b(), c.axis())}; };
  all["select_first"] = [](const Call& c) { return Arrays{select_first({c[0], c[1]}, {c[2], c[3]}, c.number("otherwise"))}; };
  all["array_equal"] = [](const Call& c) { return Arrays{array_equal(c.a(), c.b(), c.flag("equal_nan"))}; };
  all["allclose"] = [](const Call& c) { return Arrays{allclose(c.a(), c.b(), 1e-5, 1e-8, c.flag("equal_nan"))}; };
  all["sort_in_passes"] = [](const Call& c) {
    const bool down = c.flag("descending");
    return Arrays{sort_in_passes(c.a(), c.axis(), down, false), sort_in_passes(c.a(), c.axis(), down, true)};
  };
}

std::map<std::string, Operation> make_all() {
  std::map<std::string, Operation> all;
  add_shapes(all);
  add_reductions(all);
  add_order(all);
  add_linear_algebra(all);
  add_transforms_and_windows(all);
  add_calculus_and_splices(all);
  all["elementwise"] = [](const Call& c) {
    std::vector<Operand> operands;
    for (const Array& a : c.arrays) operands.emplace_back(a);
    return Arrays{elementwise(c.text("name"), operands)};
  };
  return all;
}

}  // namespace

const std::map<std::string, Operation>& all_operations() {
  static const std::map<std::string, Operation> all = make_all();
  return all;
}

}  // namespace freestone::oracle
