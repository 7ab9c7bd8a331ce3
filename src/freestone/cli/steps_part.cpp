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

void select(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("spectral") && !arguments.has("index") && !arguments.has("bbox"))
    refuse("select needs --spectral LO:HI, --index AXIS=START:STOP or --bbox LON1,LAT1,LON2,LAT2.");
  if (arguments.has("spectral")) {
    const auto [low, high] = quantity_range(arguments.text("spectral"));
    flow.array = astro::spectral_slab(flow.array, low, high);
  }
  if (arguments.has("bbox")) {
    std::vector<double> degrees;
    for (const std::string& part : arguments.list("bbox")) {
      const Quantity value = [&] {
        try {
          Quantity parsed = parse_quantity(part);
          if (parsed.unit.is_dimensionless()) parsed.unit = Unit::parse("deg");
          return Quantity{parsed.in(Unit::parse("deg")), Unit::parse("deg")};
        } catch (const Error& error) {
          refuse("select: --bbox '{}': {}", arguments.text("bbox"), error.what());
        }
      }();
      degrees.push_back(value.value);
    }
    if (degrees.size() != 4) refuse("select: --bbox is LON1,LAT1,LON2,LAT2 in degrees (or with units), not '{}'.", arguments.text("bbox"));
    astro::WorldBox box;
    box.longitude_low = degrees[0], box.longitude_high = degrees[2];
    box.latitude_low = std::min(degrees[1], degrees[3]), box.latitude_high = std::max(degrees[1], degrees[3]);
    flow.array = astro::subcube(flow.array, box);
  }
  if (arguments.has("index")) {
    std::vector<Slice> slices(static_cast<std::size_t>(flow.array.rank()));
    for (const std::string& part : arguments.list("index")) {
      const auto equals = part.find('=');
      if (equals == std::string::npos) refuse("select: --index takes AXIS=START:STOP:STEP, as in y=0:100:2, not '{}'.", part);
      slices[static_cast<std::size_t>(flow.array.axis(trimmed(part.substr(0, equals))))] = slice_of(trimmed(part.substr(equals + 1)));
    }
    flow.array = astro::slice(flow.array, slices);
  }
}

void transpose(Flow& flow, const Arguments& arguments, Request&) {
  const std::vector<std::string> names = arguments.list("order");
  if (names.empty()) refuse("transpose needs --order, such as 2,1,0 or y,x,spectral.");
  std::vector<int> order;
  for (const std::string& name : names) order.push_back(flow.array.axis(name));
  flow.array = astro::transpose(flow.array, order);
}

void rechunk(Flow& flow, const Arguments& arguments, Request&) {
  const std::vector<std::string> words = arguments.list("chunks");
  if (static_cast<int>(words.size()) != flow.array.rank())
    refuse("rechunk needs --chunks with an extent for each of the {} axes, such as 1000,100,100; -1 is the whole axis, auto is left to Freestone.",
           flow.array.rank());
  std::vector<Index> chunks;
  for (const std::string& word : words) {
    chunks.push_back(word == "auto" ? kAutoChunk : parse_integer(word, "rechunk: --chunks"));
    if (word != "auto" && chunks.back() < 1 && chunks.back() != kWholeAxis) refuse("rechunk: --chunks '{}' is no extent.", word);
  }
  flow.array.data = freestone::rechunk(flow.array.data, chunks);
}

}  // namespace

std::vector<StepRow> part_steps() {
  return {
      {"select",
       "",
       "a part: by spectral coordinates, by positions, by a box on the sky",
       "cube.fits ! select --spectral 7101:7165 --index y=0:100:2 ! write part.fits",
       false,
       {{"spectral", "LO:HI", "channels whose centre lies within; with units (100km/s:200km/s) or in the axis' own"},
        {"index", "AXIS=START:STOP:STEP,...", "positions as Python counts them; AXIS=N drops the axis"},
        {"bbox", "LON1,LAT1,LON2,LAT2", "degrees, or with units"}},
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
