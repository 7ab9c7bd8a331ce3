/// GeoTIFF, BigTIFF and plain TIFF files: their images as chunk manifests, and new ones tile by tile.
///
/// The directories are read by a parser of our own; tiles and strips are chunks that all threads read and decode. What only libtiff
/// decodes (JPEG, WebP, LERC, fax) is read by us and decoded by it, from memory.
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::tiff {

/// The first image at full resolution comes first; then its overviews ("overview_1" ...), its mask ("mask"), further pages ("page_2",
/// "page_2_overview_1", "page_2_mask"). An image is (y, x), or (band, y, x) where it has several samples a pixel.
/// @throws Error kind data, naming file and field
Contents open(std::shared_ptr<const File> file);

/// An image of (y, x) or (band, y, x). Tiles of 512 x 512, one band each: whoever wants one band reads one.
/// `Packing.chunks` says otherwise: (height, width) of tiles in multiples of 16, or of strips, as wide as the image; with (band, height,
/// width) the bands of a pixel lie together when `band` is all of them, as they do with `raster.interleave` "pixel". Compressors: deflate
/// (the default), lzw, zstd, packbits, lzma, none, and by libtiff, in tiles, jpeg, webp (bytes; the level is the quality) and lerc; with the predictor that fits the numbers, or the one asked for. BigTIFF where the data may
/// pass 4 GiB. Attributes: see tiff_metadata.h. Overviews where they are asked for, made while the image is written (tiff_overview.h): by
/// average, of a palette by nearest. Tiles lie in the order in which they were finished; uncompressed ones have their places.
/// @throws Error kind user: another rank, an empty array, or what TIFF has not
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

/// The same as a cloud-optimised GeoTIFF, in the layout of GDAL's driver: directories, then the smallest overview, ..., the image, tiles in
/// the order of the lists. Overviews until one fits a tile, unless said otherwise; up to four bands lie together. The bytes are the same
/// whatever the order in which tiles come: encoded tiles are kept in a file without a name beside the output until sizes are known.
std::shared_ptr<Sink> create_cog_sink(const Spec& spec, const WriteRequest& request);

/// The same with a mask in the file, as GDAL has it: a sink of the image, and one of (y, x) bool that is true where pixels count, stored as one bit
/// a pixel, with overviews where the image has some.
std::vector<std::shared_ptr<Sink>> create_masked_sinks(const Spec& spec, const WriteRequest& request);
std::vector<std::shared_ptr<Sink>> create_masked_cog_sinks(const Spec& spec, const WriteRequest& request);

}  // namespace freestone::formats::tiff
