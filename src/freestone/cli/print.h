/// Printed results: numbers and small arrays as a table for people, JSON or CSV for programs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "freestone/astro/spectral_cube.h"
#include "freestone/exec/compute.h"

namespace freestone::cli {

/// Elements that are printed at the most: of a list, and of an array with several axes.
inline constexpr Index kLargestPrint = 10'000, kLargestPrintedImage = 1'000;

/// The elements as doubles, C order.
std::vector<double> numbers_of(const Tensor& tensor);

/// JSON: one object with npts min max sum sumsq mean sigma rms (numbers; null for NaN) and unit.
std::string print_statistics(const astro::Statistics& statistics, const std::string& format);
/// One row an element. JSON: one object of the same keys, each a list.
std::string print_statistics(const std::vector<astro::Statistics>& rows, const std::string& format);

/// One row an array, called by its title. JSON: one object an array, by title.
std::string print_statistics(const std::vector<std::string>& titles, const std::vector<astro::Statistics>& rows, const std::string& format);

/// JSON: {"name", "unit", "dtype", "dims", "shape", "values"} with nested lists; a number has "value" instead of the last three.
std::string print_array(const astro::SkyArray& array, const std::string& label, const Tensor& tensor, const std::string& format);

/// Several, each as `print_array` has it, by its name; as JSON one object with each under its name.
std::string print_arrays(const std::vector<astro::SkyArray>& arrays, const std::vector<std::shared_ptr<const Tensor>>& tensors, const std::string& format);

/// Writes to stdout. @throws ClosedOutput when nobody reads it any more; Error kind io
void write_stdout(const std::string& text);
struct ClosedOutput {};

}  // namespace freestone::cli
