/// ColorMap: from a number in [0, 1] to a colour.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace freestone::watch {

struct Rgb {
  std::uint8_t red, green, blue;
  friend bool operator==(const Rgb&, const Rgb&) = default;
};

/// Control points of a published map, joined linearly in sRGB.
class ColorMap {
 public:
  /// viridis, plasma, inferno, magma (S. van der Walt and N. Smith, matplotlib, CC0), coolwarm (K. Moreland, Diverging
  /// Color Maps for Scientific Visualization, 2009), gray; with "_r" at the end, reversed.
  /// @throws Error kind user: no such map; the message suggests the nearest and lists all
  static ColorMap named(std::string_view name);
  static const std::vector<std::string>& names();

  /// `part` is clamped to [0, 1].
  Rgb at(double part) const;

 private:
  ColorMap(std::span<const std::uint32_t> points, bool reversed) : points_(points), reversed_(reversed) {}
  std::span<const std::uint32_t> points_;  ///< 0xRRGGBB, evenly spaced
  bool reversed_;
};

}  // namespace freestone::watch
