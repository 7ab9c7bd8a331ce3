/// FITS files: reading every HDU's metadata, writing one image with its tables.
#pragma once

#include <memory>

#include "freestone/formats/fits_header.h"
#include "freestone/formats/format.h"

namespace freestone::formats::fits {

/// One variable for each HDU (its number in the list is the HDU's), and the small binary tables.
/// @throws Error kind data, naming file and field
Contents open(std::shared_ptr<const File> file);

/// An image as the primary HDU, tables behind. With a compressor (rice, gzip), chunks, or a name that ends in .fz: tile-compressed, behind an
/// empty primary HDU; without loss. uint16, uint32, uint64 and int8 are stored by the BZERO convention, bool as bytes.
/// @throws Error kind user: complex numbers or an array without axes, which FITS does not have
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

/// The primary header of such a file, padded to whole blocks.
std::string format_header(const Spec& spec, const WriteRequest& request);

}  // namespace freestone::formats::fits
