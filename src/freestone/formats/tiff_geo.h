/// Where an image lies on Earth: the tags of GeoTIFF (OGC 19-008r4), as attributes and back.
#pragma once

#include "freestone/formats/tiff_metadata.h"

namespace freestone::formats::tiff {

/// Adds what the tags say; nothing when there are none. Numbers that make no sense are left out, not refused: the image can be read.
void read_geo(const std::string& file, const Directory& directory, std::vector<Attribute>& attributes);

/// Whether `geo_tags` takes the attribute of this name.
bool is_geo(std::string_view key);
/// The keys are written as they were read, unless `crs` has become another one: then new ones that name its EPSG code.
/// @throws Error kind user: a `crs` or a `GeoTransform` that is none
std::vector<TagToWrite> geo_tags(const std::vector<Attribute>& attributes);

}  // namespace freestone::formats::tiff
