/// Names of the axes of datasets, as netCDF-4 finds them.
#pragma once

#include "freestone/formats/hdf5_dataset.h"

namespace freestone::formats::hdf5 {

/// For each dataset the name of each axis: that of the dimension scale that is attached; of a scale its own; else its label; else as netCDF
/// has it "phony_dim_N", one for each length in a group.
/// Lengthens arrays that end before their unlimited dimension does: what was not written there is fill.
std::vector<std::vector<std::string>> name_dimensions(std::vector<Dataset>& datasets);

}  // namespace freestone::formats::hdf5
