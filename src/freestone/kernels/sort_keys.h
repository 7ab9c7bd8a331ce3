/// Sorting by keys: every dtype as an unsigned integer of the same order, and a stable radix sort of these.
///
/// NaN has the greatest key, upwards and downwards: it comes last. -0 and 0 have one key. Complex numbers are in NumPy's order: by their
/// real parts, then the imaginary ones; after all numbers those whose imaginary part is NaN, then those whose real part is, then NaN in
/// both. A column of n keys is sorted alone, so bits do not depend on which columns share a call.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "freestone/core/buffer.h"
#include "freestone/core/dtype.h"

namespace freestone::kernels {

template <std::size_t kBytes>
using Unsigned = std::conditional_t<
    kBytes == 1, std::uint8_t,
    std::conditional_t<kBytes == 2, std::uint16_t,
                       std::conditional_t<kBytes == 4, std::uint32_t, std::conditional_t<kBytes == 8, std::uint64_t, unsigned __int128>>>>;
template <class T>
using SortKey = Unsigned<sizeof(T)>;

template <class T>
inline constexpr bool kIsComplexNumber = false;
template <class T>
inline constexpr bool kIsComplexNumber<std::complex<T>> = true;

template <class T>
inline constexpr SortKey<T> kSignBit = static_cast<SortKey<T>>(SortKey<T>{1} << (8 * sizeof(T) - 1));
/// The key of NaN (of complex numbers: in both parts).
template <class T>
inline constexpr SortKey<T> kLastKey = static_cast<SortKey<T>>(~SortKey<T>{});

template <class T>
SortKey<T> sort_key(T x, bool descending) {
  using K = SortKey<T>;
  K key;
  if constexpr (std::is_floating_point_v<T>) {
    if (x != x) return kLastKey<T>;
    const K bits = x == 0 ? K{} : std::bit_cast<K>(x);
    key = bits & kSignBit<T> ? static_cast<K>(~bits) : static_cast<K>(bits | kSignBit<T>);
  } else if constexpr (std::is_signed_v<T>) {
    key = static_cast<K>(static_cast<K>(x) ^ kSignBit<T>);
  } else {
    key = static_cast<K>(x);
  }
  return descending ? static_cast<K>(~key) : key;
}

template <class R>
SortKey<std::complex<R>> sort_key(std::complex<R> z, bool descending) {
  using K = SortKey<std::complex<R>>;
  constexpr int kHalf = 8 * sizeof(R);
  const K real = sort_key(z.real(), descending), imaginary = sort_key(z.imag(), descending), last = kLastKey<R>;
  // No number has one of the three greatest keys: they are NaN.
  if (real != last) return imaginary != last ? real << kHalf | imaginary : (last - 2) << kHalf | real;
  return imaginary != last ? (last - 1) << kHalf | imaginary : last << kHalf | last;
}

template <class T>
T value_of_key(SortKey<T> key, bool descending) {
  using K = SortKey<T>;
  if constexpr (kIsComplexNumber<T>) {
    using R = typename T::value_type;
    constexpr int kHalf = 8 * sizeof(R);
    constexpr SortKey<R> last = kLastKey<R>;
    const auto high = static_cast<SortKey<R>>(key >> kHalf), low = static_cast<SortKey<R>>(key);
    const auto part = [&](SortKey<R> k) { return value_of_key<R>(k, descending); };
    if (high == last - 2) return {part(low), part(last)};
    if (high == last - 1) return {part(last), part(low)};
    return {part(high), part(low)};
  } else {
    if constexpr (std::is_floating_point_v<T>) {
      if (key == kLastKey<T>) return std::bit_cast<T>(static_cast<K>(sizeof(T) == 4 ? 0x7fc00000u : 0x7ff8000000000000u));
    }
    if (descending) key = static_cast<K>(~key);
    if constexpr (std::is_floating_point_v<T>)
      return std::bit_cast<T>(key & kSignBit<T> ? static_cast<K>(key ^ kSignBit<T>) : static_cast<K>(~key));
    else if constexpr (std::is_same_v<T, bool>)
      return key != 0;
    else if constexpr (std::is_signed_v<T>)
      return static_cast<T>(key ^ kSignBit<T>);
    else
      return static_cast<T>(key);
  }
}

/// A key and the position that it came from.
template <class K>
struct Placed {
  K key;
  std::uint32_t position;
  friend bool operator<(const Placed& a, const Placed& b) { return a.key != b.key ? a.key < b.key : a.position < b.position; }
};

template <class K>
K key_in(K key) {
  return key;
}
template <class K>
K key_in(const Placed<K>& item) {
  return item.key;
}

/// Sorts n items, which stand in order of position; `other` is room for n more. The result is in `items`.
template <class Item>
void sort_items(Item* items, Item* other, Index n) {
  using K = decltype(key_in(*items));
  constexpr int kDigits = static_cast<int>(sizeof(K));
  if (n < (sizeof(K) <= 4 ? 160 : 640)) {
    std::sort(items, items + n);
    return;
  }
  std::uint32_t counts[kDigits][256] = {};
  for (Index i = 0; i < n; ++i) {
    K key = key_in(items[i]);
    for (int d = 0; d < kDigits; ++d) ++counts[d][(key >> (8 * d)) & 255];
  }
  Item *from = items, *to = other;
  for (int d = 0; d < kDigits; ++d) {
    std::uint32_t* count = counts[d];
    if (count[(key_in(from[0]) >> (8 * d)) & 255] == n) continue;
    std::uint32_t place = 0;
    for (int b = 0; b < 256; ++b) {
      const std::uint32_t here = count[b];
      count[b] = place;
      place += here;
    }
    for (Index i = 0; i < n; ++i) to[count[(key_in(from[i]) >> (8 * d)) & 255]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::copy(from, from + n, items);
}

/// A block of columns in scratch, each contiguous; columns are an odd number of cache lines apart, so that they do not share sets.
struct BlockLayout {
  BlockLayout(Index n, Index item_bytes)
      : pitch(((n * item_bytes / 64 + 1) | 1) * 64 / item_bytes), columns(std::clamp<Index>(kBytes / (pitch * item_bytes), 1, kMost)) {
    // A few columns of a row share a cache line: worth having together even when they are long.
    if (pitch * item_bytes <= kBytes) columns = std::max<Index>(columns, 8);
  }
  static constexpr Index kBytes = Index{1} << 20, kMost = 64;
  Index pitch, columns;
  /// With one more column as room for sorting.
  Index bytes(Index item_bytes) const { return Scratch::rounded((columns + 1) * pitch * item_bytes); }
};

/// Reads `columns` columns of n elements as items; `make(value, position)` makes one.
template <class T, class Item, class Make>
void gather_columns(const std::byte* from, Index column_stride, Index axis_stride, Index n, Index columns, Index pitch, Item* to,
                    Make&& make) {
  constexpr Index kRows = 16;  // a patch of rows is read from the first cache for every column
  for (Index r0 = 0; r0 < n; r0 += kRows) {
    const Index rows = std::min(kRows, n - r0);
    for (Index c = 0; c < columns; ++c) {
      const std::byte* x = from + r0 * axis_stride + c * column_stride;
      Item* at = to + c * pitch + r0;
      for (Index r = 0; r < rows; ++r) {
        T value;
        std::memcpy(&value, x + r * axis_stride, sizeof value);
        at[r] = make(value, r0 + r);
      }
    }
  }
}

/// Writes the first n of every column: `take(item)` gives the element.
template <class T, class Item, class Take>
void scatter_columns(const Item* from, Index pitch, Index n, Index columns, std::byte* to, Index column_stride, Index axis_stride,
                     Take&& take) {
  constexpr Index kRows = 16;
  for (Index r0 = 0; r0 < n; r0 += kRows) {
    const Index rows = std::min(kRows, n - r0);
    for (Index c = 0; c < columns; ++c) {
      std::byte* x = to + r0 * axis_stride + c * column_stride;
      const Item* at = from + c * pitch + r0;
      for (Index r = 0; r < rows; ++r) {
        const T value = take(at[r]);
        std::memcpy(x + r * axis_stride, &value, sizeof value);
      }
    }
  }
}

}  // namespace freestone::kernels
