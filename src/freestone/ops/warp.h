/// Warp: images on another grid of pixels.
#pragma once

#include "freestone/array/array.h"
#include "freestone/kernels/warp_plane.h"
#include "freestone/ops/pixel_map.h"

namespace freestone {

/// The last two axes of `a`, the image's rows and columns, on the pixels of `map`; the others stay as they are. A tile needs the pixels around its
/// positions and no more.
/// @returns  float32 or float64 (others become float64, integers of 16 bits or less float32); NaN where `map` has no position or one outside of `a`
/// @throws Error kind user: fewer than two axes, complex numbers, an empty image
Array warp(const Array& a, PixelMapRef map, kernels::Resampling resampling, kernels::MissingRule missing);

class WarpOp : public Op {
 public:
  WarpOp(const Spec& input, PixelMapRef map, kernels::Resampling resampling, kernels::MissingRule missing);
  std::string_view name() const override { return "warp"; }
  nlohmann::json params() const override;
  std::string key() const override;
  Box input_box(int i, const Box& domain_box, const Shape& array) const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  ChunkGrid chunks(int output, std::span<const ChunkGrid> inputs) const override;

 private:
  Spec in_;
  PixelMapRef map_;
  kernels::Resampling resampling_;
  kernels::MissingRule missing_;
};

}  // namespace freestone
