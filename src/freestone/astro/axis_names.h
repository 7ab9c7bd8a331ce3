/// Names of axes that stand for none.
#pragma once

#include <string_view>

namespace freestone::astro {

/// "" and "axis0", "axis1"...: what an axis is called that no file has named. "axis_angle" and "axis" are names.
inline bool is_nameless_axis(std::string_view dim) {
  return dim.empty() || (dim.starts_with("axis") && dim.size() > 4 && dim.find_first_not_of("0123456789", 4) == dim.npos);
}

}  // namespace freestone::astro
