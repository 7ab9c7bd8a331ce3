#include "freestone/kernels/gather.h"

#include <complex>
#include <cstring>

namespace freestone::kernels {
namespace {

template <class F>
void with_width(Index width, F&& f) {
  switch (width) {
    case 1: return f(std::uint8_t{});
    case 2: return f(std::uint16_t{});
    case 4: return f(std::uint32_t{});
    case 8: return f(std::uint64_t{});
    default: return f(std::complex<double>{});
  }
}

}  // namespace

void copy_strided(const std::byte* from, Index from_step, std::byte* to, Index to_step, Index n, Index width) {
  if (from_step == width && to_step == width) {
    std::memcpy(to, from, static_cast<std::size_t>(n * width));
    return;
  }
  with_width(width, [&]<class T>(T) {
    for (Index i = 0; i < n; ++i) std::memcpy(to + i * to_step, from + i * from_step, sizeof(T));
  });
}

void gather_elements(const std::byte* from, std::span<const Index> from_offsets, std::byte* to, std::span<const Index> to_offsets,
                     Index width) {
  with_width(width, [&]<class T>(T) {
    for (std::size_t i = 0; i < from_offsets.size(); ++i) std::memcpy(to + to_offsets[i], from + from_offsets[i], sizeof(T));
  });
}

void copy_in_c_order(const Tile& in, const Shape& in_shape, const Tile& out, const Shape& out_shape, const Cancel& cancel) {
  if (out.box.empty()) return;
  const Index width = size_of(out.view.dtype);
  const int in_last = in_shape.rank() - 1, out_last = out_shape.rank() - 1;
  const Index row = out_last < 0 ? 1 : out.box.shape[out_last];
  const Index out_step = out_last < 0 ? width : out.view.strides[out_last];
  const Index in_step = in_last < 0 ? width : in.view.strides[in_last];
  const Dims out_strides = contiguous_strides(out_shape, 1), in_strides = contiguous_strides(in_shape, 1);

  // Where the flat position stands in the input, and the byte that lies there.
  Dims at(in_shape.rank());
  const std::byte* from = nullptr;
  Index flat = -1;
  const auto go_to = [&](Index target) {
    flat = target;
    from = in.view.data;
    for (int k = 0; k <= in_last; ++k) {
      at[k] = target / in_strides[k];
      target -= at[k] * in_strides[k];
      from += (at[k] - in.box.start[k]) * in.view.strides[k];
    }
  };
  const auto go_on = [&](Index steps) {  // to the next row of the input at the most
    flat += steps;
    at[in_last] += steps;
    from += steps * in_step;
    for (int k = in_last; k > 0 && at[k] == in_shape[k]; --k) {
      from += in.view.strides[k - 1] - at[k] * in.view.strides[k];
      at[k] = 0;
      ++at[k - 1];
    }
  };

  Index rows = 0;
  Dims position = out.box.start;
  std::byte* to = out.view.data;
  while (true) {
    if ((++rows & 0xFFF) == 0) cancel.check();
    Index start = 0;
    for (int k = 0; k <= out_last; ++k) start += position[k] * out_strides[k];
    if (start != flat) go_to(start);
    if (in_last < 0) {
      std::memcpy(to, from, static_cast<std::size_t>(width));
    } else {
      for (Index done = 0; done < row;) {
        const Index n = std::min(row - done, in_shape[in_last] - at[in_last]);
        copy_strided(from, in_step, to + done * out_step, out_step, n, width);
        done += n;
        go_on(n);
      }
    }
    int k = out_last - 1;
    for (; k >= 0; --k) {
      to += out.view.strides[k];
      if (++position[k] < out.box.end(k)) break;
      to -= out.view.strides[k] * out.box.shape[k];
      position[k] = out.box.start[k];
    }
    if (k < 0) return;
  }
}

}  // namespace freestone::kernels
