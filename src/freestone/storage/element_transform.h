/// ElementTransform: from stored numbers to an array's elements.
///
/// Four cases, decided once: the bytes as they are (or swapped); integers stored with their sign bit flipped, which is
/// how FITS keeps unsigned ones (BZERO = 2^15, 2^31, 2^63, or -128 for signed bytes), exact in integers; scaled
/// numbers, value = stored * scale + offset in float64, rounded to the output's type, a blank giving NaN; and IEEE
/// half-precision floats, which become float32.
#pragma once

#include <optional>

#include "freestone/core/dtype.h"
#include "freestone/storage/byte_order.h"

namespace freestone {

struct ElementTransform {
  DType stored = DType::kFloat64;
  ByteOrder order = kNativeOrder;
  DType dtype = DType::kFloat64;  ///< as delivered
  bool flips_sign = false;        ///< stored integers of the same size, the top bit reversed
  bool halves = false;            ///< `stored` is kUint16 and holds the bits of float16; dtype is float32
  bool scales = false;            ///< dtype is floating; value = stored * scale + offset
  double scale = 1, offset = 0;
  std::optional<Index> blank;     ///< with `scales`: this stored integer means NaN

  /// Elements keep their size, so that they can be converted where they lie.
  bool keeps_size() const { return size_of(stored) == size_of(dtype); }
  /// Nothing changes at all.
  bool is_identity() const { return stored == dtype && !flips_sign && !halves && !scales && (order == kNativeOrder || size_of(stored) == 1); }
  /// @throws Error kind internal: a combination that no case covers
  void check() const;

  /// Converts `count` elements from stored form. `from` and `to` are the same memory (only when the size is kept) or do
  /// not overlap; no alignment is asked.
  void decode(const std::byte* from, std::byte* to, Index count) const;
  /// The way back, for what keeps its size and does not scale.
  void encode(const std::byte* from, std::byte* to, Index count) const;
};

}  // namespace freestone
