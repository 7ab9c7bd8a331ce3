/// What the plug-in libfreestone_gdal.so offers: a few C functions over GDAL, so that neither side knows the other's classes.
///
/// Calls are made one at a time. Text goes into the caller's memory, ended by a zero byte and cut where there is no room.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct FreestoneGdal {
  int version;  ///< kFreestoneGdalVersion of who built it
  /// "3.6.2".
  const char* (*library)();
  /// Null: GDAL does not read it. `error` is empty when no driver knows the file, else what the driver says.
  void* (*open)(const char* path, char* error, std::size_t room);
  void (*close)(void* dataset);
  /// JSON: driver, width, height, bands, dtype, block [height, width], crs ("EPSG:..." or WKT), transform (six numbers), nodata, band_names,
  /// units, scale, offset, colormap, items {name: text}, band_items [{name: text}]. Returns the text's length.
  std::size_t (*describe)(void* dataset, char* json, std::size_t room);
  /// Bands first, rows, columns, in the dtype of `describe`. 0: done.
  int (*read)(void* dataset, std::int64_t first_band, std::int64_t bands, std::int64_t y, std::int64_t x, std::int64_t height, std::int64_t width, void* out,
              char* error, std::size_t room);
};

/// The plug-in's only symbol.
const FreestoneGdal* freestone_gdal();

}  // extern "C"

inline constexpr int kFreestoneGdalVersion = 1;
