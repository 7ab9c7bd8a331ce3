/// What a new HDF5 or NetCDF-4 file will hold, as plain data: worked out before the library is asked to make anything.
#pragma once

#include <algorithm>

#include "freestone/formats/hdf5_packing.h"
#include "freestone/storage/element_transform.h"

namespace freestone::formats::hdf5 {

/// A dimension of netCDF: a dataset that others have as a scale.
struct DimensionToWrite {
  std::string group;  ///< "" or "a/b/"
  std::string name;
  Index length = 0;
  bool is_unlimited = false;
  std::optional<std::size_t> variable;  ///< its coordinate; none: nothing but the axis
};

/// What a variable has already, when an array is put behind it.
struct Existing {
  int axis = 0;
  Index length = 0;                      ///< along `axis`
  std::shared_ptr<const Source> source;  ///< of what is there
};

struct VariableToWrite {
  std::string asked_name;  ///< for messages
  std::string group, name;  ///< of the object in the file
  Spec spec;
  bool is_char = false;  ///< uint8 that are characters
  std::vector<std::optional<std::size_t>> dims;  ///< one an axis, numbers of dimensions; none: an axis without a scale
  std::vector<std::string> labels;               ///< names of the axes, in plain HDF5
  std::vector<bool> is_unlimited;
  std::vector<Attribute> attributes;
  StoredAs stored;
  std::vector<std::byte> fill;  ///< one element
  ElementTransform transform;   ///< from its elements to what is stored, which has their size
  std::optional<Existing> existing;
  std::optional<std::vector<std::string>> texts;  ///< instead of elements: written when the file is made, `spec.dtype` means nothing
};

struct FileToWrite {
  std::string path;
  bool is_netcdf = false;
  std::vector<Attribute> attributes;
  std::vector<Group> groups;
  std::vector<DimensionToWrite> dimensions;
  std::vector<VariableToWrite> variables;  ///< those of texts last
  std::size_t sinks() const { return static_cast<std::size_t>(std::ranges::count_if(variables, [](const VariableToWrite& v) { return !v.texts; })); }
};

/// Dimensions of netCDF belong to the group that holds all variables that have them, as nccopy would find them. Plain HDF5 has labels, and
/// scales where a variable is the coordinate of its axis.
/// @throws Error kind user: names that the format does not allow, dims that disagree, dtypes that it has no type for
FileToWrite file_to_write(const DatasetRequest& request, bool is_netcdf);

/// "a/b/" of "a/b/name", "" of "name".
std::string group_of(const std::string& path);

}  // namespace freestone::formats::hdf5
