#include "freestone/storage/element_transform.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "freestone/storage/wide_vectors.h"

namespace freestone {
namespace {

// Elements converted at a time: stored and native form both stay in the first cache.
constexpr Index kPiece = 1024;

template <class T>
struct Unaligned {
  using type [[gnu::may_alias, gnu::aligned(1)]] = T;
};

struct Scaling {
  double scale, offset;
  bool has_blank;
  Index blank;
};

template <class Stored, class Out>
[[gnu::always_inline]] inline void scale_loop(const Stored* from, std::byte* to, Index count, const Scaling& s) {
  auto* out = reinterpret_cast<typename Unaligned<Out>::type*>(to);
  const double scale = s.scale, offset = s.offset;
  for (Index i = 0; i < count; ++i) out[i] = static_cast<Out>(static_cast<double>(from[i]) * scale + offset);
  if constexpr (std::is_integral_v<Stored>) {
    const auto blank = static_cast<Stored>(s.blank);
    if (!s.has_blank || static_cast<Index>(blank) != s.blank) return;
    for (Index i = 0; i < count; ++i) out[i] = from[i] == blank ? std::numeric_limits<Out>::quiet_NaN() : static_cast<Out>(out[i]);
  }
}

FREESTONE_WIDE_VECTORS void scale_uint8(const std::uint8_t* from, std::byte* to, Index n, const Scaling& s) { scale_loop<std::uint8_t, float>(from, to, n, s); }
FREESTONE_WIDE_VECTORS void scale_int16(const std::int16_t* from, std::byte* to, Index n, const Scaling& s) { scale_loop<std::int16_t, float>(from, to, n, s); }
FREESTONE_WIDE_VECTORS void scale_int32(const std::int32_t* from, std::byte* to, Index n, const Scaling& s) { scale_loop<std::int32_t, double>(from, to, n, s); }
FREESTONE_WIDE_VECTORS void scale_int64(const std::int64_t* from, std::byte* to, Index n, const Scaling& s) { scale_loop<std::int64_t, double>(from, to, n, s); }
FREESTONE_WIDE_VECTORS void scale_float32(const float* from, std::byte* to, Index n, const Scaling& s) { scale_loop<float, float>(from, to, n, s); }
FREESTONE_WIDE_VECTORS void scale_float64(const double* from, std::byte* to, Index n, const Scaling& s) { scale_loop<double, double>(from, to, n, s); }

/// The type that scaled numbers of a stored type become.
DType scaled_dtype(DType stored) {
  switch (stored) {
    case DType::kUint8: case DType::kInt16: case DType::kFloat32: return DType::kFloat32;
    default: return DType::kFloat64;
  }
}

void scale_piece(DType stored, const std::byte* from, std::byte* to, Index n, const Scaling& s) {
  switch (stored) {
    case DType::kUint8: return scale_uint8(reinterpret_cast<const std::uint8_t*>(from), to, n, s);
    case DType::kInt16: return scale_int16(reinterpret_cast<const std::int16_t*>(from), to, n, s);
    case DType::kInt32: return scale_int32(reinterpret_cast<const std::int32_t*>(from), to, n, s);
    case DType::kInt64: return scale_int64(reinterpret_cast<const std::int64_t*>(from), to, n, s);
    case DType::kFloat32: return scale_float32(reinterpret_cast<const float*>(from), to, n, s);
    default: return scale_float64(reinterpret_cast<const double*>(from), to, n, s);
  }
}

/// Reverses the top bit of native integers.
void flip_signs(std::byte* at, Index count, Index width) {
  const auto flip = [&]<class T>(T top) {
    auto* values = reinterpret_cast<typename Unaligned<T>::type*>(at);
    for (Index i = 0; i < count; ++i) values[i] = static_cast<T>(values[i] ^ top);
  };
  switch (width) {
    case 1: return flip(std::uint8_t{0x80});
    case 2: return flip(std::uint16_t{0x8000});
    case 4: return flip(std::uint32_t{0x80000000u});
    default: return flip(std::uint64_t{0x8000000000000000u});
  }
}

/// IEEE 754 binary16 as float32, exactly. Both have their exponent below the sign: moved to its place it is 112 too small, which a
/// multiplication by 2^112 mends for subnormal numbers too.
FREESTONE_WIDE_VECTORS void widen_halves(const std::uint16_t* from, std::byte* to, Index count) {
  auto* out = reinterpret_cast<typename Unaligned<std::uint32_t>::type*>(to);
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t bits = from[i], sign = (bits & 0x8000u) << 16, rest = (bits & 0x7fffu) << 13;
    const std::uint32_t finite = std::bit_cast<std::uint32_t>(std::bit_cast<float>(rest) * 0x1p112f);
    out[i] = sign | (rest >= 0x0f800000u ? rest | 0x7f800000u : finite);
  }
}

/// Any byte but zero is true: a bool of another value than 0 and 1 is not one in C++.
void normalise_bools(const std::byte* from, std::byte* to, Index count) {
  for (Index i = 0; i < count; ++i) to[i] = from[i] == std::byte{0} ? std::byte{0} : std::byte{1};
}

}  // namespace

void ElementTransform::check() const {
  const bool known_scaling = stored == DType::kUint8 || stored == DType::kInt16 || stored == DType::kInt32 || stored == DType::kInt64 ||
                             is_floating(stored);
  if (halves) {
    ensure(!flips_sign && !scales && stored == DType::kUint16 && dtype == DType::kFloat32, "halves that no case covers");
  } else if (scales) {
    ensure(!flips_sign && known_scaling && dtype == scaled_dtype(stored), "a scaling that no case covers");
  } else {
    ensure(keeps_size(), "stored elements of another size, but no scaling");
    ensure(!flips_sign || (is_integer(stored) && is_integer(dtype)), "only integers have their sign bit reversed");
  }
}

void ElementTransform::decode(const std::byte* from, std::byte* to, Index count) const {
  const bool swap = order != kNativeOrder;
  const Index width = size_of(stored);
  if (scales) {
    alignas(64) std::byte native[kPiece * 8];
    const Scaling scaling{scale, offset, blank.has_value(), blank.value_or(0)};
    for (Index done = 0; done < count; done += kPiece) {
      const Index n = std::min(kPiece, count - done);
      reorder_bytes(from + done * width, native, n, stored, swap);
      scale_piece(stored, native, to + done * size_of(dtype), n, scaling);
    }
  } else if (halves) {
    alignas(64) std::byte native[kPiece * 2];
    for (Index done = 0; done < count; done += kPiece) {
      const Index n = std::min(kPiece, count - done);
      reorder_bytes(from + done * width, native, n, stored, swap);
      widen_halves(reinterpret_cast<const std::uint16_t*>(native), to + done * size_of(dtype), n);
    }
  } else if (flips_sign) {
    for (Index done = 0; done < count; done += kPiece) {
      const Index n = std::min(kPiece, count - done);
      reorder_bytes(from + done * width, to + done * width, n, stored, swap);
      flip_signs(to + done * width, n, width);
    }
  } else if (dtype == DType::kBool) {
    normalise_bools(from, to, count);
  } else {
    reorder_bytes(from, to, count, stored, swap);
  }
}

void ElementTransform::encode(const std::byte* from, std::byte* to, Index count) const {
  ensure(!scales && !halves, "scaled numbers and halves are not written");
  const bool swap = order != kNativeOrder;
  if (!flips_sign) return reorder_bytes(from, to, count, stored, swap);
  const Index width = size_of(stored);
  alignas(64) std::byte native[kPiece * 8];
  for (Index done = 0; done < count; done += kPiece) {
    const Index n = std::min(kPiece, count - done);
    std::memcpy(native, from + done * width, static_cast<std::size_t>(n * width));
    flip_signs(native, n, width);
    reorder_bytes(native, to + done * width, n, stored, swap);
  }
}

}  // namespace freestone
