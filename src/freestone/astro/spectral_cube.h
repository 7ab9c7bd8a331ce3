/// SpectralCube: (spectral, latitude, longitude), with the names and the numerics of the Python package spectral_cube.
///
/// What each method computes is written in its contract; where upstream is known to be wrong, the definition is done right. All lazy;
/// results carry WCS, unit and beam. Results of reductions over the spectral axis are images, over both spatial axes spectra, over all axes
/// numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/astro/sky_array.h"
#include "freestone/astro/spectral_axis.h"
#include "freestone/label/open.h"
#include "freestone/ops/select.h"
#include "freestone/ops/shape.h"

namespace freestone::astro {

/// The numbers of `SpectralCube::statistics`, CASA's: of elements that are not NaN.
struct Statistics {
  double npts = 0, min = 0, max = 0, sum = 0, sumsq = 0, mean = 0, sigma = 0, rms = 0;
  Unit unit;
};
/// From the five outputs of the fold "statistics": sigma = sqrt((sumsq - sum^2/n) / (n - 1)), rms = sqrt(sumsq / n).
Statistics statistics_from(const std::vector<double>& fold, const Unit& unit);

/// Which channels belong to a spectral range.
enum class SlabEdges {
  kInside,  ///< those whose centre lies within it, both ends included
  kNearest  ///< from the channel nearest to one end to the one nearest to the other: spectral_cube's spectral_slab
};

/// Longitude and latitude ranges (degrees; longitudes modulo 360, from low eastward to high) and a spectral range; all optional.
struct WorldBox {
  std::optional<double> longitude_low, longitude_high, latitude_low, latitude_high;
  std::optional<Quantity> spectral_low, spectral_high;
};

class SpectralCube {
 public:
  /// Any FITS image of 3 axes in any order, or of 4 with a Stokes axis: of several Stokes planes I is taken (or the first), and the log
  /// says so.
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
  /// Channels between lo and hi, in either order. @throws Error kind user: there is none, or wrong unit
  SpectralCube spectral_slab(const Quantity& lo, const Quantity& hi, SlabEdges edges = SlabEdges::kInside) const;
  /// Pixels [first, end) with step on each axis.
  SpectralCube slice(const std::vector<Slice>& slices) const;
  /// The smallest box of pixels that holds every pixel whose centre lies within all ranges.
  /// @throws Error kind user: there is none
  SpectralCube subcube(const WorldBox& box) const;
  Index closest_spectral_channel(const Quantity& value) const;

  // Units.
  /// Elements in another unit; as freestone::astro::to. @throws Error kind user: not convertible
  SpectralCube to(const Unit& unit) const;
  SpectralCube with_spectral_unit(const SpectralTarget& target) const;

  // Clip and smooth.
  SpectralCube sigma_clip_spectrally(double threshold, int max_iterations = 5) const;
  SpectralCube sigma_clip(double threshold) const { return sigma_clip_spectrally(threshold); }
  SpectralCube sigma_clip(const std::string& axis, ClipOptions options) const;
  SpectralCube spectral_smooth(const std::vector<double>& kernel) const;
  SpectralCube spatial_smooth(const std::vector<double>& kernel, Index rows, Index columns) const;
  /// By the rule of reference spectral-cube `convolve_to`: kernel of the deconvolved beam; Jy/beam scaled by the ratio of beam areas; NaN
  /// interpolated in the sum, and masked again in the result; an equal beam returns the cube itself. @throws Error kind user: no beam;
  /// target smaller
  SpectralCube convolve_to(const Beam& target) const;
  SpectralCube downsample_axis(Index factor, const std::string& axis, const std::string& function = "mean", bool truncate = false) const;

  // Reductions, moments, writing: spectral_cube's names. Axes: names, none for all.
  SkyArray reduce(const std::string& function, const std::vector<std::string>& axes = {}, double q = 50) const;
  SkyArray moment(int order, const std::string& axis = "spectral") const;
  Statistics statistics(const ComputeOptions& options = {}) const;
  void write(const std::string& path, const WriteOptions& options = {}, const ComputeOptions& compute = {}) const;

 private:
  SkyArray sky_;
};

// Operations on anything with a sky: names as in the command line; `axes` are dimension names. The methods of SpectralCube of the same
// names are these.

// Reductions (reductions.cpp, moments.cpp).

/// sum, mean, std, var, min, max, argmin, argmax, count, rms, median, mad_std, percentile (with `q`) over `axes` (none: all). NaN is
/// skipped; nothing left gives NaN (argmin, argmax: -1, count: 0). `std` and `var` have ddof 0. Unit: of the array; var: squared; argmin,
/// argmax, count: none. Beams that differ by channel (by more than 1 % in area) are not kept when the spectral axis goes.
/// @throws Error kind user: unknown function or axis, with the nearest name
SkyArray reduce(const SkyArray& array, const std::string& function, const std::vector<std::string>& axes, double q = 50);

/// Moment `order` along `axis` (float64): M0 = sum(I) dx; M1 = sum(I x) / sum(I); MN = sum(I (x - M1)^N) / sum(I), x the world coordinate
/// (spatial axes: cumulative angular separation from the first pixel in degrees), NaN skipped. Unit: of M0 unit * axis unit, of M1 the
/// axis', of MN its power. All orders asked together are one pass.
/// @throws Error kind user: order not in 0 to 8, no such axis, an empty axis
SkyArray moment(const SkyArray& array, int order, const std::string& axis = "spectral");

/// The arrays of the fold "statistics" over all axes; statistics_from makes the numbers out of the computed ones.
std::vector<Array> statistics_arrays(const SkyArray& array);
Statistics statistics(const SkyArray& array, const ComputeOptions& options = {});

// Parts and other views (parts.cpp).

/// The same array restricted along its axes; WCS and beams follow. A single position drops the axis.
SkyArray slice(const SkyArray& array, const std::vector<Slice>& slices);
/// Axes in another order.
SkyArray transpose(const SkyArray& array, const std::vector<int>& order);
SkyArray spectral_slab(const SkyArray& array, const Quantity& lo, const Quantity& hi, SlabEdges edges = SlabEdges::kInside);
SkyArray subcube(const SkyArray& array, const WorldBox& box);
Index closest_spectral_channel(const SkyArray& array, const Quantity& value);
/// Groups of `factor` pixels along `axes` become one: mean, sum, min, max or median of what is not NaN. The rest past the last whole group
/// makes a shorter group, or is dropped with `truncate` (spectral_cube's default is false). @throws Error kind user: as
/// freestone::downsample; beams that differ by channel
SkyArray downsample(const SkyArray& array, Index factor, const std::vector<std::string>& axes, const std::string& function = "mean",
                    bool truncate = false);
/// Elements where `mask` is false become NaN.
SkyArray with_mask(const SkyArray& array, const Array& mask);

// Units (brightness.cpp).

/// Elements in another unit: by its factor, or between K, Jy/beam, Jy/pixel and Jy/sr (any multiples) by beam, pixel area and frequency
/// (Rayleigh-Jeans), channel by channel. A float32 array stays one, its products rounded once.
/// @throws Error kind user: not convertible; no beam, WCS or frequency where one is needed
SkyArray to(const SkyArray& array, const Unit& unit);
SkyArray with_spectral_unit(const SkyArray& array, const SpectralTarget& target);

// Clip and smooth (smoothing.cpp). What was NaN stays NaN.

SkyArray sigma_clip(const SkyArray& array, const std::string& axis, ClipOptions options);
/// `kernel` (odd length, made to sum to 1) along one axis; outside lies 0; NaN left out and its weight with it.
/// @throws Error kind user: kernel even or of sum 0; along the spectral axis: beams that differ by channel
SkyArray smooth(const SkyArray& array, const std::vector<double>& kernel, const std::string& axis);
/// The same over y and x, `rows` x `columns` weights.
SkyArray smooth_2d(const SkyArray& array, const std::vector<double>& kernel, Index rows, Index columns);
SkyArray convolve_to(const SkyArray& array, const Beam& target);

}  // namespace freestone::astro
