/// Notes: why a variable cannot be read, as Variable::note has it: without the file, which is said where the note is, and without a full stop.
#pragma once

#include <string>
#include <string_view>

#include "freestone/base/error.h"

namespace freestone::formats {

/// What `error` says of `place` ("cube.fits", "g.zarr/tas/zarr.json").
inline std::string note_of(const Error& error, std::string_view place) {
  std::string_view text = error.message();
  if (text.starts_with(place) && text.substr(place.size()).starts_with(": ")) text.remove_prefix(place.size() + 2);
  if (text.ends_with('.')) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace freestone::formats
