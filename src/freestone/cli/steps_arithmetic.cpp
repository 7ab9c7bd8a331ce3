#include <algorithm>
#include <limits>

#include "freestone/astro/spectral_axis.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/expression.h"
#include "freestone/cli/step.h"
#include "freestone/ops/elementwise.h"

namespace freestone::cli {
namespace {

/// What names in an expression mean: the arrays that flow, by name, the bands of the only one, and those of --with.
std::map<std::string, astro::SkyArray> names_in(const Flow& flow, const Request& request) {
  std::map<std::string, astro::SkyArray> named;
  if (!flow.is_dataset()) named = bands_by_name(flow.arrays.front());
  for (const astro::SkyArray& array : flow.arrays)
    if (!array.name.empty()) named[array.name] = array;
  for (const auto& [name, array] : request.named()) named[name] = array;
  if (flow.is_dataset()) named.erase("x");
  return named;
}

/// With several arrays `x` is none of them.
ExpressionResult evaluated(const std::string& text, const Flow& flow, const Request& request) {
  return evaluate(text, flow.arrays.front(), names_in(flow, request), !flow.is_dataset());
}

/// The coordinates of all arrays that fit axes of these names and lengths.
std::vector<DatasetVariable> fitting_coordinates(const Flow& flow, const ExpressionResult& result) {
  std::vector<DatasetVariable> out;
  const auto is_there = [&](const DatasetVariable& c) { return std::any_of(out.begin(), out.end(), [&](const auto& o) { return o.name == c.name; }); };
  for (const astro::SkyArray& array : flow.arrays) {
    for (const DatasetVariable& coordinate : array.coordinates) {
      bool fits = !is_there(coordinate);
      for (std::size_t k = 0; k < coordinate.dims.size(); ++k) {
        if (std::find(array.dims.begin(), array.dims.end(), coordinate.dims[k]) == array.dims.end()) continue;  // the corners of bounds
        const auto at = std::find(result.dims.begin(), result.dims.end(), coordinate.dims[k]);
        fits = fits && at != result.dims.end() && result.data.shape()[static_cast<int>(at - result.dims.begin())] == coordinate.array.shape()[static_cast<int>(k)];
      }
      if (fits) out.push_back(coordinate);
    }
  }
  return out;
}

bool says_nodata(const astro::SkyArray& array) { return nodata_of(array.attributes).has_value(); }

/// Of a raster its image keeps what is no bands'; of other arrays, where it lies.
std::vector<formats::Attribute> attributes_of_place(const astro::SkyArray& x, const std::vector<std::string>& dims) {
  const bool has_pixels = dims.size() >= 2 && x.dims.size() >= 2 && std::equal(dims.end() - 2, dims.end(), x.dims.end() - 2);
  const bool is_raster = std::any_of(x.attributes.begin(), x.attributes.end(),
                                     [](const auto& a) { return a.key == "GeoTransform" || a.key == "GeoKeyDirectory"; });
  if (has_pixels && is_raster) return attributes_of_image(x);
  std::vector<formats::Attribute> out;
  for (const formats::Attribute& attribute : x.attributes)
    if (attribute.key == "grid_mapping" || attribute.key == "crs" || (attribute.key == "GeoTransform" && dims.size() >= 2))
      out.push_back(attribute);
  return out;
}

/// Where an operand has missing pixels the result has: NaN. Integers and what is true or false have none.
void say_missing(astro::SkyArray& out, const Flow& flow, const Request& request) {
  bool any = std::any_of(flow.arrays.begin(), flow.arrays.end(), says_nodata);
  for (const auto& [name, array] : request.named()) any = any || says_nodata(array);
  std::erase_if(out.attributes, [](const formats::Attribute& a) { return a.key == "nodata" || a.key == "_FillValue"; });
  if (any && is_floating(out.data.dtype())) out.attributes.push_back({"nodata", std::numeric_limits<double>::quiet_NaN(), ""});
}

void calc(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string text = arguments.text("expr");
  if (text.empty()) refuse("calc needs --expr, such as --expr 'x - c'.");
  const ExpressionResult result = evaluated(text, flow, request);
  const astro::SkyArray x = flow.arrays.front();
  astro::SkyArray out;
  if (!flow.is_dataset() && result.dims == x.dims && result.data.shape() == x.data.shape()) {
    out = x;
    out.data = result.data;
    out.attributes = attributes_of_pixels(x);
  } else {
    // What is left of the axes keeps its place in the world.
    out.data = result.data, out.dims = result.dims, out.header = x.header, out.beam = x.beam;
    std::vector<int> kept;
    bool known = x.wcs.rank() == x.rank();
    for (std::size_t k = 0; k < result.dims.size(); ++k) {
      const auto found = std::find(x.dims.begin(), x.dims.end(), result.dims[k]);
      known = known && found != x.dims.end();
      if (!known) break;
      kept.push_back(static_cast<int>(found - x.dims.begin()));
      known = x.data.shape()[kept.back()] == result.data.shape()[static_cast<int>(k)];
    }
    if (known) out.wcs = x.wcs.keep_axes(kept);
    out.coordinates = fitting_coordinates(flow, result);
    out.attributes = attributes_of_place(x, out.dims);
    out.name = flow.is_dataset() ? "result" : x.name;
  }
  say_missing(out, flow, request);
  flow.nodata.reset();
  if (arguments.has("name")) out.name = arguments.text("name");
  const bool is_new = arguments.has("name") || flow.is_dataset();
  if (is_new) std::erase_if(out.attributes, [](const formats::Attribute& a) { return a.key == "standard_name" || a.key == "long_name" || a.key == "cell_methods"; });
  if (is_new) out.attributes.push_back({"long_name", text, ""});
  out.unit = arguments.has("unit") ? arguments.parsed("unit", [](const std::string& unit) { return Unit::parse_or_opaque(unit); }) : result.unit;
  flow.arrays = {std::move(out)};
  flow.label = text;
}

/// What does not fulfil `text` becomes `other`.
void keep_where(Flow& flow, const std::string& text, const std::string& other, const std::string& step, const Request& request) {
  const auto named = names_in(flow, request);
  for (astro::SkyArray& array : flow.arrays) {
    evaluate(text, array, named);  // mistakes are shown in the text as it was typed
    const ExpressionResult kept = evaluate("where(" + text + ", x, " + other + ")", array, named);
    if (kept.dims != array.dims || kept.data.shape() != array.data.shape())
      fail(ErrorKind::kUser, "{}: '{}' has the shape {}, which does not fit into {}.", step, text, to_string(kept.data.shape()), to_string(array.data.shape()));
    array.data = kept.data;
  }
}

void mask(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string text = arguments.text("where");
  if (text.empty()) refuse("mask needs --where, such as --where 'x > 3*rms'.");
  keep_where(flow, text, "nan", "mask", request);
}

void where_step(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string text = arguments.text("expr");
  if (text.empty()) refuse("where needs --expr, such as --expr 'x > 0'.");
  keep_where(flow, text, arguments.has("other") ? "(" + arguments.text("other") + ")" : "nan", "where", request);
}

/// Degrees of temperature, which have another zero than kelvin: kelvins = scale * number + zero.
struct Temperature {
  double scale, zero;
};
std::optional<Temperature> temperature_of(const std::string& unit) {
  static const std::pair<const char*, Temperature> kScales[] = {
      {"K", {1, 0}},           {"kelvin", {1, 0}},      {"degC", {1, 273.15}},    {"Celsius", {1, 273.15}}, {"celsius", {1, 273.15}},
      {"deg_C", {1, 273.15}},  {"degree_C", {1, 273.15}}, {"degrees_C", {1, 273.15}}, {"degree_Celsius", {1, 273.15}}, {"degrees_Celsius", {1, 273.15}},
      {"degree_celsius", {1, 273.15}}, {"degrees_celsius", {1, 273.15}}, {"deg C", {1, 273.15}}, {"DEG C", {1, 273.15}},
      {"degF", {5.0 / 9, 459.67 * 5 / 9}}, {"Fahrenheit", {5.0 / 9, 459.67 * 5 / 9}}, {"degree_Fahrenheit", {5.0 / 9, 459.67 * 5 / 9}},
      {"degrees_Fahrenheit", {5.0 / 9, 459.67 * 5 / 9}}};
  for (const auto& [name, scale] : kScales)
    if (unit == name) return scale;
  return std::nullopt;
}

/// As the user has it, where attributes say the unit.
void spell_unit(astro::SkyArray& array, const std::string& text) {
  for (formats::Attribute& attribute : array.attributes)
    if (attribute.key == "units") attribute.value = text;
}

void to_units(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("unit")) refuse("to-units needs --unit, such as K or mJy/beam.");
  flow.nodata.reset();
  const std::string text = arguments.text("unit");
  const auto to = temperature_of(text);
  const Unit unit = to ? Unit::parse_or_opaque(text) : arguments.parsed("unit", [](const std::string& t) { return Unit::parse(t); });
  flow.each({}, [&](const astro::SkyArray& array, const auto&) {
    const auto from = temperature_of(array.unit.to_string());
    if (!to || !from) {
      if (!to) {
        astro::SkyArray out = astro::to(array, unit);
        spell_unit(out, text);
        return out;
      }
      fail(ErrorKind::kUser, "'{}' is no temperature: it does not convert to {}.", array.unit.to_string(), text);
    }
    astro::SkyArray out = array;
    const double zero = (from->zero - to->zero) / to->scale;
    if (from->scale != to->scale) out.data = out.data * (from->scale / to->scale);
    if (zero != 0) out.data = out.data + zero;
    out.unit = unit;
    spell_unit(out, text);
    return out;
  });
}

void to_spectral(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("unit")) refuse("to-spectral needs --unit, such as km/s, GHz or Angstrom.");
  astro::SpectralTarget target;
  target.unit = arguments.parsed("unit", [](const std::string& text) { return Unit::parse(text); });
  if (arguments.has("convention")) target.convention = astro::parse_velocity_convention(arguments.text("convention"));
  if (arguments.has("rest")) target.rest = arguments.parsed("rest", [](const std::string& text) { return parse_quantity(text); });
  flow.array() = astro::with_spectral_unit(flow.array(), target);
}

}  // namespace

std::vector<StepRow> arithmetic_steps() {
  return {
      {"calc",
       "",
       "arithmetic: x is the only input, variables of a dataset and bands of a raster (b1, b2 or by name) have their names, others come from --with; functions of the elementwise table, reductions",
       "cube.fits --with c=continuum.fits ! calc --expr 'x - c' ! write line.fits",
       false,
       {{"expr", "EXPRESSION", "such as '(x - c) / sqrt(x)' or 'x / mean(x, axis=spectral)'"},
        {"unit", "UNIT", "of the result (default: as the expression gives it)"},
        {"name", "NAME", "of the result (default: the input's, or result)"}},
       calc},
      {"mask",
       "",
       "what does not fulfil a condition becomes NaN",
       "cube.fits ! mask --where 'x > 3*rms' ! moment --order 1 ! write velocity.fits",
       false,
       {{"where", "CONDITION", "such as 'x > 3*rms' or 'isfinite(x) and c > 0'"}},
       mask},
      {"where",
       "",
       "the values where a condition holds, and others elsewhere (default: NaN)",
       "cube.fits ! where --expr 'x > 0' --other 0 ! sum --axis spectral ! write positive.fits",
       false,
       {{"expr", "CONDITION", "such as 'x > 3*rms' or 'isfinite(x) and c > 0'"}, {"other", "EXPRESSION", "what stands elsewhere: a number, or such as 'c' of --with"}},
       where_step},
      {"to-units",
       "",
       "values in another unit; between Jy/beam and K by the beam",
       "cube.fits ! to-units --unit K ! write kelvin.fits",
       false,
       {{"unit", "UNIT", "FITS or astropy spelling; degC and degF too"}},
       to_units},
      {"to-spectral",
       "",
       "the spectral axis in another unit or quantity",
       "cube.fits ! to-spectral --unit km/s --convention radio --rest 115.27GHz ! moment --order 1 ! write velocity.fits",
       false,
       {{"unit", "UNIT", "of frequency, wavelength or velocity"},
        {"convention", "NAME", "of velocities: radio, optical, relativistic", {"radio", "optical", "relativistic"}},
        {"rest", "VALUE", "rest frequency or wavelength, with unit (default: the header's)"}},
       to_spectral},
  };
}

}  // namespace freestone::cli
