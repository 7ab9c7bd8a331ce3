#include "freestone/geo/raster_grid.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "freestone/geo/projection.h"
#include "freestone/ops/warp.h"

namespace freestone::geo {
namespace {

constexpr double kTolerance = 0.01;  // of a pixel; gdalwarp allows 0.125
constexpr Index kExactPixels = Index{1} << 18;
constexpr int kEdgePoints = 21;  // along each edge of an image, as GDAL looks at it

struct Affine {
  double a, b, c, d, e, f;  ///< x = c + a column + b row, y = f + d column + e row
};

Affine affine_of(const GeoTransform& t) { return {t[1], t[2], t[0], t[4], t[5], t[3]}; }

void to_places(const GeoTransform& transform, std::span<const double> rows, std::span<const double> columns, std::span<double> x, std::span<double> y) {
  const Affine t = affine_of(transform);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double row = rows[i] + 0.5, column = columns[i] + 0.5;
    x[i] = t.c + t.a * column + t.b * row;
    y[i] = t.f + t.d * column + t.e * row;
  }
}

void want_crs(const RasterGrid& grid, const char* what) {
  if (grid.crs.empty()) fail(ErrorKind::kUser, "{} has no CRS, so there is no way from it to another. Say which it is: --source-crs EPSG:32633.", what);
}

bool is_of_pixels(const std::string& key) {
  static const char* const kKeys[] = {"GeoKeyDirectory", "GeoDoubleParams", "GeoAsciiParams", "AREA_OR_POINT", "GeoTransform", "crs", "grid_mapping"};
  return std::find(std::begin(kKeys), std::end(kKeys), key) != std::end(kKeys) || key.starts_with("STATISTICS_");
}

}  // namespace

void RasterGrid::to_pixels(std::span<double> x, std::span<double> y, std::span<double> out_rows, std::span<double> out_columns) const {
  const Affine t = affine_of(transform);
  const double determinant = t.a * t.e - t.b * t.d;
  if (!(std::abs(determinant) > 0) || !std::isfinite(determinant)) fail(ErrorKind::kUser, "The pixels of this raster have no extent: its GeoTransform is damaged.");
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - t.c, dy = y[i] - t.f;
    out_columns[i] = (t.e * dx - t.b * dy) / determinant - 0.5;
    out_rows[i] = (t.a * dy - t.d * dx) / determinant - 0.5;
  }
  if (crs != "EPSG:4326" || t.b != 0 || t.d != 0) return;
  const double turn = std::abs(360 / t.a), end = static_cast<double>(columns) - 0.5;
  for (double& column : out_columns) {
    if (column < -0.5 && column + turn < end) column += turn;
    if (column >= end && column - turn >= -0.5) column -= turn;
  }
}

RasterGrid grid_of(const DatasetVariable& variable, const std::vector<DatasetVariable>& coordinates) {
  DatasetVariable looked_at = variable;
  raster_for_pixels(looked_at, coordinates);
  const auto transform = geo_transform_of(looked_at.attributes);
  if (!transform || looked_at.array.rank() < 2) {
    fail(ErrorKind::kUser, "Where its pixels lie is not known: there is no GeoTransform, and no evenly spaced coordinates along the last two axes ({}).",
         fmt::join(variable.dims, ", "));
  }
  const int rank = variable.array.rank();
  return {looked_at.text("crs"), *transform, variable.array.shape()[rank - 2], variable.array.shape()[rank - 1]};
}

RasterGrid grid_for(const RasterGrid& image, const GridRequest& request) {
  RasterGrid out;
  out.crs = request.crs.empty() ? image.crs : request.crs;
  if (out.crs != image.crs) want_crs(image, "The raster");
  const Projection projection(image.crs, out.crs);

  // Edges and a grid within, so that an image that holds a pole or bends is held, too.
  std::vector<double> rows, columns;
  for (int i = 0; i < kEdgePoints; ++i) {
    for (int j = 0; j < kEdgePoints; ++j) {
      rows.push_back(static_cast<double>(image.rows) * i / (kEdgePoints - 1) - 0.5);
      columns.push_back(static_cast<double>(image.columns) * j / (kEdgePoints - 1) - 0.5);
    }
  }
  std::vector<double> x(rows.size()), y(rows.size());
  to_places(image.transform, rows, columns, x, y);
  projection.transform(x, y);
  double west = std::numeric_limits<double>::infinity(), east = -west, south = west, north = -west;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    west = std::min(west, x[i]), east = std::max(east, x[i]), south = std::min(south, y[i]), north = std::max(north, y[i]);
  }
  if (!(east > west) || !(north > south)) fail(ErrorKind::kUser, "No part of the raster has a place in {}.", out.crs);
  double step_x = 0, step_y = 0;
  if (!request.resolution.empty()) {
    step_x = request.resolution.front(), step_y = request.resolution.back();
  } else {
    const double dx = x.back() - x.front(), dy = y.back() - y.front();
    step_x = std::hypot(dx, dy) / std::hypot(static_cast<double>(image.rows), static_cast<double>(image.columns));
    if (!std::isfinite(step_x)) step_x = std::hypot(east - west, north - south) / std::hypot(static_cast<double>(image.rows), static_cast<double>(image.columns));
    step_y = step_x;
  }
  if (request.box) west = (*request.box)[0], south = (*request.box)[1], east = (*request.box)[2], north = (*request.box)[3];
  if (!(step_x > 0) || !(step_y > 0) || !std::isfinite(step_x) || !std::isfinite(step_y) || !(east > west) || !(north > south)) {
    fail(ErrorKind::kUser, "Pixels of {} x {} in a box from {}, {} to {}, {} make no image.", step_x, step_y, west, south, east, north);
  }
  const double width = std::max(1.0, std::floor((east - west) / step_x + 0.5)), height = std::max(1.0, std::floor((north - south) / step_y + 0.5));
  if (width > 0x1p31 || height > 0x1p31) fail(ErrorKind::kUser, "Pixels of {} x {} make an image of {:.0f} x {:.0f}. Take larger ones: --resolution.", step_x, step_y, height, width);
  out.rows = static_cast<Index>(height), out.columns = static_cast<Index>(width);
  out.transform = {west, step_x, 0, north, 0, -step_y};
  return out;
}

Array reproject(const Array& a, const RasterGrid& from, const RasterGrid& to, kernels::Resampling resampling) {
  if (from.crs != to.crs) want_crs(from, "The raster"), want_crs(to, "What it is to be like");
  const Projection way(to.crs, from.crs);
  const auto function = [&](std::span<double> rows, std::span<double> columns) {
    std::vector<double> x(rows.size()), y(rows.size());
    to_places(to.transform, rows, columns, x, y);
    way.transform(x, y);
    from.to_pixels(x, y, rows, columns);
  };
  auto map = std::make_shared<PixelMap>(PixelMap::make(to.rows, to.columns, function, to.rows * to.columns <= kExactPixels ? 0 : kTolerance));
  return warp(a, std::move(map), resampling, kernels::MissingRule::kLeftOut);
}

void put_on_grid(DatasetVariable& variable, std::vector<DatasetVariable>& coordinates, const RasterGrid& from, const RasterGrid& to, kernels::Resampling resampling) {
  variable.array = reproject(variable.array, from, to, resampling);
  const std::string y = variable.dims[variable.dims.size() - 2], x = variable.dims.back();
  const std::string mapping = variable.text("grid_mapping");
  std::erase_if(coordinates, [&](const DatasetVariable& c) { return c.axis_of(y) >= 0 || c.axis_of(x) >= 0 || (!mapping.empty() && c.name == mapping); });
  std::erase_if(variable.attributes, [](const formats::Attribute& a) { return is_of_pixels(a.key); });
  if (!to.crs.empty()) variable.attributes.push_back({"crs", to.crs, ""});
  set_geo_transform(variable.attributes, to.transform);
  raster_read(variable, coordinates);
}

}  // namespace freestone::geo
