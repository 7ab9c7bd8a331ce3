#include "freestone/ops/op_list.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/along_axis.h"
#include "freestone/ops/concat.h"
#include "freestone/ops/contract.h"
#include "freestone/ops/create.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/filters.h"
#include "freestone/ops/group.h"
#include "freestone/ops/histogram.h"
#include "freestone/ops/index_along.h"
#include "freestone/ops/index_gather.h"
#include "freestone/ops/index_mask.h"
#include "freestone/ops/index_put.h"
#include "freestone/ops/lent_functions.h"
#include "freestone/ops/longest_run.h"
#include "freestone/ops/quantile.h"
#include "freestone/ops/random.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/rechunk.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/search.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/small_matrix.h"
#include "freestone/ops/smooth.h"
#include "freestone/ops/sort.h"
#include "freestone/ops/sort_passes.h"
#include "freestone/ops/warp.h"
#include "freestone/ops/weighted_quantile.h"

namespace freestone {
namespace {

using Json = nlohmann::json;
using Specs = std::vector<Spec>;
using Made = std::shared_ptr<const Op>;

struct OpEntry {
  std::string_view name;
  int version;
  Made (*make)(const Json&, const Specs&);
};

Made make_elementwise(const Json& p, const Specs& in) { return std::make_shared<ElementwiseOp>(Program::from_json(p), in); }

Made make_reduce(const Json& p, const Specs& in) {
  std::vector<double> parameters;
  for (const auto& value : p.at("parameters")) parameters.push_back(double_of(value));
  const Shape leaf(p.at("leaf").get<std::vector<Index>>());
  return std::make_shared<ReduceOp>(p.at("function").get<std::string>(), in.at(0),
                                    normal_axes(p.at("axes").get<std::vector<int>>(), in.at(0).shape.rank()), leaf,
                                    p.at("skip_nan").get<bool>(), std::move(parameters));
}

Made make_rank(const Json& p, const Specs& in) {
  const Spec& data = in.at(0);
  const int rank = data.shape.rank();
  RankOp::Rule rule;
  rule.pass = p.at("pass").get<int>();
  rule.method = p.at("method").get<std::string>();
  rule.q = p.at("q").get<double>();
  rule.skip_nan = p.at("skip_nan").get<bool>();
  if (!p.at("axes").empty()) rule.axes = normal_axes(p.at("axes").get<std::vector<int>>(), rank);
  rule.leaf = Shape(p.at("leaf").get<std::vector<Index>>());
  if (rule.method != "median") kernels::quantile_method(rule.method);
  bool fits = (!is_complex(data.dtype) || rule.method == "median") && rule.pass >= 0 && rule.pass < RankOp::passes(data.dtype) && rule.leaf.rank() == rank;
  fits = fits && in.size() == (rule.pass == 0 ? 1u : RankOp::kNumbers + 1u) && rule.q >= 0 && rule.q <= 1;
  for (const int k : rule.axes) fits = fits && rule.leaf[k] >= 1;
  for (std::size_t i = 1; fits && i < in.size(); ++i) fits = in[i] == Spec{without_axes(data.shape, rule.axes), DType::kUint64};
  if (!fits) fail(ErrorKind::kData, "A pass of rank does not fit its input.");
  return std::make_shared<RankOp>(data, std::move(rule));
}

/// Those that are seen whole: at least one.
std::vector<int> seen_axes(const Json& p, const Spec& in) {
  if (in.shape.rank() == 0) fail(ErrorKind::kData, "An order statistic in the plan has an input without axes.");
  return normal_axes(p.at("axes").get<std::vector<int>>(), in.shape.rank());
}

Made make_select(const Json& p, const Specs& in) {
  return std::make_shared<SelectOp>(p.at("function").get<std::string>(), in.at(0), seen_axes(p, in.at(0)), p.at("skip_nan").get<bool>(),
                                    p.at("q").get<double>());
}

Made make_sigma_clip(const Json& p, const Specs& in) {
  ClipOptions options{p.at("low").get<double>(), p.at("high").get<double>(), p.at("max_iterations").get<int>(), p.at("center") == "mean",
                      p.at("deviation") == "mad_std"};
  return std::make_shared<SigmaClipOp>(in.at(0), normal_axis(p.at("axis").get<int>(), in.at(0).shape.rank()), options);
}

Made make_view(const Json& p, const Specs& in) {
  return std::make_shared<ViewOp>(in.at(0), Shape(p.at("shape").get<std::vector<Index>>()), access_of(p.at("access")));
}

Made make_rechunk(const Json& p, const Specs& in) {
  const Shape chunk(p.at("chunk").get<std::vector<Index>>());
  bool fits = chunk.rank() == in.at(0).shape.rank();
  for (const Index extent : chunk) fits = fits && extent >= 1;
  if (!fits) fail(ErrorKind::kData, "A rechunk in the plan does not fit its input.");
  return std::make_shared<RechunkOp>(in[0], chunk);
}

Made make_convolve(const Json& p, const Specs& in) {
  return std::make_shared<ConvolveOp>(in.at(0), p.at("weights").get<std::vector<double>>(), p.at("rows").get<Index>(),
                                      p.at("columns").get<Index>(), p.at("axis").get<int>(),
                                      static_cast<NanRule>(p.at("nan_rule").get<int>()));
}

Made make_downsample(const Json& p, const Specs& in) {
  return std::make_shared<DownsampleOp>(in.at(0), Shape(p.at("factors").get<std::vector<Index>>()),
                                        Shape(p.at("shape").get<std::vector<Index>>()), p.at("function").get<std::string>());
}

DType dtype_of_json(const Json& json) { return parse_dtype(json.get<std::string>()); }

Made make_concat(const Json& p, const Specs& in) {
  for (const Spec& spec : in)
    if (spec.dtype != in.at(0).dtype) fail(ErrorKind::kData, "concat in the plan has inputs of different dtypes.");
  return std::make_shared<ConcatOp>(in, p.at("axis").get<int>());
}

Made make_constant(const Json& p, const Specs&) {
  return std::make_shared<ConstantOp>(dtype_of_json(p.at("dtype")), p.at("bytes").get<std::vector<std::uint8_t>>());
}

Made make_gather(const Json& p, const Specs& in) {
  std::vector<PositionsRef> positions;
  for (const Json& json : p.at("positions")) positions.push_back(std::make_shared<Positions>(Positions::from_json(json)));
  return std::make_shared<GatherOp>(in.at(0), p.at("axes").get<std::vector<int>>(), std::move(positions),
                                    Shape(p.at("points").get<std::vector<Index>>()), p.at("place").get<int>());
}

Made make_warp(const Json& p, const Specs& in) {
  const auto resampling = p.at("resampling").get<int>(), missing = p.at("missing").get<int>();
  if (resampling < 0 || resampling > 2 || missing < 0 || missing > 1 || in.at(0).shape.rank() < 2) fail(ErrorKind::kData, "A warp in the plan does not fit its input.");
  return std::make_shared<WarpOp>(in[0], std::make_shared<PixelMap>(PixelMap::from_json(p.at("map"))), static_cast<kernels::Resampling>(resampling),
                                  static_cast<kernels::MissingRule>(missing));
}

MaskBlocks blocks_of(const Json& p, const Spec& mask) {
  const MaskBlocks blocks(mask.shape, p.at("axis").get<int>(), p.at("rows").get<Index>());
  if (blocks.axis < 0 || blocks.axis >= mask.shape.rank() || blocks.rows < 1)
    fail(ErrorKind::kData, "The blocks of a mask in the plan do not fit it.");
  return blocks;
}

Made make_mask_count(const Json& p, const Specs& in) { return std::make_shared<MaskCountOp>(in.at(0), blocks_of(p, in.at(0))); }

Made make_mask_select(const Json& p, const Specs& in) {
  return std::make_shared<MaskSelectOp>(in.at(0), in.size() > 1 ? &in[1] : nullptr, blocks_of(p, in.at(0)),
                                        std::make_shared<Positions>(Positions::from_json(p.at("before"))));
}

Made make_put(const Json& p, const Specs& in) {
  return std::make_shared<PutOp>(in.at(0), in.at(1), Dims(p.at("start").get<std::vector<Index>>()),
                                 Dims(p.at("step").get<std::vector<Index>>()));
}

Made make_random(const Json& p, const Specs&) {
  return std::make_shared<random::RandomOp>(
      Shape(p.at("shape").get<std::vector<Index>>()), dtype_of_json(p.at("dtype")), p.at("rule").get<std::string>(),
      kernels::RandomStream{p.at("seed").get<std::uint64_t>(), p.at("stream").get<std::uint32_t>()}, p.at("low").get<std::uint64_t>(),
      p.at("range").get<std::uint64_t>(), p.at("lambda").get<double>());
}

Made make_reshape(const Json& p, const Specs& in) {
  const Shape shape(p.at("shape").get<std::vector<Index>>());
  bool fits = true;
  Index count = 1;
  for (const Index n : shape) fits = fits && n >= 0 && !__builtin_mul_overflow(count, n, &count);
  if (!fits || count != element_count(in.at(0).shape)) fail(ErrorKind::kData, "A reshape in the plan does not fit its input.");
  return std::make_shared<ReshapeOp>(in.at(0), shape);
}

Made make_sequence(const Json& p, const Specs&) {
  const DType dtype = dtype_of_json(p.at("dtype"));
  const Index count = p.at("count").get<Index>();
  if (is_integer(dtype))
    return std::make_shared<SequenceOp>(count, dtype, SequenceOp::Integers{p.at("start").get<Index>(), p.at("step").get<Index>()});
  SequenceOp::Numbers rule{double_of(p.at("start")), double_of(p.at("step")), double_of(p.at("divisor")), std::nullopt};
  if (p.contains("last")) rule.last = double_of(p.at("last"));
  return std::make_shared<SequenceOp>(count, dtype, rule);
}

Made make_take_along(const Json& p, const Specs& in) {
  return std::make_shared<TakeAlongOp>(in.at(0), in.at(1), normal_axis(p.at("axis").get<int>(), in.at(0).shape.rank()));
}

std::vector<double> doubles_of(const Json& list) {
  std::vector<double> out;
  for (const auto& value : list) out.push_back(double_of(value));
  return out;
}

Made make_group_reduce(const Json& p, const Specs& in) {
  const int axis = normal_axis(p.at("axis").get<int>(), in.at(0).shape.rank());
  if (in.at(1) != Spec{Shape{in[0].shape[axis]}, DType::kInt64}) fail(ErrorKind::kData, "The keys of group_reduce do not fit its input.");
  return std::make_shared<GroupReduceOp>(p.at("function").get<std::string>(), in[0], axis, p.at("groups").get<Index>(),
                                         p.at("skip_nan").get<bool>(), doubles_of(p.at("parameters")),
                                         Shape(p.at("leaf").get<std::vector<Index>>()));
}

int axis_of(const Json& p, const Spec& in) { return normal_axis(p.at("axis").get<int>(), in.shape.rank()); }

kernels::CumulativeRule cumulative_rule(const Json& p) {
  const int function = p.at("function").get<int>();
  if (function < 0 || function > static_cast<int>(kernels::CumulativeFunction::kMin))
    fail(ErrorKind::kData, "The plan has a cumulative function {}, which there is not.", function);
  return {static_cast<kernels::CumulativeFunction>(function), p.at("skip_nan").get<bool>()};
}

Made make_block_totals(const Json& p, const Specs& in) {
  return std::make_shared<BlockTotalsOp>(in.at(0), axis_of(p, in.at(0)), cumulative_rule(p));
}

Made make_carries(const Json& p, const Specs& in) {
  return std::make_shared<CarriesOp>(in.at(0), axis_of(p, in.at(0)), cumulative_rule(p));
}

Made make_cumulative(const Json& p, const Specs& in) {
  const int axis = axis_of(p, in.at(0));
  if (CumulativeOp::is_long(in[0].shape[axis])) in.at(1);
  return std::make_shared<CumulativeOp>(in[0], axis, cumulative_rule(p), p.at("include_initial").get<bool>());
}

Made make_mode(const Json& p, const Specs& in) { return std::make_shared<ModeOp>(in.at(0), axis_of(p, in.at(0))); }

Made make_longest_run(const Json& p, const Specs& in) {
  const int axis = axis_of(p, in.at(0));
  const Shape leaf(p.at("leaf").get<std::vector<Index>>());
  if ((!is_integer(in[0].dtype) && !is_bool(in[0].dtype)) || leaf.rank() != in[0].shape.rank() || leaf[axis] < 1)
    fail(ErrorKind::kData, "A search for the longest run in the plan does not fit its input.");
  return std::make_shared<LongestRunOp>(in[0], axis, leaf);
}

Made make_sort(const Json& p, const Specs& in) {
  const int axis = axis_of(p, in.at(0));
  const kernels::SortRule rule{p.at("descending").get<bool>(), p.at("positions").get<bool>(), p.at("keep").get<Index>()};
  if (rule.keep < -1 || rule.keep > in[0].shape[axis]) fail(ErrorKind::kData, "sort in the plan keeps more than there is.");
  return std::make_shared<SortOp>(in[0], axis, rule);
}

/// Values, or values and positions, for the passes of a long sort.
void check_sorted(const Specs& in, int rank) {
  const bool fits = in.at(0).shape.rank() >= rank && in.size() <= 2 && (in.size() < 2 || in[1] == Spec{in[0].shape, DType::kInt64});
  if (!fits) fail(ErrorKind::kData, "A pass of a sort in the plan does not fit its inputs.");
}

Made make_sort_jointly(const Json& p, const Specs& in) {
  check_sorted(in, 1);
  std::vector<int> axes = p.at("axes").get<std::vector<int>>();
  if (!axes.empty()) axes = normal_axes(axes, in[0].shape.rank());
  bool neighbours = !axes.empty();
  for (std::size_t i = 1; i < axes.size(); ++i) neighbours = neighbours && axes[i] == axes[i - 1] + 1;
  if (!neighbours) fail(ErrorKind::kData, "A pass of a sort in the plan has axes that are no neighbours.");
  return std::make_shared<SortJointlyOp>(in, std::move(axes), p.at("descending").get<bool>(), p.at("merges").get<bool>());
}

Made make_sort_nearly(const Json& p, const Specs& in) {
  check_sorted(in, 2);
  return std::make_shared<SortNearlyOp>(in, p.at("descending").get<bool>());
}

template <class ContractKind>
Made make_contract(const Json& p, const Specs& in) {
  return std::make_shared<ContractKind>(in.at(0), in.at(1), contraction_of(p, in.at(0).shape, in.at(1).shape));
}

Made make_fft(const Json& p, const Specs& in) {
  const kernels::FftRequest request{fft_kind_of(p.at("kind").get<std::string>()), p.at("n").get<Index>(), p.at("forward").get<bool>(),
                                    p.at("scale").get<double>()};
  const bool real = request.kind == kernels::FftKind::kReal || request.kind == kernels::FftKind::kRealFull;
  if (request.n < 1 || (real && is_complex(in.at(0).dtype))) fail(ErrorKind::kData, "A transform in the plan does not fit its input.");
  return std::make_shared<FftOp>(in.at(0), normal_axis(p.at("axis").get<int>(), in.at(0).shape.rank()), request);
}

Made make_qr_triangle(const Json&, const Specs& in) {
  if (in.at(0).shape.rank() != 2) fail(ErrorKind::kData, "qr_triangle in the plan is not of a matrix.");
  return std::make_shared<TriangleOp>(in[0]);
}

Made make_small_matrix(const Json& p, const Specs& in) {
  return std::make_shared<SmallMatrixOp>(p.at("function").get<std::string>(), in);
}

Made make_search(const Json& p, const Specs& in) {
  const int kind = p.at("kind").get<int>();
  if (kind < 0 || kind > static_cast<int>(kernels::SearchKind::kContains) || in.at(0).shape.rank() != 1 || in[0].dtype != in.at(1).dtype)
    fail(ErrorKind::kData, "A search in the plan does not fit its inputs.");
  return std::make_shared<SearchOp>(in[0], in[1], static_cast<kernels::SearchKind>(kind));
}

Made make_interp(const Json& p, const Specs& in) {
  const auto outside = [&](const char* side) { return p.at(side).is_null() ? std::optional<double>() : double_of(p.at(side)); };
  if (in.at(0) != in.at(1) || in[0].shape.rank() != 1 || in[0].shape[0] == 0 || in[0].dtype != DType::kFloat64 ||
      in.at(2).dtype != DType::kFloat64)
    fail(ErrorKind::kData, "interp in the plan does not fit its inputs.");
  return std::make_shared<InterpOp>(in[0], in[2], outside("left"), outside("right"));
}

Made make_quantile(const Json& p, const Specs& in) {
  return std::make_shared<QuantileOp>(in.at(0), doubles_of(p.at("q")),
                                      p.at("axes").empty() ? std::vector<int>()
                                                           : normal_axes(p.at("axes").get<std::vector<int>>(), in[0].shape.rank()),
                                      kernels::quantile_method(p.at("method").get<std::string>()), p.at("skip_nan").get<bool>());
}

Made make_weighted_quantile(const Json& p, const Specs& in) {
  const double q = double_of(p.at("q"));
  if (in.at(0) != in.at(1) || in[0].dtype != DType::kFloat64 || !(q >= 0 && q <= 1))
    fail(ErrorKind::kData, "A weighted quantile in the plan does not fit its inputs.");
  return std::make_shared<WeightedQuantileOp>(in[0], q, normal_axes(p.at("axes").get<std::vector<int>>(), in[0].shape.rank()));
}

Made make_histogram(const Json& p, const Specs& in) {
  HistogramOp::Parts parts;
  parts.bins = Shape(p.at("bins").get<std::vector<Index>>());
  const int rank = in.at(0).shape.rank();
  parts.axes = p.at("axes").empty() ? std::vector<int>() : normal_axes(p.at("axes").get<std::vector<int>>(), rank);
  parts.leaf = Shape(p.at("leaf").get<std::vector<Index>>());
  parts.own_bins = p.at("own_bins").get<bool>();
  parts.even = p.at("even").get<bool>();
  parts.weighted = p.at("weighted").get<bool>();
  const std::size_t coordinates = parts.bins.size();
  bool fits = in.size() == coordinates * (parts.own_bins ? 1 : 2) + parts.weighted && parts.leaf.rank() == rank;
  for (std::size_t i = 0; fits && i < coordinates; ++i) {
    fits = in[i].shape == in[0].shape && parts.bins[static_cast<int>(i)] >= 0;
    if (fits && !parts.own_bins) fits = in[coordinates + i] == Spec{Shape{parts.bins[static_cast<int>(i)] + 1}, DType::kFloat64};
  }
  if (!fits) fail(ErrorKind::kData, "A histogram in the plan does not fit its inputs.");
  return std::make_shared<HistogramOp>(in, parts);
}

Made make_edges(const Json& p, const Specs& in) {
  const Json& range = p.at("range");
  std::optional<std::pair<double, double>> given;
  if (!range.is_null()) given = {double_of(range.at(0)), double_of(range.at(1))};
  if (!given) in.at(1);
  return std::make_shared<EdgesOp>(p.at("bins").get<Index>(), parse_dtype(p.at("dtype").get<std::string>()), given);
}

Made make_list(const Json& p, const Specs&) { return std::make_shared<ListOp>(doubles_of(p.at("values"))); }

Made make_window(const Json& p, const Specs& in) {
  kernels::WindowRule rule;
  const int function = p.at("function").get<int>(), boundary = p.at("boundary").get<int>();
  rule.function = static_cast<kernels::WindowFunction>(function);
  for (const auto& offset : p.at("offsets")) rule.offsets.emplace_back(offset.get<std::vector<Index>>());
  rule.weights = doubles_of(p.at("weights"));
  rule.rank = p.at("rank").get<Index>();
  rule.least = p.at("least").get<Index>();
  rule.ddof = double_of(p.at("ddof"));
  bool fits = function >= 0 && function <= static_cast<int>(kernels::WindowFunction::kCount) && boundary >= 0 &&
              boundary <= static_cast<int>(kernels::Boundary::kConstant) && !rule.offsets.empty() && rule.rank >= 0 &&
              rule.rank < static_cast<Index>(rule.offsets.size()) &&
              (rule.function != kernels::WindowFunction::kLinear || rule.weights.size() == rule.offsets.size());
  const bool by_parts = rule.function == kernels::WindowFunction::kLinear || rule.function == kernels::WindowFunction::kSum ||
                        rule.function == kernels::WindowFunction::kMean;
  fits = fits && (by_parts || !is_complex(in.at(0).dtype));
  for (const Dims& offset : rule.offsets) fits = fits && offset.rank() == in.at(0).shape.rank();
  if (!fits) fail(ErrorKind::kData, "A window in the plan does not fit its input.");
  return std::make_shared<WindowOp>(in[0], std::move(rule), static_cast<kernels::Boundary>(boundary), double_of(p.at("constant")));
}

Made refuse_user_function(const Json& p, const Specs&) {
  fail(ErrorKind::kData, "The plan calls the user function {}, which no file can hold. Make the plan again in the program that has it.",
       p.at("function").get<std::string>());
}

// clang-format off
const OpEntry kOps[] = {
    {"block_totals",    1, make_block_totals},
    {"carries",         1, make_carries},
    {"concat",          1, make_concat},
    {"constant",        1, make_constant},
    {"contract",        1, make_contract<ContractOp>},
    {"contract_long",   1, make_contract<LongContractOp>},
    {"convolve",        1, make_convolve},
    {"cumulative",      1, make_cumulative},
    {"downsample",      1, make_downsample},
    {"edges",           1, make_edges},
    {"elementwise",     1, make_elementwise},
    {"fft",             1, make_fft},
    {"gather",          1, make_gather},
    {"group_reduce",    1, make_group_reduce},
    {"histogram",       1, make_histogram},
    {"interp",          1, make_interp},
    {"list",            1, make_list},
    {"longest_run",     1, make_longest_run},
    {"mask_count",      1, make_mask_count},
    {"mask_select",     1, make_mask_select},
    {"mode",            1, make_mode},
    {"put",             1, make_put},
    {"qr_triangle",     2, make_qr_triangle},
    {"quantile",        1, make_quantile},
    {"random",          1, make_random},
    {"rank",            3, make_rank},
    {"rechunk",         1, make_rechunk},
    {"reduce",          1, make_reduce},
    {"reshape",         1, make_reshape},
    {"search",          1, make_search},
    {"select",          1, make_select},
    {"sequence",        1, make_sequence},
    {"sigma_clip",      1, make_sigma_clip},
    {"small_matrix",    3, make_small_matrix},
    {"sort",            1, make_sort},
    {"sort_jointly",    1, make_sort_jointly},
    {"sort_nearly",     1, make_sort_nearly},
    {"take_along_axis", 1, make_take_along},
    {"user_along",      1, refuse_user_function},
    {"user_blocks",     1, refuse_user_function},
    {"user_function",   1, lent_function_op},
    {"view",            1, make_view},
    {"warp",            1, make_warp},
    {"weighted_quantile", 1, make_weighted_quantile},
    {"window",          1, make_window},
};
// clang-format on

}  // namespace

Made make_op(std::string_view name, int version, const Json& params, const Specs& inputs) {
  for (const OpEntry& entry : kOps) {
    if (entry.name != name) continue;
    if (entry.version != version)
      fail(ErrorKind::kData, "The plan has {} of version {}, this program has version {}. Make the plan again.", name, version,
           entry.version);
    try {
      return entry.make(params, inputs);
    } catch (const Json::exception& error) {
      fail(ErrorKind::kData, "The parameters of {} in the plan are damaged: {}", name, error.what());
    } catch (const std::out_of_range&) {
      fail(ErrorKind::kData, "{} in the plan lacks an input.", name);
    }
  }
  fail(ErrorKind::kData, "The plan has an operation '{}', which this program does not know.", name);
}

}  // namespace freestone
