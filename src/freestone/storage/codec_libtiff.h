/// What only libtiff decodes and encodes: JPEG, WebP, LERC and fax (decoded only), as codecs among the others.
#pragma once

#include <optional>

#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"

namespace freestone {

/// One image of a TIFF file, as libtiff must know it to decode its chunks.
struct LibtiffImage {
  std::string name = "libtiff";  ///< of its compression, "jpeg"
  std::shared_ptr<const File> file;
  Index directory = 0;        ///< offset of its IFD, which has been checked
  Index chunk_bytes = 0;      ///< decoded
  Index last_chunk_bytes = 0; ///< of the last strip
  Index last_chunk = 0;       ///< its number
  bool to_rgb = false;        ///< JPEG: YCbCr becomes RGB
};

/// Chunks are read by us and decoded by libtiff, from memory; the elements are in native order. It keeps one handle of libtiff, which
/// sees nothing of the file but the image's directory, for each thread that decodes at the same time. Nothing is printed; what libtiff
/// says is in the Error.
/// @throws Error kind user: libtiff cannot open the image, or was built without its compression
CodecRef libtiff_codec(const LibtiffImage& image);

/// A tile as libtiff must know it to encode it: the bands of a pixel lie together.
struct LibtiffTile {
  std::string name;           ///< "jpeg"
  Index compression = 0;      ///< its number in TIFF
  Index width = 0, height = 0, samples = 1;
  DType dtype = DType::kUint8;
  int quality = 75;           ///< JPEG and WebP: 1 to 100; WebP of 100 loses nothing
  bool is_ycbcr = false;      ///< JPEG: RGB is stored as YCbCr
};

/// Encodes tiles alone: each is what a directory lists, with all that a decoder needs. LERC loses nothing.
/// @throws Error kind user: libtiff was built without the compression
CodecRef libtiff_encoder(const LibtiffTile& tile);

}  // namespace freestone
