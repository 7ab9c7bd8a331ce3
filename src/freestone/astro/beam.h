/// Beam: the elliptical Gaussian resolution of a radio image.
///
/// Full widths at half maximum in degrees and a position angle in degrees from north through east, as in FITS (BMAJ, BMIN, BPA).
/// Convolution and deconvolution add and subtract the beams' quadratic forms (Wild 1970, Aust. J. Phys. 23, 113; the rules of MIRIAD's
/// gaupar, CASA and radio-beam).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "freestone/astro/header.h"
#include "freestone/label/units.h"

namespace freestone::astro {

struct Beam {
  double major_deg = 0;  ///< FWHM
  double minor_deg = 0;  ///< FWHM, at most major_deg
  double pa_deg = 0;     ///< of the major axis, north through east

  /// Solid angle of the Gaussian: 2 pi / (8 ln 2) major minor, in steradian.
  double area_sr() const;
  /// Both axes above 0 and all three finite.
  bool is_valid() const;
  /// Axes equal to 1e-6.
  bool is_circular() const;
  /// `1.08" x 1.08", PA 0 deg`.
  std::string to_string() const;
};

/// Axes equal to 1e-10 deg, and angles modulo 180 deg to 1e-10 deg unless circular: radio-beam's `==`; what convolve_to skips.
bool is_same(const Beam& a, const Beam& b);

/// From BMAJ, BMIN (BMAJ by default), BPA (0 by default) in degrees; failing these, from HISTORY as AIPS ("CLEAN BMAJ= .. BMIN= .. BPA=
/// ..") or CASA
/// ("restoration: a by b (arcsec) at pa c (deg)") write it.
/// @returns none when the header has no beam, or BMAJ is 0. @throws Error kind data: BMAJ or BMIN below 0, or BMIN above BMAJ
std::optional<Beam> beam_from_header(const FitsHeader& header);
/// Sets BMAJ, BMIN, BPA.
void set_beam(FitsHeader& header, const Beam& beam);

/// Reads "MAJ,MIN,PA" with units ("1.08arcsec,1.08arcsec,0deg"), "MAJ,MIN" or "MAJ".
/// @throws Error kind user: not of this form, not angles, minor above major, not above 0
Beam parse_beam(std::string_view text);

/// The columns of a BEAMS table, rows as stored; an empty unit means arcsec (axes) and deg (angle).
struct BeamColumns {
  std::vector<double> major, minor, pa;
  std::string major_unit, minor_unit, pa_unit;
  std::vector<Index> channel, polarisation;  ///< may be empty: row r is channel r, polarisation 0
};
/// Beams of channels 0 to `channels` - 1 of one polarisation; a channel without row or with NaN or zero axes gives an invalid Beam (NaN):
/// it is to be masked.
/// @throws Error kind data: columns of different lengths, a unit that is no angle, minor above major, a channel out of range
std::vector<Beam> beams_from_columns(const BeamColumns& columns, Index channels, Index polarisation = 0);

Beam convolve(const Beam& a, const Beam& b);
/// The beam that makes `beam` when convolved with `other`; none when `other` is not smaller in every direction.
std::optional<Beam> deconvolve(const Beam& beam, const Beam& other);
/// What an image of resolution `from` is convolved with to get resolution `target`: none when they are the same.
/// @throws Error kind user, naming both beams in arcsec: `target` does not enclose `from`
std::optional<Beam> convolving_beam(const Beam& from, const Beam& target);

/// Weights in C order (rows are y), odd sizes, centre at (ny / 2, nx / 2), their sum 1.
struct BeamKernel {
  Index ny = 0, nx = 0;
  std::vector<double> weights;
};
/// The Gaussian of `beam` sampled at pixel centres, angle pa + 90 deg from the x axis, on a square whose side is the next odd number of 16
/// x the larger extent in sigma (radio_beam.Beam.as_kernel). The kernel is symmetric under a half turn.
/// @throws Error kind user: a kernel above 8191 pixels a side: pixel scale and beam do not fit
BeamKernel kernel(const Beam& beam, double pixel_scale_deg);

/// Kelvin for 1 Jy/beam at a frequency: c^2 / (2 k f^2 area) (Rayleigh-Jeans; astropy's brightness_temperature).
double jansky_per_beam_to_kelvin(const Beam& beam, double frequency_hz);

/// Pixels that the beam's solid angle covers.
double pixels_per_beam(const Beam& beam, double pixel_area_deg2);

}  // namespace freestone::astro
