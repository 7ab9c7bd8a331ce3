/// What `info` says of a dataset's axes and labels.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "freestone/label/dataset.h"

namespace freestone::cli {

/// Whether the file has no name for the dimension: HDF5's own, which netCDF numbers.
bool is_invented(const std::string& dim);
/// "time 12, lat 90, lon 180", without what is invented.
std::string dims_text(const Dataset& dataset);
/// A line for each coordinate: its length and unit, from which label to which, times as dates. Reads them.
std::vector<std::pair<std::string, std::string>> coordinate_lines(const std::vector<DatasetVariable>& coordinates);
/// A list of objects: name, dims, shape, dtype, unit, first, last (numbers), first_date, last_date and calendar of times.
nlohmann::ordered_json coordinates_json(const std::vector<DatasetVariable>& coordinates);
/// The dataset that several files are together.
std::string dataset_text(const Dataset& dataset, std::size_t files);
nlohmann::ordered_json dataset_json(const Dataset& dataset, std::size_t files);

}  // namespace freestone::cli
