#include "freestone/ops/index_mask.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "freestone/ops/reshape.h"

namespace freestone {
namespace {

constexpr Index kMostBlocks = 1 << 20;
constexpr Index kSmallestBlock = 4096;

Access count_access(const MaskBlocks& blocks) {
  Access access;
  for (int k = 0; k < blocks.shape.rank(); ++k)
    access.push_back(k < blocks.axis ? AxisMap::point(k) : k == blocks.axis ? AxisMap::group(k, blocks.rows) : AxisMap::whole());
  return access;
}

Shape selected_shape(const Spec& mask, const Spec* values, const Positions& before) {
  Shape shape{before.size() > 0 ? before[before.size() - 1] : 0};
  if (values == nullptr)
    shape.push_back(mask.shape.rank());
  else
    for (int k = mask.shape.rank(); k < values->shape.rank(); ++k) shape.push_back(values->shape[k]);
  return shape;
}

std::vector<Access> select_access(const Spec& mask, const Spec* values) {
  std::vector<Access> accesses{Access(mask.shape.size(), AxisMap::gather())};
  if (values == nullptr) return accesses;
  accesses.emplace_back(mask.shape.size(), AxisMap::gather());
  for (int k = mask.shape.rank(); k < values->shape.rank(); ++k) accesses.back().push_back(AxisMap::point(k - mask.shape.rank() + 1));
  return accesses;
}

}  // namespace

MaskBlocks::MaskBlocks(const Shape& mask) : shape(mask) {
  // The last axis in front of which not too many lines lie; then so many rows of it that blocks are neither many nor small.
  Index lines = 1;
  while (axis + 1 < shape.rank() && lines * shape[axis] <= kMostBlocks / 16) lines *= shape[axis++];
  Index behind = 1;
  for (int k = axis + 1; k < shape.rank(); ++k) behind *= std::max<Index>(1, shape[k]);
  const Index n = std::max<Index>(1, shape[axis]);
  const Index most = std::max<Index>(1, kMostBlocks / std::max<Index>(1, lines));
  rows = std::min(n, std::max((n + most - 1) / most, (kSmallestBlock + behind - 1) / behind));
}

Shape MaskBlocks::counts() const {
  Shape out;
  for (int k = 0; k < axis; ++k) out.push_back(shape[k]);
  out.push_back((shape[axis] + rows - 1) / rows);
  return out;
}

Index MaskBlocks::first(Index number) const {
  const Index per_line = (shape[axis] + rows - 1) / rows;
  Index behind = 1;
  for (int k = axis + 1; k < shape.rank(); ++k) behind *= shape[k];
  return (number / per_line * shape[axis] + number % per_line * rows) * behind;
}

Index MaskBlocks::end(Index number) const {
  const Index per_line = (shape[axis] + rows - 1) / rows;
  Index behind = 1;
  for (int k = axis + 1; k < shape.rank(); ++k) behind *= shape[k];
  return (number / per_line * shape[axis] + std::min(shape[axis], (number % per_line + 1) * rows)) * behind;
}

MaskCountOp::MaskCountOp(const Spec& mask, MaskBlocks blocks)
    : Op(blocks.counts(), {{blocks.counts(), DType::kInt64}}, {count_access(blocks)}, {identity_access(blocks.counts().rank())}),
      blocks_(blocks) {
  if (!is_bool(mask.dtype) || mask.shape != blocks.shape) fail(ErrorKind::kData, "A mask does not fit its blocks.");
}

nlohmann::json MaskCountOp::params() const { return {{"axis", blocks_.axis}, {"rows", blocks_.rows}}; }

Need MaskCountOp::need(const Box& box) const { return {0, 0.5 * static_cast<double>(map_box(input(0), box, blocks_.shape).count())}; }

void MaskCountOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const View to = out[0].part(box).view;
  const auto count = [&](const View& mask) {
    Index n = 0;
    const Index row = mask.shape.back(), step = mask.strides.back();
    for_each_row(mask.shape, {&mask}, [&](std::byte** data) {
      for (Index i = 0; i < row; ++i) n += data[0][i * step] != std::byte{0};
    });
    return n;
  };
  Dims at = box.start;
  std::byte* place = to.data;
  if (box.empty()) return;
  while (true) {
    cancel.check();
    const Box one(at, Shape(box.rank(), 1));
    const Index n = count(in[0].part(map_box(input(0), one, blocks_.shape)).view);
    std::memcpy(place, &n, sizeof n);
    int k = box.rank() - 1;
    for (; k >= 0; --k) {
      place += to.strides[k];
      if (++at[k] < box.end(k)) break;
      place -= to.strides[k] * box.shape[k];
      at[k] = box.start[k];
    }
    if (k < 0) return;
  }
}

MaskSelectOp::MaskSelectOp(const Spec& mask, const Spec* values, MaskBlocks blocks, PositionsRef before)
    : Op(selected_shape(mask, values, *before),
         {{selected_shape(mask, values, *before), values == nullptr ? DType::kInt64 : values->dtype}}, select_access(mask, values),
         {identity_access(selected_shape(mask, values, *before).rank())}),
      blocks_(blocks),
      before_(std::move(before)) {
  const auto& counts = before_->values();
  bool fits = is_bool(mask.dtype) && mask.shape == blocks.shape && blocks.axis >= 0 && blocks.axis < mask.shape.rank() &&
              blocks.rows >= 1 && static_cast<Index>(counts.size()) == element_count(blocks.counts()) + 1 && counts[0] == 0 &&
              std::is_sorted(counts.begin(), counts.end()) && counts.back() <= element_count(mask.shape);
  if (fits && values != nullptr) {
    fits = values->shape.rank() >= mask.shape.rank();
    for (int k = 0; fits && k < mask.shape.rank(); ++k) fits = values->shape[k] == mask.shape[k];
  }
  if (!fits) fail(ErrorKind::kData, "The counts of a mask do not fit it.");
}

nlohmann::json MaskSelectOp::frame() const { return {{"axis", blocks_.axis}, {"rows", blocks_.rows}}; }

nlohmann::json MaskSelectOp::params() const {
  auto json = frame();
  json["before"] = before_->to_json();
  return json;
}

std::string MaskSelectOp::key() const {
  auto json = frame();
  json["before"] = before_->digest();
  return json.dump();
}

std::pair<Index, Index> MaskSelectOp::blocks_of(Index first, Index end) const {
  const auto& counts = before_->values();
  const auto block_of = [&](Index result) {
    return static_cast<Index>(std::upper_bound(counts.begin(), counts.end(), result) - counts.begin()) - 1;
  };
  return {block_of(first), block_of(end - 1)};
}

Box MaskSelectOp::input_box(int i, const Box& box, const Shape& array) const {
  if (box.empty()) return {Dims(array.rank(), 0), Shape(array.rank(), 0)};
  Box out = map_box(input(i), box, array);
  const auto [from, to] = blocks_of(box.start[0], box.end(0));
  const Box part = box_of_interval(blocks_.shape, blocks_.first(from), blocks_.end(to) - 1);
  for (int k = 0; k < part.rank(); ++k) out.start[k] = part.start[k], out.shape[k] = part.shape[k];
  return out;
}

Need MaskSelectOp::need(const Box& box) const {
  return {0, static_cast<double>(input_box(0, box, blocks_.shape).count()) + static_cast<double>(box.count())};
}

void MaskSelectOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch&, const Cancel& cancel) const {
  const View to = out[0].part(box).view;
  const bool takes_values = in.size() > 1;
  const int rank = blocks_.shape.rank(), last = rank - 1;
  const auto [from, until] = blocks_of(box.start[0], box.end(0));
  const Index end = blocks_.end(until);
  Index result = (*before_)[from], flat = blocks_.first(from);

  Dims at(rank);
  const Dims strides = contiguous_strides(blocks_.shape, 1);
  for (Index k = 0, rest = flat; k < rank; ++k) {
    at[static_cast<int>(k)] = rest / strides[static_cast<int>(k)];
    rest %= strides[static_cast<int>(k)];
  }
  // What one true element brings: the axes of the array behind those of the mask.
  View from_rest, to_rest{nullptr, to.dtype, {}, {}};
  for (int k = 1; k < to.rank(); ++k) to_rest.shape.push_back(to.shape[k]), to_rest.strides.push_back(to.strides[k]);
  from_rest = to_rest;
  Index rest_offset = 0;
  if (takes_values)
    for (int k = rank; k < in[1].view.rank(); ++k) {
      from_rest.strides[k - rank] = in[1].view.strides[k];
      rest_offset += (box.start[k - rank + 1] - in[1].box.start[k]) * in[1].view.strides[k];
    }

  while (flat < end && result < box.end(0)) {
    cancel.check();
    const Index row = std::min(blocks_.shape[last] - at[last], end - flat);
    const std::byte* mask = in[0].view.data;
    for (int k = 0; k < rank; ++k) mask += (at[k] - in[0].box.start[k]) * in[0].view.strides[k];
    std::byte* values = nullptr;
    if (takes_values) {
      values = in[1].view.data + rest_offset;
      for (int k = 0; k < rank; ++k) values += (at[k] - in[1].box.start[k]) * in[1].view.strides[k];
    }
    for (Index i = 0; i < row; ++i) {
      if (mask[i * in[0].view.strides[last]] == std::byte{0}) continue;
      const Index place = result++ - box.start[0];
      if (place < 0) continue;
      if (place >= box.shape[0]) break;
      to_rest.data = to.data + place * to.strides[0];
      if (takes_values) {
        from_rest.data = values + i * in[1].view.strides[last];
        copy(from_rest, to_rest);
      } else {
        for (Index k = 0; k < box.shape[1]; ++k) {
          const int axis = static_cast<int>(box.start[1] + k);
          const Index position = axis == last ? at[axis] + i : at[axis];
          std::memcpy(to_rest.data + k * to.strides[1], &position, sizeof position);
        }
      }
    }
    flat += row;
    at[last] += row;
    for (int k = last; k > 0 && at[k] == blocks_.shape[k]; --k) at[k] = 0, ++at[k - 1];
  }
  if (result < box.end(0)) fail(ErrorKind::kData, "The mask has fewer true elements than when they were counted: its data has changed.");
}

}  // namespace freestone
