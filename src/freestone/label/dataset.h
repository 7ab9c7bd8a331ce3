/// Dataset: the arrays of a file or group, by name, with what they say of themselves.
///
/// A value made of Arrays: lazy as they are. A variable is a coordinate when it has one axis and its name, time(time), or when others name
/// it as theirs. What climate people do with it is one header each: cf.h says what the stored numbers mean, calendar.h what times are,
/// selection.h takes parts by label, combine.h puts files together, grouping.h folds months and seasons, along_dims.h reduces named axes.
/// All of these take a Dataset and give one; a DataArray (data_array.h) is a Dataset of which one variable is meant.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "freestone/array/array.h"
#include "freestone/formats/format.h"

namespace freestone {

/// How a variable was stored before it was decoded (cf.h).
struct CfEncoding {
  std::optional<DType> dtype;                  ///< when decoding changed it
  std::vector<formats::Attribute> attributes;  ///< that decoding has taken off
  std::optional<formats::Deflate> deflate = {};  ///< of the chunks that were decoded
};

struct DatasetVariable {
  std::string name;  ///< in nested groups its path: "daily/tas"
  Array array;
  std::vector<std::string> dims;  ///< one an axis; "" for an axis without a name
  std::vector<formats::Attribute> attributes;
  CfEncoding encoding = {};
  bool is_auxiliary = false;  ///< a coordinate that is no axis: a scalar, latitudes of a curved grid

  bool is_coordinate() const { return is_auxiliary || is_dimension_coordinate(); }
  /// One axis, of the variable's own name.
  bool is_dimension_coordinate() const;
  /// Number of the axis with this name, or -1.
  int axis_of(const std::string& dim) const;
  /// The attribute, or null; `text` of one that is a text, else "".
  const formats::Attribute* attribute(const std::string& key) const;
  std::string text(const std::string& key) const;
};

/// What is decoded when a dataset is opened.
struct CfOptions {
  bool decode_cf = true;                  ///< false: nothing, the stored numbers
  bool mask_and_scale = true;             ///< fill values, scale and offset, _Unsigned
  bool mask_outside_valid_range = false;  ///< NaN outside valid_min, valid_max, valid_range: netCDF4-python does so, xarray does not
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
  /// The coordinate that labels the positions of axis `dim`, or null.
  const DatasetVariable* coordinate(const std::string& dim) const;
  /// Its length. @throws Error kind user: no variable has that axis, with the nearest name and the list, or they disagree
  Index length(const std::string& dim) const;
  /// Names of axes that may grow in the file that it was read from.
  const std::vector<std::string>& unlimited_dims() const { return unlimited_dims_; }
  void set_unlimited_dims(std::vector<std::string> dims) { unlimited_dims_ = std::move(dims); }
  /// Texts beside the arrays, as long as all elements are those of the file.
  const std::vector<formats::TextRequest>& texts() const { return texts_; }
  void set_texts(std::vector<formats::TextRequest> texts) { texts_ = std::move(texts); }
  /// Names of the texts that variables name as their coordinates.
  std::vector<std::string> text_coordinates() const;
  /// The same with other variables, and without texts.
  Dataset with(std::vector<DatasetVariable> variables) const;
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
  std::vector<std::string> unlimited_dims_;
  std::vector<formats::TextRequest> texts_;
};

/// What describes the projection of `variable`: the name in grid_mapping, of several that of its last axis; or "".
std::string grid_mapping_name(const DatasetVariable& variable);
/// The coordinates that belong to `variable`: those along its axes, scalar ones, and the bounds of them, which have one axis more; its grid
/// mapping and no other.
std::vector<DatasetVariable> coordinates_of(const Dataset& dataset, const DatasetVariable& variable);

/// The arrays of an open file or group that can be read, as stored.
Dataset dataset_from(const formats::Contents& contents);
/// All arrays of a group that can be read; of a file with a single one that one. Decoded as `options` say.
/// @throws Error as formats::open_file and decode_cf
Dataset open_dataset(const std::string& path, const CfOptions& options = {});

}  // namespace freestone
