/// Which format a path is written in, before anything is.
#pragma once

#include <string>

namespace freestone::formats {

struct FormatChoice {
  std::string name;
  bool holds_several = false;  ///< `create_sinks` writes files of several arrays
  bool holds_mask = false;     ///< `create_masked_sinks` writes a mask beside an image
};

/// The format that `create_sink` and `create_sinks` would write.
/// @throws Error kind user: as they
FormatChoice format_for(const std::string& path, const std::string& format = "");

}  // namespace freestone::formats
