#include "freestone/watch/vector_page.h"

#include <cairo/cairo-pdf.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "freestone/base/error.h"
#include "freestone/storage/output_file.h"
#include "freestone/watch/markup.h"

namespace freestone::watch {
namespace {

constexpr double kArrowLength = 8, kArrowHalfWidth = 3.5;
constexpr double kPngScale = 2, kMostPngSide = 16000;

std::string hex(Rgb color) { return fmt::format("#{:02x}{:02x}{:02x}", color.red, color.green, color.blue); }

std::string svg_of(const PageBox& box) {
  const std::string border = box.line_width > 0 ? fmt::format(" stroke=\"{}\" stroke-width=\"{:g}\"", hex(box.border), box.line_width) : "";
  const std::string hint = box.hint.empty() ? "/>" : fmt::format("><title>{}</title></rect>", escaped(box.hint));
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"{:g}\" fill=\"{}\"{}{}\n", box.x, box.y,
                     box.width, box.height, box.radius, hex(box.fill), border, hint);
}

std::string svg_of(const PageArrow& arrow) {
  if (arrow.points.empty()) return "";
  const PagePoint end = arrow.points.back();
  std::string path = fmt::format("M{:.1f} {:.1f}", arrow.points[0].x, arrow.points[0].y);
  for (std::size_t i = 1; i < arrow.points.size(); ++i) {
    const PagePoint a = arrow.points[i - 1], b = arrow.points[i];
    const double to_y = i + 1 == arrow.points.size() ? b.y - kArrowLength : b.y, bend = (to_y - a.y) / 2;
    path += i % 2 == 1 ? fmt::format(" L{:.1f} {:.1f}", b.x, to_y)
                       : fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", a.x, a.y + bend, b.x, to_y - bend, b.x, to_y);
  }
  return fmt::format(
      "<path d=\"{0}\" fill=\"none\" stroke=\"{1}\" stroke-width=\"1.3\"/>"
      "<path d=\"M{2:.1f} {3:.1f} L{4:.1f} {5:.1f} L{6:.1f} {5:.1f} Z\" fill=\"{1}\"/>\n",
      path, hex(arrow.color), end.x, end.y, end.x - kArrowHalfWidth, end.y - kArrowLength, end.x + kArrowHalfWidth);
}

std::string svg_of(const PageText& text) {
  const char* anchor = text.anchor == Anchor::kStart    ? ""
                       : text.anchor == Anchor::kMiddle ? " text-anchor=\"middle\""
                                                        : " text-anchor=\"end\"";
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{:g}\" fill=\"{}\"{}{}>{}</text>\n", text.x, text.y, text.size,
                     hex(text.color), text.bold ? " font-weight=\"bold\"" : "", anchor, escaped(text.text));
}

void color(cairo_t* cairo, Rgb c) { cairo_set_source_rgb(cairo, c.red / 255.0, c.green / 255.0, c.blue / 255.0); }

void draw(cairo_t* cairo, const PageBox& box) {
  constexpr double kQuarter = std::numbers::pi / 2;
  const double r = box.radius, x1 = box.x + box.width, y1 = box.y + box.height;
  cairo_new_path(cairo);
  cairo_arc(cairo, x1 - r, box.y + r, r, -kQuarter, 0);
  cairo_arc(cairo, x1 - r, y1 - r, r, 0, kQuarter);
  cairo_arc(cairo, box.x + r, y1 - r, r, kQuarter, 2 * kQuarter);
  cairo_arc(cairo, box.x + r, box.y + r, r, 2 * kQuarter, 3 * kQuarter);
  cairo_close_path(cairo);
  color(cairo, box.fill);
  cairo_fill_preserve(cairo);
  color(cairo, box.border);
  cairo_set_line_width(cairo, box.line_width);
  if (box.line_width > 0) cairo_stroke(cairo);
  cairo_new_path(cairo);
}

void draw(cairo_t* cairo, const PageArrow& arrow) {
  if (arrow.points.empty()) return;
  color(cairo, arrow.color);
  cairo_set_line_width(cairo, 1.3);
  cairo_move_to(cairo, arrow.points[0].x, arrow.points[0].y);
  for (std::size_t i = 1; i < arrow.points.size(); ++i) {
    const PagePoint a = arrow.points[i - 1], b = arrow.points[i];
    const double to_y = i + 1 == arrow.points.size() ? b.y - kArrowLength : b.y, bend = (to_y - a.y) / 2;
    if (i % 2 == 1)
      cairo_line_to(cairo, b.x, to_y);
    else
      cairo_curve_to(cairo, a.x, a.y + bend, b.x, to_y - bend, b.x, to_y);
  }
  cairo_stroke(cairo);
  const PagePoint end = arrow.points.back();
  cairo_move_to(cairo, end.x, end.y);
  cairo_line_to(cairo, end.x - kArrowHalfWidth, end.y - kArrowLength);
  cairo_line_to(cairo, end.x + kArrowHalfWidth, end.y - kArrowLength);
  cairo_fill(cairo);
}

void draw(cairo_t* cairo, const PageText& text) {
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, text.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, text.size);
  color(cairo, text.color);
  cairo_text_extents_t extents{};
  if (text.anchor != Anchor::kStart) cairo_text_extents(cairo, text.text.c_str(), &extents);
  cairo_move_to(cairo, text.x - (text.anchor == Anchor::kMiddle ? extents.x_advance / 2 : extents.x_advance), text.y);
  cairo_show_text(cairo, text.text.c_str());
}

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

void VectorPage::add(PageText text) {
  text.text = valid_text(text.text);
  parts_.emplace_back(std::move(text));
}

std::string VectorPage::svg() const {
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"'DejaVu Sans', Verdana, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
      width_, height_);
  for (const auto& part : parts_) out += std::visit([](const auto& p) { return svg_of(p); }, part);
  return out + "</svg>\n";
}

std::string VectorPage::pdf() const {
  std::string bytes;
  cairo_surface_t* surface = cairo_pdf_surface_create_for_stream(append, &bytes, width_, height_);
  // Equal pages give equal files: no date in them.
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
  cairo_t* cairo = cairo_create(surface);
  unhinted(cairo);
  for (const auto& part : parts_) std::visit([&](const auto& p) { draw(cairo, p); }, part);
  const cairo_status_t drawn = cairo_status(cairo);
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  const cairo_status_t finished = cairo_surface_status(surface);
  cairo_surface_destroy(surface);
  const cairo_status_t status = drawn != CAIRO_STATUS_SUCCESS ? drawn : finished;
  if (status != CAIRO_STATUS_SUCCESS) fail(ErrorKind::kInternal, "A PDF page could not be drawn: {}.", cairo_status_to_string(status));
  return bytes;
}

void VectorPage::save_png(const std::string& path) const {
  const double scale = std::min(kPngScale, kMostPngSide / std::max(width_, height_));
  Canvas canvas(static_cast<int>(std::ceil(width_ * scale)), static_cast<int>(std::ceil(height_ * scale)));
  cairo_scale(canvas.cairo(), scale, scale);
  unhinted(canvas.cairo());
  for (const auto& part : parts_) std::visit([&](const auto& p) { draw(canvas.cairo(), p); }, part);
  canvas.save_png(path, true);
}

void unhinted(cairo_t* cairo) {
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(cairo, options);
  cairo_font_options_destroy(options);
}

void check_page_suffix(const std::string& path) {
  if (!path.ends_with(".svg") && !path.ends_with(".pdf") && !path.ends_with(".png"))
    fail(ErrorKind::kUser, "{}: the name of a picture must end in .svg, .pdf or .png.", path);
}

void VectorPage::save(const std::string& path) const {
  check_page_suffix(path);
  if (path.ends_with(".png")) return save_png(path);
  const std::string bytes = path.ends_with(".svg") ? svg() : pdf();
  OutputFile file(path, true);
  file.create(static_cast<Index>(bytes.size()));
  file.write_at(0, std::as_bytes(std::span(bytes)));
  file.finish();
}

}  // namespace freestone::watch
