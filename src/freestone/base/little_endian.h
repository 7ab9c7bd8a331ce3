/// Whole numbers in bytes, the lowest first.
#pragma once

#include <cstddef>
#include <cstdint>

namespace freestone {

/// @param width bytes, 8 at most
inline std::uint64_t little_endian(const std::byte* from, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(from[i]);
  return value;
}

}  // namespace freestone
