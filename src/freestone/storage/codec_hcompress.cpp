#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "freestone/storage/bit_reader.h"
#include "freestone/storage/codec_fits.h"

namespace freestone {
namespace {

// Coefficients of damaged bytes may overflow: they wrap.
using Word = std::uint64_t;
constexpr Index kWordBytes = 8;
bool is_negative(Word w) { return static_cast<std::int64_t>(w) < 0; }
Word shifted(Word w, int by) { return static_cast<Word>(static_cast<std::int64_t>(w) >> by); }

/// Bits for counting to `n`.
int levels_of(Index n) {
  int levels = 0;
  while (Index{1} << levels < n) ++levels;
  return levels;
}

/// A rectangle of numbers.
struct Plane {
  Index rows, columns;
  std::span<Word> values;  // in the caller's memory
  Word& at(Index i, Index j) { return values[static_cast<std::size_t>(i * columns + j)]; }
};

/// Four bits by Huffman's code of H-compress.
unsigned four_bits(BitReader& bits) {
  auto code = static_cast<unsigned>(bits.take(3));
  if (code < 4) return 1u << code;
  const auto longer = [&] { code = code << 1 | static_cast<unsigned>(bits.take(1)); };
  longer();
  switch (code) {
    case 8: return 3;
    case 9: return 5;
    case 10: return 10;
    case 11: return 12;
    case 12: return 15;
    default: longer();
  }
  switch (code) {
    case 26: return 6;
    case 27: return 7;
    case 28: return 9;
    case 29: return 11;
    case 30: return 13;
    default: longer();
  }
  return code == 62 ? 0 : 14;
}

/// Which of the four bits of a code is for the place (i, j) of its square.
unsigned bit_for(Index i, Index j) { return 3 - 2 * static_cast<unsigned>(i & 1) - static_cast<unsigned>(j & 1); }

/// One quarter of the coefficients: bit planes as quadtrees, the highest first.
void read_quarter(BitReader& bits, Plane& plane, Index top, Index left, Index rows, Index columns, int planes) {
  const int levels = levels_of(std::max(rows, columns));
  std::vector<unsigned char> codes, finer;
  for (int k = planes; k-- > 0;) {
    const Index half_rows = (rows + 1) / 2, half_columns = (columns + 1) / 2;
    const auto how = bits.take(4);
    if (how == 0) {
      codes.resize(static_cast<std::size_t>(half_rows * half_columns));
      for (unsigned char& code : codes) code = static_cast<unsigned char>(bits.take(4));
    } else if (how == 15) {
      codes.assign(1, static_cast<unsigned char>(four_bits(bits)));
      Index columns_before = 1;
      for (int level = 1; level < levels; ++level) {
        const Index scale = Index{1} << (levels - level);
        const Index r = (rows + scale - 1) / scale, c = (columns + scale - 1) / scale;
        finer.resize(static_cast<std::size_t>(r * c));
        for (Index i = r; i-- > 0;) {
          for (Index j = c; j-- > 0;) {
            const unsigned code = codes[static_cast<std::size_t>(i / 2 * columns_before + j / 2)];
            finer[static_cast<std::size_t>(i * c + j)] = static_cast<unsigned char>((code >> bit_for(i, j) & 1) != 0 ? four_bits(bits) : 0);
          }
        }
        codes.swap(finer);
        columns_before = c;
      }
    } else {
      fail(ErrorKind::kData, "hcompress: a bit plane is coded in the way {}, which is none", how);
    }
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) {
        const unsigned code = codes[static_cast<std::size_t>(i / 2 * half_columns + j / 2)];
        plane.at(top + i, left + j) |= static_cast<Word>(code >> bit_for(i, j) & 1) << k;
      }
    }
  }
}

/// First the even places, then the odd ones, become neighbours in turn.
void interleave(Word* values, Index count, Index step, std::vector<Word>& memory) {
  const Index even = (count + 1) / 2;
  for (Index k = 0; k < count; ++k) memory[static_cast<std::size_t>(k)] = values[k * step];
  for (Index k = 0; k < count; ++k) values[k * step] = memory[static_cast<std::size_t>(k % 2 == 0 ? k / 2 : even + k / 2)];
}

/// Undoes the H-transform: from sums and differences of squares to pixels, level by level.
void transform_back(Plane& plane) {
  const int levels = levels_of(std::max(plane.rows, plane.columns));
  if (levels == 0) return;
  std::vector<Word> memory(static_cast<std::size_t>(std::max(plane.rows, plane.columns)));
  int shift = 1;
  Word bit0 = Word{1} << (levels - 1), bit1 = bit0 << 1, bit2 = bit0 << 2;
  Word mask0 = Word{0} - bit0, mask1 = mask0 << 1, mask2 = mask0 << 2;
  Word up0 = bit0 >> 1, up1 = bit1 >> 1, up2 = bit2 >> 1;
  Word down0 = up0 - 1, down1 = up1 - 1;
  const auto rounded = [](Word w, Word up, Word down, Word mask) { return (w + (is_negative(w) ? down : up)) & mask; };
  plane.values[0] = rounded(plane.values[0], up2, up2 - 1, mask2);
  for (int k = levels; k-- > 0;) {
    const Index scale = Index{1} << k;
    const Index rows = (plane.rows + scale - 1) / scale, columns = (plane.columns + scale - 1) / scale;
    if (k == 0) down0 = 0, shift = 2;
    for (Index i = 0; i < rows; ++i) interleave(&plane.at(i, 0), columns, 1, memory);
    for (Index j = 0; j < columns; ++j) interleave(&plane.at(0, j), rows, plane.columns, memory);
    // Of a sum and one difference, at the rim.
    const auto pair = [&](Word& a, Word& b) {
      const Word difference = rounded(b, up1, down1, mask1), low = difference & bit1;
      const Word sum = is_negative(a) ? a + low : a - low;
      b = shifted(sum + difference, shift);
      a = shifted(sum - difference, shift);
    };
    for (Index i = 0; i + 1 < rows; i += 2) {
      for (Index j = 0; j + 1 < columns; j += 2) {
        Word &a = plane.at(i, j), &b = plane.at(i, j + 1), &c = plane.at(i + 1, j), &d = plane.at(i + 1, j + 1);
        const Word both = rounded(d, up0, down0, mask0), low0 = both & bit0;
        Word x = rounded(c, up1, down1, mask1), y = rounded(b, up1, down1, mask1), sum = a;
        x = is_negative(x) ? x + low0 : x - low0;
        y = is_negative(y) ? y + low0 : y - low0;
        const Word low1 = (both ^ x ^ y) & bit1;
        sum = is_negative(sum) ? sum + (low0 == 0 ? low1 : low0 - low1) : sum + low0 - low1;
        d = shifted(sum + x + y + both, shift);
        c = shifted(sum + x - y - both, shift);
        b = shifted(sum - x + y - both, shift);
        a = shifted(sum - x - y + both, shift);
      }
      if (columns % 2 == 1) pair(plane.at(i, columns - 1), plane.at(i + 1, columns - 1));
    }
    if (rows % 2 == 1) {
      for (Index j = 0; j + 1 < columns; j += 2) pair(plane.at(rows - 1, j), plane.at(rows - 1, j + 1));
      if (columns % 2 == 1) plane.at(rows - 1, columns - 1) = shifted(plane.at(rows - 1, columns - 1), shift);
    }
    bit1 = bit0, bit0 >>= 1;
    mask1 = mask0, mask0 = shifted(mask0, 1);
    up1 = up0, up0 >>= 1;
    down1 = down0, down0 = up0 - 1;
  }
}

class HCompress final : public Codec {
 public:
  HCompress(Index rows, Index columns) : rows_(rows), columns_(columns) {}
  std::string_view name() const override { return "hcompress"; }
  Index largest_encoded(Index bytes) const override { return 2 * bytes + 1024; }
  Index encode(ConstBytes, Bytes) const override { fail(ErrorKind::kInternal, "hcompress is read, not written"); }

  Index decode(ConstBytes from, Bytes to) const override {
    BitReader bits(from, "hcompress");
    if (bits.take(16) != 0xdd99) fail(ErrorKind::kData, "hcompress: the bytes do not begin as they should");
    const auto rows = static_cast<Index>(bits.take(32)), columns = static_cast<Index>(bits.take(32));
    if (rows != rows_ || columns != columns_ || rows < 1 || columns < 1) {
      fail(ErrorKind::kData, "hcompress: it holds {} x {} pixels, the tile has {} x {}", rows, columns, rows_, columns_);
    }
    const Word scale = bits.take(32);
    const Word upper = bits.take(32), sum = upper << 32 | bits.take(32);
    int planes[3];
    for (int& n : planes) {
      n = static_cast<int>(bits.take(8));
      if (n > 64) fail(ErrorKind::kData, "hcompress: {} bit planes are more than a number has", n);
    }
    const Index count = rows * columns;
    if (count * kWordBytes > static_cast<Index>(to.size())) fail(ErrorKind::kData, "hcompress: more pixels than the tile has");
    ensure(reinterpret_cast<std::uintptr_t>(to.data()) % alignof(Word) == 0, "hcompress: memory at an odd address");
    Plane plane{rows, columns, {reinterpret_cast<Word*>(to.data()), static_cast<std::size_t>(count)}};
    std::fill(plane.values.begin(), plane.values.end(), Word{0});
    const Index top = (rows + 1) / 2, left = (columns + 1) / 2;
    read_quarter(bits, plane, 0, 0, top, left, planes[0]);
    read_quarter(bits, plane, 0, left, top, columns / 2, planes[1]);
    read_quarter(bits, plane, top, 0, rows / 2, left, planes[1]);
    read_quarter(bits, plane, top, left, rows / 2, columns / 2, planes[2]);
    if (bits.take(4) != 0) fail(ErrorKind::kData, "hcompress: the bit planes do not end where they should");
    bits.to_next_byte();
    for (Word& value : plane.values) {
      if (value != 0 && bits.take(1) != 0) value = Word{0} - value;
    }
    plane.values[0] = sum;
    if (scale > 1) {
      for (Word& value : plane.values) value *= scale;
    }
    transform_back(plane);
    // Pixels are of 32 bits: what damaged bytes have above is dropped.
    for (Word& value : plane.values) value = static_cast<Word>(static_cast<std::int64_t>(static_cast<std::int32_t>(value)));
    return count * kWordBytes;
  }

 private:
  Index rows_, columns_;
};

}  // namespace

CodecRef hcompress_codec(Index rows, Index columns) { return std::make_shared<HCompress>(rows, columns); }

}  // namespace freestone
