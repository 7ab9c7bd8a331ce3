/// Tile-compressed FITS images: a table whose rows are the tiles of an image (FITS standard 4.0, section 10).
#pragma once

#include <memory>

#include "freestone/core/source.h"
#include "freestone/formats/fits_header.h"

namespace freestone::formats::fits {

/// The image in `hdu`, of kind kCompressedImage; the table's rows are read, its heap is not.
/// @param reference see Source::reference
/// @throws Error kind data, naming file and field; kind user: a compression that Freestone does not read
std::shared_ptr<const Source> open_tiles(const std::shared_ptr<const File>& file, const Hdu& hdu, const std::string& reference);

}  // namespace freestone::formats::fits
