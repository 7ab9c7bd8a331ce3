#include "freestone/cli/picture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "freestone/watch/ticks.h"

namespace freestone::cli {
namespace {

constexpr int kWantedTicks = 5;
constexpr double kSecond = 1.0 / 3600;

/// Round steps of a sexagesimal axis, in degrees: of time for hours (15 degrees each), of arc otherwise.
double sexagesimal_step(double span_degrees, bool hours) {
  static constexpr double kSteps[] = {1,    2,    5,    10,   15,    20,    30,    60,    120,    300,    600,   900,
                                      1200, 1800, 3600, 7200, 10800, 21600, 36000, 54000, 108000, 162000, 324000};
  const double unit = hours ? 15 * kSecond : kSecond;
  const double wanted = span_degrees / kWantedTicks / unit;
  if (wanted < 1) {
    const double power = std::pow(10, std::floor(std::log10(wanted)));
    for (const double m : {1.0, 2.0, 5.0, 10.0})
      if (m * power >= wanted) return m * power * unit;
  }
  for (const double step : kSteps)
    if (step >= wanted) return step * unit;
  return 324000 * unit;
}

std::string axis_title(const astro::Wcs& wcs, int axis) {
  const std::string& ctype = wcs.ctype(axis);
  if (ctype.rfind("RA", 0) == 0) return "Right ascension";
  if (ctype.rfind("DEC", 0) == 0) return "Declination";
  if (ctype.rfind("GLON", 0) == 0) return "Galactic longitude";
  if (ctype.rfind("GLAT", 0) == 0) return "Galactic latitude";
  std::string name = wcs.name(axis);
  const std::string unit = wcs.unit(axis).to_string();
  if (name.empty() && unit.empty()) return "";
  return unit.empty() ? name : fmt::format("{} ({})", name, unit);
}

/// World coordinate `axis` at `count` pixels from -0.5 to n - 0.5 along it, other axes at their first edge; longitudes made continuous.
std::vector<double> world_along(const astro::SkyArray& array, int axis, int count) {
  const int rank = array.wcs.rank();
  const auto n = static_cast<double>(array.data.shape()[axis]);
  std::vector<double> pixels;
  for (int k = 0; k < count; ++k)
    for (int a = 0; a < rank; ++a)
      pixels.push_back(a == axis ? -0.5 + n * k / (count - 1) : array.wcs.kind(a) == astro::WorldKind::kSpectral ? 0 : -0.5);
  const std::vector<double> world = array.wcs.pixel_to_world(pixels);
  std::vector<double> along;
  for (int k = 0; k < count; ++k) along.push_back(world[static_cast<std::size_t>(k * rank + axis)]);
  if (array.wcs.kind(axis) == astro::WorldKind::kLongitude)
    for (std::size_t k = 1; k < along.size(); ++k) along[k] -= 360 * std::round((along[k] - along[k - 1]) / 360);
  return along;
}

}  // namespace

std::string sexagesimal(double degrees, bool hours, double step_degrees) {
  const double unit = hours ? 15 : 1;
  const double step_seconds = step_degrees / unit * 3600;
  const int decimals = step_seconds >= 0.99 ? 0 : static_cast<int>(std::ceil(-std::log10(step_seconds) - 1e-9));
  const double scale = std::pow(10, decimals);
  double value = degrees / unit;
  if (hours) value -= 24 * std::floor(value / 24);
  auto ticks = std::llround(std::abs(value) * 3600 * scale);
  const auto per_second = std::llround(scale);
  if (hours) ticks %= 24 * 3600 * per_second;
  const auto fraction = ticks % per_second, seconds = ticks / per_second % 60, minutes = ticks / per_second / 60 % 60,
             whole = ticks / per_second / 3600;
  std::string text = hours ? "" : value < 0 && ticks > 0 ? "\u2212" : "+";
  text += fmt::format("{}{}", whole, hours ? "h" : "\u00b0");
  if (step_seconds < 3599) text += fmt::format("{:02}{}", minutes, hours ? "m" : "\u2032");
  if (step_seconds < 59.9)
    text += decimals > 0 ? fmt::format("{:02}.{:0{}}{}", seconds, fraction, decimals, hours ? "s" : "\u2033")
                         : fmt::format("{:02}{}", seconds, hours ? "s" : "\u2033");
  return text;
}

watch::PlotAxis plot_axis(const astro::SkyArray& array, int axis) {
  watch::PlotAxis result;
  result.label = array.dims[static_cast<std::size_t>(axis)] + " (pixel)";
  if (array.wcs.rank() != array.rank()) return result;
  const auto kind = array.wcs.kind(axis);
  constexpr int kSamples = 513;
  const std::vector<double> world = world_along(array, axis, kSamples);
  for (std::size_t k = 1; k < world.size(); ++k) {
    const bool runs = std::isfinite(world[k]) && std::isfinite(world[k - 1]) && (world[k] - world[k - 1]) * (world[1] - world[0]) > 0;
    if (!runs) return result;  // labels would be wrong somewhere; pixels are always right
  }
  const auto [low, high] = std::minmax(world.front(), world.back());
  const bool sky = kind == astro::WorldKind::kLongitude || kind == astro::WorldKind::kLatitude;
  const bool equatorial = array.wcs.ctype(axis).rfind("RA", 0) == 0 || array.wcs.ctype(axis).rfind("DEC", 0) == 0;
  const bool hours = equatorial && kind == astro::WorldKind::kLongitude;
  const std::string title = axis_title(array.wcs, axis);
  if (title.empty()) return result;
  std::vector<double> values;
  std::vector<std::string> labels;
  if (sky && equatorial) {
    const double step = sexagesimal_step(high - low, hours);
    for (double tick = std::ceil(low / step - 1e-9); tick * step <= high + 1e-9 * step; ++tick) {
      values.push_back(tick * step);
      labels.push_back(sexagesimal(tick * step, hours, step));
    }
    result.label = title;
  } else {
    values = watch::nice_ticks(low, high, kWantedTicks);
    const watch::TickLabels made = watch::tick_labels(values);
    labels = made.labels;
    result.label = title + (sky ? " (deg)" : "") + (made.exponent != 0 ? fmt::format(" \u00d7 10^{}", made.exponent) : "");
  }
  const auto n = static_cast<double>(array.data.shape()[axis]);
  for (std::size_t t = 0; t < values.size(); ++t) {
    for (std::size_t k = 1; k < world.size(); ++k) {
      const double a = world[k - 1], b = world[k];
      if (!((a <= values[t] && values[t] <= b) || (b <= values[t] && values[t] <= a))) continue;
      result.ticks.push_back({-0.5 + n / (kSamples - 1) * (static_cast<double>(k - 1) + (values[t] - a) / (b - a)), labels[t]});
      break;
    }
  }
  if (result.ticks.empty()) result.label = array.dims[static_cast<std::size_t>(axis)] + " (pixel)";
  return result;
}

namespace {

std::optional<watch::PlotBeam> plot_beam(const astro::SkyArray& array) {
  if (!array.beam || !array.beam->is_valid() || array.wcs.rank() != 2 || array.wcs.kind(0) != astro::WorldKind::kLatitude ||
      !array.wcs.has_celestial())
    return std::nullopt;
  const double scale = array.wcs.pixel_scale();
  const std::vector<double> east = world_along(array, 1, 3);
  const bool east_is_left = east.back() < east.front();
  return watch::PlotBeam{array.beam->major_deg / scale, array.beam->minor_deg / scale,
                         east_is_left ? array.beam->pa_deg : -array.beam->pa_deg};
}

}  // namespace

void draw(const astro::SkyArray& array, std::span<const double> values, const PictureStyle& style) {
  const std::string unit = array.unit.to_string();
  const std::string value_label = unit.empty() ? style.label : fmt::format("{} ({})", style.label, unit);
  if (array.rank() == 1) {
    const Index n = array.data.shape()[0];
    std::vector<double> x(static_cast<std::size_t>(n));
    std::iota(x.begin(), x.end(), 0);
    std::string x_label = array.dims[0] + " (pixel)";
    if (array.wcs.rank() == 1 && array.wcs.kind(0) == astro::WorldKind::kSpectral)
      x = array.wcs.spectral_values(n), x_label = axis_title(array.wcs, 0);
    watch::plot_line({.x = x, .y = values, .title = style.title, .x_label = x_label, .y_label = value_label, .range = style.range},
                     style.path, style.overwrite);
    return;
  }
  watch::ImagePlot plot;
  plot.values = values;
  plot.rows = array.data.shape()[0], plot.columns = array.data.shape()[1];
  plot.title = style.title, plot.value_label = value_label;
  plot.color_map = style.color_map, plot.range = style.range;
  plot.y = plot_axis(array, 0), plot.x = plot_axis(array, 1);
  plot.beam = plot_beam(array);
  watch::plot_image(plot, style.path, style.overwrite);
}

}  // namespace freestone::cli
