/// Codecs of Zarr arrays by the names that imagecodecs has for them ("imagecodecs_lzw"): tifffile writes them into its references to TIFFs.
#pragma once

#include <string>
#include <vector>

#include "freestone/formats/zarr_parameters.h"

namespace freestone::formats::zarr {

/// Puts the codec behind `out`, from elements to bytes.
/// @param chunk_elements more a row cannot have
/// @returns false: it has no such name, or one that Freestone does not read
/// @throws Error kind data: a parameter is damaged; kind user: it has a setting that Freestone does not read
bool add_imagecodec(const Parameters& p, Index element_bytes, Index chunk_elements, std::vector<CodecRef>& out);
/// Their names, by comma.
std::string known_imagecodecs();

}  // namespace freestone::formats::zarr
