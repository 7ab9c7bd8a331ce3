/// The frames of celestial coordinates that images are in, and the way from one to another.
#pragma once

#include <array>
#include <span>
#include <string>

#include "freestone/astro/wcs.h"

namespace freestone::astro {

enum class SkyFrame { kIcrs, kFk5, kGalactic };  ///< kFk5: of equinox J2000

/// @throws Error kind user: not icrs, fk5, galactic
SkyFrame parse_sky_frame(const std::string& name);
/// By CTYPE, RADESYS and EQUINOX (FITS paper II): without RADESYS equinox 2000 is FK5, and no equinox ICRS.
/// @throws Error kind user: no celestial axes, or another frame (FK4, ecliptic, FK5 of another equinox)
SkyFrame frame_of(const Wcs& wcs);
/// Whether both are in one frame, be it one that `frame_of` does not take.
bool is_same_frame(const Wcs& a, const Wcs& b);

/// Longitudes and latitudes in degrees, turned in place, by the matrices of astropy: ICRS to FK5 of the Explanatory Supplement (without motion),
/// FK5 to galactic of Murray (1989). Longitudes come out from 0 to 360; NaN stays.
void turn(SkyFrame from, SkyFrame to, std::span<double> longitudes, std::span<double> latitudes);

}  // namespace freestone::astro
