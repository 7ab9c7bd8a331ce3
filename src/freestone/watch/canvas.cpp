#include "freestone/watch/canvas.h"

#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "freestone/base/error.h"
#include "freestone/storage/output_file.h"

namespace freestone::watch {
namespace {

cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  auto& bytes = *static_cast<std::vector<unsigned char>*>(closure);
  bytes.insert(bytes.end(), data, data + length);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Canvas::Canvas(int width, int height) : surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height)) {
  if (cairo_surface_status(surface_.get()) != CAIRO_STATUS_SUCCESS)
    fail(ErrorKind::kMemory, "A picture of {} x {} pixels: {}.", width, height,
         cairo_status_to_string(cairo_surface_status(surface_.get())));
  cairo_.reset(cairo_create(surface_.get()));
  cairo_set_source_rgb(cairo(), 1, 1, 1);
  cairo_paint(cairo());
  cairo_set_line_width(cairo(), 1);
}

void Canvas::color(Rgb color) { cairo_set_source_rgb(cairo(), color.red / 255.0, color.green / 255.0, color.blue / 255.0); }

void Canvas::font(double size, bool bold) {
  cairo_select_font_face(cairo(), "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo(), size);
}

TextSize Canvas::measure(const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(cairo(), text.c_str(), &extents);
  return {extents.x_advance, extents.height};
}

void Canvas::text(double x, double y, const std::string& text, Anchor anchor) {
  const double width = anchor == Anchor::kStart ? 0 : measure(text).width;
  cairo_move_to(cairo(), std::round(x - (anchor == Anchor::kMiddle ? width / 2 : width)), std::round(y));
  cairo_show_text(cairo(), text.c_str());
}

void Canvas::text_upwards(double x, double y, const std::string& words) {
  cairo_save(cairo());
  cairo_translate(cairo(), std::round(x), std::round(y));
  cairo_rotate(cairo(), -std::numbers::pi / 2);
  text(0, 0, words, Anchor::kMiddle);
  cairo_restore(cairo());
}

void Canvas::line(double x0, double y0, double x1, double y1) {
  // A line of one pixel is sharp when it runs through the pixels' middles.
  cairo_move_to(cairo(), std::floor(x0) + 0.5, std::floor(y0) + 0.5);
  cairo_line_to(cairo(), std::floor(x1) + 0.5, std::floor(y1) + 0.5);
  cairo_stroke(cairo());
}

void Canvas::frame(double x, double y, double width, double height) {
  cairo_rectangle(cairo(), std::floor(x) - 0.5, std::floor(y) - 0.5, std::round(width) + 1, std::round(height) + 1);
  cairo_stroke(cairo());
}

void Canvas::save_png(const std::string& path, bool overwrite) {
  cairo_surface_flush(surface_.get());
  std::vector<unsigned char> bytes;
  const cairo_status_t status = cairo_surface_write_to_png_stream(surface_.get(), append, &bytes);
  if (status != CAIRO_STATUS_SUCCESS)
    fail(ErrorKind::kIo, "{}: the picture could not be encoded: {}.", path, cairo_status_to_string(status));
  OutputFile file(path, overwrite);
  file.create(static_cast<Index>(bytes.size()));
  file.write_at(0, std::as_bytes(std::span(bytes)));
  file.finish();
}

}  // namespace freestone::watch
