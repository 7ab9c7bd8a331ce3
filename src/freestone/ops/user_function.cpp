#include "freestone/ops/user_function.h"

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/ops/program.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 3;  // an element: nobody knows

std::vector<Spec> specs_of(const std::vector<UserFunction::Output>& outputs) {
  std::vector<Spec> specs;
  for (const auto& output : outputs) specs.push_back({output.shape, output.dtype});
  return specs;
}

/// Positions of the loop axes: steps, the last of which may be cut.
Shape loops_of(const UserFunction& f) {
  Shape loops = f.extents;
  for (int k = 0; k < loops.rank(); ++k) loops[k] = (loops[k] + f.steps[k] - 1) / f.steps[k];
  return loops;
}

/// How far from a position its block, and the halo of that, may reach.
AxisMap reach_along(const UserFunction& f, int loop) {
  const Index step = f.steps[loop], reach = f.free ? 0 : f.block[loop] - 1;
  if (!f.free && f.block[loop] >= (f.extents[loop] + step - 1) / step) return AxisMap::whole();
  const bool filled = f.before[loop] + f.after[loop] > 0 && !f.open[static_cast<std::size_t>(loop)];
  // What is reflected at an edge lies on the other side of the position.
  const Index most = std::max(f.before[loop], f.after[loop]);
  const Index before = (filled ? most : f.before[loop]) + reach * step, after = (filled ? most : f.after[loop]) + reach * step + step - 1;
  if (before == 0 && after == 0 && step == 1) return AxisMap::point(loop);
  const bool wraps = filled && f.edges[static_cast<std::size_t>(loop)].boundary == kernels::Boundary::kWrap;
  return wraps ? AxisMap::gather() : AxisMap{AxisKind::kPoint, loop, step, 0, before, after};
}

std::vector<Access> inputs_of(const UserFunction& f, const std::vector<Spec>& inputs) {
  std::vector<Access> out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Access access;
    for (int k = 0; k < inputs[i].shape.rank(); ++k) {
      const int loop = f.inputs[i][static_cast<std::size_t>(k)];
      const bool broadcasts = loop >= 0 && inputs[i].shape[k] == 1 && f.extents[loop] != 1;
      access.push_back(loop < 0 ? AxisMap::whole() : broadcasts ? AxisMap::fixed() : reach_along(f, loop));
    }
    out.push_back(std::move(access));
  }
  return out;
}

std::vector<Access> outputs_of(const UserFunction& f) {
  std::vector<Access> out;
  for (const auto& output : f.outputs) {
    Access access;
    for (const int loop : output.axes) access.push_back(loop < 0 ? AxisMap::whole() : AxisMap::point(loop));
    out.push_back(std::move(access));
  }
  return out;
}

}  // namespace

UserFunctionOp::UserFunctionOp(UserFunction function, std::vector<Spec> inputs)
    : Op(loops_of(function), specs_of(function.outputs), inputs_of(function, inputs), outputs_of(function)),
      function_(std::move(function)),
      in_(std::move(inputs)) {}

nlohmann::json UserFunctionOp::params() const {
  auto outputs = nlohmann::json::array();
  for (const auto& output : function_.outputs)
    outputs.push_back({{"dtype", name_of(output.dtype)}, {"axes", output.axes}, {"shape", output.shape.to_vector()}});
  auto edges = nlohmann::json::array();
  for (std::size_t k = 0; k < function_.edges.size(); ++k)
    edges.push_back({{"open", static_cast<bool>(function_.open[k])},
                     {"boundary", static_cast<int>(function_.edges[k].boundary)},
                     {"constant", json_of(function_.edges[k].constant)}});
  return {{"function", function_.identity},
          {"name", function_.name},
          {"extents", function_.extents.to_vector()},
          {"steps", function_.steps.to_vector()},
          {"block", function_.block.to_vector()},
          {"free", function_.free},
          {"contiguous", function_.contiguous},
          {"memory_factor", json_of(function_.memory_factor)},
          {"before", function_.before.to_vector()},
          {"after", function_.after.to_vector()},
          {"edges", edges},
          {"inputs", function_.inputs},
          {"outputs", outputs}};
}

Box UserFunctionOp::whole_blocks(const Box& box) const {
  if (function_.free) return box;
  Box out = box;
  for (int k = 0; k < box.rank(); ++k) {
    const Index step = function_.block[k], end = std::min((box.end(k) + step - 1) / step * step, domain()[k]);
    out.start[k] = box.start[k] / step * step;
    out.shape[k] = end - out.start[k];
  }
  return out;
}

Box UserFunctionOp::around(int i, const Box& box) const {
  const Spec& spec = in_[static_cast<std::size_t>(i)];
  Box out(spec.shape);
  for (int k = 0; k < spec.shape.rank(); ++k) {
    const int loop = function_.inputs[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
    if (loop < 0 || (spec.shape[k] == 1 && function_.extents[loop] != 1)) continue;
    const Index step = function_.steps[loop];
    Index start = box.start[loop] * step - function_.before[loop];
    Index end = std::min(box.end(loop) * step, function_.extents[loop]) + function_.after[loop];
    if (function_.open[static_cast<std::size_t>(loop)]) start = std::max<Index>(start, 0), end = std::min(end, spec.shape[k]);
    out.start[k] = start, out.shape[k] = end - start;
  }
  return out;
}

bool UserFunctionOp::is_filled(int i) const {
  for (const int loop : function_.inputs[static_cast<std::size_t>(i)])
    if (loop >= 0 && function_.before[loop] + function_.after[loop] > 0 && !function_.open[static_cast<std::size_t>(loop)]) return true;
  return false;
}

std::vector<kernels::Edge> UserFunctionOp::edges_of(int i) const {
  std::vector<kernels::Edge> edges;
  for (const int loop : function_.inputs[static_cast<std::size_t>(i)])
    edges.push_back(loop < 0 ? kernels::Edge{} : function_.edges[static_cast<std::size_t>(loop)]);
  return edges;
}

Box UserFunctionOp::part_of_output(int o, const Box& box) const {
  return map_box(output(o), box, function_.outputs[static_cast<std::size_t>(o)].shape);
}

Box UserFunctionOp::input_box(int i, const Box& box, const Shape& array) const {
  if (box.empty()) return map_box(input(i), box, array);
  const Box wanted = around(i, whole_blocks(box));
  return is_filled(i) ? kernels::filled_from(edges_of(i), wanted, array) : wanted;
}

Need UserFunctionOp::need(const Box& box) const {
  const Box whole = whole_blocks(box);
  Box one = whole;
  if (!function_.free)
    for (int k = 0; k < box.rank(); ++k) one.shape[k] = std::min(one.shape[k], function_.block[k]);
  Index in_bytes = 0, copies = 0, elements = 0;
  for (int i = 0; i < input_count(); ++i) {
    const Index bytes = around(i, one).count() * size_of(in_[static_cast<std::size_t>(i)].dtype);
    in_bytes += bytes;
    elements += around(i, whole).count();
    if (is_filled(i) || function_.contiguous) copies += Scratch::rounded(bytes);
  }
  for (std::size_t o = 0; o < function_.outputs.size(); ++o) {
    const Index count = part_of_output(static_cast<int>(o), one).count();
    elements += count;
    if (whole != box || function_.contiguous) copies += Scratch::rounded(count * size_of(function_.outputs[o].dtype));
  }
  const auto own = static_cast<Index>(std::ceil(function_.memory_factor * static_cast<double>(in_bytes)));
  return {copies + Scratch::rounded(own), static_cast<double>(elements) * kNanoseconds};
}

ChunkGrid UserFunctionOp::chunks(int output, std::span<const ChunkGrid> inputs) const {
  const auto& made = function_.outputs[static_cast<std::size_t>(output)];
  bool chunked = false;
  for (const ChunkGrid& grid : inputs) chunked = chunked || !grid.is_contiguous();
  if (!chunked) return ChunkGrid::contiguous(made.shape);
  Shape chunk = made.shape;
  for (int k = 0; k < chunk.rank(); ++k)
    if (const int loop = made.axes[static_cast<std::size_t>(k)]; loop >= 0) chunk[k] = function_.block[loop];
  for (Index& n : chunk) n = std::max<Index>(1, n);
  return ChunkGrid(made.shape, chunk);
}

void UserFunctionOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  if (function_.free) return run_block(box, box, in, out, scratch);
  const Box whole = whole_blocks(box);
  Shape counts(box.rank());
  for (int k = 0; k < box.rank(); ++k) counts[k] = (whole.shape[k] + function_.block[k] - 1) / function_.block[k];
  const ChunkGrid grid(counts, Shape(box.rank(), 1));
  for (Index i = 0; i < grid.count(); ++i) {
    cancel.check();
    Box block = grid.box(i);
    for (int k = 0; k < box.rank(); ++k) {
      block.start[k] = whole.start[k] + block.start[k] * function_.block[k];
      block.shape[k] = std::min(function_.block[k], whole.end(k) - block.start[k]);
    }
    run_block(block, box, in, out, scratch);
  }
}

void UserFunctionOp::run_block(const Box& block, const Box& box, std::span<const Tile> in, std::span<const Tile> out,
                               Scratch& scratch) const {
  const Index mark = scratch.used();
  std::vector<View> from, to;
  for (int i = 0; i < input_count(); ++i) {
    const auto n = static_cast<std::size_t>(i);
    const Box part = around(i, block);
    const bool filled = is_filled(i);
    if (!filled) {
      const View view = in[n].part(part).view;
      if (!function_.contiguous || view.is_contiguous()) {
        from.push_back(view);
        continue;
      }
    }
    from.push_back(View::contiguous(scratch.take(std::max<Index>(1, part.count() * size_of(in_[n].dtype))), in_[n].dtype, part.shape));
    if (filled)
      kernels::fill_window(edges_of(i), in[n], part, in_[n].shape, from.back());
    else
      copy(in[n].part(part).view, from.back());
  }
  std::vector<Box> parts;
  for (std::size_t o = 0; o < out.size(); ++o) {
    parts.push_back(part_of_output(static_cast<int>(o), block));
    const DType dtype = function_.outputs[o].dtype;
    if (contains(out[o].box, parts[o])) {
      const View view = out[o].part(parts[o]).view;
      if (!function_.contiguous || view.is_contiguous()) {
        to.push_back(view);
        continue;
      }
    }
    to.push_back(View::contiguous(scratch.take(std::max<Index>(1, parts[o].count() * size_of(dtype))), dtype, parts[o].shape));
  }
  try {
    Dims before(block.rank());
    for (int k = 0; k < block.rank(); ++k)
      before[k] = function_.open[static_cast<std::size_t>(k)] ? std::min(function_.before[k], block.start[k] * function_.steps[k])
                                                              : function_.before[k];
    function_.call({from, to, block, before});
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorKind::kUser, "The function {} failed: {}", function_.name, error.what());
  }
  for (std::size_t o = 0; o < out.size(); ++o) {
    const Box common = intersection(parts[o], part_of_output(static_cast<int>(o), box));
    const View there = out[o].part(common).view, made = Tile{to[o], parts[o]}.part(common).view;
    if (there.data != made.data) copy(made, there);
  }
  scratch.release_to(mark);
}

std::vector<Array> user_function(UserFunction function, const std::vector<Array>& arrays) {
  static std::atomic<Index> next{1};
  const int rank = function.extents.rank();
  if (function.steps.rank() == 0) function.steps = Dims(rank, 1);
  const auto axes = static_cast<std::size_t>(rank);
  ensure(arrays.size() == function.inputs.size() && function.block.rank() == rank && function.steps.rank() == rank &&
             function.before.rank() == rank && function.after.rank() == rank && function.open.size() == axes &&
             function.edges.size() == axes,
         "user_function: axes that do not fit");
  if (function.identity.empty()) function.identity = fmt::format("{}#{}", function.name, next++);
  for (int k = 0; k < rank; ++k) {
    const Index halo = std::min(function.before[k], function.after[k]);
    if (halo < 0) fail(ErrorKind::kUser, "{}: a halo of {}.", function.name, halo);
    if (function.steps[k] < 1) fail(ErrorKind::kUser, "{}: a step of {}.", function.name, function.steps[k]);
    const Index loops = (function.extents[k] + function.steps[k] - 1) / function.steps[k];
    function.block[k] = std::clamp<Index>(function.block[k], 1, std::max<Index>(1, loops));
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    ensure(static_cast<int>(function.inputs[i].size()) == arrays[i].rank(), "user_function: an axis without a role");
    for (int k = 0; k < arrays[i].rank(); ++k) {
      const int loop = function.inputs[i][static_cast<std::size_t>(k)];
      if (loop >= 0 && arrays[i].shape()[k] != 1 && arrays[i].shape()[k] != function.extents[loop])
        fail(ErrorKind::kUser, "{}: input {} has shape {}, which does not go with the loop axes {}.", function.name, i,
             to_string(arrays[i].shape()), to_string(function.extents));
    }
  }
  std::vector<Spec> inputs;
  for (const Array& array : arrays) inputs.push_back(array.spec());
  return apply_op_all(std::make_shared<UserFunctionOp>(std::move(function), std::move(inputs)), arrays);
}

}  // namespace freestone
