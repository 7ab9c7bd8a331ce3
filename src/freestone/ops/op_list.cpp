#include "freestone/ops/op_list.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/concat.h"
#include "freestone/ops/contract.h"
#include "freestone/ops/create.h"
#include "freestone/ops/cumulative.h"
#include "freestone/ops/decompose.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/fft.h"
#include "freestone/ops/group.h"
#include "freestone/ops/index_along.h"
#include "freestone/ops/index_gather.h"
#include "freestone/ops/index_mask.h"
#include "freestone/ops/index_put.h"
#include "freestone/ops/random.h"
#include "freestone/ops/rank.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/reshape.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/smooth.h"
#include "freestone/ops/sort.h"

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
  const int pass = p.at("pass").get<int>();
  if (!is_floating(in.at(0).dtype) || pass < 0 || pass >= RankOp::passes(in.at(0).dtype) || in.size() != (pass == 0 ? 1u : 7u))
    fail(ErrorKind::kData, "A pass of rank does not fit its input.");
  return std::make_shared<RankOp>(in.at(0), pass, p.at("median").get<bool>(), p.at("q").get<double>(), p.at("skip_nan").get<bool>(),
                                  Shape(p.at("leaf").get<std::vector<Index>>()));
}

Made make_select(const Json& p, const Specs& in) {
  return std::make_shared<SelectOp>(p.at("function").get<std::string>(), in.at(0),
                                    normal_axes(p.at("axes").get<std::vector<int>>(), in.at(0).shape.rank()), p.at("skip_nan").get<bool>(),
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

Made make_sort(const Json& p, const Specs& in) {
  const int axis = axis_of(p, in.at(0));
  const kernels::SortRule rule{p.at("descending").get<bool>(), p.at("positions").get<bool>(), p.at("keep").get<Index>()};
  if (rule.keep < -1 || rule.keep > in[0].shape[axis]) fail(ErrorKind::kData, "sort in the plan keeps more than there is.");
  return std::make_shared<SortOp>(in[0], axis, rule);
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
  return std::make_shared<SmallMatrixOp>(p.at("function").get<std::string>(), in.at(0));
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
    {"elementwise",     1, make_elementwise},
    {"fft",             1, make_fft},
    {"gather",          1, make_gather},
    {"group_reduce",    1, make_group_reduce},
    {"mask_count",      1, make_mask_count},
    {"mask_select",     1, make_mask_select},
    {"mode",            1, make_mode},
    {"put",             1, make_put},
    {"qr_triangle",     1, make_qr_triangle},
    {"random",          1, make_random},
    {"rank",            1, make_rank},
    {"reduce",          1, make_reduce},
    {"reshape",         1, make_reshape},
    {"select",          1, make_select},
    {"sequence",        1, make_sequence},
    {"sigma_clip",      1, make_sigma_clip},
    {"small_matrix",    1, make_small_matrix},
    {"sort",            1, make_sort},
    {"take_along_axis", 1, make_take_along},
    {"view",            1, make_view},
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
