/// What the plug-in libfreestone_proj.so offers: a few C functions over PROJ, so that neither side knows the other's types.
///
/// A way is used by one thread at a time. Text goes into the caller's memory, ended by a zero byte and cut where there is no room.
#pragma once

#include <cstddef>

extern "C" {

struct FreestoneProj {
  int version;  ///< kFreestoneProjVersion of who built it
  /// "9.1.1".
  const char* (*library)();
  /// A way from one CRS to another, each what PROJ takes ("EPSG:32633"); null: there is none, and `error` says why.
  void* (*open)(const char* from, const char* to, char* error, std::size_t room);
  void (*close)(void* way);
  /// In place: easting and northing, or longitude and latitude in degrees, in this order whatever the CRS's own; infinite where there is no such place.
  void (*transform)(void* way, double* x, double* y, std::size_t count);
  /// The CRS as WKT 2 of 2019, on one line; returns its length without the zero, 0: there is none, and `to` says why.
  std::size_t (*wkt)(const char* crs, char* to, std::size_t room);
};

/// The plug-in's only symbol.
__attribute__((visibility("default"))) const FreestoneProj* freestone_proj();

}  // extern "C"

inline constexpr int kFreestoneProjVersion = 2;
