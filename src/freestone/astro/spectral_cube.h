/// SpectralCube: (spectral, latitude, longitude), with the names and the numerics of the Python package spectral_cube.
///
/// What each method computes is written in its contract; where upstream is known to be wrong, the definition is done right. All lazy; results carry WCS, unit
/// and beam. Results of reductions over the spectral axis are images, over both spatial axes spectra, over all axes numbers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/astro/spectral_axis.h"
#include "freestone/label/open.h"
#include "freestone/ops/select.h"

namespace freestone::astro {

/// The numbers of `SpectralCube::statistics`, CASA's: of elements that are not NaN.
struct Statistics {
  double npts = 0, min = 0, max = 0, sum = 0, sumsq = 0, mean = 0, sigma = 0, rms = 0;
  Unit unit;
};
/// From the five outputs of the fold "statistics": sigma = sqrt((sumsq - sum^2/n) / (n - 1)), rms = sqrt(sumsq / n).
Statistics statistics_from(const std::vector<double>& fold, const Unit& unit);

class SpectralCube {
 public:
  /// Any FITS image of 3 axes, or of 4 with a Stokes axis (the first plane, I, is taken) in any axis order; also 2-D with a degenerate axis.
  /// @throws Error kind user: not a cube, naming its axes; io, data: as open
  static SpectralCube read(const std::string& path);
  static SpectralCube from_opened(const Opened& opened);
  /// @throws Error kind user: not (spectral, y, x)
  explicit SpectralCube(SkyArray sky);

  const SkyArray& sky() const { return sky_; }
  const Array& data() const { return sky_.data; }
  const Shape& shape() const { return sky_.data.shape(); }
  const Unit& unit() const { return sky_.unit; }
  const Wcs& wcs() const { return sky_.wcs; }
  /// Channel coordinates in the axis' unit.
  std::vector<double> spectral_axis() const;

  // Masks and arithmetic.
  /// Elements where `mask` (bool, shape that broadcasts to the cube's) is false become NaN.
  SpectralCube with_mask(const Array& mask) const;
  /// The same cube with other data of the same shape.
  SpectralCube with_data(Array data) const;
  SpectralCube with_unit(const Unit& unit) const;
  SpectralCube with_beam(const Beam& beam) const;

  // Parts. World coordinates may be in any convertible unit (with the axis' convention and rest value).
  /// Channels whose centre lies within [lo, hi], in either order. @throws Error kind user: none does, or wrong unit
  SpectralCube spectral_slab(const Quantity& lo, const Quantity& hi) const;
  /// Pixels [first, end) with step on each axis.
  SpectralCube slice(const std::vector<Slice>& slices) const;
  /// The smallest box of pixels that holds the given longitude and latitude ranges (degrees) and spectral range.
  struct WorldBox {
    std::optional<double> longitude_low, longitude_high, latitude_low, latitude_high;
    std::optional<Quantity> spectral_low, spectral_high;
  };
  SpectralCube subcube(const WorldBox& box) const;
  Index closest_spectral_channel(const Quantity& value) const;

  // Units.
  /// Elements in another unit; Jy/beam and K by the beam and each channel's frequency. @throws Error kind user: not convertible
  SpectralCube to(const Unit& unit) const;
  SpectralCube with_spectral_unit(const SpectralTarget& target) const;

  // Clip and smooth.
  SpectralCube sigma_clip_spectrally(double threshold, int max_iterations = 5) const;
  SpectralCube sigma_clip(const std::string& axis, ClipOptions options) const;
  SpectralCube spectral_smooth(const std::vector<double>& kernel) const;
  SpectralCube spatial_smooth(const std::vector<double>& kernel, Index rows, Index columns) const;
  /// By the rule of reference spectral-cube `convolve_to`: kernel of the deconvolved beam; Jy/beam scaled by the ratio of beam areas; NaN interpolated in
  /// the sum, and masked again in the result; an equal beam returns the cube itself. @throws Error kind user: no beam; target smaller
  SpectralCube convolve_to(const Beam& target) const;
  SpectralCube downsample_axis(Index factor, const std::string& axis, const std::string& function = "mean") const;

 private:
  SkyArray sky_;
};

// Operations on anything with a sky: names as in the command line; `axes` are dimension names.

/// sum, mean, std, var, min, max, argmin, argmax, count, rms, median, mad_std, percentile (with `q`) over `axes` (none: all). NaN is skipped; nothing left gives NaN
/// (argmin, argmax: -1). `std` has ddof 0.
SkyArray reduce(const SkyArray& array, const std::string& function, const std::vector<std::string>& axes, double q = 50);

/// Moment `order` along `axis` (float64): M0 = sum(I) dx; M1 = sum(I x) / sum(I); MN = sum(I (x - M1)^N) / sum(I), x the world coordinate (spatial axes: cumulative angular
/// separation in degrees), NaN skipped. Unit: of M0 unit * axis unit, of M1 the axis', of MN its power.
SkyArray moment(const SkyArray& array, int order, const std::string& axis = "spectral");

/// The arrays of the fold "statistics" over all axes; statistics_from makes the numbers out of the computed ones.
std::vector<Array> statistics_arrays(const SkyArray& array);
Statistics statistics(const SkyArray& array, const ComputeOptions& options = {});

/// A file as SkyArray, whatever its rank: cubes in the order (spectral, y, x), images (y, x), others plain. Beams from header or BEAMS table.
SkyArray sky_array_from(const Opened& opened);

/// The same array restricted along its axes; WCS and beams follow.
SkyArray slice(const SkyArray& array, const std::vector<Slice>& slices);
/// Axes in another order.
SkyArray transpose(const SkyArray& array, const std::vector<int>& order);
/// `kernel` along one axis (1-D), NaN renormalised.
SkyArray smooth(const SkyArray& array, const std::vector<double>& kernel, const std::string& axis);
SkyArray smooth_2d(const SkyArray& array, const std::vector<double>& kernel, Index rows, Index columns);
SkyArray downsample(const SkyArray& array, Index factor, const std::vector<std::string>& axes, const std::string& function = "mean");
SkyArray sigma_clip(const SkyArray& array, const std::string& axis, ClipOptions options);

}  // namespace freestone::astro
