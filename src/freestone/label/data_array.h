/// DataArray: one variable with its coordinates.
///
/// It is a Dataset of which one variable is meant, so that whatever is done to a Dataset is done to a DataArray by the same function:
/// `tas.apply([](const Dataset& d) { return sel(d, {{"time", "2001-01"}}); })`.
#pragma once

#include "freestone/label/dataset.h"

namespace freestone {

class DataArray {
 public:
  /// The variable `name` of `dataset` with the coordinates whose axes are among its own.
  /// @throws Error kind user: there is none, with the nearest name
  DataArray(const Dataset& dataset, std::string name);
  DataArray(Array array, std::vector<std::string> dims, std::vector<DatasetVariable> coordinates = {}, std::string name = "data",
            std::vector<formats::Attribute> attributes = {});

  const std::string& name() const { return name_; }
  const DatasetVariable& variable() const { return dataset_[name_]; }
  const Array& array() const { return variable().array; }
  const std::vector<std::string>& dims() const { return variable().dims; }
  const Shape& shape() const { return array().shape(); }
  /// The coordinate that labels axis `dim`, or null.
  const DatasetVariable* coordinate(const std::string& dim) const { return dataset_.coordinate(dim); }
  /// The variable and its coordinates.
  const Dataset& dataset() const { return dataset_; }

  /// What `function`, from Dataset to Dataset, makes of it.
  template <class F>
  DataArray apply(F&& function) const {
    return DataArray(function(dataset_), name_);
  }

 private:
  Dataset dataset_;
  std::string name_;
};

}  // namespace freestone
