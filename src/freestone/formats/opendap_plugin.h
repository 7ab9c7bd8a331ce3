/// What the plug-in libfreestone_opendap.so offers: a few C functions over libnetcdf, so that neither side knows the other's types.
///
/// Calls are made one at a time. Text goes into the caller's memory, ended by a zero byte and cut where there is no room.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct FreestoneOpendap {
  int version;  ///< kFreestoneOpendapVersion of who built it
  /// "4.9.0".
  const char* (*library)();
  /// A number; below 0: it cannot be opened, and `error` says why.
  /// @param timeout_seconds that a server may be silent
  int (*open)(const char* url, int timeout_seconds, char* error, std::size_t room);
  void (*close)(int dataset);
  /// JSON: attributes [{name, value}], variables [{name, type, shape, dims, attributes}]; types are NumPy's ("f4"), "S1" for characters, "" for what
  /// is not read. Returns the text's length, which may be more than `room`.
  std::size_t (*describe)(int dataset, char* json, std::size_t room);
  /// Elements of a box of a variable, C order, this machine's byte order. 0: done.
  int (*read)(int dataset, const char* variable, const std::int64_t* start, const std::int64_t* shape, int rank, void* out, char* error, std::size_t room);
};

/// The plug-in's only symbol.
const FreestoneOpendap* freestone_opendap();

}  // extern "C"

inline constexpr int kFreestoneOpendapVersion = 1;
