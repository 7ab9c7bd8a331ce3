#include <algorithm>

#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/step.h"
#include "freestone/ops/rechunk.h"

namespace freestone::cli {
namespace {

/// "7100:7165", "100:200km/s", "1.42GHz:": two quantities; a unit on one side counts for both.
std::pair<Quantity, Quantity> quantity_range(const std::string& text) {
  const auto parts = split(text, ':');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty())
    refuse("select: --spectral is LO:HI, such as 7100:7165 or 100km/s:200km/s, not '{}'.", text);
  try {
    Quantity low = parse_quantity(parts[0]), high = parse_quantity(parts[1]);
    if (low.unit.is_dimensionless() && !high.unit.is_dimensionless())
      low.unit = high.unit;
    else if (high.unit.is_dimensionless() && !low.unit.is_dimensionless())
      high.unit = low.unit;
    return {low, high};
  } catch (const Error& error) {
    refuse("select: --spectral '{}': {}", text, error.what());
  }
}

Slice slice_of(const std::string& text) {
  const auto parts = split(text, ':');
  const auto number = [&](std::size_t k) -> std::optional<Index> {
    if (k >= parts.size() || parts[k].empty()) return std::nullopt;
    return parse_integer(parts[k], "select: a position of --index");
  };
  if (parts.size() == 1 && number(0)) return Slice::at(*number(0));
  if (parts.size() > 3 || parts.size() == 1) refuse("select: --index takes AXIS=START:STOP:STEP or AXIS=POSITION, not '{}'.", text);
  const Index step = number(2).value_or(1);
  if (step == 0) refuse("select: a step of 0 in --index '{}'.", text);
  return {number(0), number(1), step};
}

/// Only these arrays, in the order named.
void select_variables(Flow& flow, const std::vector<std::string>& names) {
  std::vector<std::string> known;
  for (const astro::SkyArray& array : flow.arrays) known.push_back(array.name.empty() ? "data" : array.name);
  std::vector<astro::SkyArray> chosen;
  for (const std::string& name : names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) fail(ErrorKind::kUser, "there is no array '{}'.{} There are {}.", name, suggestion(name, known), flow.names());
    chosen.push_back(flow.arrays[static_cast<std::size_t>(found - known.begin())]);
  }
  flow.arrays = std::move(chosen);
}

std::vector<double> degrees_of(const Arguments& arguments) {
  std::vector<double> degrees;
  for (const std::string& part : arguments.list("bbox")) {
    try {
      const Quantity value = parse_quantity(part);
      degrees.push_back(value.unit.is_dimensionless() ? value.value : value.in(Unit::parse("deg")));
    } catch (const Error& error) {
      refuse("select: --bbox '{}': {}", arguments.text("bbox"), error.what());
    }
  }
  if (degrees.size() != 4) refuse("select: --bbox is LON1,LAT1,LON2,LAT2 in degrees (or with units), not '{}'.", arguments.text("bbox"));
  return degrees;
}

/// A box on the sky, on the Earth, or on the plane of a projection.
void select_bbox(Flow& flow, const std::vector<double>& box) {
  const astro::SkyArray& first = flow.arrays.front();
  if (first.wcs.has_celestial()) {
    astro::WorldBox world;
    world.longitude_low = box[0], world.longitude_high = box[2];
    world.latitude_low = std::min(box[1], box[3]), world.latitude_high = std::max(box[1], box[3]);
    flow.each({}, [&](const astro::SkyArray& array, const auto&) { return astro::subcube(array, world); });
    return;
  }
  const auto coordinate = [&](const char* name) {
    const auto found = std::find_if(first.coordinates.begin(), first.coordinates.end(), [&](const DatasetVariable& c) { return c.name == name; });
    return found == first.coordinates.end() || !found->is_dimension_coordinate() ? nullptr : &*found;
  };
  const DatasetVariable *x = coordinate("x"), *y = coordinate("y");
  if (x == nullptr || y == nullptr || x->text("standard_name") == "longitude") {
    if (first.coordinates.empty()) {
      fail(ErrorKind::kUser, "There are no longitude and latitude axes to select on: no celestial WCS, and no coordinates.");
    }
    select_box(flow, box);
    return;
  }
  const auto range = [](const DatasetVariable& of, double a, double b) {
    const CoordinateValues values = CoordinateValues::read(of);
    LabelRange out{std::min(a, b), std::max(a, b)};
    if (values.direction() < 0) std::swap(out.first, out.last);
    const CoordinateValues::Part part = values.find(out);
    if (part.begin == part.end) {
      fail(ErrorKind::kUser, "no pixel lies between {} and {} along {}, which goes from {} to {}.", std::min(a, b), std::max(a, b), of.name,
           values.numbers().front(), values.numbers().back());
    }
    return Slice{part.begin, part.end};
  };
  const Slice rows = range(*y, box[1], box[3]), columns = range(*x, box[0], box[2]);
  flow.each({}, [&](const astro::SkyArray& array, const auto&) {
    std::vector<Slice> slices(static_cast<std::size_t>(array.rank()));
    if (const auto axis = Flow::axis_of(array, "y")) slices[static_cast<std::size_t>(*axis)] = rows;
    if (const auto axis = Flow::axis_of(array, "x")) slices[static_cast<std::size_t>(*axis)] = columns;
    return astro::slice(array, slices);
  });
}

void select(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("spectral") && !arguments.has("index") && !arguments.has("bbox") && !arguments.has("var") && arguments.others().empty())
    refuse("select needs --spectral LO:HI, --time FIRST:LAST (or another axis), --index AXIS=START:STOP, --bbox LON1,LAT1,LON2,LAT2 or --var NAMES.");
  if (arguments.has("var")) select_variables(flow, arguments.list("var"));
  if (arguments.has("spectral")) {
    const auto [low, high] = quantity_range(arguments.text("spectral"));
    flow.each({}, [&](const astro::SkyArray& array, const auto&) { return astro::spectral_slab(array, low, high); });
  }
  if (!arguments.others().empty()) select_labels(flow, arguments, Match::kExact, "select");
  if (arguments.has("bbox")) select_bbox(flow, degrees_of(arguments));
  if (arguments.has("index")) {
    std::vector<std::string> axes;
    std::vector<Slice> wanted;
    for (const std::string& part : arguments.list("index")) {
      const auto equals = part.find('=');
      if (equals == std::string::npos) refuse("select: --index takes AXIS=START:STOP:STEP, as in y=0:100:2, not '{}'.", part);
      axes.push_back(trimmed(part.substr(0, equals)));
      wanted.push_back(slice_of(trimmed(part.substr(equals + 1))));
    }
    flow.each(axes, [&](const astro::SkyArray& array, const std::vector<std::string>& present) {
      std::vector<Slice> slices(static_cast<std::size_t>(array.rank()));
      for (const std::string& axis : present) {
        const auto k = static_cast<std::size_t>(std::find(axes.begin(), axes.end(), axis) - axes.begin());
        slices[static_cast<std::size_t>(array.axis(axis))] = wanted[k];
      }
      return astro::slice(array, slices);
    });
  }
}

void transpose(Flow& flow, const Arguments& arguments, Request&) {
  const std::vector<std::string> names = arguments.list("order");
  if (names.empty()) refuse("transpose needs --order, such as 2,1,0 or y,x,spectral.");
  std::vector<int> order;
  for (const std::string& name : names) order.push_back(flow.array().axis(name));
  flow.array() = astro::transpose(flow.array(), order);
}

void rechunk(Flow& flow, const Arguments& arguments, Request&) {
  const std::vector<std::string> words = arguments.list("chunks");
  if (static_cast<int>(words.size()) != flow.array().rank())
    refuse("rechunk needs --chunks with an extent for each of the {} axes, such as 1000,100,100; -1 is the whole axis, auto is left to Freestone.",
           flow.array().rank());
  std::vector<Index> chunks;
  for (const std::string& word : words) {
    chunks.push_back(word == "auto" ? kAutoChunk : parse_integer(word, "rechunk: --chunks"));
    if (word != "auto" && chunks.back() < 1 && chunks.back() != kWholeAxis) refuse("rechunk: --chunks '{}' is no extent.", word);
  }
  flow.array().data = freestone::rechunk(flow.array().data, chunks);
}

}  // namespace

std::vector<StepRow> part_steps() {
  return {
      {"select",
       "",
       "a part: by labels, by spectral coordinates, by positions, by a box on the sky or the Earth, by names",
       "cube.fits ! select --spectral 7101:7165 --index y=0:100:2 ! write part.fits",
       false,
       {{"spectral", "LO:HI", "channels whose centre lies within; with units (100km/s:200km/s) or in the axis' own"},
        {"index", "AXIS=START:STOP:STEP,...", "positions as Python counts them; AXIS=N drops the axis"},
        {"bbox", "LON1,LAT1,LON2,LAT2", "degrees, or with units (from the first longitude eastward); of a projected raster x and y"},
        {"var", "NAMES", "of a dataset: these arrays, by comma"},
        {"DIM", "LABELS", "of any axis (also time, lat, lon, level): a label, FIRST:LAST with both ends, or several by comma; --time 2001-01:2001-12",
         {}, false, true}},
       select},
      {"transpose",
       "",
       "axes in another order",
       "cube.fits ! transpose --order 2,1,0 ! write turned.fits",
       false,
       {{"order", "AXES", "numbers or names, by comma"}},
       transpose},
      {"rechunk",
       "",
       "other chunks, for formats that have them; through a temporary store when no tile fits both",
       "big.zarr ! rechunk --chunks 1000,100,100 ! write out.zarr",
       false,
       {{"chunks", "N,N,...", "an extent an axis; -1: the whole axis, auto: about 4 MiB a chunk"}},
       rechunk},
  };
}

}  // namespace freestone::cli
