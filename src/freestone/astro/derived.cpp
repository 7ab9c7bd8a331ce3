#include "freestone/astro/derived.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace freestone::astro {

constexpr double kBeamThreshold = 0.01;  // spectral_cube's beam_threshold

SkyArray with_axes(const SkyArray& array, Array data, const std::vector<int>& kept) {
  SkyArray out{.data = std::move(data), .unit = array.unit, .beam = array.beam, .header = array.header, .attributes = array.attributes,
               .name = array.name};
  bool spectral = false;
  for (const int axis : kept) {
    out.dims.push_back(array.dims[static_cast<std::size_t>(axis)]);
    spectral = spectral || out.dims.back() == "spectral";
  }
  const auto is_gone = [&](const std::string& dim) {
    return std::find(array.dims.begin(), array.dims.end(), dim) != array.dims.end() && std::find(out.dims.begin(), out.dims.end(), dim) == out.dims.end();
  };
  for (const DatasetVariable& coordinate : array.coordinates)
    if (std::none_of(coordinate.dims.begin(), coordinate.dims.end(), is_gone)) out.coordinates.push_back(coordinate);
  // Where pixels lie means nothing without both axes.
  if (is_gone("y") || is_gone("x")) {
    std::erase_if(out.attributes, [](const formats::Attribute& a) { return a.key == "GeoTransform" || a.key == "ModelTiepoint" || a.key == "RPCCoefficients"; });
  }
  if (array.wcs.rank() > 0 && !kept.empty()) out.wcs = array.wcs.keep_axes(kept);
  if (spectral)
    out.beams = array.beams;
  else if (!array.beams.empty())
    out.beam = common_resolution(array);
  return out;
}

std::vector<int> axes_without(const SkyArray& array, const std::vector<int>& removed) {
  std::vector<int> kept;
  for (int axis = 0; axis < array.rank(); ++axis)
    if (std::find(removed.begin(), removed.end(), axis) == removed.end()) kept.push_back(axis);
  return kept;
}

std::optional<Beam> common_resolution(const SkyArray& array) {
  if (array.beams.empty()) return array.beam;
  Beam mean;
  double count = 0, cosine = 0, sine = 0;
  for (const Beam& beam : array.beams) {
    if (!beam.is_valid()) continue;
    ++count;
    mean.major_deg += beam.major_deg;
    mean.minor_deg += beam.minor_deg;
    // Position angles are equal modulo 180 degrees.
    cosine += std::cos(2 * beam.pa_deg * std::numbers::pi / 180);
    sine += std::sin(2 * beam.pa_deg * std::numbers::pi / 180);
  }
  if (count == 0) return std::nullopt;
  mean.major_deg /= count;
  mean.minor_deg /= count;
  mean.pa_deg = 0.5 * std::atan2(sine, cosine) * 180 / std::numbers::pi;
  for (const Beam& beam : array.beams)
    if (beam.is_valid() && std::abs(beam.area_sr() / mean.area_sr() - 1) > kBeamThreshold) return std::nullopt;
  return mean;
}

std::optional<int> find_dim(const SkyArray& array, const char* name) {
  const auto at = std::find(array.dims.begin(), array.dims.end(), name);
  return at == array.dims.end() ? std::nullopt : std::optional(static_cast<int>(at - array.dims.begin()));
}

}  // namespace freestone::astro
