#include "freestone/ops/warp.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "freestone/ops/elementwise.h"

namespace freestone {
namespace {

constexpr Index kChunk = 512;  // rows and columns of a nominal chunk

Shape warped_shape(const Shape& in, const PixelMap& map) {
  Shape out = in;
  out[in.rank() - 2] = map.rows();
  out[in.rank() - 1] = map.columns();
  return out;
}

Access warped_access(int rank) {
  Access access = identity_access(rank);
  access[static_cast<std::size_t>(rank - 2)] = access[static_cast<std::size_t>(rank - 1)] = AxisMap::gather();
  return access;
}

/// The last two axes.
Box image_of(const Box& box) { return {{box.start[box.rank() - 2], box.start[box.rank() - 1]}, {box.shape[box.rank() - 2], box.shape[box.rank() - 1]}}; }

/// Pixels from `low` to `high` with `reach` more on both sides, within an axis of `n`; one pixel when there are none.
std::pair<Index, Index> pixels_between(double low, double high, Index reach, Index n) {
  const double first = std::clamp(std::floor(low) - static_cast<double>(reach), 0.0, static_cast<double>(n - 1));
  const double last = std::clamp(std::ceil(high) + static_cast<double>(reach), 0.0, static_cast<double>(n - 1));
  return {static_cast<Index>(first), static_cast<Index>(last - first) + 1};
}

}  // namespace

WarpOp::WarpOp(const Spec& input, PixelMapRef map, kernels::Resampling resampling, kernels::MissingRule missing)
    : Op(warped_shape(input.shape, *map), {{warped_shape(input.shape, *map), input.dtype}}, {warped_access(input.shape.rank())},
         {identity_access(input.shape.rank())}),
      in_(input),
      map_(std::move(map)),
      resampling_(resampling),
      missing_(missing) {
  const int rank = input.shape.rank();
  if (input.shape[rank - 2] < 1 || input.shape[rank - 1] < 1) fail(ErrorKind::kUser, "An image of shape {} has no pixels to resample.", to_string(input.shape));
  if (input.dtype != DType::kFloat32 && input.dtype != DType::kFloat64) fail(ErrorKind::kData, "A warp in the plan is of {}.", name_of(input.dtype));
}

nlohmann::json WarpOp::params() const {
  return {{"map", map_->to_json()}, {"resampling", static_cast<int>(resampling_)}, {"missing", static_cast<int>(missing_)}};
}

std::string WarpOp::key() const { return fmt::format("{} {} {}", map_->digest(), static_cast<int>(resampling_), static_cast<int>(missing_)); }

Box WarpOp::input_box(int, const Box& box, const Shape& array) const {
  Box out = box;
  const int y = box.rank() - 2, x = box.rank() - 1;
  if (box.empty()) return {Dims(box.rank(), 0), Shape(box.rank(), 0)};
  const PixelMap::Bounds bounds = map_->bounds(image_of(box));
  if (bounds.empty()) {
    out.start[y] = out.start[x] = 0;
    out.shape[y] = out.shape[x] = 1;
    return out;
  }
  const Index reach = kernels::reach_of(resampling_);
  std::tie(out.start[y], out.shape[y]) = pixels_between(bounds.low_row, bounds.high_row, reach, array[y]);
  std::tie(out.start[x], out.shape[x]) = pixels_between(bounds.low_column, bounds.high_column, reach, array[x]);
  return out;
}

Need WarpOp::need(const Box& box) const {
  const double each = resampling_ == kernels::Resampling::kNearest ? 4 : resampling_ == kernels::Resampling::kBilinear ? 10 : 30;
  return {2 * Scratch::rounded(image_of(box).count() * static_cast<Index>(sizeof(double))), each * static_cast<double>(box.count())};
}

void WarpOp::run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const {
  const int rank = box.rank(), y = rank - 2, x = rank - 1;
  const Box image = image_of(box);
  const auto rows = scratch.take_array<double>(image.count()), columns = scratch.take_array<double>(image.count());
  map_->positions(image, rows, columns);
  const kernels::PlaneWindow window{in[0].box.start[y], in[0].box.start[x], in_.shape[y], in_.shape[x]};
  // Plane by plane over the other axes.
  Shape others(box.shape.begin(), box.shape.end() - 2);
  Dims at(rank - 2, 0);
  for (Index p = 0, n = element_count(others); p < n; ++p) {
    const auto plane = [&](const Tile& tile) {
      View view{tile.view.data, tile.view.dtype, {tile.view.shape[y], tile.view.shape[x]}, {tile.view.strides[y], tile.view.strides[x]}};
      for (int k = 0; k < rank - 2; ++k) view.data += (box.start[k] + at[k] - tile.box.start[k]) * tile.view.strides[k];
      return view;
    };
    kernels::warp_plane(plane(in[0]), window, rows, columns, resampling_, missing_, plane(out[0]), cancel);
    for (int k = rank - 3; k >= 0 && ++at[k] == others[k]; --k) at[k] = 0;
  }
}

ChunkGrid WarpOp::chunks(int, std::span<const ChunkGrid> inputs) const {
  const int rank = domain().rank();
  Shape chunk = domain();
  for (int k = 0; k < rank - 2; ++k) chunk[k] = inputs[0].is_contiguous() ? 1 : std::max<Index>(1, std::min(inputs[0].chunk()[k], domain()[k]));
  for (int k = rank - 2; k < rank; ++k) chunk[k] = std::max<Index>(1, std::min(kChunk, domain()[k]));
  return {domain(), chunk};
}

Array warp(const Array& a, PixelMapRef map, kernels::Resampling resampling, kernels::MissingRule missing) {
  if (a.rank() < 2) fail(ErrorKind::kUser, "An image has two axes; an array of shape {} cannot be put on other pixels.", to_string(a.shape()));
  if (is_complex(a.dtype())) fail(ErrorKind::kUser, "Complex numbers are not put on other pixels: take real and imag apart.");
  Array x = a;
  if (a.dtype() != DType::kFloat32 && a.dtype() != DType::kFloat64) {
    x = astype(a, !is_floating(a.dtype()) && size_of(a.dtype()) <= 2 ? DType::kFloat32 : DType::kFloat64);
  }
  return apply_op(std::make_shared<WarpOp>(x.spec(), std::move(map), resampling, missing), {x});
}

}  // namespace freestone
