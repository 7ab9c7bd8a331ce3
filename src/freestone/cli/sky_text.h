/// Places as people write them: "83.633deg", "5h34m31.9s", "05:34:31.9", and tables of them.
#pragma once

#include <string>
#include <vector>

namespace freestone::cli {

/// Degrees of a longitude or latitude: a number (degrees), one with a unit, or sexagesimal; of a longitude "12:30:00" are hours (`in_hours`).
/// @throws UsageError  it is no angle
double parse_angle(const std::string& text, bool in_hours, const std::string& where);

/// Two columns of numbers.
struct PlaceTable {
  std::string first_name, second_name;  ///< of the columns: "ra", "dec"; "" without a line of names
  std::vector<std::string> first, second;
};
/// Lines of columns between commas or blanks, "#" begins a comment. With a line of names: the columns ra and dec, lon and lat, l and b, or x and y, wherever
/// they are; without: the first two.
/// @throws Error kind io: it cannot be read; kind data: a line without both, more than a million lines, no line at all
PlaceTable read_places(const std::string& path);

}  // namespace freestone::cli
