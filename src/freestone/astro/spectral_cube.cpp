#include "freestone/astro/spectral_cube.h"

#include <cmath>

#include "freestone/astro/derived.h"
#include "freestone/base/log.h"

namespace freestone::astro {
namespace {

const std::vector<std::string> kCubeDims = {"spectral", "y", "x"};

/// Stokes I of a file with a Stokes axis, with the beams of that plane.
SkyArray stokes_i(const Opened& opened, const SkyArray& sky) {
  const auto axis = find_dim(sky, "stokes");
  if (!axis || sky.rank() != 4) return sky;
  const std::vector<double> parameters = axis_coordinates(sky, *axis);
  Index plane = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (std::abs(parameters[i] - 1) < 1e-6) plane = static_cast<Index>(i);
  log(LogLevel::kInfo, "The file holds {} Stokes planes: plane {} (I) is taken.", parameters.size(), plane);
  if (!sky.beams.empty()) return stokes_plane_from(opened, plane);
  std::vector<Slice> slices(4);
  slices[static_cast<std::size_t>(*axis)] = Slice::at(plane);
  return slice(sky, slices);
}

}  // namespace

SpectralCube SpectralCube::read(const std::string& path) { return from_opened(open(path)); }

SpectralCube SpectralCube::from_opened(const Opened& opened) {
  const SkyArray sky = sky_array_from(opened);
  try {
    return SpectralCube(stokes_i(opened, sky));
  } catch (Error& error) {
    throw error.within(opened.contents().path);
  }
}

SpectralCube::SpectralCube(SkyArray sky) : sky_(std::move(sky)) {
  if (sky_.dims == kCubeDims) return;
  std::string list;
  for (const std::string& dim : sky_.dims) list += (list.empty() ? "" : ", ") + dim;
  std::vector<int> order;
  for (const std::string& dim : kCubeDims)
    if (const auto axis = find_dim(sky_, dim.c_str())) order.push_back(*axis);
  if (sky_.rank() != 3 || order.size() != 3)
    fail(ErrorKind::kUser, "A spectral cube has the axes (spectral, y, x); here they are ({}).", list);
  sky_ = transpose(sky_, order);
}

std::vector<double> SpectralCube::spectral_axis() const { return axis_coordinates(sky_, 0); }

SpectralCube SpectralCube::with_mask(const Array& mask) const { return SpectralCube(astro::with_mask(sky_, mask)); }

SpectralCube SpectralCube::with_data(Array data) const {
  if (data.shape() != shape())
    fail(ErrorKind::kUser, "Data of shape {} for a cube of shape {}.", to_string(data.shape()), to_string(shape()));
  SkyArray out = sky_;
  out.data = std::move(data);
  return SpectralCube(std::move(out));
}

SpectralCube SpectralCube::with_unit(const Unit& unit) const {
  SkyArray out = sky_;
  out.unit = unit;
  return SpectralCube(std::move(out));
}

SpectralCube SpectralCube::with_beam(const Beam& beam) const {
  if (!beam.is_valid()) fail(ErrorKind::kUser, "{} is not a beam.", beam.to_string());
  SkyArray out = sky_;
  out.beam = beam;
  out.beams.clear();
  return SpectralCube(std::move(out));
}

SpectralCube SpectralCube::spectral_slab(const Quantity& lo, const Quantity& hi, SlabEdges edges) const {
  return SpectralCube(astro::spectral_slab(sky_, lo, hi, edges));
}

SpectralCube SpectralCube::slice(const std::vector<Slice>& slices) const {
  for (const Slice& part : slices)
    if (part.step == 0)
      fail(ErrorKind::kUser,
           "A single position takes an axis away, and a cube has three. Give a range of length 1, or slice the SkyArray.");
  return SpectralCube(astro::slice(sky_, slices));
}

SpectralCube SpectralCube::subcube(const WorldBox& box) const { return SpectralCube(astro::subcube(sky_, box)); }

Index SpectralCube::closest_spectral_channel(const Quantity& value) const { return astro::closest_spectral_channel(sky_, value); }

SpectralCube SpectralCube::to(const Unit& unit) const { return SpectralCube(astro::to(sky_, unit)); }

SpectralCube SpectralCube::with_spectral_unit(const SpectralTarget& target) const {
  return SpectralCube(astro::with_spectral_unit(sky_, target));
}

SpectralCube SpectralCube::sigma_clip_spectrally(double threshold, int max_iterations) const {
  return sigma_clip("spectral", {.low = threshold, .high = threshold, .max_iterations = max_iterations});
}

SpectralCube SpectralCube::sigma_clip(const std::string& axis, ClipOptions options) const {
  return SpectralCube(astro::sigma_clip(sky_, axis, options));
}

SpectralCube SpectralCube::spectral_smooth(const std::vector<double>& kernel) const {
  return SpectralCube(smooth(sky_, kernel, "spectral"));
}

SpectralCube SpectralCube::spatial_smooth(const std::vector<double>& kernel, Index rows, Index columns) const {
  return SpectralCube(smooth_2d(sky_, kernel, rows, columns));
}

SpectralCube SpectralCube::convolve_to(const Beam& target) const { return SpectralCube(astro::convolve_to(sky_, target)); }

SpectralCube SpectralCube::downsample_axis(Index factor, const std::string& axis, const std::string& function, bool truncate) const {
  return SpectralCube(downsample(sky_, factor, {axis}, function, truncate));
}

SkyArray SpectralCube::reduce(const std::string& function, const std::vector<std::string>& axes, double q) const {
  return astro::reduce(sky_, function, axes, q);
}

SkyArray SpectralCube::moment(int order, const std::string& axis) const { return astro::moment(sky_, order, axis); }

Statistics SpectralCube::statistics(const ComputeOptions& options) const { return astro::statistics(sky_, options); }

void SpectralCube::write(const std::string& path, const WriteOptions& options, const ComputeOptions& compute) const {
  astro::write(sky_, path, options, compute);
}

}  // namespace freestone::astro
