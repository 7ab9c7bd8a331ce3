/// One image of a TIFF file: how its samples lie, and the Source that reads them.
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/formats/tiff_ifd.h"

namespace freestone::formats::tiff {

/// Numbers of compressions.
enum Compression : Index {
  kNone = 1, kCcittRle = 2, kFax3 = 3, kFax4 = 4, kLzw = 5, kOldJpeg = 6, kJpeg = 7, kDeflate = 8, kOldDeflate = 32946, kPackBits = 32773,
  kLerc = 34887, kLzma = 34925, kZstd = 50000, kWebp = 50001
};
/// "deflate".
std::string name_of_compression(Index number);

enum Photometric : Index { kWhiteIsZero = 0, kBlackIsZero = 1, kRgb = 2, kPalette = 3, kMaskOf = 4, kSeparated = 5, kYCbCr = 6, kCieLab = 8 };

/// What the directory of an image says, checked.
struct Image {
  Index width = 0, height = 0, bands = 1;
  int bits = 1;                ///< of a sample
  DType stored = DType::kUint8, dtype = DType::kUint8;
  bool halves = false;         ///< float16
  bool is_complex_integer = false;  ///< pairs of int16 or int32, which become complex64 and complex128
  bool is_tiled = false;
  bool is_separate = false;    ///< bands after each other (PlanarConfiguration 2)
  Index chunk_height = 0, chunk_width = 0;
  Index compression = kNone, predictor = 1, photometric = kBlackIsZero, fill_order = 1;
};

/// @throws Error kind data: fields that are missing or make no sense; kind user: an image that is not read, and why
Image read_image(const std::string& file, const Directory& directory);

/// @param fill  one element, delivered where chunks were never written; empty: zero
/// @param has_band_axis  an image of one band is (1, y, x) all the same; else (y, x)
/// @param name  of the variable, for messages and for the reference
/// @throws Error kind data: lists of chunks that do not fit the image or the file; kind user: a compression that is not read
std::shared_ptr<const Source> make_source(const std::shared_ptr<const File>& file, const Header& header, const Directory& directory,
                                          const Image& image, std::vector<std::byte> fill, bool has_band_axis, const std::string& name);

}  // namespace freestone::formats::tiff
