/// Fourier transforms, by the names and rules of NumPy and the array API.
///
/// An operation transforms one axis, which its tiles hold whole; several axes are several operations, between which the planner stores what
/// does not fit in memory. float32 and complex64 give complex64, everything else complex128. A result element k is the sum of
/// a[j] exp(-2 pi i j k / n); the inverse has the other sign. `n` crops the axis or fills it up with zeros.
#pragma once

#include <optional>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/kernels/fft.h"

namespace freestone {

/// Which direction is divided by n: the inverse, each by the root of n, or the forward one.
enum class FftNorm { kBackward, kOrtho, kForward };

/// @throws Error kind user (all of these): axis out of range, n < 1, complex input of a real transform
Array fft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);
Array ifft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);
/// Of real numbers: the first n / 2 + 1 elements, the others are their mirror image.
Array rfft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);
/// The n real numbers of such a half; without n: 2 (length - 1).
Array irfft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);
/// The real spectrum of a signal of which `a` is the first half, the rest its conjugate mirror image; without n: 2 (length - 1).
Array hfft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);
/// Its inverse: the conjugate of rfft, divided by n.
Array ihfft(const Array& a, std::optional<Index> n = std::nullopt, int axis = -1, FftNorm norm = FftNorm::kBackward);

/// Lengths and axes of transforms over several axes, last axis first. No axes: the last ones, as many as `lengths`, or all. No lengths:
/// those that the array has (for inverses to real numbers 2 (length - 1) on the last).
struct FftAxes {
  std::vector<Index> lengths = {};
  std::vector<int> axes = {};
};
Array fftn(const Array& a, FftAxes axes = {}, FftNorm norm = FftNorm::kBackward);
Array ifftn(const Array& a, FftAxes axes = {}, FftNorm norm = FftNorm::kBackward);
Array rfftn(const Array& a, FftAxes axes = {}, FftNorm norm = FftNorm::kBackward);
Array irfftn(const Array& a, FftAxes axes = {}, FftNorm norm = FftNorm::kBackward);
/// The same over the last two axes, unless others are named.
Array fft2(const Array& a, FftAxes axes = {{}, {-2, -1}}, FftNorm norm = FftNorm::kBackward);
Array ifft2(const Array& a, FftAxes axes = {{}, {-2, -1}}, FftNorm norm = FftNorm::kBackward);
Array rfft2(const Array& a, FftAxes axes = {{}, {-2, -1}}, FftNorm norm = FftNorm::kBackward);
Array irfft2(const Array& a, FftAxes axes = {{}, {-2, -1}}, FftNorm norm = FftNorm::kBackward);

/// Frequencies of the elements of an fft of n samples that are `spacing` apart, in cycles a unit of it: float64.
/// @throws Error kind user: n < 1
Array fftfreq(Index n, double spacing = 1);
/// Those of an rfft.
Array rfftfreq(Index n, double spacing = 1);

/// Zero frequency in the middle of `axes` (none: all), and back.
Array fftshift(const Array& a, const std::vector<int>& axes = {});
Array ifftshift(const Array& a, const std::vector<int>& axes = {});

class FftOp : public Op {
 public:
  FftOp(const Spec& input, int axis, kernels::FftRequest request);
  std::string_view name() const override { return "fft"; }
  nlohmann::json params() const override;
  Need need(const Box& box) const override;
  void run(const Box& box, std::span<const Tile> in, std::span<const Tile> out, Scratch& scratch, const Cancel& cancel) const override;
  bool may_overwrite(int) const override;

 private:
  Spec in_;
  int axis_;
  kernels::FftRequest request_;
};

/// @throws Error kind data: a name that `FftOp::params` does not write
kernels::FftKind fft_kind_of(std::string_view name);

}  // namespace freestone
