/// HDF5 and NetCDF-4: names, types, attributes and dimensions by the HDF5 library, data by Freestone.
///
/// The library reads metadata, one thread of the process at a time, and is done with a file when it is opened. What is left are
/// manifests: contiguous data as one run, chunked data as a table of chunks behind codecs, read and decoded on all lanes. Filters that
/// Freestone has no codec for (szip, n-bit, scale-offset), and numbers of odd sizes, are read by the library in its lane.
///
/// Variables are named by their path, "group/name". Their axes have the names of the dimension scales that are attached, as netCDF-4 has it;
/// "phony_dim_0" and so on where there are none. A field of a compound is a variable of its own, "name.field". Values are as they are stored:
/// scale_factor, add_offset and _FillValue are the label room's.
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::hdf5 {

/// HDF5's signature is at one of the places where it may be.
bool is_hdf5(const ByteReader& reader);

/// @throws Error kind data: damaged or cut short, naming the object
Contents open(std::shared_ptr<const File> file);

/// From now on files are described by other processes, which `command` (a path, and words) starts: they call `serve_descriptions`. Without one
/// the library works in this process, and a damaged file may end it. Empty: there is none any more.
void describe_in_process(std::vector<std::string> command);
/// The whole life of such a process: answers until nobody asks any more. @returns its exit code
int serve_descriptions();

/// A NetCDF-4 file: dimensions as the netCDF library makes and numbers them, in the group that holds all variables that have them; bool is
/// int8, characters (numpy_dtype = "S1") are NC_CHAR. Chunks and filters as `packing` says; contiguous without. The objects are made by the
/// library, elements are encoded and written by all lanes.
/// @throws Error kind user: complex numbers, names that netCDF does not allow, dims that disagree
std::vector<std::shared_ptr<Sink>> create_netcdf_sinks(const DatasetRequest& request);
/// A plain HDF5 file as h5py would have it: names of axes are labels, and a variable named as its only axis is the scale of it; bool and complex
/// numbers are h5py's.
std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request);
/// Files of one variable, `request.name` or "data".
std::shared_ptr<Sink> create_netcdf_sink(const Spec& spec, const WriteRequest& request);
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

}  // namespace freestone::formats::hdf5
