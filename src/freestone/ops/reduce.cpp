#include "freestone/ops/reduce.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "freestone/ops/program.h"
#include "freestone/ops/shape.h"

namespace freestone {
namespace {

constexpr Index kLeafElements = 65536;

std::vector<Spec> output_specs(const kernels::FoldRequest& request, const Shape& input, const std::vector<int>& axes) {
  Shape kept;
  for (int k = 0; k < input.rank(); ++k)
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) kept.push_back(input[k]);
  std::vector<Spec> specs;
  for (const DType dtype : kernels::make_fold(request)->outputs()) specs.push_back({kept, dtype});
  return specs;
}

std::vector<Access> output_access(std::size_t outputs, int rank, const std::vector<int>& axes) {
  Access kept;
  for (int k = 0; k < rank; ++k)
    if (std::find(axes.begin(), axes.end(), k) == axes.end()) kept.push_back(AxisMap::point(k));
  return std::vector<Access>(outputs, kept);
}

Index power_of_two_at_least(Index n) {
  Index p = 1;
  while (p < n) p *= 2;
  return p;
}

}  // namespace

std::vector<int> normal_axes(const std::vector<int>& axes, int rank) {
  std::vector<int> out;
  for (const int axis : axes) out.push_back(normal_axis(axis, rank));
  if (axes.empty())
    for (int k = 0; k < rank; ++k) out.push_back(k);
  std::sort(out.begin(), out.end());
  if (std::adjacent_find(out.begin(), out.end()) != out.end()) fail(ErrorKind::kUser, "An axis is named twice.");
  return out;
}

Shape leaf_extents(const ChunkGrid& chunks, const std::vector<int>& axes) {
  Shape leaf(chunks.shape().rank(), 1);
  if (!chunks.is_contiguous()) {
    // A leaf never crosses a chunk edge; a chunk too large is cut in halves of halves, the first axis first, so that cuts divide chunks.
    Index elements = 1;
    for (const int k : axes) leaf[k] = chunks.chunk()[k], elements *= leaf[k];
    for (std::size_t i = 0; elements > kLeafElements; i = (i + 1) % axes.size()) {
      Index& extent = leaf[axes[i]];
      if (extent == 1) continue;
      elements /= extent;
      extent = (extent + 1) / 2;
      elements *= extent;
    }
    return leaf;
  }
  // Balanced powers of two: each axis takes an equal share of what is left, short axes first take what they need.
  std::vector<int> open(axes.begin(), axes.end());
  Index budget = kLeafElements;
  while (!open.empty()) {
    Index share = 1;
    while (true) {
      Index product = 1;
      for (std::size_t i = 0; i < open.size(); ++i) product *= share * 2;
      if (product > budget) break;
      share *= 2;
    }
    const auto fits = [&](int k) { return power_of_two_at_least(std::max<Index>(1, chunks.shape()[k])) <= share; };
    const auto short_axis = std::find_if(open.begin(), open.end(), fits);
    if (short_axis != open.end()) {
      leaf[*short_axis] = power_of_two_at_least(std::max<Index>(1, chunks.shape()[*short_axis]));
      budget /= leaf[*short_axis];
      open.erase(short_axis);
      continue;
    }
    // All are long: equal shares, what is left over goes to the first axes.
    Index left = budget;
    for (const int k : open) leaf[k] = share, left /= share;
    for (const int k : open)
      if (left >= 2 && leaf[k] < power_of_two_at_least(chunks.shape()[k])) leaf[k] *= 2, left /= 2;
    open.clear();
  }
  return leaf;
}

ReduceOp::ReduceOp(std::string name, const Spec& input, std::vector<int> axes, Shape leaf, bool skip_nan, std::vector<double> parameters)
    : Op(input.shape, output_specs({name, input.dtype, skip_nan, parameters}, input.shape, axes), {identity_access(input.shape.rank())},
         output_access(kernels::make_fold({name, input.dtype, skip_nan, parameters})->outputs().size(), input.shape.rank(), axes)),
      function_(std::move(name)),
      axes_(std::move(axes)),
      leaf_(leaf),
      skip_nan_(skip_nan),
      parameters_(std::move(parameters)),
      kernel_(kernels::make_fold({function_, input.dtype, skip_nan_, parameters_})) {
  for (const int k : axes_) reduced_ |= 1u << k;
}

nlohmann::json ReduceOp::params() const {
  auto parameters = nlohmann::json::array();
  for (const double p : parameters_) parameters.push_back(json_of(p));
  return {{"function", function_}, {"axes", axes_}, {"leaf", leaf_.to_vector()}, {"skip_nan", skip_nan_}, {"parameters", parameters}};
}

Need ReduceOp::need(const Box& box) const {
  return {0, static_cast<double>(box.count()) * (0.2 + 0.05 * static_cast<double>(kernel_->words()))};
}

void ReduceOp::init(std::byte* state, Index outputs) const { kernel_->init(reinterpret_cast<kernels::Word*>(state), outputs); }

void ReduceOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  const Tile part = in[0].part(leaf_box);
  kernel_->scan(part.view, reduced_, {leaf_box.start, domain()}, reinterpret_cast<kernels::Word*>(state), outputs);
}

void ReduceOp::merge(std::byte* into, const std::byte* from, Index outputs) const {
  kernel_->merge(reinterpret_cast<kernels::Word*>(into), reinterpret_cast<const kernels::Word*>(from), outputs);
}

void ReduceOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  kernel_->finish(reinterpret_cast<const kernels::Word*>(state), outputs, out);
}

std::vector<Array> reduce_all(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  const std::vector<int> reduced = normal_axes(axes, a.rank());
  if (name == "min" || name == "max" || name == "argmin" || name == "argmax") {
    for (const int k : reduced)
      if (a.shape()[k] == 0) fail(ErrorKind::kUser, "{} over axis {}, which has no elements.", name, k);
  }
  auto op = std::make_shared<ReduceOp>(std::string(name), a.spec(), reduced, leaf_extents(a.chunks(), reduced), options.skip_nan,
                                       options.parameters);
  std::vector<Array> out = apply_op_all(std::move(op), {a});
  if (options.keep_dims)
    for (Array& array : out)
      for (const int k : reduced) array = expand_dims(array, k);
  return out;
}

Array reduce(std::string_view name, const Array& a, const std::vector<int>& axes, ReduceOptions options) {
  return reduce_all(name, a, axes, std::move(options)).front();
}

}  // namespace freestone
