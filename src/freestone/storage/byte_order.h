/// Byte order of stored numbers.
#pragma once

#include <bit>
#include <cstddef>

#include "freestone/core/dtype.h"

namespace freestone {

enum class ByteOrder : std::uint8_t { kLittle, kBig };
inline constexpr ByteOrder kNativeOrder = std::endian::native == std::endian::little ? ByteOrder::kLittle : ByteOrder::kBig;

/// Copies `count` elements of `width` bytes (1, 2, 4 or 8) with the bytes of each reversed. `from` and `to` are the
/// same or do not overlap; no alignment is asked.
void swap_bytes(const std::byte* from, std::byte* to, Index count, int width);

/// Copies `count` elements of `dtype` from one order to the other (complex: each part for itself); a plain copy when the
/// orders are equal. `from` and `to` are the same or do not overlap.
void reorder_bytes(const std::byte* from, std::byte* to, Index count, DType dtype, bool swap);

}  // namespace freestone
