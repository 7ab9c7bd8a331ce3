/// Smoothing and convolution by a kernel, along one axis or over the last two.
#pragma once

#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/convolve.h"

namespace freestone {

using kernels::NanRule;

/// Convolves `a` along `axis` with `kernel` (odd length, as given: not normalised here). Outside the array lies 0, so edges darken; NaN
/// by `nan_rule`. The rule of astropy.convolution.convolve(boundary='fill', nan_treatment='interpolate').
/// Complex numbers go part by part; one with a part that is NaN counts as NaN.
/// @returns shape of `a`; floating and complex dtypes stay, others give float64
/// @throws Error kind user: an empty or even kernel, a kernel that sums to 0 with kInterpolate, axis out of range
Array convolve(const Array& a, const std::vector<double>& kernel, int axis, NanRule nan_rule = NanRule::kInterpolate);

/// The same over the last two axes with `rows` x `columns` weights in C order.
Array convolve_2d(const Array& a, const std::vector<double>& kernel, Index rows, Index columns, NanRule nan_rule = NanRule::kInterpolate);

/// astropy's Gaussian1DKernel(stddev): odd length, the next above 8 stddev, sampled at the centres, sum 1. `stddev` in elements, > 0.
std::vector<double> gaussian_kernel(double stddev);
/// astropy's Box1DKernel(width): `width` elements, > 0; an even or fractional width has smaller weights at both ends.
std::vector<double> box_kernel(double width);

class ConvolveOp : public Op {
 public:
  /// Over `axis`, with `weights` as they are correlated (flipped already), or over the last two axes when `rows` > 0.
  ConvolveOp(const Spec& input, std::vector<double> weights, Index rows, Index columns, int axis, NanRule nan_rule);
  std::string_view name() const override { return "convolve"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  ChunkGrid chunks(int, std::span<const ChunkGrid> inputs) const override { return inputs[0]; }

 private:
  std::vector<double> weights_;
  Index rows_, columns_;
  int axis_;
  NanRule nan_rule_;
  Spec in_;
};

}  // namespace freestone
