/// CASA images: folders of casacore's table system that hold an image, read and written by code of our own.
///
/// Facts: casacore's AipsIO, its table files and tiled storage managers, as images of casacore show them. Axes are reversed, as in FITS: the
/// first of CASA's is the last here.
#pragma once

#include <memory>

#include "freestone/formats/format.h"

namespace freestone::formats::casa {

/// True when the folder holds a table of CASA.
bool is_table(const std::string& path);

/// The image, with FITS cards of what its keywords say, and its masks behind it (bool, true where elements count).
/// @throws Error kind io; kind data: damaged, naming file and offset; kind user: a table that is no image
Contents open(const std::string& path);

/// An image that casacore opens: float32, float64, complex64 or complex128 in tiles, little-endian. NaN are masked: where there are any, the
/// image gets a mask0.
/// @throws Error kind user: another dtype, no axes, no elements
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

}  // namespace freestone::formats::casa
