#include "freestone/astro/reproject.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "freestone/astro/spectral_cube.h"
#include "freestone/ops/reduce.h"
#include "freestone/ops/shape.h"
#include "freestone/ops/warp.h"

namespace freestone::astro {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kDegree = std::numbers::pi / 180;
constexpr Index kExactPixels = Index{1} << 20;  // images of at most so many have each position worked out
constexpr double kTolerance = 1e-3;             // of a pixel, for larger ones
constexpr double kLongestPath = 1e7;            // pixels
constexpr double kLargestPath = 1e7;            // samples along and across

std::pair<int, int> sky_axes(const SkyArray& array) {
  if (array.wcs.rank() == 0 || !array.wcs.has_celestial()) fail(ErrorKind::kUser, "There are no celestial axes (such as RA---TAN and DEC--TAN): the file has no WCS of the sky.");
  return {*array.wcs.axis_of(WorldKind::kLatitude), *array.wcs.axis_of(WorldKind::kLongitude)};
}

/// With these two axes last.
SkyArray with_last(const SkyArray& array, int row_axis, int column_axis) {
  std::vector<int> order;
  for (int axis = 0; axis < array.rank(); ++axis)
    if (axis != row_axis && axis != column_axis) order.push_back(axis);
  order.push_back(row_axis), order.push_back(column_axis);
  return std::is_sorted(order.begin(), order.end()) ? array : transpose(array, order);
}

/// Points (row, column) or (latitude, longitude), as Wcs takes them.
std::vector<double> pairs_of(std::span<const double> first, std::span<const double> second) {
  std::vector<double> pairs(2 * first.size());
  for (std::size_t i = 0; i < first.size(); ++i) pairs[2 * i] = first[i], pairs[2 * i + 1] = second[i];
  return pairs;
}

void apart(std::span<const double> pairs, std::span<double> first, std::span<double> second) {
  for (std::size_t i = 0; i < first.size(); ++i) first[i] = pairs[2 * i], second[i] = pairs[2 * i + 1];
}

/// From pixels of one celestial WCS to those of another.
class Way {
 public:
  Way(const Wcs& from, const Wcs& to) : from_(from), to_(to), turns_(!is_same_frame(from, to)) {
    if (turns_) from_frame_ = frame_of(from), to_frame_ = frame_of(to);
  }
  void go(std::span<double> rows, std::span<double> columns, bool back = false) const {
    const std::vector<double> world = (back ? to_ : from_).pixel_to_world(pairs_of(rows, columns));
    std::vector<double> latitudes(rows.size()), longitudes(rows.size());
    apart(world, latitudes, longitudes);
    if (turns_) turn(back ? to_frame_ : from_frame_, back ? from_frame_ : to_frame_, longitudes, latitudes);
    apart((back ? from_ : to_).world_to_pixel(pairs_of(latitudes, longitudes)), rows, columns);
  }

 private:
  Wcs from_, to_;
  bool turns_;
  SkyFrame from_frame_ = SkyFrame::kIcrs, to_frame_ = SkyFrame::kIcrs;
};

/// The WCS of `array`, whose last two axes are of the sky, with the sky of another.
Wcs merged(const Wcs& array, const Wcs& sky) {
  WcsParameters p = array.parameters();
  const WcsParameters& s = sky.parameters();
  const std::size_t n = p.axes.size();
  for (std::size_t i = 0; i < 2; ++i) {
    p.axes[i] = s.axes[i];
    for (std::size_t j = 0; j < n; ++j) p.pc[i * n + j] = j < 2 ? s.pc[i * 2 + j] : 0;
    for (std::size_t j = 2; j < n; ++j) p.pc[j * n + i] = 0;
  }
  p.lonpole = s.lonpole, p.latpole = s.latpole, p.equinox = s.equinox;
  p.radesys = s.radesys;
  p.distortion_cards = s.distortion_cards;
  return Wcs(std::move(p));
}

/// Coordinates along axes that are no longer what they were are left out, and what a file of pixels says of them.
void forget(SkyArray& array, const std::string& row_dim, const std::string& column_dim) {
  std::erase_if(array.coordinates, [&](const DatasetVariable& c) { return c.axis_of(row_dim) >= 0 || c.axis_of(column_dim) >= 0; });
  std::erase_if(array.attributes, [](const formats::Attribute& a) { return a.key == "GeoTransform"; });
}

/// Degrees by which north at a place of one frame lies east of north in another.
double turn_of_north(SkyFrame from, SkyFrame to, double longitude, double latitude) {
  constexpr double kStep = 1e-3;
  std::vector<double> lon{longitude, longitude}, lat{latitude, latitude + (latitude < 0 ? kStep : -kStep)};
  turn(from, to, lon, lat);
  const double east = std::sin((lon[1] - lon[0]) * kDegree) * std::cos(lat[1] * kDegree);
  const double north = std::cos(lat[0] * kDegree) * std::sin(lat[1] * kDegree) - std::sin(lat[0] * kDegree) * std::cos(lat[1] * kDegree) * std::cos((lon[1] - lon[0]) * kDegree);
  const double sign = latitude < 0 ? 1 : -1;
  return std::atan2(sign * east, sign * north) / kDegree;
}

void turn_beams(SkyArray& array, const Wcs& old_sky, const Wcs& new_sky, Index rows, Index columns) {
  if ((!array.beam && array.beams.empty()) || is_same_frame(old_sky, new_sky)) return;
  const double middle[] = {0.5 * static_cast<double>(rows - 1), 0.5 * static_cast<double>(columns - 1)};
  const std::vector<double> world = old_sky.pixel_to_world(middle);
  if (!std::isfinite(world[0]) || !std::isfinite(world[1])) return;
  const double angle = turn_of_north(frame_of(old_sky), frame_of(new_sky), world[1], world[0]);
  const auto turned = [&](Beam& beam) { beam.pa_deg = std::remainder(beam.pa_deg + angle, 180.0); };
  if (array.beam) turned(*array.beam);
  for (Beam& beam : array.beams) turned(beam);
}

}  // namespace

SkyGrid grid_of(const SkyArray& array) {
  const auto [y, x] = sky_axes(array);
  return {array.wcs.celestial(), array.data.shape()[y], array.data.shape()[x]};
}

SkyGrid grid_around(const SkyArray& array, SkyFrame frame, double pixel_deg) {
  const SkyGrid own = grid_of(array);
  const SkyFrame own_frame = frame_of(own.wcs);
  const double last_row = static_cast<double>(own.rows) - 0.5, last_column = static_cast<double>(own.columns) - 0.5;
  const double middle[] = {0.5 * (last_row - 0.5), 0.5 * (last_column - 0.5)};
  const std::vector<double> world = own.wcs.pixel_to_world(middle);
  std::vector<double> lat{world[0]}, lon{world[1]};
  if (!std::isfinite(lat[0]) || !std::isfinite(lon[0])) fail(ErrorKind::kUser, "The middle of the image is no place of its projection. Name the pixels by a file: --like.");
  turn(own_frame, frame, lon, lat);

  WcsParameters p;
  const double scale = pixel_deg > 0 ? pixel_deg : own.wcs.pixel_scale();
  const bool galactic = frame == SkyFrame::kGalactic;
  const auto axis = [&](const char* equatorial, const char* other, double value, double step) {
    WcsParameters::Axis made;
    made.ctype = galactic ? other : equatorial, made.unit = Unit::parse("deg");
    made.crpix = 1, made.crval = value, made.cdelt = step;
    return made;
  };
  p.axes = {axis("RA---TAN", "GLON-TAN", lon[0], -scale), axis("DEC--TAN", "GLAT-TAN", lat[0], scale)};
  p.pc = {1, 0, 0, 1};
  if (frame == SkyFrame::kIcrs) p.radesys = "ICRS";
  if (frame == SkyFrame::kFk5) p.radesys = "FK5", p.equinox = 2000;
  Wcs sky(p);

  // Where the rim of the image lies.
  std::vector<double> rows, columns;
  const auto add = [&](double row, double column) { rows.push_back(row), columns.push_back(column); };
  for (Index i = 0; i <= own.rows; ++i) add(static_cast<double>(i) - 0.5, -0.5), add(static_cast<double>(i) - 0.5, last_column);
  for (Index j = 0; j <= own.columns; ++j) add(-0.5, static_cast<double>(j) - 0.5), add(last_row, static_cast<double>(j) - 0.5);
  Way(own.wcs, sky).go(rows, columns);
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(rows.begin(), rows.end(), finite) || !std::all_of(columns.begin(), columns.end(), finite))
    fail(ErrorKind::kUser, "The image reaches too far over the sky for one plane. Name the pixels by a file: --like.");
  const auto [low_row, high_row] = std::minmax_element(rows.begin(), rows.end());
  const auto [low_column, high_column] = std::minmax_element(columns.begin(), columns.end());
  // A rim that is the image's own to a rounding makes no further row.
  const double height = std::ceil(*high_row - *low_row - 1e-6), width = std::ceil(*high_column - *low_column - 1e-6);
  if (height > 0x1p31 || width > 0x1p31) fail(ErrorKind::kUser, "Pixels of {} degrees make an image of {:.0f} x {:.0f}. Take larger ones.", format_number(scale), height, width);
  p.axes[0].crpix = 1 + 0.5 * (width - 1) - 0.5 * (*low_column + *high_column);
  p.axes[1].crpix = 1 + 0.5 * (height - 1) - 0.5 * (*low_row + *high_row);
  return {Wcs(p), std::max<Index>(1, static_cast<Index>(height)), std::max<Index>(1, static_cast<Index>(width))};
}

SkyArray reproject(const SkyArray& given, const SkyGrid& grid, kernels::Resampling resampling) {
  const auto [y, x] = sky_axes(given);
  SkyArray out = with_last(given, y, x);
  const SkyGrid own = grid_of(out);
  const Way way(grid.wcs, own.wcs);
  const auto function = [&](std::span<double> rows, std::span<double> columns) {
    const std::vector<double> begun_rows(rows.begin(), rows.end()), begun_columns(columns.begin(), columns.end());
    way.go(rows, columns);
    std::vector<double> back_rows(rows.begin(), rows.end()), back_columns(columns.begin(), columns.end());
    way.go(back_rows, back_columns, true);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!(std::abs(back_rows[i] - begun_rows[i]) < 1 && std::abs(back_columns[i] - begun_columns[i]) < 1)) rows[i] = columns[i] = kNan;
    }
  };
  auto map = std::make_shared<PixelMap>(PixelMap::make(grid.rows, grid.columns, function, grid.rows * grid.columns <= kExactPixels ? 0 : kTolerance));
  out.data = warp(out.data, std::move(map), resampling, kernels::MissingRule::kSpreads);
  forget(out, out.dims[out.dims.size() - 2], out.dims.back());
  turn_beams(out, own.wcs, grid.wcs, own.rows, own.columns);
  out.wcs = merged(out.wcs, grid.wcs);
  return out;
}

PixelPlaces places_of(const SkyArray& array, const SkyPoints& points) {
  const Wcs sky = grid_of(array).wcs;
  std::vector<double> longitudes = points.longitudes, latitudes = points.latitudes;
  turn(points.frame, frame_of(sky), longitudes, latitudes);
  PixelPlaces places{std::vector<double>(longitudes.size()), std::vector<double>(longitudes.size())};
  apart(sky.world_to_pixel(pairs_of(latitudes, longitudes)), places.rows, places.columns);
  return places;
}

namespace {

/// `array` at positions that are an image of `rows` x `columns`: the last two axes.
Array sampled(const SkyArray& array, const std::vector<double>& at_rows, const std::vector<double>& at_columns, Index rows, Index columns, kernels::Resampling resampling,
              kernels::MissingRule missing) {
  const auto function = [&](std::span<double> r, std::span<double> c) {
    for (std::size_t i = 0; i < r.size(); ++i) {
      const bool inside = r[i] < static_cast<double>(rows) && c[i] < static_cast<double>(columns);
      const auto at = static_cast<std::size_t>(r[i]) * static_cast<std::size_t>(columns) + static_cast<std::size_t>(c[i]);
      r[i] = inside ? at_rows[at] : kNan, c[i] = inside ? at_columns[at] : kNan;
    }
  };
  return warp(array.data, std::make_shared<PixelMap>(PixelMap::make(rows, columns, function, 0)), resampling, missing);
}

/// `array`, whose last two axes are rows and columns, with `data` that has one axis in their place.
SkyArray with_line(const SkyArray& array, Array data, const std::string& dim) {
  SkyArray out = array;
  forget(out, array.dims[array.dims.size() - 2], array.dims.back());
  out.dims.pop_back();
  out.dims.back() = dim;
  out.data = std::move(data);
  if (array.wcs.rank() == 0) return out;
  std::vector<int> others;
  for (int axis = 0; axis < array.rank() - 2; ++axis) others.push_back(axis);
  WcsParameters p = others.empty() ? WcsParameters() : array.wcs.keep_axes(others).parameters();
  const std::size_t n = p.axes.size();
  std::vector<double> pc((n + 1) * (n + 1), 0.0);
  pc[0] = 1;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) pc[(i + 1) * (n + 1) + j + 1] = p.pc[i * n + j];
  WcsParameters::Axis line;
  line.crpix = 1;
  p.axes.insert(p.axes.begin(), line);
  p.pc = std::move(pc);
  out.wcs = Wcs(std::move(p));
  return out;
}

}  // namespace

SkyArray at_places(const SkyArray& given, const PixelPlaces& places, int row_axis, int column_axis) {
  const SkyArray array = with_last(given, row_axis, column_axis);
  const auto count = static_cast<Index>(places.rows.size());
  if (count == 0) fail(ErrorKind::kUser, "There are no points.");
  Array data = sampled(array, places.rows, places.columns, 1, count, kernels::Resampling::kNearest, kernels::MissingRule::kSpreads);
  std::vector<Slice> slices(static_cast<std::size_t>(data.rank()));
  slices[slices.size() - 2] = Slice::at(0);
  return with_line(array, slice(data, slices), "point");
}

SkyArray along_path(const SkyArray& given, const PixelPlaces& places, double width, double offset_deg, int row_axis, int column_axis) {
  const SkyArray array = with_last(given, row_axis, column_axis);
  const std::size_t count = places.rows.size();
  if (count < 2) fail(ErrorKind::kUser, "A path has two places at least.");
  if (!(width > 0) || !(width < kLongestPath)) fail(ErrorKind::kUser, "A path is wider than 0 pixels, not {}.", format_number(width));
  std::vector<double> ends{0};
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isfinite(places.rows[i]) || !std::isfinite(places.columns[i])) fail(ErrorKind::kUser, "Place {} of the path is none of the image's projection.", i + 1);
    if (i > 0) ends.push_back(ends.back() + std::hypot(places.rows[i] - places.rows[i - 1], places.columns[i] - places.columns[i - 1]));
  }
  if (!(ends.back() > 0) || ends.back() > kLongestPath) fail(ErrorKind::kUser, "The path is {} pixels long.", format_number(ends.back()));
  const Index samples = static_cast<Index>(std::floor(ends.back() + 1e-9)) + 1, lines = std::max<Index>(1, static_cast<Index>(std::ceil(width - 1e-9)));
  if (static_cast<double>(samples) * static_cast<double>(lines) > kLargestPath)
    fail(ErrorKind::kUser, "A path of {} pixels that is {} wide has too many samples. Take a narrower one, or downsample before.", samples, lines);
  std::vector<double> rows, columns;
  for (Index line = 0; line < lines; ++line) {
    const double across = width * ((static_cast<double>(line) + 0.5) / static_cast<double>(lines) - 0.5);
    std::size_t part = 1;
    for (Index k = 0; k < samples; ++k) {
      const double along = static_cast<double>(k);
      while (part + 1 < count && (ends[part] < along || ends[part] == ends[part - 1])) ++part;
      const double length = ends[part] - ends[part - 1], t = length > 0 ? std::min(1.0, (along - ends[part - 1]) / length) : 0;
      const double down = places.rows[part] - places.rows[part - 1], right = places.columns[part] - places.columns[part - 1];
      rows.push_back(places.rows[part - 1] + t * down + (length > 0 ? across * right / length : 0));
      columns.push_back(places.columns[part - 1] + t * right - (length > 0 ? across * down / length : 0));
    }
  }
  Array data = sampled(array, rows, columns, lines, samples, kernels::Resampling::kBilinear, kernels::MissingRule::kSpreads);
  data = mean(data, {data.rank() - 2}, {.skip_nan = true});
  SkyArray out = with_line(array, std::move(data), "offset");
  WcsParameters p = out.wcs.parameters();
  if (out.wcs.rank() > 0) {
    p.axes[0].ctype = "OFFSET";
    p.axes[0].unit = Unit::parse("deg");
    p.axes[0].cdelt = offset_deg;
    out.wcs = Wcs(std::move(p));
  }
  return out;
}

}  // namespace freestone::astro
