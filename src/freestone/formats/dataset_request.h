/// Requests as formats of named variables (netCDF, HDF5) take them.
#pragma once

#include "freestone/formats/format.h"

namespace freestone::formats {

/// A file of the one variable that `request` asks for, named "data" when it has no name; axes without a name are "dim_0" and so on, FITS
/// cards are attributes.
DatasetRequest dataset_of_one(const Spec& spec, const WriteRequest& request);

/// Each key once, as a name of netCDF: what comes later replaces what was there, but COMMENT and HISTORY of FITS are one text. A key that has
/// no such name is left out.
void add_attribute(std::vector<Attribute>& list, Attribute attribute);

}  // namespace freestone::formats
