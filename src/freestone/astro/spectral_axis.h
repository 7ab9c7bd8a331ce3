/// Frequency, wavelength and velocity of a spectral axis.
///
/// Conversions of values go through frequency with the exact formulas of FITS paper III (Greisen et al. 2006): radio v = c (f0 - f) / f0,
/// optical v = c (f0 - f) / f, relativistic v = c (f0^2 - f^2) / (f0^2 + f^2). A converted axis keeps its sampling: its CTYPE says what it
/// is linear in
/// ("VOPT-F2W": optical velocity sampled in frequency), as spectral-cube's with_spectral_unit does, so header and values agree exactly.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "freestone/astro/wcs.h"

namespace freestone::astro {

inline constexpr double kSpeedOfLight = 299792458.0;  // m/s, exact

enum class VelocityConvention { kRadio, kOptical, kRelativistic };

/// "radio", "optical", "relativistic" (also "doppler_radio"...). @throws Error kind user: none of them
VelocityConvention parse_velocity_convention(std::string_view name);
std::string_view name_of(VelocityConvention convention);

/// What a spectral coordinate is.
enum class SpectralQuantity {
  kFrequency,
  kWavelength,
  kAirWavelength,
  kRadioVelocity,
  kOpticalVelocity,
  kRelativisticVelocity,
  kWavenumber,
  kEnergy,
  kRedshift,
  kBeta
};

/// From a CTYPE ("VRAD", "VOPT-F2W", "AWAV"). @throws Error kind user: not a spectral type
SpectralQuantity spectral_quantity(std::string_view ctype);
/// The convention of a CTYPE that is a velocity, or none.
std::optional<VelocityConvention> velocity_convention(std::string_view ctype);

/// Values in SI (Hz, m, m/s) from one quantity to another; air and vacuum as wcslib has them for AWAV
/// (Edlen 1953: the phase index; eq. 65 of paper III, which spectral-cube takes, is a group index and 1.5e-5 higher).
/// @throws Error kind user: a velocity without `rest_frequency` (Hz)
double convert_spectral(double value, SpectralQuantity from, SpectralQuantity to, std::optional<double> rest_frequency);

/// Rest value of a Wcs in Hz, from RESTFRQ or RESTWAV.
std::optional<double> rest_frequency(const Wcs& wcs);

struct SpectralTarget {
  Unit unit;                                     ///< frequency, length, or velocity
  std::optional<VelocityConvention> convention;  ///< needed from frequency or wavelength to velocity
  std::optional<Quantity> rest;                  ///< rest frequency or wavelength; the header's by default
};

/// The Wcs with its spectral axis in another unit or another quantity. Within one quantity only unit, CRVAL and CDELT change; an air
/// wavelength stays one. Otherwise the axis keeps its sampling and gets the type that says so, as in spectral-cube; an axis of AWAV gives
/// "VOPT-A2W", exact where spectral-cube takes it for linear in vacuum. A new rest value between velocities goes through frequency with the
/// old one. A new rest value is written to RESTFRQ or RESTWAV.
/// @throws Error kind user: no spectral axis, unit not spectral, convention or rest value missing; says which option gives it
Wcs with_spectral_unit(const Wcs& wcs, const SpectralTarget& target);

/// A spectral coordinate given by a user ("100 km/s", "115.2GHz", "7100", "7100Angstrom") as a value of the axis' own unit; without unit it
/// is in it already. Through frequency when the quantities differ (the axis' convention, or radio for frequencies and optical for
/// wavelengths).
/// @throws Error kind user: not convertible; rest value missing
double spectral_coordinate(const Wcs& wcs, const Quantity& quantity);

}  // namespace freestone::astro
