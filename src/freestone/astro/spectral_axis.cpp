#include "freestone/astro/spectral_axis.h"

#include <wcslib/spc.h>
#include <wcslib/spx.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "freestone/base/error.h"
#include "freestone/base/log.h"

namespace freestone::astro {
namespace {

constexpr double kPlanck = 6.62607015e-34;  // J s, exact

struct TypeRow {
  std::string_view ctype;
  SpectralQuantity quantity;
  const char* si_unit;
};
constexpr TypeRow kTypes[] = {{"FREQ", SpectralQuantity::kFrequency, "Hz"},        {"WAVE", SpectralQuantity::kWavelength, "m"},
                              {"AWAV", SpectralQuantity::kAirWavelength, "m"},     {"VRAD", SpectralQuantity::kRadioVelocity, "m/s"},
                              {"VOPT", SpectralQuantity::kOpticalVelocity, "m/s"}, {"VELO", SpectralQuantity::kRelativisticVelocity, "m/s"},
                              {"WAVN", SpectralQuantity::kWavenumber, "m-1"},      {"ENER", SpectralQuantity::kEnergy, "J"},
                              {"ZOPT", SpectralQuantity::kRedshift, ""},           {"BETA", SpectralQuantity::kBeta, ""}};

const TypeRow& row_of(std::string_view ctype) {
  for (const TypeRow& row : kTypes)
    if (ctype.substr(0, 4) == row.ctype) return row;
  fail(ErrorKind::kUser, "'{}' is not a spectral type. Known: FREQ, WAVE, AWAV, VRAD, VOPT, VELO, WAVN, ENER, ZOPT, BETA.", ctype);
}
const TypeRow& row_of(SpectralQuantity quantity) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeRow& r) { return r.quantity == quantity; });
}

SpectralQuantity velocity_of(VelocityConvention convention) {
  switch (convention) {
    case VelocityConvention::kRadio: return SpectralQuantity::kRadioVelocity;
    case VelocityConvention::kOptical: return SpectralQuantity::kOpticalVelocity;
    default: return SpectralQuantity::kRelativisticVelocity;
  }
}

bool needs_rest(SpectralQuantity q) {
  return q == SpectralQuantity::kRadioVelocity || q == SpectralQuantity::kOpticalVelocity || q == SpectralQuantity::kRelativisticVelocity ||
         q == SpectralQuantity::kRedshift || q == SpectralQuantity::kBeta;
}

/// Air by wcslib, so that what is converted here and what a header of type AWAV says agree to the last bits.
double vacuum_of(double air) {
  double out = 0;
  int status = 0;
  awavwave(0, 1, 1, 1, &air, &out, &status);
  return out;
}
double air_of(double vacuum) {
  double out = 0;
  int status = 0;
  waveawav(0, 1, 1, 1, &vacuum, &out, &status);
  return out;
}

double to_frequency(double v, SpectralQuantity from, double f0) {
  constexpr double c = kSpeedOfLight;
  switch (from) {
    case SpectralQuantity::kFrequency: return v;
    case SpectralQuantity::kWavelength: return c / v;
    case SpectralQuantity::kAirWavelength: return c / vacuum_of(v);
    case SpectralQuantity::kRadioVelocity: return f0 * (1 - v / c);
    case SpectralQuantity::kOpticalVelocity: return f0 / (1 + v / c);
    case SpectralQuantity::kRelativisticVelocity: return f0 * std::sqrt((c - v) / (c + v));
    case SpectralQuantity::kWavenumber: return c * v;
    case SpectralQuantity::kEnergy: return v / kPlanck;
    case SpectralQuantity::kRedshift: return f0 / (1 + v);
    default: return f0 * std::sqrt((1 - v) / (1 + v));
  }
}

double from_frequency(double f, SpectralQuantity to, double f0) {
  constexpr double c = kSpeedOfLight;
  const double r = f / f0;
  switch (to) {
    case SpectralQuantity::kFrequency: return f;
    case SpectralQuantity::kWavelength: return c / f;
    case SpectralQuantity::kAirWavelength: return air_of(c / f);
    case SpectralQuantity::kRadioVelocity: return c * (f0 - f) / f0;
    case SpectralQuantity::kOpticalVelocity: return c * (f0 - f) / f;
    case SpectralQuantity::kRelativisticVelocity: return c * (1 - r) * (1 + r) / (1 + r * r);
    case SpectralQuantity::kWavenumber: return f / c;
    case SpectralQuantity::kEnergy: return f * kPlanck;
    case SpectralQuantity::kRedshift: return (f0 - f) / f;
    default: return (1 - r) * (1 + r) / (1 + r * r);
  }
}

/// What a unit measures on a spectral axis of type `current`.
SpectralQuantity quantity_for(const Unit& unit, SpectralQuantity current, std::optional<VelocityConvention> convention,
                              std::optional<VelocityConvention> otherwise) {
  if (unit.converts_to(Unit::parse("Hz"))) return SpectralQuantity::kFrequency;
  if (unit.converts_to(Unit::parse("m"))) return current == SpectralQuantity::kAirWavelength ? current : SpectralQuantity::kWavelength;
  if (unit.converts_to(Unit::parse("m-1"))) return SpectralQuantity::kWavenumber;
  if (unit.converts_to(Unit::parse("J"))) return SpectralQuantity::kEnergy;
  if (!unit.converts_to(Unit::parse("m/s")))
    fail(ErrorKind::kUser, "'{}' is not a unit of a spectral axis. Use a frequency (GHz), a wavelength (Angstrom) or a velocity (km/s).",
         unit.to_string());
  if (!convention) convention = velocity_convention(row_of(current).ctype);
  if (!convention) convention = otherwise;
  if (!convention)
    fail(ErrorKind::kUser,
         "A velocity axis needs a convention: radio, optical or relativistic (--convention, velocity_convention=), since the axis is {} "
         "now.",
         row_of(current).ctype);
  return velocity_of(*convention);
}

int spectral_axis_of(const Wcs& wcs) {
  const auto axis = wcs.axis_of(WorldKind::kSpectral);
  if (!axis) fail(ErrorKind::kUser, "There is no spectral axis (such as FREQ, VRAD or WAVE) in this WCS.");
  return *axis;
}

/// The convention that goes with an axis when none is named: radio for frequencies, optical for wavelengths.
VelocityConvention usual_convention(SpectralQuantity quantity) {
  const bool by_length =
      quantity == SpectralQuantity::kWavelength || quantity == SpectralQuantity::kAirWavelength || quantity == SpectralQuantity::kRedshift;
  return by_length ? VelocityConvention::kOptical : VelocityConvention::kRadio;
}

struct Rest {
  double frequency = 0, wavelength = 0;  // 0: not given
};
Rest rest_of(const WcsParameters& p) { return {p.restfrq.value_or(0), p.restwav.value_or(0)}; }

/// One spectral axis in SI, rewritten for another type with the same sampling (wcslib's spctrne).
struct LinearAxis {
  std::string ctype;
  double crval, cdelt;
};
LinearAxis translate(const LinearAxis& from, SpectralQuantity to, Rest rest) {
  if (from.ctype.ends_with("-LOG") || from.ctype.ends_with("-GRI") || from.ctype.ends_with("-GRA"))
    fail(ErrorKind::kUser, "The spectral axis is of type {}: its sampling has no other spectral type. Only its unit can be changed.",
         from.ctype);
  char given[9] = {}, wanted[9] = {};
  fmt::format_to_n(given, 8, "{:<8}", from.ctype);
  fmt::format_to_n(wanted, 8, "{}-???", row_of(to).ctype);
  LinearAxis out{"", 0, 0};
  if (spctrne(given, from.crval, from.cdelt, rest.frequency, rest.wavelength, wanted, &out.crval, &out.cdelt, nullptr) != 0 ||
      !std::isfinite(out.crval) || !std::isfinite(out.cdelt) || out.cdelt == 0)
    fail(ErrorKind::kUser,
         "A spectral axis of type {} with value {} cannot be written as {}: value or rest value lie outside of what that type can express.",
         from.ctype, from.crval, row_of(to).ctype);
  out.ctype = wanted;
  while (!out.ctype.empty() && out.ctype.back() == ' ') out.ctype.pop_back();
  return out;
}

}  // namespace

VelocityConvention parse_velocity_convention(std::string_view name) {
  std::string n(name);
  std::transform(n.begin(), n.end(), n.begin(), [](unsigned char c) { return std::tolower(c); });
  if (n.starts_with("doppler_")) n.erase(0, 8);
  for (const auto c : {VelocityConvention::kRadio, VelocityConvention::kOptical, VelocityConvention::kRelativistic})
    if (n == name_of(c)) return c;
  fail(ErrorKind::kUser, "'{}' is not a velocity convention: radio, optical or relativistic.{}", name,
       suggestion(n, {"radio", "optical", "relativistic"}));
}

std::string_view name_of(VelocityConvention convention) {
  constexpr std::string_view kNames[] = {"radio", "optical", "relativistic"};
  return kNames[static_cast<int>(convention)];
}

SpectralQuantity spectral_quantity(std::string_view ctype) { return row_of(ctype).quantity; }

std::optional<VelocityConvention> velocity_convention(std::string_view ctype) {
  if (ctype.starts_with("VRAD")) return VelocityConvention::kRadio;
  if (ctype.starts_with("VOPT")) return VelocityConvention::kOptical;
  if (ctype.starts_with("VELO")) return VelocityConvention::kRelativistic;
  return std::nullopt;
}

double convert_spectral(double value, SpectralQuantity from, SpectralQuantity to, std::optional<double> rest) {
  if (from == to) return value;
  if ((needs_rest(from) || needs_rest(to)) && !(rest && *rest > 0))
    fail(ErrorKind::kUser,
         "From {} to {} takes a rest frequency or wavelength, and the header has none: give one (--rest 115.27GHz, rest_value=).",
         row_of(from).ctype, row_of(to).ctype);
  const double f0 = rest.value_or(1);
  return from_frequency(to_frequency(value, from, f0), to, f0);
}

std::optional<double> rest_frequency(const Wcs& wcs) {
  const WcsParameters& p = wcs.parameters();
  if (p.restfrq) return p.restfrq;
  if (p.restwav) return kSpeedOfLight / *p.restwav;
  return std::nullopt;
}

Wcs with_spectral_unit(const Wcs& wcs, const SpectralTarget& target) {
  const int axis_number = spectral_axis_of(wcs);
  WcsParameters p = wcs.parameters();
  WcsParameters::Axis& axis = p.axes[static_cast<std::size_t>(wcs.rank() - 1 - axis_number)];
  const TypeRow& now = row_of(axis.ctype);
  const SpectralQuantity wanted = quantity_for(target.unit, now.quantity, target.convention, std::nullopt);

  Rest new_rest = rest_of(p);
  const Rest old_rest = new_rest;
  if (target.rest) {
    if (target.rest->unit.converts_to(Unit::parse("Hz")))
      new_rest = {target.rest->in(Unit::parse("Hz")), 0};
    else if (target.rest->unit.converts_to(Unit::parse("m")))
      new_rest = {0, target.rest->in(Unit::parse("m"))};
    else
      fail(ErrorKind::kUser, "A rest value is a frequency or a wavelength (115.27GHz, 6562.8Angstrom), not a number in '{}'.",
           target.rest->unit.to_string());
    if (!(new_rest.frequency > 0 || new_rest.wavelength > 0))
      fail(ErrorKind::kUser, "A rest value of {} makes no sense: it must be above 0.", target.rest->value);
  }
  const auto frequency = [](Rest r) { return r.frequency > 0 ? r.frequency : r.wavelength > 0 ? kSpeedOfLight / r.wavelength : 0; };
  const bool other_rest = frequency(old_rest) > 0 && std::abs(frequency(new_rest) / frequency(old_rest) - 1) > 1e-14;
  const bool from_velocity = needs_rest(now.quantity), to_velocity = needs_rest(wanted);
  if (wanted != now.quantity && (from_velocity || to_velocity) && !(frequency(new_rest) > 0))
    fail(ErrorKind::kUser,
         "From {} to {} takes a rest frequency or wavelength, and the header has none: give one (--rest 115.27GHz, rest_value=).",
         now.ctype, row_of(wanted).ctype);

  if (wanted != now.quantity || (to_velocity && other_rest)) {
    const double factor = conversion_factor(axis.unit, Unit::parse(now.si_unit));
    LinearAxis linear{axis.ctype, axis.crval * factor, axis.cdelt * factor};
    if (from_velocity && other_rest) {
      linear = translate(linear, SpectralQuantity::kFrequency, old_rest);
      if (linear.ctype.ends_with("V2F")) {
        log(LogLevel::kWarning,
            "A relativistic velocity axis gets another rest value: it is made linear in frequency at its reference channel.");
        linear.ctype = "FREQ";
      }
    }
    if (linear.ctype.substr(0, 4) != row_of(wanted).ctype) linear = translate(linear, wanted, new_rest);
    const double back = conversion_factor(Unit::parse(row_of(wanted).si_unit), target.unit);
    axis.ctype = linear.ctype, axis.crval = linear.crval * back, axis.cdelt = linear.cdelt * back;
    axis.name.clear();
  } else {
    const double factor = conversion_factor(axis.unit, target.unit);
    axis.crval *= factor, axis.cdelt *= factor;
  }
  axis.unit = target.unit;
  if (target.rest) {
    p.restfrq = new_rest.frequency > 0 ? std::optional(new_rest.frequency) : std::nullopt;
    p.restwav = new_rest.wavelength > 0 ? std::optional(new_rest.wavelength) : std::nullopt;
  }
  return Wcs(std::move(p));
}

double spectral_coordinate(const Wcs& wcs, const Quantity& quantity) {
  const int axis = spectral_axis_of(wcs);
  const Unit& unit = wcs.unit(axis);
  if (quantity.unit.is_dimensionless() && quantity.unit == Unit()) return quantity.value;
  if (quantity.unit.converts_to(unit)) return quantity.in(unit);
  const TypeRow& own = row_of(wcs.ctype(axis));
  // A wavelength for an axis that is none is one in vacuum.
  const SpectralQuantity given = quantity_for(quantity.unit, own.quantity, std::nullopt, usual_convention(own.quantity));
  const double si = quantity.in(Unit::parse(row_of(given).si_unit));
  return convert_spectral(si, given, own.quantity, rest_frequency(wcs)) * conversion_factor(Unit::parse(own.si_unit), unit);
}

std::vector<double> Wcs::spectral_values(Index n, const Unit& wanted) const {
  const int axis = spectral_axis_of(*this);
  std::vector<double> values = spectral_values(n);
  if (wanted.converts_to(unit(axis))) {
    const double factor = conversion_factor(unit(axis), wanted);
    for (double& v : values) v *= factor;
    return values;
  }
  const TypeRow& own = row_of(ctype(axis));
  const SpectralQuantity target = quantity_for(wanted, own.quantity, std::nullopt, usual_convention(own.quantity));
  const double to_si = conversion_factor(unit(axis), Unit::parse(own.si_unit)),
               from_si = conversion_factor(Unit::parse(row_of(target).si_unit), wanted);
  for (double& v : values) v = convert_spectral(v * to_si, own.quantity, target, rest_frequency(*this)) * from_si;
  return values;
}

}  // namespace freestone::astro
