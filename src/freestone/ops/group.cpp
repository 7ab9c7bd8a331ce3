#include "freestone/ops/group.h"

#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 0.8;  // an element, one core
constexpr Index kLeastRows = 48;      // of a leaf, where it can be: merging two leaves costs as much as some rows for each group

Spec group_output(const kernels::FoldRequest& request, const Spec& input, int axis, Index groups) {
  Shape shape = input.shape;
  shape[axis] = groups;
  return {shape, kernels::GroupFold(request, groups).output()};
}

Access groups_whole(int rank, int axis) {
  Access access = identity_access(rank);
  access[static_cast<std::size_t>(axis)] = AxisMap::whole();
  return access;
}

kernels::Word* words(std::byte* state) { return reinterpret_cast<kernels::Word*>(state); }
const kernels::Word* words(const std::byte* state) { return reinterpret_cast<const kernels::Word*>(state); }

/// As of other folds, but some chunks long where those are short: a leaf has a state for each group.
Shape group_leaf(const Array& a, int axis) {
  Shape leaf = leaf_extents(a.chunks(), {axis});
  while (leaf[axis] < kLeastRows && leaf[axis] < a.shape()[axis]) leaf[axis] *= 2;
  return leaf;
}

}  // namespace

GroupReduceOp::GroupReduceOp(std::string function, const Spec& input, int axis, Index groups, bool skip_nan, std::vector<double> parameters,
                             Shape leaf)
    : Op(input.shape, {group_output({function, input.dtype, skip_nan, parameters}, input, axis, groups)},
         {identity_access(input.shape.rank()), {AxisMap::point(axis)}}, {groups_whole(input.shape.rank(), axis)}),
      function_(std::move(function)),
      axes_{axis},
      groups_(groups),
      skip_nan_(skip_nan),
      parameters_(std::move(parameters)),
      leaf_(leaf),
      kernel_({function_, input.dtype, skip_nan_, parameters_}, groups) {}

nlohmann::json GroupReduceOp::params() const {
  auto parameters = nlohmann::json::array();
  for (const double p : parameters_) parameters.push_back(json_of(p));
  return {{"function", function_}, {"axis", axes_[0]},         {"groups", groups_},
          {"skip_nan", skip_nan_}, {"parameters", parameters}, {"leaf", leaf_.to_vector()}};
}

Need GroupReduceOp::need(const Box& box) const { return {0, static_cast<double>(box.count()) * kNanoseconds}; }

void GroupReduceOp::init(std::byte* state, Index outputs) const { kernel_.init(words(state), outputs); }

void GroupReduceOp::scan(const Box& leaf_box, std::span<const Tile> in, std::byte* state, Index outputs) const {
  const int axis = axes_[0];
  const Box positions(Dims{leaf_box.start[axis]}, Shape{leaf_box.shape[axis]});
  kernel_.scan(in[0].part(leaf_box).view, axis, leaf_box.start[axis], in[1].part(positions).view, words(state), outputs);
}

void GroupReduceOp::merge(std::byte* into, const std::byte* from, Index outputs) const { kernel_.merge(words(into), words(from), outputs); }

void GroupReduceOp::finish(const std::byte* state, Index outputs, std::span<std::byte* const> out) const {
  kernel_.finish(words(state), outputs, out[0]);
}

Array group_reduce(std::string_view name, const Array& a, const Array& keys, Index groups, int axis, GroupOptions options) {
  axis = normal_axis(axis, a.rank());
  if (groups < 0) fail(ErrorKind::kUser, "group_reduce: {} groups.", groups);
  if (!is_integer(keys.dtype())) fail(ErrorKind::kUser, "group_reduce: the keys are {}; they must be integers.", name_of(keys.dtype()));
  if (keys.shape() != Shape{a.shape()[axis]})
    fail(ErrorKind::kUser, "group_reduce: keys of shape {} for axis {} of an array of shape {}. Give one key for each position.",
         to_string(keys.shape()), axis, to_string(a.shape()));
  const Array whole_keys = keys.dtype() == DType::kInt64 ? keys : astype(keys, DType::kInt64);
  auto op = std::make_shared<GroupReduceOp>(std::string(name), a.spec(), axis, groups, options.skip_nan, std::move(options.parameters),
                                            group_leaf(a, axis));
  return apply_op(std::move(op), {a, whole_keys});
}

}  // namespace freestone
