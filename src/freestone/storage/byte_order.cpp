#include "freestone/storage/byte_order.h"

#include <cstdint>
#include <cstring>

#include "freestone/storage/wide_vectors.h"

namespace freestone {
namespace {

// Stored elements lie at any address and may alias every type.
using Bytes2 [[gnu::may_alias, gnu::aligned(1)]] = std::uint16_t;
using Bytes4 [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;
using Bytes8 [[gnu::may_alias, gnu::aligned(1)]] = std::uint64_t;

FREESTONE_WIDE_VECTORS void swap2(const Bytes2* from, Bytes2* to, Index count) {
  for (Index i = 0; i < count; ++i) to[i] = __builtin_bswap16(from[i]);
}
FREESTONE_WIDE_VECTORS void swap4(const Bytes4* from, Bytes4* to, Index count) {
  for (Index i = 0; i < count; ++i) to[i] = __builtin_bswap32(from[i]);
}
FREESTONE_WIDE_VECTORS void swap8(const Bytes8* from, Bytes8* to, Index count) {
  for (Index i = 0; i < count; ++i) to[i] = __builtin_bswap64(from[i]);
}
// In place, said with one pointer: with two, the vector loop is guarded against overlap and would not run.
FREESTONE_WIDE_VECTORS void swap2_here(Bytes2* at, Index count) {
  for (Index i = 0; i < count; ++i) at[i] = __builtin_bswap16(at[i]);
}
FREESTONE_WIDE_VECTORS void swap4_here(Bytes4* at, Index count) {
  for (Index i = 0; i < count; ++i) at[i] = __builtin_bswap32(at[i]);
}
FREESTONE_WIDE_VECTORS void swap8_here(Bytes8* at, Index count) {
  for (Index i = 0; i < count; ++i) at[i] = __builtin_bswap64(at[i]);
}

}  // namespace

void swap_bytes(const std::byte* from, std::byte* to, Index count, int width) {
  const bool here = from == to;
  switch (width) {
    case 1:
      if (!here && count > 0) std::memcpy(to, from, static_cast<std::size_t>(count));
      return;
    case 2:
      return here ? swap2_here(reinterpret_cast<Bytes2*>(to), count)
                  : swap2(reinterpret_cast<const Bytes2*>(from), reinterpret_cast<Bytes2*>(to), count);
    case 4:
      return here ? swap4_here(reinterpret_cast<Bytes4*>(to), count)
                  : swap4(reinterpret_cast<const Bytes4*>(from), reinterpret_cast<Bytes4*>(to), count);
    case 8:
      return here ? swap8_here(reinterpret_cast<Bytes8*>(to), count)
                  : swap8(reinterpret_cast<const Bytes8*>(from), reinterpret_cast<Bytes8*>(to), count);
    default: throw Error(ErrorKind::kInternal, "swap_bytes: elements of 1, 2, 4 or 8 bytes only");
  }
}

void reorder_bytes(const std::byte* from, std::byte* to, Index count, DType dtype, bool swap) {
  Index width = size_of(dtype);
  if (!swap || width == 1) {
    if (from != to && count > 0) std::memcpy(to, from, static_cast<std::size_t>(count * width));
    return;
  }
  if (is_complex(dtype)) {
    width /= 2;
    count *= 2;
  }
  swap_bytes(from, to, count, static_cast<int>(width));
}

}  // namespace freestone
