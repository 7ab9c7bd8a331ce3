/// What the keywords of a CASA image say, as FITS cards; and the keywords of cards.
///
/// Facts: the records that casacore's CoordinateSystem, ImageInfo and Measures keep, as images of casacore itself show them. Pixels count
/// from 0 there and from 1 in FITS, angles are mostly radians, and the spectral axis is always a frequency, linear or a table, with the
/// type that it was made from beside it ("nativeType").
#pragma once

#include "freestone/formats/casa_record.h"
#include "freestone/formats/format.h"

namespace freestone::formats::casa {

struct Description {
  std::string cards;          ///< 80 characters each: WCS, BUNIT, beam, object, telescope, and what `miscinfo` holds
  std::vector<Table> tables;  ///< BEAMS, when planes have beams of their own
};
/// @param shape the first axis runs fastest, as FITS counts them
/// @throws Error kind data: coordinates for axes that the image does not have
Description describe(const std::string& file, const Record& keywords, const std::vector<Index>& shape);

/// coords, units, imageinfo and miscinfo of an image of `shape` (first axis fastest). Axes without a type are linear.
Record keywords_of(const std::string& cards, const std::vector<Table>& tables, const std::vector<Index>& shape);

/// casacore's numbers of what a spectral axis was made from.
enum class Spectral : int { kFrequency = 0, kRadioVelocity = 1, kOpticalVelocity = 2, kBeta = 3, kWavelength = 4, kAirWavelength = 5 };
/// In m/s, m, or Hz. Velocities need the rest frequency, in Hz.
double from_frequency(Spectral type, double hertz, double rest_hertz);
double to_frequency(Spectral type, double value, double rest_hertz);

struct SystemName {
  std::string_view casa, fits;
};
/// Frames of the spectral axis, SPECSYS.
const std::vector<SystemName>& spectral_systems();
/// Names of Stokes parameters by FITS number: 1 "I" ... 4 "V", -1 "RR" ... -8 "YX"; "" for others.
std::string stokes_name(Index number);
Index stokes_number(std::string_view name);  ///< 0: none

}  // namespace freestone::formats::casa
