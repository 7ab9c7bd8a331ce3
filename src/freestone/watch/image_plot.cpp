#include "freestone/watch/image_plot.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numbers>

#include "freestone/base/error.h"
#include "freestone/watch/canvas.h"
#include "freestone/watch/color_map.h"
#include "freestone/watch/ticks.h"

namespace freestone::watch {
namespace {

constexpr Rgb kInk = {0x26, 0x2a, 0x33}, kFaint = {0x6a, 0x70, 0x7c}, kRule = {0xe6, 0xe8, 0xec}, kNoData = {0xd9, 0xdb, 0xdf},
              kLine = {0x1f, 0x6f, 0xb2};
constexpr double kTitleSize = 17, kLabelSize = 14, kTickSize = 12.5, kTickLength = 6, kMargin = 22;
constexpr Index kLargestSide = 1000, kEnlargeTo = 800, kLeastSide = 160;

/// The image as it is drawn: averaged or enlarged by whole numbers, each axis its own.
struct Raster {
  Index rows, columns;              ///< after averaging
  Index block_rows, block_columns;  ///< source pixels averaged into one
  Index pixel_height, pixel_width;  ///< screen pixels of one
  std::vector<double> values;
  double width() const { return static_cast<double>(columns * pixel_width); }
  double height() const { return static_cast<double>(rows * pixel_height); }
  /// Screen distance from the left (or from the first row's outer edge) of a zero-based source pixel.
  double x(double pixel) const { return (pixel + 0.5) / static_cast<double>(block_columns) * static_cast<double>(pixel_width); }
  double y(double pixel) const { return (pixel + 0.5) / static_cast<double>(block_rows) * static_cast<double>(pixel_height); }
};

Raster raster_of(const ImagePlot& plot) {
  Raster raster{};
  const Index longest = std::max(plot.rows, plot.columns);
  const Index block = (longest + kLargestSide - 1) / kLargestSide;
  const Index enlarge = block > 1 ? 1 : std::max<Index>(1, kEnlargeTo / longest);
  raster.block_rows = std::min(block, plot.rows), raster.block_columns = std::min(block, plot.columns);
  raster.pixel_height = raster.pixel_width = enlarge;
  // Something long and thin would be drawn as a thread: its short side is averaged less and enlarged more.
  if (plot.rows < plot.columns) {
    if (plot.rows / raster.block_rows * enlarge < kLeastSide) {
      raster.block_rows = std::max<Index>(1, plot.rows / kLeastSide);
      raster.pixel_height = std::max(enlarge, kLeastSide / (plot.rows / raster.block_rows));
    }
  } else if (plot.columns / raster.block_columns * enlarge < kLeastSide) {
    raster.block_columns = std::max<Index>(1, plot.columns / kLeastSide);
    raster.pixel_width = std::max(enlarge, kLeastSide / (plot.columns / raster.block_columns));
  }
  raster.rows = (plot.rows + raster.block_rows - 1) / raster.block_rows;
  raster.columns = (plot.columns + raster.block_columns - 1) / raster.block_columns;

  std::vector<double> sums(static_cast<std::size_t>(raster.rows * raster.columns));
  std::vector<std::int32_t> counts(sums.size());
  for (Index row = 0; row < plot.rows; ++row) {
    for (Index column = 0; column < plot.columns; ++column) {
      const double value = plot.values[static_cast<std::size_t>(row * plot.columns + column)];
      if (!std::isfinite(value)) continue;
      const auto at = static_cast<std::size_t>(row / raster.block_rows * raster.columns + column / raster.block_columns);
      sums[at] += value;
      ++counts[at];
    }
  }
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = counts[i] > 0 ? sums[i] / counts[i] : std::nan("");
  raster.values = std::move(sums);
  return raster;
}

void paint(Canvas& canvas, const Raster& raster, const ColorMap& map, ValueRange range, bool y_up, double left, double top) {
  const int width = static_cast<int>(raster.width()), height = static_cast<int>(raster.height());
  cairo_surface_t* image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
  unsigned char* pixels = cairo_image_surface_get_data(image);
  if (pixels == nullptr) {
    cairo_surface_destroy(image);
    fail(ErrorKind::kMemory, "A picture of {} x {} pixels does not fit in memory.", width, height);
  }
  const int stride = cairo_image_surface_get_stride(image);
  for (int y = 0; y < height; ++y) {
    const Index from_top = y / raster.pixel_height;
    const Index row = y_up ? raster.rows - 1 - from_top : from_top;
    auto* line = reinterpret_cast<std::uint32_t*>(pixels + static_cast<std::ptrdiff_t>(y) * stride);
    for (int x = 0; x < width; ++x) {
      const double value = raster.values[static_cast<std::size_t>(row * raster.columns + x / raster.pixel_width)];
      const Rgb color = std::isfinite(value) ? map.at((value - range.lo) / (range.hi - range.lo)) : kNoData;
      line[x] = static_cast<std::uint32_t>(color.red << 16 | color.green << 8 | color.blue);
    }
  }
  cairo_surface_mark_dirty(image);
  cairo_set_source_surface(canvas.cairo(), image, left, top);
  cairo_paint(canvas.cairo());
  cairo_surface_destroy(image);
}

/// The caller's ticks that lie on the image, or round pixel numbers.
std::vector<AxisTick> ticks_of(const PlotAxis& axis, Index pixels, int wanted) {
  std::vector<AxisTick> ticks;
  const double last = static_cast<double>(pixels) - 0.5;
  if (!axis.ticks.empty()) {
    for (const AxisTick& tick : axis.ticks) {
      if (tick.pixel >= -0.5 && tick.pixel <= last) ticks.push_back(tick);
    }
    return ticks;
  }
  for (const double tick : nice_ticks(0, static_cast<double>(pixels - 1), wanted)) {
    if (tick == std::floor(tick)) ticks.push_back({tick, fmt::format("{:.0f}", tick)});
  }
  return ticks;
}

double widest(Canvas& canvas, const std::vector<std::string>& labels) {
  double width = 0;
  for (const std::string& label : labels) width = std::max(width, canvas.measure(label).width);
  return width;
}

std::string power_of_ten(int exponent) {
  constexpr const char* kDigits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = "×10";
  if (exponent < 0) text += "⁻";
  for (const char digit : std::to_string(std::abs(exponent))) text += kDigits[digit - '0'];
  return text;
}

void draw_beam(Canvas& canvas, const PlotBeam& beam, const Raster& raster, double left, double bottom) {
  const double scale_x = static_cast<double>(raster.pixel_width) / static_cast<double>(raster.block_columns);
  const double scale_y = static_cast<double>(raster.pixel_height) / static_cast<double>(raster.block_rows);
  const double reach_x = beam.major * scale_x / 2, reach_y = beam.major * scale_y / 2;
  // A beam of a good part of the image hides what it should help to read.
  if (!(reach_x * 4 < raster.width() && reach_y * 4 < raster.height()) || !(beam.minor > 0)) return;
  cairo_t* cairo = canvas.cairo();
  cairo_save(cairo);
  cairo_translate(cairo, left + reach_x + 10, bottom - reach_y - 10);
  cairo_scale(cairo, scale_x, scale_y);
  cairo_rotate(cairo, -beam.angle_degrees * std::numbers::pi / 180);
  cairo_scale(cairo, beam.minor / 2, beam.major / 2);
  cairo_arc(cairo, 0, 0, 1, 0, 2 * std::numbers::pi);
  cairo_restore(cairo);
  cairo_set_source_rgba(cairo, 1, 1, 1, 0.85);
  cairo_fill_preserve(cairo);
  canvas.color(kInk);
  cairo_stroke(cairo);
}

void draw_color_bar(Canvas& canvas, const ColorMap& map, double left, double top, double width, double height) {
  for (int y = 0; y < static_cast<int>(height); ++y) {
    canvas.color(map.at(1 - (y + 0.5) / height));
    cairo_rectangle(canvas.cairo(), left, top + y, width, 1);
    cairo_fill(canvas.cairo());
  }
  canvas.color(kInk);
  canvas.frame(left, top, width, height);
}

double parse_side(std::string_view text, const std::string& range) {
  double value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || rest != text.data() + text.size() || !std::isfinite(value))
    fail(ErrorKind::kUser, "--range {}: '{}' is not a number. Write lo:hi, such as 0:2.5; a side left empty is chosen.", range, text);
  return value;
}

}  // namespace

ValueRange value_range(std::span<const double> values, const std::string& range, double low_percent, double high_percent) {
  std::string_view low, high;
  if (!range.empty()) {
    const std::size_t colon = range.find(':');
    if (colon == std::string::npos) fail(ErrorKind::kUser, "--range {}: write lo:hi, such as 0:2.5; a side left empty is chosen.", range);
    low = std::string_view(range).substr(0, colon), high = std::string_view(range).substr(colon + 1);
  }
  ValueRange result{0, 1};
  if (low.empty() || high.empty()) {
    std::vector<double> finite;
    std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double value) { return std::isfinite(value); });
    const auto percentile = [&finite](double percent) {
      const auto at = static_cast<std::ptrdiff_t>(std::lround(percent / 100 * static_cast<double>(finite.size() - 1)));
      std::nth_element(finite.begin(), finite.begin() + at, finite.end());
      return finite[static_cast<std::size_t>(at)];
    };
    if (!finite.empty()) result = {percentile(low_percent), percentile(high_percent)};
  }
  if (!low.empty()) result.lo = parse_side(low, range);
  if (!high.empty()) result.hi = parse_side(high, range);
  if (!low.empty() && !high.empty() && result.lo >= result.hi)
    fail(ErrorKind::kUser, "--range {}: the lower end is not below the upper.", range);
  if (!(result.hi > result.lo)) {
    const double room = std::max(std::abs(result.lo) * 0.01, 1e-12);
    if (low.empty() && high.empty())
      result = {result.lo - room, result.lo + room};
    else if (low.empty())
      result.lo = result.hi - room;
    else
      result.hi = result.lo + room;
  }
  return result;
}

void plot_image(const ImagePlot& plot, const std::string& path, bool overwrite) {
  if (plot.rows <= 0 || plot.columns <= 0)
    fail(ErrorKind::kUser, "{}: an image of {} x {} pixels cannot be drawn.", path, plot.rows, plot.columns);
  if (plot.rows != static_cast<Index>(plot.values.size()) / plot.columns || static_cast<Index>(plot.values.size()) % plot.columns != 0)
    fail(ErrorKind::kUser, "{}: {} values are not an image of {} x {} pixels.", path, plot.values.size(), plot.rows, plot.columns);
  const ColorMap map = ColorMap::named(plot.color_map);
  const ValueRange range = value_range(plot.values, plot.range, 0.5, 99.5);
  const Raster raster = raster_of(plot);
  const double width = raster.width(), height = raster.height();

  // Margins depend on how long the labels are, which only a canvas can tell.
  Canvas ruler(1, 1);
  ruler.font(kTickSize);
  const std::vector<AxisTick> x_ticks = ticks_of(plot.x, plot.columns, std::max(2, static_cast<int>(width / 110)));
  const std::vector<AxisTick> y_ticks = ticks_of(plot.y, plot.rows, std::max(2, static_cast<int>(height / 80)));
  std::vector<std::string> y_labels;
  for (const AxisTick& tick : y_ticks) y_labels.push_back(tick.label);
  const std::vector<double> bar_values = nice_ticks(range.lo, range.hi, std::max(3, static_cast<int>(height / 75)));
  const TickLabels bar_labels = tick_labels(bar_values);
  const double bar_labels_width = std::max(widest(ruler, bar_labels.labels), 10.0);
  const double left = std::round(kMargin + (plot.y.label.empty() ? 0 : kLabelSize + 10) + widest(ruler, y_labels) + kTickLength + 8);
  const double top = std::round(kMargin + (plot.title.empty() ? 0 : kTitleSize + 14) + (bar_labels.exponent != 0 ? 10 : 0));
  const double bar_left = left + width + 24, bar_width = 20;
  const double right =
      bar_left + bar_width + kTickLength + 8 + bar_labels_width + (plot.value_label.empty() ? 0 : kLabelSize + 14) + kMargin;
  const double below = kTickLength + kTickSize + 14 + (plot.x.label.empty() ? 0 : kLabelSize + 10) + kMargin * 0.6;

  Canvas canvas(static_cast<int>(std::ceil(right)), static_cast<int>(std::ceil(top + height + below)));
  const double bottom = top + height;
  paint(canvas, raster, map, range, plot.y_up, left, top);
  if (plot.beam) draw_beam(canvas, *plot.beam, raster, left, bottom);
  canvas.color(kInk);
  canvas.frame(left, top, width, height);

  canvas.font(kTickSize);
  double free_from = -1e9;
  std::vector<AxisTick> in_order = x_ticks;
  std::sort(in_order.begin(), in_order.end(), [](const AxisTick& a, const AxisTick& b) { return a.pixel < b.pixel; });
  for (const AxisTick& tick : in_order) {
    const double x = left + raster.x(tick.pixel);
    canvas.line(x, bottom, x, bottom + kTickLength);
    const double half = canvas.measure(tick.label).width / 2;
    if (x - half < free_from) continue;  // labels must not run into one another
    canvas.text(x, bottom + kTickLength + kTickSize + 4, tick.label, Anchor::kMiddle);
    free_from = x + half + 12;
  }
  for (const AxisTick& tick : y_ticks) {
    const double y = plot.y_up ? bottom - raster.y(tick.pixel) : top + raster.y(tick.pixel);
    canvas.line(left - kTickLength - 1, y, left - 1, y);
    canvas.text(left - kTickLength - 6, y + kTickSize * 0.36, tick.label, Anchor::kEnd);
  }

  draw_color_bar(canvas, map, bar_left, top, bar_width, height);
  for (std::size_t i = 0; i < bar_values.size(); ++i) {
    const double y = std::min(bottom - 1, bottom - (bar_values[i] - range.lo) / (range.hi - range.lo) * height);
    canvas.line(bar_left + bar_width, y, bar_left + bar_width + kTickLength, y);
    canvas.text(bar_left + bar_width + kTickLength + 6, y + kTickSize * 0.36, bar_labels.labels[i]);
  }
  if (bar_labels.exponent != 0) canvas.text(bar_left, top - 9, power_of_ten(bar_labels.exponent));

  canvas.font(kLabelSize);
  if (!plot.x.label.empty())
    canvas.text(left + width / 2, bottom + kTickLength + kTickSize + kLabelSize + 16, plot.x.label, Anchor::kMiddle);
  if (!plot.y.label.empty()) canvas.text_upwards(kMargin + kLabelSize - 6, top + height / 2, plot.y.label);
  if (!plot.value_label.empty()) canvas.text_upwards(right - kMargin, top + height / 2, plot.value_label);
  if (!plot.title.empty()) {
    canvas.font(kTitleSize, true);
    canvas.text(left + width / 2, kMargin + kTitleSize - 4, plot.title, Anchor::kMiddle);
  }
  canvas.save_png(path, overwrite);
}

void plot_line(const LinePlot& plot, const std::string& path, bool overwrite) {
  if (plot.x.size() != plot.y.size() || plot.x.empty())
    fail(ErrorKind::kUser, "{}: a line of {} positions and {} values cannot be drawn.", path, plot.x.size(), plot.y.size());
  const double width = 860, height = 420;
  const ValueRange xs = value_range(plot.x, "", 0, 100);
  ValueRange ys = value_range(plot.y, plot.range, 0, 100);
  const double room = (ys.hi - ys.lo) * 0.05;
  if (plot.range.empty()) ys = {ys.lo - room, ys.hi + room};
  const std::vector<double> x_ticks = nice_ticks(xs.lo, xs.hi, 8), y_ticks = nice_ticks(ys.lo, ys.hi, 6);
  const TickLabels x_labels = tick_labels(x_ticks), y_labels = tick_labels(y_ticks);

  Canvas ruler(1, 1);
  ruler.font(kTickSize);
  const double left = std::round(kMargin + (plot.y_label.empty() ? 0 : kLabelSize + 10) + widest(ruler, y_labels.labels) + kTickLength + 8);
  const double top = std::round(kMargin + (plot.title.empty() ? 0 : kTitleSize + 14) + (y_labels.exponent != 0 ? 10 : 0));
  const double bottom = top + height;
  Canvas canvas(static_cast<int>(left + width + kMargin * 1.5),
                static_cast<int>(bottom + kTickLength + kTickSize + 14 + (plot.x_label.empty() ? 0 : kLabelSize + 10) + kMargin * 0.6));
  const auto screen_x = [&](double x) { return left + (x - xs.lo) / (xs.hi - xs.lo) * width; };
  const auto screen_y = [&](double y) { return bottom - (y - ys.lo) / (ys.hi - ys.lo) * height; };

  canvas.font(kTickSize);
  for (std::size_t i = 0; i < x_ticks.size(); ++i) {
    const double x = screen_x(x_ticks[i]);
    canvas.color(kRule);
    canvas.line(x, top, x, bottom);
    canvas.color(kInk);
    canvas.line(x, bottom, x, bottom + kTickLength);
    canvas.text(x, bottom + kTickLength + kTickSize + 4, x_labels.labels[i], Anchor::kMiddle);
  }
  for (std::size_t i = 0; i < y_ticks.size(); ++i) {
    const double y = screen_y(y_ticks[i]);
    canvas.color(kRule);
    canvas.line(left, y, left + width, y);
    canvas.color(kInk);
    canvas.line(left - kTickLength - 1, y, left - 1, y);
    canvas.text(left - kTickLength - 6, y + kTickSize * 0.36, y_labels.labels[i], Anchor::kEnd);
  }
  if (y_labels.exponent != 0) canvas.text(left, top - 9, power_of_ten(y_labels.exponent));
  if (x_labels.exponent != 0)
    canvas.text(left + width, bottom + kTickLength + kTickSize + kLabelSize + 16, power_of_ten(x_labels.exponent), Anchor::kEnd);

  cairo_t* cairo = canvas.cairo();
  cairo_save(cairo);
  cairo_rectangle(cairo, left, top, width, height);
  cairo_clip(cairo);
  canvas.color(kLine);
  cairo_set_line_width(cairo, 1.4);
  cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
  for (std::size_t i = 0; i < plot.x.size(); ++i) {
    if (!std::isfinite(plot.x[i]) || !std::isfinite(plot.y[i])) {
      cairo_stroke(cairo);
      continue;
    }
    // cairo keeps coordinates in fixed point; far outside the clip they would overflow.
    cairo_line_to(cairo, screen_x(plot.x[i]), std::clamp(screen_y(plot.y[i]), top - height, bottom + height));
  }
  cairo_stroke(cairo);
  cairo_restore(cairo);
  canvas.color(kFaint);
  canvas.frame(left, top, width, height);
  canvas.color(kInk);
  canvas.font(kLabelSize);
  if (!plot.x_label.empty())
    canvas.text(left + width / 2, bottom + kTickLength + kTickSize + kLabelSize + 16, plot.x_label, Anchor::kMiddle);
  if (!plot.y_label.empty()) canvas.text_upwards(kMargin + kLabelSize - 6, top + height / 2, plot.y_label);
  if (!plot.title.empty()) {
    canvas.font(kTitleSize, true);
    canvas.text(left + width / 2, kMargin + kTitleSize - 4, plot.title, Anchor::kMiddle);
  }
  canvas.save_png(path, overwrite);
}

}  // namespace freestone::watch
