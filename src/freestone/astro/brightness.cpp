#include <cmath>
#include <numbers>

#include "freestone/astro/derived.h"
#include "freestone/astro/small_array.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/ops/elementwise.h"

namespace freestone::astro {
namespace {

constexpr double kBoltzmann = 1.380649e-23;  // J/K, exact
constexpr double kJansky = 1e-26;            // W m-2 Hz-1
constexpr double kSteradianPerSquareDegree = (std::numbers::pi / 180) * (std::numbers::pi / 180);

/// What a surface brightness is counted by.
enum class Surface { kKelvin, kPerBeam, kPerPixel, kPerSteradian };

struct SurfaceRow {
  Surface surface;
  const char* unit;
};
const SurfaceRow kSurfaces[] = {
    {Surface::kKelvin, "K"}, {Surface::kPerBeam, "Jy/beam"}, {Surface::kPerPixel, "Jy/pix"}, {Surface::kPerSteradian, "Jy/sr"}};

const SurfaceRow* surface_of(const Unit& unit) {
  for (const SurfaceRow& row : kSurfaces)
    if (unit.converts_to(Unit::parse(row.unit))) return &row;
  return nullptr;
}

std::vector<double> frequencies(const SkyArray& array, std::size_t channels) {
  if (array.wcs.has_spectral()) return array.wcs.spectral_values(static_cast<Index>(channels), Unit::parse("Hz"));
  const auto rest = rest_frequency(array.wcs);
  if (!rest)
    fail(ErrorKind::kUser,
         "Between kelvin and flux the frequency counts, and the header has neither a spectral axis nor a rest value (RESTFRQ).");
  return std::vector<double>(channels, *rest);
}

/// Jy/sr for one of the row's unit, by channel.
std::vector<double> jansky_per_steradian(const SkyArray& array, Surface surface, std::size_t channels) {
  std::vector<double> out(channels, 1.0);
  switch (surface) {
    case Surface::kPerSteradian: break;
    case Surface::kPerPixel:
      if (!array.wcs.has_celestial()) fail(ErrorKind::kUser, "The size of a pixel is not known: the header has no celestial WCS.");
      for (double& factor : out) factor = 1 / (array.wcs.pixel_area() * kSteradianPerSquareDegree);
      break;
    case Surface::kPerBeam:
      if (!array.beam && array.beams.empty())
        fail(ErrorKind::kUser, "The size of a beam is not known: BMAJ, BMIN and BPA are not in the header. Set a beam with with_beam.");
      for (std::size_t c = 0; c < channels; ++c) out[c] = 1 / (array.beams.empty() ? *array.beam : array.beams[c]).area_sr();
      break;
    case Surface::kKelvin: {
      const std::vector<double> hertz = frequencies(array, channels);
      for (std::size_t c = 0; c < channels; ++c)
        out[c] = 2 * kBoltzmann * (hertz[c] / kSpeedOfLight) * (hertz[c] / kSpeedOfLight) / kJansky;
      break;
    }
  }
  return out;
}

/// `factor`: a number, or an array that broadcasts. The product is rounded once to the floating dtype of `data`.
template <class Factor>
Array scaled(const Array& data, const Factor& factor) {
  if (data.dtype() != DType::kFloat32) return data * factor;
  return astype(astype(data, DType::kFloat64) * factor, DType::kFloat32);
}

}  // namespace

SkyArray to(const SkyArray& array, const Unit& unit) {
  SkyArray out = array;
  out.unit = unit;
  if (array.unit.converts_to(unit)) {
    const double factor = conversion_factor(array.unit, unit);
    if (factor != 1) out.data = scaled(array.data, factor);
    return out;
  }
  const SurfaceRow *from = surface_of(array.unit), *target = surface_of(unit);
  if (from == nullptr || target == nullptr)
    fail(ErrorKind::kUser,
         "'{}' does not convert to '{}'. Between K, Jy/beam, Jy/pix and Jy/sr the beam, the pixels and the frequency are taken into "
         "account.",
         array.unit.to_string(), unit.to_string());

  const auto spectral = find_dim(array, "spectral");
  const std::size_t channels = spectral ? static_cast<std::size_t>(array.data.shape()[*spectral]) : 1;
  const double units = conversion_factor(array.unit, Unit::parse(from->unit)) * conversion_factor(Unit::parse(target->unit), unit);
  std::vector<double> factors = jansky_per_steradian(array, from->surface, channels);
  const std::vector<double> divisors = jansky_per_steradian(array, target->surface, channels);
  bool same = true;
  for (std::size_t c = 0; c < channels; ++c) {
    factors[c] = factors[c] / divisors[c] * units;
    same = same && factors[c] == factors[0];
  }
  if (channels == 0) return out;
  if (same)
    out.data = scaled(array.data, factors[0]);
  else
    out.data = scaled(array.data, small_array(std::move(factors), along(*spectral, static_cast<Index>(channels), array.rank())));
  return out;
}

SkyArray with_spectral_unit(const SkyArray& array, const SpectralTarget& target) {
  SkyArray out = array;
  out.wcs = with_spectral_unit(array.wcs, target);
  return out;
}

}  // namespace freestone::astro
