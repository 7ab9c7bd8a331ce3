/// Canvas: a bitmap to draw on, by cairo, and its PNG file.
#pragma once

#include <cairo/cairo.h>

#include <memory>
#include <string>

#include "freestone/watch/color_map.h"

namespace freestone::watch {

struct TextSize {
  double width, height;
};

enum class Anchor { kStart, kMiddle, kEnd };

/// Coordinates are pixels from the upper left corner. Text is DejaVu Sans (or what fontconfig has instead), UTF-8.
class Canvas {
 public:
  /// White all over.
  Canvas(int width, int height);

  cairo_t* cairo() { return cairo_.get(); }
  void color(Rgb color);
  void font(double size, bool bold = false);
  TextSize measure(const std::string& text);
  /// `y` is the baseline.
  void text(double x, double y, const std::string& text, Anchor anchor = Anchor::kStart);
  /// Text that reads upwards, its middle at (x, y), `x` being the baseline.
  void text_upwards(double x, double y, const std::string& text);
  /// A line of one pixel, sharp when it is level or upright.
  void line(double x0, double y0, double x1, double y1);
  /// The outline of a rectangle, one pixel wide, just outside of it.
  void frame(double x, double y, double width, double height);

  /// Writes a PNG under a temporary name and renames it.
  /// @throws Error kind user: the file exists and `overwrite` is false; kind io
  void save_png(const std::string& path, bool overwrite);

 private:
  struct Destroy {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* cairo) const { cairo_destroy(cairo); }
  };
  std::unique_ptr<cairo_surface_t, Destroy> surface_;
  std::unique_ptr<cairo_t, Destroy> cairo_;
};

}  // namespace freestone::watch
