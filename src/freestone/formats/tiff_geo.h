/// Where an image lies on Earth: the tags of GeoTIFF (OGC 19-008r4), as attributes and back.
#pragma once

#include "freestone/formats/tiff_metadata.h"

namespace freestone::formats::tiff {

/// Adds what the tags say; nothing when there are none. Numbers that make no sense are left out, not refused: the image can be read.
void read_geo(const Directory& directory, std::vector<Attribute>& attributes);

/// Whether `geo_tags` takes the attribute. A `crs` without an EPSG code (WKT, say) and a `GeoTransform` that is none are texts like others.
bool is_geo(const Attribute& attribute);
/// The keys are written as they were read, unless `crs` has become another one: then new ones that name its EPSG code.
std::vector<TagToWrite> geo_tags(const std::vector<Attribute>& attributes);

}  // namespace freestone::formats::tiff
