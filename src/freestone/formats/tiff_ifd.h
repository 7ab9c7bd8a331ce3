/// The skeleton of a TIFF file: its header, and directories (IFDs) of tagged values.
///
/// After TIFF 6.0, section 2, and BigTIFF. Parsed by us alone, with every count and offset looked at before anything is allocated.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "freestone/storage/byte_order.h"
#include "freestone/storage/file.h"

namespace freestone::formats::tiff {

/// Numbers of tags that are read or written.
enum Tag : std::uint16_t {
  kNewSubfileType = 254,
  kSubfileType = 255,
  kImageWidth = 256,
  kImageLength = 257,
  kBitsPerSample = 258,
  kCompression = 259,
  kPhotometric = 262,
  kFillOrder = 266,
  kDocumentName = 269,
  kImageDescription = 270,
  kStripOffsets = 273,
  kSamplesPerPixel = 277,
  kRowsPerStrip = 278,
  kStripByteCounts = 279,
  kXResolution = 282,
  kYResolution = 283,
  kPlanarConfiguration = 284,
  kResolutionUnit = 296,
  kSoftware = 305,
  kDateTime = 306,
  kArtist = 315,
  kHostComputer = 316,
  kPredictor = 317,
  kColorMap = 320,
  kTileWidth = 322,
  kTileLength = 323,
  kTileOffsets = 324,
  kTileByteCounts = 325,
  kSubIfds = 330,
  kExtraSamples = 338,
  kSampleFormat = 339,
  kYCbCrSubsampling = 530,
  kCopyright = 33432,
  kModelPixelScale = 33550,
  kModelTiepoint = 33922,
  kModelTransformation = 34264,
  kGeoKeyDirectory = 34735,
  kGeoDoubleParams = 34736,
  kGeoAsciiParams = 34737,
  kGdalMetadata = 42112,
  kGdalNodata = 42113,
  kLercParameters = 50674,
  kRpcCoefficients = 50844,
};
/// "ImageWidth (256)".
std::string name_of(std::uint16_t tag);

/// Types of values, by their numbers in the file.
enum class FieldType : std::uint16_t {
  kByte = 1, kAscii, kShort, kLong, kRational, kSignedByte, kUndefined, kSignedShort, kSignedLong, kSignedRational, kFloat, kDouble, kIfd,
  kLong8 = 16, kSignedLong8, kIfd8
};
/// Bytes of one value; 0 for a type that is none.
Index size_of(FieldType type);

struct Header {
  ByteOrder order = ByteOrder::kLittle;
  bool big = false;  ///< BigTIFF: offsets of 8 bytes
  Index first = 0;   ///< offset of the first directory
};
/// @throws Error kind data: no TIFF, or cut short
Header read_header(const ByteReader& reader);

class Directory {
 public:
  /// @throws Error kind data: it does not lie in the file, or is none
  Directory(const ByteReader& reader, const Header& header, Index offset);

  Index offset() const { return offset_; }
  /// Of the directory that follows; 0: none.
  Index next() const { return next_; }
  /// Of all values, as far as they can lie in the file.
  Index value_bytes() const;
  bool has(std::uint16_t tag) const { return find(tag) != nullptr; }
  /// How many values; 0: it is not there.
  Index count(std::uint16_t tag) const;

  /// The first value of an integer tag.
  /// @throws Error kind data, here and below: of another type, out of the file, or larger than 2^63
  Index integer(std::uint16_t tag, Index otherwise) const;
  /// All values; more than `most` are damage.
  std::vector<Index> integers(std::uint16_t tag, Index most) const;
  /// Integers, rationals and floats.
  std::vector<double> numbers(std::uint16_t tag, Index most) const;
  /// Without what follows a zero byte.
  std::string text(std::uint16_t tag) const;

 private:
  struct Entry {
    std::uint16_t tag;
    FieldType type;
    Index count;
    Index at;  ///< of its values in the file
  };
  const Entry* find(std::uint16_t tag) const;
  std::vector<std::byte> bytes_of(const Entry& entry, Index most) const;
  [[noreturn]] void damaged(std::uint16_t tag, const std::string& why) const;

  const ByteReader* reader_;
  ByteOrder order_;
  Index offset_, next_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace freestone::formats::tiff
