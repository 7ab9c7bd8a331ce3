/// FITS headers: what one header-and-data unit (HDU) holds and where.
///
/// Nothing in a header is believed before it is checked against the file: axes, products and lengths. Parsing runs on any
/// ByteReader, so that tests and the fuzzer feed it from memory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/formats/fits_card.h"
#include "freestone/storage/element_transform.h"
#include "freestone/storage/file.h"

namespace freestone::formats::fits {

/// A header larger than this is taken for damaged.
inline constexpr Index kLargestHeader = Index{32} << 20;

enum class HduKind { kImage, kBinaryTable, kAsciiTable, kRandomGroups, kCompressedImage, kOther };

struct Hdu {
  int number = 0;
  HduKind kind = HduKind::kImage;
  std::string name;     ///< EXTNAME, or ""
  Index version = 1;    ///< EXTVER
  std::string extension;  ///< XTENSION, "" for the primary
  std::string cards;    ///< 80 characters each, without END; what is not printable is blank
  std::vector<Attribute> attributes;
  int bitpix = 8;
  std::vector<Index> axes;  ///< NAXIS1 first
  Index header_offset = 0, data_offset = 0, data_bytes = 0;

  const Attribute* find(std::string_view key) const;
  /// @throws Error kind data, naming `file`: it is there but not a whole number
  std::optional<Index> integer(const std::string& file, std::string_view key) const;
  /// A number, whole or not; `otherwise` when it is missing or no number.
  double number_or(std::string_view key, double otherwise) const;
  /// A string without surrounding blanks, "" when missing.
  std::string text(std::string_view key) const;
  /// Where the next HDU begins.
  Index end() const { return data_offset + (data_bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }
  bool has_pixels() const { return kind == HduKind::kImage && !axes.empty(); }
};

/// Reads the HDU that begins at `offset`.
/// @throws Error kind data, naming file and field: not a header, no END, BITPIX or axes that cannot be, data beyond the file's end
Hdu read_hdu(const ByteReader& reader, Index offset, int number);

/// All HDUs of a file, in order. What follows the last one and is no header is left alone, as the standard says.
/// @throws Error as `read_hdu`
std::vector<Hdu> read_hdus(const ByteReader& reader);

/// How the pixels of an image are stored: BITPIX, BSCALE, BZERO, BLANK. Unsigned integers by the standard's convention
/// (BZERO 2^15, 2^31, 2^63, and -128 for signed bytes; BSCALE 1, no BLANK) are exact; 8 and 16 bits scale to float32, 32
/// and 64 to float64, floating numbers to themselves.
ElementTransform pixel_transform(const std::string& file, const Hdu& hdu);

}  // namespace freestone::formats::fits
