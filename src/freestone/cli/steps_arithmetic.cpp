#include "freestone/astro/spectral_axis.h"
#include "freestone/astro/spectral_cube.h"
#include "freestone/cli/expression.h"
#include "freestone/cli/step.h"
#include "freestone/ops/elementwise.h"

namespace freestone::cli {
namespace {

void calc(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string text = arguments.text("expr");
  if (text.empty()) refuse("calc needs --expr, such as --expr 'x - c'.");
  const ExpressionResult result = evaluate(text, flow.array, request.named());
  if (result.dims == flow.array.dims && result.data.shape() == flow.array.data.shape()) {
    flow.array.data = result.data;
  } else {
    // What is left of the axes keeps its place in the world.
    astro::SkyArray other;
    other.data = result.data, other.dims = result.dims, other.header = flow.array.header, other.beam = flow.array.beam;
    std::vector<int> kept;
    bool known = flow.array.wcs.rank() == flow.array.rank();
    for (std::size_t k = 0; k < result.dims.size(); ++k) {
      const auto found = std::find(flow.array.dims.begin(), flow.array.dims.end(), result.dims[k]);
      known = known && found != flow.array.dims.end();
      if (!known) break;
      kept.push_back(static_cast<int>(found - flow.array.dims.begin()));
      known = flow.array.data.shape()[kept.back()] == result.data.shape()[static_cast<int>(k)];
    }
    if (known) other.wcs = flow.array.wcs.keep_axes(kept);
    flow.array = std::move(other);
  }
  flow.array.unit =
      arguments.has("unit") ? arguments.parsed("unit", [](const std::string& unit) { return Unit::parse(unit); }) : result.unit;
  flow.label = text;
}

void mask(Flow& flow, const Arguments& arguments, Request& request) {
  const std::string text = arguments.text("where");
  if (text.empty()) refuse("mask needs --where, such as --where 'x > 3*rms'.");
  evaluate(text, flow.array, request.named());  // mistakes are shown in the text as it was typed
  const ExpressionResult kept = evaluate("where(" + text + ", x, nan)", flow.array, request.named());
  if (kept.dims != flow.array.dims || kept.data.shape() != flow.array.data.shape())
    fail(ErrorKind::kUser, "mask: '{}' has the shape {}, which does not fit into {}.", text, to_string(kept.data.shape()),
         to_string(flow.array.data.shape()));
  flow.array.data = kept.data;
}

void to_units(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("unit")) refuse("to-units needs --unit, such as K or mJy/beam.");
  const Unit unit = arguments.parsed("unit", [](const std::string& text) { return Unit::parse(text); });
  flow.array = astro::to(flow.array, unit);
}

void to_spectral(Flow& flow, const Arguments& arguments, Request&) {
  if (!arguments.has("unit")) refuse("to-spectral needs --unit, such as km/s, GHz or Angstrom.");
  astro::SpectralTarget target;
  target.unit = arguments.parsed("unit", [](const std::string& text) { return Unit::parse(text); });
  if (arguments.has("convention")) target.convention = astro::parse_velocity_convention(arguments.text("convention"));
  if (arguments.has("rest")) target.rest = arguments.parsed("rest", [](const std::string& text) { return parse_quantity(text); });
  flow.array = astro::with_spectral_unit(flow.array, target);
}

}  // namespace

std::vector<StepRow> arithmetic_steps() {
  return {
      {"calc",
       "",
       "arithmetic: x is the input, other names come from --with; functions of the elementwise table, reductions",
       "cube.fits --with c=continuum.fits ! calc --expr 'x - c' ! write line.fits",
       false,
       {{"expr", "EXPRESSION", "such as '(x - c) / sqrt(x)' or 'x / mean(x, axis=spectral)'"},
        {"unit", "UNIT", "of the result (default: as the expression gives it)"}},
       calc},
      {"mask",
       "",
       "what does not fulfil a condition becomes NaN",
       "cube.fits ! mask --where 'x > 3*rms' ! moment --order 1 ! write velocity.fits",
       false,
       {{"where", "CONDITION", "such as 'x > 3*rms' or 'isfinite(x) and c > 0'"}},
       mask},
      {"to-units",
       "",
       "values in another unit; between Jy/beam and K by the beam",
       "cube.fits ! to-units --unit K ! write kelvin.fits",
       false,
       {{"unit", "UNIT", "FITS or astropy spelling"}},
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
