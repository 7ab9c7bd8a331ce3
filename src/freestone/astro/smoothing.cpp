#include <cmath>
#include <limits>
#include <numeric>

#include "freestone/astro/derived.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/smooth.h"

namespace freestone::astro {
namespace {

std::vector<double> normalised(std::vector<double> kernel) {
  const double sum = std::accumulate(kernel.begin(), kernel.end(), 0.0);
  if (!(std::abs(sum) > 1e-8)) fail(ErrorKind::kUser, "The kernel sums to {}, so it cannot be made to sum to 1.", sum);
  for (double& weight : kernel) weight /= sum;
  return kernel;
}

/// What was masked stays masked: a smoothed value there would rest on its neighbours alone.
Array masked_again(const Array& original, const Array& smoothed) {
  if (!is_floating(original.dtype())) return smoothed;
  return where(elementwise("isnan", {original}), std::numeric_limits<double>::quiet_NaN(), smoothed);
}

}  // namespace

SkyArray sigma_clip(const SkyArray& array, const std::string& axis, ClipOptions options) {
  SkyArray out = array;
  out.data = freestone::sigma_clip(array.data, array.axis(axis), options);
  return out;
}

SkyArray smooth(const SkyArray& array, const std::vector<double>& kernel, const std::string& axis_name) {
  const int axis = array.axis(axis_name);
  SkyArray out = array;
  if (array.dims[static_cast<std::size_t>(axis)] == "spectral" && !array.beams.empty()) {
    out.beam = common_resolution(array);
    out.beams.clear();
    if (!out.beam)
      fail(ErrorKind::kUser,
           "smooth along the spectrum would mix channels whose beams differ by more than 1 % in area. Convolve to a common beam first.");
  }
  out.data = masked_again(array.data, freestone::convolve(array.data, normalised(kernel), axis));
  return out;
}

SkyArray smooth_2d(const SkyArray& array, const std::vector<double>& kernel, Index rows, Index columns) {
  const auto y = find_dim(array, "y"), x = find_dim(array, "x");
  if (!y || !x || *y != array.rank() - 2 || *x != array.rank() - 1)
    fail(ErrorKind::kUser, "Spatial smoothing needs (y, x) as the last two axes. Transpose the array first.");
  SkyArray out = array;
  out.data = masked_again(array.data, convolve_2d(array.data, normalised(kernel), rows, columns));
  return out;
}

SkyArray convolve_to(const SkyArray& array, const Beam& target) {
  if (!target.is_valid()) fail(ErrorKind::kUser, "convolve_to: the target {} is not a beam.", target.to_string());
  std::optional<Beam> from = array.beam;
  if (!array.beams.empty()) {
    for (const Beam& beam : array.beams) {
      if (!beam.is_valid()) continue;
      if (from && !is_same(*from, beam))
        fail(ErrorKind::kUser,
             "convolve_to: the beams differ from channel to channel ({} and {}, say), and convolving each channel with its own kernel is "
             "not available yet. Select "
             "channels of one beam first.",
             from->to_string(), beam.to_string());
      from = beam;
    }
  }
  if (!from)
    fail(ErrorKind::kUser,
         "convolve_to: the data has no beam. Give it one: BMAJ, BMIN and BPA (degrees) in its header, or with_beam of SpectralCube.");

  SkyArray out = array;
  out.beam = target;
  out.beams.clear();
  const std::optional<Beam> difference = convolving_beam(*from, target);
  if (!difference) return out;
  if (!array.wcs.has_celestial())
    fail(ErrorKind::kUser, "convolve_to: the header has no celestial WCS, so the size of a pixel is not known.");
  const BeamKernel weights = kernel(*difference, array.wcs.pixel_scale());
  out = smooth_2d(out, weights.weights, weights.ny, weights.nx);
  // Jy/beam is a flux in one beam: a larger one holds more.
  if (array.unit.converts_to(Unit::parse("Jy/beam"))) out.data = out.data * (target.area_sr() / from->area_sr());
  return out;
}

}  // namespace freestone::astro
