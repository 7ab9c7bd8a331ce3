/// What a TIFF file says about an image, as attributes and back.
///
/// | attribute | from | |
/// |---|---|---|
/// | `nodata` | GDAL_NODATA | a number of the image's kind (text where int64 has no room for it) |
/// | `GeoTransform` | ModelTransformation, or ModelPixelScale and ModelTiepoint | six numbers in GDAL's order, of a corner even where pixels are points |
/// | `crs` | GeoKeys | "EPSG:32633", when they name a code |
/// | `GeoKeyDirectory`, `GeoDoubleParams`, `GeoAsciiParams` | GeoKeys | as they are, so that a copy loses nothing |
/// | `RPCCoefficients` | RPCCoefficient | 92 numbers |
/// | `ModelTiepoint` | ModelTiepoint | ground control points, when they are no GeoTransform |
/// | `AREA_OR_POINT` | GTRasterTypeGeoKey | "Area" or "Point" |
/// | `band_names`, `scale`, `offset`, `units` | GDAL_METADATA | one for each band; one alone where they are equal |
/// | `band_2:NAME`, `NAME`, `DOMAIN:NAME` | GDAL_METADATA | other items: of a band, of the image |
/// | `TIFFTAG_SOFTWARE` ... | baseline tags | GDAL's names |
/// | `photometric`, `colormap` | PhotometricInterpretation, ColorMap | "palette", "rgb" ...; red, green and blue, one after another |
/// | `extra_samples` | ExtraSamples | what the bands behind the colours are, where that is said: 1 and 2 are opacity |
#pragma once

#include "freestone/formats/format.h"
#include "freestone/formats/tiff_image.h"

namespace freestone::formats::tiff {

struct Metadata {
  std::vector<Attribute> attributes;
  std::vector<std::string> dims;          ///< what a file of ours calls its axes; else empty
  bool has_band_axis = false;             ///< a file of ours: an image of one band is an array (1, y, x)
  std::vector<std::byte> fill;            ///< nodata, as one element of the image's dtype; empty: none
};
Metadata read_metadata(const Directory& directory, const Image& image);

/// A tag to write, its values little-endian.
struct TagToWrite {
  std::uint16_t tag = 0;
  FieldType type = FieldType::kByte;
  Index count = 0;
  std::string bytes;
};
TagToWrite ascii_tag(std::uint16_t tag, const std::string& text);
TagToWrite short_tag(std::uint16_t tag, const std::vector<Index>& values);
TagToWrite double_tag(std::uint16_t tag, const std::vector<double>& values);

/// Tags that say what `attributes` say. What has no tag of its own is an item of GDAL_METADATA.
/// @param bands of the image that is written
/// @param dims  names of the array's axes; kept where they are not those that a reader gives them
std::vector<TagToWrite> metadata_tags(const std::vector<Attribute>& attributes, Index bands, const std::vector<std::string>& dims, bool has_band_axis);

}  // namespace freestone::formats::tiff
