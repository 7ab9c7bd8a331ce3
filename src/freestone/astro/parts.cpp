#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/astro/derived.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/label/georeference.h"
#include "freestone/label/selection.h"
#include "freestone/ops/downsample.h"
#include "freestone/ops/elementwise.h"
#include "freestone/ops/reduce.h"

namespace freestone::astro {
namespace {

constexpr double kEdgeTolerance = 1e-6;  // of a channel: a range given by channel centres includes them

/// Pixels start, start + step, ..., `count` of them.
struct Pixels {
  Index start, step, count;
};

/// As Python resolves slice(start, stop, step) on an axis of length n. `step` is not 0.
Pixels resolve(const Slice& slice, Index n) {
  const Index step = slice.step, low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  const auto bound = [&](const std::optional<Index>& given, Index open) {
    return given ? std::clamp(*given < 0 ? *given + n : *given, low, high) : open;
  };
  const Index start = bound(slice.start, step > 0 ? low : high), stop = bound(slice.stop, step > 0 ? high : low);
  const Index span = step > 0 ? stop - start : start - stop, stride = std::abs(step);
  return {start, step, span > 0 ? (span + stride - 1) / stride : 0};
}

std::vector<Beam> picked(const std::vector<Beam>& beams, const Pixels& pixels) {
  std::vector<Beam> out;
  for (Index i = 0; i < pixels.count; ++i) out.push_back(beams[static_cast<std::size_t>(pixels.start + i * pixels.step)]);
  return out;
}

int spectral_axis_of(const SkyArray& array) {
  const auto axis = find_dim(array, "spectral");
  if (!axis) fail(ErrorKind::kUser, "There is no spectral axis to select on.");
  return *axis;
}

/// A coordinate in the unit of the spectral axis.
double on_spectral_axis(const SkyArray& array, int axis, const Quantity& value) {
  if (array.wcs.has_spectral()) return spectral_coordinate(array.wcs, value);
  return value.in(array.wcs.rank() > 0 && !value.unit.is_dimensionless() ? array.wcs.unit(axis) : Unit());
}

Index nearest(const std::vector<double>& coordinates, double value) {
  Index best = -1;
  double distance = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < coordinates.size(); ++i) {
    const double d = std::abs(coordinates[i] - value);
    if (d < distance) distance = d, best = static_cast<Index>(i);
  }
  if (best < 0) fail(ErrorKind::kUser, "The spectral axis has no channels to choose from.");
  return best;
}

/// First and last pixel that passed a test.
struct Range {
  Index first = std::numeric_limits<Index>::max(), last = -1;
  void add(Index i) { first = std::min(first, i), last = std::max(last, i); }
  bool empty() const { return last < 0; }
  Slice slice() const { return {first, last + 1, 1}; }
};

/// Channels whose centre lies within [lo, hi], in either order.
Range channels_between(const std::vector<double>& coordinates, double lo, double hi) {
  if (lo > hi) std::swap(lo, hi);
  Range range;
  const auto n = static_cast<Index>(coordinates.size());
  for (Index i = 0; i < n; ++i) {
    const double value = coordinates[static_cast<std::size_t>(i)],
                 neighbour = coordinates[static_cast<std::size_t>(i + 1 < n ? i + 1 : std::max<Index>(0, i - 1))];
    const double slack = kEdgeTolerance * std::abs(neighbour - value);
    if (value >= lo - slack && value <= hi + slack) range.add(i);
  }
  return range;
}

Range channels_between(const SkyArray& array, int axis, const std::vector<double>& coordinates, const Quantity& lo, const Quantity& hi) {
  const double low = on_spectral_axis(array, axis, lo), high = on_spectral_axis(array, axis, hi);
  const Range range = channels_between(coordinates, low, high);
  if (range.empty()) {
    const std::string unit = array.wcs.rank() > 0 ? array.wcs.unit(axis).to_string() : "";
    if (coordinates.empty()) fail(ErrorKind::kUser, "The spectral axis has no channels to choose from.");
    fail(ErrorKind::kUser, "No channel lies between {} and {} {}: the axis goes from {} to {} {}.", low, high, unit, coordinates.front(),
         coordinates.back(), unit);
  }
  return range;
}

bool within_longitudes(double longitude, const WorldBox& box) {
  if (!box.longitude_low && !box.longitude_high) return true;
  const auto turn = [](double degrees) { return degrees - 360 * std::floor(degrees / 360); };
  if (!box.longitude_low) return longitude <= *box.longitude_high;
  if (!box.longitude_high) return longitude >= *box.longitude_low;
  if (*box.longitude_high - *box.longitude_low >= 360) return true;
  return turn(longitude - *box.longitude_low) <= turn(*box.longitude_high - *box.longitude_low);
}

/// Pixels of the sky within the box; the sky is looked at some rows at a time.
void sky_ranges(const Wcs& sky, Index ny, Index nx, const WorldBox& box, Range& rows, Range& columns) {
  std::vector<double> pixels(static_cast<std::size_t>(nx) * 2);
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      pixels[static_cast<std::size_t>(2 * x)] = static_cast<double>(y);
      pixels[static_cast<std::size_t>(2 * x + 1)] = static_cast<double>(x);
    }
    const std::vector<double> world = sky.pixel_to_world(pixels);
    for (Index x = 0; x < nx; ++x) {
      const double latitude = world[static_cast<std::size_t>(2 * x)], longitude = world[static_cast<std::size_t>(2 * x + 1)];
      if (std::isnan(latitude) || std::isnan(longitude)) continue;
      if ((box.latitude_low && latitude < *box.latitude_low) || (box.latitude_high && latitude > *box.latitude_high)) continue;
      if (!within_longitudes(longitude, box)) continue;
      rows.add(y);
      columns.add(x);
    }
  }
}

/// The coordinates along the axes that are cut; one position leaves a scalar.
std::vector<DatasetVariable> cut(const std::vector<DatasetVariable>& coordinates, const Positions& positions) {
  Positions present;
  const Dataset all("", coordinates, {});
  for (const auto& position : positions) {
    const auto has_axis = [&](const DatasetVariable& v) { return v.axis_of(position.first) >= 0; };
    if (std::any_of(coordinates.begin(), coordinates.end(), has_axis)) present.push_back(position);
  }
  return isel(all, present).variables();
}

/// Labels of groups are the means of their labels; bounds of what is no more go.
void coarsen(std::vector<DatasetVariable>& coordinates, const std::string& dim, Index factor, bool truncate) {
  std::vector<std::string> gone;
  for (DatasetVariable& coordinate : coordinates) {
    const int axis = coordinate.axis_of(dim);
    if (axis < 0) continue;
    const std::string bounds = coordinate.text("bounds");
    if (!bounds.empty()) gone.push_back(bounds);
    std::erase_if(coordinate.attributes, [](const formats::Attribute& a) { return a.key == "bounds"; });
    coordinate.array = freestone::downsample(coordinate.array, factor, {axis}, "mean", !truncate);
    coordinate.encoding = {};
  }
  std::erase_if(coordinates, [&](const DatasetVariable& c) { return std::find(gone.begin(), gone.end(), c.name) != gone.end(); });
}

}  // namespace

SkyArray slice(const SkyArray& array, const std::vector<Slice>& slices) {
  Array data = freestone::slice(array.data, slices);
  SkyArray whole = array;
  std::vector<int> kept;
  for (int axis = 0; axis < array.rank(); ++axis) {
    const auto k = static_cast<std::size_t>(axis);
    const Slice part = k < slices.size() ? slices[k] : Slice{};
    const bool spectral = array.dims[k] == "spectral";
    if (part.step == 0) {  // a single position: the axis goes
      const Index n = array.data.shape()[axis], at = *part.start < 0 ? *part.start + n : *part.start;
      if (spectral && !array.beams.empty()) whole.beams = {array.beams[static_cast<std::size_t>(at)]};
      continue;
    }
    kept.push_back(axis);
    const Pixels pixels = resolve(part, array.data.shape()[axis]);
    if (spectral && !array.beams.empty()) whole.beams = picked(array.beams, pixels);
    const auto transform = geo_transform_of(whole.attributes);
    if (transform && (array.dims[k] == "y" || array.dims[k] == "x"))
      set_geo_transform(whole.attributes, sliced(*transform, array.dims[k] == "y", pixels.start, pixels.step));
    if (array.dims[k] == "y" || array.dims[k] == "x")
      move_tie_points(whole.attributes, array.dims[k] == "y", static_cast<double>(pixels.start), static_cast<double>(pixels.step));
    if (array.wcs.rank() > 0 && (pixels.start != 0 || pixels.step != 1)) whole.wcs = whole.wcs.slice(axis, pixels.start, pixels.step);
  }
  Positions positions;
  for (std::size_t k = 0; k < slices.size() && k < array.dims.size(); ++k) {
    if (slices[k].step == 0) positions.emplace_back(array.dims[k], *slices[k].start);
    else positions.emplace_back(array.dims[k], slices[k]);
  }
  whole.coordinates = cut(array.coordinates, positions);
  return with_axes(whole, std::move(data), kept);
}

SkyArray transpose(const SkyArray& array, const std::vector<int>& order) {
  std::vector<int> axes = order;
  if (axes.empty())
    for (int axis = array.rank() - 1; axis >= 0; --axis) axes.push_back(axis);
  for (int& axis : axes) axis = normal_axis(axis, array.rank());
  Array data = freestone::transpose(array.data, axes);
  return with_axes(array, std::move(data), axes);
}

SkyArray spectral_slab(const SkyArray& array, const Quantity& lo, const Quantity& hi, SlabEdges edges) {
  const int axis = spectral_axis_of(array);
  const std::vector<double> coordinates = axis_coordinates(array, axis);
  Range range;
  if (edges == SlabEdges::kNearest) {
    range.add(nearest(coordinates, on_spectral_axis(array, axis, lo)));
    range.add(nearest(coordinates, on_spectral_axis(array, axis, hi)));
  } else {
    range = channels_between(array, axis, coordinates, lo, hi);
  }
  std::vector<Slice> slices(static_cast<std::size_t>(array.rank()));
  slices[static_cast<std::size_t>(axis)] = range.slice();
  return slice(array, slices);
}

Index closest_spectral_channel(const SkyArray& array, const Quantity& value) {
  const int axis = spectral_axis_of(array);
  return nearest(axis_coordinates(array, axis), on_spectral_axis(array, axis, value));
}

SkyArray subcube(const SkyArray& array, const WorldBox& box) {
  std::vector<Slice> slices(static_cast<std::size_t>(array.rank()));
  if (box.longitude_low || box.longitude_high || box.latitude_low || box.latitude_high) {
    const auto y = find_dim(array, "y"), x = find_dim(array, "x");
    if (!y || !x || !array.wcs.has_celestial())
      fail(ErrorKind::kUser, "There are no longitude and latitude axes to select on: the header has no celestial WCS.");
    Range rows, columns;
    sky_ranges(array.wcs.celestial(), array.data.shape()[*y], array.data.shape()[*x], box, rows, columns);
    if (rows.empty())
      fail(ErrorKind::kUser, "No pixel lies within the longitudes and latitudes given. They are degrees in the system of the header.");
    slices[static_cast<std::size_t>(*y)] = rows.slice();
    slices[static_cast<std::size_t>(*x)] = columns.slice();
  }
  if (box.spectral_low || box.spectral_high) {
    const int axis = spectral_axis_of(array);
    const std::vector<double> coordinates = axis_coordinates(array, axis);
    if (coordinates.empty()) fail(ErrorKind::kUser, "The spectral axis has no channels to choose from.");
    const auto [lowest, highest] = std::minmax(coordinates.front(), coordinates.back());
    // An open end is the end of the axis, in its own unit.
    const Quantity low = box.spectral_low.value_or(Quantity{lowest, Unit()}), high = box.spectral_high.value_or(Quantity{highest, Unit()});
    slices[static_cast<std::size_t>(axis)] = channels_between(array, axis, coordinates, low, high).slice();
  }
  return slice(array, slices);
}

SkyArray downsample(const SkyArray& array, Index factor, const std::vector<std::string>& names, const std::string& function,
                    bool truncate) {
  std::vector<int> axes;
  for (const std::string& name : names) axes.push_back(array.axis(name));
  axes = normal_axes(axes, array.rank());
  SkyArray out = array;
  out.data = freestone::downsample(array.data, factor, axes, function, !truncate);
  for (const int axis : axes) {
    const std::string& dim = array.dims[static_cast<std::size_t>(axis)];
    const auto transform = geo_transform_of(out.attributes);
    if (dim == "y" || dim == "x") move_tie_points(out.attributes, dim == "y", 0, static_cast<double>(factor));
    if (transform && (dim == "y" || dim == "x")) set_geo_transform(out.attributes, coarsened(*transform, dim == "y", factor));
    coarsen(out.coordinates, dim, factor, truncate);
    if (array.wcs.rank() > 0) out.wcs = out.wcs.downsample(axis, factor);
    if (array.dims[static_cast<std::size_t>(axis)] != "spectral" || array.beams.empty()) continue;
    out.beam = common_resolution(array);
    out.beams.clear();
    if (!out.beam)
      fail(
          ErrorKind::kUser,
          "downsample along the spectrum would mix channels whose beams differ by more than 1 % in area. Convolve to a common beam first.");
  }
  return out;
}

SkyArray with_mask(const SkyArray& array, const Array& mask) {
  SkyArray out = array;
  out.data = where(mask, array.data, std::numeric_limits<double>::quiet_NaN());
  if (out.data.shape() != array.data.shape())
    fail(ErrorKind::kUser, "A mask of shape {} does not broadcast to the data's {}.", to_string(mask.shape()),
         to_string(array.data.shape()));
  return out;
}

}  // namespace freestone::astro
