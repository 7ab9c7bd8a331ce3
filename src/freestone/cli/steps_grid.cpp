#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "freestone/astro/reproject.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/sky_text.h"
#include "freestone/cli/step.h"
#include "freestone/geo/projection.h"
#include "freestone/geo/raster_grid.h"
#include "freestone/label/memory_array.h"

namespace freestone::cli {
namespace {

using astro::SkyArray;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_of_sky(const SkyArray& array) { return array.wcs.rank() > 0 && array.wcs.has_celestial(); }

/// "EPSG:32633" of what people write.
std::string crs_of(const Arguments& arguments, const std::string& option) {
  std::string text = arguments.text(option);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  if (text == "WGS84") return "EPSG:4326";
  const std::string number = text.starts_with("EPSG:") ? text.substr(5) : text;
  if (number.empty() || number.size() > 6 || number.find_first_not_of("0123456789") != std::string::npos)
    refuse("{}--{} '{}': a CRS of the Earth is a code of EPSG, such as EPSG:4326; one of the sky icrs, fk5 or galactic.", arguments.where(), option, arguments.text(option));
  return "EPSG:" + number;
}

kernels::Resampling resampling_of(const Arguments& arguments, const std::string& otherwise) {
  const std::string name = arguments.text("resampling", otherwise);
  return name == "nearest" ? kernels::Resampling::kNearest : name == "bilinear" ? kernels::Resampling::kBilinear : kernels::Resampling::kCubic;
}

geo::RasterGrid pixels_of(const SkyArray& array) {
  if (array.rank() < 2) fail(ErrorKind::kUser, "An image has two axes, this array is ({}).", fmt::join(array.dims, ", "));
  return geo::grid_of({array.name, array.data, array.dims, array.attributes}, array.coordinates);
}

/// Pixels of a file that others are to be like.
SkyArray like_of(const Arguments& arguments) { return open_flow({arguments.text("like")}, {}).arrays.front(); }

SkyArray reproject_sky(const SkyArray& array, const Arguments& arguments) {
  for (const char* option : {"bbox", "source-crs"})
    if (arguments.has(option)) refuse("{}--{} is for rasters of the Earth; 'select --bbox' takes a part of the sky.", arguments.where(), option);
  astro::SkyGrid grid;
  if (arguments.has("like")) {
    if (arguments.has("crs") || arguments.has("resolution")) refuse("{}--like says all of the pixels; --crs and --resolution do not go with it.", arguments.where());
    const SkyArray like = like_of(arguments);
    if (!is_of_sky(like)) fail(ErrorKind::kUser, "{}: it has no WCS of the sky.", arguments.text("like"));
    grid = astro::grid_of(like);
  } else {
    std::string crs = arguments.text("crs");
    std::transform(crs.begin(), crs.end(), crs.begin(), [](unsigned char c) { return std::tolower(c); });
    const astro::SkyFrame frame = arguments.has("crs") ? arguments.parsed("crs", [&](const std::string&) { return astro::parse_sky_frame(crs); }) : astro::frame_of(array.wcs);
    const double pixel = arguments.has("resolution") ? parse_angle(arguments.text("resolution"), false, "reproject: --resolution") : 0;
    if (arguments.has("resolution") && !(pixel > 0)) refuse("reproject: --resolution is above 0.");
    grid = astro::grid_around(array, frame, pixel);
  }
  return astro::reproject(array, grid, resampling_of(arguments, "bilinear"));
}

SkyArray reproject_raster(const SkyArray& array, const Arguments& arguments) {
  geo::RasterGrid from = pixels_of(array);
  if (arguments.has("source-crs")) from.crs = crs_of(arguments, "source-crs");
  geo::RasterGrid to;
  if (arguments.has("like")) {
    for (const char* option : {"crs", "resolution", "bbox"})
      if (arguments.has(option)) refuse("{}--like says all of the pixels; --{} does not go with it.", arguments.where(), option);
    to = pixels_of(like_of(arguments));
  } else {
    geo::GridRequest request;
    if (arguments.has("crs")) request.crs = crs_of(arguments, "crs");
    for (const std::string& part : arguments.list("resolution")) request.resolution.push_back(parse_number(part, "reproject: --resolution"));
    if (request.resolution.size() > 2) refuse("reproject: --resolution is one number, or X,Y.");
    if (arguments.has("bbox")) {
      std::vector<double> box;
      for (const std::string& part : arguments.list("bbox")) box.push_back(parse_number(part, "reproject: --bbox"));
      if (box.size() != 4) refuse("reproject: --bbox is WEST,SOUTH,EAST,NORTH in the new CRS.");
      request.box = {box[0], box[1], box[2], box[3]};
    }
    to = geo::grid_for(from, request);
  }
  const bool has_file_of_pixels = std::any_of(array.attributes.begin(), array.attributes.end(), [](const auto& a) { return a.key == "GeoTransform"; });
  DatasetVariable variable{array.name, array.data, array.dims, array.attributes};
  SkyArray out = array;
  geo::put_on_grid(variable, out.coordinates, from, to, resampling_of(arguments, "nearest"));
  out.data = variable.array;
  out.attributes = variable.attributes;
  const bool says_nodata = std::any_of(out.attributes.begin(), out.attributes.end(), [](const auto& a) { return a.key == "nodata" || a.key == "_FillValue"; });
  if (has_file_of_pixels && !says_nodata) out.attributes.push_back({"nodata", kNan, ""});
  return out;
}

/// Changes the images of a dataset, those on the pixels of the first: a number or a series stays. A single array is taken for one.
void each_image(Flow& flow, const std::function<SkyArray(const SkyArray&)>& change) {
  const bool is_alone = flow.arrays.size() == 1;
  const auto first = std::find_if(flow.arrays.begin(), flow.arrays.end(), [](const SkyArray& array) { return array.rank() >= 2; });
  if (!is_alone && first == flow.arrays.end()) fail(ErrorKind::kUser, "There is no image: none of the arrays has two axes.");
  const std::vector<std::string> pixels = is_alone ? std::vector<std::string>() : std::vector<std::string>(first->dims.end() - 2, first->dims.end());
  flow.each({}, [&](const SkyArray& array, const auto&) {
    return is_alone || (array.rank() >= 2 && std::equal(pixels.begin(), pixels.end(), array.dims.end() - 2)) ? change(array) : array;
  });
}

void reproject(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("crs") && !arguments.has("like") && !arguments.has("resolution") && !arguments.has("bbox"))
    refuse("reproject needs --crs, --like FILE, --resolution or --bbox.");
  each_image(flow, [&](const SkyArray& array) {
    return is_of_sky(array) ? reproject_sky(array, arguments) : reproject_raster(array, arguments);
  });
}

/// Places in pixels, and what they were called.
struct Places {
  astro::PixelPlaces pixels;
  int row_axis = 0, column_axis = 0;
  double pixel = 1;  ///< degrees of a pixel, or the unit of the map
  std::string first_name, second_name, unit;
  std::vector<double> first, second;
};

Places places_of(const SkyArray& array, const Arguments& arguments, const PlaceTable& table) {
  Places places;
  const bool is_sky = is_of_sky(array);
  if (is_sky && arguments.has("crs")) refuse("extract: --crs is for rasters of the Earth; places of the sky have a --frame.");
  if (!is_sky && arguments.has("frame")) refuse("extract: --frame is for images of the sky; places of a raster have a --crs.");
  const astro::SkyFrame frame = astro::parse_sky_frame(arguments.text("frame", "icrs"));
  const bool in_hours = is_sky && frame != astro::SkyFrame::kGalactic;
  for (std::size_t i = 0; i < table.first.size(); ++i) {
    const auto value = [&](const std::string& text, bool hours) { return is_sky ? parse_angle(text, hours, "extract:") : parse_number(text, "extract: a place"); };
    places.first.push_back(value(table.first[i], in_hours)), places.second.push_back(value(table.second[i], false));
    if (is_sky && !(std::abs(places.second.back()) <= 90)) refuse("extract: {} is no latitude: they go from -90 to 90 degrees.", table.second[i]);
  }
  places.first_name = is_sky ? (in_hours ? "ra" : "l") : "x", places.second_name = is_sky ? (in_hours ? "dec" : "b") : "y";
  if (is_sky) {
    places.row_axis = *array.wcs.axis_of(astro::WorldKind::kLatitude), places.column_axis = *array.wcs.axis_of(astro::WorldKind::kLongitude);
    places.pixel = array.wcs.pixel_scale();
    places.unit = "deg";
    places.pixels = astro::places_of(array, {frame, places.first, places.second});
    return places;
  }
  const geo::RasterGrid grid = pixels_of(array);
  places.row_axis = array.rank() - 2, places.column_axis = array.rank() - 1;
  places.pixel = std::hypot(grid.transform[1], grid.transform[4]);
  std::vector<double> x = places.first, y = places.second;
  if (arguments.has("crs") && crs_of(arguments, "crs") != grid.crs) {
    if (grid.crs.empty()) fail(ErrorKind::kUser, "The raster has no CRS, so there is no way to it from another. Give the places in its own.");
    geo::Projection(crs_of(arguments, "crs"), grid.crs).transform(x, y);
  }
  places.pixels.rows.resize(x.size()), places.pixels.columns.resize(x.size());
  grid.to_pixels(x, y, places.pixels.rows, places.pixels.columns);
  return places;
}

DatasetVariable labels_of(const std::string& name, const std::vector<double>& values, const std::string& dim, const std::string& unit) {
  DatasetVariable out{name, array_in_memory(values), {dim}, {}};
  if (!unit.empty()) out.attributes.push_back({"units", unit, ""});
  out.is_auxiliary = name != dim;
  return out;
}

SkyArray at_point(const SkyArray& array, const Arguments& arguments) {
  const std::vector<std::string> parts = arguments.list("point");
  if (parts.size() != 2) refuse("extract: --point is RA,DEC, or X,Y of a raster, not '{}'.", arguments.text("point"));
  const Places places = places_of(array, arguments, {"", "", {parts[0]}, {parts[1]}});
  const auto pixel = [&](double position, int axis) -> Index {
    const Index n = array.data.shape()[axis];
    if (!(position >= -0.5 && position < static_cast<double>(n) - 0.5)) {
      fail(ErrorKind::kUser, "--point {} is outside of the image: pixel ({}) of {} x {}.", arguments.text("point"),
           std::isnan(places.pixels.rows[0]) ? "none" : fmt::format("{:.1f}, {:.1f}", places.pixels.rows[0], places.pixels.columns[0]), array.data.shape()[places.row_axis],
           array.data.shape()[places.column_axis]);
    }
    return static_cast<Index>(std::floor(position + 0.5));
  };
  std::vector<Slice> slices(static_cast<std::size_t>(array.rank()));
  slices[static_cast<std::size_t>(places.row_axis)] = Slice::at(pixel(places.pixels.rows[0], places.row_axis));
  slices[static_cast<std::size_t>(places.column_axis)] = Slice::at(pixel(places.pixels.columns[0], places.column_axis));
  return astro::slice(array, slices);
}

SkyArray at_points(const SkyArray& array, const Arguments& arguments) {
  const Places places = places_of(array, arguments, read_places(arguments.text("points")));
  SkyArray out = astro::at_places(array, places.pixels, places.row_axis, places.column_axis);
  out.coordinates.push_back(labels_of(places.first_name, places.first, "point", places.unit));
  out.coordinates.push_back(labels_of(places.second_name, places.second, "point", places.unit));
  return out;
}

SkyArray along_path(const SkyArray& array, const Arguments& arguments) {
  const Places places = places_of(array, arguments, read_places(arguments.text("path")));
  double width = 1;
  if (arguments.has("width")) {
    const Quantity given = arguments.parsed("width", [](const std::string& text) { return parse_quantity(text); });
    if (!given.unit.is_dimensionless() && !is_of_sky(array)) refuse("extract: --width of a raster's path is in pixels.");
    width = given.unit.is_dimensionless() ? given.value : given.in(Unit::parse("deg")) / places.pixel;
  }
  SkyArray out = astro::along_path(array, places.pixels, width, places.pixel, places.row_axis, places.column_axis);
  std::vector<double> offsets;
  for (Index k = 0; k < out.data.shape()[out.rank() - 1]; ++k) offsets.push_back(static_cast<double>(k) * places.pixel);
  if (out.wcs.rank() == 0) out.coordinates.push_back(labels_of("offset", offsets, "offset", places.unit));
  return out;
}

void extract(Flow& flow, const Arguments& arguments, Request&) {
  const int ways = static_cast<int>(arguments.has("point")) + static_cast<int>(arguments.has("points")) + static_cast<int>(arguments.has("path"));
  if (ways != 1) refuse("extract needs one of --point RA,DEC, --points FILE and --path FILE.");
  if (arguments.has("width") && !arguments.has("path")) refuse("extract: --width is of a --path.");
  each_image(flow, [&](const SkyArray& array) {
    return arguments.has("point") ? at_point(array, arguments) : arguments.has("points") ? at_points(array, arguments) : along_path(array, arguments);
  });
}

}  // namespace

std::vector<StepRow> grid_steps() {
  return {
      {"reproject",
       "",
       "other pixels: of the sky (a frame, or the pixels of a file) or of the Earth (a CRS, a resolution, a box, the pixels of a file); NaN outside",
       "scene.tif ! reproject --crs EPSG:4326 --resampling bilinear ! write out.tif",
       false,
       {{"crs", "CRS", "EPSG:32633; of an image of the sky icrs, fk5 or galactic: north up, as many pixels as hold it all"},
        {"like", "FILE", "the pixels of this file; of a cube those of its images, the spectral axis stays"},
        {"resolution", "SIZE", "of a pixel in the new CRS (or X,Y); of the sky an angle: 2arcsec. Default: about as many pixels as before"},
        {"bbox", "W,S,E,N", "the part that is made, in the new CRS"},
        {"resampling", "HOW", "nearest (default of rasters), bilinear (default of the sky), cubic: at the pixels' centres; before much larger pixels downsample",
         {"nearest", "bilinear", "cubic"}},
        {"source-crs", "CRS", "of a raster that does not say"}},
       reproject},
      {"extract",
       "",
       "what lies at a place, at many, or along a path (a position-velocity diagram)",
       "cube.fits ! extract --point 5h35m12s,-5d24m00s ! write spectrum.fits",
       false,
       {{"point", "RA,DEC", "the pixel that holds it: degrees, 83.8deg,-5.4deg or 5h35m12s,-5d24m00s; of a raster X,Y"},
        {"points", "FILE", "a table with columns ra and dec, lon and lat, l and b, x and y, or the first two: an axis 'point', NaN outside"},
        {"path", "FILE", "a table of the corners of a path: an axis 'offset', a sample each pixel, bilinear"},
        {"width", "W", "of the path, over which is averaged: pixels, or an angle (default 1)"},
        {"frame", "FRAME", "of places of the sky: icrs (default), fk5, galactic", {"icrs", "fk5", "galactic"}},
        {"crs", "CRS", "of places of the Earth (default: the raster's)"}},
       extract},
  };
}

}  // namespace freestone::cli
