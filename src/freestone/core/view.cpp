#include "freestone/core/view.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "freestone/core/walk_order.h"

namespace freestone {
namespace {
constexpr Index kPiece = 1024;
constexpr Index kAheadBytes = 2048;  // of rows apart, fetched before they are copied: what memory takes to answer
}

Dims contiguous_strides(const Shape& shape, Index element_bytes) {
  Dims strides(shape.rank());
  for (int k = shape.rank() - 1; k >= 0; --k) {
    strides[k] = element_bytes;
    element_bytes *= shape[k];
  }
  return strides;
}

View View::contiguous(void* data, DType dtype, const Shape& shape) {
  return {static_cast<std::byte*>(data), dtype, shape, contiguous_strides(shape, size_of(dtype))};
}

bool View::is_contiguous() const {
  Index expected = size_of(dtype);
  for (int k = rank() - 1; k >= 0; --k) {
    if (shape[k] != 1 && strides[k] != expected) return false;
    expected *= shape[k];
  }
  return true;
}

View View::part(const Box& box) const {
  View out = *this;
  out.shape = box.shape;
  for (int k = 0; k < rank(); ++k) out.data += box.start[k] * strides[k];
  return out;
}

void copy(const View& from, const View& to) {
  ensure(from.shape == to.shape && from.dtype == to.dtype, "copy: shapes or dtypes differ");
  const Index width = size_of(from.dtype);
  if (from.is_contiguous() && to.is_contiguous()) {
    if (from.count() > 0) std::memcpy(to.data, from.data, static_cast<std::size_t>(from.bytes()));
    return;
  }
  const Index n = from.rank() == 0 ? 1 : from.shape.back();
  const Index from_step = from.rank() == 0 ? width : from.strides.back();
  const Index to_step = to.rank() == 0 ? width : to.strides.back();
  View walked[] = {from, to};
  sort_outer_axes(walked);
  if (from_step == width && to_step == width) {
    const auto bytes = static_cast<std::size_t>(n * width);
    const Index step = walked[0].rank() > 1 ? walked[0].strides[walked[0].rank() - 2] : 0;
    const bool fetches = n * width <= kAheadBytes && std::abs(step) > n * width;
    const Index ahead = fetches ? step * (kAheadBytes / (n * width)) : 0;
    for_each_row(walked[0].shape, {&walked[0], &walked[1]}, [&](std::byte** data) {
      // Rows that lie apart are too short for the processor to see where they go.
      if (fetches)
        for (std::size_t line = 0; line < bytes; line += 64) __builtin_prefetch(data[0] + ahead + line);
      std::memcpy(data[1], data[0], bytes);
    });
    return;
  }
  const auto move = [&]<class T>(T) {
    // Rows in pieces: the cache lines that a strided piece meets are there still when the next row wants them.
    for (Index first = 0; first < n; first += kPiece) {
      const Index count = std::min(kPiece, n - first);
      for_each_row(walked[0].shape, {&walked[0], &walked[1]}, [&](std::byte** data) {
        const std::byte* source = data[0] + first * from_step;
        std::byte* target = data[1] + first * to_step;
        for (Index i = 0; i < count; ++i) std::memcpy(target + i * to_step, source + i * from_step, sizeof(T));
      });
    }
  };
  switch (width) {
    case 1: return move(std::uint8_t{});
    case 2: return move(std::uint16_t{});
    case 4: return move(std::uint32_t{});
    case 8: return move(std::uint64_t{});
    default: return move(std::complex<double>{});
  }
}

}  // namespace freestone
