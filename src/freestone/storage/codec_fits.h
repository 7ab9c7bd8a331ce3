/// Codecs of tile-compressed FITS images: what turns a tile's bytes into its pixels.
///
/// Facts: the FITS standard 4.0, section 10; Rice's code as Yeh, Rice and Miller (1991) and the CFITSIO guide describe it, H-compress after
/// White (1992), IRAF's pixel lists. All decode to native byte order, all bounded by the bytes that are there. Rice's code is written as well.
#pragma once

#include <optional>

#include "freestone/storage/codec.h"

namespace freestone {

/// Whole numbers of 1 (unsigned), 2 or 4 bytes, in blocks of `block` pixels.
/// @throws Error kind internal: other widths, or a block below 1
CodecRef rice_codec(Index element_bytes, Index block);
/// int32, from the runs of an IRAF pixel list.
CodecRef plio_codec();
/// A tile of `rows` x `columns` numbers of 32 bits, as int64: the transform works in them, and in memory that the chain has asked for.
CodecRef hcompress_codec(Index rows, Index columns);

enum class Dither { kNone, kSubtractive1, kSubtractive2 };
struct Quantisation {
  double scale = 1, zero = 0;
  std::optional<std::int64_t> blank;  ///< stands for NaN
  Dither dither = Dither::kNone;
  Index row = 0;                      ///< of the tile in the table, from 0, and ZDITHER0 - 1 more: where the random numbers begin
};
/// float32 or float64 from int32.
CodecRef quantised_codec(DType dtype, const Quantisation& quantisation);

/// For chains whose chunks have codecs of their own (ChunkMap::codecs_of): needs `factor` times the bytes and `more`, and decodes nothing. @param name
/// for people: what those are; "" where another says it
CodecRef room_codec(Index factor, Index more, std::string name);

}  // namespace freestone
