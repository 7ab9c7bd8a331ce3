/// Dataset: the arrays of a file or group, by name, with what they say of themselves.
///
/// A value made of Arrays: lazy as they are. A variable is a coordinate when it has one axis and its name: time(time).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/formats/format.h"

namespace freestone {

struct DatasetVariable {
  std::string name;  ///< in nested groups its path: "daily/tas"
  Array array;
  std::vector<std::string> dims;  ///< one an axis; "" for an axis without a name
  std::vector<formats::Attribute> attributes;

  bool is_coordinate() const;
};

class Dataset {
 public:
  Dataset() = default;
  Dataset(std::string path, std::vector<DatasetVariable> variables, std::vector<formats::Attribute> attributes);

  const std::string& path() const { return path_; }
  /// All of them, by name.
  const std::vector<DatasetVariable>& variables() const { return variables_; }
  /// Of the group.
  const std::vector<formats::Attribute>& attributes() const { return attributes_; }
  bool contains(const std::string& name) const;
  /// @throws Error kind user: there is none, with the nearest name and the list
  const DatasetVariable& operator[](const std::string& name) const;
  /// Names of the variables that are coordinates, and of those that are not.
  std::vector<std::string> coordinate_names() const { return names(true); }
  std::vector<std::string> data_names() const { return names(false); }
  /// Names and lengths of the axes, in the order in which variables have them; a name that has several lengths is there for each.
  std::vector<std::pair<std::string, Index>> dims() const;

 private:
  std::vector<std::string> names(bool coordinates) const;
  std::string path_;
  std::vector<DatasetVariable> variables_;
  std::vector<formats::Attribute> attributes_;
};

/// The arrays of an open file or group that can be read.
Dataset dataset_from(const formats::Contents& contents);
/// All arrays of a group that can be read; of a file with a single one that one.
/// @throws Error as formats::open_file
Dataset open_dataset(const std::string& path);

}  // namespace freestone
