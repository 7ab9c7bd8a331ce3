/// Codecs that TIFF has and others have not.
///
/// After TIFF 6.0 (LZW: section 13, PackBits: section 9, differencing: section 14) and Adobe's TIFF Technical Note 3 (floating-point
/// predictor). What is decoded comes out in native byte order wherever a codec has to look at numbers.
#pragma once

#include "freestone/storage/codec.h"

namespace freestone {

/// LZW with the most significant bit first and codes that grow one early. Streams of the old kind (before TIFF 5.0, least significant
/// bit first) are refused.
CodecRef tiff_lzw_codec();
/// Whether the first two bytes of a stream are those of the old kind.
bool is_old_tiff_lzw(std::byte first, std::byte second);

/// Runs and literals of up to 128 bytes. Rows of `row_bytes` are encoded each for itself, as the standard wants it.
CodecRef packbits_codec(Index row_bytes);

/// A stream of xz (TIFF's LZMA). Level 0 to 9.
CodecRef xz_codec(int level);

/// How the elements of a row follow each other.
struct TiffRow {
  Index elements = 1;      ///< in a row, all samples counted
  Index samples = 1;       ///< that follow each other in a pixel: differences are between elements so many apart
  Index element_bytes = 1;
  ByteOrder order = ByteOrder::kLittle;  ///< of the stored differences
};
/// Differences along rows as integers that wrap, of 1, 2, 4 or 8 bytes (predictor 2). The elements are in native order.
CodecRef horizontal_differences_codec(const TiffRow& row);
/// Bytes of a row's floats sorted by significance, the highest first, and their differences (predictor 3); floats of 2, 4 or 8 bytes.
CodecRef floating_differences_codec(const TiffRow& row);

/// Elements of `bits` < 16 (not 8) bits each, the most significant bit first, rows filled up to whole bytes: to bytes, or 16-bit integers in
/// native order where they are wider than 8.
CodecRef packed_bits_codec(int bits, Index row_elements);

/// Every byte with its bits in reverse (FillOrder 2).
CodecRef reversed_bits_codec();

}  // namespace freestone
