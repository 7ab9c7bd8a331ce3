/// Unit: what a number is measured in, as FITS headers and astropy spell it.
///
/// A Unit is a product of named factors with powers ("Jy beam-1 km s-1") and a number in front ("10**-20"). Two units are
/// equal when they mean the same, whatever their spelling; they convert when their base dimensions agree. `beam`, `pix`,
/// `ct`, `adu`, `electron`, `photon` and `mag` are dimensions of their own, as in astropy, so that Jy/beam never turns into
/// Jy unasked. The spelling that a unit was read with is kept for printing, made regular.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "freestone/base/quantity.h"

namespace freestone {

/// A power of a unit, reduced: 1/2, -1, 2.
struct Power {
  int numerator = 1;
  int denominator = 1;
  friend bool operator==(const Power&, const Power&) = default;
};

/// mantissa x 10^exponent, apart, so that powers of ten convert exactly.
struct DecimalScale {
  double mantissa = 1;
  int exponent = 0;
};

class Unit {
 public:
  /// Dimensionless; prints as "".
  Unit() = default;

  /// Reads FITS and astropy spellings: "Jy/beam", "JY/BEAM", "jy beam-1", "10**(-20)*erg/s/cm**2/Angstrom", "1e-20 erg s-1 cm-2",
  /// "km.s-1", "m^2", "(km/s)**2", "sqrt(Hz)", "%", "". A slash divides by the
  /// product after it, up to the next slash, as in astropy.
  /// Exact spelling goes first; then any case, where "mjy" is mJy, "MJY" is MJy and "mhz" is MHz.
  /// @throws Error kind user: not a unit; names the part that is not, and what may have been meant
  static Unit parse(std::string_view text);
  /// The same, but text that cannot be read becomes a unit of its own that equals only itself and prints as it was. For headers.
  static Unit parse_or_opaque(std::string_view text);

  bool is_dimensionless() const;
  bool converts_to(const Unit& other) const;
  /// Has a factor `symbol` such as "beam" in it.
  bool contains(std::string_view symbol) const;

  /// In FITS spelling: "", "Jy/beam", "km/s", "km2 s-2", "Jy beam-1 km s-1", "10**-20 erg s-1 cm-2 Angstrom-1".
  /// astropy.units.Unit reads it back.
  std::string to_string() const;

  Unit pow(int numerator, int denominator = 1) const;
  friend Unit operator*(const Unit& a, const Unit& b);
  friend Unit operator/(const Unit& a, const Unit& b);
  /// Same dimensions and same scale (to 1e-14).
  friend bool operator==(const Unit& a, const Unit& b);
  /// True when it prints like `other` too.
  bool spelled_like(const Unit& other) const { return to_string() == other.to_string(); }

 private:
  struct Factor {
    std::string symbol;  ///< with its prefix: "km"
    Power power;
  };
  struct Base {
    std::string symbol;  ///< a base dimension: "m", "s", "beam"
    Power power;
    friend bool operator==(const Base&, const Base&) = default;
  };
  friend class UnitReader;
  friend double conversion_factor(const Unit& from, const Unit& to);
  void multiply(const Unit& other, int sign);

  DecimalScale number_;          // the number in front
  DecimalScale scale_;           // to base dimensions, number included
  std::vector<Factor> factors_;  // as spelled, each symbol once
  std::vector<Base> bases_;      // sorted by symbol, powers not 0
};

/// What a number in `from` is multiplied with to be in `to`. Decimal multiples convert exactly (km to m: 1000).
/// @throws Error kind user, naming both units: their dimensions differ
double conversion_factor(const Unit& from, const Unit& to);

/// A number and its unit.
struct Quantity {
  double value = 0;
  Unit unit;
  /// The number in another unit. @throws Error kind user: not convertible
  double in(const Unit& other) const { return value * conversion_factor(unit, other); }
};

/// Reads "115.27GHz", "7100 Angstrom", "-5.5e3 km/s", "1.08arcsec", "0deg", "3".
/// @throws Error kind user: no number, or not a unit
Quantity parse_quantity(std::string_view text);

}  // namespace freestone
