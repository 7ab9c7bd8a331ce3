#include "freestone/ops/user.h"

#include <atomic>
#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/kernels/columns.h"
#include "freestone/ops/along_axis.h"
#include "freestone/ops/program.h"

namespace freestone {
namespace {

constexpr double kNanoseconds = 3;                // an element: nobody knows
constexpr Index kBlockElements = Index{1} << 18;  // of data without chunks: 1 MB of float32

std::string identity_of(const UserOptions& options) {
  static std::atomic<Index> next{1};
  return options.name.empty() ? fmt::format("#{}", next++) : options.name;
}

/// Calls the user's code; what it throws names the function.
template <class F>
void call(const std::string& name, F&& f) {
  try {
    f();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(ErrorKind::kUser, "The function {} failed: {}", name, error.what());
  }
}

/// Nominal blocks: the chunks, or slabs of a megabyte by shape alone; core axes whole.
Shape nominal_block(const Array& a, const std::vector<int>& core_axes) {
  Shape block = a.chunks().chunk();
  if (a.chunks().is_contiguous()) {
    Index left = kBlockElements;
    for (int k = a.rank() - 1; k >= 0; --k) {
      block[k] = std::clamp<Index>(a.shape()[k], 1, std::max<Index>(1, left));
      left /= block[k];
    }
  }
  for (const int axis : core_axes) block[normal_axis(axis, a.rank())] = std::max<Index>(1, a.shape()[normal_axis(axis, a.rank())]);
  for (Index& n : block) n = std::max<Index>(1, n);
  return block;
}

/// How far from a position its block, and the halo of that, may reach.
std::vector<Access> block_inputs(const std::vector<Spec>& inputs, const UserBlocksOp::Parts& parts) {
  Dims reach = parts.halo;
  const Shape& shape = inputs[0].shape;
  Access access;
  for (int k = 0; k < reach.rank(); ++k) {
    if (!parts.free) reach[k] += parts.block[k] - 1;
    const bool whole = !parts.free && parts.block[k] >= shape[k];
    access.push_back(whole                                                    ? AxisMap::whole()
                     : reach[k] == 0                                          ? AxisMap::point(k)
                     : parts.halo[k] > 0 && parts.boundary == Boundary::kWrap ? AxisMap::gather()
                                                                              : AxisMap::halo(k, reach[k], reach[k]));
  }
  return std::vector<Access>(inputs.size(), access);
}

}  // namespace

UserBlocksOp::UserBlocksOp(const std::vector<Spec>& inputs, Parts parts)
    : Op(inputs[0].shape, {{inputs[0].shape, parts.dtype}}, block_inputs(inputs, parts), {identity_access(inputs[0].shape.rank())}),
      in_(inputs),
      parts_(std::move(parts)) {}

nlohmann::json UserBlocksOp::params() const {
  return {{"function", parts_.name},
          {"block", parts_.block.to_vector()},
          {"free", parts_.free},
          {"halo", parts_.halo.to_vector()},
          {"dtype", name_of(parts_.dtype)},
          {"boundary", static_cast<int>(parts_.boundary)},
          {"constant", json_of(parts_.constant)}};
}

Box UserBlocksOp::whole_blocks(const Box& box) const {
  if (parts_.free) return box;
  Box out = box;
  for (int k = 0; k < box.rank(); ++k) {
    const Index step = parts_.block[k], end = std::min((box.end(k) + step - 1) / step * step, in_[0].shape[k]);
    out.start[k] = box.start[k] / step * step;
    out.shape[k] = end - out.start[k];
  }
  return out;
}

Box UserBlocksOp::input_box(int i, const Box& box, const Shape& array) const {
  if (box.empty()) return map_box(input(i), box, array);
  Box wanted = whole_blocks(box);
  for (int k = 0; k < box.rank(); ++k) wanted.start[k] -= parts_.halo[k], wanted.shape[k] += 2 * parts_.halo[k];
  return kernels::filled_from(parts_.boundary, wanted, array);
}

Need UserBlocksOp::need(const Box& box) const {
  const Box whole = whole_blocks(box);
  Shape one = whole.shape, around = whole.shape;
  Index in_bytes = 0, halo_bytes = 0;
  bool has_halo = false;
  for (int k = 0; k < box.rank(); ++k) {
    if (!parts_.free) one[k] = std::min(one[k], parts_.block[k]);
    around[k] = one[k] + 2 * parts_.halo[k];
    has_halo = has_halo || parts_.halo[k] > 0;
  }
  for (const Spec& in : in_) {
    in_bytes += element_count(around) * size_of(in.dtype);
    if (has_halo) halo_bytes += Scratch::rounded(element_count(around) * size_of(in.dtype));
  }
  const Index out_bytes = whole == box ? 0 : Scratch::rounded(element_count(one) * size_of(parts_.dtype));
  const auto own = static_cast<Index>(std::ceil(parts_.memory_factor * static_cast<double>(in_bytes)));
  return {halo_bytes + out_bytes + Scratch::rounded(own), static_cast<double>(whole.count()) * kNanoseconds};
}

void UserBlocksOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  if (parts_.free) return run_block(box, box, in, out[0], scratch);
  const Box whole = whole_blocks(box);
  Shape counts(box.rank());
  for (int k = 0; k < box.rank(); ++k) counts[k] = (whole.shape[k] + parts_.block[k] - 1) / parts_.block[k];
  const ChunkGrid grid(counts, Shape(box.rank(), 1));
  for (Index i = 0; i < grid.count(); ++i) {
    cancel.check();
    Box block = grid.box(i);
    for (int k = 0; k < box.rank(); ++k) {
      block.start[k] = whole.start[k] + block.start[k] * parts_.block[k];
      block.shape[k] = std::min(parts_.block[k], whole.end(k) - block.start[k]);
    }
    run_block(block, box, in, out[0], scratch);
  }
}

void UserBlocksOp::run_block(const Box& block, const Box& box, std::span<const Tile> in, const Tile& out, Scratch& scratch) const {
  const Index mark = scratch.used();
  Box around = block;
  bool has_halo = false;
  for (int k = 0; k < block.rank(); ++k) {
    around.start[k] -= parts_.halo[k], around.shape[k] += 2 * parts_.halo[k];
    has_halo = has_halo || parts_.halo[k] > 0;
  }
  std::vector<View> views;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!has_halo) {
      views.push_back(in[i].part(block).view);
      continue;
    }
    views.push_back(View::contiguous(scratch.take(around.count() * size_of(in_[i].dtype)), in_[i].dtype, around.shape));
    kernels::fill_window(parts_.boundary, parts_.constant, in[i], around, in_[i].shape, views.back());
  }
  if (contains(box, block)) {
    call(parts_.name, [&] { parts_.function(views, out.part(block).view); });
  } else {
    const Tile result{View::contiguous(scratch.take(block.count() * size_of(parts_.dtype)), parts_.dtype, block.shape), block};
    call(parts_.name, [&] { parts_.function(views, result.view); });
    const Box common = intersection(block, box);
    copy(result.part(common).view, out.part(common).view);
  }
  scratch.release_to(mark);
}

UserAlongOp::UserAlongOp(const Spec& input, int axis, Index length, LineFunction function, std::string name, DType dtype,
                         double memory_factor)
    : Op(without_axes(input.shape, {axis}), {{with_extent(input.shape, axis, length), dtype}}, {whole_on_axes(input.shape.rank(), {axis})},
         {whole_on_axes(input.shape.rank(), {axis})}),
      in_(input),
      axis_(axis),
      length_(length),
      function_(std::move(function)),
      name_(std::move(name)),
      memory_factor_(memory_factor) {}

nlohmann::json UserAlongOp::params() const {
  return {{"function", name_}, {"axis", axis_}, {"length", length_}, {"dtype", name_of(outputs()[0].dtype)}};
}

Need UserAlongOp::need(const Box& box) const {
  const Index line = in_.shape[axis_];
  return {Scratch::rounded(static_cast<Index>(std::ceil(memory_factor_ * static_cast<double>(line * size_of(in_.dtype))))),
          static_cast<double>(box.count() * (line + length_)) * kNanoseconds};
}

void UserAlongOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const View from = in[0].part(map_box(input(0), box, in_.shape)).view, to = out[0].view;
  const View* const views[] = {&from, &to};
  const kernels::Columns<2> columns(views, axis_);
  columns.for_each_outer([&](std::byte* const* data, Index) {
    for (Index c = 0; c < columns.columns(); ++c) {
      cancel.check();
      const View line{data[0] + c * columns.column_stride(0), from.dtype, Shape{from.shape[axis_]}, Dims{columns.axis_stride(0)}};
      const View result{data[1] + c * columns.column_stride(1), to.dtype, Shape{to.shape[axis_]}, Dims{columns.axis_stride(1)}};
      call(name_, [&] { function_(line, result); });
    }
  });
}

namespace {

Array user_blocks(const std::vector<Array>& arrays, UserBlocksOp::Parts parts, const UserOptions& options) {
  parts.name = identity_of(options);
  parts.block = nominal_block(arrays[0], options.core_axes);
  parts.free = options.elementwise && options.core_axes.empty();
  parts.memory_factor = options.memory_factor;
  parts.dtype = options.dtype.value_or(arrays[0].dtype());
  std::vector<Spec> specs;
  for (const Array& a : arrays) specs.push_back(a.spec());
  return apply_op(std::make_shared<UserBlocksOp>(specs, std::move(parts)), arrays);
}

}  // namespace

Array map_blocks(BlockFunction fn, const std::vector<Array>& arrays, UserOptions options) {
  if (arrays.empty()) fail(ErrorKind::kUser, "map_blocks: no arrays.");
  for (const Array& a : arrays)
    if (a.shape() != arrays[0].shape())
      fail(ErrorKind::kUser, "map_blocks: arrays of shapes {} and {}. Give them of one shape (broadcast_to).", to_string(arrays[0].shape()),
           to_string(a.shape()));
  UserBlocksOp::Parts parts;
  parts.function = std::move(fn);
  parts.halo = Dims(arrays[0].rank());
  return user_blocks(arrays, std::move(parts), options);
}

Array map_overlap(const Array& a, OverlapOptions options, OverlapFunction fn) {
  if (static_cast<int>(options.halo.size()) != a.rank())
    fail(ErrorKind::kUser, "map_overlap: a halo of {} numbers for {} axes.", options.halo.size(), a.rank());
  UserBlocksOp::Parts parts;
  parts.halo = Dims(options.halo);
  for (const Index n : parts.halo)
    if (n < 0) fail(ErrorKind::kUser, "map_overlap: a halo of {}.", n);
  if (is_complex(a.dtype())) fail(ErrorKind::kUser, "map_overlap: the array is {}; give real numbers.", name_of(a.dtype()));
  parts.boundary = options.boundary;
  parts.constant = options.constant;
  parts.function = [fn = std::move(fn)](std::span<const View> in, const View& out) { fn(in[0], out); };
  return user_blocks({a}, std::move(parts), options.user);
}

Array apply_along(LineFunction fn, const Array& a, int axis, AlongOptions options) {
  axis = normal_axis(axis, a.rank());
  const Index length = options.output_length.value_or(a.shape()[axis]);
  if (length < 0) fail(ErrorKind::kUser, "apply_along: an output of length {}.", length);
  return apply_op(std::make_shared<UserAlongOp>(a.spec(), axis, length, std::move(fn), identity_of(options.user),
                                                options.user.dtype.value_or(a.dtype()), options.user.memory_factor),
                  {a});
}

}  // namespace freestone
