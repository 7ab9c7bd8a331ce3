#include "freestone/astro/sky_frame.h"

#include <cmath>
#include <numbers>

#include "freestone/base/error.h"
#include "freestone/base/quantity.h"

namespace freestone::astro {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
using Matrix = std::array<std::array<double, 3>, 3>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) out[i][j] += a[i][k] * b[k][j];
  return out;
}

Matrix transposed(const Matrix& a) {
  Matrix out{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) out[i][j] = a[j][i];
  return out;
}

/// The axes turned by an angle in degrees about axis 0, 1 or 2.
Matrix turned_axes(double degrees, std::size_t about) {
  const double c = std::cos(degrees * kDegree), s = std::sin(degrees * kDegree);
  const std::size_t i = (about + 1) % 3, j = (about + 2) % 3;
  Matrix out{};
  out[about][about] = 1;
  out[i][i] = out[j][j] = c;
  out[i][j] = s, out[j][i] = -s;
  return out;
}

Matrix from_fk5(SkyFrame to) {
  constexpr double kMas = 1.0 / 3600000;
  if (to == SkyFrame::kGalactic)  // the pole, and the longitude of the celestial pole
    return product(turned_axes(180 - 122.9319185680026, 2), product(turned_axes(90 - 27.12825118085622, 1), turned_axes(192.8594812065348, 2)));
  if (to == SkyFrame::kIcrs) return transposed(product(turned_axes(19.9 * kMas, 0), product(turned_axes(9.1 * kMas, 1), turned_axes(-22.9 * kMas, 2))));
  return turned_axes(0, 0);
}

std::string text_of_frame(const Wcs& wcs) {
  const WcsParameters& p = wcs.parameters();
  std::string kind;
  for (const auto& axis : p.axes) {
    if (axis.ctype.starts_with("RA")) kind = "RA";
    if (axis.ctype.starts_with("GLON")) kind = "GLON";
    if (axis.ctype.starts_with("ELON")) kind = "ELON";
  }
  if (kind == "GLON") return "galactic";
  if (kind != "RA") return kind.empty() ? "" : "ecliptic";
  std::string system = p.radesys;
  if (system.empty()) system = !p.equinox ? "ICRS" : *p.equinox < 1984 ? "FK4" : "FK5";
  if (system == "ICRS" || system == "ICRS-GEO") return "ICRS";
  return system + (p.equinox ? fmt::format(" of equinox {}", format_number(*p.equinox)) : system == "FK5" ? " of equinox 2000" : "");
}

}  // namespace

SkyFrame parse_sky_frame(const std::string& name) {
  if (name == "icrs") return SkyFrame::kIcrs;
  if (name == "fk5") return SkyFrame::kFk5;
  if (name == "galactic") return SkyFrame::kGalactic;
  fail(ErrorKind::kUser, "'{}' is no frame of the sky: icrs, fk5 or galactic.", name);
}

SkyFrame frame_of(const Wcs& wcs) {
  if (!wcs.has_celestial()) fail(ErrorKind::kUser, "There are no celestial axes (such as RA---TAN and DEC--TAN) in this WCS.");
  const std::string text = text_of_frame(wcs);
  if (text == "ICRS") return SkyFrame::kIcrs;
  if (text == "galactic") return SkyFrame::kGalactic;
  if (text == "FK5 of equinox 2000") return SkyFrame::kFk5;
  fail(ErrorKind::kUser, "The image's coordinates are {}; those that can be turned into others are ICRS, FK5 of equinox 2000 and galactic.",
       text.empty() ? "of no known frame" : text);
}

bool is_same_frame(const Wcs& a, const Wcs& b) { return text_of_frame(a) == text_of_frame(b); }

void turn(SkyFrame from, SkyFrame to, std::span<double> longitudes, std::span<double> latitudes) {
  if (from == to) return;
  const Matrix matrix = product(from_fk5(to), transposed(from_fk5(from)));
  for (std::size_t i = 0; i < longitudes.size(); ++i) {
    const double lon = longitudes[i] * kDegree, lat = latitudes[i] * kDegree;
    const std::array<double, 3> old{std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
    std::array<double, 3> made{};
    for (std::size_t r = 0; r < 3; ++r)
      for (std::size_t c = 0; c < 3; ++c) made[r] += matrix[r][c] * old[c];
    const double longitude = std::atan2(made[1], made[0]) / kDegree;
    longitudes[i] = longitude < 0 ? longitude + 360 : longitude;
    latitudes[i] = std::atan2(made[2], std::hypot(made[0], made[1])) / kDegree;
  }
}

}  // namespace freestone::astro
