/// What only libtiff decodes: JPEG, WebP, LERC and fax, as a codec among the others.
#pragma once

#include <optional>

#include "freestone/storage/codec.h"
#include "freestone/storage/file.h"

namespace freestone {

/// One image of a TIFF file, as libtiff must know it to decode its chunks.
struct LibtiffImage {
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

}  // namespace freestone
