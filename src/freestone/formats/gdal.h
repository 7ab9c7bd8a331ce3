/// Rasters that we do not read ourselves (VRT, JPEG 2000, ENVI, GRIB...), by GDAL where its plug-in is there.
///
/// GDAL does the reading and decoding, one request after another: a dataset of its is no place for several threads. docs/decisions/0019.
#pragma once

#include <memory>
#include <optional>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::gdal {

/// Bands of one size and type become one array, (band, y, x), or (y, x) where there is one. Attributes have the names of tiff_metadata.h.
/// @throws Error kind user: the plug-in is not there, and how to get it, or GDAL does not know the file; kind data: GDAL cannot open it
Contents open(std::shared_ptr<const File> file);
/// The same where the plug-in is there and GDAL knows the file; else nothing.
/// @throws Error kind data: GDAL cannot open it
std::optional<Contents> open_if_known(std::shared_ptr<const File> file);

/// "GDAL 3.6.2 (path of the plug-in)", or why there is none.
std::string status();
/// Whether the plug-in is there.
bool is_there();

}  // namespace freestone::formats::gdal
