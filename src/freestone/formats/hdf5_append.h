/// Putting arrays behind what an HDF5 or NetCDF-4 file has, along an unlimited dimension.
#pragma once

#include "freestone/formats/hdf5_sink.h"

namespace freestone::formats::hdf5 {

/// A sink for each variable, in their order. Until the last of them has finished the file says what it said: new chunks lie behind its end, and
/// what changes in it waits (storage/held_changes.h). Chunks that were filled in part are written anew. A variable without the dimension is
/// compared with what the file has.
/// @throws Error kind user: no such file, dimension or variable, another shape, dtype or unit, or filters that Freestone does not write
std::vector<std::shared_ptr<Sink>> append_sinks(const DatasetRequest& request);

}  // namespace freestone::formats::hdf5
