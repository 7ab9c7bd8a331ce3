#include "freestone/astro/beam.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "freestone/astro/spectral_axis.h"
#include "freestone/base/error.h"

namespace freestone::astro {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr double kBoltzmann = 1.380649e-23;        // J/K, exact
constexpr double kSameDegrees = 1e-10;             // radio-beam's tolerance for equal beams
constexpr double kPointlikeDegrees = 1e-7 / 3600;  // below, a beam has no direction
constexpr Index kLargestKernel = 8191;
const double kFwhmPerSigma = std::sqrt(8 * std::log(2.0));

/// A beam as a quadratic form: squared widths along north and east, and twice their mixed term, negated.
struct Form {
  double north, east, mixed;
};

Form form_of(const Beam& b) {
  const double c = std::cos(b.pa_deg * kDegree), s = std::sin(b.pa_deg * kDegree);
  const double major = b.major_deg * b.major_deg, minor = b.minor_deg * b.minor_deg;
  return {major * c * c + minor * s * s, major * s * s + minor * c * c, 2 * (minor - major) * s * c};
}

Beam beam_of(const Form& f) {
  const double sum = f.north + f.east;
  const double difference = std::hypot(f.north - f.east, f.mixed);
  Beam out{std::sqrt(0.5 * (sum + difference)), std::sqrt(0.5 * (sum - difference)), 0};
  const bool has_direction = std::sqrt(std::abs(f.mixed) + std::abs(f.north - f.east)) >= kPointlikeDegrees;
  if (has_direction) out.pa_deg = 0.5 * std::atan2(-f.mixed, f.north - f.east) / kDegree;
  return out;
}

/// The number after the last `label` in a line.
std::optional<double> number_after(std::string_view line, std::string_view label) {
  const std::size_t at = line.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  std::size_t start = at + label.size();
  while (start < line.size() && line[start] == ' ') ++start;
  double value = 0;
  const auto [rest, code] = std::from_chars(line.data() + start, line.data() + line.size(), value);
  return code == std::errc() ? std::optional(value) : std::nullopt;
}

std::optional<Beam> beam_from_history(const std::vector<std::string>& lines) {
  std::optional<Beam> aips, casa;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    const auto major = number_after(line, "BMAJ="), minor = number_after(line, "BMIN="), angle = number_after(line, "BPA=");
    if (major && minor && angle) aips = Beam{*major, *minor, *angle};
    if (line.find("restoration:") == std::string::npos || line.find("(arcsec)") == std::string::npos) continue;
    // The angle may stand in the next card.
    const std::string both = i + 1 < lines.size() ? line + " " + lines[i + 1] : line;
    const auto a = number_after(both, "restoration:"), b = number_after(both, " by "), pa = number_after(both, "at pa");
    if (a && b && pa) casa = Beam{*a / 3600, *b / 3600, *pa};
  }
  return casa ? casa : aips;
}

double angle_in_degrees(std::string_view text, std::string_view whole) {
  const Quantity q = parse_quantity(text);
  const Unit deg = Unit::parse("deg");
  if (!q.unit.converts_to(deg))
    fail(ErrorKind::kUser, "'{}' in the beam '{}' is not an angle. A beam is written as MAJ,MIN,PA with units: 1.08arcsec,1.08arcsec,0deg.",
         text, whole);
  return q.in(deg);
}

}  // namespace

double Beam::area_sr() const {
  return 2 * std::numbers::pi / (kFwhmPerSigma * kFwhmPerSigma) * (major_deg * kDegree) * (minor_deg * kDegree);
}

bool Beam::is_valid() const {
  return major_deg > 0 && minor_deg > 0 && std::isfinite(major_deg) && std::isfinite(minor_deg) && std::isfinite(pa_deg);
}

bool Beam::is_circular() const { return (major_deg - minor_deg) / major_deg <= 1e-6; }

std::string Beam::to_string() const {
  return fmt::format("{:.5g}\" x {:.5g}\", PA {:.4g} deg", major_deg * 3600, minor_deg * 3600, pa_deg);
}

bool is_same(const Beam& a, const Beam& b) {
  const double turn = std::remainder(a.pa_deg - b.pa_deg, 180.0);
  return std::abs(a.major_deg - b.major_deg) < kSameDegrees && std::abs(a.minor_deg - b.minor_deg) < kSameDegrees &&
         (a.is_circular() || std::abs(turn) < kSameDegrees);
}

std::optional<Beam> beam_from_header(const FitsHeader& header) {
  std::optional<Beam> beam;
  if (const auto major = header.number("BMAJ"))
    beam = Beam{*major, header.number("BMIN").value_or(*major), header.number("BPA").value_or(0)};
  else
    beam = beam_from_history(header.history());
  if (!beam || beam->major_deg == 0) return std::nullopt;
  if (!beam->is_valid() || beam->minor_deg > beam->major_deg)
    fail(ErrorKind::kData, "The header's beam makes no sense: BMAJ = {} deg, BMIN = {} deg, BPA = {} deg. It takes BMAJ >= BMIN > 0.",
         beam->major_deg, beam->minor_deg, beam->pa_deg);
  return beam;
}

void set_beam(FitsHeader& header, const Beam& beam) {
  header.set("BMAJ", beam.major_deg, "[deg] major axis of the beam, FWHM");
  header.set("BMIN", beam.minor_deg, "[deg] minor axis of the beam, FWHM");
  header.set("BPA", beam.pa_deg, "[deg] position angle of the beam");
}

Beam parse_beam(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t comma = std::min(text.find(',', start), text.size());
    parts.push_back(text.substr(start, comma - start));
    start = comma + 1;
  }
  if (parts.size() > 3) fail(ErrorKind::kUser, "'{}' is not a beam. Write MAJ,MIN,PA with units: 1.08arcsec,1.08arcsec,0deg.", text);
  Beam beam;
  beam.major_deg = angle_in_degrees(parts[0], text);
  beam.minor_deg = parts.size() > 1 ? angle_in_degrees(parts[1], text) : beam.major_deg;
  beam.pa_deg = parts.size() > 2 ? angle_in_degrees(parts[2], text) : 0;
  if (!beam.is_valid()) fail(ErrorKind::kUser, "The beam '{}' has no extent: both axes must be above 0.", text);
  if (beam.minor_deg > beam.major_deg)
    fail(ErrorKind::kUser, "The beam '{}' has a minor axis above its major axis. Write MAJ,MIN,PA, the major axis first.", text);
  return beam;
}

std::vector<Beam> beams_from_columns(const BeamColumns& columns, Index channels, Index polarisation) {
  const std::size_t rows = columns.major.size();
  const auto fits = [rows](std::size_t n) { return n == rows || n == 0; };
  if (columns.minor.size() != rows || columns.pa.size() != rows || !fits(columns.channel.size()) || !fits(columns.polarisation.size()))
    fail(ErrorKind::kData, "The BEAMS table has columns of different lengths: BMAJ {}, BMIN {}, BPA {}, CHAN {}, POL {}.", rows,
         columns.minor.size(), columns.pa.size(), columns.channel.size(), columns.polarisation.size());
  const auto factor = [](const std::string& unit, const char* otherwise, const char* column) {
    const Unit given = Unit::parse_or_opaque(unit.empty() ? otherwise : unit);
    if (!given.converts_to(Unit::parse("deg")))
      fail(ErrorKind::kData, "The BEAMS table gives {} in '{}', which is not an angle.", column, unit);
    return conversion_factor(given, Unit::parse("deg"));
  };
  const double major_unit = factor(columns.major_unit, "arcsec", "BMAJ"), minor_unit = factor(columns.minor_unit, "arcsec", "BMIN"),
               pa_unit = factor(columns.pa_unit, "deg", "BPA");

  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::vector<Beam> beams(static_cast<std::size_t>(channels), Beam{kNan, kNan, kNan});
  for (std::size_t row = 0; row < rows; ++row) {
    if (!columns.polarisation.empty() && columns.polarisation[row] != polarisation) continue;
    const Index channel = columns.channel.empty() ? static_cast<Index>(row) : columns.channel[row];
    if (channel < 0 || channel >= channels)
      fail(ErrorKind::kData, "Row {} of the BEAMS table is for channel {}, and the cube has {} channels.", row, channel, channels);
    const Beam beam{columns.major[row] * major_unit, columns.minor[row] * minor_unit, columns.pa[row] * pa_unit};
    if (!beam.is_valid()) continue;
    if (beam.minor_deg > beam.major_deg * (1 + 1e-6))
      fail(ErrorKind::kData, "Row {} of the BEAMS table has a minor axis above its major axis: {}.", row, beam.to_string());
    beams[static_cast<std::size_t>(channel)] = beam;
  }
  return beams;
}

Beam convolve(const Beam& a, const Beam& b) {
  const Form p = form_of(a), q = form_of(b);
  return beam_of({p.north + q.north, p.east + q.east, p.mixed + q.mixed});
}

std::optional<Beam> deconvolve(const Beam& beam, const Beam& other) {
  constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
  const Form p = form_of(beam), q = form_of(other);
  const Form rest{p.north - q.north, p.east - q.east, p.mixed - q.mixed};
  // Positive in every direction, with a margin for rounding as in radio-beam; a line is no beam.
  const double difference = std::hypot(rest.north - rest.east, rest.mixed);
  const bool is_beam =
      rest.north >= -kEpsilon && rest.east >= -kEpsilon && rest.north + rest.east >= difference + kEpsilon / (3600.0 * 3600.0);
  if (!is_beam) return std::nullopt;
  return beam_of(rest);
}

std::optional<Beam> convolving_beam(const Beam& from, const Beam& target) {
  if (is_same(from, target)) return std::nullopt;
  const std::optional<Beam> needed = deconvolve(target, from);
  if (!needed)
    fail(ErrorKind::kUser,
         "The target beam ({}) does not enclose the beam of the data ({}): convolution can only make the resolution coarser. Choose a "
         "target that is larger in "
         "every direction.",
         target.to_string(), from.to_string());
  return needed;
}

BeamKernel kernel(const Beam& beam, double pixel_scale_deg) {
  if (!beam.is_valid() || !(pixel_scale_deg > 0))
    fail(ErrorKind::kUser, "No kernel can be made of a beam of {} and pixels of {} deg.", beam.to_string(), pixel_scale_deg);
  const double major = beam.major_deg / (pixel_scale_deg * kFwhmPerSigma), minor = beam.minor_deg / (pixel_scale_deg * kFwhmPerSigma);
  const double angle = (90 + beam.pa_deg) * kDegree;
  const double c = std::cos(angle), s = std::sin(angle);
  const double extent = std::max(std::hypot(major * c, minor * s), std::hypot(major * s, minor * c));
  const double ceiling = std::ceil(16 * extent);
  if (!(ceiling < static_cast<double>(kLargestKernel)))
    fail(ErrorKind::kUser,
         "A beam of {} on pixels of {:.4g}\" needs a kernel of {:.0f} pixels a side, more than {}. Downsample the image first.",
         beam.to_string(), pixel_scale_deg * 3600, ceiling, kLargestKernel);
  const Index side = static_cast<Index>(ceiling) | 1;

  const double xx = 0.5 * (c * c / (major * major) + s * s / (minor * minor));
  const double yy = 0.5 * (s * s / (major * major) + c * c / (minor * minor));
  const double xy = s * c * (1 / (major * major) - 1 / (minor * minor));
  BeamKernel out{side, side, std::vector<double>(static_cast<std::size_t>(side * side))};
  double sum = 0;
  const Index half = side / 2;
  for (Index j = 0; j < side; ++j) {
    const double y = static_cast<double>(j - half);
    for (Index i = 0; i < side; ++i) {
      const double x = static_cast<double>(i - half);
      sum += out.weights[static_cast<std::size_t>(j * side + i)] = std::exp(-(xx * x * x + xy * x * y + yy * y * y));
    }
  }
  for (double& weight : out.weights) weight /= sum;
  return out;
}

double jansky_per_beam_to_kelvin(const Beam& beam, double frequency_hz) {
  constexpr double kJansky = 1e-26;
  return kJansky * kSpeedOfLight * kSpeedOfLight / (2 * kBoltzmann * frequency_hz * frequency_hz * beam.area_sr());
}

double pixels_per_beam(const Beam& beam, double pixel_area_deg2) { return beam.area_sr() / (pixel_area_deg2 * kDegree * kDegree); }

}  // namespace freestone::astro
