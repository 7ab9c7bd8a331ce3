/// netCDF-3: the classic format of netCDF in its three variants: classic (CDF-1), 64-bit offset (CDF-2) and 64-bit data (CDF-5). Read and
/// written by a parser of our own.
///
/// Facts: the grammar of the file formats in the NetCDF User's Guide, and that of CDF-5 by PnetCDF. All numbers are big-endian. Values are
/// given as they are stored: what fill values, scales and units of time mean is decoded above.
#pragma once

#include <memory>

#include "freestone/formats/format.h"
#include "freestone/storage/file.h"

namespace freestone::formats::netcdf3 {

/// A group of the file's variables, with its global attributes. Characters are uint8 with the attribute numpy_dtype = "S1". Numbers in
/// attributes that are neither int32 nor float64 have the name of their type as comment ("int16", "float32").
/// @throws Error kind data: damaged, cut short, or a variable that reaches beyond the file, naming it; kind user: more variables than Freestone
///   handles
Contents open(std::shared_ptr<const File> file);

/// A file of one variable, named `request.name`. An axis of no elements is the record dimension, so it can only be the first.
/// CDF-1 where it suffices; CDF-2 for files of more than 2 GiB; CDF-5 for unsigned and 64-bit integers, for axes of 2^31 elements and more, and
/// for a variable of more than 4 GiB that is not the last. bool is written as int8.
/// @throws Error kind user: complex numbers, names that netCDF does not allow
std::shared_ptr<Sink> create_sink(const Spec& spec, const WriteRequest& request);

/// As `create_sink`, of all variables in one file. One dimension may be unlimited: the first of every variable that has it.
std::vector<std::shared_ptr<Sink>> create_sinks(const DatasetRequest& request);

}  // namespace freestone::formats::netcdf3
