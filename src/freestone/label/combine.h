/// Datasets put together: aligned by their labels, and joined along an axis in the order of its coordinate.
///
/// Only coordinates are read, those of many files at once; the data stay lazy. What does not fit together is named: file, variable, label.
#pragma once

#include <string>
#include <vector>

#include "freestone/exec/compute.h"
#include "freestone/label/dataset.h"

namespace freestone {

/// What happens where labels differ.
enum class Join {
  kExact,  ///< an error
  kInner,  ///< each is cut to the labels that all have, in the order of the first
};

/// Along every axis but those of `except` the datasets get the same labels, where they have coordinates. Labels are equal when their numbers
/// are, or their times, in whichever units.
/// @throws Error kind user: labels differ (kExact), naming file, coordinate and label; calendars differ; as CoordinateValues
std::vector<Dataset> align(const std::vector<Dataset>& datasets, Join join = Join::kExact, const std::vector<std::string>& except = {},
                           const ComputeOptions& compute = {});

struct CombineOptions {
  Join join = Join::kExact;     ///< along the other axes
  bool order_by_label = true;   ///< false: in the order given, whatever the labels
  std::vector<std::string> variables = {};  ///< open_datasets: these alone, with their coordinates; empty: all
  int threads = 0;              ///< that open files and read coordinates; 0: as many as there are cores
  ComputeOptions compute = {};  ///< of reading the coordinates
};

/// One after the other along `dim`; "" is the only axis whose labels differ, or the only one of times where those of
/// no two files are the same. Variables without that axis, encodings and attributes are the
/// first one's. Times are converted to the units of the first.
/// @throws Error kind user: no such axis, or more than one whose labels differ; kind data, naming file and variable: a variable that some
///         lack, other axes or units, labels that overlap
Dataset concat(const std::vector<Dataset>& datasets, const std::string& dim = "", const CombineOptions& options = {});

/// The files that a pattern such as "clim_*.nc" means, sorted; of a path without * ? [ itself.
/// @throws Error kind user: there is none
std::vector<std::string> expand_paths(const std::string& pattern);

/// The files as one dataset: `concat` of what `open_dataset` gives.
/// @throws Error as open_dataset and concat
Dataset open_datasets(const std::vector<std::string>& paths, const std::string& dim = "", const CfOptions& cf = {},
                      const CombineOptions& options = {});

}  // namespace freestone
