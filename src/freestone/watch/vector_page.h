/// VectorPage: a drawing of boxes, lines and words that becomes SVG, PDF or PNG.
///
/// A list of what to draw, back to front. SVG is written with words as words, so that they can be searched, read aloud
/// and edited; PDF and PNG are drawn by cairo. Equal pages give equal files.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "freestone/watch/canvas.h"

namespace freestone::watch {

struct PageBox {
  double x, y, width, height;
  Rgb fill, border;
  double radius = 0;
  double line_width = 1;  ///< 0: no border
  std::string hint;       ///< shown by SVG viewers when pointed at
};

struct PagePoint {
  double x, y;
};

/// Upright from an even point to the next; a curve, upright at both ends, from an odd point to the next. An arrow at the end.
struct PageArrow {
  std::vector<PagePoint> points;
  Rgb color;
};

struct PageText {
  double x, y;  ///< the baseline
  std::string text;
  double size;
  Rgb color;
  bool bold = false;
  Anchor anchor = Anchor::kStart;
};

class VectorPage {
 public:
  VectorPage(double width, double height) : width_(width), height_(height) {}

  void add(PageBox box) { parts_.emplace_back(std::move(box)); }
  void add(PageArrow arrow) { parts_.emplace_back(std::move(arrow)); }
  /// `text` is made valid (valid_text) first.
  void add(PageText text);

  std::string svg() const;
  /// One page of width x height points.
  std::string pdf() const;
  /// Writes a PNG with two pixels a unit, fewer when the page is very large.
  void save_png(const std::string& path) const;
  /// As the suffix of `path` says; an existing file is replaced when the new one is whole.
  /// @throws Error kind user: not .svg, .pdf or .png; kind io
  void save(const std::string& path) const;

 private:
  double width_, height_;
  std::vector<std::variant<PageBox, PageArrow, PageText>> parts_;
};

/// From now on text is as wide on `cairo` as its outlines are, whatever the scale; pages are drawn that way.
void unhinted(cairo_t* cairo);

/// @throws Error kind user: `path` ends neither in .svg nor in .pdf nor in .png
void check_page_suffix(const std::string& path);

}  // namespace freestone::watch
