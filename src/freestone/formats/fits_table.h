/// FITS binary tables: small ones read whole, and written.
#pragma once

#include <optional>

#include "freestone/formats/fits_header.h"

namespace freestone::formats::fits {

/// Tables that would take more memory than this are left in the file.
inline constexpr Index kLargestTable = Index{64} << 20;

/// The numeric (L B I J K E D, with TSCAL, TZERO, TNULL) and text (A) columns; others are left out. 64-bit integers above 2^53
/// are rounded. Nothing when the table is too large.
/// @throws Error kind data, naming file and field
std::optional<Table> read_table(const ByteReader& reader, const Hdu& hdu);

/// Header and data of a BINTABLE extension, padded to whole blocks.
/// @throws Error kind user: columns of different lengths
std::string format_table(const Table& table);

}  // namespace freestone::formats::fits
